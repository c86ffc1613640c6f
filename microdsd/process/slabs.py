"""The walk of a large box as occupation numbers: steps that are made slab by slab.

Walkers of one site are alike, so the state of a walk is how many of them are on every site: a byte
per voxel, where positions take tens. A slab is some layers of sites along the first axis. Its
walkers are made of its occupation numbers, move, and are counted where they arrive; the fields of
law (2) of `microdsd.process.bridge` are computed on the layers within their reach and nowhere else.

A walker's random numbers go with its place, its site and its rank among those on it. What is
drawn does therefore not depend on how a box is cut, but for the rounding of fields.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from microdsd.process.bridge import draw_along
from microdsd.process.density import places
from microdsd.process.kernel import average_along
from microdsd.process.lattice import Lattice
from microdsd.process.octaves import Moment, Octaves
from microdsd.process.walk import Walkers, draw_forward, numbered_uniforms

SLAB_SITES = 1 << 24
"""Sites of a slab, or one layer's: a constant, for samples must not depend on the memory."""

_TOGETHER = 1 << 22
"""Walkers that start together."""

_BAND = 128
"""Rows of a matrix that are multiplied together, with the columns that are not zero in them."""

Layers = Callable[[int, Tensor], Tensor]
"""From a species and numbers of layers, ascending, to those layers (layers, *across) of a field."""


def occupation_dtype(lattice: Lattice) -> torch.dtype:
    """Return the type of occupation numbers: a byte per voxel; blocks are few and hold many."""
    return torch.uint8 if lattice.block == 1 else torch.int32


