"""What a reader of files returns: values as stored, and what the file says of axes and sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from microdsd.errors import InputError

AXES_IN_ORDER = ("yx", "zyx", "syx", "szyx")
NO_SPACE = {"t": "points in time", "c": "channels", "s": "separate images"}
LARGEST_VOXEL = 1e-3


@dataclass(frozen=True)
class Volume:
    """Hold values as a file stores them, with what it states about them.

    Attributes
    ----------
    array : ndarray
        As stored; values are not interpreted.
    axes : str
        One letter per axis, slowest first: ``z``, ``y``, ``x``; ``i`` for pages, which are depth
        unless there is one; ``s`` for samples, ``t`` for time, ``c`` for channels, ``r`` for
        colours, ``u`` for what is not known.
    spacing : tuple of float, optional
        Metres along each axis of `array`; the entries of axes that are not space mean nothing.
    phases : dict of int to str, optional
        Name of every label.
    colours : int
        How many of the axis ``r`` are colours; those behind them are opacity.
    notes : tuple of str
        What the file states and the reader did not use, or what was done.
    """

    array: npt.NDArray[Any]
    axes: str
    spacing: tuple[float, ...] | None = None
    phases: dict[int, str] | None = None
    colours: int = 3
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse axes that are not those of the array."""
        if len(self.axes) != self.array.ndim:
            raise ValueError(f"axes {self.axes} of an array of shape {self.array.shape}")

    @property
    def is_ensemble(self) -> bool:
        """Return whether an axis counts samples."""
        return "s" in self.axes

    @property
    def voxel_size(self) -> tuple[float, ...] | None:
        """Return edge lengths in metres, in the order of the spatial axes; None where not known."""
        if self.spacing is None:
            return None
        return tuple(s for axis, s in zip(self.axes, self.spacing, strict=True) if axis in "zyx")


def plain_axes(ndim: int) -> str:
    """Return the axes of an array whose file does not name them.

    Examples
    --------
    >>> plain_axes(3)
    'iyx'
    """
    return {2: "yx", 3: "iyx", 4: "siyx"}.get(ndim, "u" * ndim)


def with_spacing(volume: Volume, sizes: tuple[float, ...], source: str) -> Volume:
    """Add the stated voxel size, or a note of why it is not used.

    Parameters
    ----------
    volume : Volume
    sizes : tuple of float
        Metres along each axis of the array.
    source : str
        Where the file says it, for the note.
    """
    spatial = [s for axis, s in zip(volume.axes, sizes, strict=True) if axis in "izyx"]
    stated = " x ".join(f"{size:g}" for size in spatial)
    if not all(math.isfinite(size) and size > 0 for size in spatial):
        return with_note(volume, f"voxel size {stated} m stated by {source}, not used")
    if max(spatial) >= LARGEST_VOXEL:
        return with_note(
            volume,
            f"voxel size {stated} m stated by {source}, not used: 1 mm or more is what programs "
            "write that know none; pass voxel_size if it is meant",
        )
    return replace(volume, spacing=sizes)


def with_note(volume: Volume, note: str) -> Volume:
    """Add a note."""
    return replace(volume, notes=(*volume.notes, note))


def in_order(volume: Volume, name: str, axis_order: str | None, ensemble: bool) -> Volume:
    """Bring the axes into the order ``([s,] [z,] y, x)``; colours that agree become grey.

    Parameters
    ----------
    volume : Volume
    name : str
        Name of the file, for messages.
    axis_order : str, optional
        Letters of the stored axes, slowest first, which overrule what the file says.
    ensemble : bool
        Whether the first axis that is neither y nor x counts samples.

    Raises
    ------
    InputError
        Colours, time or channels, a number of axes that is not that of images or volumes, or a
        wrong axis order.
    """
    # A plane per colour is also how some writers keep three or four slices: the user may say so.
    declared = axis_order is not None and len(axis_order) == volume.array.ndim
    if "r" in volume.axes and not (declared and not volume.axes.endswith("r")):
        volume = _grey(volume, name)
    volume = _without_single_pages(volume, keep=ensemble or declared)
    letters = (
        _inferred(volume, name, ensemble)
        if axis_order is None
        else _declared(volume, axis_order, ensemble)
    )
    order = [letters.index(axis) for axis in "szyx" if axis in letters]
    return replace(
        volume,
        array=np.ascontiguousarray(volume.array.transpose(order)),
        axes="".join(letters[axis] for axis in order),
        spacing=volume.spacing and tuple(volume.spacing[axis] for axis in order),
    )


