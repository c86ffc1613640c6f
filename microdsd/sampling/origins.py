"""Where walkers may come from: anywhere in the box, or regions that hold counts of their own.

Walkers are independent, so what is known of some origins is imposed on those walkers alone:

- material that is known is put through the forward walk, an exact sample of its noise at every
  level; the network sees it together with the walkers that are on their way, and these are
  steered by how likely it is (`evidence`);
- the potential of walkers on their way is zero outside the regions they may come from;
- one factor per region and species, exp(mu), makes the expected number of origins in every
  region the one prescribed. These factors leave walkers free to cross between regions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from microdsd.process.blocks import block_sums
from microdsd.process.bridge import peak
from microdsd.process.density import sample_density
from microdsd.process.lattice import Lattice
from microdsd.process.octaves import Octaves
from microdsd.process.walk import Walkers, sample_uniform, uniforms
from microdsd.sampling.assignment import Generated, assign_phases, assign_walkers
from microdsd.sampling.lattices import Lattices
from microdsd.sampling.potentials import State
from microdsd.sampling.region_places import RegionBlocks, RegionVoxels
from microdsd.sampling.spectral_start import SpectralStart

_BALANCED = 1e-3
"""Largest relative error of a region's expected count, or one walker."""

_MOST_ROUNDS = 30
"""Rounds of balancing at one level; they go on at the next level from where they were."""


