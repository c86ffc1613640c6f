from types import SimpleNamespace

import numpy as np
import pytest

import microdsd
from microdsd.citation import PAPERS
from microdsd.errors import InputError
from microdsd.models.methods import METHODS

LABELS = np.array([[0, 1], [1, 1]])


def samples(record):
    ms = microdsd.as_microstructure(LABELS, phases={0: "pore", 1: "solid"})
    return ms.assign_attrs(provenance=record)


def test_a_model_and_its_samples_cite_the_paper():
    model = microdsd.MicrostructureModel.load("berea-2d", "cpu")
    made = model.sample(1, shape=(16, 16), evaluations=2, rng=0)
    assert microdsd.citation(model) == microdsd.citation(made)
    assert "arXiv:2505.01917" in microdsd.citation(model)


def test_baselines_cite_their_own():
    reference = np.stack([np.arange(400).reshape(20, 20) % 3 == 0] * 4).astype(int)
    field = microdsd.GaussianField.fit(
        microdsd.as_microstructure(reference, ensemble=True), periodic=False
    )
    made = field.sample(1, shape=(8, 8), rng=0)
    assert "Quiblier" in microdsd.citation(made)


def test_every_method_has_a_paper():
    assert set(METHODS) <= set(PAPERS)
    assert all(text.count("{") == text.count("}") for text in PAPERS.values())


@pytest.mark.parametrize("part", ["cropped", "twice"])
def test_records_of_records(part):
    nested = '{"operation": "crop", "source": {"method": "yeong-torquato"}}'
    if part == "twice":
        nested = f'{{"operation": "coarsen", "source": {nested}}}'
    assert "Yeong" in microdsd.citation(samples(nested))


def test_an_evaluation_cites_what_made_its_samples():
    evaluation = SimpleNamespace(record={"generated": {"method": "gaussian-field"}})
    assert "Quiblier" in microdsd.citation(evaluation)


def test_one_entry_per_paper():
    assert microdsd.citation("tau-leaping").count("@") == 1


@pytest.mark.parametrize("source", ["dsd", LABELS, samples("{}"), None])
def test_what_names_no_method_is_refused(source):
    with pytest.raises(InputError, match="tau-leaping"):
        microdsd.citation(source)


def test_the_file_for_code_hosts_says_the_same():
    from pathlib import Path

    text = (Path(__file__).resolve().parents[1] / "CITATION.cff").read_text()
    assert f"version: {microdsd.__version__}" in text
    for name in ("Santos", "Marcato", "Colman", "Lubbers", "Lin"):
        assert f"family-names: {name}" in text
        assert name in PAPERS["bridges"]
