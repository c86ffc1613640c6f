"""Common ways to call are understood, or answered with what to write."""

import math
import warnings

import numpy as np
import pytest
from tiny_models import tiny_card, tiny_model

from microdsd.errors import ExtrapolationWarning, InputError, MicrodsdWarning
from microdsd.generation.request import GenerationRequest
from microdsd.generation.sweep import sample_sweep

HOLE = np.zeros((12, 10), bool)
HOLE[3:9, 2:8] = True
KNOWN = np.ones((12, 10), int)
WAYS = {
    "sample": lambda model, **options: model.sample(**options),
    "inpaint": lambda model, **options: model.inpaint(
        KNOWN, HOLE, **{"phase_fraction": {"pore": 0.2}, **options}
    ),
    "regions": lambda model, **options: model.sample_regions(
        **{"phase_fraction": {"pore": [[0.3], [0.4]]}, **options}
    ),
    "sweep": lambda model, **options: sample_sweep(
        model, **{"phase_fraction": {"pore": [0.3, 0.4]}, **options}
    ),
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def resolve(card=None, n=1, **options):
    return GenerationRequest.resolve(card or tiny_card(), n, **options)


@pytest.mark.parametrize(
    ("phases", "number", "named"),
    [
        ({0: "pore", 1: "solid"}, 0.3, {"pore": (0.3,)}),
        ({1: "Nickel", 2: "void space"}, 0.3, {"void space": (0.3,)}),
        ({0: "pore", 1: "solid"}, np.float32(0.5), {"pore": (0.5,)}),
    ],
)
def test_a_number_is_the_porosity(phases, number, named):
    card = tiny_card(phases=phases, background=max(phases))
    assert resolve(card, phase_fraction=number).composition.fractions == named


def test_numbers_are_porosities_one_per_sample():
    assert resolve(n=2, phase_fraction=[0.3, 0.4]).composition.fractions == {"pore": (0.3, 0.4)}
    made = sample_sweep(tiny_model(), [0.25, 0.5], rng=0)
    assert (made == 0).sum(("y", "x")).values.tolist() == [30, 60]
    graded = tiny_model().sample_regions([[0.25], [0.5]], rng=0)
    assert int((graded == 0).sum()) == 45


@pytest.mark.parametrize(
    "phases",
    [{0: "matrix", 1: "particles"}, {0: "pore", 1: "air"}, {0: "pore", 1: "solid", 2: "clay"}],
)
def test_a_number_that_may_be_of_several_phases(phases):
    card = tiny_card(phases=phases)
    with pytest.raises(InputError, match=r"phase_fraction=0\.2: say of which phase, as .*\{"):
        resolve(card, phase_fraction=0.2)


def test_one_length_is_a_cube():
    assert resolve(shape=16).lattice.shape == (16, 16)
    assert resolve(tiny_card(ndim=3), shape=np.int64(8)).lattice.shape == (8, 8, 8)
    assert tiny_model().sample_regions({"pore": [[0.3]]}, shape=8, rng=0).shape == (1, 8, 8)


@each_way
def test_seed_is_another_name_of_rng(way):
    model = tiny_model()
    by_rng, by_seed = way(model, rng=3), way(model, seed=3)
    np.testing.assert_array_equal(by_rng.values, by_seed.values)
    with pytest.raises(InputError, match="seed=0: is another name of rng, which is given too"):
        way(model, rng=0, seed=0)


@each_way
@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("evalutions", "did you mean evaluations"),
        ("random_state", "did you mean rng"),
        ("periodic", "did you mean boundary"),
        ("colour", "there are "),
    ],
)
def test_words_that_are_no_arguments(way, word, meant):
    with pytest.raises(InputError, match=f"{word}: there is no such argument; {meant}"):
        way(tiny_model(), **{word: 1})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 1.5}, "n=1.5: give a whole number"),
        ({"n": True}, "n=True: give a whole number"),
        ({"n": -3}, "n=-3: "),
        ({"n": "2"}, "n='2': "),
        ({"shape": 1}, "at least 4 voxels"),
        ({"shape": (12, 10.5)}, "whole numbers of voxels"),
        ({"shape": "12"}, "whole numbers of voxels"),
        ({"shape": ()}, "the model is 2D"),
        ({"boundary": 5}, "boundary=5: choose"),
        ({"boundary": None}, "boundary=None: choose"),
        ({"evaluations": 0}, "evaluations=0: give a whole number, at least 1"),
        ({"evaluations": 2.5}, "evaluations=2.5"),
        ({"sigma_last": math.nan}, "sigma_last=nan"),
        ({"sigma_last": "low"}, "sigma_last='low'"),
        ({"guide": "left"}, "guide='left': give a function"),
        ({"rng": 1.5}, "rng=1.5: give a seed"),
        ({"rng": "x"}, "rng='x': give a seed"),
        ({"seed": -1}, "seed=-1"),
        ({"phase_fraction": math.nan}, "from 0 to 1"),
        ({"phase_fraction": math.inf}, "from 0 to 1"),
        ({"phase_fraction": "pore"}, "give a number"),
        ({"phase_fraction": {"pore": None}}, "from 0 to 1"),
        ({"class_name": "a"}, "no classes"),
        ({"class_name": 3}, "class_name=3"),
        ({"intensity": 3.0}, "the model makes phases"),
    ],
)
def test_odd_requests(options, message):
    with pytest.raises(InputError, match=message):
        resolve(**{"n": 1, **options})


@pytest.mark.parametrize("fraction", [0.0, 1.0, 0, 1])
@each_way
def test_a_phase_that_is_not_there(way, fraction):
    """Fractions 0 and 1 are compositions like others, where the known part allows them."""
    values = {"inpaint": fraction, "regions": [[fraction]], "sweep": [fraction]}
    name = next(name for name, other in WAYS.items() if other is way)
    if name == "inpaint":
        known = np.full((12, 10), 1 - int(fraction))
        made = tiny_model().inpaint(known, HOLE, phase_fraction={"pore": fraction}, rng=0)
    else:
        made = way(tiny_model(), phase_fraction={"pore": values.get(name, fraction)}, rng=0)
    assert int((made == 0).sum()) == 120 * fraction


@each_way
def test_compositions_beyond_training_warn(way):
    beyond = {"inpaint": 0.1, "regions": [[0.1], [0.3]], "sweep": [0.1, 0.3]}
    name = next(name for name, other in WAYS.items() if other is way)
    fractions = {"pore": beyond.get(name, 0.1)}
    with pytest.warns(ExtrapolationWarning, match="pore.*0.2 to 0.6 of the training") as caught:
        way(tiny_model(), phase_fraction=fractions, rng=0)
    assert caught[0].filename == __file__ or name in ("sweep",)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inside = {"regions": [[0.4]], "sweep": [0.4], "inpaint": 0.25}
        way(tiny_model(), phase_fraction={"pore": inside.get(name, 0.4)}, rng=0)


def test_a_model_of_classes_that_is_told_none():
    classes = {"a": {"pore": (0.3, 0.2, 0.4), "solid": (0.7, 0.6, 0.8)}}
    card = tiny_card(classes=classes)
    (caution,) = resolve(card).cautions
    assert type(caution) is MicrodsdWarning
    assert "class_name: the model knows the classes a and is told none" in str(caution)
    assert str(caution) in resolve(card).notes
    assert resolve(card, class_name="a").cautions == ()
