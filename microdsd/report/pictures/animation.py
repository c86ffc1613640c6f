"""The walk as a moving picture: walkers spread over the box condense into phases."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from microdsd.errors import InputError
from microdsd.io import atomic_write
from microdsd.io.order import path_first
from microdsd.microstructure import phases_of, resolve_phase, spatial_dims
from microdsd.microstructure.labels import focus_phase
from microdsd.report.pictures.figures import isosurface_picture
from microdsd.report.pictures.style import INK, figure_png
from microdsd.report.pictures.walkers import species_of, walkers_picture

if TYPE_CHECKING:
    from PIL.Image import Image

State = tuple[float, NDArray[Any]]
"""A noise level, voxels, and occupation numbers (species, *space)."""

_FRAME, _LAST = 120, 3000  # milliseconds
_BLUR = 1.0  # voxels, of the occupation before its highest voxels are drawn as a solid
_STRIP = 22  # pixels for the noise level
_COLOURS = 48
_NARROWEST, _WIDEST = 32, 4096  # pixels


@path_first
def animate_walk(
    path: str | Path,
    states: Sequence[State],
    material: xr.DataArray,
    *,
    background: int,
    phase: int | str | None = None,
    pixels: int = 320,
    overwrite: bool = False,
) -> None:
    """Write a walk to an animated GIF that repeats and pauses on the finished sample.

    In 2D every voxel has the colour of its walkers' phase, darker where several share it. In 3D one
    phase is drawn as a solid: the voxels where the blurred occupation is highest, as many as the
    sample has of that phase.

    Parameters
    ----------
    path : str or Path
        A file whose name ends in ``.gif``.
    states : sequence of (float, ndarray)
        Result of `MicrostructureModel.trajectory`; species are the labels in ascending order,
        without the phase that no walker stands for.
    material : DataArray, dims ([z,] y, x)
        The finished sample.
    background : int
        Label that no walker stands for, `ModelCard.background`.
    phase : int or str, optional
        Of volumes, the phase drawn; the pores, or the lowest label, if not given.
    pixels : int
        Width of the picture.
    overwrite : bool
        Whether a file of that name may be replaced.

    Raises
    ------
    InputError
        Another suffix, a width beyond 32 to 4096 pixels, or walkers that are not as many as the
        sample's voxels of their phases.
    DataFileError
        As `microdsd.io.atomic_write`.
    """
    from PIL import Image

    check_animation(path, pixels)
    _require_walkers_of(states, material, background)
    flat = len(spatial_dims(material)) == 2
    frames = (
        _planes(states, material, background)
        if flat
        else _solids(states, material, background, phase, pixels)
    )
    captions = [f"noise level {sigma:.1f} voxels" for sigma, _ in states] + ["finished"]
    pictures = [_captioned(f, c, pixels) for f, c in zip(frames, captions, strict=True)]
    shared = _shared_palette(pictures)
    indexed = [picture.quantize(palette=shared, dither=Image.Dither.NONE) for picture in pictures]
    with atomic_write(path, overwrite=overwrite) as temporary:
        indexed[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=indexed[1:],
            duration=[_FRAME] * len(states) + [_LAST],
            loop=0,
            optimize=False,
        )


def check_animation(path: str | Path, pixels: int) -> None:
    """Raise InputError for a file that is not named as a GIF, or an unsuitable width."""
    if Path(path).suffix.lower() != ".gif":
        raise InputError(f"output: {path} does not end in .gif; name it so")
    if not _NARROWEST <= pixels <= _WIDEST:
        raise InputError(f"pixels={pixels}: give a width from {_NARROWEST} to {_WIDEST}")


def highest_voxels(field: NDArray[Any], number: int) -> NDArray[np.bool_]:
    """Mark as many voxels as requested where a field is highest; ties in C order.

    Examples
    --------
    >>> highest_voxels(np.array([0.3, 0.9, 0.3, 0.1]), 2).tolist()
    [True, True, False, False]
    """
    marked = np.zeros(field.size, dtype=bool)
    marked[np.argsort(-field, axis=None, kind="stable")[:number]] = True
    return marked.reshape(field.shape)


def _require_walkers_of(states: Sequence[State], material: xr.DataArray, background: int) -> None:
    """Refuse walkers that did not become this sample."""
    species = species_of(phases_of(material), background)
    walkers = [int(n) for n in states[0][1].reshape(len(states[0][1]), -1).sum(1)]
    voxels = [int((material.values == label).sum()) for label in species]
    if walkers != voxels:
        raise InputError(
            f"states: have {walkers} walkers, and the sample {voxels} voxels of the phases "
            f"{species}; give the walk of this sample, and its background (here {background})"
        )


def _planes(
    states: Sequence[State], material: xr.DataArray, background: int
) -> Iterator[NDArray[np.uint8]]:
    phases = dict(phases_of(material))
    finished = np.stack([material.values == label for label in species_of(phases, background)])
    for occupation in (*(state for _, state in states), finished.astype(int)):
        yield walkers_picture(occupation, phases, background)


def _solids(
    states: Sequence[State],
    material: xr.DataArray,
    background: int,
    phase: int | str | None,
    pixels: int,
) -> Iterator[NDArray[np.uint8]]:
    phases = phases_of(material)
    label = focus_phase(phases) if phase is None else resolve_phase(material, phase)
    species = species_of(phases, background)
    other = next(number for number in sorted(phases) if number != label)
    count = int((material.values == label).sum())
    for _, occupation in states:
        walkers = occupation.astype(np.float32)
        field = -walkers.sum(0) if label == background else walkers[species.index(label)]
        inside = highest_voxels(ndimage.gaussian_filter(field, _BLUR, mode="nearest"), count)
        drawn = np.array([other, label], dtype=material.dtype)[inside.astype(int)]
        yield _drawn(material.copy(data=drawn), label, pixels)
    yield _drawn(material, label, pixels)


def _drawn(material: xr.DataArray, label: int, pixels: int) -> NDArray[np.uint8]:
    from PIL import Image

    inches = 3.2
    png = figure_png(isosurface_picture(material, phase=label, width=inches), dpi=pixels / inches)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def _captioned(picture: NDArray[np.uint8], caption: str, pixels: int) -> Image:
    from PIL import Image, ImageDraw, ImageFont

    frame = Image.fromarray(picture)
    times = max(1, pixels // frame.width)
    frame = frame.resize((frame.width * times, frame.height * times), Image.Resampling.NEAREST)
    page = Image.new("RGB", (frame.width, frame.height + _STRIP), "white")
    page.paste(frame)
    ImageDraw.Draw(page).text(
        (frame.width / 2, frame.height + _STRIP / 2),
        caption,
        fill=INK,
        anchor="mm",
        font=ImageFont.load_default(12),
    )
    return page


def _shared_palette(pictures: Iterable[Image]) -> Image:
    """Return one palette for all frames, so that colours do not flicker."""
    from PIL import Image

    some = list(pictures)
    some = [some[0], some[len(some) // 2], some[-1]]
    strip = Image.new("RGB", (some[0].width, sum(frame.height for frame in some)))
    for i, frame in enumerate(some):
        strip.paste(frame, (0, i * frame.height))
    return strip.quantize(_COLOURS)
