"""Training runs: what they refuse before any work, what they hold back, how they go on."""

import json
import re

import numpy as np
import pytest
import torch

from microdsd.errors import CheckpointError, DataFileError, InputError, NotMixedError
from microdsd.fitting import TrainingRun, fit, material
from microdsd.fitting import run as fitting
from microdsd.generation.batches import BatchedSampler
from microdsd.io import open_labels, save_microstructures
from microdsd.metrics import representativity
from microdsd.microstructure import as_microstructure
from microdsd.microstructure.synthetic import blobs
from microdsd.training import Trainer, TrainingConfig, pack_state, read_state

TINY = {"widths": (4, 8), "blocks": (1, 1), "embedding": 8}
FLAT = blobs((60, 24), fractions=(0.3, 0.7), scale=1.5, rng=1).values
SOLID = blobs((28, 14, 12), fractions=(0.3, 0.5, 0.2), scale=1.5, rng=2).values


def run_of(source=FLAT, steps=2, window=8, settings=None, **options):
    config = TrainingConfig(**{"steps": steps, "batch": 2, "validations": 1, **(settings or {})})
    options = {"precision": "float32", "device": "cpu", "network_size": TINY, **options}
    return TrainingRun(source, config, window=window, **options)


def weights(run):
    networks = (run.trainer.averaged, run.last_draw.network)
    return torch.cat([w.flatten() for net in networks for w in net.state_dict().values()])


@pytest.fixture
def quick_finish(monkeypatch):
    """Let runs finish without generating hundreds of windows."""
    monkeypatch.setattr(fitting, "number_of_windows", lambda shape: 4)


@pytest.mark.parametrize(
    ("source", "window", "ndim", "species"),
    [(FLAT, 8, 2, 1), (FLAT, (8, 10), 2, 1), (SOLID, 5, 3, 2), (SOLID, (6, 7), 2, 2)],
)
def test_a_model_comes_out(quick_finish, source, window, ndim, species):
    """Of a section, of a volume, and of the slices of a volume; its composition is exact."""
    run = run_of(source, window=window)
    every = list(run.records())
    records = [r for r in every if not r.last_draw]
    assert [r.step for r in records] == [1, 2]
    assert [r.step for r in every if r.last_draw] == [1]
    model = run.finish()
    card = model.card
    assert (card.network.ndim, card.network.species) == (ndim, species)
    assert card.window == (window if isinstance(window, tuple) else (window,) * ndim)
    assert card.contents.background == 1  # the largest phase
    assert sum(card.fraction_mean.values()) == pytest.approx(1)
    assert all(
        low <= card.fraction_mean[name] <= high for name, (low, high) in card.fraction_range.items()
    )
    assert card.validation_gains == records[-1].gains
    assert [walk.evaluations for walk in card.walks] == [4, 8, card.evaluations]
    assert all(card.sigma_min <= walk.last < walk.first <= card.sigma_max for walk in card.walks)
    assert card.provenance["steps"] == 2
    assert card.provenance["data_sha256"] == open_labels(source).sha256()
    made = model.sample(2, phase_fraction={"phase 1": 0.5} if species == 1 else None, rng=0)
    assert made.shape == (2, *card.window)
    json.dumps(dict(card.provenance))


def test_fit_is_a_run_to_its_end(quick_finish, monkeypatch):
    told = []
    model = fit(
        FLAT,
        TrainingConfig(steps=2, batch=2),
        device="cpu",
        progress=lambda *state: told.append(state),
        window=8,
        network_size=TINY,
        phases={0: "pore", 1: "solid"},
        voxel_size=1e-6,
    )
    assert [done for done, *_ in told] == pytest.approx([0.4, 0.8, 1.0])
    assert {total for _, total, _ in told} == {1.0}
    assert all("step" in words for *_, words in told)
    assert model.card.phases == {0: "pore", 1: "solid"}
    assert model.card.voxel_size == (1e-6, 1e-6)
    assert model.card.unit == "m"


