"""Samples of large boxes at the command line: killed anywhere, they go on to the same file."""

import json

import numpy as np
import pytest
from tiny_models import octave_model
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.cli.unfinished import PutAside
from microdsd.errors import MicrodsdError
from microdsd.generation import batches, workers
from microdsd.generation import memory as memory_module
from microdsd.io import load_microstructures, place_of_parts

pytestmark = pytest.mark.usefixtures("steady_precision", "every_box_is_large")

SHAPE = (31, 26)
EVALUATIONS = 8


@pytest.fixture(scope="module")
def every_box_is_large():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "LARGE_BOX", 100)
        yield


@pytest.fixture
def folder(tmp_path):
    octave_model().save(tmp_path / "rock.model")
    return tmp_path


def generate(folder, *words, shape=SHAPE, output="new.h5", n=2, **options):
    call = ["generate", folder / "rock.model", *words, "-n", n, "-o", folder / output]
    call += [word for length in shape for word in ("--shape", length)]
    return CliRunner().invoke(app, [str(word) for word in call], **options)


def values(path):
    return load_microstructures(path).values


class Killed(BaseException):
    """What no handler of ours catches, as SIGKILL."""


def stop_at(monkeypatch, number):
    """End the process when so many states are put aside."""
    keep, kept = PutAside.keep, []

    def stopped(self, state):
        keep(self, state)
        kept.append(state)
        if len(kept) == number:
            raise Killed

    monkeypatch.setattr(PutAside, "keep", stopped)


@pytest.mark.parametrize("number", [1, 4, 7, 8, 9, 16])
def test_a_killed_run_goes_on_and_is_the_same(folder, monkeypatch, number):
    whole = generate(folder, "--seed", 5, output="whole.h5")
    assert whole.exit_code == 0, whole.stderr
    with monkeypatch.context() as patch:
        stop_at(patch, number)
        with pytest.raises(Killed):
            generate(folder, "--seed", 5, catch_exceptions=False)
    assert (place_of_parts(folder / "new.h5") / "aside.npz").is_file()
    result = generate(folder, "--seed", 5)
    assert result.exit_code == 0, result.stderr
    samples, evaluations = divmod(number - 1, EVALUATIONS)
    assert (
        f"going on after {samples} samples and {evaluations + 1} network evaluations of the next"
        in result.stderr
    )
    np.testing.assert_array_equal(values(folder / "new.h5"), values(folder / "whole.h5"))
    assert not place_of_parts(folder / "new.h5").exists()


def test_a_state_cut_short_is_named_and_nothing_is_lost(folder, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, 9)
        with pytest.raises(Killed):
            generate(folder, "--seed", 5, catch_exceptions=False)
    place = place_of_parts(folder / "new.h5") / "aside.npz"
    place.write_bytes(place.read_bytes()[:-40])
    refused = generate(folder, "--seed", 5)
    assert refused.exit_code == 2
    assert "aside.npz: is damaged" in refused.stderr
    assert "--force" in refused.stderr
    assert (place.parent / "000000.npz").is_file()
    assert generate(folder, "--seed", 5, "--force").exit_code == 0


def test_the_file_is_described_verified_and_as_asked(folder):
    made = generate(folder, "--fraction", "pore=0.25", "--seed", 3, "--json")
    assert made.exit_code == 0, made.stderr
    assert json.loads(made.stdout)["requested_counts"]["pore"] == [202, 202]  # of 806
    verified = CliRunner().invoke(app, ["verify", str(folder / "new.h5")])
    assert verified.exit_code == 0
    assert "exact" in verified.stdout
    first, second = values(folder / "new.h5")
    assert (first != second).any()
    alone = generate(folder, "--fraction", "pore=0.25", "--seed", 3, output="one.h5", n=1)
    assert alone.exit_code == 0
    np.testing.assert_array_equal(values(folder / "one.h5")[0], first)


def test_a_box_that_does_not_fit_is_refused_with_one_that_does(folder, monkeypatch):
    free = 3_000_000
    monkeypatch.setattr(memory_module, "available_memory", lambda device=None: free)
    refused = generate(folder, shape=(900,), n=1)
    assert refused.exit_code == 2
    edge = int(refused.stderr.split("a box of ")[1].split()[0])
    network = octave_model().card.network
    needed = [memory_module.bytes_of_large_box(n**2, network) for n in (edge, edge + 1)]
    assert needed[0] <= free < needed[1]
    assert generate(folder, shape=(edge,), n=1).exit_code == 0
    assert generate(folder, shape=(edge + 1,), n=1, output="larger.h5").exit_code == 2


@pytest.mark.parametrize("n", [1, 2])
def test_a_scheduler_that_does_not_answer_leaves_nothing_behind(folder, monkeypatch, n):
    """A run of which something is kept stays, and goes on."""
    pytest.importorskip("distributed", reason="the extra 'distributed' is not installed")

    def refused(scheduler, *_):
        raise MicrodsdError(f"scheduler: nothing answers at {scheduler}")

    monkeypatch.setattr(workers, "connected", refused)
    monkeypatch.setattr(workers, "number_of_tiles", lambda *_: 2)
    result = generate(folder, "--scheduler", "tcp://127.0.0.1:1", n=n)
    assert result.exit_code == 2
    assert "nothing answers" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["rock.model"]
    with monkeypatch.context() as patch:
        stop_at(patch, 1)
        with pytest.raises(Killed):
            generate(folder, n=n, catch_exceptions=False)
    assert generate(folder, "--scheduler", "tcp://127.0.0.1:1", n=n).exit_code == 2
    assert (place_of_parts(folder / "new.h5") / "aside.npz").is_file()
