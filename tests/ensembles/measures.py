"""Measures that go wrong in chosen ways; processes of their own import them from here."""

import os
import signal
import time
from pathlib import Path

from microdsd.microstructure import phase_fractions


def fractions(ms, *, progress=None):
    """Quick to measure, and told from another by any voxel."""
    if progress is not None:
        progress(0, 1, "fractions")
    return phase_fractions(ms).to_dataset(name="fraction")


def fractions_or_death(ms, *, marker):
    """The first process that comes to sample 3 dies there, as by kill -9."""
    if ms.sample.item() == 3 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return fractions(ms)


def fractions_but_never_the_last(ms, *, marker):
    """Leave one part to every sample but the last, which is waited at for ever."""
    if ms.sample.item() == 4 and not Path(marker).exists():
        Path(marker).touch()
        time.sleep(600)
    return fractions(ms)