class Origins(Protocol):
    """Define what samplers ask of the places that walkers come from; noise levels are in voxels."""

    def walk(self, box: Octaves) -> Octaves:
        """Return the walk of the walkers, given that of the whole box."""
        ...

    def start(
        self, lattices: Lattices, sigma: float, generators: Sequence[torch.Generator]
    ) -> Walkers:
        """Return walkers at the horizon, on its lattice."""
        ...

    def surroundings(
        self, lattices: Lattices, sigma: float, generators: Sequence[torch.Generator]
    ) -> Tensor | None:
        """Return the occupation numbers of known material at a noise level; None without any."""
        ...

    def fixed(self) -> Tensor | None:
        """Mark the phase of voxels that are known for certain and walk beside walkers.

        The result is bool (phases, *space), the background first; None where there is no such
        voxel.
        """
        ...

    def settled(self, space: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return phases (batch, *space) of the voxels that are known, and where these are."""
        ...

    def restrict(
        self, log_h: Tensor, walking: State, lattices: Lattices, balance: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Return log h of the walkers on their way, and what the next level begins from.

        ``walking`` is the state without known material; ``balance`` is what this method returned
        at the level before, None at the first.
        """
        ...

    def assign(self, scores: Tensor, generators: Sequence[torch.Generator]) -> Generated:
        """Assign phases with exact counts from scores (batch, phases, *space)."""
        ...

    def walkers(self, phase: Tensor, lattice: Lattice) -> Walkers:
        """Return walkers that are where phases (batch, *space) are, without known material."""
        ...


@dataclass(frozen=True)
class Anywhere:
    """Represent all of the box, with one count per species.

    Attributes
    ----------
    counts : Tensor of int, shape (batch, species)
    spectral : SpectralStart, optional
        Draws the densities that walkers start with; without it they are uniform.
    """

    counts: Tensor
    spectral: SpectralStart | None = None

    def walk(self, box: Octaves) -> Octaves:
        """Return the walk of the whole box."""
        return box

    def start(
        self, lattices: Lattices, sigma: float, generators: Sequence[torch.Generator]
    ) -> Walkers:
        """Return walkers uniform on the box, or of a Gaussian density."""
        kernel = lattices.kernel(sigma)
        if self.spectral is None:
            return sample_uniform(self.counts, kernel.lattice, generators)
        density = self.spectral.densities(self.counts, kernel, sigma, generators)
        return sample_density(self.counts, density, kernel.lattice, generators)

    def surroundings(
        self, lattices: Lattices, sigma: float, generators: Sequence[torch.Generator]
    ) -> None:
        """Return None: no material is known."""

    def fixed(self) -> None:
        """Mark no voxel: no material is known."""

    def settled(self, space: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return phases, none of which is known."""
        phase = self.counts.new_zeros((len(self.counts), *space), dtype=torch.int64)
        return phase, torch.zeros_like(phase, dtype=torch.bool)

    def restrict(
        self, log_h: Tensor, walking: State, lattices: Lattices, balance: Tensor | None
    ) -> tuple[Tensor, None]:
        """Return log h as it is."""
        return log_h, None

    def assign(self, scores: Tensor, generators: Sequence[torch.Generator]) -> Generated:
        """Assign the best phases with these counts."""
        return assign_walkers(scores, self.counts, generators)

    def walkers(self, phase: Tensor, lattice: Lattice) -> Walkers:
        """Return the walkers of the whole box."""
        occupation = _indicators(phase, 1 + self.counts.shape[1])[:, 1:]
        return Walkers.of(occupation, lattice)


class Regions:
    """Represent regions of the box, each with its own counts; what lies in none of them is known.

    Parameters
    ----------
    index : Tensor of int64, shape (*space)
        Region of every voxel, from 0; -1 where the phase is known.
    counts : Tensor of int64, shape (batch, regions, phases)
        Voxels of every phase, the background first; sums to the voxels of each region.
    known : Tensor of int64, shape (*space)
        Phase of every voxel (0 is the background, c + 1 species c); read where index is -1.
    walled : bool
        Whether no-flux walls stand around the regions, which together are a box: walkers stay
        inside, and known material does not move.
    """

    def __init__(
        self, index: Tensor, counts: Tensor, known: Tensor, *, walled: bool = False
    ) -> None:
        self.index, self.counts, self.known, self._walled = index, counts, known, walled
        self._free = index >= 0
        self._all_free = bool(self._free.all())
        self._seen: dict[Lattice, RegionVoxels | RegionBlocks] = {}
        region = index.flatten()
        order = region.argsort(stable=True)
        self._sizes = torch.bincount(region[region >= 0], minlength=counts.shape[1])
        self._voxels = order[int((region < 0).sum()) :]

    def walk(self, box: Octaves) -> Octaves:
        """Return the walk of the whole box, or of the walled part of it."""
        if not self._walled:
            return box
        places = self._free.nonzero()
        ends = zip(places.amin(0).tolist(), places.amax(0).tolist(), strict=True)
        return box.within([slice(first, last + 1) for first, last in ends])

    def start(
        self, lattices: Lattices, sigma: float, generators: Sequence[torch.Generator]
    ) -> Walkers:
        """Return walkers uniform on each region, after a walk to the horizon over its edges."""
        batch, regions, phases = self.counts.shape
        species = phases - 1
        numbers = self.counts[..., 1:].transpose(1, 2)  # (batch, species, regions)
        channel = torch.arange(batch * species, device=numbers.device)
        channel = channel.repeat_interleave(numbers.sum(2).flatten())
        region = torch.arange(regions, device=numbers.device).repeat(batch * species)
        region = region.repeat_interleave(numbers.flatten())
        lattice = lattices.voxels
        nowhere = torch.zeros(lattice.ndim, len(channel), dtype=torch.int64, device=channel.device)
        walkers = Walkers(lattice, batch, species, channel, nowhere)
        size = self._sizes[region]
        u = uniforms(walkers, generators)[0].double()
        place = torch.minimum((u * size).long(), size - 1)
        first = self._sizes.cumsum(0) - self._sizes
        voxel = self._voxels[first[region] + place]
        position = torch.stack(torch.unravel_index(voxel, lattice.shape))
        return lattices.forward(walkers.moved_to(position), 0.0, sigma, generators)

    def surroundings(
        self, lattices: Lattices, sigma: float, generators: Sequence[torch.Generator]
    ) -> Tensor | None:
        """Return the known material after a walk of its own: exact, and new at every call.

        Outside walls it stands still.
        """
        if self._all_free:
            return None
        batch = len(self.counts)
        occupation = self._phases_known()[1:].float()
        occupation = occupation.expand(batch, *occupation.shape)
        if self._walled:
            return block_sums(occupation, lattices.kernel(sigma).lattice)
        walkers = Walkers.of(occupation, lattices.voxels)
        return lattices.forward(walkers, 0.0, sigma, generators).occupation()

    def fixed(self) -> Tensor | None:
        """Mark the phases of the known voxels within walls.

        The result is None outside walls, where the network sees known voxels already.
        """
        if self._walled or self._all_free:
            return None
        return self._phases_known()

    def settled(self, space: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return phases, and where they are known: in no region."""
        batch = len(self.counts)
        return self.known.expand(batch, *space), ~self._free.expand(batch, *space)

    def _phases_known(self) -> Tensor:
        """Mark the phase of every known voxel, (phases, *space)."""
        return _indicators(self.known[None], self.counts.shape[2])[0] & ~self._free

    def restrict(
        self, log_h: Tensor, walking: State, lattices: Lattices, balance: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Return log h that is nothing on known voxels, and balanced between the regions.

        The factors solve sum_{y in r} rho_c(y) = N_rc by iterative proportional fitting (Sinkhorn):
        scale each region's h by what its expected count lacks, until all are met. A sample whose
        counts are met is left alone, so that it does not depend on the others of its batch.

        Parameters
        ----------
        log_h : Tensor, shape (batch, species, *space)
        walking : State
            State of the walkers on their way alone.
        lattices : Lattices
        balance : Tensor, shape (batch, species, regions), optional
            Logarithms of the factors at the level before, from which this one goes on.

        Returns
        -------
        log_h : Tensor
        balance : Tensor or None
            Logarithms of the factors; None where one region needs none.

        References
        ----------
        Sinkhorn and Knopp, Pacific J. Math. 21 (1967) 343, doi:10.2140/pjm.1967.21.343.
        """
        log_h = log_h - peak(log_h)
        places = self._places(walking.kernel.lattice)
        wanted = self.counts[..., 1:].transpose(1, 2).to(log_h.dtype)
        factor = torch.zeros_like(wanted) if balance is None else balance
        if self.counts.shape[1] == 1:
            return places.scaled(log_h, factor), None
        for _ in range(_MOST_ROUNDS):
            scaled = places.scaled(log_h, factor)
            expected = places.per_region(lattices.expected(walking, scaled), factor)
            lacking = (wanted - expected).abs()
            met = (lacking <= (_BALANCED * wanted).clamp_min(1.0)).flatten(1).all(1)
            if bool(met.all()):
                break
            better = factor + (wanted.clamp_min(1e-3) / expected.clamp_min(1e-3)).log()
            better = better - better.amax(2, keepdim=True)
            factor = torch.where(met[:, None, None], factor, better)
        return places.scaled(log_h, factor), factor

    def _places(self, lattice: Lattice) -> RegionVoxels | RegionBlocks:
        """Return the regions as seen on a lattice."""
        if lattice not in self._seen:
            kind = RegionVoxels if lattice.block == 1 else RegionBlocks
            self._seen[lattice] = kind(self.index, self.counts.shape[1], lattice)
        return self._seen[lattice]

    def assign(self, scores: Tensor, generators: Sequence[torch.Generator]) -> Generated:
        """Assign each region's best phases with its counts; known voxels keep theirs."""
        space = self.index.shape
        phase = self.known.flatten().repeat(len(scores), 1)
        reassigned = phase.new_zeros(len(scores))
        groups = torch.split(self._voxels, self._sizes.tolist())
        for i, generator in enumerate(generators):
            score = scores[i].flatten(1)
            for region, voxels in enumerate(groups):
                region_scores = score[:, voxels]
                best = assign_phases(region_scores, self.counts[i, region], generator)
                phase[i, voxels] = best
                reassigned[i] += (best != region_scores.argmax(0)).sum()
        return Generated(phase.view(-1, *space), reassigned)

    def walkers(self, phase: Tensor, lattice: Lattice) -> Walkers:
        """Return the walkers of the regions."""
        occupation = _indicators(phase, self.counts.shape[2])[:, 1:]
        return Walkers.of(occupation & self._free, lattice)


def _indicators(phase: Tensor, phases: int) -> Tensor:
    """Mark the phase of every voxel: bool (batch, phases, *space) of phases (batch, *space)."""
    return torch.stack([phase == k for k in range(phases)], dim=1)
