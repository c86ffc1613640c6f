"""Memory that samples take, against what there is: a box too large is refused before any work."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch

from microdsd.device import available_memory, resolve_device
from microdsd.device.precision import AUTO, resolve_dtype
from microdsd.errors import InputError
from microdsd.models.card import ModelCard
from microdsd.models.contents import Phases
from microdsd.models.volumes import AXES
from microdsd.networks import UNetConfig
from microdsd.networks.last_draw import SIZE, TILES
from microdsd.networks.slicing import SLICE_SITES
from microdsd.networks.stages import TILE_SITES
from microdsd.networks.tile_inputs import CHUNK_SITES
from microdsd.process.slabs import SLAB_SITES
from microdsd.sampling.best_phases import MOST_UNCLEAR

LARGE_BOX = 1 << 22
"""Voxels of a box beyond which samples of several lattices are made in bytes per voxel.

A constant: samples must not depend on the machine's memory."""

_FEATURE_MAPS = 6
"""Arrays as large as the first layer's output that an evaluation holds at once (measured)."""

_GRADIENT = 6
"""How much more an evaluation holds where known material asks for its slope (measured)."""

_FIELDS, _WALKERS = 40, 60
"""Bytes per voxel of a volume from slices: of its fields, per phase, and of its walkers
(measured)."""

_SLAB = 150
"""Bytes of a step per site of a slab: 40 are measured where it is the whole box, and fields of thin
slabs have several times their layers."""

_WALK = 12
"""Bytes of a large box per voxel and species: 6 are held, and the peak of 1024^3 (17.2 GB) says
that as many more are asked for now and then."""

_ASSIGNED = 75
"""Bytes per voxel at hand and phase while more than two phases are assigned (measured)."""

_FLOAT = 4

_KEPT = 3
"""Copies of all samples while they are put together and written (measured)."""

_PER_SAMPLE = 400
"""Bytes of a request for one sample, its fractions and counts apart (measured)."""


def bytes_per_voxel(network: UNetConfig, *, known_material: bool = False) -> int:
    """Return the memory that a sample takes, per voxel of its box.

    The value was measured on the models that ship and is within 15 % for boxes that need more than
    100 MB: 730 bytes in 2D with 32 features in the first layer, 490 in 3D with 16.

    Parameters
    ----------
    network : UNetConfig
    known_material : bool
        Whether known material steers the walk (`microdsd.sampling.evidence`).
    """
    single = 4 * _FEATURE_MAPS * network.widths[0]
    if known_material and network.read_out:
        single *= _GRADIENT
    return single + 24 * (network.species + 1) + 8 * (network.ndim + 3)


def require_memory_for_results(
    n: int,
    shape: Sequence[int],
    card: ModelCard,
    *,
    walks: int = 1,
    in_memory: bool = False,
    known_material: bool = False,
) -> None:
    """Refuse more samples than the memory of this machine holds, however they are made.

    Parameters
    ----------
    n : int
    shape : sequence of int
    card : ModelCard
    walks : int
        Made at a time for one sample.
    in_memory : bool
        Whether boxes of any size are made in memory: with regions, known material or a guide.
    known_material : bool
        Whether known material steers the walk.

    Raises
    ------
    InputError
        Says how many fit.
    """

    def kept(voxels: int) -> int:
        return _KEPT * voxels + _PER_SAMPLE + 100 * (card.network.species + 1)

    each, free = kept(math.prod(shape)), available_memory()
    if n * each <= free:
        return
    if each > free:
        device = resolve_device(None)
        dtype, free_to_work = resolve_dtype(AUTO, device), available_memory(device)
        alone = makes_large_boxes(card) and walks == 1 and not in_memory

        def fits(edge: int) -> bool:
            voxels = edge ** len(shape)
            if _of_slices(card):
                work = walks * bytes_of_volume(
                    voxels, voxels // edge, card.network, known_material=known_material
                )
            elif alone and voxels > LARGE_BOX:
                passes = card.last_draw is not None
                work = bytes_of_large_box(voxels, card.network, dtype, passes=passes)
            else:
                single = bytes_per_voxel(card.network, known_material=known_material)
                work = walks * voxels * single
            return kept(voxels) <= free and work <= free_to_work

        edge = _largest_edge(len(shape), max(shape), fits)
        raise InputError(
            f"shape={tuple(shape)}: one sample takes about {_readable(each)} of memory, "
            f"{_readable(free)} are free; {_largest_box(len(shape), edge ** len(shape))} fits"
        )
    raise InputError(
        f"n={n}: samples of {' x '.join(map(str, shape))} voxels take about "
        f"{_readable(n * each)} of memory, {_readable(free)} are free; {free // each} fit, make "
        "them in several runs with seeds of their own"
    )


