"""Ctrl-C between steps of long work, never inside one."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType


@contextmanager
def held_interrupts(*, children: bool = False, echo: float = 0.0) -> Iterator[Callable[[], None]]:
    """Hold back Ctrl-C and SIGTERM while a step runs.

    An optimiser stopped halfway through a step would leave a state that no uninterrupted run
    passes through. A second signal does not wait. Outside of the main thread, which alone hears
    signals, nothing is held.

    Parameters
    ----------
    children : bool
        Whether processes and threads that begin inside are never to hear Ctrl-C: it is for this
        process to end them. Here, too, it may then be heard at the end of the block only.
    echo : float
        Seconds within which a second signal is the first one once more: a launcher of several
        processes passes on what they have heard themselves.

    Yields
    ------
    callable
        To be called between steps, or after the block; raises KeyboardInterrupt if a signal has
        come.
    """
    came: float | None = None

    def hold(number: int, frame: FrameType | None) -> None:
        nonlocal came
        now = time.monotonic()
        if came is not None and now - came >= echo:
            raise KeyboardInterrupt
        came = now if came is None else came

    def release() -> None:
        if came is not None:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield release
        return
    with ExitStack() as afterwards:
        for number in (signal.SIGINT, signal.SIGTERM):
            # A background job ignores SIGINT, and is to go on doing so.
            if (handler := signal.getsignal(number)) != signal.SIG_IGN:
                signal.signal(number, hold)
                afterwards.callback(signal.signal, number, handler)
        if children and os.name == "posix":
            afterwards.enter_context(_masked())  # lifted first, so that `hold` hears what waits
        yield release


@contextmanager
def _masked() -> Iterator[None]:
    """Mask SIGINT, as processes and threads that begin meanwhile go on doing."""
    from multiprocessing import resource_tracker

    # Started later, it would unblock the signal again.
    resource_tracker.ensure_running()
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)
