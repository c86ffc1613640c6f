"""The wall clock of a run."""

from __future__ import annotations

import time


class Stopwatch:
    """Measure the wall-clock minutes that a run has taken, over all its sessions.

    Parameters
    ----------
    begun : float, optional
        Value of `time.monotonic`, if the session began earlier than now.

    Examples
    --------
    >>> watch = Stopwatch()
    >>> watch.go_on_from(2.5)  # what an earlier session took
    >>> 2.5 <= watch.minutes < 2.6
    True
    """

    def __init__(self, begun: float | None = None) -> None:
        self._begun = time.monotonic() if begun is None else begun
        self._earlier = 0.0

    @property
    def minutes(self) -> float:
        """Return the minutes spent."""
        return self._earlier + (time.monotonic() - self._begun) / 60

    def begin(self) -> None:
        """Start this session now."""
        self._begun = time.monotonic()

    def go_on_from(self, minutes: float) -> None:
        """Count what an earlier session took besides this one."""
        self._earlier = minutes