@pytest.mark.parametrize(("method", "usual"), [("bridges", 24), ("tau-leaping", 256)])
def test_a_number_of_evaluations_of_one_s_own(quick_finish, method, usual):
    assert run_of(method=method).card().evaluations == usual
    run = run_of(method=method, evaluations=6)
    list(run.records())
    card = run.finish().card
    assert (card.evaluations, card.walks[-1].evaluations) == (6, 6)


def test_without_validation(monkeypatch):
    run = run_of(validation=0)
    assert {r.gains for r in run.records()} == {None}
    card = run.finish().card
    assert card.validation_levels == card.validation_gains == ()
    (walk,) = card.walks
    assert (walk.evaluations, walk.first, walk.last) == (card.evaluations, card.sigma_max, 0.6)
    assert walk.passes == 4  # and not calibrated


def test_held_back_layers_are_never_trained_on():
    """A scan whose layers are numbered by phase: windows of the two parts share none."""
    layers = np.repeat(np.arange(40) % 2, 12).reshape(40, 12)
    layers[34:] += 2
    run = run_of(layers, window=(4, 4), validation=0.15, phases={k: f"{k}" for k in range(4)})
    assert set(np.unique(run.material.training.draw(50, np.random.default_rng(0))[0])) == {0, 1}
    assert set(np.unique(run._held_back_windows()[0])) == {2, 3}


def test_the_last_members_of_an_ensemble_are_held_back():
    stack = np.stack([FLAT[:12, :12] * 0 + k % 2 for k in range(10)])
    stack[-1] = 2
    ms = as_microstructure(stack, ensemble=True, phases={0: "a", 1: "b", 2: "c"})
    run = run_of(ms, validation=0.1)
    assert set(np.unique(run.material.training.draw(50, np.random.default_rng(0))[0])) == {0, 1}
    assert (run._held_back_windows()[0] == 2).all()


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_an_ensemble_keeps_members_on_both_sides(share):
    ms = as_microstructure(np.stack([FLAT[:12], FLAT[20:32], FLAT[40:52]]), ensemble=True)
    run = run_of(ms, validation=share)
    list(run.records())


def test_a_rare_phase_of_the_scan_is_a_species(monkeypatch):
    """Even where the windows that the statistics come from hold none of it."""
    monkeypatch.setattr(material, "_STATISTICS_WINDOWS", 1)
    scan = FLAT.copy()
    scan[3, 3] = 2
    run = run_of(scan, phases={0: "pore", 1: "solid", 2: "gold", 3: "absent"})
    assert run.network.species == 2
    run.material.encode(scan[None])
    list(run.records())


def test_a_one_phase_validation_block_does_not_lose_the_training(quick_finish):
    scan = FLAT.copy()
    scan[50:] = 1
    run = run_of(scan)
    list(run.records())
    assert all(walk.last >= 0.3 for walk in run.finish().card.walks)


