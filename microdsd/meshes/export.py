"""One sample as a mesh, in the format that the name of the output asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from microdsd.errors import InputError
from microdsd.io import ensure_writable
from microdsd.meshes.element_files import save_inp, save_vtu
from microdsd.meshes.hexahedra import Elements
from microdsd.meshes.surface import (
    SMOOTHING,
    PhaseVolume,
    Surface,
    body_surface,
    in_unit,
    phase_surfaces,
)
from microdsd.meshes.triangle_files import save_ply, save_stl, save_vtp
from microdsd.microstructure import LabelsLike, as_microstructure, label_counts, phases_of
from microdsd.microstructure.outside import material_phases

BODIES = {".stl": save_stl, ".ply": save_ply}
"""By suffix, what writes the surface of one body."""

ELEMENTS = {".inp": save_inp, ".vtu": save_vtu}
"""By suffix, what writes voxels as elements."""

MESH_SUFFIXES = (*BODIES, ".vtp", *ELEMENTS)
"""Formats of meshes."""


@dataclass(frozen=True)
class WrittenMesh:
    """Describe a file, and what is in it.

    Attributes
    ----------
    path : Path
    volumes : tuple of PhaseVolume
        Volumes of the phases; voxels as elements have none, as their volumes are exact.
    counts : dict of str to int
        Triangles and points, or elements by phase and nodes.
    unit : str
    """

    path: Path
    volumes: tuple[PhaseVolume, ...]
    counts: dict[str, int]
    unit: str


def mesh_files(
    path: str | Path, ms: LabelsLike, phases: Sequence[int | str] | None = None
) -> dict[Path, Sequence[int | str] | None]:
    """Return the files that `save_meshes` writes, and the phases of each.

    STL and PLY hold one body: that of the phases asked for or, where none is named, one file for
    every phase that has a voxel.

    Examples
    --------
    >>> import numpy as np
    >>> ms = as_microstructure(np.array([[[0, 1]]]), phases={0: "pore", 1: "solid"})
    >>> [str(file) for file in mesh_files("a.stl", ms)]
    ['a-pore.stl', 'a-solid.stl']
    >>> [str(file) for file in mesh_files("a.inp", ms)]
    ['a.inp']
    """
    path = Path(path)
    check_mesh_format(path)
    if path.suffix.lower() not in BODIES or phases:
        return {path: phases or None}
    box = as_microstructure(ms)
    voxels = label_counts(box.values)
    files: dict[Path, Sequence[int | str] | None] = {}
    for label, name in material_phases(phases_of(box)).items():
        if voxels.get(label):
            plain = re.sub(r"[^\w-]+", "_", name).strip("_") or str(label)
            file = path.with_name(f"{path.stem}-{plain}{path.suffix}")
            if file in files:
                file = path.with_name(f"{path.stem}-{plain}-{label}{path.suffix}")
            files[file] = [label]
    return files


def check_mesh_format(path: str | Path) -> None:
    """Refuse a name that asks for no format of meshes.

    Raises
    ------
    InputError
    """
    if Path(path).suffix.lower() not in MESH_SUFFIXES:
        raise InputError(f"output: {path} ends in none of {', '.join(MESH_SUFFIXES)}; name it so")


def ensure_meshes_writable(
    path: str | Path,
    ms: LabelsLike,
    phases: Sequence[int | str] | None = None,
    *,
    overwrite: bool,
    inputs: Iterable[str | Path] = (),
) -> list[Path]:
    """Refuse outputs that `save_meshes` would refuse, before long work; what it will write.

    Raises
    ------
    InputError
        An unknown suffix.
    DataFileError
        As `microdsd.io.ensure_writable`.
    """
    files, inputs = list(mesh_files(path, ms, phases)), list(inputs)
    for file in files:
        ensure_writable(file, overwrite=overwrite, inputs=inputs)
    return files


def save_meshes(
    path: str | Path,
    ms: LabelsLike,
    phases: Sequence[int | str] | None = None,
    *,
    smoothing: int = SMOOTHING,
    caps: bool = True,
    unit: str | None = None,
    overwrite: bool = False,
) -> list[WrittenMesh]:
    """Write one sample as a mesh.

    Parameters
    ----------
    path : str or Path
        ``.stl`` and ``.ply``: the closed surface of a body. ``.vtp``: the surfaces of all phases,
        with what they share. ``.inp`` (Abaqus) and ``.vtu``: voxels as elements.
    ms : DataArray or ndarray, dims ([z,] y, x)
        One sample; surfaces need three axes.
    phases : sequence of int or str, optional
        For bodies those that make it, by default one file for every phase; for elements those that
        are there, by default all.
    smoothing : int
        Iterations, of surfaces.
    caps : bool
        Whether bodies are closed where they meet the faces of the box.
    unit : {"m", "mm", "um", "nm"}, optional
        Unit of lengths; by default metres, or voxels where no voxel size is known.
    overwrite : bool
        Whether files of these names may be replaced.

    Returns
    -------
    list of WrittenMesh

    Raises
    ------
    InputError
        An unknown suffix or unit, a phase without voxels, an ensemble, a surface of an image, an
        option that does not go with the format.
    DataFileError
        A file exists, or the disk refused the data.

    Examples
    --------
    >>> import numpy as np
    >>> layers = np.repeat([0, 1], 4)[:, None, None] * np.ones((8, 8, 8), dtype=int)
    >>> solid, = save_meshes("half.stl", layers, [1])
    >>> solid.counts, round(solid.volumes[0].of_mesh, 6)
    ({'triangles': 512, 'points': 258}, 256.0)
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".vtp" and phases:
        raise InputError("phase: .vtp holds all phases; leave it out, or write .stl or .ply")
    if suffix not in BODIES and not caps:
        raise InputError(f"caps: {suffix} holds whole bodies; only .stl and .ply can be open")
    written = []
    for file, chosen in mesh_files(path, ms, phases).items():
        if suffix in ELEMENTS:
            elements = Elements.of(ms, chosen, unit=unit)
            ELEMENTS[suffix](file, elements, overwrite=overwrite)
            counts = {elements.phases[label]: n for label, n in elements.counts.items()}
            counts["nodes"] = elements.number_of_nodes
            written.append(WrittenMesh(file, (), counts, elements.unit))
            continue
        surface = (
            phase_surfaces(ms, smoothing=smoothing)
            if chosen is None
            else body_surface(ms, chosen, smoothing=smoothing, caps=caps)
        )
        surface = surface if unit is None else in_unit(surface, unit)
        (save_vtp if chosen is None else BODIES[suffix])(file, surface, overwrite=overwrite)
        written.append(_described(file, surface))
    return written


def _described(file: Path, surface: Surface) -> WrittenMesh:
    counts = {"triangles": len(surface.triangles), "points": len(surface.points)}
    return WrittenMesh(file, surface.volumes, counts, surface.unit)
