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
    ],
)
def test_settings_must_be_positive(setting):
    (name,) = setting
    with pytest.raises(InputError, match=f"{name}=.*give a positive number"):
        TrainingConfig(**{"steps": 1, **setting})
