"""Training on blobs small enough for a second."""

import numpy as np
import pytest
import torch
from host_waits import HostWaits

from microdsd.device.precision import Precision, resolve_dtype
from microdsd.encoding import PhaseEncoding
from microdsd.errors import DataFileError
from microdsd.microstructure.synthetic import blobs
from microdsd.networks import PotentialUNet, UNetConfig
from microdsd.process import Lattice
from microdsd.process.octaves import Octaves
from microdsd.training import Trainer, TrainingConfig, Validation, loop, pack_state, read_state
from microdsd.training.averaging import average_weights
from microdsd.training.log import TrainingLog
from microdsd.training.objective import OriginObjective
from microdsd.training.octave import OctaveTask, Windows

WINDOW = (12, 12)
SCAN = blobs((64, 64), fractions=(0.4, 0.6), scale=2.0, rng=0).values
ENCODING = PhaseEncoding({0: "pore", 1: "solid"}, background=1)
WALK = Octaves(Lattice.box(WINDOW, "no-flux"))
SIGMA_MAX = 12.0


def windows(n, rng):
    corners = rng.integers(0, 64 - 12, (n, 2))
    return ENCODING.encode(np.stack([SCAN[y : y + 12, x : x + 12] for y, x in corners]))


def draw(n, rng, shape=WINDOW, share=slice(None)):
    assert shape == WINDOW
    occupation = windows(n, rng)[share]
    return Windows(occupation, occupation.flatten(2).mean(2))


def tasks(config, validation=None):
    return [OctaveTask(0, WALK, OriginObjective(config.sigma_min, SIGMA_MAX), validation)]


