"""A network that says what three slices through a voxel know of it together.

The slices share lines and walkers, so that their log odds overlap; how far depends on the noise and
on what the slices around say. With own(y) the evidence of the voxel's own walkers, which all three
hold,

    log odds(y) = v(sigma) own(y) + w(sigma) sum over axes a of [ log odds_a(y | slice) - own(y) ]
                  + f_sigma(y),

f a few convolutions over what is said around y. They are the same for every phase: each phase is
seen against all others, and hears in every layer the mean of what all phases have come to. None of
this knows a material: it was learned from scans whose volumes are known
(`workflows/22_slice_fusion.py`), and serves the slices of any other material: one network those of
two phases, another those of more.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import as_file, files
from itertools import pairwise

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from microdsd.networks.convolution import Convolution3d
from microdsd.networks.padding import extend
from microdsd.networks.slicing import AXES
from microdsd.process.lattice import Boundary

LEVELS = (0.4, 45.0)
"""Noise levels, voxels, of the training; beyond them those at the ends are taken."""

_WAVES, _EMBEDDING, _WIDTH, _LAYERS = 8, 32, 24, 4
_LARGEST, _SCALE = 15.0, 4.0
"""Largest log odds that are looked at, and what they are divided by."""

SLAB_SITES, _THINNEST = 1 << 20, 16
"""Sites that are looked at at a time, and the fewest layers of them: constants, so that samples do
not depend on the machine."""


class SliceFusion(nn.Module):
    """Combine what the slices through every voxel of a material say.

    Examples
    --------
    >>> fusion = SliceFusion()
    >>> slices, own = torch.zeros(1, 3, 1, 5, 6, 7), torch.zeros(1, 1, 5, 6, 7)
    >>> fusion(slices, own, torch.tensor([2.0]), ("no-flux",) * 3).shape
    torch.Size([1, 1, 5, 6, 7])
    """

    reach = _LAYERS
    """Voxels that are looked at to either side."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Sequential(
            nn.Linear(_WAVES, _EMBEDDING),
            nn.SiLU(),
            nn.Linear(_EMBEDDING, _EMBEDDING),
            nn.SiLU(),
        )
        self.shares = nn.Linear(_EMBEDDING, 2)
        channels = (AXES + 1, *[_WIDTH] * _LAYERS)
        self.layers = nn.ModuleList(Convolution3d(a, b, 3) for a, b in pairwise(channels))
        self.film = nn.ModuleList(nn.Linear(_EMBEDDING, 2 * _WIDTH) for _ in range(_LAYERS))
        self.exchange = nn.ModuleList(Convolution3d(_WIDTH, _WIDTH, 1) for _ in range(_LAYERS))
        self.read = Convolution3d(_WIDTH, 1, 1)
        exchanged = [weight for layer in self.exchange for weight in layer.parameters()]
        for zero in (self.shares.weight, *self.read.parameters(), *exchanged):
            nn.init.zeros_(zero)
        self.shares.bias.data = torch.tensor([1 / AXES, 1.0])

    def forward(
        self, log_odds: Tensor, own: Tensor, sigma: Tensor, boundary: tuple[Boundary, ...] | None
    ) -> Tensor:
        """Return log odds of every phase against the background, (batch, species, *space).

        Parameters
        ----------
        log_odds : Tensor, shape (batch, 3, species, *space)
            What the slices normal to every axis say.
        own : Tensor, shape (batch, species, *space)
            Evidence of the voxel's own walkers.
        sigma : Tensor, shape (batch,)
            Noise level, voxels.
        boundary : tuple of {"no-flux", "periodic"}, or None
            Of the box. None: of a part of a box the voxels within `reach` of its faces are looked
            at alone, and the result is so much smaller.
        """
        embedded = self.embed(_waves(sigma))
        shares = self.shares(embedded)[(...,) + (None,) * (1 + AXES)]
        added = (log_odds - own[:, None]).sum(1)
        linear = shares[:, 0] * added + shares[:, 1] * own
        if boundary is None:
            linear = linear[(...,) + (slice(_LAYERS, -_LAYERS),) * AXES]
        answers = torch.cat([log_odds, own[:, None]], 1)
        samples = zip(answers, embedded, strict=True)
        corrections = torch.stack([self._correction(*sample, boundary) for sample in samples])
        combined: Tensor = linear + corrections
        return combined

    def _correction(
        self, answers: Tensor, embedded: Tensor, boundary: tuple[Boundary, ...] | None
    ) -> Tensor:
        """Return the corrections (species, *space) of one sample, slab by slab."""
        for axis, kind in enumerate(boundary or ()):
            answers = extend(answers, axis, _LAYERS, _LAYERS, kind)
        length, *plane = answers.shape[2:]
        thickness = max(_THINNEST, SLAB_SITES // math.prod(plane) - 2 * _LAYERS)
        parts = []
        for first in range(0, length - 2 * _LAYERS, thickness):
            slab = answers[:, :, first : first + thickness + 2 * _LAYERS]
            if torch.is_grad_enabled() and slab.requires_grad:
                parts.append(checkpoint(self._convolved, slab, embedded, use_reentrant=False))
            else:
                parts.append(self._convolved(slab, embedded))
        return torch.cat(parts, 1)

    def _convolved(self, answers: Tensor, embedded: Tensor) -> Tensor:
        against_others = _against_others(answers)
        slices, own = against_others[:, :AXES], against_others[:, AXES:]
        x = torch.cat([slices - own, own], 1).clamp(-_LARGEST, _LARGEST) / _SCALE
        for number, layer in enumerate(self.layers):
            scale, shift = self.film[number](embedded)[:, None, None, None].chunk(2)
            y = layer(x) * (1 + scale) + shift
            y = F.silu(y + self.exchange[number](y.mean(0, keepdim=True)))
            x = y if number == 0 else x[..., 1:-1, 1:-1, 1:-1] + y
        correction: Tensor = self.read(x)[:, 0].float()
        return correction[1:] - correction[:1]


def _against_others(log_odds: Tensor) -> Tensor:
    """Turn log odds against the background into those of every phase against all others.

    Of (answers, species, *space) to (phases, answers, *space).
    """
    log_p = torch.cat([torch.zeros_like(log_odds[:, :1]), log_odds], 1).unbind(1)
    phases = range(len(log_p))
    others = [torch.stack([log_p[j] for j in phases if j != k]).logsumexp(0) for k in phases]
    return torch.stack([one - rest for one, rest in zip(log_p, others, strict=True)])


@cache
def learned_fusion(species: int) -> SliceFusion:
    """Return the network that ships for so many phases besides the background, on the CPU."""
    fusion = SliceFusion()
    name = f"slice_fusion_{'two' if species == 1 else 'more'}_phases.safetensors"
    with as_file(files("microdsd.networks") / name) as path:
        fusion.load_state_dict(load_file(path))
    return fusion.requires_grad_(False).eval()


def _waves(sigma: Tensor) -> Tensor:
    low, high = map(math.log, LEVELS)
    place = ((sigma.log() - low) / (high - low)).clamp(0, 1)
    return (math.pi * place[:, None] * torch.arange(_WAVES, device=sigma.device)).cos()
