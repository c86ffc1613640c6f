"""The last draw of a volume, by 2D networks that know what drawn neighbours in a slice say.

The network of a slice corrects the log odds that it is given by what is drawn in that slice. The
corrections of the three slices through a voxel are added,

    log odds(y | drawn) = own(y) + w sum over axes a of [ log odds_a(y | slice) - own(y) ],

with own(y) the log odds of the read-out, which combines the three slices already.

Of the neighbours of a voxel, the six across a face are in two slices each, the twelve across an
edge in one. The former are nearer and say most: w = 1/2 counts each of them once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.networks.last_draw import HIGHEST_LEVEL, LastDrawUNet
from microdsd.networks.slicing import AXES, Slices
from microdsd.process.kernel import TransitionKernel
from microdsd.process.noise import time_of

WEIGHT = 0.5
"""Of the correction of every slice."""


class SliceLastDraw:
    """Predict the phases of a volume's voxels that are not drawn yet; see `LastDraw` for the call.

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

    def __call__(
        self,
        log_p: Tensor,
        phase: Tensor,
        drawn: Tensor,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> Tensor:
        """Return log probabilities of the phases; networks hear of the fractions of slices."""
        log_odds = log_p[:, 1:] - log_p[:, :1]
        time = (t * self._level**2).clamp_max(float(time_of(HIGHEST_LEVEL)))
        given = log_odds.clone()
        for axis in range(AXES):
            numbers = classes
            if self._classes is not None:
                numbers = torch.full((len(t),), self._classes[axis], device=log_p.device)
            for i, fields in enumerate(zip(log_p, phase, drawn, occupation, strict=True)):
                told = None if numbers is None else numbers[i]
                corrected = self._along(Slices(kernel, axis), fields, time[i], told)
                given[i] += WEIGHT * (corrected - log_odds[i])
        return torch.cat([torch.zeros_like(log_p[:, :1]), given], 1).log_softmax(1)

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
