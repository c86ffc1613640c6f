"""Files of voxel elements: Abaqus input and VTU, with a named set for every phase."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from microdsd.io import atomic_write
from microdsd.io.vtk_xml import Array, write_vtk
from microdsd.meshes.hexahedra import Elements

HEXAHEDRON, QUAD = 12, 9
"""Numbers of VTK's cell types."""

ELEMENT_TYPES = {True: "CPE4", False: "C3D8"}
"""Abaqus' names, of images (plane strain) and volumes."""

_PER_LINE = 16
"""Most numbers that a line of an Abaqus set may have."""

_ABAQUS_NAME = 60
"""Characters of a name, which may have 80 with what is put around it."""


def save_inp(path: str | Path, elements: Elements, *, overwrite: bool = False) -> None:
    """Write elements as Abaqus input: a set, a section and a material for every phase.

    The materials are empty: fill in their properties. Node sets X0, X1, Y0, Y1, Z0 and Z1 hold
    the nodes in the faces of the box, for boundary conditions. Nodes and elements are written
    layer by layer, so that memory does not grow with the file.

    Parameters
    ----------
    path : str or Path
    elements : Elements
    overwrite : bool

    Raises
    ------
    DataFileError
        The file exists, or the disk refused the data.
    """
    names = set_names(elements.phases)
    with (
        atomic_write(path, overwrite=overwrite) as temporary,
        temporary.open("w", encoding="ascii", newline="\n") as file,
    ):
        file.write(_heading(elements, names))
        file.write("*Node\n")
        _write_rows(file, "%d, %.9g, %.9g, %.9g\n", elements.nodes())
        file.write(f"*Element, type={ELEMENT_TYPES[elements.flat]}\n")
        corners = 4 if elements.flat else 8
        row = ", ".join(["%d"] * (corners + 1)) + "\n"
        _write_rows(file, row, (nodes + 1 for nodes in elements.corners()))
        for label, name in names.items():
            file.write(f"*Elset, elset={name}\n")
            _write_numbers(file, _of_phase(elements, label))
        for face, numbers in elements.face_nodes().items():
            pieces = [piece + 1 for piece in numbers]
            if sum(map(len, pieces)):
                file.write(f"*Nset, nset={face}\n")
                _write_numbers(file, pieces)
        for name in names.values():
            file.write(f"*Solid Section, elset={name}, material=MATERIAL-{name}\n,\n")
        for name in names.values():
            file.write(f"*Material, name=MATERIAL-{name}\n** give the properties here\n")


def save_vtu(path: str | Path, elements: Elements, *, overwrite: bool = False) -> None:
    """Write elements as a VTK unstructured grid.

    The cell data ``labels`` holds the labels, and an array of 0 and 1 under the name of every
    phase the cells of that set. The field data ``phases`` holds the names as JSON, ``unit`` the
    unit of lengths. Memory does not grow with the file.

    Parameters
    ----------
    path : str or Path
    elements : Elements
    overwrite : bool

    Raises
    ------
    DataFileError
        The file exists, or the disk refused the data.
    """
    n, nodes = elements.number, elements.number_of_nodes
    corners = 4 if elements.flat else 8
    kind = QUAD if elements.flat else HEXAHEDRON

    def of_phase(label: int) -> Array:
        dtype = np.dtype("u1")
        return Array(
            "CellData",
            # "labels" is taken.
            elements.phases[label].replace("labels", "labels of voxels"),
            dtype,
            n,
            1,
            lambda: (layer == label for layer in elements.layers()),
        )

    def counted() -> Iterator[NDArray[np.int64]]:
        start = 0
        for layer in elements.layers():
            yield corners * np.arange(start + 1, start + len(layer) + 1)
            start += len(layer)

    labels = elements.labels.dtype.newbyteorder("<")
    arrays = [
        Array("CellData", "labels", labels, n, 1, elements.layers),
        *(of_phase(label) for label in elements.phases),
        Array("Points", "points", np.dtype("<f8"), 3 * nodes, 3, elements.nodes),
        Array("Cells", "connectivity", np.dtype("<i8"), corners * n, 1, elements.corners),
        Array("Cells", "offsets", np.dtype("<i8"), n, 1, counted),
        Array(
            "Cells",
            "types",
            np.dtype("u1"),
            n,
            1,
            lambda: (np.full(len(layer), kind) for layer in elements.layers()),
        ),
    ]
    texts = {
        "phases": json.dumps({str(label): name for label, name in elements.phases.items()}),
        "unit": elements.unit,
    }
    size = {"NumberOfPoints": nodes, "NumberOfCells": n}
    write_vtk(path, "UnstructuredGrid", size, arrays, texts, overwrite=overwrite)


def set_names(phases: Mapping[int, str]) -> dict[int, str]:
    """Return names of sets that Abaqus takes: letters, digits, _ and -, each once in any case.

    Examples
    --------
    >>> set_names({0: "pore space", 1: "2nd", 3: "2ND", 4: "α"})
    {0: 'PORE_SPACE', 1: 'P_2ND', 3: 'P_2ND_3', 4: 'PHASE_4'}
    """
    names: dict[int, str] = {}
    for label, name in phases.items():
        plain = re.sub(r"[^A-Z0-9_-]+", "_", name.upper())[:_ABAQUS_NAME]
        if not re.search(r"[A-Z0-9]", plain):
            plain = f"PHASE_{label}"
        elif not plain[0].isalpha():
            plain = f"P_{plain}"
        while plain in names.values() or plain in ("X0", "X1", "Y0", "Y1", "Z0", "Z1"):
            plain = f"{plain}_{label}"
        names[label] = plain
    return names


def _heading(elements: Elements, names: Mapping[int, str]) -> str:
    lines = [
        "*Heading",
        "microdsd: one element for every voxel",
        f"** lengths in {elements.unit}",
        *(
            f"** {name}: {elements.counts[label]} elements, phase "
            + json.dumps(elements.phases[label])
            for label, name in names.items()
        ),
        *(f"** phase {json.dumps(name)}: no voxel, no set" for name in elements.absent),
    ]
    return "\n".join(lines) + "\n"


def _write_rows(file: TextIO, row: str, pieces: Iterable[NDArray[np.generic]]) -> None:
    """Write numbered rows; numbers go through one format at a time, which is fastest."""
    start = 1
    for piece in pieces:
        numbered = np.empty((len(piece), piece.shape[1] + 1), dtype=object)
        numbered[:, 0] = np.arange(start, start + len(piece))
        numbered[:, 1:] = piece
        file.write((row * len(piece)) % tuple(numbered.ravel().tolist()))
        start += len(piece)


def _of_phase(elements: Elements, label: int) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of the elements of a phase from 1, layer by layer."""
    start = 1
    for layer in elements.layers():
        yield start + np.flatnonzero(layer == label)
        start += len(layer)


def _write_numbers(file: TextIO, pieces: Iterable[NDArray[np.int64]]) -> None:
    for piece in pieces:
        numbers = piece.tolist()
        for first in range(0, len(numbers), _PER_LINE):
            file.write(", ".join(map(str, numbers[first : first + _PER_LINE])) + "\n")
