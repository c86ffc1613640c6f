"""What training says at its end of how far it came."""

from dataclasses import replace

from tiny_models import tiny_card

from microdsd.cli.training_words import notes_on_samples, shortened, what_is_left
from microdsd.models import WalkBack
from microdsd.models.convergence import FEW_MINUTES, Convergence
from microdsd.models.plan import WalkPlan


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


def notes(evaluations, *, own=1.0, few=1.8):
    walks = (WalkBack(4, 13.0, 0.6, (few,)), WalkBack(16, 13.0, 0.6, (own,)))
    card = replace(tiny_card(), walks=walks, evaluations=16)
    return notes_on_samples(card, WalkPlan.of(card, evaluations), "a.model")


def test_samples_say_what_their_own_walk_makes_up_for():
    assert notes(16) == notes(24) == []
    (line,) = notes(4)
    assert "with 4 evaluations calibration had to sharpen pore by 1.80" in line
    assert "or take 16 evaluations, the model's own" in line
    assert notes(4, few=1.1) == []


def test_samples_of_a_model_that_was_trained_too_little_say_so_once():
    for evaluations in (4, 16):
        (line,) = notes(evaluations, own=1.3)
        assert "the model was trained too little; `microdsd info a.model`" in line


def test_what_calibration_had_no_time_for():
    def said(**done):
        done = {"evaluations": [3], "windows": 4, **done}
        return shortened(tiny_card(provenance={"calibration": done}))

    assert said() == said(shape=[12, 10]) == ""
    assert shortened(tiny_card()) == ""
    assert "too little time to calibrate samples in 3 evaluations" in said(evaluations=[])
    assert "in boxes of 6 x 5 voxels" in said(shape=[6, 5])
    assert len(said(evaluations=[], shape=[6, 5]).splitlines()) == 2
