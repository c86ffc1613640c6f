"""Networks that are told a class: in training, and with guidance in sampling."""

from __future__ import annotations

from torch import Tensor

from microdsd.networks.unet import PotentialUNet, UNet
from microdsd.process.kernel import TransitionKernel


class OfClass:
    """A network with the classes of a batch filled in.

    Parameters
    ----------
    network : UNet
    classes : Tensor of int64, shape (batch,)
        -1 where the class is not told.
    """

    def __init__(self, network: UNet, classes: Tensor) -> None:
        self._network = network
        self._classes = classes

    def __call__(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> Tensor:
        """Log h, or rates; the parameters are those of `PotentialNetwork`."""
        output: Tensor = self._network(occupation, t, kernel, fractions, self._classes)
        return output

    def joint(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Log h and the log probabilities of the phases; see `ReadOut`."""
        assert isinstance(self._network, PotentialUNet)
        return self._network.joint(occupation, t, kernel, fractions, self._classes)


class ClassGuidance:
    """Steers the walk towards a class, as strongly as asked.

    The potential is

        log h = log h_free + w (log h_class - log h_free),

    where h_free is what the same network says when it is not told the class. For w = 1 that is
    h_class; beyond, what tells the class from the rest counts more. h stays a positive field,
    so the counts of walkers are exact for any w. Every evaluation with w other than 1 asks the
    network twice.

    Parameters
    ----------
    network : PotentialUNet
    classes : Tensor of int64, shape (batch,)
    strength : float
        The weight w.

    References
    ----------
    Ho and Salimans, arXiv:2207.12598 (2022), doi:10.48550/arXiv.2207.12598, for scores; here it
    is the logarithm of the potential that is extrapolated.
    """

    def __init__(self, network: PotentialUNet, classes: Tensor, strength: float = 1.0) -> None:
        self._told = OfClass(network, classes)
        self._free = OfClass(network, classes.new_full(classes.shape, -1))
        self._strength = strength

    def __call__(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> Tensor:
        """Guided log h; the parameters are those of `PotentialNetwork`."""
        told = self._told(occupation, t, kernel, fractions)
        if self._strength == 1:
            return told
        return self._guided(told, self._free(occupation, t, kernel, fractions))

    def joint(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Guided log h and log probabilities of the phases; see `ReadOut`."""
        log_h, log_p = self._told.joint(occupation, t, kernel, fractions)
        if self._strength == 1:
            return log_h, log_p
        free_h, free_p = self._free.joint(occupation, t, kernel, fractions)
        return self._guided(log_h, free_h), self._guided(log_p, free_p).log_softmax(1)

    def _guided(self, told: Tensor, free: Tensor) -> Tensor:
        return free + self._strength * (told - free)
