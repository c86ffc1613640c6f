import numpy as np
import pytest
from tiny_models import tiny_card

from microdsd.errors import InputError
from microdsd.inverse.variables import DesignSpace, Variable
from microdsd.models.contents import Channels
from microdsd.models.properties import TrainedProperties
from microdsd.networks import UNetConfig


def space(fraction=None, gradient=None, target=None, card=None, shape=None, force=False, **options):
    return DesignSpace.of(card or tiny_card(), fraction, gradient, target, shape, force, **options)


def told_card():
    fractions = np.linspace(0.2, 0.6, 64)
    properties = TrainedProperties.of(
        ("specific_surface_area",), np.stack([fractions, 1 - fractions], 1), fractions[:, None] / 2
    )
    config = UNetConfig(2, 1, (4, 8), (1, 1), 8, read_out=True, properties=1)
    return tiny_card(network=config, properties=properties, unit="voxel")


def test_counts_are_those_of_the_point():
    made = space({"pore": (0.2, 0.5)}, shape=(20, 10))
    assert made.variables == (Variable("pore", 0.2, 0.5),)
    request = made.request([0.3], seed=7, streams=[4, 5])
    assert request.composition.whole.tolist() == [[60, 140]] * 2
    assert (request.seed, request.streams) == (7, (4, 5))


def test_one_number_is_fixed_and_the_rest_is_shared_as_in_training():
    card = tiny_card(3, 3, fraction_mean={"pore": 0.3, "solid": 0.42, "clay": 0.28})
    made = space({"pore": (0.2, 0.5)}, card=card, shape=(10, 10, 10))
    assert made.request([0.3], 0, [0]).composition.whole.tolist() == [[300, 420, 280]]
    made = space({"pore": (0.2, 0.5), "clay": 0.2}, card=card, shape=(10, 10, 10))
    assert made.fixed == {"clay": 0.2}
    assert made.request([0.3], 0, [0]).composition.whole.tolist() == [[300, 500, 200]]


def test_a_gradient_has_its_counts_in_every_layer():
    made = space({"pore": (0.3, 0.5)}, {"pore:x": (-0.2, 0.2)}, shape=(10, 16))
    assert [str(one) for one in made.variables] == ["pore", "gradient pore:x"]
    request = made.request([0.4, 0.16], 3, [8])
    assert request.layout.index[0].tolist() == [k for k in range(8) for _ in range(2)]
    asked = 0.4 + 0.16 * ((np.arange(8) + 0.5) / 8 - 0.5)
    counts = request.composition.counts[0]
    assert counts[:, 0].tolist() == np.rint(asked * 20).tolist()
    assert (counts.sum(1) == 20).all()
    assert (request.seed, request.streams) == (3, (8,))


def test_a_gradient_alone_is_around_the_mean_of_training():
    made = space(gradient={"pore:y": (-0.1, 0.1)}, shape=(20, 10))
    assert made.fixed == {"pore": 0.5}
    assert made.request([0.0], 0, [0]).composition.whole.tolist() == [[100, 100]]


def test_three_phases_along_a_gradient():
    card = tiny_card(3, 3)
    made = space({"clay": 0.2}, {"pore:z": (0.0, 0.2)}, card=card, shape=(16, 10, 10))
    counts = made.request([0.2], 0, [0]).composition.counts[0]
    assert (counts[:, 2] == 40).all()
    assert (np.diff(counts[:, 0]) > 0).all()
    assert (counts.sum(1) == 200).all()


def test_targets_are_passed_on():
    made = space(
        {"pore": (0.3, 0.5)}, target={"specific_surface_area": (0.12, 0.2)}, card=told_card()
    )
    assert [str(one) for one in made.variables] == ["pore", "target specific_surface_area"]
    request = made.request([0.4, 0.15], 0, [0, 1])
    assert request.targets == {"specific_surface_area": (0.15, 0.15)}
    both = space(
        {"pore": (0.3, 0.5)}, {"pore:x": (0.0, 0.1)}, {"specific_surface_area": (0.12, 0.2)},
        told_card(), (12, 16),
    )  # fmt: skip
    assert both.request([0.4, 0.1, 0.15], 0, [3]).targets == {"specific_surface_area": (0.15,)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing varies"),
        ({"fraction": {"pore": 0.3}}, "nothing varies"),
        ({"fraction": {"pore": (0.3, 1.2)}}, "from 0 to 1"),
        ({"fraction": {"pore": (-0.1, 0.3)}}, "from 0 to 1"),
        ({"fraction": {"pore": (0.5, 0.3)}}, "the lower bound comes first"),
        ({"fraction": {"pore": (0.1, 0.3)}}, r"beyond the 0.2 to 0.6 of the training.*--force"),
        ({"fraction": {"pore": (0.3, 0.7)}}, "beyond the 0.2 to 0.6"),
        ({"fraction": {"pore": "much"}}, "give a number, or the two bounds"),
        ({"fraction": {"pore": (0.2, 0.3, 0.4)}}, "give a number, or the two bounds"),
        ({"fraction": {"pore": (0.2, float("nan"))}}, "give a number, or the two bounds"),
        ({"fraction": {"glass": (0.2, 0.3)}}, "glass"),
        ({"fraction": {"pore": (0.2, 0.3), 0: 0.2}}, "given twice"),
        ({"fraction": {"pore": (0.2, 0.3), "solid": 0.6}}, "leave one phase out"),
        ({"fraction": {"pore": (0.2, 0.6), "solid": 0.6}}, "add to 1.2"),
        ({"gradient": {"pore": (0, 0.1)}}, "give phase and axis"),
        ({"gradient": {"pore:z": (0, 0.1)}}, "the axes of samples are y, x"),
        ({"gradient": {"pore:y": (0.1, 0.1)}}, "give a range"),
        ({"gradient": {"pore:y": (-1.5, 0.1)}}, "layers would have fractions"),
        ({"gradient": {"pore:y": (0, 0.1), "0:x": (0, 0.1)}}, "given twice"),
        ({"gradient": {"pore:y": (0, 0.1), "solid:y": (0, 0.1)}}, "no room"),
        ({"target": {"specific_surface_area": (0, 1)}}, "was trained without conditions"),
        ({"target": {"euler_density": (0, 1)}, "card": told_card()}, "knows specific_surface_area"),
        ({"target": {"specific_surface_area": (0, 1)}, "card": told_card()}, "beyond the 0.1 to"),
        ({"target": {"specific_surface_area": (0.2, 0.2)}, "card": told_card()}, "give a range"),
        ({"target": {"colour": (0, 1)}, "card": told_card()}, "colour"),
    ],
)
def test_ranges_that_cannot_be_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        space(**options)


def test_along_two_axes():
    card = tiny_card(3, 3)
    with pytest.raises(InputError, match="one axis only"):
        space(gradient={"pore:z": (0, 0.1), "clay:y": (0, 0.1)}, card=card)


def test_beyond_training_with_force():
    assert space({"pore": (0.1, 0.9)}, force=True).variables[0].high == 0.9
    card = told_card()
    made = space(
        {"pore": 0.4}, target={"specific_surface_area": (0.01, 0.9)}, card=card, force=True
    )
    assert made.request([0.9], 0, [0]).targets == {"specific_surface_area": (0.9,)}


def test_images_have_no_design():
    card = tiny_card(contents=Channels(("grey",), 9))
    with pytest.raises(InputError, match="designs need a model of phases"):
        space({"grey": (1, 2)}, card=card)
