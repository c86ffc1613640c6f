"""Progress: bars that fit a terminal, lines with the time in a log, nothing where nobody looks."""

import inspect
import io
import re
import threading
import time
from contextlib import nullcontext

import IPython.display
import pytest
from rich.console import Console

import microdsd
from microdsd.cli.live import progress_bar
from microdsd.progress import display, part_of, show_progress, stage
from microdsd.progress.stages import watching
from microdsd.transport.discharge import rate_capability
from microdsd.transport.electrodes import electrode_parameters
from microdsd.transport.permeability import permeability

LINE = re.compile(r"\d\d:\d\d:\d\d ")


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(display, "SECONDS_BETWEEN_LINES", 0.02)


def log(width=80):
    return Console(file=io.StringIO(), width=width)


def terminal(width=80):
    return Console(file=io.StringIO(), width=width, force_terminal=True)


def written(console):
    return console.file.getvalue()


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_log_has_lines_with_the_time_and_the_stage(hurried):
    """Also while nothing at all moves on: a step may take minutes."""
    console = log()
    with show_progress(console):
        with stage("training", total=1.0) as training:
            training.update(0.25, status="step 7, 1.5/s, gain 0.310 [x]")
            until(lambda: written(console).count("\n") >= 2)
        with stage("calibration", total=10) as calibration:
            calibration.advance(5)
            until(lambda: "calibration" in written(console))
    lines = written(console).splitlines()
    assert all(LINE.match(line) for line in lines)
    assert lines[0][9:].startswith("training: 25 %, step 7, 1.5/s, gain 0.310 [x], 0:00:00 so far")
    assert "calibration: 50 %" in lines[-1]
    assert not any(thread.name == "progress" for thread in threading.enumerate())


def test_the_innermost_stage_is_told_of(hurried):
    console = log()
    with show_progress(console), stage("outer", total=2), stage("inner"):
        until(lambda: written(console))
    assert written(console).splitlines()[0].startswith(tuple("012"))
    assert " inner: 0:00:00 so far" in written(console)


def test_time_left_where_it_can_be_told(hurried):
    console = log()
    with show_progress(console), stage("work", total=100) as work:
        for _ in range(60):
            time.sleep(0.03)
            work.advance(1)
    assert re.search(r"work: \d\d %, 0:00:0\d so far, 0:00:0\d left", written(console))


def test_short_work_leaves_no_line():
    console = log()
    with show_progress(console), stage("work", total=1) as work:
        work.advance()
    assert written(console) == ""


def test_an_error_inside_ends_it(hurried):
    console = log()
    with pytest.raises(KeyError), show_progress(console), stage("work"):
        raise KeyError
    assert watching.get() is None
    said = written(console)
    time.sleep(0.1)
    assert written(console) == said


@pytest.mark.parametrize("width", [80, 100])
def test_the_line_of_training_fits_a_terminal(width):
    """And shows the gain, which one is told to watch, however far the run is."""
    console = terminal(width)
    status = "gain 0.512, loss -0.512, step 123456, 12/s"
    with show_progress(console), stage("training", total=1.0) as training:
        training.update(0.1)
        time.sleep(0.2)
        training.update(0.5, status=status)
        time.sleep(0.3)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written(console))
    rows = [row for row in re.split(r"[\r\n]", plain) if row.strip()]
    assert all(len(row) <= width for row in rows)
    assert any(status in row and "50%" in row and "left" in row for row in rows)


def test_a_notebook_shows_a_line_that_changes_in_place(monkeypatch):
    """Without ipywidgets, which many notebooks lack."""
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append(data["text/plain"])

    def displayed(data, raw, display_id):
        assert display_id
        return Handle()

    monkeypatch.setattr(IPython.display, "display", displayed)
    monkeypatch.setattr(display, "_SECONDS_IN_NOTEBOOKS", 0.02)
    console = Console(file=io.StringIO(), force_jupyter=True, width=80)
    with show_progress(console), stage("generating", total=4) as generating:
        generating.advance(2)
        until(lambda: shown)
    assert shown[0].startswith("generating: 50 %, 0:00:00 so far")
    assert written(console) == ""


def test_nobody_watches():
    with stage("work", total=2) as work:
        work.advance()
        work.update(2, status="done")


def test_one_display_at_a_time():
    outer, inner = terminal(), terminal()
    with show_progress(outer), show_progress(inner), stage("work"):
        time.sleep(0.2)
    assert "work" in written(outer)
    assert written(inner) == ""


def test_samples_of_python_are_seen(hurried):
    """As in a notebook: fit, sample and evaluate say how far they are."""
    console = log()
    model = microdsd.MicrostructureModel.load("berea-2d")
    with show_progress(console):
        model.sample(2, shape=(64, 64), rng=0)
    assert " generating: " in written(console)


def test_bars_of_verbs_are_lines_in_a_log(hurried):
    console = log()
    with progress_bar(rate="samples", console=console) as bar:
        task = bar.add_task("measuring", total=8)
        for _ in range(4):
            bar.advance(task)
            time.sleep(0.05)
    assert re.search(r"measuring: \d+ %, \d+\.\d samples/s, ", written(console))


@pytest.mark.parametrize("shown", [True, False])
def test_a_stage_hands_on_to_a_progress_whether_or_not_it_is_shown(hurried, shown):
    """Totals as they are known; `advance` counts on from what was set."""
    told = []
    with (
        show_progress(log()) if shown else nullcontext(),
        stage("work", 4, lambda *state: told.append(state)) as work,
    ):
        work.update(2, status="halfway")
        work.advance()
        work.update(4, total=8)
        work.advance(2)
    assert told == [(2, 4, "halfway"), (3, 4, ""), (4, 8, ""), (6, 8, "")]


def test_a_part_of_a_stage_counts_by_its_share():
    told = []
    with stage("work", 3, lambda *state: told.append(state)) as work:
        tell = part_of(work, 1, "sample 1")
        with stage("inner", 4, tell) as inner:
            inner.update(1, status="surface")
        tell(7, None, "nobody knows when")
        part_of(work, 2)(1, 2, "")
    assert told == [
        (1.25, 3, "sample 1: surface"),
        (1, 3, "sample 1: nobody knows when"),
        (2.5, 3, ""),
    ]


@pytest.mark.parametrize(
    "function",
    [
        microdsd.describe,
        microdsd.describe_transport,
        microdsd.evaluate,
        microdsd.fit,
        microdsd.judge,
        microdsd.measure_ensemble,
        microdsd.GaussianField.sample,
        microdsd.YeongTorquato.sample,
        microdsd.MicrostructureModel.generate,
        microdsd.MicrostructureModel.inpaint,
        microdsd.MicrostructureModel.sample,
        microdsd.MicrostructureModel.sample_regions,
        microdsd.sample_sweep,
        microdsd.NetworkJudge,
        permeability,
        electrode_parameters,
        rate_capability,
    ],
)
def test_long_functions_tell_one_protocol(function):
    assert inspect.signature(function).parameters["progress"].annotation == "Progress | None"