BAD = [
    ({"window": 61}, r"windows of \(61, 61\) need 61 to train on"),
    ({"window": 61, "validation": 0}, r"window=\(61, 61\): does not fit"),
    ({"window": (8, 25)}, r"window=\(8, 25\): does not fit into the block"),
    ({"window": None}, "window: give the voxels per axis.*window=64"),
    ({"window": 0}, "voxel"),
    ({"network_size": {"widths": [0, 8]}}, r"widths=\[0, 8\]: give whole numbers of at least 1"),
    ({"network_size": {"widths": []}}, r"widths=\[\]: give whole numbers"),
    ({"network_size": {"widths": (4.5,)}}, r"widths=\(4.5,\): give whole numbers"),
    ({"network_size": {"widths": (4, 4), "blocks": (1,)}}, "as many as there are widths"),
    ({"network_size": {"widths": (4, 4), "blocks": (1, -1)}}, "blocks=.*at least 0"),
    ({"network_size": {"widths": (4,), "embedding": 0}}, "embedding=.*at least 1"),
    ({"network_size": {"widths": (4,) * 5}}, r"windows of \(8, 8\) voxels allow 4 at most"),
    ({"network_size": {"widths": (60000,) * 3}}, "training needs at least .* GiB, and there are"),
    ({"network_size": None, "settings": {"batch": 10**9}}, "batch=1000000000: .* GiB"),
    ({"precision": "half"}, "precision='half': choose"),
    ({"validation": float("nan")}, "validation=nan: give a share"),
    ({"sigma_max": float("nan")}, "sigma_max=nan"),
    ({"sigma_max": float("inf")}, "sigma_max=inf"),
    ({"window": 3}, "at least 4 voxels"),
    ({"window": (1, 1)}, "at least 4 voxels"),
    ({"window": (8,)}, r"window=\(8,\): give 2 or 3 numbers"),
    ({"window": (8, 8, 8, 8)}, "give 2 or 3 numbers"),
    ({"window": (8, 8, 8)}, "the scan has 2 axes"),
    ({"window": 31}, "does not fit|need 31 to train on and 31 to validate on"),
    ({"window": 20, "validation": 0.7}, "does not fit|need 20 to train on"),
    ({"evaluations": 3}, "evaluations=3: a walk needs at least 4"),
    ({"validation": 1.0}, "validation=1.0: give a share"),
    ({"validation": -0.1}, "validation=-0.1: give a share"),
    ({"symmetry": "cubic"}, "symmetry='cubic': choose one of"),
    ({"boundary": "open"}, "'open': choose one of"),
    ({"device": "toaster"}, "device='toaster'"),
    ({"sigma_max": 0.2}, "sigma_max=0.2"),
    ({"sigma_max": -30.0}, "sigma_max=-30"),
    ({"source": FLAT.astype(float)}, "expected integer phase labels.*segment"),
    ({"source": np.where(FLAT == 0, np.nan, 1.0)}, "NaN"),
    ({"source": np.random.default_rng(0).random((40, 40))}, "threshold|segment"),
    ({"source": np.ones((40, 40), dtype=np.uint8)}, "at least two phases"),
    ({"source": np.zeros((0, 40), dtype=np.uint8)}, "empty"),
    ({"source": np.random.default_rng(0).integers(0, 256, (40, 40))}, "greyscale"),
    ({"phases": {0: "pore"}}, "also holds labels 1"),
    ({"source": FLAT.astype(int) - 1}, "the lowest is -1"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_what_cannot_be_used_is_refused_at_once(options, message):
    source = options.pop("source", FLAT) if "source" in options else FLAT
    config = TrainingConfig(steps=1, **options.get("settings", {}))
    options = {key: value for key, value in options.items() if key != "settings"}
    options = {"window": 8, "device": "cpu", "network_size": TINY, **options}
    with pytest.raises(InputError, match=message):
        TrainingRun(source, config, **options)


def test_fit_without_a_window_says_what_to_give():
    with pytest.raises(InputError, match="window: give the voxels per axis"):
        fit(FLAT, TrainingConfig(steps=1))


def test_a_horizon_too_short_names_one_that_is_enough():
    with pytest.raises(NotMixedError, match="slowest mode") as caught:
        run_of(sigma_max=2.0)
    enough = float(re.search(r"at least ([\d.]+)", str(caught.value))[1])
    assert run_of(sigma_max=enough).sigma_max == enough


def test_the_default_horizon_is_mixed_to_one_percent():
    run = run_of(window=(8, 12))
    assert run._kernel.mixing_residual(run.sigma_max**2 / 2) == pytest.approx(0.01, rel=1e-6)


def test_files_and_regions(tmp_path):
    save_microstructures(tmp_path / "scan.h5", as_microstructure(FLAT, voxel_size=3e-6))
    run = run_of(str(tmp_path / "scan.h5"), region=(slice(0, 40), slice(0, 20)))
    assert run.material.shape == [40, 20]
    assert run.card().voxel_size == (3e-6, 3e-6)
    with pytest.raises(DataFileError, match="nowhere"):
        run_of(str(tmp_path / "nowhere.h5"))


@pytest.mark.parametrize("done", [2, 6, 7])
def test_a_stopped_run_goes_on_exactly(tmp_path, done):
    """Within the training of the walk, at its end, and within that of the last draw."""
    whole = run_of(steps=6)
    losses = [r.loss for r in whole.records()]
    assert len(losses) == 6 + 2
    stopped = run_of(steps=6)
    for _ in zip(range(done), stopped.records(), strict=False):
        pass
    stopped.save_state(tmp_path / "state")
    stopped.save_state(tmp_path / "state")  # over the earlier one
    resumed = run_of(steps=6)
    resumed.restore(tmp_path / "state")
    assert [r.loss for r in resumed.records()] == losses[done:]
    assert torch.equal(weights(resumed), weights(whole))
    assert resumed.gains == whole.gains
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_the_budget_may_grow(tmp_path):
    run = run_of(steps=2)
    list(run.records())
    run.save_state(tmp_path / "state")
    longer = run_of(steps=4)
    longer.restore(tmp_path / "state")
    assert [r.step for r in longer.records() if not r.last_draw] == [3, 4]


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"source": FLAT[::-1].copy()}, "data_sha256"),
        ({"window": 9}, "window"),
        ({"symmetry": "isotropic"}, "symmetry"),
        ({"validation": 0.3}, "validation"),
        ({"sigma_max": 40.0}, "sigma_max"),
        ({"settings": {"seed": 1}}, "seed"),
        ({"settings": {"batch": 3}}, "batch"),
    ],
)
def test_another_run_s_state_is_refused(tmp_path, other, named):
    run = run_of()
    next(iter(run.records()))
    run.save_state(tmp_path / "state")
    with pytest.raises(CheckpointError, match=f"other settings: .*{named}=.* there, .* here"):
        run_of(**other).restore(tmp_path / "state")