def makes_large_boxes(card: ModelCard) -> bool:
    """Tell whether a model makes boxes of more than `LARGE_BOX` voxels in bytes per voxel.

    That is for phases by bridges over several lattices; not for volumes from slices.
    """
    phases = isinstance(card.contents, Phases) and card.network.read_out
    return phases and bool(card.octaves) and not _of_slices(card)


def _of_slices(card: ModelCard) -> bool:
    """Tell whether volumes are made of slices; a model of slices makes pictures else."""
    return card.volumes is not None and len(card.window) == len(AXES)


def require_memory_for_work(
    batch: int,
    shape: Sequence[int],
    network: UNetConfig,
    device: torch.device,
    *,
    known_material: bool = False,
    particles: int = 1,
) -> None:
    """Refuse boxes whose samples cannot be made in the memory of the device.

    Parameters
    ----------
    batch : int
        Walks made at a time.
    shape : sequence of int
    network : UNetConfig
    device : torch.device
    known_material : bool
        Whether known material steers the walk.
    particles : int
        Walks made for one sample, which cannot be made one after the other.

    Raises
    ------
    InputError
        Says what fits.
    """
    each = batch * bytes_per_voxel(network, known_material=known_material)
    needed, free = math.prod(shape) * each, available_memory(device)
    if needed > free:
        raise InputError(
            f"shape={tuple(shape)}: takes about {_readable(needed)} of memory to make"
            f"{_with(particles)}, {_readable(free)} are free on {device}; "
            f"{_largest_box(len(shape), free // each)} fits{_or_fewer(particles, needed, free)}"
        )


def bytes_of_volume(
    voxels: int, widest: int, network: UNetConfig, *, known_material: bool = False
) -> int:
    """Estimate the memory for one volume that is made of slices.

    Fields of the volume, and the features of as many slices as are evaluated at a time.

    Parameters
    ----------
    voxels : int
        Of the volume.
    widest : int
        Voxels of its largest slice.
    network : UNetConfig
    known_material : bool
        Whether known material steers the walk.
    """
    features = 4 * _FEATURE_MAPS * network.widths[0] * (_GRADIENT if known_material else 1)
    slices = max(widest, min(voxels, SLICE_SITES))
    fields = _FIELDS * (2 if known_material else 1)
    return voxels * (fields * (network.species + 1) + _WALKERS) + slices * features


def require_memory_for_volume(
    batch: int,
    shape: Sequence[int],
    network: UNetConfig,
    device: torch.device,
    *,
    known_material: bool = False,
    particles: int = 1,
) -> None:
    """Refuse volumes from slices that cannot be made in the memory of the device.

    Raises
    ------
    InputError
        Says what fits.
    """

    def needed(lengths: Sequence[int]) -> int:
        voxels = math.prod(lengths)
        widest = voxels // min(lengths)
        return batch * bytes_of_volume(voxels, widest, network, known_material=known_material)

    free = available_memory(device)
    if needed(shape) <= free:
        return
    edge = _largest_edge(3, max(shape), lambda n: needed((n, n, n)) <= free)
    raise InputError(
        f"shape={tuple(shape)}: takes about {_readable(needed(shape))} of memory to make from "
        f"slices{_with(particles)}, {_readable(free)} are free on {device}; "
        f"{_largest_box(3, edge**3)} fits{_or_fewer(particles, needed(shape), free)}"
    )


