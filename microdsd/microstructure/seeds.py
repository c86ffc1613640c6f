"""Seeds: sample i of a run depends on (seed, i) alone."""

from __future__ import annotations

import numpy as np

from microdsd.errors import InputError


def resolve_seed(rng: int | np.random.Generator | None) -> int:
    """Return one integer seed from None (fresh), an integer, or a Generator (drawn from).

    Raises
    ------
    InputError
        A negative seed.

    Examples
    --------
    >>> resolve_seed(7)
    7
    """
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(1 << 53))
    if rng is None:
        return int(np.random.default_rng().integers(1 << 53))
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer) or rng < 0:
        raise InputError(f"rng={rng!r}: give a seed of at least 0, or a numpy Generator")
    return int(rng)


def sample_generator(seed: int, sample: int) -> np.random.Generator:
    """Return the generator of one sample, independent of those of any other.

    Examples
    --------
    >>> bool(sample_generator(0, 1).random() == sample_generator(0, 1).random())
    True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(sample,)))
