"""Samples and tiles by workers: the voxels of one process, also when a worker is killed."""

import contextlib
import dataclasses
from functools import partial

import deaths
import numpy as np
import pytest
from tiny_models import octave_model, tiny_model

from microdsd.ensembles import cluster
from microdsd.errors import MicrodsdError
from microdsd.generation import batches, workers
from microdsd.generation.request import GenerationRequest
from microdsd.generation.workers import ModelOfWorkers, generate_by_workers
from microdsd.networks import stages

pytest.importorskip("distributed", reason="the extra 'distributed' is not installed")

FRACTION = {"pore": 0.4}


@pytest.fixture(scope="module")
def two_workers():
    """For all tests, as they take seconds to start."""
    with cluster.connected("local", 2, 2, "") as started:
        yield started


@pytest.fixture
def path(tmp_path):
    octave_model().save(tmp_path / "m.model")
    return tmp_path / "m.model"


@pytest.fixture
def by_two(two_workers, monkeypatch):
    """Samples that these workers make, by number."""
    monkeypatch.setattr(workers, "connected", lambda *_: contextlib.nullcontext(two_workers))

    def made(model, path, request, numbers, progress=None):
        found = generate_by_workers(model, path, request, numbers, "local", 2, progress)
        return {number: (labels, moved) for number, labels, moved in found}

    return made


def assert_same(found, expected):
    assert len(found) == len(expected)
    for (labels, moved), (same, as_many) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(labels, same)
        assert moved == as_many


def test_samples_are_those_of_one_process(by_two, path, tmp_path, monkeypatch):
    """Though one of the workers is killed on the way."""
    marker = tmp_path / "killed"
    monkeypatch.setattr(workers, "make_sample", partial(deaths.make_sample, marker=str(marker)))
    model = octave_model()
    request = GenerationRequest.resolve(model.card, 5, phase_fraction=FRACTION, rng=1)
    told = []
    made = by_two(model, path, request, [1, 2, 3, 4], lambda *state: told.append(state[:2]))
    assert marker.exists()
    assert_same([made[i] for i in (1, 2, 3, 4)], list(model.generate(request))[1:])
    calls = request.plan.network_calls
    assert told == [(n * calls, 5 * calls) for n in (2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("boundary", "large"), [("no-flux", False), ("periodic", False), ("no-flux", True)]
)
def test_tiles_are_those_of_one_process(by_two, path, monkeypatch, boundary, large):
    """On both lattices of the walk, in slabs or not; and the model is as it was, afterwards."""
    if large:
        monkeypatch.setattr(batches, "LARGE_BOX", 100)
    monkeypatch.setitem(stages.TILE_SITES, "cpu", 40 * 40)
    model = octave_model()
    request = GenerationRequest.resolve(
        model.card, 1, phase_fraction=FRACTION, shape=(70, 64), boundary=boundary, rng=1
    )
    assert workers.number_of_tiles(model, request) >= 4
    expected = list(model.generate(request))
    assert_same(list(by_two(model, path, request, [0]).values()), expected)
    monkeypatch.setattr(workers, "evaluate_tile", None)
    assert_same(list(model.generate(request)), expected)


def test_a_box_of_one_tile_needs_no_workers(path, monkeypatch):
    monkeypatch.setattr(workers, "connected", None)
    model = octave_model()
    request = GenerationRequest.resolve(model.card, 1, phase_fraction=FRACTION, rng=1)
    ((number, *made),) = generate_by_workers(model, path, request, [0], "tcp://there:1")
    assert number == 0
    assert_same([made], list(model.generate(request)))
    assert list(generate_by_workers(model, path, request, [], "tcp://there:1")) == []


def test_what_a_worker_checks(path, tmp_path):
    wanted = ModelOfWorkers.of(octave_model(), path)
    assert wanted.load().digest() == octave_model().digest()
    with pytest.raises(MicrodsdError, match="install one version everywhere"):
        dataclasses.replace(wanted, version="0.0.1").load()
    tiny_model().save(path, overwrite=True)
    workers._loaded.cache_clear()
    with pytest.raises(MicrodsdError, match=r"m\.model: a worker finds the model .* the same file"):
        wanted.load()
    path.rename(tmp_path / "elsewhere.model")
    with pytest.raises(MicrodsdError, match=r"m\.model: a worker does not see this file"):
        wanted.load()


def test_a_model_that_ships_goes_by_its_name():
    model = octave_model()
    assert ModelOfWorkers.of(model, "berea-2d").path == "berea-2d"


class Lost:
    """Workers that are all killed by one sample."""

    def results(self, function, calls):
        for number, _ in calls:
            yield number, cluster.KilledWorkersError("4 workers died over it")


def test_a_sample_over_which_all_workers_die(path, monkeypatch):
    monkeypatch.setattr(workers, "connected", lambda *_: contextlib.nullcontext(Lost()))
    request = GenerationRequest.resolve(octave_model().card, 3, phase_fraction=FRACTION, rng=1)
    with pytest.raises(MicrodsdError, match="sample 1: 4 workers died over it"):
        list(generate_by_workers(octave_model(), path, request, [1, 2], "local"))


@pytest.mark.parametrize(
    ("large", "bookmark", "words"),
    [
        (True, lambda number: None, "goes on with the network evaluation at which it was stopped"),
        (True, None, "begins again"),
        (False, lambda number: None, "begins again"),
    ],
)
def test_a_lost_scheduler_says_what_is_kept_of_a_single_box(
    path, monkeypatch, large, bookmark, words
):
    """A state is kept on the way of large boxes alone, and where there is a place for it."""

    def lost(scheduler, workers, most, goes_on):
        raise MicrodsdError(f"scheduler: {scheduler} is lost; {goes_on}")

    if large:
        monkeypatch.setattr(batches, "LARGE_BOX", 100)
    monkeypatch.setitem(stages.TILE_SITES, "cpu", 40 * 40)
    monkeypatch.setattr(workers, "connected", lost)
    model = octave_model()
    request = GenerationRequest.resolve(
        model.card, 1, phase_fraction=FRACTION, shape=(70, 64), rng=1
    )
    with pytest.raises(MicrodsdError, match=f"the same command {words}"):
        list(generate_by_workers(model, path, request, [0], "tcp://there:1", None, None, bookmark))
