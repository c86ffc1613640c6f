"""The last draw of a volume, by 2D networks that know what drawn neighbours in a slice say.

The network of a slice is shown the log odds of the read-out, which combines the three slices, and
returns its own: log odds_a(y | nothing) before anything is drawn, log odds_a(y | slice) given what
is drawn in the slice normal to axis a. The voxel's are

    log odds(y | drawn) = mean over a of log odds_a(y | nothing)
                          + w sum over a of [log odds_a(y | slice) - log odds_a(y | nothing)].

Of its neighbours, the six across a face are in two slices each, the twelve across an edge in one,
and so w is between 1/2 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.networks.last_draw import HIGHEST_LEVEL, Given, LastDrawUNet
from microdsd.networks.slicing import AXES, Slices
from microdsd.process.kernel import TransitionKernel
from microdsd.process.noise import time_of

WEIGHT = 0.7
"""Of what is drawn in every slice (docs/decisions/0034)."""


class SliceLastDraw:
    """Predict the phases of a volume's voxels that are not drawn yet.

    Parameters
    ----------
    networks : sequence of LastDrawUNet
        Of the slices normal to the first, second and third axis.
    level : float
        Noise level at which a slice is read, over that of the volume; see `SliceReading`.
    classes : sequence of int, optional
        Class of the slices normal to every axis.
    """

    def __init__(
        self,
        networks: Sequence[LastDrawUNet],
        level: float,
        classes: Sequence[int] | None = None,
    ) -> None:
        self._networks = networks
        self._level = level
        self._classes = classes

    def given(
        self,
        log_p: Tensor,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> Given:
        """Return what predicts the phases in every pass; see `LastDraw`.

        Networks hear of the fractions that their slices have.
        """
        log_odds = log_p[:, 1:] - log_p[:, :1]
        time = (t * self._level**2).clamp_max(float(time_of(HIGHEST_LEVEL)))

        def total(phase: Tensor, drawn: Tensor) -> Tensor:
            summed = torch.zeros_like(log_odds)
            for axis in range(AXES):
                numbers = classes
                if self._classes is not None:
                    numbers = torch.full((len(t),), self._classes[axis], device=log_p.device)
                for i, fields in enumerate(zip(log_p, phase, drawn, occupation, strict=True)):
                    number = None if numbers is None else numbers[i]
                    summed[i] += self._along(Slices(kernel, axis), fields, time[i], number)
            return summed

        drawn = torch.zeros(len(log_p), *log_p.shape[2:], dtype=torch.bool, device=log_p.device)
        of_nothing = total(drawn.long(), drawn)
        usual = of_nothing / AXES

        def log_p_given(phase: Tensor, drawn: Tensor) -> Tensor:
            odds = usual + WEIGHT * (total(phase, drawn) - of_nothing)
            return torch.cat([torch.zeros_like(log_p[:, :1]), odds], 1).log_softmax(1)

        return log_p_given

    def _along(
        self,
        slices: Slices,
        fields: Sequence[Tensor],
        time: Tensor,
        class_number: Tensor | None,
    ) -> Tensor:
        """Return log odds given what is drawn in the slices of one sample, (species, *space)."""
        network = self._networks[slices.axis]
        log_p, phase, drawn, occupation = (slices.cut(field) for field in fields)
        fractions = slices.fractions(occupation)
        parts = []
        for part in slices.parts():
            fraction = fractions[part]
            log_p_given = network(
                log_p[part].contiguous(),
                phase[part],
                drawn[part],
                occupation[part].contiguous(),
                time.expand(len(fraction)),
                slices.plane,
                fraction,
                None if class_number is None else class_number.expand(len(fraction)),
            )
            parts.append(log_p_given[:, 1:] - log_p_given[:, :1])
        return slices.joined(parts)
