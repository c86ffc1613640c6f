"""Two phases of a large box with exact counts: the best voxels, found in passes over its layers.

A voxel's rank among all is a whole number of 56 bits: what there is to gain from phase 1 there, in
an order-preserving reading of its float32, and below that 24 random bits of the voxel, which
decide ties without favouring any place. The least rank that gets phase 1 is found digit by digit,
from counts of digits; nothing is sorted and nothing but labels is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from microdsd.process.walk import numbered_uniforms

_DIGITS = ((40, 16), (24, 16), (12, 12), (0, 12))
"""Lowest bit and length of the digits of a rank, from the top."""

_GAIN_BITS, _RANDOM_BITS = 32, 24

Gains = Callable[[slice], Tensor]
"""Of some layers (layers, *across): what phase 1 gains over phase 0, finite float32."""


def best_voxels(
    gains: Gains, count: int, shape: Sequence[int], layers: Sequence[slice], key: Tensor
) -> Tensor:
    """Assign phase 1 where there is most to gain from it, as often as requested; else phase 0.

    Parameters
    ----------
    gains : callable
        Asked several times for the same layers, and has to give the same.
    count : int
        Voxels of phase 1.
    shape : sequence of int
        Shape of the box.
    layers : sequence of slice
        That are looked at together; they cover the box.
    key : Tensor of int64, shape (1,)
        Key of the random numbers that decide ties.

    Returns
    -------
    Tensor of uint8, shape (*space)

    Examples
    --------
    >>> gain = torch.tensor([0.3, -0.1, 0.2, -0.4])
    >>> best_voxels(gain.__getitem__, 3, (4,), [slice(0, 2), slice(2, 4)], torch.tensor([1]))
    tensor([1, 1, 1, 0], dtype=torch.uint8)
    """
    label = torch.zeros(*shape, dtype=torch.uint8, device=key.device)
    if count == 0:
        return label
    across = label[0].numel()
    prefix, known, left = 0, 0, count
    for low, bits in _DIGITS:
        tally = torch.zeros(1 << bits, dtype=torch.int64, device=key.device)
        for part in layers:
            _, rank = _alike(gains(part), part.start * across, key, prefix, known, low)
            digits = (rank >> low).bitwise_and_((1 << bits) - 1)
            tally += torch.bincount(digits, minlength=1 << bits)
        # How many are at least as high as every digit.
        reached = tally.flip(0).cumsum(0).flip(0)
        digit = int((reached >= left).nonzero()[-1])
        left -= int(reached[digit] - tally[digit])
        prefix, known = (prefix << bits) | digit, known + bits
        if left == int(tally[digit]):  # all that begin like this
            break
    of_gain = min(known, _GAIN_BITS)
    for part in layers:
        gain = gains(part)
        chosen = (_ordered(gain) >> (_GAIN_BITS - of_gain)) > (prefix >> (known - of_gain))
        alike, rank = _alike(gain, part.start * across, key, prefix >> (known - of_gain), of_gain)
        rank >>= _GAIN_BITS + _RANDOM_BITS - known
        chosen[alike[rank > prefix]] = True
        equal = alike[rank == prefix][:left]
        chosen[equal] = True
        left -= len(equal)
        label[part] = chosen.view(label[part].shape)
    return label


def _ordered(gain: Tensor) -> Tensor:
    """Read gains as whole numbers of 32 bits in the same order, int64; both zeros are alike."""
    bits = (gain.flatten() + 0.0).view(torch.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).long() + (1 << 31)


def _alike(
    gain: Tensor, first: int, key: Tensor, prefix: int, known: int, low: int = 0
) -> tuple[Tensor, Tensor]:
    """Find the voxels whose ranks begin with ``known`` bits, and the ranks from bit ``low`` on.

    Only where they are asked for, random bits are drawn: most voxels differ by their gains.
    ``first`` is the number of the first voxel.
    """
    of_gain = min(known, _GAIN_BITS)
    ordered = _ordered(gain)
    if known:
        alike = (ordered >> (_GAIN_BITS - of_gain)) == (prefix >> (known - of_gain))
        voxel = alike.nonzero().squeeze(1)
        ordered = ordered[voxel]
    else:
        voxel = torch.arange(len(ordered), device=key.device)
    rank = ordered << _RANDOM_BITS
    if low < _RANDOM_BITS:
        rank |= (numbered_uniforms(key, first + voxel)[0] * (1 << _RANDOM_BITS)).long()
    if known > _GAIN_BITS:
        among = (rank >> (_GAIN_BITS + _RANDOM_BITS - known)) == prefix
        voxel, rank = voxel[among], rank[among]
    return voxel, rank
