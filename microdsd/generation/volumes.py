"""The model that a command or a worker means: a file, or files by the direction of slices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from microdsd.device.precision import AUTO
from microdsd.errors import InputError
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.models.volumes import AXES


def model_for(
    path: str | Path,
    axes: int | None = None,
    slices: Mapping[str, str] | None = None,
    device: str | None = None,
    precision: str = AUTO,
) -> MicrostructureModel:
    """Load what makes boxes of some number of axes.

    Parameters
    ----------
    path : str or Path
        Model file, or the name of a model that ships.
    axes : int, optional
        Of the box; by default as many as the model has, or three where slices are given.
    slices : mapping of str to str, optional
        By the axis that slices are normal to, a class of the model, or another model; of axes that
        are not named, the model itself.
    device, precision
        As of `MicrostructureModel.load`.

    Raises
    ------
    InputError
        If the slices do not go together, or are too few.

    Examples
    --------
    >>> model_for("berea-2d").card.window, model_for("berea-2d", 3).card.window
    ((64, 64), (64, 64, 64))
    """
    model = MicrostructureModel.load(path, device, precision)
    if not slices:
        return model if axes is None else model.of_axes(axes)
    unknown = sorted({*slices} - {*AXES})
    if unknown:
        raise InputError(f"slices: {unknown[0]!r} is no axis of a volume; name z, y or x")
    if axes not in (None, len(AXES)):
        raise InputError(f"slices: are those of a volume, and the box has {axes} axes")
    named = {axis: name for axis, name in slices.items() if name in model.card.classes}
    if named and {*named} != {*AXES}:
        raise InputError(
            f"slices: names a class for {', '.join(named)}; give one of "
            f"{', '.join(model.card.classes)} for each of z, y and x"
        )
    models: dict[str, MicrostructureModel | str | Path] = dict.fromkeys(AXES, model)
    if not named:
        models |= slices
    return MicrostructureModel.from_slices(models, named, None, device, precision)