@pytest.mark.parametrize(
    "damage",
    [
        lambda tensors, numbers: numbers.pop("step"),
        lambda tensors, numbers: numbers.update(minutes="long"),
        lambda tensors, numbers: numbers.update(gains=None),
        lambda tensors, numbers: numbers.update(precision={"dtype": "float32"}),
        lambda tensors, numbers: tensors.pop("network.head.conv.weight"),
        lambda tensors, numbers: tensors.update({"network.head.conv.weight": torch.zeros(3)}),
        lambda tensors, numbers: tensors.update({"optimizer.x.y": torch.zeros(3)}),
        lambda tensors, numbers: tensors.update({"elsewhere.x": torch.zeros(3)}),
    ],
)
def test_a_damaged_state_names_the_file_and_the_remedy(tmp_path, damage):
    run = run_of()
    next(iter(run.records()))
    run.save_state(tmp_path / "state")
    tensors, numbers = read_state(tmp_path / "state")
    damage(tensors, numbers)
    (tmp_path / "state").write_bytes(pack_state(tensors, numbers))
    with pytest.raises(CheckpointError, match=r"state: .*damaged.*--force"):
        run_of().restore(tmp_path / "state")


def test_a_state_in_another_precision(tmp_path):
    run = run_of()
    next(iter(run.records()))
    run.save_state(tmp_path / "state")
    with pytest.raises(CheckpointError, match="trained in float32, precision='bfloat16'"):
        run_of(precision="bfloat16").restore(tmp_path / "state")
    other = run_of(precision="auto")
    other.restore(tmp_path / "state")
    assert other.trainer.dtype == "float32"


def test_the_precision_of_training_is_that_of_the_model_and_recorded():
    run = run_of(precision="bfloat16", validation=0)
    list(run.records())
    model = run.finish()
    assert model.precision == model.card.provenance["precision"]["dtype"] == "bfloat16"


