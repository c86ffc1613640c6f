"""Designs: exact candidates, the same after an interruption, and honest about what they are."""

import json

import numpy as np
import pytest
from tiny_models import octave_model, tiny_model, told_model

import microdsd
from microdsd.errors import DataFileError, InputError
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.inverse import design
from microdsd.microstructure import provenance_of
from microdsd.properties import measure

ASKED = {
    "fraction": {"pore": (0.25, 0.55)},
    "minimise": "specific_surface_area",
    "maximise": "mean_chord_length:pore:x",
}


def small(model=None, **options):
    settings = {**ASKED, "candidates": 4, "search": "random", "rng": 0, **options}
    return design(model or tiny_model(), **settings)


def test_every_candidate_is_exact_and_is_its_own():
    model = tiny_model()
    found = small(model)
    assert [one.number for one in found.candidates] == [0, 1, 2, 3]
    for one in found.candidates:
        share = one.variables["pore"]
        assert one.fractions["pore"] == round(share * 120) / 120
        assert one.streams == (2 * one.number, 2 * one.number + 1)
    best = found.front[0]
    samples = found.samples.isel(sample=found.samples.candidate == best.number)
    again = model.sample(8, phase_fraction={"pore": best.variables["pore"]}, rng=0)[
        list(best.streams)
    ]
    assert (samples.values == again.values).all()


def test_means_and_errors_are_those_of_the_samples():
    found = small(samples=3)
    for one in found.front:
        samples = found.samples.isel(sample=found.samples.candidate == one.number)
        values = measure(samples, ["specific_surface_area", "mean_chord_length:pore:x"])
        assert list(one.means.values()) == pytest.approx(values.mean(0))
        errors = values.std(0, ddof=1) / np.sqrt(3)
        assert list(one.standard_errors.values()) == pytest.approx(errors)
    alone = small(samples=1).candidates[0]
    assert set(alone.standard_errors.values()) == {None}


def test_the_front_is_of_those_that_keep_the_requirements():
    free = small(candidates=8)
    bound = float(np.median([one.means["specific_surface_area"] for one in free.candidates]))
    bounded = small(candidates=8, require=f"specific_surface_area>={bound}")
    for one, same in zip(free.candidates, bounded.candidates, strict=True):
        assert one.means == same.means
        assert same.feasible == (same.means["specific_surface_area"] >= bound)
    assert all(one.feasible for one in bounded.front)
    best = min(one.means["specific_surface_area"] for one in bounded.candidates if one.feasible)
    assert bounded.front[0].means["specific_surface_area"] == best


def test_no_candidate_may_do():
    found = small(require="specific_surface_area<=-1")
    assert found.front == []
    assert found.samples is None
    assert "0 of 4 on the front" in repr(found)
    json.dumps(found.to_dict())


def test_the_samples_of_the_front_are_recounted_region_by_region(tmp_path):
    found = small(gradient={"pore:x": (-0.2, 0.2)}, shape=(12, 16), candidates=5)
    microdsd.save_microstructures(tmp_path / "front.h5", found.samples)
    from microdsd.cli.recount import recount_file

    recount, _ = recount_file(str(tmp_path / "front.h5"))
    assert recount.differences == []
    record = provenance_of(found.samples)
    assert record["seed"] == 0
    assert len(record["requested_region_counts"]["pore"]) == found.samples.sizes["sample"]
    assert "gradient pore:x" in found.candidates[0].variables


def test_targets_vary_with_the_fractions():
    model = told_model(("specific_surface_area",))
    found = small(model, target={"specific_surface_area": (0.2, 0.5)}, candidates=3)
    targets = [one.variables["target specific_surface_area"] for one in found.candidates]
    assert len({*targets}) == 3
    record = provenance_of(found.samples)
    assert set(record["targets"]["specific_surface_area"]) <= {*targets}


