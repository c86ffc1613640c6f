from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from tiny_models import tiny_card, tiny_model

from microdsd.fitting import calibration
from microdsd.fitting.calibration import (
    Pace,
    _affordable,
    _fitted,
    _parts,
    _parts_per_axis,
    calibrate,
    calibrated_walks,
)
from microdsd.models.walk_back import WalkBack

SHAPE = (24, 24)


def blobs(width, fractions):
    """Windows of Gaussian fields, cut at given fractions of label 0: the wider the smoother."""
    noise = np.random.default_rng(0).standard_normal((len(fractions), *SHAPE))
    fields = (gaussian_filter(field, width, mode="wrap") for field in noise)
    cuts = zip(fields, fractions, strict=True)
    return np.stack([field > np.quantile(field, share) for field, share in cuts]).astype(np.uint8)


class Staged:
    """A model whose samples are smoother, the higher the level they end at."""

    def __init__(self, width):
        self.card = tiny_card(window=SHAPE, sigma_max=20.0, evaluations=16)
        self.width = width
        self.requests = []

    def generate(self, request, progress=None):
        self.requests.append(request)
        pores = request.composition.whole[:, 0] / request.composition.whole.sum(1)
        part = tuple(slice(0, length) for length in request.lattice.shape)
        return ((labels[part], 0) for labels in blobs(self.width(request), pores))


REAL = blobs(1.0, np.linspace(0.3, 0.5, 12))


@pytest.mark.parametrize("last", [0.4, 0.6, 1.0])
def test_the_last_level_at_which_samples_measure_as_real_windows(last):
    model = Staged(lambda request: request.plan.levels[-1] / last)
    walk = calibrate(model.card, model.generate, REAL, 16)
    assert walk.evaluations == 16
    assert walk.last == pytest.approx(last, rel=0.03)
    # What changes nothing stays where it was.
    assert walk.first == pytest.approx(20, rel=0.02)
    assert walk.sharpness == pytest.approx((1.0,), abs=0.01)


@pytest.mark.parametrize("sharpness", [0.9, 1.3])
def test_the_sharpness_at_which_samples_measure_as_real_windows(sharpness):
    model = Staged(lambda request: (request.plan.sharpness[0] / sharpness) ** 2)
    assert calibrate(model.card, model.generate, REAL, 8).sharpness == pytest.approx(
        (sharpness,), rel=0.02
    )


def test_trials_are_few_and_alike():
    model = Staged(lambda request: request.plan.levels[-1])
    calibrate(model.card, model.generate, REAL, 8)
    assert len(model.requests) <= 9
    for request in model.requests:
        assert request.plan.evaluations == 8
        assert np.array_equal(request.composition.whole[:, 0], (REAL == 0).sum((1, 2)))
        assert request.seed == model.requests[0].seed


def test_out_of_reach_the_bounds_hold():
    model = Staged(lambda request: 0.6 * request.plan.levels[-1])  # too rough at any level
    walk = calibrate(model.card, model.generate, REAL, 8)
    assert walk.last == pytest.approx(calibration._HIGHEST_LAST)
    model.card = replace(model.card, sigma_min=0.5)
    model.width = lambda request: 10 * request.plan.levels[-1]
    assert calibrate(model.card, model.generate, REAL, 8).last == pytest.approx(0.5)


@pytest.mark.parametrize("real", [np.zeros((4, *SHAPE), np.uint8), REAL[:4]])
@pytest.mark.parametrize("made", [0, 1])
def test_windows_without_any_interface(real, made):
    model = Staged(lambda request: 1.0)
    model.generate = lambda request, progress=None: (
        (np.full(SHAPE, made, np.uint8), 0) for _ in range(4)
    )
    assert 0.3 <= calibrate(model.card, model.generate, real, 8).last <= calibration._HIGHEST_LAST


class Renamed(Staged):
    """The same model, whose pores are label 1 and whose background is label 0."""

    def __init__(self, width):
        super().__init__(width)
        self.card = replace(self.card, contents=replace(self.card.contents, background=0))

    def generate(self, request, progress=None):
        pores = request.composition.whole[:, 1] / request.composition.whole.sum(1)
        return ((1 - labels, 0) for labels in blobs(self.width(request), pores))


def test_which_label_a_phase_has_does_not_matter():
    """S2 is compared of the same phase: of the one that is not the background."""
    scarce = blobs(1.0, np.linspace(0.05, 0.12, 12))

    def width(request):  # of more settings than one, so that what is compared decides
        return request.plan.levels[-1] * request.plan.levels[0] / 8 * request.plan.sharpness[0]

    model, renamed = Staged(width), Renamed(width)
    walk = calibrate(model.card, model.generate, scarce, 16)
    assert walk == calibrate(renamed.card, renamed.generate, 1 - scarce, 16)
    assert walk.first < 19.9


