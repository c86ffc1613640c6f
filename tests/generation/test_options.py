"""Ways to generate take the same options, by name; a name that none has is refused."""

import inspect

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.fitting import TrainingRun, fit
from microdsd.generation import MicrostructureModel, sample_sweep
from microdsd.generation.options import SHARED_OPTIONS
from microdsd.generation.request import GenerationRequest
from tests.tiny_models import tiny_model

HOLE = np.ones((8, 8), bool)
WAYS = {
    "sample": MicrostructureModel.sample,
    "inpaint": MicrostructureModel.inpaint,
    "sample_regions": MicrostructureModel.sample_regions,
    "sample_sweep": sample_sweep,
}


def defaults(function):
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_generate_names_the_shared_options_with_the_same_defaults(way):
    resolved = defaults(GenerationRequest.of)
    assert {name: defaults(WAYS[way])[name] for name in SHARED_OPTIONS} == {
        name: resolved[name] for name in SHARED_OPTIONS
    }


@pytest.mark.parametrize("way", [*WAYS, "fit"])
def test_every_option_is_documented(way):
    function = {**WAYS, "fit": fit}[way]
    lines = function.__doc__.splitlines()
    documented = {line.strip().split(" : ")[0] for line in lines if " : " in line}
    assert set(defaults(function)) <= documented


def test_a_fit_has_the_options_of_a_run_with_the_same_defaults():
    of_run, of_fit = defaults(TrainingRun), defaults(fit)
    assert set(of_run) ^ set(of_fit) == {"stopwatch", "ranks", "progress"}
    shared = set(of_run) & set(of_fit)
    assert {name: of_fit[name] for name in shared} == {name: of_run[name] for name in shared}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.inpaint(HOLE * 1, HOLE, evalutions=3), "did you mean evaluations"),
        (lambda m: m.inpaint(HOLE * 1, HOLE, epsilon=0.1), "epsilon: there is no such argument"),
        (lambda m: m.sample_regions({"pore": [[0.1], [0.2]]}, nfe=3), "did you mean evaluations"),
        (lambda m: m.sample_regions({"pore": [[0.1], [0.2]]}, intensity=3), "intensity: there is"),
        (lambda m: sample_sweep(m, {"pore": [0.1, 0.2]}, size=3), "did you mean shape"),
        (lambda m: sample_sweep(m, {"pore": [0.1, 0.2]}, repeats=3), "repeats: there is no such"),
        (lambda m: fit(HOLE * 1, None, windw=8), "did you mean window"),
        (lambda m: fit(HOLE * 1, None, n=8), "n: there is no such argument"),
        (lambda m: fit(HOLE * 1, None, schedule="t^2"), "did you mean time_schedule"),
        (lambda m: fit(HOLE * 1, None, on_step=print), "did you mean progress"),
        (lambda m: m.sample_regions({"pore": [0.1, 0.2]}, regions=HOLE), "did you mean region_map"),
    ],
)
def test_a_misspelt_option_is_refused_with_the_one_that_was_meant(call, message):
    with pytest.raises(InputError, match=message):
        call(tiny_model())


def test_an_option_reaches_the_request():
    model = tiny_model()
    seeded = [
        (lambda rng: model.inpaint(HOLE * 1, HOLE, rng=rng, phase_fraction={"pore": 0.5})),
        (lambda rng: model.sample_regions({"pore": [[0.25], [0.5]]}, rng=rng)),
        (lambda rng: sample_sweep(model, {"pore": [0.25, 0.5]}, rng=rng)),
    ]
    for make in seeded:
        assert (make(3) == make(3)).all()
        assert not (make(3) == make(4)).all()


def test_every_way_to_generate_tells_its_progress():
    model = tiny_model()
    ways = [
        lambda **told: model.sample(2, evaluations=4, rng=0, **told),
        lambda **told: model.inpaint(
            HOLE * 1, HOLE, 2, phase_fraction={"pore": 0.5}, evaluations=4, rng=0, **told
        ),
        lambda **told: model.sample_regions(
            {"pore": [[0.25], [0.5]]}, 2, evaluations=4, rng=0, **told
        ),
        lambda **told: sample_sweep(model, {"pore": [0.25, 0.5]}, evaluations=4, rng=0, **told),
    ]
    for make in ways:
        told = []
        make(progress=lambda *state: told.append(state[:2]))  # noqa: B023
        assert told == sorted(told)
        assert told[-1][0] == told[-1][1] > 0
