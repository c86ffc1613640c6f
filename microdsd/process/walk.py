"""Walkers and their forward walk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Lattice


@dataclass(frozen=True)
class Walkers:
    """Every unit of material, with the sample and species it belongs to.

    Parameters
    ----------
    lattice : Lattice
    batch, species : int
        Extent of the first two axes of the occupation numbers.
    channel : Tensor of int64, shape (walkers,)
        ``sample * species + c`` of each walker; never changes.
    position : Tensor of int64, shape (ndim, walkers)
        Voxel index of each walker along each axis.
    """

    lattice: Lattice
    batch: int
    species: int
    channel: Tensor
    position: Tensor

    @classmethod
    def of(cls, occupation: Tensor, lattice: Lattice) -> Walkers:
        """Walkers of occupation numbers (batch, species, *space), in the order of the array."""
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

    def occupation(self) -> Tensor:
        """Occupation numbers n (batch, species, *space), float32."""
        site = self.channel
        for axis, length in enumerate(self.lattice.shape):
            site = site * length + self.position[axis]
        counts = torch.bincount(site, minlength=self.batch * self.species * self.lattice.n_sites)
        return counts.view(self.batch, self.species, *self.lattice.shape).float()

    def counts(self) -> Tensor:
        """Number of walkers (batch, species): what no step may ever change."""
        n = torch.bincount(self.channel, minlength=self.batch * self.species)
        return n.view(self.batch, self.species)

    def moved_to(self, position: Tensor) -> Walkers:
        """The same walkers at other voxels."""
        return Walkers(self.lattice, self.batch, self.species, self.channel, position)


def uniforms(n: Sequence[int], axes: int, generators: Sequence[torch.Generator]) -> Tensor:
    """Uniform numbers (axes, walkers), those of sample i from generator i alone."""
    draws = [
        torch.rand(axes, count, generator=generator, device=generator.device)
        for count, generator in zip(n, generators, strict=True)
    ]
    return torch.cat(draws, dim=1)


def sample_uniform(
    counts: Tensor, lattice: Lattice, generators: Sequence[torch.Generator]
) -> Walkers:
    """Walkers at the end of time: independent and uniform on the box.

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
    u = uniforms(counts.sum(1).tolist(), lattice.ndim, generators)
    lengths = torch.tensor(lattice.shape, device=device)[:, None]
    position = torch.minimum((u * lengths).long(), lengths - 1)
    return Walkers(lattice, batch, species, channel, position)


def sample_forward(
    walkers: Walkers, kernel: TransitionKernel, t: Tensor, generators: Sequence[torch.Generator]
) -> Walkers:
    """Let every walker walk for time t: one exact categorical draw per walker and axis.

    Parameters
    ----------
    walkers : Walkers
    kernel : TransitionKernel
        On the walkers' lattice and device.
    t : Tensor, shape (batch,)
        Time per sample.
    generators : sequence of torch.Generator
        One per sample.
    """
    sample = walkers.sample
    u = uniforms(walkers.counts().sum(1).tolist(), walkers.lattice.ndim, generators)
    position = torch.empty_like(walkers.position)
    for axis, length in enumerate(walkers.lattice.shape):
        # The rows' running sums, laid end to end, are increasing: one search serves all walkers.
        cumulative = kernel.axis_matrix(axis, t).double().cumsum(-1).view(-1, length)
        cumulative = cumulative / cumulative[:, -1:]
        row = sample * length + walkers.position[axis]
        offset = torch.arange(len(cumulative), device=row.device, dtype=torch.float64)[:, None]
        drawn = torch.searchsorted(
            (cumulative + offset).view(-1), row + u[axis].double(), right=True
        )
        position[axis] = (drawn - row * length).clamp(0, length - 1)
    return walkers.moved_to(position)
