"""Models that walk over several lattices: all that samples, with exact counts at every octave."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import octave_model

import microdsd
from microdsd.errors import InputError
from microdsd.generation.batches import BATCH_VOXELS
from microdsd.generation.request import GenerationRequest
from microdsd.generation.sweep import sample_sweep
from microdsd.sampling.guidance import descend


@pytest.mark.parametrize(("ndim", "phases"), [(2, 2), (2, 3), (3, 2)])
@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
def test_counts_are_exact(ndim, phases, boundary):
    model = octave_model(ndim, phases)
    shape = (21, 18) if ndim == 2 else (12, 9, 13)
    fractions = {"pore": 0.3} if phases == 2 else {"pore": 0.3, "solid": 0.2}
    new = model.sample(3, phase_fraction=fractions, shape=shape, boundary=boundary, rng=0)
    assert new.shape == (3, *shape)
    voxels = np.prod(shape)
    assert [(sample == 0).sum() for sample in new.values] == [round(0.3 * voxels)] * 3


@settings(max_examples=15, deadline=None)
@given(st.tuples(st.integers(8, 30), st.integers(8, 30)), st.floats(0.01, 0.99), st.booleans())
def test_walkers_are_conserved_on_every_lattice(shape, fraction, periodic):
    model = octave_model()
    boundary = "periodic" if periodic else "no-flux"
    count = round(fraction * shape[0] * shape[1])
    seen = set()

    def look(network, args):
        occupation, _, kernel = args[:3]
        seen.add(kernel.lattice.block)
        assert occupation.sum() == count

    hooks = [octave.register_forward_pre_hook(look) for octave in model.network.octaves]
    model.sample(
        1, phase_fraction={"pore": count / (shape[0] * shape[1])}, shape=shape, boundary=boundary
    )
    for hook in hooks:
        hook.remove()
    assert seen == {1, 2}


def test_samples_do_not_depend_on_the_batch(monkeypatch):
    model = octave_model()
    together = model.sample(5, shape=(22, 17), rng=3).values
    for size in (1, 2):
        monkeypatch.setitem(BATCH_VOXELS, "cpu", size * 22 * 17)
        assert (model.sample(5, shape=(22, 17), rng=3).values == together).all()


@pytest.mark.parametrize("walls", [False, True])
@pytest.mark.parametrize(("ndim", "phases"), [(2, 2), (2, 3), (3, 2)])
def test_known_voxels_and_remaining_counts_are_exact(ndim, phases, walls):
    model = octave_model(ndim, phases)
    rng = np.random.default_rng(0)
    shape = (23, 20) if ndim == 2 else (11, 12, 10)
    known = rng.integers(0, phases, shape)
    unknown = np.zeros(shape, bool)
    unknown[tuple(slice(3, n - 2) for n in shape)] = True  # walls cut through blocks
    shares = [float((known == label).mean()) for label in range(phases)]
    fractions = dict(zip(("pore", "solid"), shares[: phases - 1], strict=False))
    new = model.inpaint(known, unknown, 2, phase_fraction=fractions, walls=walls, rng=0).values
    assert (new[:, ~unknown] == known[~unknown]).all()
    assert [(sample == 0).sum() for sample in new] == [(known == 0).sum()] * 2


@pytest.mark.parametrize("batch", [1, 3])
def test_regions_have_their_counts_whatever_blocks_they_share(batch, monkeypatch):
    """Regions of odd widths, so that blocks belong to two of them."""
    model = octave_model(phases=3)
    shape, regions = (24, 21), np.arange(21) // 7 + np.zeros((24, 1), int)
    fractions = {"pore": [0.125, 0.5, 0.25], "solid": [0.25, 0.125, 0.5]}
    monkeypatch.setitem(BATCH_VOXELS, "cpu", batch * 24 * 21)
    new = model.sample_regions(fractions, 3, region_map=regions, shape=shape, rng=1).values
    for region in range(3):
        inside = new[:, regions == region]
        for label, name in ((0, "pore"), (1, "solid")):
            wanted = round(fractions[name][region] * 24 * 7)
            assert [(sample == label).sum() for sample in inside] == [wanted] * 3
    monkeypatch.setitem(BATCH_VOXELS, "cpu", 1 << 20)
    again = model.sample_regions(fractions, 3, region_map=regions, shape=shape, rng=1).values
    assert (again == new).all()


def test_a_guide_sees_voxels_at_every_octave_and_moves_no_count():
    model = octave_model()
    shapes = set()

    def left(p):
        shapes.add(tuple(p.shape[2:]))
        torch.testing.assert_close(p.sum(1), torch.ones(p.shape[0], *p.shape[2:]))
        return -p[:, 0, :, :9].sum((-2, -1))

    plain = model.sample(2, phase_fraction={"pore": 0.3}, shape=(20, 19), rng=0)
    new = model.sample(
        2, phase_fraction={"pore": 0.3}, shape=(20, 19), guide=descend(left, 6.0), rng=0
    )
    assert shapes == {(20, 19)}
    assert ((new == 0).sum(("y", "x")) == round(0.3 * 380)).all()
    assert int((new == 0)[..., :9].sum()) > int((plain == 0)[..., :9].sum()) + 40


def test_classes_and_sweeps():
    model = octave_model(classes=("sand", "lime"))
    one, other = (
        model.sample(1, class_name=name, guidance=2.0, rng=0).values for name in ("sand", "lime")
    )
    assert (one != other).any()
    swept = sample_sweep(model, {"pore": [0.2, 0.3]}, 2, class_name="sand", rng=0)
    counts = (swept == 0).sum(("y", "x")).values.ravel()
    assert sorted(counts.tolist()) == [96, 96, 144, 144]


def test_a_model_of_octaves_is_stored_and_read(tmp_path):
    model = octave_model()
    model.save(tmp_path / "m.model")
    again = microdsd.MicrostructureModel.load(tmp_path / "m.model", device="cpu")
    assert again.card.octaves == (4.0,)
    assert again.digest() == model.digest()
    again = microdsd.MicrostructureModel.load(
        tmp_path / "m.model", device="cpu", precision="float32"
    )
    assert (again.sample(1, rng=0).values == model.sample(1, rng=0).values).all()


def test_a_box_shorter_than_the_coarsest_blocks_is_refused_at_once():
    model = octave_model(octaves=(1.0, 2.0), ndim=3)
    with pytest.raises(InputError, match=r"shape=\(12, 12, 4\).*blocks of 4 voxels"):
        model.sample(1, shape=(12, 12, 4))


def test_states_of_a_walk_are_on_voxels_for_pictures():
    model = octave_model(phases=3)
    fractions, shape = {"pore": 0.3, "solid": 0.2}, (21, 18)
    request = GenerationRequest.resolve(model.card, 1, phase_fraction=fractions, shape=shape, rng=0)
    states, labels = model.trajectory(request)
    assert len(states) == 8
    counts = [int((labels == label).sum()) for label in (0, 2)]  # the background has none
    for _, occupation in states:
        assert occupation.shape == (2, *shape)
        assert occupation.sum((1, 2)).tolist() == counts
