"""A start below the horizon: walkers follow a Gaussian field with the spectrum of the material.

After time t the walkers of a material have the density K_t x, whose modes have decayed by
exp(t lambda). What is left of a material that is noised over more than its correlation length is a
sum of many independent parts, and so nearly Gaussian: of mean phi and, on mode m of the box, of
variance

    phi (1 - phi) P(q_m) exp(2 t lambda_m),   q_m = sqrt(-lambda_m),

with P the power spectrum of the material (`microdsd.models.Spectrum`). Uniform walkers are the case
of a horizon at which no mode is left. Begun below, they would lack these modes for good: a network
sees only the walkers that there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from microdsd.models.spectrum import Spectrum
from microdsd.process.blocks import site_volumes
from microdsd.process.kernel import TransitionKernel
from microdsd.process.noise import time_of

_LEAST = 1e-3
"""Smallest density relative to the mean: the field is Gaussian, and walkers are not negative."""


@dataclass(frozen=True)
class SpectralStart:
    """Draw the densities that walkers start with.

    Attributes
    ----------
    spectrum : Spectrum
    """

    spectrum: Spectrum

    def densities(
        self,
        counts: Tensor,
        kernel: TransitionKernel,
        sigma: float,
        generators: Sequence[torch.Generator],
    ) -> Tensor:
        """Return densities of the walkers of every sample at a noise level.

        Parameters
        ----------
        counts : Tensor of int, shape (batch, species)
        kernel : TransitionKernel
            Of the lattice that walkers start on.
        sigma : float
            Noise level, voxels.
        generators : sequence of torch.Generator
            One per sample.

        Returns
        -------
        Tensor of float64, shape (batch, species, *sites)
            In expected walkers per site, but for the exact count.
        """
        lattice, device = kernel.lattice, kernel.device
        modes = [kernel.modes(axis) for axis in range(lattice.ndim)]
        waves = [(-eigenvalues).clamp_min(0).sqrt().cpu().numpy() for eigenvalues, _ in modes]
        power = torch.from_numpy(self.spectrum.at(waves)).to(device)
        root = _root(power)
        for axis, (eigenvalues, _) in enumerate(modes):
            decay = torch.exp(float(time_of(sigma)) * eigenvalues)
            root = root * decay.view(-1, *[1] * (lattice.ndim - axis - 1))
        root.flatten(2)[..., 0] = 0.0  # the count is exact

        volume = site_volumes(lattice, device).double()
        phi = (counts.to(device).double() / volume.sum()).view(*counts.shape, *[1] * lattice.ndim)
        fields = torch.stack([self._field(root, modes, g) for g in generators])
        varied = (phi * (1 - phi)).clamp_min(0).sqrt() * fields / volume.sqrt()
        return volume * torch.maximum(phi + varied, _LEAST * phi)

    @staticmethod
    def _field(
        root: Tensor, modes: Sequence[tuple[Tensor, Tensor]], generator: torch.Generator
    ) -> Tensor:
        """Return a field (species, *sites) whose modes have the covariance root root^T."""
        normal = torch.randn(
            root.shape[1:], generator=generator, device=root.device, dtype=torch.float64
        )
        field = torch.einsum("cd...,d...->c...", root, normal)
        for axis, (_, vectors) in enumerate(modes):
            field = torch.tensordot(vectors, field, dims=([1], [1 + axis])).movedim(0, 1 + axis)
        return field


def _root(power: Tensor) -> Tensor:
    """Return matrices whose products with their transposes are these, over the first two axes."""
    if len(power) == 1:
        return power.clamp_min(0).sqrt()
    values, vectors = torch.linalg.eigh(power.movedim((0, 1), (-2, -1)))
    root: Tensor = vectors * values.clamp_min(0).sqrt()[..., None, :]
    return root.movedim((-2, -1), (0, 1))
