"""Ctrl-C between steps, never inside one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_interrupts() -> Iterator[Callable[[], None]]:
    """Hold back Ctrl-C and SIGTERM while a step runs.

    An optimiser stopped halfway through a step would leave a state that no uninterrupted run
    passes through. A second signal does not wait.

    Yields
    ------
    callable
        To be called between steps; raises KeyboardInterrupt if a signal has come.
    """
    came = False

    def hold(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True

    def release() -> None:
        if came:
            raise KeyboardInterrupt

    # A background job ignores SIGINT, and is to go on doing so.
    held = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM)
        if (handler := signal.getsignal(number)) != signal.SIG_IGN
    }
    for number in held:
        signal.signal(number, hold)
    try:
        yield release
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
