import time

import pytest
import torch

from microdsd.device import precision as precision_module
from microdsd.device.precision import Precision, measure_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize("failing", [False, True])
def test_threads_and_precision_are_restored(failing):
    before = torch.get_num_threads()
    try:
        with Precision("bfloat16", 3).applied(CPU):
            assert torch.get_num_threads() == 3
            assert torch.is_autocast_enabled("cpu")
            if failing:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert torch.get_num_threads() == before
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_convolutions_run_in_the_precision(dtype):
    convolution = torch.nn.Conv2d(1, 1, 3)
    with Precision(dtype, 1).applied(CPU):
        assert str(convolution(torch.zeros(1, 1, 4, 4)).dtype) == f"torch.{dtype}"


def delayed(seconds):
    """Work that takes as long as (dtype, threads) says."""

    def work():
        dtype = "bfloat16" if torch.is_autocast_enabled("cpu") else "float32"
        time.sleep(seconds[dtype, torch.get_num_threads()])

    return work


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        ({("bfloat16", 1): 0.001, ("float32", 1): 0.03}, Precision("bfloat16", 1)),
        ({("bfloat16", 1): 0.03, ("float32", 1): 0.001}, Precision("float32", 1)),
        # Nearly as fast: bfloat16, so that a measurement's noise does not decide.
        ({("bfloat16", 1): 0.030, ("float32", 1): 0.028}, Precision("bfloat16", 1)),
    ],
)
def test_the_clearly_faster_is_chosen(monkeypatch, seconds, chosen):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert measure_precision(delayed(seconds), CPU) == chosen


def test_the_faster_thread_count_is_chosen(monkeypatch):
    monkeypatch.setattr(precision_module, "_thread_counts", lambda device: [1, 2])
    seconds = {("bfloat16", 1): 0.002, ("float32", 1): 0.03}
    seconds |= {("bfloat16", 2): 0.03, ("float32", 2): 0.03}
    assert measure_precision(delayed(seconds), CPU) == Precision("bfloat16", 1)
    assert torch.get_num_threads() == 1


def test_thread_counts_obey_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert precision_module._thread_counts(CPU) == [1, 4]
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 in precision_module._thread_counts(CPU)
