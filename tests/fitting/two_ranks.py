"""What two processes do together in `test_ranks.py`; started by torchrun with a folder."""

import os
import sys
from pathlib import Path

import pytest

from microdsd.device.precision import Precision
from microdsd.errors import InputError, MicrodsdError
from microdsd.fitting import TrainingRun
from microdsd.microstructure.synthetic import blobs
from microdsd.training import TrainingConfig
from microdsd.training.distributed import LostRankError, Ranks, joined_ranks

SCAN = blobs((80, 40), fractions=(0.3, 0.7), scale=1.5, rng=1).values
SETTINGS = {"steps": 5, "minutes": 1e6, "batch": 4, "warmup": 1, "validations": 2, "average": 0.5}
OPTIONS = {
    "window": 32,
    "octaves": 2,
    "precision": "float32",
    "device": "cpu",
    "network_size": {"widths": (4, 8), "blocks": (1, 1), "embedding": 8},
}


def run_of(ranks=None):
    run = TrainingRun(SCAN, TrainingConfig(**SETTINGS), ranks=ranks, **OPTIONS)
    run.trainer.precision = Precision("float32", 1)
    run.trainer.reserve = 1e-6  # calibration is not rehearsed
    return run


def interrupted():
    raise KeyboardInterrupt


def nothing():
    pass


def opened(ranks):
    if not ranks.first:
        raise InputError("scan.h5: no such scan")


def together(folder: Path, ranks: Ranks) -> None:
    run = run_of(ranks)
    for record in run.records():
        if record.step == 3 and ranks.first:
            run.save_state(folder / "after-3")
    if ranks.first:
        run.save_state(folder / "two")

    with pytest.raises(KeyboardInterrupt):
        ranks.interrupt_together(nothing if ranks.first else interrupted)
    ranks.interrupt_together(nothing)
    expected = InputError if not ranks.first else MicrodsdError
    with pytest.raises(expected, match="no such scan") as caught, ranks.together():
        opened(ranks)
    assert ranks.first == ("rank 1: " in str(caught.value))
    with pytest.raises(InputError, match=r"rank 1: trains with other settings .* seed=1, not 0"):
        ranks.require_same({"window": [32, 32], "seed": ranks.rank})
    if not ranks.first:
        os._exit(0)  # as a process that is killed: nobody is told
    with pytest.raises(LostRankError, match="--resume goes on from what was last saved"):
        ranks.decided("after this")
    (folder / "done").touch()


if __name__ == "__main__":
    with joined_ranks("cpu") as both:
        together(Path(sys.argv[1]), both)
