"""Training by two ranks: the steps of one, one voice, and an end for both."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from two_ranks import run_of

from microdsd.errors import InputError
from microdsd.training import read_state
from microdsd.training.distributed import Ranks, joined_ranks

WORKER = Path(__file__).with_name("two_ranks.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two processes have left, which also refuse, interrupt and lose one another."""
    folder = tmp_path_factory.mktemp("ranks")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    launched = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", WORKER, folder],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (folder / "done").exists(), launched.stderr
    return folder


def state_after(run):
    for _ in run.records():
        pass
    return run.state()


def assert_equal_to_rounding(tensors, expected):
    assert tensors.keys() == expected.keys()
    for name, tensor in tensors.items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-4, atol=1e-6)


def test_two_ranks_take_the_steps_of_one(folder):
    """Weights, moments, averages, gains and shares of the octaves, after five steps on two octaves.

    Adam divides by the size of the gradient, so the weights have moved by 1e-3 and more."""
    one = run_of()
    start = {name: tensor.clone() for name, tensor in one.state()[0].items()}
    tensors, numbers = state_after(one)
    found, said = read_state(folder / "two")
    assert_equal_to_rounding(found, tensors)
    moved = [(tensors[k] - start[k]).abs().max() for k in start if k.startswith("network")]
    assert max(moved) > 1e-3
    assert said["shares"]["steps"] == numbers["shares"]["steps"] == [3, 2]
    assert said["gains"] == pytest.approx(one.gains, rel=1e-3, abs=1e-6)
    assert said["loss"] == pytest.approx(numbers["loss"], rel=1e-4)


def test_one_rank_goes_on_where_two_stopped(folder):
    """And ends where they do: nothing of the state is of one of them alone."""
    run = run_of()
    run.restore(folder / "after-3")
    assert run.trainer.step == 3
    tensors, _ = state_after(run)
    assert_equal_to_rounding(read_state(folder / "two")[0], tensors)


def test_a_batch_that_cannot_be_dealt_out():
    with pytest.raises(InputError, match=r"batch=4: .* 3 ranks; give a multiple of 3"):
        run_of(Ranks(rank=0, size=3))
    shares = [range(12)[Ranks(rank, 3).share(12)] for rank in range(3)]
    assert [number for share in shares for number in share] == list(range(12))


@pytest.mark.parametrize(
    ("device", "rank", "told"),
    [
        ("cuda:1", "0", "device=cuda:1: each rank takes a GPU of its own"),
        (None, "2", "4 ranks on a machine with 2 GPUs; start torchrun with --nproc-per-node 2"),
    ],
)
def test_every_rank_needs_a_gpu(monkeypatch, device, rank, told):
    launched = {"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "4"}
    for name, value in {**launched, "LOCAL_RANK": rank}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(InputError, match=told), joined_ranks(device):
        pass


def test_a_process_alone():
    with joined_ranks() as ranks:
        assert ranks == Ranks(0, 1)
    assert ranks.decided(3) == 3
    with pytest.raises(InputError, match="as it was"), ranks.together():
        raise InputError("as it was")
