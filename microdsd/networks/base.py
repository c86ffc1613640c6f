"""Interfaces of a network for the sampler and the objective."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from microdsd.process.kernel import TransitionKernel


class PotentialNetwork(Protocol):
    """Predict log h from the walkers at one noise level."""

    def __call__(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> Tensor:
        """Return the logarithm of the potential.

        Parameters
        ----------
        occupation : Tensor, shape (batch, species, *space)
            Occupation numbers n_t.
        t : Tensor, shape (batch,)
            Time of each sample.
        kernel : TransitionKernel
            Carries the lattice, and so the boundary that padding must respect.
        fractions : Tensor, shape (batch, species), optional
            Requested phase fractions; NaN in a row, or None, means not conditioned.

        Returns
        -------
        Tensor, shape (batch, species, *space), float32
        """
        ...


class ReadOut(Protocol):
    """Predict the phase of every voxel along with log h."""

    def __call__(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return log h and the log probabilities of the phases; the parameters are as above.

        Returns
        -------
        log_h : Tensor, shape (batch, species, *space), float32
        log_p : Tensor, shape (batch, species + 1, *space), float32
            The background comes first.
        """
        ...
