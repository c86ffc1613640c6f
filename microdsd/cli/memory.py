"""Memory of commands that hold whole files: what does not fit is refused before any work."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from microdsd.errors import InputError
from microdsd.io import is_volume, matching_specs, open_labels
from microdsd.microstructure.axes import SPATIAL_DIMS

HELD = 2
"""Bytes per voxel while labels of one byte are read and kept, or written (measured)."""

EVALUATED = 20
"""Bytes per voxel of all samples that are evaluated, with as many windows (measured)."""

_DESCRIBED, _WITHOUT_FOURIER = 40, 13
"""Bytes per voxel of a sample of two phases that is described (measured: 41 in 160^3 and 256^3),
and where no Fourier transform of the whole box is asked for."""

_FOURIER = frozenset(("two_point", "two_point_along", "cluster", "representativity"))
"""Groups of descriptors that transform the whole box."""


def bytes_to_describe(descriptors: Sequence[str] | None) -> int:
    """Return the bytes per voxel that groups of descriptors take; of all, where none is named.

    Examples
    --------
    >>> bytes_to_describe(None), bytes_to_describe(["fractions", "surface"])
    (40, 13)
    """
    fourier = descriptors is None or not _FOURIER.isdisjoint(descriptors)
    return _DESCRIBED if fourier else _WITHOUT_FOURIER


def require_memory(
    spec: str,
    bytes_per_voxel: int,
    remedy: str,
    *,
    region: Mapping[str, slice] | None = None,
    one_by_one: bool = False,
) -> None:
    """Refuse a file whose voxels do not fit the memory, by the shape that it states.

    Files that are not HDF5 have to be read to know their shape. They are asked only where the work
    takes more than reading them does.

    Parameters
    ----------
    spec : str
        ``file.h5``, ``file.h5:/path/in/file``, or any other file of labels.
    bytes_per_voxel : int
        Of the work.
    remedy : str
        What to do instead; ``{region}`` stands for the layers that fit.
    region : mapping of str to slice, optional
        Part of the file that is read.
    one_by_one : bool
        Whether samples are held one at a time.

    Raises
    ------
    InputError
        Says what is needed, what is free, and what to do.
    """
    from microdsd.device import available_memory

    first = matching_specs(spec)[0]
    if is_volume(first) and bytes_per_voxel <= HELD:
        return
    # Names and size of the voxels do not matter, and without them labels would be counted.
    with open_labels(
        first, phases={0: "any"}, voxel_size="1 um", region=region, check=False
    ) as source:
        shape, samples = source.shape, 1 if one_by_one else source.n_samples
        width = max(bytes_per_voxel, HELD * source.dtype.itemsize)
    needed, free = samples * math.prod(shape) * width, available_memory()
    if needed <= free:
        return
    layers = max(1, shape[0] * free // needed)
    start = ((region or {}).get(SPATIAL_DIMS[-len(shape)]) or slice(0)).start or 0
    part = f"{SPATIAL_DIMS[-len(shape)]}={start}:{start + layers}"
    number = f"{samples} samples of " if samples > 1 else ""
    raise InputError(
        f"{spec}: {number}{' x '.join(map(str, shape))} voxels take about {needed / 1e9:.3g} GB of "
        f"memory, {free / 1e9:.3g} GB are free; {remedy.format(region=part, file=spec)}"
    )
