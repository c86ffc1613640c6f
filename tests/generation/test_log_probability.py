"""The log p of a model over material that is there."""

import numpy as np
import pytest

from microdsd.cleaning import clean
from microdsd.errors import InputError
from microdsd.generation import MicrostructureModel
from microdsd.generation.log_probability import log_probability
from microdsd.microstructure import as_microstructure, label_counts


@pytest.fixture(scope="module")
def model():
    return MicrostructureModel.load("berea-2d")


@pytest.fixture(scope="module")
def sample(model):
    return model.sample(2, shape=(32, 48), evaluations=8, rng=0)


def test_it_is_a_law_over_phases_that_knows_the_sample(model, sample):
    log_p = log_probability(model, sample, rng=0, draws=2)
    assert log_p.dims == ("sample", "phase", "y", "x")
    assert log_p.phase.values.tolist() == [0, 1]
    np.testing.assert_allclose(np.exp(log_p).sum("phase"), 1, atol=1e-3)
    assert (log_p.argmax("phase") == sample).mean() > 0.9
    assert log_p.equals(log_probability(model, sample, rng=0, draws=2))
    noisier = log_probability(model, sample, rng=0, draws=2, sigma=8.0)
    assert (noisier.argmax("phase") == sample).mean() < 0.9


def test_a_speck_is_found_improbable_and_cleaned(model, sample):
    labels = sample[:1].copy()
    solid = np.argwhere(labels[0].values[1:-1, 1:-1] == 1)
    inner = [
        (y + 1, x + 1)
        for y, x in solid.tolist()
        if (labels[0].values[y - 1 : y + 4, x - 1 : x + 4] == 1).all() and min(y, x) > 0
    ]
    y, x = inner[len(inner) // 2]
    labels[0, y, x] = 0
    log_p = log_probability(model, labels, rng=0)
    assert log_p[0, 1, y, x] > log_p[0, 0, y, x]
    cleaned = clean(labels, min_size=3, periodic=False, log_p=log_p)
    assert cleaned.labels[0, y, x] == 1
    assert label_counts(cleaned.labels.values) == label_counts(labels.values)


def test_refusals(model, sample):
    with pytest.raises(InputError, match="has 3 axes"):
        log_probability(model, as_microstructure(np.zeros((1, 4, 4, 4), int), ensemble=True))
    with pytest.raises(InputError, match="the phases are"):
        log_probability(model, np.eye(8, dtype=int))
    with pytest.raises(InputError, match="knows levels"):
        log_probability(model, sample, sigma=1e9)
    with pytest.raises(InputError, match="draws"):
        log_probability(model, sample, draws=0)
