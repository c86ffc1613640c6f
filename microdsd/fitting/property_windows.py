"""Windows whose properties are known: what a network that is told of properties learns from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pooch
from numpy.typing import NDArray

import microdsd
from microdsd.encoding.sampling import ClassSampler
from microdsd.io import atomic_write
from microdsd.progress import stage
from microdsd.properties import Property

Measure = Callable[[NDArray[Any]], NDArray[np.float64]]
"""From windows (n, *window) to their properties (n, properties)."""

_AT_A_TIME = 16
"""Windows measured in one piece of work."""


def number_to_measure(properties: Sequence[Property], ndim: int) -> int:
    """Return how many windows are measured: fewer where each takes a solution of transport.

    Examples
    --------
    >>> number_to_measure([Property("specific_surface_area")], 2)
    4096
    """
    number = 4096 if ndim == 2 else 2048
    return number // 2 if any(one.transport for one in properties) else number


class PropertyWindows:
    """Draw from a fixed number of training windows, each with its properties.

    Parameters
    ----------
    sampler : ClassSampler
        Of the training windows.
    n : int
        Windows.
    rng : Generator
        Chooses them.
    measure : callable
        From windows to their properties (n, properties).
    key : mapping
        What the result depends on, for the cache.
    """

    def __init__(
        self,
        sampler: ClassSampler,
        n: int,
        rng: np.random.Generator,
        measure: Measure,
        key: dict[str, Any],
    ) -> None:
        self._sampler = sampler
        self._chosen = sampler.choose(n, rng)
        self.values = cached({**key, "windows": n}, lambda: self._measured(measure))

    def _measured(self, measure: Measure) -> NDArray[np.float64]:
        """Measure all windows, as many at once as there are processors."""
        pieces = [
            self._chosen[first : first + _AT_A_TIME]
            for first in range(0, len(self._chosen), _AT_A_TIME)
        ]
        done: list[NDArray[np.float64]] = []
        with (
            stage("measuring training windows", len(self._chosen)) as measuring,
            ThreadPoolExecutor(os.cpu_count()) as threads,
        ):
            for values in threads.map(lambda one: measure(self._sampler.read(one)[0]), pieces):
                done.append(values)
                measuring.advance(len(values))
        return np.concatenate(done)

    def read(self, numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return windows and the class of each."""
        return self._sampler.read([self._chosen[k] for k in numbers])

    def draw(
        self, n: int, rng: np.random.Generator, share: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw windows, the class of each, and their properties, or a share of n."""
        numbers = rng.integers(len(self._chosen), size=n)[share]
        windows, classes = self.read(numbers.tolist())
        return windows, classes, self.values[numbers]


def cached(key: dict[str, Any], make: Callable[[], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return a table from the cache of the user, or make it and keep it there.

    The folder is ``microdsd/properties`` in the user's cache folder, or in what the environment
    variable ``MICRODSD_CACHE`` names. What cannot be kept is made anew the next time.
    """
    text = json.dumps({**key, "version": microdsd.__version__}, sort_keys=True)
    folder = Path(os.environ.get("MICRODSD_CACHE") or pooch.os_cache("microdsd"))
    file = folder / "properties" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npy"
    try:
        table: NDArray[np.float64] = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        table = make()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(file, overwrite=True) as temporary, temporary.open("wb") as stream:
                np.save(stream, table)
        except OSError:
            pass
    return table
