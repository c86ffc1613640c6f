"""Guidance of the walk to a class."""

from __future__ import annotations

from torch import Tensor

from microdsd.networks.octaves import OctaveUNets
from microdsd.networks.slices import SliceNetworks
from microdsd.networks.unet import PotentialUNet
from microdsd.process.kernel import TransitionKernel


class ClassGuidance:
    """Steer the walk towards a class with a given strength.

    The potential is

        log h = log h_free + w (log h_class - log h_free),

    where h_free is the output of the same network without a class. For w = 1 this is
    h_class; above 1, the features of the class are enhanced. h stays a positive field,
    so the counts of walkers are exact for any w. Every evaluation with w other than 1 asks the
    network twice.

    Parameters
    ----------
    network : PotentialUNet, OctaveUNets or SliceNetworks
    classes : Tensor of int64, shape (batch,)
    strength : float
        The weight w.

    References
    ----------
    Ho and Salimans, arXiv:2207.12598 (2022), doi:10.48550/arXiv.2207.12598, for scores; here it
    is the logarithm of the potential that is extrapolated.
    """

    def __init__(
        self,
        network: PotentialUNet | OctaveUNets | SliceNetworks,
        classes: Tensor,
        strength: float = 1.0,
    ) -> None:
        self._network = network
        self._classes = classes
        self._strength = strength

    def __call__(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> Tensor:
        """Return the guided log h; the parameters are those of `PotentialNetwork`."""
        inputs = occupation, t, kernel, fractions
        conditioned: Tensor = self._network(*inputs, self._classes)
        if self._strength == 1:
            return conditioned
        return self._guided(conditioned, self._network(*inputs))

    def joint(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return guided log h and log probabilities of the phases; see `ReadOut`."""
        inputs = occupation, t, kernel, fractions
        log_h, log_p = self._network.joint(*inputs, self._classes)
        if self._strength == 1:
            return log_h, log_p
        free_h, free_p = self._network.joint(*inputs)
        return self._guided(log_h, free_h), self._guided(log_p, free_p).log_softmax(1)

    def _guided(self, conditioned: Tensor, free: Tensor) -> Tensor:
        return free + self._strength * (conditioned - free)
