"""Precision and thread count of a network: the one by rule, the other where it pays to measure.

Another precision gives other samples, so it follows from what the processor can do, never from a
stopwatch: the same command and seed give the same samples, however busy the machine is.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch

from microdsd.errors import InputError

DTYPES = ("bfloat16", "float32")
"""Types in which the convolutions can be run."""

MOST_THREADS = 4096

AUTO = "auto"

P = ParamSpec("P")
R = TypeVar("R")

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
"""Flags of x86 processors that multiply bfloat16 in hardware, and with which oneDNN does."""


@dataclass(frozen=True)
class Precision:
    """Hold the number type and the threads with which a network runs.

    Attributes
    ----------
    dtype : {"float32", "bfloat16"}
        Type of the convolutions; weights and losses stay float32.
    threads : int
        OpenMP threads on a CPU.

    Raises
    ------
    InputError
        Another type, or a number of threads that no machine has: it may come from a file.
    """

    dtype: str
    threads: int

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise InputError(f"dtype={self.dtype!r}: give one of {', '.join(DTYPES)}")
        if type(self.threads) is not int or not 1 <= self.threads <= MOST_THREADS:
            raise InputError(f"threads={self.threads!r}: give a number from 1 to {MOST_THREADS}")

    @contextmanager
    def applied(self, device: torch.device) -> Iterator[None]:
        """Return a context in which the network runs so; it restores the thread count."""
        threads = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            with torch.autocast(device.type, torch.bfloat16, enabled=self.dtype == "bfloat16"):
                yield
        finally:
            torch.set_num_threads(threads)


def single_threaded(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function run on one thread: the same numbers on every machine, however busy it is."""

    @wraps(function)
    def on_one_thread(*args: P.args, **options: P.kwargs) -> R:
        with Precision("float32", 1).applied(torch.device("cpu")):
            return function(*args, **options)

    return on_one_thread


def resolve_dtype(precision: str, device: torch.device) -> str:
    """Return the type of the convolutions: the requested one, or the best of the device.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
        "auto" is bfloat16 where the device multiplies it in hardware, which is then faster, and
        float32 elsewhere, where bfloat16 would be emulated and slower.
    device : torch.device

    Raises
    ------
    InputError
        For any other precision.

    Examples
    --------
    >>> resolve_dtype("float32", torch.device("cpu"))
    'float32'
    """
    if precision not in (AUTO, *DTYPES):
        raise InputError(f"precision={precision!r}: choose 'auto', 'float32' or 'bfloat16'")
    if precision != AUTO:
        return precision
    if device.type == "cuda":
        with torch.cuda.device(device):
            native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device.type == "cpu" and bool(_BFLOAT16_FLAGS & _processor_flags())
    return "bfloat16" if native else "float32"


@cache
def _processor_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Read the features of the processor; empty if the system has no such file."""
    if platform.machine() not in ("x86_64", "AMD64") or not cpuinfo.is_file():
        return frozenset()
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text(encoding="utf-8"), re.M)
    return frozenset(flags[1].split()) if flags else frozenset()


def fastest_threads(
    work: Callable[[], object], device: torch.device, dtype: str, repeats: int = 2
) -> int:
    """Return the number of threads with which ``work`` is fastest on this machine now.

    One, or as many as the machine has; OMP_NUM_THREADS, where set, is an upper bound. Another busy
    process can make two threads many times slower than one: where all cores are taken, one it is,
    else it is tried. Samples do not depend on it; the weights of a training do, to the last bits.
    """
    counts = _thread_counts(device)
    if len(counts) == 1 or _all_cores_are_taken():
        return counts[0]
    return min(counts, key=lambda n: _seconds(work, Precision(dtype, n), device, repeats))


def _thread_counts(device: torch.device) -> list[int]:
    if device.type != "cpu":
        return [torch.get_num_threads()]
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]  # "4,2" is for nested loops
    limit = int(asked) if asked.isdecimal() else os.cpu_count() or 1
    return sorted({1, max(1, limit)})


def _all_cores_are_taken() -> bool:
    try:
        return os.getloadavg()[0] >= (os.cpu_count() or 1)
    except (AttributeError, OSError):  # not every system says
        return False


def _seconds(
    work: Callable[[], object], precision: Precision, device: torch.device, repeats: int
) -> float:
    """Measure the shortest time of one call of ``work``, after one to warm up."""
    times = []
    with precision.applied(device):
        for _ in range(repeats + 1):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    return min(times[1:])
