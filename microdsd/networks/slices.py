"""Networks of two axes that together answer for volumes, by the slices through every voxel.

A 2D network reads out the phases of every slice. Its log odds are combined,

    log odds(y) = own(y) + w(sigma) sum over axes a of [ log odds_a(y | slice) - own(y) ],

with own(y) the evidence of the voxel's own walkers, which is in all three slices and counts once.
The three slices share lines as well, and what they say overlaps: w lies between 1/3 and 1. Any
positive potential keeps all counts; the one taken is that which leads the walkers to the material
that is expected in this way (`microdsd.networks.expected_material`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from microdsd.networks.expected_material import (
    expected_material,
    leading_potential,
    offsets_to_totals,
)
from microdsd.networks.last_draw import LastDrawUNet
from microdsd.networks.octaves import OctaveUNets
from microdsd.networks.own_evidence import own_evidence
from microdsd.networks.slice_fusion import learned_fusion
from microdsd.networks.slice_last_draw import SliceLastDraw
from microdsd.networks.slicing import AXES, Slices
from microdsd.networks.unet import PotentialUNet, UNet, UNetConfig
from microdsd.process.kernel import TransitionKernel
from microdsd.process.noise import noise_level, time_of

_ROUNDS = 1
"""Rounds by which the potential is made of the expected material (docs/decisions/0024)."""

WEIGHT_LEVELS = (1.0, 8.0)
"""Noise levels, voxels, for which weights are given; between them they change with log sigma."""


@dataclass(frozen=True)
class SliceReading:
    """Say how 2D networks are asked about the slices of a volume.

    Attributes
    ----------
    weights : tuple of float
        The weight w at and below 1 voxel of noise, and at and above 8.
    level : float
        Noise level at which a slice is read, over that of the volume. Noise has moved material
        along three axes and not two, so that a slice has lost contrast as if it had been noised for
        3/2 of the time.
    fused : bool
        Whether a network combines what slices of voxels say (`SliceFusion`); the weights are then
        those of slices of blocks alone.

    Examples
    --------
    >>> reading = SliceReading((0.6, 0.4))
    >>> [round(reading.weight(sigma), 2) for sigma in (0.5, 8 ** 0.5, 30.0)]
    [0.6, 0.5, 0.4]
    """

    weights: tuple[float, float] = (0.7, 0.43)
    level: float = math.sqrt(1.5)
    fused: bool = False

    def weight(self, sigma: float) -> float:
        """Return the weight at a noise level, voxels."""
        low, high = map(math.log, WEIGHT_LEVELS)
        share = min(max((math.log(sigma) - low) / (high - low), 0.0), 1.0)
        fine, coarse = self.weights
        return fine + share * (coarse - fine)


class SliceNetworks(nn.Module):
    """Ask networks of two axes about every slice of a volume, and combine what they say.

    They are called as a network of three axes is.

    Parameters
    ----------
    networks : sequence of PotentialUNet or OctaveUNets
        With a read-out, of the slices normal to the first, second and third axis. The axes of a
        slice are those of the volume that are left, in their order.
    reading : SliceReading
    sigma_max : float
        Highest noise level that the networks know, voxels.
    levels : sequence of float
        Noise levels, voxels, at which the octaves above the first begin.
    classes : sequence of int, optional
        Class of the slices normal to every axis.
    """

    def __init__(
        self,
        networks: Sequence[PotentialUNet | OctaveUNets],
        reading: SliceReading,
        sigma_max: float,
        levels: Sequence[float] = (),
        classes: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        distinct = list({id(network): network for network in networks}.values())
        self.networks = nn.ModuleList(distinct)
        self._number = [
            next(k for k, other in enumerate(distinct) if other is network) for network in networks
        ]
        self.reading = reading
        self._ends = (*levels, sigma_max)
        self._classes = None if classes is None else tuple(classes)
        self.fusion = None
        if reading.fused:
            self.fusion = deepcopy(learned_fusion(networks[0].config.species))

    @property
    def last_draw(self) -> SliceLastDraw | None:
        """Return the last draw of volumes, if the networks of all slices have one."""
        networks = [self.normal_to(axis).last_draw for axis in range(AXES)]
        if None in networks:
            return None
        return SliceLastDraw(
            cast("list[LastDrawUNet]", networks), self.reading.level, self._classes
        )

    @property
    def config(self) -> UNetConfig:
        """Return the configuration of the networks; that of the first axis, where they differ."""
        return self.normal_to(0).config

    @property
    def memory_format(self) -> torch.memory_format:
        """Return the layout to bring weights to: each as it is, of two axes and of three."""
        return torch.preserve_format

    @property
    def octaves(self) -> Sequence[UNet]:
        """Return no network that could be asked about a volume directly."""
        return ()

    def normal_to(self, axis: int) -> PotentialUNet | OctaveUNets:
        """Return the network of the slices normal to an axis."""
        return cast("PotentialUNet | OctaveUNets", self.networks[self._number[axis]])

    def forward(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> Tensor:
        """Return log h; the parameters are those of `PotentialNetwork`."""
        return self.joint(occupation, t, kernel, fractions, classes)[0]

    def joint(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return log h and log probabilities of the phases; see `PotentialUNet.joint`."""
        log_odds = self._log_odds(occupation, t, kernel, classes)
        with torch.no_grad():  # known material asks for the slope of the probabilities alone
            offsets = offsets_to_totals(log_odds, occupation, kernel)
            expected = expected_material(log_odds + offsets, kernel)
            log_h = leading_potential(expected, occupation, t, kernel, _ROUNDS)
        log_odds = log_odds + offsets
        background = torch.zeros_like(log_odds[:, :1])
        return log_h, torch.cat([background, log_odds], dim=1).log_softmax(1)

    def _log_odds(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        classes: Tensor | None,
    ) -> Tensor:
        """Return the combined log odds of every phase against the background."""
        by_slice = self.of_slices(occupation, t, kernel, classes)
        levels = [noise_level(float(one)) for one in t]
        if kernel.lattice.block == 1:
            own = own_evidence(occupation, t, kernel)
            if self.fusion is not None:
                sigma = by_slice.new_tensor(levels)
                fused: Tensor = self.fusion(by_slice, own, sigma, kernel.lattice.boundary)
                return fused
        else:
            own = torch.zeros_like(by_slice[:, 0])
        weight = by_slice.new_tensor([self.reading.weight(sigma) for sigma in levels])
        return weight.view(-1, *[1] * (1 + AXES)) * (by_slice - own[:, None]).sum(1) + own

    def of_slices(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        classes: Tensor | None,
    ) -> Tensor:
        """Return what slices normal to every axis say, (batch, 3, species, *space).

        These are log odds of the phases against the background.
        """
        by_axis = []
        for axis in range(AXES):
            slices, numbers = Slices(kernel, axis), classes
            if self._classes is not None:
                numbers = torch.full((len(t),), self._classes[axis], device=occupation.device)
            members = [
                self._along(slices, *sample, None if numbers is None else numbers[i])
                for i, sample in enumerate(zip(occupation, t, strict=True))
            ]
            by_axis.append(torch.stack(members))
        return torch.stack(by_axis, dim=1)

    def _along(
        self,
        slices: Slices,
        occupation: Tensor,
        t: Tensor,
        class_number: Tensor | None,
    ) -> Tensor:
        """Return the log odds of the phases in the slices of one sample normal to an axis.

        The network hears of the composition that a slice has at the moment, as in training.
        """
        answer = partial(_log_odds, self.normal_to(slices.axis))
        lattice = slices.kernel.lattice
        layers = slices.cut(occupation)
        if lattice.block > 1:  # of blocks, what a layer of them one voxel thick holds
            thickness = layers.new_tensor(lattice.volumes(slices.axis))
            layers = layers / thickness.view(-1, *[1] * AXES)
        fractions = slices.fractions(layers)
        time = (t * self.reading.level**2).clamp_max(self._latest(lattice.block))
        parts = []
        for which in slices.parts(len(layers)):
            part = layers[which].contiguous()
            arguments = [part, time.expand(len(part)), slices.plane, fractions[which]]
            if class_number is not None:
                arguments.append(class_number.expand(len(part)))
            if torch.is_grad_enabled() and part.requires_grad:
                # The gradient of a volume keeps nothing of a slice but its input.
                parts.append(checkpoint(answer, *arguments, use_reentrant=False))
            else:
                parts.append(answer(*arguments))
        return slices.joined(torch.cat(parts))

    def _latest(self, block: int) -> float:
        """Return the latest time that the network of a lattice knows."""
        return float(time_of(self._ends[block.bit_length() - 1]))


def _log_odds(network: PotentialUNet | OctaveUNets, *arguments: Any) -> Tensor:
    """Return the log odds of every phase of slices against the background."""
    log_p = network.joint(*arguments)[1]
    return log_p[:, 1:] - log_p[:, :1]
