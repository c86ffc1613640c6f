"""Seeds to streams of random numbers, one for each sample, so that no sample depends on others."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch


def stream(
    seed: int, number: int, device: torch.device | str = "cpu", *walk: int
) -> torch.Generator:
    """Make the generator of one of many independent streams, from (seed, number) alone.

    Of several walks of one number, each has a stream of its own.

    Examples
    --------
    >>> stream(0, 3).initial_seed() == stream(0, 3).initial_seed() != stream(0, 4).initial_seed()
    True
    """
    state = np.random.SeedSequence(seed, spawn_key=(number, *walk)).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state >> np.uint64(1)))


def seeded_streams(
    seeds: Iterable[int], device: torch.device | str = "cpu"
) -> list[torch.Generator]:
    """Make one generator per seed.

    Examples
    --------
    >>> [generator.initial_seed() for generator in seeded_streams([3, 4])]
    [3, 4]
    """
    return [torch.Generator(device).manual_seed(int(seed)) for seed in seeds]


def drawn_streams(
    rng: np.random.Generator, n: int, device: torch.device | str = "cpu"
) -> list[torch.Generator]:
    """Make n generators whose seeds are drawn from `rng`.

    Examples
    --------
    >>> len(drawn_streams(np.random.default_rng(0), 5))
    5
    """
    return seeded_streams(rng.integers(1 << 62, size=n), device)
