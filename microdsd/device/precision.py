"""Precision and thread count, chosen by a short measurement rather than by assumption."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

DTYPES = ("bfloat16", "float32")
"""Types in which the convolutions can be run."""

_CLEARLY_FASTER = 0.67
"""Share of bfloat16's time that float32 must stay below to be taken.

Where bfloat16 is in hardware it wins by a factor, where it is emulated it loses by one: with
this margin the choice is a property of the machine and not of a measurement's noise, which
samples and training runs must not depend on.
"""


@dataclass(frozen=True)
class Precision:
    """How to run a network.

    Parameters
    ----------
    dtype : {"float32", "bfloat16"}
        Type of the convolutions; weights and losses stay float32.
    threads : int
        OpenMP threads on a CPU.
    """

    dtype: str
    threads: int

    @contextmanager
    def applied(self, device: torch.device) -> Iterator[None]:
        """Context in which the network runs so; the thread count is restored afterwards."""
        threads = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            with torch.autocast(device.type, torch.bfloat16, enabled=self.dtype == "bfloat16"):
                yield
        finally:
            torch.set_num_threads(threads)


def measure_precision(
    work: Callable[[], object],
    device: torch.device,
    repeats: int = 2,
    dtypes: Sequence[str] = DTYPES,
) -> Precision:
    """Fastest way to run ``work`` on this machine, as busy as it is now.

    Thread counts beyond the first are tried on a CPU only; OMP_NUM_THREADS, where set, is an
    upper bound. Another busy process can make two threads slower than one, and small CPUs may
    have no fast bfloat16: neither can be known without trying. ``dtypes`` are those to choose
    from.
    """
    best: dict[str, tuple[float, int]] = {}
    for threads in _thread_counts(device):
        for dtype in dtypes:
            seconds = _seconds(work, Precision(dtype, threads), device, repeats)
            best[dtype] = min(best.get(dtype, (float("inf"), 0)), (seconds, threads))
    if len(best) == 1:
        (dtype,) = best
    else:
        fast = best["float32"][0] < _CLEARLY_FASTER * best["bfloat16"][0]
        dtype = "float32" if fast else "bfloat16"
    return Precision(dtype, best[dtype][1])


def _thread_counts(device: torch.device) -> list[int]:
    if device.type != "cpu":
        return [torch.get_num_threads()]
    limit = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    return sorted({1, max(1, limit)})


def _seconds(
    work: Callable[[], object], precision: Precision, device: torch.device, repeats: int
) -> float:
    """Shortest time that one call of ``work`` takes, after one to warm up."""
    times = []
    with precision.applied(device):
        for _ in range(repeats + 1):
            start = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times.append(time.perf_counter() - start)
    return min(times[1:])
