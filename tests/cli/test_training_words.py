"""What training says at its end of how far it came."""

from microdsd.cli.training_words import what_is_left
from microdsd.models.convergence import FEW_MINUTES, Convergence


def left(minutes, more=None, gain=0.3, too_sharp=None):
    return what_is_left(Convergence(gain, minutes, more or {}, too_sharp or {}, None), "a.model")


def test_a_trial_says_that_it_cannot_tell():
    (line,) = left(minutes=2.0)
    assert "measured too few times" in line
    assert f"{FEW_MINUTES} minutes or more" in line


def test_what_is_known_is_said_instead():
    (line,) = left(minutes=2.0, more={2: 0.31, 4: 0.32})
    assert "about 0.310 after twice the time" in line
    assert left(minutes=60.0) == []  # an older model, whose course was not kept
    assert left(minutes=2.0, gain=None) == []  # nothing was held back


def test_a_trial_that_was_sharpened_says_both():
    lines = left(minutes=2.0, too_sharp={"pore": 1.4})
    assert "too few times" in lines[0]
    assert "trained too little" in lines[1]
    assert f"--minutes {FEW_MINUTES}" in lines[2]
