"""Walkers and their forward walk."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Lattice

GROUP, GPU_GROUP = 1 << 18, 1 << 24
"""Sites, or walkers, that are at hand together: bounds the memory; on a CPU they fit a cache, a GPU
is to be kept busy."""

_LARGEST = (1 << 63) - 1
_STRIDE = 0x9E3779B97F4A7C15 - (1 << 64)
_ROUNDS = ((30, 0xBF58476D1CE4E5B9 - (1 << 64)), (27, 0x94D049BB133111EB - (1 << 64)))
"""Constants of SplitMix64, as signed numbers."""


@dataclass(frozen=True)
class Walkers:
    """Hold every unit of material, with the sample and species it belongs to.

    Attributes
    ----------
    lattice : Lattice
    batch, species : int
        Extent of the first two axes of the occupation numbers.
    channel : Tensor of int64, shape (walkers,)
        ``sample * species + c`` of each walker, ascending; never changes.
    position : Tensor of int64, shape (ndim, walkers)
        Voxel index of each walker along each axis.
    """

    lattice: Lattice
    batch: int
    species: int
    channel: Tensor
    position: Tensor
    _bounds: list[list[int]] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def of(cls, occupation: Tensor, lattice: Lattice) -> Walkers:
        """Return walkers of occupation numbers (batch, species, *space), in the array's order."""
        batch, species = occupation.shape[:2]
        counts = occupation.reshape(-1)
        if bool((counts <= 1).all()):
            site = counts.nonzero().squeeze(1)
        else:
            site = torch.repeat_interleave(
                torch.arange(counts.numel(), device=counts.device), counts.to(torch.int64)
            )
        channel = torch.div(site, lattice.n_sites, rounding_mode="floor")
        position = torch.stack(torch.unravel_index(site % lattice.n_sites, lattice.shape))
        return cls(lattice, batch, species, channel, position)

    @property
    def sample(self) -> Tensor:
        """Sample index of each walker, int64, shape (walkers,)."""
        return torch.div(self.channel, self.species, rounding_mode="floor")

    def site(self) -> Tensor:
        """Return the flat index of each walker's voxel in the box, int64, shape (walkers,)."""
        site = torch.zeros_like(self.channel)
        for axis, length in enumerate(self.lattice.shape):
            site = site * length + self.position[axis]
        return site

    def occupation(self) -> Tensor:
        """Return occupation numbers n (batch, species, *space), float32."""
        site = self.channel * self.lattice.n_sites + self.site()
        shape = self.batch, self.species, *self.lattice.shape
        counts = torch.zeros(math.prod(shape), device=site.device)
        one = torch.ones((), device=site.device).expand(site.shape)
        return counts.scatter_add_(0, site, one).view(shape)

    def counts(self) -> Tensor:
        """Return the number of walkers (batch, species): what no step may ever change."""
        n = torch.bincount(self.channel, minlength=self.batch * self.species)
        return n.view(self.batch, self.species)

    def first(self, samples: int) -> Walkers:
        """Return the walkers of the first samples alone."""
        if samples >= self.batch:
            return self
        end = self.bounds()[samples * self.species]
        channel, position = self.channel[:end], self.position[:, :end]
        return Walkers(self.lattice, samples, self.species, channel, position)

    def starts(self) -> Tensor:
        """Return the place of every channel's first walker, and last the number of walkers."""
        channels = torch.arange(self.batch * self.species + 1, device=self.channel.device)
        return torch.searchsorted(self.channel, channels)

    def bounds(self) -> list[int]:
        """Return `starts` on the host: copied once, for all that these walkers become."""
        if not self._bounds:
            self._bounds.append(self.starts().tolist())
        return self._bounds[0]

    def groups(self) -> Iterator[tuple[slice, slice]]:
        """Yield channels, of about `GROUP` sites or walkers together, and the walkers in them."""
        starts = self.bounds()
        group = GROUP if self.channel.device.type == "cpu" else GPU_GROUP
        walkers = starts[-1] // (self.batch * self.species)
        channels = max(1, group // max(self.lattice.n_sites, walkers))
        for first in range(0, len(starts) - 1, channels):
            last = min(first + channels, len(starts) - 1)
            yield slice(first, last), slice(starts[first], starts[last])

    def moved_to(self, position: Tensor, lattice: Lattice | None = None) -> Walkers:
        """Return the same walkers on other sites, by default of the same lattice."""
        lattice = self.lattice if lattice is None else lattice
        return Walkers(lattice, self.batch, self.species, self.channel, position, self._bounds)


def uniforms(
    walkers: Walkers, generators: Sequence[torch.Generator], number: Tensor | None = None
) -> Tensor:
    """Draw uniform numbers (axes, walkers), each walker's from a stream of its own.

    The numbers of walker k of a species depend on its sample's generator and on k alone: not on
    how many walkers there are. Two samples that differ in their counts, but start from equal
    generators, move the walkers that both have by the same numbers.

    Parameters
    ----------
    walkers : Walkers
        Ordered by channel, as `Walkers.of` and `sample_uniform` make them.
    generators : sequence of torch.Generator
        One per sample; each gives one key, whatever the number of walkers.
    number : Tensor of int64, shape (walkers,), optional
        Number of each walker among those of its species in its sample; by default in their order.

    References
    ----------
    Steele, Lea and Flood, OOPSLA (2014) 453, doi:10.1145/2660193.2660195 (SplitMix64, here with
    the walker's place in the stream as its counter).
    """
    axes, channel = walkers.lattice.ndim, walkers.channel
    key = torch.cat([draw_key(g) for g in generators])
    # The counter of walker k of species c is (k * species + c) * axes; all integers wrap.
    every = torch.arange(walkers.batch * walkers.species, device=channel.device)
    first = 0 if number is not None else walkers.starts()[:-1]
    before = (every % walkers.species - first * walkers.species) * axes
    start = (before * _STRIDE + key.repeat_interleave(walkers.species)).index_select(0, channel)
    if number is None:
        number = torch.arange(len(channel), device=channel.device)
    return _counted(number * (walkers.species * axes), start, axes)


def draw_key(generator: torch.Generator) -> Tensor:
    """Draw the key of a stream of uniform numbers, int64, shape (1,); see `numbered_uniforms`."""
    return torch.randint(_LARGEST, (1,), generator=generator, device=generator.device)


def numbered_uniforms(
    key: Tensor, number: Tensor, *, axes: int = 1, species: int = 1, c: int = 0
) -> Tensor:
    """Return the numbers (axes, walkers) that `uniforms` gives to some walkers of a species.

    Parameters
    ----------
    key : Tensor of int64, shape (1,)
        What `uniforms` draws from the generator of the walkers' sample.
    number : Tensor of int64, shape (walkers,)
        Number of each walker among those of its species.
    axes, species, c : int
        Axes of the lattice, number of species, and which of them it is.

    Examples
    --------
    >>> key = draw_key(torch.Generator().manual_seed(0))
    >>> all_of_them = numbered_uniforms(key, torch.arange(5))
    >>> bool((numbered_uniforms(key, torch.tensor([3])) == all_of_them[:, 3:4]).all())
    True
    """
    return _counted(number * (species * axes) + c * axes, key, axes)


def _counted(place: Tensor, start: Tensor, axes: int) -> Tensor:
    """Return uniform numbers (axes, walkers) of counters that begin behind ``place``."""
    u = torch.empty(axes, len(place), device=place.device)
    for axis in range(axes):
        _mix((place + (axis + 1)).mul_(_STRIDE).add_(start), out=u[axis])
    return u


def _mix(state: Tensor, out: Tensor) -> None:
    """Draw uniform float32 numbers from states a multiple of the stride apart.

    The states are used up.
    """
    for shift, factor in _ROUNDS:
        # Torch shifts arithmetically: the mask takes away the copies of the sign.
        shifted = (state >> shift).bitwise_and_((1 << (64 - shift)) - 1)
        state.bitwise_xor_(shifted).mul_(factor)
    # The last round's own shift would not reach the 24 bits that a float32 holds.
    torch.mul(state.bitwise_right_shift_(40).bitwise_and_(0xFFFFFF), 2.0**-24, out=out)


def sample_uniform(
    counts: Tensor, lattice: Lattice, generators: Sequence[torch.Generator]
) -> Walkers:
    """Draw walkers at the end of time: independent and uniform on the box.

    Parameters
    ----------
    counts : Tensor of int, shape (batch, species)
        Exact number of walkers of every species in every sample.
    generators : sequence of torch.Generator
        One per sample.
    """
    batch, species = counts.shape
    device = generators[0].device
    flat = counts.to(device).reshape(-1)
    channel = torch.repeat_interleave(torch.arange(batch * species, device=device), flat)
    nowhere = torch.zeros(lattice.ndim, len(channel), dtype=torch.int64, device=device)
    walkers = Walkers(lattice, batch, species, channel, nowhere)
    lengths = torch.tensor(lattice.voxels, device=device)[:, None]
    u = uniforms(walkers, generators)
    voxel = torch.minimum((u * lengths).long(), lengths - 1)
    return walkers.moved_to(torch.div(voxel, lattice.block, rounding_mode="floor"))


def sample_forward(
    walkers: Walkers,
    kernel: TransitionKernel,
    t: Tensor,
    generators: Sequence[torch.Generator],
    *,
    by_place: bool = False,
) -> Walkers:
    """Walk every walker for time t: one exact categorical draw per walker and axis.

    Parameters
    ----------
    walkers : Walkers
    kernel : TransitionKernel
        On the walkers' lattice and device.
    t : Tensor, shape (batch,)
        Time per sample.
    generators : sequence of torch.Generator
        One per sample.
    by_place : bool
        Whether a walker's random numbers go with its voxel, not with its number: samples of equal
        generators that differ in a few voxels then walk alike elsewhere. For walkers of which no
        two share a voxel.
    """
    steps = [kernel.axis_matrix(axis, t) for axis in range(kernel.lattice.ndim)]
    u = uniforms(walkers, generators, walkers.site() if by_place else None)
    return draw_forward(walkers, steps, walkers.lattice, u)


def draw_forward(walkers: Walkers, steps: Sequence[Tensor], lattice: Lattice, u: Tensor) -> Walkers:
    """Draw every walker's next site from its row of a matrix per axis.

    Parameters
    ----------
    walkers : Walkers
    steps : sequence of Tensor, shape (batch, sites before, sites after)
        One matrix per axis and sample; rows sum to one.
    lattice : Lattice
        Lattice of the sites after the step.
    u : Tensor, shape (axes, walkers)
        Uniform numbers.
    """
    sample = walkers.sample
    position = torch.empty_like(walkers.position)
    for axis, step in enumerate(steps):
        before, after = step.shape[-2:]
        # The rows' running sums, laid end to end, are increasing: one search serves all walkers.
        cumulative = step.double().cumsum(-1).view(-1, after)
        cumulative = cumulative / cumulative[:, -1:]
        row = sample * before + walkers.position[axis]
        offset = torch.arange(len(cumulative), device=row.device, dtype=torch.float64)[:, None]
        drawn = torch.searchsorted(
            (cumulative + offset).view(-1), row + u[axis].double(), right=True
        )
        position[axis] = (drawn - row * after).clamp(0, after - 1)
    return walkers.moved_to(position, lattice)
