"""What `microdsd train` refuses before any work, and what it never writes over."""

import os

import numpy as np
import pytest
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import output_lock, save_microstructures
from microdsd.microstructure import as_microstructure, blobs

pytestmark = pytest.mark.usefixtures("steady_precision", "few_windows")


@pytest.fixture
def few_windows(monkeypatch):
    """Let runs finish without generating hundreds of windows."""
    monkeypatch.setattr("microdsd.fitting.run.number_of_windows", lambda shape: 2)


TINY = ["--window", 12, 12, "--widths", 4, 8, "--batch", 2]


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def rock(tmp_path):
    scan = blobs((60, 24), fractions=(0.3, 0.7), scale=2, rng=0)
    labels = as_microstructure(scan.values, phases={0: "pore", 1: "solid"})
    save_microstructures(tmp_path / "rock.h5", labels)
    return tmp_path / "rock.h5"


def refused(result, message):
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error: ")
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--minutes", "0"], "minutes=0.0: give a positive number"),
        (["--minutes", "-1"], "minutes=-1.0"),
        (["--minutes", "nan"], "minutes=nan"),
        (["--minutes", "inf"], "minutes=inf"),
        (["--steps", "0"], "steps=0"),
        (["--steps", "0", "--minutes", "1"], "steps=0"),
        (["--widths", "0"], "widths=(0,): give whole numbers of at least 1"),
        (["--widths", "8", "-4"], "widths"),
        (["--widths", "4", "4", "4", "4", "4"], "windows of (12, 12) voxels allow 4 at most"),
        (["--widths", "4", "--blocks", "-1"], "blocks=(-1,)"),
        (["--widths", "60000", "60000", "60000"], "training needs at least"),
        (["--batch", "0"], "batch=0"),
        (["--batch", "1000000000"], "batch=1000000000: training needs at least"),
        (["--learning-rate", "nan"], "learning_rate=nan"),
        (["--sigma-min", "nan"], "sigma_min=nan"),
        (["--sigma-max", "nan"], "sigma_max=nan"),
        (["--validation", "nan"], "validation=nan"),
        (["--evaluations", "0"], "evaluations=0: a walk needs at least 4"),
        (["--evaluations", "-4"], "evaluations=-4"),
        (["--seed", "-1"], "seed=-1"),
    ],
)
def test_options_are_checked_before_any_work(rock, words, message):
    base = [word for word in ["--window", 12, 12, "--batch", 2] if "--batch" not in words]
    base = base if "--batch" not in words else ["--window", 12, 12]
    budget = [] if {"--steps", "--minutes"} & set(words) else ["--steps", 1]
    refused(run("train", rock, "-o", rock.with_name("a.model"), *base, *budget, *words), message)
    assert sorted(path.name for path in rock.parent.iterdir()) == ["rock.h5"]


def test_the_scan_being_read_is_not_replaced(rock):
    before = rock.read_bytes()
    refused(run("train", rock, "-o", rock, "--force", "--steps", 1, *TINY), "is read by this")
    link = rock.with_name("link.h5")
    link.symlink_to(rock)
    refused(run("train", rock, "-o", link, "--force", "--steps", 1, *TINY), "is read by this")
    hard = rock.with_name("hard.h5")
    os.link(rock, hard)
    refused(
        run("train", f"{rock}:/microstructures", "-o", hard, "--force", *TINY), "is read by this"
    )
    assert rock.read_bytes() == before


def test_the_model_to_start_from_is_not_replaced(rock):
    model = rock.with_name("a.model")
    assert run("train", rock, "-o", model, "--steps", 1, "--validation", 0, *TINY).exit_code == 0
    before = model.read_bytes()
    words = ["--start-from", model, "--force", "--steps", 1, "--window", 12, 12]
    refused(run("train", rock, "-o", model, *words), "is read by this")
    assert model.read_bytes() == before


def test_a_pipe_is_not_replaced(rock):
    """Nor a device: /dev/null is one that everything needs."""
    pipe = rock.with_name("pipe")
    os.mkfifo(pipe)
    result = run("train", rock, "-o", pipe, "--force", "--steps", 1, *TINY)
    refused(result, "is a device or a pipe")
    assert pipe.is_fifo()


