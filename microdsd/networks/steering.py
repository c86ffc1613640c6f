"""What the walk is steered to: a class of material, properties of the sample, or both."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from microdsd.networks.octaves import OctaveUNets
from microdsd.networks.slices import SliceNetworks
from microdsd.networks.unet import PotentialUNet
from microdsd.process.kernel import TransitionKernel


@dataclass(frozen=True)
class Aims:
    """Hold what samples are to be like, besides their composition.

    Attributes
    ----------
    classes : Tensor of int64, shape (batch,), optional
    properties : Tensor, shape (batch, properties), optional
        Normal scores of the properties; NaN where a property is free.
    strength : float
        How strongly the walk is steered to them; see `Steered`.
    """

    classes: Tensor | None = None
    properties: Tensor | None = None
    strength: float = 1.0

    @property
    def given(self) -> tuple[Tensor | None, ...]:
        """Return the further arguments of a network's call; networks of slices have one."""
        if self.properties is None:
            return () if self.classes is None else (self.classes,)
        return (self.classes, self.properties)

    @property
    def twice(self) -> bool:
        """Tell whether the network is to be asked without them, too."""
        return bool(self.given) and self.strength != 1

    def guided(self, aimed: Tensor, free: Tensor) -> Tensor:
        """Return the logarithm of a field between, or beyond, the free one and the aimed one."""
        return free + self.strength * (aimed - free)


class Steered:
    """Steer the walk towards a class or properties with a given strength.

    The potential is

        log h = log h_free + w (log h_aimed - log h_free),

    where h_free is the output of the same network that is told of no class and no property. For
    w = 1 this is h_aimed; above 1, the features asked for are enhanced. h stays a positive field,
    so the counts of walkers are exact for any w. Every evaluation with w other than 1 asks the
    network twice.

    Parameters
    ----------
    network : PotentialUNet, OctaveUNets or SliceNetworks
    aims : Aims

    References
    ----------
    Ho and Salimans, arXiv:2207.12598 (2022), doi:10.48550/arXiv.2207.12598, for scores; here it
    is the logarithm of the potential that is extrapolated.
    """

    def __init__(self, network: PotentialUNet | OctaveUNets | SliceNetworks, aims: Aims) -> None:
        self._network = network
        self._aims = aims

    def __call__(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> Tensor:
        """Return the guided log h; the parameters are those of `PotentialNetwork`."""
        inputs = occupation, t, kernel, fractions
        log_h: Tensor = self._network(*inputs, *self._aims.given)
        if not self._aims.twice:
            return log_h
        return self._aims.guided(log_h, self._network(*inputs))

    def joint(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return guided log h and log probabilities of the phases; see `ReadOut`."""
        inputs = occupation, t, kernel, fractions
        log_h, log_p = self._network.joint(*inputs, *self._aims.given)
        if not self._aims.twice:
            return log_h, log_p
        free_h, free_p = self._network.joint(*inputs)
        aims = self._aims
        return aims.guided(log_h, free_h), aims.guided(log_p, free_p).log_softmax(1)
