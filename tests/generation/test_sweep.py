"""Sweeps: compositions, pairs of samples, what must be refused."""

import itertools

import numpy as np
import pytest
from tiny_models import tiny_card, tiny_model

from microdsd.errors import InputError
from microdsd.generation.request import GenerationRequest
from microdsd.generation.sweep import sample_sweep, sweep_request
from microdsd.microstructure import phase_counts, provenance_of

PORE = [0.2, 0.3, 0.4]


def test_samples_come_fraction_by_fraction_with_exact_counts():
    made = sample_sweep(tiny_model(), {"pore": PORE}, n=2, rng=0)
    assert phase_counts(made).sel(phase=0).values.tolist() == [24, 24, 36, 36, 48, 48]
    assert provenance_of(made)["requested_fractions"]["pore"] == np.repeat(PORE, 2).tolist()


def test_every_sample_of_an_unpaired_sweep_has_a_stream_of_its_own():
    request = sweep_request(tiny_card(), {"pore": PORE}, 2, rng=3)
    assert request.streams == (0, 1, 2, 3, 4, 5)
    assert sweep_request(tiny_card(), {"pore": PORE}, 2, paired=True).streams == (0, 1) * 3


def test_a_member_of_a_paired_sweep_is_the_sample_of_its_seed():
    model = tiny_model()
    made = sample_sweep(model, {"pore": PORE}, n=2, paired=True, rng=5)
    for i, fraction in enumerate(PORE):
        alone = model.sample(2, phase_fraction={"pore": fraction}, rng=5)
        np.testing.assert_array_equal(made.values[2 * i : 2 * i + 2], alone.values)


@pytest.mark.parametrize("phases", [2, 3])
def test_walkers_are_added_and_those_that_are_there_start_alike(phases):
    """At the horizon: the walkers of the emptier sample are all among those of the fuller one."""
    model = tiny_model(phases=phases)
    request = sweep_request(model.card, {"pore": PORE}, paired=True, rng=1)
    pore = model.card.contents.species.index(0)
    start = [model.trajectory(request, index=i)[0][0][1][pore] for i in range(3)]
    assert [int(state.sum()) for state in start] == [24, 36, 48]
    for few, many in itertools.pairwise(start):
        assert (many >= few).all()


@pytest.mark.statistics
def test_neighbours_of_a_paired_sweep_differ_less():
    """Unpaired, two samples of 12 x 10 differ in 2 x 0.3 x 0.7 = 0.41 of the voxels or so.

    Over 6 pairs that share is known to 0.02: to fall below 0.8 of itself by chance takes 4 of them.
    """
    model = tiny_model()

    def difference(paired):
        made = sample_sweep(model, {"pore": [0.28, 0.30]}, n=6, paired=paired, rng=2).values
        return (made[:6] != made[6:]).mean()

    assert difference(paired=True) < 0.8 * difference(paired=False)


def test_phases_that_are_not_named_share_the_rest_as_in_training():
    means = {"pore": 0.5, "solid": 0.3, "clay": 0.2}
    card = tiny_card(phases=3, fraction_mean=means)
    request = sweep_request(card, {"pore": [0.25, 0.5]}, 1)
    np.testing.assert_allclose(request.composition.fractions["solid"], [0.45, 0.3])
    np.testing.assert_allclose(request.composition.fractions["clay"], [0.3, 0.2])
    assert "solid and clay share the rest" in request.notes[-1]
    fixed = sweep_request(card, {"clay": 0.1, "pore": [0.25, 0.5]}, 1)
    assert fixed.composition.whole.tolist() == [[30, 78, 12], [60, 48, 12]]
    assert list(fixed.composition.fractions) == ["pore", "clay"]


def test_fractions_that_training_never_saw_are_noted():
    inside = sweep_request(tiny_card(), {"pore": [0.25, 0.5]}, 1)
    assert inside.notes == ()
    (note,) = sweep_request(tiny_card(), {"pore": [0.1, 0.5]}, 1).notes
    assert "pore = 0.1 to 0.5 lies outside the 0.2 to 0.6" in note


@pytest.mark.parametrize(
    ("fractions", "n", "message"),
    [
        ({"pore": 0.3}, 1, "series"),
        ({"pore": [0.3], "solid": [0.7]}, 1, "one phase a series"),
        ({"pore": [0.3, 1.2]}, 1, "from 0 to 1"),
        ({"water": [0.3]}, 1, "no phase 'water'"),
        ({"pore": [0.3]}, 0, "at least one sample"),
        ({"pore": []}, 1, "at least one"),
    ],
)
def test_impossible_sweeps(fractions, n, message):
    with pytest.raises(InputError, match=message):
        sweep_request(tiny_card(), fractions, n)


def test_streams_say_what_a_sample_depends_on():
    model = tiny_model()

    def made(streams):
        request = GenerationRequest.resolve(model.card, len(streams), streams=streams, rng=4)
        return [labels for labels, _ in model.generate(request)]

    first, second, third = made([7, 0, 7])
    np.testing.assert_array_equal(first, third)
    np.testing.assert_array_equal(second, made([0])[0])
    assert (first != second).any()