def _grey(volume: Volume, name: str) -> Volume:
    """Return one channel of a colour image whose channels agree."""
    axis = volume.axes.index("r")
    array = np.moveaxis(volume.array, axis, -1)
    shades, opacity = array[..., : volume.colours], array[..., volume.colours :]
    if not (shades == shades[..., :1]).all():
        remedy = (
            "; if they are slices, say --axis-order zyx" if axis == volume.array.ndim - 3 else ""
        )
        raise InputError(
            f"{name}: is a colour image of shape {volume.array.shape}; turn its colours into "
            f"integer labels first (numpy.unique with axis=0 lists them){remedy}"
        )
    volume = replace(
        volume,
        array=shades[..., 0],
        axes=volume.axes.replace("r", ""),
        spacing=volume.spacing and volume.spacing[:axis] + volume.spacing[axis + 1 :],
    )
    if opacity.size and opacity.min() != opacity.max():
        volume = with_note(volume, "opacity varies, and is not used")
    return volume


def _without_single_pages(volume: Volume, *, keep: bool) -> Volume:
    """Leave out axes of length one that are no space, and single pages unless they are kept."""
    gone = [
        axis
        for axis, (letter, length) in enumerate(zip(volume.axes, volume.array.shape, strict=True))
        if length == 1 and letter in ("tc" if keep else "itcs")
    ]
    kept = [axis for axis in range(volume.array.ndim) if axis not in gone]
    return replace(
        volume,
        array=volume.array.squeeze(tuple(gone)),
        axes="".join(volume.axes[axis] for axis in kept),
        spacing=volume.spacing and tuple(volume.spacing[axis] for axis in kept),
    )


def _inferred(volume: Volume, name: str, ensemble: bool) -> str:
    letters = volume.axes
    if ensemble:
        first = next((a for a in "stiz" if a in letters), None)
        if first is not None:
            letters = letters.replace(first, "s", 1)
    letters = letters.replace("i", "z")
    for axis, length in zip(letters, volume.array.shape, strict=True):
        if axis in NO_SPACE and not (ensemble and axis == "s"):
            remedy = "keep one of them, or say --axis-order zyx if they are slices"
            if axis != "c":
                remedy += ", ensemble=True (--stack) if each is a sample"
            raise InputError(
                f"{name}: holds {length} {NO_SPACE[axis]} in an array of shape "
                f"{volume.array.shape}, which are no depth; {remedy}"
            )
    if "".join(sorted(letters, key="szyx".find)) not in AXES_IN_ORDER or (
        ensemble and "s" not in letters
    ):
        stack = "" if ensemble else "; pass ensemble=True (--stack) for a stack of samples"
        raise InputError(
            f"{name}: needs 2 or 3 axes{' beside that of the samples' if ensemble else ''}, "
            f"the array has the shape {volume.array.shape}{stack}"
        )
    return letters


def _declared(volume: Volume, axis_order: str, ensemble: bool) -> str:
    ndim = volume.array.ndim
    wanted = ("s" if ensemble else "") + "zyx"[-(ndim - ensemble) :]
    if not 2 <= ndim - ensemble <= 3:
        raise InputError(f"axis_order: is for 2 or 3 axes, the shape is {volume.array.shape}")
    order = axis_order.replace("z", "s") if ensemble and ndim == 3 else axis_order
    if sorted(order) != sorted(wanted):
        raise InputError(
            f"axis_order: needs the letters {wanted} in the order of the stored axes, "
            f"got {axis_order!r}"
        )
    return order