def test_a_class_is_named():
    found = small(octave_model(classes=("a", "b")), class_name="b", candidates=2, shape=(24, 20))
    assert found.samples["class"].values.tolist() == ["b"] * found.samples.sizes["sample"]


def stopped_after(number, monkeypatch, folder, **options):
    """Let the process be killed while it works on a candidate."""
    plain, made = MicrostructureModel.generate, []

    def generate(self, *arguments, **named):
        if len(made) == number:
            raise KeyboardInterrupt
        made.append(1)
        return plain(self, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(MicrostructureModel, "generate", generate)
        with pytest.raises(KeyboardInterrupt):
            small(unfinished=folder, **options)


@pytest.mark.parametrize("search", ["bayesian", "random"])
def test_a_stopped_design_goes_on_to_the_same_outcome(tmp_path, monkeypatch, search):
    if search == "bayesian":
        pytest.importorskip("optuna")
    options = {"search": search, "candidates": 9, "gradient": {"pore:x": (-0.2, 0.2)}}
    whole = small(**options)
    for number in (3, 4):
        stopped_after(number, monkeypatch, tmp_path / "kept", **options)
    told = []
    resumed = small(
        unfinished=tmp_path / "kept", progress=lambda *words: told.append(words), **options
    )
    assert resumed.to_dict() == whole.to_dict()
    assert resumed.samples.equals(whole.samples)
    assert told[0][0] <= 7 <= told[1][0] + 1
    assert told[-1][:2] == (9, 9)
    fewer = small(unfinished=tmp_path / "kept", **{**options, "candidates": 5})
    assert fewer.candidates[0].means == whole.candidates[0].means
    assert len(fewer.candidates) == 5


def test_another_design_does_not_take_over_what_is_there(tmp_path):
    small(unfinished=tmp_path / "kept", candidates=1)
    for options in (
        {"rng": 1},
        {"minimise": "euler_density"},
        {"fraction": {"pore": (0.2, 0.5)}},
        {"samples": 1},
        {"require": "euler_density<=1"},
    ):
        with pytest.raises(DataFileError, match="holds a stopped run that differs in"):
            small(unfinished=tmp_path / "kept", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"minimise": "colour", "maximise": ()}, "there is no 'colour'"),
        ({"minimise": "tortuosity_factor:z"}, "'z' is no phase and no axis"),
        ({"fraction": {"pore": (0.0, 0.3)}}, "--force"),
        ({"candidates": 0}, "candidates"),
        ({"samples": 0}, "samples"),
        ({"search": "grid"}, "search='grid': choose one of bayesian, random"),
        ({"boundary": ("no-flux", "periodic")}, "one for all axes"),
        ({"evaluations": 0}, "evaluations"),
        ({"class_name": "b"}, "no classes"),
        ({"guidance": 2.0}, "guidance"),
        ({"shape": (3, 3)}, "at least"),
    ],
)
def test_bad_input_is_refused_before_any_work(options, message, monkeypatch):
    def generate(*arguments, **named):
        raise AssertionError("worked")

    monkeypatch.setattr(MicrostructureModel, "generate", generate)
    with pytest.raises(InputError, match=message):
        small(**options)


def test_a_property_that_no_sample_has_is_not_hidden():
    """In the smallest boxes no pore leads through: there is no front, and no error."""
    found = small(minimise="tortuosity_factor:pore:x", maximise=(), fraction={"pore": (0.2, 0.22)})
    blocked = [np.isnan(one.means["tortuosity_factor:pore:x"]) for one in found.candidates]
    assert all(blocked) or found.front
    assert json.loads(json.dumps(found.to_dict()))["candidates"][0]["number"] == 0


def test_a_table_of_all_candidates():
    heads, lines = small().rows()
    assert heads[:3] == ["candidate", "pore", "fraction pore"]
    assert [line[0] for line in lines] == ["0", "1", "2", "3"]
    assert {len(line) for line in lines} == {len(heads)}
    assert float(lines[1][1]) == small().candidates[1].variables["pore"]