def trainer_of(config, validation=None, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        network = PotentialUNet(UNetConfig(2, 1, (4, 8), (1, 1), 8))
    trainer = Trainer(network, draw, tasks(config, validation), config)
    trainer.precision = Precision("float32", 1)
    return trainer


def validation_set(n=16):
    return Validation(windows(n, np.random.default_rng(99)), WALK, 0.3, SIGMA_MAX, seed=0)


def weights(trainer):
    return {
        f"{part}.{name}": tensor.clone()
        for part in ("network", "averaged")
        for name, tensor in getattr(trainer, part).state_dict().items()
    }


def assert_same(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.filterwarnings("error")
def test_it_learns():
    """The loss falls below an uninformed walker's, and held-back windows agree."""
    validation = validation_set()
    trainer = trainer_of(
        TrainingConfig(steps=120, batch=8, warmup=10, learning_rate=1e-2, validations=4), validation
    )
    records = list(trainer.run())
    assert [r.step for r in records] == list(range(1, 121))
    assert records[-1].progress == 1.0
    assert records[-1].loss < -0.03
    validated = [r for r in records if r.gains]
    assert [r.step for r in validated] == [30, 60, 90, 120]
    final = validated[-1].gains
    assert np.mean(final) > 0.04
    assert np.mean(final) > np.mean(validated[0].gains)
    assert final[4] > 2 * final[-1]  # sigma 1.5 tells more than the horizon
    assert validation.gains(trainer.averaged) == pytest.approx(list(final), abs=1e-6)


def test_steps_alone_determine_the_weights():
    config = TrainingConfig(steps=4, batch=2, seed=5)
    first, second = trainer_of(config), trainer_of(config)
    assert [r.loss for r in first.run()] == [r.loss for r in second.run()]
    assert_same(weights(first), weights(second))
    other = trainer_of(TrainingConfig(steps=4, batch=2, seed=6))
    list(other.run())
    assert not torch.equal(
        weights(first)["network.stem.conv.weight"], weights(other)["network.stem.conv.weight"]
    )


@pytest.mark.parametrize("stop", [1, 12])
def test_a_stopped_run_goes_on_exactly(tmp_path, stop):
    """Through a file, in a new trainer, validated at the same steps: bit for bit."""
    config = TrainingConfig(steps=14, batch=2, validations=3, average=0.5)
    whole = trainer_of(config, validation_set(4))
    records = [(r.step, r.loss, r.gains) for r in whole.run()]

    stopped = trainer_of(config, validation_set(4))
    for record in stopped.run():
        if record.step == stop:
            break
    (tmp_path / "state").write_bytes(pack_state(*stopped.state()))
    resumed = trainer_of(config, validation_set(4), seed=1)
    resumed.restore(*read_state(tmp_path / "state"))
    assert resumed.step == stop
    assert resumed.minutes > 0
    rest = [(r.step, r.loss, r.gains) for r in resumed.run()]
    assert rest == records[stop:]
    assert_same(weights(resumed), weights(whole))
    stem = "stem.conv.weight"
    assert not torch.equal(weights(whole)[f"averaged.{stem}"], weights(whole)[f"network.{stem}"])


def test_a_step_waits_for_its_own_work_once():
    """And twice to find the walkers of the windows; see docs/reference/gpu.md."""
    steps = trainer_of(TrainingConfig(steps=3, batch=2)).run()
    next(steps)
    with HostWaits() as counted:
        next(steps)
    places = counted.places
    assert places.pop("training/loop._optimise") == 1
    assert places.pop("process/walk.of") == 2
    assert set(places) <= {"process/noise.time_of", "training/objective.draw_times"}


def test_steps_alone_do_not_measure_threads(monkeypatch):
    """Sums over a batch are of another order with other threads: weights must not depend on it."""
    monkeypatch.setattr(loop, "fastest_threads", lambda *a: pytest.fail("measured"))
    trainer = trainer_of(TrainingConfig(steps=1, batch=2))
    trainer.precision = None
    list(trainer.run())
    assert trainer.precision == Precision(resolve_dtype("auto", WALK.device), 1)


def test_measuring_threads_leaves_no_trace_and_its_outcome_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
    settings = {"steps": 2, "batch": 2, "minutes": 1e6}
    trainer = trainer_of(TrainingConfig(**settings))
    trainer.precision = None
    list(trainer.run())
    assert trainer.precision is not None
    (tmp_path / "state").write_bytes(pack_state(*trainer.state()))
    other = trainer_of(TrainingConfig(**settings))
    other.restore(*read_state(tmp_path / "state"))
    assert other.precision == trainer.precision
    again = trainer_of(TrainingConfig(**settings))
    again.precision = trainer.precision
    list(again.run())
    assert_same(weights(again), weights(trainer))


class Clock:
    """A clock that work moves on, not time: in seconds."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr("microdsd.training.stopwatch.time.monotonic", lambda: self.now)

    def takes(self, seconds, work=lambda *a: None):
        def timed(*arguments):
            self.now += seconds
            return work(*arguments)

        return timed


def timed_trainer(monkeypatch, clock, config, step=1.0, window=0.0, windows=16):
    """A trainer whose steps, and validation per window, take so many seconds."""
    validation = validation_set(windows)
    monkeypatch.setattr(validation, "seconds", lambda network: window)
    used = []

    def gains(network, n):
        clock.now += n * window
        used.append((clock.now, n))
        return [0.5] * len(validation.levels)

    monkeypatch.setattr(validation, "gains", gains)
    trainer = trainer_of(config, validation)
    monkeypatch.setattr(trainer, "_optimise", clock.takes(step, trainer._optimise))
    return trainer, used


def test_a_budget_of_time_is_kept(monkeypatch):
    clock = Clock(monkeypatch)
    config = TrainingConfig(minutes=0.2, batch=2, validations=3)
    trainer, _ = timed_trainer(monkeypatch, clock, config)
    trainer.reserve = 0.075  # leaves 7.5 s
    records = list(trainer.run())
    assert len(records) == 7  # an eighth would end after 8 s
    assert records[-1].progress == 1.0
    assert records[-1].gains
    assert trainer.minutes == pytest.approx(7 / 60)
    assert list(trainer.run()) == []


def test_what_a_consumer_takes_between_steps_counts(monkeypatch):
    clock = Clock(monkeypatch)
    trainer, _ = timed_trainer(monkeypatch, clock, TrainingConfig(minutes=0.5, batch=2))
    records = []
    for record in trainer.run():
        clock.now += 4  # say, to save the state
        records.append(record)
    record = records[-1]
    assert record.minutes <= 0.5 + 5 / 60
    assert record.step == 7


def test_time_spent_in_an_earlier_session_counts(monkeypatch, tmp_path):
    clock = Clock(monkeypatch)
    config = TrainingConfig(minutes=0.5, batch=2)
    first, _ = timed_trainer(monkeypatch, clock, config)
    for record in first.run():
        if record.step == 20:
            break
    (tmp_path / "state").write_bytes(pack_state(*first.state()))
    clock.now += 1000  # a night's rest
    second, _ = timed_trainer(monkeypatch, clock, config)
    second.restore(*read_state(tmp_path / "state"))
    assert second.minutes == pytest.approx(20 / 60)
    assert len(list(second.run())) in (9, 10)  # 29 s of 30, or one more


@pytest.mark.parametrize(
    ("minutes", "step", "window"),
    [(10, 1.0, 0.001), (10, 1.0, 0.5), (3, 0.5, 1.0), (30, 4.0, 3.0), (1, 1.0, 0.2)],
)
def test_validation_takes_a_twentieth_of_the_budget_at_most(monkeypatch, minutes, step, window):
    clock = Clock(monkeypatch)
    config = TrainingConfig(minutes=minutes, batch=2)
    trainer, used = timed_trainer(monkeypatch, clock, config, step, window)
    monkeypatch.setattr(trainer, "_optimise", clock.takes(step, lambda p: _count(trainer)))
    list(trainer.run())
    spent = sum(n * window for _, n in used)
    assert spent <= max(0.05 * 60 * minutes, loop._FEWEST_WINDOWS * window)
    assert clock.now <= 60 * minutes + step
    assert used[-1][0] == clock.now  # the last one is of the finished network
    assert len(used) <= config.validations
    if window < 0.1:
        assert len(used) == config.validations
        assert {n for _, n in used} == {16}


def _count(trainer):
    trainer.step += 1
    return 0.0


def test_where_no_time_is_left_a_step_is_made(monkeypatch):
    clock = Clock(monkeypatch)
    trainer, _ = timed_trainer(monkeypatch, clock, TrainingConfig(minutes=1, batch=2))
    clock.now = 600.0
    assert [(r.step, r.progress) for r in trainer.run()] == [(1, 1.0)]


def test_gains_on_the_first_windows():
    """As they are on those windows alone."""
    network = trainer_of(TrainingConfig(steps=1)).network
    torch.nn.init.normal_(network.head.conv.weight, std=0.1)
    validation = validation_set(6)
    assert validation.windows == 6
    assert validation.gains(network, 6) == validation.gains(network)
    few = validation.gains(network, 2)
    assert few != validation.gains(network)
    assert few == pytest.approx(validation_set_of_first(2).gains(network), abs=1e-6)
    assert validation.seconds(network) > 0


def validation_set_of_first(n):
    occupation = windows(6, np.random.default_rng(99))[:n]
    return Validation(occupation, WALK, 0.3, SIGMA_MAX, seed=0)


def test_no_steps_left_no_work():
    trainer = trainer_of(TrainingConfig(steps=2, batch=2))
    list(trainer.run())
    before = weights(trainer)
    assert list(trainer.run()) == []
    assert_same(before, weights(trainer))


def test_averaged_weights_lag_and_converge():
    network, averaged = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    average_weights(averaged, network, step=1, window=100.0)
    assert torch.equal(averaged.weight, network.weight)  # the start is forgotten at once
    with torch.no_grad():
        old = network.weight.clone()
        network.weight += 1.0
    average_weights(averaged, network, step=1000, window=4.0)
    np.testing.assert_allclose(averaged.weight.detach(), old + 0.25, rtol=1e-6)
    average_weights(averaged, network, step=20, window=100.0)  # a tenth of the steps: 2
    np.testing.assert_allclose(averaged.weight.detach(), old + 0.625, rtol=1e-6)


def test_validation_levels_lie_between_those_of_training():
    validation = Validation(windows(2, np.random.default_rng(0)), WALK, 0.45, 7.0, seed=0)
    assert validation.levels[0] == 0.45
    assert validation.levels[-1] == 7.0
    assert (np.diff(validation.levels) > 0).all()
    assert {0.5, 1.0, 6.0} <= set(validation.levels)


def test_validation_is_fixed_and_zero_for_the_uninformed():
    def uninformed(occupation, t, kernel, fractions=None):
        assert not fractions.isnan().any()
        return torch.full_like(occupation, 3.0)

    first, second = validation_set(4), validation_set(4)
    np.testing.assert_allclose(first.gains(uninformed), 0, atol=1e-5)
    network = trainer_of(TrainingConfig(steps=1)).network
    torch.nn.init.normal_(network.head.conv.weight, std=0.1)
    assert first.gains(network) == second.gains(network)


def test_the_log_goes_on_where_the_state_was_saved(tmp_path):
    trainer = trainer_of(TrainingConfig(steps=4, batch=2, validations=2), validation_set(2))
    levels = validation_set(2).levels
    log = TrainingLog(tmp_path / "log.csv", levels)
    for record in trainer.run():
        log.write(record)
    rows = (tmp_path / "log.csv").read_text().splitlines()
    header = rows[0].split(",")
    assert header[:4] == ["step", "minutes", "loss", "gain_0.3"]
    assert len(header) == 3 + len(levels)
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2", "3", "4"]
    assert rows[1].endswith("," * len(levels))
    assert not rows[2].endswith(",")
    TrainingLog(tmp_path / "log.csv", levels, step=2)
    assert (tmp_path / "log.csv").read_text().splitlines() == rows[:3]
    TrainingLog(tmp_path / "log.csv", levels)
    assert (tmp_path / "log.csv").read_text().splitlines() == rows[:1]


LEVELS = (0.3, 1.0)
HEADER = "step,minutes,loss,gain_0.3,gain_1"


def log_after(path, text, step):
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    TrainingLog(path, LEVELS, step)
    return path.read_text().splitlines()


@pytest.mark.parametrize("cut", ["", "2", "2,0.1,-0", "2,0.1,-0.5,", "2,0.1,-0.5,0.2,0.1"])
def test_a_log_whose_last_row_was_cut(tmp_path, cut):
    whole = f"{HEADER}\n1,0.1,-0.2,,\n"
    assert log_after(tmp_path / "a.csv", whole + cut, 2) == whole.splitlines()


@pytest.mark.parametrize(
    "text", ["", HEADER[:9], "a,b\n1,2\n", f"{HEADER}\nx,0.1,0,,\n1,0.2,0,,\n"]
)
def test_a_log_that_is_damaged_or_of_another_kind(tmp_path, text):
    if not text:
        assert log_after(tmp_path / "a.csv", text, 2) == [HEADER]
        return
    with pytest.raises(DataFileError, match=r"a\.csv: is not the log of this run.*move it away"):
        log_after(tmp_path / "a.csv", text, 2)
    assert (tmp_path / "a.csv").read_text() == text


def test_a_log_that_is_no_text(tmp_path):
    with pytest.raises(DataFileError, match="not the log"):
        log_after(tmp_path / "a.csv", bytes(range(128, 256)), 2)


def test_a_file_that_is_no_log_is_not_replaced_by_one(tmp_path):
    """Not by a new run either."""
    with pytest.raises(DataFileError, match="not the log"):
        log_after(tmp_path / "a.csv", "name,age\nAda,36\n", 0)
    assert log_after(tmp_path / "a.csv", f"{HEADER},gain_2\n7,1,1,,,\n", 0) == [HEADER]
