import pytest

from microdsd.errors import InputError
from microdsd.training import TrainingConfig


@pytest.mark.parametrize(
    ("budget", "step", "minutes", "progress"),
    [
        ({"steps": 10}, 0, 99.0, 0.0),
        ({"steps": 10}, 5, 0.0, 0.5),
        ({"minutes": 4.0}, 1000, 1.0, 0.25),
        ({"steps": 10, "minutes": 4.0}, 2, 3.0, 0.75),
        ({"steps": 10, "minutes": 4.0}, 9, 1.0, 0.9),
        ({"steps": 10}, 12, 0.0, 1.0),
    ],
)
def test_progress_is_that_of_the_budget_used_up_first(budget, step, minutes, progress):
    assert TrainingConfig(**budget).progress(step, minutes) == progress


@pytest.mark.parametrize(("minutes", "progress"), [(1.0, 0.5), (2.0, 1.0), (0.0, 0.0)])
def test_what_is_kept_for_later_is_no_part_of_the_steps_budget(minutes, progress):
    config = TrainingConfig(minutes=5.0, steps=100)
    assert config.progress(0, minutes, reserve=3.0) == progress
    assert config.progress(0, 0.0, reserve=5.0) == 1.0


def test_a_budget_is_needed():
    with pytest.raises(InputError, match="give a budget, minutes or steps"):
        TrainingConfig()


@pytest.mark.parametrize(
    "setting",
    [
        {"minutes": 0.0},
        {"steps": -1},
        {"batch": 0},
        {"learning_rate": 0.0},
        {"sigma_min": -0.3},
        {"validations": 0},
        {"learning_rate": float("nan")},
        {"minutes": float("nan")},
        {"minutes": float("inf")},
        {"minutes": -3.0},
        {"average": 0.0},
        {"clip": float("nan")},
    ],
)
def test_settings_must_be_positive(setting):
    (name,) = setting
    with pytest.raises(InputError, match=f"{name}=.*give a positive number"):
        TrainingConfig(**{"steps": 1, **setting})


@pytest.mark.parametrize(
    "setting",
    [
        {"seed": -1},
        {"seed": 1.5},
        {"batch": 2.5},
        {"steps": 1.5},
        {"warmup": -1},
        {"seed": 1 << 62},
    ],
)
def test_numbers_must_be_whole(setting):
    (name,) = setting
    with pytest.raises(InputError, match=f"{name}=.*give a (whole )?number"):
        TrainingConfig(**{"steps": 1, **setting})


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_probability_must_be_one(share):
    with pytest.raises(InputError, match=r"unconditioned=.*probability"):
        TrainingConfig(steps=1, unconditioned=share)


def test_no_warm_up_is_a_warm_up():
    assert TrainingConfig(steps=1, warmup=0).warmup == 0
