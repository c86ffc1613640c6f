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
        time = (t * self._level**2).clamp_max(float(time_of(HIGHEST_LEVEL)))
        numbers = [None] * len(t) if classes is None else list(classes)
        walkers = zip(log_p, occupation, time, numbers, strict=True)
        samples = [self._sample(kernel, *one) for one in walkers]
        drawn = torch.zeros(len(log_p), *log_p.shape[2:], dtype=torch.bool, device=log_p.device)
        of_nothing = _totals(samples, drawn.long(), drawn)
        usual = of_nothing / AXES

        def log_p_given(phase: Tensor, drawn: Tensor) -> Tensor:
            odds = usual + WEIGHT * (_totals(samples, phase, drawn) - of_nothing)
            return torch.cat([torch.zeros_like(log_p[:, :1]), odds], 1).log_softmax(1)

        return log_p_given

    def _sample(
        self,
        kernel: TransitionKernel,
        log_p: Tensor,
        occupation: Tensor,
        time: Tensor,
        class_number: Tensor | None,
    ) -> list[_DrawnSlices]:
        """Return the slices of one sample normal to every axis."""
        directions = []
        for axis, network in enumerate(self._networks):
            number = class_number
            if self._classes is not None:
                number = torch.tensor(self._classes[axis], device=log_p.device)
            slices = Slices(kernel, axis)
            directions.append(_DrawnSlices(network, slices, log_p, occupation, time, number))
        return directions


class _DrawnSlices:
    """Hold what the network says of the slices of one sample normal to an axis.

    It is asked again about slices in which something has been drawn since: a sublattice lies in
    every other slice, which halves the work.
    """

    def __init__(
        self,
        network: LastDrawUNet,
        slices: Slices,
        log_p: Tensor,
        occupation: Tensor,
        time: Tensor,
        class_number: Tensor | None,
    ) -> None:
        self._network, self._slices = network, slices
        self._log_p, self._occupation = slices.cut(log_p), slices.cut(occupation)
        self._fractions = slices.fractions(self._occupation)
        self._time, self._class = time, class_number
        self._marks: Tensor | None = None
        self._log_odds = torch.zeros_like(self._log_p[:, 1:])

    def log_odds(self, phase: Tensor, drawn: Tensor) -> Tensor:
        """Return log odds given what is drawn, (species, *space).

        Marks are the phases of drawn voxels, and -1 elsewhere.
        """
        marks = torch.where(self._slices.cut(drawn), self._slices.cut(phase), -1)
        new = torch.arange(len(marks), device=marks.device)
        if self._marks is not None:
            new = (marks != self._marks).flatten(1).any(1).nonzero()[:, 0]
        self._marks = marks
        for part in self._slices.parts(len(new)):
            which = new[part]
            self._log_odds[which] = self._asked(marks[which], which)
        return self._slices.joined(self._log_odds)

    def _asked(self, marks: Tensor, which: Tensor) -> Tensor:
        log_p: Tensor = self._network(
            self._log_p[which],
            marks.clamp_min(0),
            marks >= 0,
            self._occupation[which],
            self._time.expand(len(which)),
            self._slices.plane,
            self._fractions[which],
            None if self._class is None else self._class.expand(len(which)),
        )
        return log_p[:, 1:] - log_p[:, :1]


def _totals(samples: Sequence[Sequence[_DrawnSlices]], phase: Tensor, drawn: Tensor) -> Tensor:
    """Return the sums over axes of what the networks say of every sample."""
    by_axis = [
        torch.stack([one.log_odds(phase[i], drawn[i]) for one in axes])
        for i, axes in enumerate(samples)
    ]
    totals: Tensor = torch.stack(by_axis).sum(1)
    return totals
