"""Work that goes wrong in chosen ways; processes of their own import it from here."""

import os
import signal
from pathlib import Path

from microdsd.generation import workers

_make_sample = workers.make_sample


def make_sample(file, request, *, marker):
    """The first process that comes to sample 2 dies there, as by kill -9."""
    if request.streams == (2,) and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return _make_sample(file, request)