def bytes_of_large_box(
    voxels: int, network: UNetConfig, precision: str = "float32", *, passes: bool = False
) -> int:
    """Estimate the memory for one sample of a large box: bytes per voxel, and room to work.

    Per species 6 bytes a voxel are held: occupation numbers before and after a step, one each, and
    log h now and before, two each; `_WALK` are reckoned with. Besides, the network keeps the
    smoothed occupation numbers and the coarser features of a chunk, or a step works on a slab, or
    the assignment of more than two phases takes `_ASSIGNED` bytes per voxel and phase: none of
    these grows beyond its chunk or slab. Passes of the last draw hold log odds, before and after,
    and occupation numbers, 9 bytes per species, and three fields of a byte.

    Parameters
    ----------
    voxels : int
        Number of voxels of the box.
    network : UNetConfig
    precision : {"float32", "bfloat16"}
        Of the features.
    passes : bool
        Whether phases are drawn in passes.

    Examples
    --------
    >>> network = UNetConfig(ndim=3, species=1, widths=(16, 48, 96))
    >>> two = [bytes_of_large_box(n**3, network, "bfloat16") for n in (512, 1024)]
    >>> [f"{number / 1e9:.1f} GB" for number in two]
    ['5.1 GB', '17.2 GB']
    """
    width = 2 if precision == "bfloat16" else _FLOAT
    features: float = sum(
        (coarse + fine) / float(1 << level * network.ndim)
        for level, (fine, coarse) in enumerate(pairwise(network.widths), start=1)
    )
    chunk = math.ceil(min(voxels, CHUNK_SITES) * (_FLOAT * network.species + width * features))
    tile = min(voxels, TILE_SITES["cpu"]) * _FLOAT * _FEATURE_MAPS * network.widths[0]
    slab = min(voxels, SLAB_SITES) * _SLAB
    assigned = 0
    if network.species > 1:
        sites = min(voxels, SLAB_SITES + MOST_UNCLEAR)
        assigned = sites * _ASSIGNED * (network.species + 1)
    walk = _WALK * network.species * voxels + max(chunk + tile, slab, assigned)
    if not passes:
        return walk
    width_of_last_draw = int(SIZE[network.ndim]["widths"][0])
    tile = TILES * min(voxels, TILE_SITES["cpu"]) * _FLOAT * _FEATURE_MAPS * width_of_last_draw
    return max(walk, (9 * network.species + 3) * voxels + max(tile, slab, assigned))


def require_memory_for_large_box(
    shape: Sequence[int],
    network: UNetConfig,
    device: torch.device,
    precision: str,
    *,
    passes: bool = False,
) -> None:
    """Refuse a large box whose samples cannot be made in the memory of the device.

    Raises
    ------
    InputError
        Says what fits.
    """

    def needed_for(voxels: int) -> int:
        return bytes_of_large_box(voxels, network, precision, passes=passes)

    needed, free = needed_for(math.prod(shape)), available_memory(device)
    if needed <= free:
        return
    ndim = len(shape)
    edge = _largest_edge(ndim, max(shape), lambda n: needed_for(n**ndim) <= free)
    raise InputError(
        f"shape={tuple(shape)}: takes about {_readable(needed)} of memory to make, "
        f"{_readable(free)} are free on {device}; {_largest_box(ndim, edge**ndim)} fits"
    )


def _largest_edge(ndim: int, most: int, fits: Callable[[int], bool]) -> int:
    """Return the longest edge of a box that fits, of ``most`` voxels at most; 0 where none does.

    Boxes beyond `LARGE_BOX` may take less memory than somewhat smaller ones, which are made in
    another way. Therefore both ranges are searched, each by itself.
    """
    small = bisect_right(range(1, most + 1), LARGE_BOX, key=lambda edge: edge**ndim)
    for edges in (range(small + 1, most + 1), range(1, small + 1)):
        if edges and fits(edges[0]):
            return edges[0] - 1 + bisect_left(edges, True, key=lambda edge: not fits(edge))
    return 0


def _largest_box(ndim: int, voxels: int) -> str:
    edge = max(0, math.floor(voxels ** (1 / ndim) + 1e-9))
    return f"a box of {' x '.join([str(edge)] * ndim)}"


def _with(particles: int) -> str:
    return f" with {particles} particles" if particles > 1 else ""


def _or_fewer(particles: int, needed: int, free: int) -> str:
    """Say how many particles fit, where each needs the same and some do."""
    fit = particles * free // needed
    if particles == 1 or fit == 0:
        return ""
    return f", or {fit} particle{'s' if fit > 1 else ''} of the box asked for"


def _readable(number: float) -> str:
    """Format bytes as people write them.

    Examples
    --------
    >>> _readable(5.5e9), _readable(320)
    ('5.5 GB', '0.0 MB')
    """
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number / 1e6:.1f} MB"
