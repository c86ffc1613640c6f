"""Files of triangles: STL and PLY, binary, and VTP, which holds the phases on both sides too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from microdsd.io import atomic_write
from microdsd.io.vtk_xml import Array, write_vtk
from microdsd.meshes.surface import Surface, volume_record

_STL_HEADER = 80


def save_stl(path: str | Path, surface: Surface, *, overwrite: bool = False) -> None:
    """Write triangles as binary STL, which holds neither phases nor the unit of lengths.

    The header says unit and volume error in words. Coordinates are single precision.

    Parameters
    ----------
    path : str or Path
    surface : Surface
    overwrite : bool

    Raises
    ------
    DataFileError
        The file exists, or the disk refused the data.
    """
    corners = surface.points[surface.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
    records = np.zeros(
        len(corners), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("colour", "<u2")]
    )
    records["normal"], records["corners"] = normals, corners
    # A text that begins with "solid" would be taken for that of a text file.
    note = f"microdsd, lengths in {surface.unit}"
    note += "".join(f"; volume error {v.error:+.2e}" for v in surface.volumes[:1])
    header = note.encode("ascii", "replace")[:_STL_HEADER].ljust(_STL_HEADER)
    with atomic_write(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        file.write(header)
        file.write(np.uint32(len(records)).astype("<u4").tobytes())
        file.write(records.tobytes())


def save_ply(path: str | Path, surface: Surface, *, overwrite: bool = False) -> None:
    """Write triangles as binary PLY, with the labels on both sides of each and the volumes.

    Comments hold the unit, the names of the phases and the volumes, as JSON.

    Parameters
    ----------
    path : str or Path
    surface : Surface
    overwrite : bool

    Raises
    ------
    DataFileError
        The file exists, or the disk refused the data.
    """
    faces = np.zeros(
        len(surface.triangles),
        dtype=[("n", "u1"), ("corners", "<i4", 3), ("behind", "<i4"), ("before", "<i4")],
    )
    faces["n"], faces["corners"] = 3, surface.triangles
    faces["behind"], faces["before"] = surface.behind, surface.before
    comments = {
        "unit": surface.unit,
        "phases": surface.phases,
        "volumes": volume_record(surface.volumes, surface.unit),
    }
    header = [
        "ply",
        "format binary_little_endian 1.0",
        *(f"comment {name} {json.dumps(value)}" for name, value in comments.items()),
        f"element vertex {len(surface.points)}",
        *(f"property double {axis}" for axis in "xyz"),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "property int phase_behind",
        "property int phase_before",
        "end_header\n",
    ]
    with atomic_write(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        file.write("\n".join(header).encode("ascii"))
        file.write(surface.points.astype("<f8").tobytes())
        file.write(faces.tobytes())


def save_vtp(path: str | Path, surface: Surface, *, overwrite: bool = False) -> None:
    """Write triangles as VTK poly data for ParaView, with the labels on both sides of each.

    The arrays ``phase_behind`` and ``phase_before`` belong to the triangles; the field data
    ``phases`` and ``volumes`` are JSON, ``unit`` is the unit of lengths.

    Parameters
    ----------
    path : str or Path
    surface : Surface
    overwrite : bool

    Raises
    ------
    DataFileError
        The file exists, or the disk refused the data.
    """
    triangles = surface.triangles
    offsets = 3 * np.arange(1, len(triangles) + 1)
    arrays = [
        Array.of("CellData", "phase_behind", surface.behind.astype("<i4")),
        Array.of("CellData", "phase_before", surface.before.astype("<i4")),
        Array.of("Points", "points", surface.points.astype("<f8")),
        Array.of("Polys", "connectivity", triangles.astype("<i8").ravel()),
        Array.of("Polys", "offsets", offsets.astype("<i8")),
    ]
    texts = {
        "phases": json.dumps({str(label): name for label, name in surface.phases.items()}),
        "unit": surface.unit,
        "volumes": json.dumps(volume_record(surface.volumes, surface.unit)),
    }
    size = {"NumberOfPoints": len(surface.points), "NumberOfPolys": len(triangles)}
    write_vtk(path, "PolyData", size, arrays, texts, overwrite=overwrite)