def slabs(sites: int, across: int, most: int = SLAB_SITES) -> Iterator[slice]:
    """Cut the layers of a lattice into slabs.

    Parameters
    ----------
    sites : int
        Along the first axis.
    across : int
        Sites of one layer.
    most : int
        Sites of a slab.

    Examples
    --------
    >>> list(slabs(5, 100, most=250))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    layers = max(1, most // across)
    for first in range(0, sites, layers):
        yield slice(first, min(first + layers, sites))


def start_uniform(counts: Tensor, lattice: Lattice, key: Tensor) -> Tensor:
    """Draw occupation numbers (species, *sites) of walkers that are uniform on the box.

    They are those of `sample_uniform`, for one sample with ``counts`` (species,) whose generator
    gives this key.
    """
    device, axes = key.device, lattice.ndim
    occupation = torch.zeros(
        len(counts), *lattice.shape, dtype=occupation_dtype(lattice), device=device
    )
    lengths = torch.tensor(lattice.voxels, device=device)[:, None]
    for c, count in enumerate(counts.tolist()):
        for first in range(0, count, _TOGETHER):
            number = torch.arange(first, min(first + _TOGETHER, count), device=device)
            u = numbered_uniforms(key, number, axes=axes, species=len(counts), c=c)
            voxel = torch.minimum((u * lengths).long(), lengths - 1)
            _count(occupation[c], torch.div(voxel, lattice.block, rounding_mode="floor"))
    return occupation


def start_density(counts: Tensor, density: Tensor, lattice: Lattice, key: Tensor) -> Tensor:
    """Draw occupation numbers (species, *sites) of walkers with densities (species, *sites).

    They are those of `sample_density`, for one sample with ``counts`` (species,) whose generator
    gives this key.
    """
    occupation = torch.zeros(density.shape, dtype=occupation_dtype(lattice), device=key.device)
    for c, count in enumerate(counts.tolist()):
        for first in range(0, count, _TOGETHER):
            number = torch.arange(first, min(first + _TOGETHER, count), device=key.device)
            u = numbered_uniforms(key, number, axes=lattice.ndim, species=len(counts), c=c)
            _count(occupation[c], places(density[c], u))
    return occupation


def step_back(
    occupation: Tensor,
    h: Layers,
    octaves: Octaves,
    now: Moment,
    earlier: Moment,
    key: Tensor,
    most: int = SLAB_SITES,
    advance: Callable[[int], None] = lambda walkers: None,
) -> Tensor:
    """Move every walker back, by the law of `Octaves.sample_back`.

    Parameters
    ----------
    occupation : Tensor of int, shape (species, *sites)
        On the lattice of now.
    h : callable
        Layers of the potential, positive float32, on the lattice of now.
    octaves : Octaves
    now, earlier : Moment
        In descending order.
    key : Tensor of int64, shape (1,)
        Key of this step's random numbers.
    most : int
        Sites of a slab, or walkers of a species where these are more on average.
    advance : callable
        Receives after every slab how many walkers of it have moved.

    Returns
    -------
    Tensor of int, shape (species, *earlier sites)
    """
    axes = range(octaves.voxels.ndim)
    origins = Moment(now.octave, 0.0)
    smoothing = [octaves.backward_matrix(axis, earlier, origins) for axis in axes]
    steps = [octaves.backward_matrix(axis, now, earlier) for axis in axes]
    lattice = octaves.kernels[earlier.octave].lattice
    moved = torch.zeros(
        len(occupation), *lattice.shape, dtype=occupation_dtype(lattice), device=occupation.device
    )
    across, n_sites = math.prod(occupation.shape[2:]), math.prod(occupation.shape[1:])
    # A block holds many walkers, and what a slab takes is in proportion to these.
    crowd = max(1.0, int(occupation.sum(dtype=torch.int64)) / occupation.numel())
    for layers in slabs(occupation.shape[1], across, int(most / crowd)):
        # Where walkers of the slab can go, and of which origins that depends.
        reachable = _columns(steps[0][layers])
        first = steps[0][layers].index_select(1, reachable)
        sources = _columns(smoothing[0].index_select(0, reachable))
        to_reachable = smoothing[0].index_select(0, reachable).index_select(1, sources)
        for c in range(len(occupation)):
            position, number = _walkers(occupation[c, layers], layers, n_sites)
            if not len(number):
                continue
            field = apply_banded(h(c, sources), 0, to_reachable)
            for axis in axes[1:]:
                field = apply_banded(field, axis, smoothing[axis])
            fields = [field]
            for axis in range(len(axes) - 1, 0, -1):
                fields.insert(0, apply_banded(fields[0], axis, steps[axis]))
            del field
            u = numbered_uniforms(key, number, axes=len(axes), species=len(occupation), c=c)
            # The networks' bfloat16 must not reach the laws that are said to be exact.
            with torch.autocast(u.device.type, enabled=False):
                for axis, step in enumerate([first, *steps[1:]]):
                    draw_banded(fields.pop(0), step, position, axis, u[axis])
            position = position.long()
            position[0] = reachable.index_select(0, position[0])
            _count(moved[c], position)
            advance(len(number))
    return moved


def walk_forward(
    occupation: Tensor, octaves: Octaves, end: Moment, key: Tensor, most: int = SLAB_SITES
) -> Tensor:
    """Walk walkers from the data, where they are on voxels, to a noise level.

    They walk as `Octaves.sample_forward` lets them, with random numbers by place.

    Parameters
    ----------
    occupation : Tensor of int, shape (species, *voxels)
    octaves : Octaves
    end : Moment
    key : Tensor of int64, shape (1,)
    most : int
        Sites of a slab.

    Returns
    -------
    Tensor of int, shape (species, *sites)
    """
    species, axes = len(occupation), octaves.voxels.ndim
    steps = [octaves.forward_matrix(a, Moment(0, 0.0), end)[None] for a in range(axes)]
    lattice = octaves.kernels[end.octave].lattice
    moved = torch.zeros(
        species, *lattice.shape, dtype=occupation_dtype(lattice), device=occupation.device
    )
    across, n_sites = math.prod(occupation.shape[2:]), math.prod(occupation.shape[1:])
    for layers in slabs(occupation.shape[1], across, most):
        for c in range(species):
            position, number = _walkers(occupation[c, layers], layers, n_sites)
            position = position.long()
            position[0] += layers.start
            channel = torch.zeros_like(position[0])
            walkers = Walkers(octaves.voxels, 1, 1, channel, position)
            u = numbered_uniforms(key, number, axes=axes, species=species, c=c)
            _count(moved[c], draw_forward(walkers, steps, lattice, u).position)
    return moved


def _walkers(counts: Tensor, layers: slice, n_sites: int) -> tuple[Tensor, Tensor]:
    """List the walkers of the occupation numbers (layers, *across) of one slab.

    Returns their positions in the slab, int32 (axes, walkers), and their numbers: the flat index
    of their site in the box, and as many times its sites as walkers are before them on theirs.
    """
    occupied = counts.flatten().nonzero().squeeze(1)
    on_site = counts.flatten().index_select(0, occupied).long()
    site = occupied.repeat_interleave(on_site)
    rank = torch.arange(len(site), device=site.device)
    rank -= (on_site.cumsum(0) - on_site).repeat_interleave(on_site)
    number = rank.mul_(n_sites).add_(site).add_(layers.start * math.prod(counts.shape[1:]))
    position = torch.stack([along.int() for along in torch.unravel_index(site, counts.shape)])
    return position, number


def _count(occupation: Tensor, position: Tensor) -> None:
    """Add walkers (axes, walkers) to occupation numbers (*sites), in place."""
    site = position[0]
    for axis, length in enumerate(occupation.shape[1:], start=1):
        site = site * length + position[axis]
    one = torch.ones((), dtype=occupation.dtype, device=site.device).expand(site.shape)
    occupation.view(-1).scatter_add_(0, site, one)


def draw_banded(field: Tensor, step: Tensor, position: Tensor, axis: int, u: Tensor) -> None:
    """Draw coordinates as `draw_along` does, for a step (M, L) that is zero off a band.

    Walkers that are close along the axis are drawn together, from the part of the field that they
    reach: the time per walker then does not grow with the box.

    Parameters
    ----------
    field : Tensor, shape (*space)
    step : Tensor, shape (sites, earlier sites)
    position : Tensor of int32, shape (axes, walkers)
        Changed in place.
    axis : int
    u : Tensor, shape (walkers,)
    """
    if len(step) <= _BAND:
        draw_along(field[None], step, torch.zeros_like(position[axis]), position, axis, u)
        return
    band = torch.div(position[axis], _BAND, rounding_mode="floor")
    order = band.argsort(stable=True)
    sizes = torch.bincount(band, minlength=-(-len(step) // _BAND)).tolist()
    place, u = position.index_select(1, order), u.index_select(0, order)
    parts = zip(torch.split(place, sizes, 1), torch.split(u, sizes), strict=True)
    for number, (walkers, numbers) in enumerate(parts):
        first = number * _BAND
        rows = step[first : first + _BAND]
        sources = _columns(rows)
        low, length = int(sources[0]), int(sources[-1] - sources[0]) + 1
        walkers[axis] -= first
        part, reached = field.narrow(axis, low, length)[None], rows[:, low : low + length]
        draw_along(part, reached, torch.zeros_like(walkers[axis]), walkers, axis, numbers)
        walkers[axis] += low
    position[axis].scatter_(0, order, place[axis])


def apply_banded(field: Tensor, axis: int, matrix: Tensor) -> Tensor:
    """Average a field (*space) along one axis by a matrix (M, L) that is zero off a band.

    Examples
    --------
    >>> apply_banded(torch.arange(4.0), 0, torch.tensor([[0.5, 0.5, 0, 0], [0, 0, 0, 1]]))
    tensor([0.5000, 3.0000])
    """
    result = field.new_empty(*field.shape[:axis], len(matrix), *field.shape[axis + 1 :])
    for first in range(0, len(matrix), _BAND):
        rows = matrix[first : first + _BAND]
        sources = _columns(rows)
        low, length = int(sources[0]), int(sources[-1] - sources[0]) + 1
        part = field.narrow(axis, low, length)[None, None]
        done = average_along(part, axis, rows[:, low : low + length])
        result.narrow(axis, first, len(rows)).copy_(done[0, 0])
    return result


def _columns(rows: Tensor) -> Tensor:
    """Return the columns of a matrix that are not zero in all of its rows, ascending."""
    return rows.any(0).nonzero().squeeze(1)
