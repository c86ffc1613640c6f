import numpy as np
import pytest
from tiny_models import tiny_card

from microdsd.errors import InputError
from microdsd.inverse.questions import Question, Requirement
from microdsd.properties import Property


def read(minimise=(), maximise=(), require=(), card=None, periodic=False):
    return Question.read(card or tiny_card(), minimise, maximise, require, periodic)


def test_objectives_in_order_and_every_property_once():
    question = read(
        ["tortuosity_factor:pore:x", "euler_density:solid"],
        "specific_surface_area",
        ["tortuosity_factor:pore:x<=3", "phase_fraction:pore >= 0.1"],
    )
    assert [str(one) for one in question.properties] == [
        "tortuosity_factor:pore:x",
        "euler_density:solid",
        "specific_surface_area",
        "phase_fraction:pore",
    ]
    assert question.directions == ["minimise", "minimise", "maximise"]
    assert [str(one) for one in question.requirements] == [
        "tortuosity_factor:pore:x<=3",
        "phase_fraction:pore>=0.1",
    ]


@pytest.mark.parametrize(
    ("relation", "value", "excess"), [("<=", 4, 1), ("<=", 2, -1), (">=", 2, 1), (">=", 4, -1)]
)
def test_the_excess_is_above_zero_where_a_bound_is_broken(relation, value, excess):
    assert Requirement(Property("euler_density", "pore"), relation, 3.0).excess(value) == excess


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "at least one property"),
        ({"minimise": "colour"}, "minimise: property 'colour': there is no 'colour'"),
        ({"minimise": "tortuosity_factor:z"}, "'z' is no phase and no axis"),
        ({"maximise": "tortuosity_factor:glass"}, "'glass' is no phase"),
        ({"minimise": "minkowski_curvature"}, "samples of this model have none"),
        ({"minimise": "triple_phase_boundary"}, "samples of this model have none"),
        ({"minimise": "specific_surface_area:pore:x"}, "specific_surface_area"),
        ({"minimise": ["euler_density", "euler_density:pore"]}, "is an objective already"),
        ({"minimise": "euler_density", "maximise": "euler_density"}, "is an objective already"),
        ({"minimise": "euler_density", "require": "euler_density=3"}, "give a property and a"),
        ({"minimise": "euler_density", "require": "euler_density<=x"}, "give a property and a"),
        ({"minimise": "euler_density", "require": "colour<=3"}, "require: property 'colour'"),
        ({"minimise": "euler_density", "require": "<=3"}, "give a property and a"),
    ],
)
def test_what_samples_cannot_have_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        read(**options)


def test_what_volumes_alone_have():
    volume = tiny_card(3, 3)
    question = read(["minkowski_curvature:pore", "tortuosity_factor:z"], card=volume)
    assert len(question.properties) == 2
    assert read("triple_phase_boundary", card=volume).directions == ["minimise"]


def test_lengths_are_in_metres_where_they_are_known():
    bound = read("specific_surface_area", require="specific_surface_area<=2e5").requirements[0]
    assert bound.bound == 2e5
    assert np.isfinite(bound.excess(1.0))
