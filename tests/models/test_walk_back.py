import pytest

from microdsd.models.walk_back import WalkBack

FEW, MANY = WalkBack(8, 5.0, 0.9, (1.21, 2.0)), WalkBack(32, 20.0, 0.4, (1.0, 2.0))


def test_what_was_calibrated_comes_back():
    for walk in (FEW, MANY):
        assert WalkBack.between([FEW, MANY], walk.evaluations) == walk


def test_in_between_on_straight_lines_in_logarithms():
    walk = WalkBack.between([FEW, MANY], 16)
    assert (walk.evaluations, walk.first) == (16, 10.0)
    assert walk.last == pytest.approx(0.6)
    assert walk.sharpness == pytest.approx((1.1, 2.0))


@pytest.mark.parametrize(("evaluations", "nearest"), [(2, FEW), (1000, MANY)])
def test_beyond_the_outermost_nothing_changes(evaluations, nearest):
    walk = WalkBack.between([FEW, MANY], evaluations)
    assert (walk.first, walk.last, walk.sharpness) == (
        nearest.first,
        nearest.last,
        nearest.sharpness,
    )


def test_one_alone_holds_for_any_number():
    assert WalkBack.between([FEW], 100).last == FEW.last


def test_temperatures_are_on_lines_over_the_logarithm_of_the_evaluations():
    few, many = WalkBack(8, 5.0, 0.9), WalkBack(32, 20.0, 0.4, temperature=0.6)
    assert WalkBack.between([few, many], 16).temperature == pytest.approx(0.3)
    assert WalkBack.between([few, many], 64).temperature == 0.6


def test_no_sharpness_is_none_in_between_either():
    few, many = WalkBack(8, 5.0, 0.9), WalkBack(32, 20.0, 0.4)
    assert WalkBack.between([few, many], 16).sharpness == ()