@pytest.mark.parametrize(
    ("own", "numbers"),
    [(48, [4, 8, 16, 48]), (24, [4, 8, 24]), (16, [4, 8, 16]), (8, [4, 8]), (4, [4])],
)
def test_few_evaluations_and_the_model_s_own(own, numbers):
    model = Staged(lambda request: request.plan.levels[-1])
    model.card = replace(model.card, evaluations=own)
    assert [
        walk.evaluations for walk in calibrated_walks(model.card, model.generate, REAL).walks
    ] == numbers


def test_parts_of_windows_are_disjoint_and_those_of_all_windows_come_first():
    windows = np.arange(2 * 5 * 4).reshape(2, 5, 4)
    parts = _parts(windows, 2)
    assert parts.shape == (8, 2, 2)
    assert len(np.unique(parts)) == parts.size
    np.testing.assert_array_equal(parts[:2], windows[:, :2, :2])
    np.testing.assert_array_equal(_parts(windows, 1), windows)


@pytest.mark.parametrize(
    ("window", "boundary", "per_axis"),
    [
        ((128, 128, 128), "no-flux", [1, 2]),
        ((256, 256, 256), "no-flux", [1, 2, 4]),
        ((95, 200), "no-flux", [1]),
        ((128, 128, 128), "periodic", [1]),
    ],
)
def test_windows_are_cut_while_they_are_large(window, boundary, per_axis):
    assert _parts_per_axis(tiny_card(window=window, boundary=boundary)) == per_axis


@pytest.mark.parametrize(
    ("seconds", "numbers", "per_axis", "windows"),
    [
        (9 * 28 * 4.0, [4, 8, 16], 1, 4),  # whole windows, as many as there are
        (9 * 28 * 2.0, [4, 8, 16], 1, 2),  # fewer of them
        (9 * 28 * 1.0, [4, 8, 16], 2, 8),  # too few of them: eight of their 32 eighths
        (9 * 16 * 0.5, [16], 2, 4),
        (9 * 16 * 0.1, [16], 2, 2),  # in any case
    ],
)
def test_where_time_is_short_parts_of_windows_are_compared(seconds, numbers, per_axis, windows):
    """A trial of a window takes a second per evaluation; nine make a calibration."""
    card = tiny_card(window=(128,) * 3, evaluations=16)
    pace = Pace(evaluation=1 / 128**3, passes=0.0, rest=0.0)
    assert _affordable(pace, card, 4, seconds * (1 + 1e-9)) == (numbers, per_axis, windows)


def test_samples_of_parts_measure_as_parts(monkeypatch):
    """Where the time is short, the same settings are found on parts."""
    monkeypatch.setattr(calibration, "_SMALLEST_PART", 12)
    monkeypatch.setattr(calibration, "_LITTLE", 0.0)
    model = Staged(lambda request: request.plan.levels[-1])
    pace = Pace(1e6 / (9 * 28 * 8 * 24 * 24), 0.0, 0.0)  # eight of the twelve whole windows
    found = calibrated_walks(model.card, model.generate, REAL, left=lambda: 1e6, pace=pace)
    assert (found.shape, found.windows) == ((12, 12), 32)
    assert found.walks[-1].last == pytest.approx(1.0, rel=0.25)


def test_a_real_model():
    real = blobs(1.0, [0.3, 0.4])[:, :12, :10]
    model = tiny_model()
    walk = calibrate(model.card, model.generate, real, 3)
    assert isinstance(walk, WalkBack)
    assert walk == calibrate(model.card, model.generate, real, 3)


LOW, HIGH = np.full(3, -2.0), np.full(3, 2.0)
STEPS = np.log([1.33, 1.06, 1.33])


def test_least_squares_of_a_linear_problem_in_two_improvements():
    """Broyden's slopes are exact from the start; the reach of a move is all that limits it."""
    rng = np.random.default_rng(0)
    slopes, solution = rng.standard_normal((9, 3)) * 30, np.array([0.3, -0.02, 0.2])
    calls = []

    def residual(x):
        calls.append(x)
        return slopes @ (x - solution)

    found, whole = _fitted(residual, np.zeros(3), LOW, HIGH, STEPS)
    assert whole
    assert found == pytest.approx(solution, abs=0.002)
    assert len(calls) <= 8


def test_least_squares_of_a_bent_problem():
    solution = np.array([-0.5, 0.1, 0.6])

    def residual(x):
        return 40 * (np.exp(x) - np.exp(solution))

    found, _ = _fitted(residual, np.zeros(3), LOW, HIGH, STEPS)
    assert found == pytest.approx(solution, abs=0.03)


def test_least_squares_never_leaves_its_bounds_and_never_gets_worse():
    def residual(x):
        assert (x >= LOW).all()
        assert (x <= HIGH).all()
        return np.array([np.sin(40 * x[0]) + 3, 5 + x[1], x[2] - 9])

    start = np.array([2.0, -2.0, 0.0])
    found, _ = _fitted(residual, start, LOW, HIGH, STEPS)
    assert np.linalg.norm(residual(found)) <= np.linalg.norm(residual(start))