class Clock:
    """Seconds that only network evaluations take, and steps of training."""

    def __init__(self, monkeypatch, evaluation, step):
        self.now = 0.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr("time.perf_counter", lambda: self.now)
        draw, optimise = BatchedSampler.draw, Trainer._optimise

        def drawn(sampler, request, members, observe=None):
            def after(visit):
                self.now += evaluation * len(members)
                if observe is not None:
                    observe(visit)

            return draw(sampler, request, members, after)

        def optimised(trainer, progress):
            self.now += step
            return optimise(trainer, progress)

        monkeypatch.setattr(BatchedSampler, "draw", drawn)
        monkeypatch.setattr(Trainer, "_optimise", optimised)


@pytest.mark.parametrize(
    ("minutes", "evaluation", "fitted", "windows"),
    [
        (2.0, 0.001, [4, 8, 24], 4),  # time for everything
        (1.0, 0.0105, [4, 24], 4),  # for two of three
        (1.0, 0.2, [], 4),  # for nothing at all
    ],
)
def test_minutes_are_those_of_the_whole_run(
    quick_finish, monkeypatch, minutes, evaluation, fitted, windows
):
    """Calibration is given its share, and makes do with it; a walk comes out in any case."""
    clock = Clock(monkeypatch, evaluation, step=0.5)
    run = run_of(steps=None, settings={"minutes": minutes})
    records = list(run.records())
    trained = clock.now
    model = run.finish()
    assert records[-1].progress == 1.0
    assert trained >= 0.6 * 60 * minutes
    assert clock.now <= 60 * minutes + 4 * evaluation
    card = model.card
    calibration = card.provenance["calibration"]
    assert (calibration["evaluations"], calibration["windows"]) == (fitted, windows)
    assert 1.0 <= calibration["correlated_over"] <= 8.0
    assert [minutes for minutes, _ in card.provenance["gains_by_minute"]][-1] <= clock.now / 60
    assert {4, card.evaluations} <= {walk.evaluations for walk in card.walks}
    assert all(card.sigma_min <= walk.last < walk.first <= card.sigma_max for walk in card.walks)
    assert card.provenance["minutes"] == pytest.approx(clock.now / 60, abs=0.01)
    model.sample(rng=0)


def test_steps_alone_are_calibrated_whatever_the_clock_says(quick_finish, monkeypatch):
    walks = []
    for evaluation in (0.0, 100.0):
        with monkeypatch.context() as patch:
            Clock(patch, evaluation, step=100.0)
            run = run_of()
            list(run.records())
            walks.append(run.finish().card.walks)
    assert walks[0] == walks[1]


def test_a_model_is_not_a_state(tmp_path):
    run = run_of(validation=0)
    list(run.records())
    run.finish().save(tmp_path / "a.model")
    with pytest.raises(CheckpointError, match=r"a\.model"):
        run_of(validation=0).restore(tmp_path / "a.model")


def test_training_goes_on_after_sampling(quick_finish):
    """Eigenbases that sampling cached in inference mode do not spoil a later training."""
    window = (11, 9)
    first = run_of(window=window)
    list(first.records())
    first.finish().sample(rng=0, shape=(13, 7))
    list(run_of(window=(13, 7)).records())


def test_the_global_generators_are_left_alone():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    list(run_of().records())
    assert torch.rand(1) == expected


def test_the_card_says_how_well_the_scan_knows_its_fractions():
    """Of the whole scan, the part held back with it; from the first step on."""
    source = blobs((96, 64), fractions=(0.3, 0.7), scale=1.5, rng=1)
    known = run_of(source).card().scan_fractions
    whole = representativity(source, phase=0, periodic=False).fraction_standard_error.item()
    (fraction, error), (other, same) = known[""].values()
    assert fraction == (source == 0).mean().item()
    assert error == same == pytest.approx(whole)
    assert fraction + other == pytest.approx(1)
    two = run_of({"a": source, "b": source[:, :48]}).card().scan_fractions
    assert two["a"] == known[""]
    assert two["b"]["phase 0"][1] > error


def test_a_scan_too_small_to_say_stops_no_training():
    layers = np.arange(24)[:, None].repeat(24, 1) // 12
    assert run_of(layers, validation=0).card().scan_fractions == {}
