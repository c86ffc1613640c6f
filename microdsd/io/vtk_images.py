"""VTK image data (.vti) through vtk, which porespy brings along."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from microdsd.io.arrays import described
from microdsd.io.request import ReadRequest
from microdsd.io.units import metres_per
from microdsd.io.volume import Volume, with_note, with_spacing

ITEM_BYTES = 8


def read_vti(request: ReadRequest) -> Volume:
    """Read an integer array of cells or points; the format has no unit of length.

    microdsd writes unit and phase names into the field data.
    """
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonExecutionModel import vtkStreamingDemandDrivenPipeline as Pipeline
    from vtkmodules.vtkIOXML import vtkXMLImageDataReader

    reader = vtkXMLImageDataReader()
    reader.SetFileName(str(request.path))
    with _errors_raised():
        reader.UpdateInformation()
    pairs = np.reshape(reader.GetOutputInformation(0).Get(Pipeline.WHOLE_EXTENT()), (3, 2))
    request.check_expansion(math.prod((pairs[:, 1] - pairs[:, 0] + 1).tolist()) * ITEM_BYTES)
    with _errors_raised():
        reader.Update()
    image = reader.GetOutput()
    points_shape = tuple(reversed(image.GetDimensions()))
    cells_shape = tuple(max(n - 1, 1) for n in points_shape)
    arrays: dict[str, Any] = {}
    for data, shape in ((image.GetCellData(), cells_shape), (image.GetPointData(), points_shape)):
        for number in range(data.GetNumberOfArrays()):
            stored = data.GetArray(number)
            if stored is None or stored.GetNumberOfComponents() != 1:
                continue
            values = vtk_to_numpy(stored)
            if values.dtype.kind in "biu":
                arrays[stored.GetName() or f"array {number}"] = values.reshape(shape)
    name = request.choose({name: described(array) for name, array in arrays.items()})
    fields = image.GetFieldData()
    phases, unit = _text(fields, "phases"), metres_per(_text(fields, "unit"))
    names = json.loads(phases) if phases else None
    volume = Volume(
        arrays[name].copy(),
        "iyx",
        phases=names and {int(label): str(text) for label, text in names.items()},
    )
    if axes := _text(fields, "axes"):
        # One layer of cells is a volume or an image, which only microdsd says.
        volume = replace(volume, axes="iyx" if axes == "yx" else "zyx")
    lengths = tuple(reversed(image.GetSpacing()))
    if unit is not None:
        return with_spacing(volume, tuple(length * unit for length in lengths), "microdsd")
    if set(lengths) == {1.0}:
        return volume
    text = " x ".join(f"{length:g}" for length in lengths)
    return with_note(volume, f"spacing {text} stated without a unit, not used; pass voxel_size")


@contextmanager
def _errors_raised() -> Iterator[None]:
    """Raise what vtk would print, and go on from, on damaged files."""
    from vtkmodules.vtkCommonCore import vtkLogger, vtkOutputWindow, vtkStringOutputWindow

    usual, kept = vtkOutputWindow.GetInstance(), vtkStringOutputWindow()
    vtkOutputWindow.SetInstance(kept)
    verbosity = vtkLogger.GetCurrentVerbosityCutoff()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    try:
        yield
    finally:
        vtkOutputWindow.SetInstance(usual)
        vtkLogger.SetStderrVerbosity(verbosity)
    if kept.GetOutput():
        raise ValueError(kept.GetOutput())


def _text(fields: Any, name: str) -> str | None:
    array = fields.GetAbstractArray(name)
    if array is None or not array.GetNumberOfValues():
        return None
    return str(array.GetValue(0))
