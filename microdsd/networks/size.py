"""Size of the network to train, for a window and the available memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from microdsd.device import available_memory
from microdsd.errors import InputError
from microdsd.networks import Method, UNetConfig, build_network
from microdsd.networks.build import DEFAULT_SIZE
from microdsd.networks.unet import n_parameters

_COPIES = 5
"""Of every weight, while training: itself, its average, its gradient and two moments."""

_KEPT = 6
"""Activations that a residual block keeps for its gradient, at the least."""

_FLOAT = 4


def network_size_for(
    window: Sequence[int], asked: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Choose widths, blocks and embedding of a network for windows of a shape.

    Parameters
    ----------
    window : sequence of int
        Voxels per axis.
    asked : mapping, optional
        Entries of `UNetConfig` that differ from the default.

    Raises
    ------
    InputError
        For widths or blocks that make no network, or that halve the window below one voxel.

    Examples
    --------
    >>> network_size_for((64, 64))["widths"]
    (32, 64, 96, 128)
    >>> network_size_for((64, 64), {"widths": [16, 32]})
    {'widths': (16, 32), 'blocks': (1, 1)}
    """
    if not asked:
        return dict(DEFAULT_SIZE[len(window)])
    size = {**DEFAULT_SIZE[len(window)], **asked}
    size["widths"] = _whole("widths", size["widths"], 1)
    if "blocks" in asked or "widths" not in asked:
        size["blocks"] = _whole("blocks", size["blocks"], 0)
    else:
        size["blocks"] = (1,) * len(size["widths"])
    if len(size["blocks"]) != len(size["widths"]):
        raise InputError(
            f"blocks={size['blocks']}: give as many as there are widths={size['widths']}"
        )
    if "embedding" in size:
        (size["embedding"],) = _whole("embedding", [size["embedding"]], 1)
    levels = int(math.log2(min(window))) + 1
    if len(size["widths"]) > levels:
        raise InputError(
            f"widths={size['widths']}: every further one halves the resolution, and windows of "
            f"{tuple(window)} voxels allow {levels} at most; give fewer, or a larger window"
        )
    return size


def _whole(name: str, numbers: Any, least: int) -> tuple[int, ...]:
    whole = isinstance(numbers, Sequence) and all(
        isinstance(n, int) and not isinstance(n, bool) and n >= least for n in numbers
    )
    if not whole or not numbers:
        raise InputError(f"{name}={numbers!r}: give whole numbers of at least {least}")
    return tuple(numbers)


def require_memory(
    method: Method,
    config: UNetConfig,
    window: Sequence[int],
    batch: int,
    device: torch.device,
) -> None:
    """Refuse a network or a batch that the memory cannot hold, before any work.

    Raises
    ------
    InputError
        Says how much is needed, and how much there is.
    """
    with torch.device("meta"):
        weights = n_parameters(build_network(method, config))
    blocks = zip(config.widths, config.blocks, strict=True)
    kept = sum(
        _KEPT * 2 * count * width * math.prod(window) / 2 ** (level * config.ndim)
        for level, (width, count) in enumerate(blocks)
    )
    needed = _FLOAT * (_COPIES * weights + batch * kept)
    available = available_memory(device)
    if needed > available:
        raise InputError(
            f"widths={config.widths}, batch={batch}: training needs at least "
            f"{needed / 2**30:.1f} GiB, and there are {available / 2**30:.1f} GiB free on "
            f"{device}; give smaller widths, a smaller batch or a smaller window"
        )