def test_a_table_of_one_s_own_is_not_taken_for_the_log(rock):
    table = rock.with_name("a.model.csv")
    table.write_text("sample,porosity\n1,0.2\n")
    result = run("train", rock, "-o", rock.with_name("a.model"), "--steps", 1, *TINY)
    refused(result, "is not the log of this run")
    assert table.read_text() == "sample,porosity\n1,0.2\n"


@pytest.fixture
def stopped(rock, monkeypatch):
    """A run that was stopped after its second step, and its command."""
    from microdsd.fitting import TrainingRun

    records = TrainingRun.records

    def until_the_second(run):
        for record in records(run):
            yield record
            if record.step == 2:
                raise KeyboardInterrupt

    command = ["train", rock, "-o", rock.with_name("a.model"), "--steps", 4, *TINY]
    with monkeypatch.context() as patch:
        patch.setattr(TrainingRun, "records", until_the_second)
        patch.setattr("microdsd.cli.train._LOG_EVERY", 0.0)
        assert run(*command).exit_code == 130
    assert rock.with_name("a.model.resume").is_file()
    return command


def test_a_stopped_run_goes_on_without_its_log(rock, stopped):
    rock.with_name("a.model.csv").unlink()
    result = run(*stopped, "--resume")
    assert result.exit_code == 0, result.stderr
    assert "a new log begins" in result.stderr
    assert rock.with_name("a.model.csv").is_file()


def test_a_stopped_run_goes_on_with_a_log_that_was_cut(rock, stopped):
    log = rock.with_name("a.model.csv")
    log.write_bytes(log.read_bytes()[:-7])
    result = run(*stopped, "--resume")
    assert result.exit_code == 0, result.stderr
    steps = [line.split(",")[0] for line in log.read_text().splitlines()[1:]]
    assert steps[0] == "1"
    assert steps[-1] == "4"
    assert len(set(steps)) == len(steps)


def test_a_damaged_log_names_the_remedy_and_loses_nothing(rock, stopped):
    log, state = rock.with_name("a.model.csv"), rock.with_name("a.model.resume")
    log.write_text("what is this\n" + log.read_text())
    before = state.read_bytes()
    refused(run(*stopped, "--resume"), "move it away: training goes on without")
    assert state.read_bytes() == before


@pytest.mark.parametrize("kept", [0, 4, 1000, -1])
def test_a_state_that_was_cut_names_the_file_and_the_remedy(rock, stopped, kept):
    state = rock.with_name("a.model.resume")
    state.write_bytes(state.read_bytes()[:kept])
    result = run(*stopped, "--resume")
    refused(result, "a.model.resume")
    assert "--force" in result.stderr
    assert not rock.with_name("a.model").exists()


def test_what_is_printed_first_is_for_people_with_a_scan(rock):
    result = run("train", rock, "-o", rock.with_name("a.model"), "--steps", 1, *TINY)
    assert result.exit_code == 0, result.stderr
    said = " ".join(result.stderr.partition("budget:")[0].split())
    for words in ("pore", "solid", "windows of 12 x 12 voxels", "held back", "gain"):
        assert words in said
    for jargon in ("horizon", "nats", "mode", "sigma", "parameters", "walk", "sharpness"):
        assert jargon not in said
    assert "budget: 1 steps" in result.stderr
    assert max(map(len, result.stderr.splitlines())) <= 80


def test_steps_alone_give_the_same_model(rock):
    """To the bit, stopped or not: but for the minutes, which are recorded."""
    from microdsd.models.files import read_model

    made = []
    for name in ("a.model", "b.model"):
        result = run("train", rock, "-o", rock.with_name(name), "--steps", 2, *TINY)
        assert result.exit_code == 0, result.stderr
        made.append(read_model(rock.with_name(name)))
    (first, card), (second, other) = made
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert card.walks == other.walks
    assert card.provenance["precision"] == {"dtype": "float32", "threads": 1}


def test_one_process_trains_a_model(rock):
    model = rock.with_name("a.model")
    with output_lock(model):
        refused(run("train", rock, "-o", model, "--steps", 1, *TINY), "a.model: process")


@pytest.mark.parametrize("name", ["a.model.csv", "a.model.resume"])
def test_nor_is_a_scan_replaced_by_what_lies_beside_the_model(rock, name):
    scan = rock.rename(rock.with_name(name))
    before = scan.read_bytes()
    model = rock.with_name("a.model")
    refused(run("train", scan, "-o", model, "--force", "--steps", 1, *TINY), "is read by this")
    assert scan.read_bytes() == before
