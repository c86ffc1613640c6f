"""Known material and regions: exact, whatever the model, through the model, the file and verify."""

import json
import math

import numpy as np
import pytest
import torch
from tiny_models import tiny_model
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.errors import InputError
from microdsd.generation.batches import BATCH_VOXELS
from microdsd.generation.regional import inpainting_request, regional_request
from microdsd.io import load_microstructures, save_microstructures
from microdsd.microstructure.canvas import between_slices, place_in
from microdsd.process import Lattice
from microdsd.process.octaves import Octaves
from microdsd.sampling.guidance import descend
from microdsd.sampling.lattices import Lattices
from microdsd.sampling.origins import Regions
from microdsd.sampling.potentials import State


@pytest.mark.parametrize(("ndim", "phases"), [(2, 2), (2, 3), (3, 2)])
def test_known_voxels_and_remaining_counts_are_exact(ndim, phases):
    model = tiny_model(ndim, phases)
    rng = np.random.default_rng(0)
    shape = (12, 10) if ndim == 2 else (6, 8, 7)
    known = rng.integers(0, phases, shape)
    unknown = rng.random(shape) < 0.5
    new = model.inpaint(known, unknown, 3, rng=0).values
    assert (new[:, ~unknown] == known[~unknown]).all()
    share = np.bincount(known[~unknown], minlength=phases) / (~unknown).sum()
    for sample in new:
        np.testing.assert_allclose(np.bincount(sample.ravel()) / sample.size, share, atol=0.02)
    assert (new[0] != new[1]).any()


def test_what_is_asked_of_the_whole_box_is_met_or_refused():
    model = tiny_model()
    known, unknown = place_in(np.zeros((6, 6), int), (12, 12))
    new = model.inpaint(known, unknown, phase_fraction={"pore": 0.5}, rng=0)
    assert int((new == 0).sum()) == 72
    with pytest.raises(InputError, match=r"alone holds 36; the box can have 0\.25 to 1 of pore"):
        model.inpaint(known, unknown, phase_fraction={"pore": 0.1})


def test_repeated_steps_are_as_exact():
    model = tiny_model()
    known, unknown = place_in(np.zeros((6, 6), int), (12, 12))
    new = [
        model.inpaint(
            known, unknown, phase_fraction={"pore": 0.5}, evaluations=6, repeats=r, rng=0
        ).values[0]
        for r in (1, 3)
    ]
    for sample in new:
        assert int((sample == 0).sum()) == 72
        assert (sample[~unknown] == 0).all()
    assert (new[0] != new[1]).any()
    with pytest.raises(InputError, match="repeats=0: give a whole number, at least 1"):
        model.inpaint(known, unknown, repeats=0)


def test_between_slices():
    model = tiny_model(3)
    known = np.random.default_rng(1).integers(0, 2, (6, 8, 7))
    new = model.inpaint(known, between_slices((6, 8, 7), 3), rng=0).values[0]
    assert (new[::3] == known[::3]).all()


@pytest.mark.parametrize("phases", [2, 3])
def test_every_region_has_its_counts(phases):
    model = tiny_model(phases=phases)
    fractions = {"pore": [[0.1, 0.3], [0.0, 0.6]]} | ({"clay": 0.2} if phases == 3 else {})
    new = model.sample_regions(fractions, 2, shape=(12, 10), rng=0)
    blocks = new.values.reshape(2, 2, 6, 2, 5)
    assert (blocks == 0).sum((2, 4)).tolist() == [[[3, 9], [0, 18]]] * 2
    if phases == 3:
        assert ((blocks == 2).sum((2, 4)) == 6).all()


def test_a_map_of_regions():
    regions = np.zeros((12, 10), int)
    regions[3:7, 2:8] = 7
    new = tiny_model().sample_regions({"pore": [0.25, 0.5]}, region_map=regions, rng=0).values[0]
    assert [(new[regions == label] == 0).sum() for label in (0, 7)] == [24, 12]


def test_balanced_potentials_expect_the_counts():
    """The factors meet their equations, with walkers that all are on one side."""
    shape = (8, 8)
    index = (torch.arange(64).view(shape) >= 32).long()
    counts = torch.tensor([[[24, 8], [8, 24]]])
    regions = Regions(index, counts, torch.zeros(shape, dtype=torch.int64))
    occupation = torch.zeros(1, 1, *shape)
    occupation[..., :4, :] = 1.0
    box = Octaves(Lattice.box(shape, "no-flux"))
    lattices, state = Lattices(box, box), State(math.sqrt(40.0), occupation, box.kernels[0])
    log_h, _ = regions.restrict(torch.zeros(1, 1, *shape), state, lattices, None)
    found = lattices.expected(state, log_h)
    assert float(found[..., :4, :].sum()) == pytest.approx(8, abs=1.1)


def test_balanced_members_are_left_alone_by_their_batch():
    """One member is balanced from the start, the other in several rounds."""
    shape = (8, 8)
    box = Octaves(Lattice.box(shape, "no-flux"))
    lattices = Lattices(box, box)
    index = (torch.arange(64).view(shape) >= 32).long()
    counts = torch.tensor([[[16, 16], [16, 16]], [[31, 1], [2, 30]]])
    regions = Regions(index, counts, torch.zeros(shape, dtype=torch.int64))
    occupation = torch.full((2, 1, *shape), 0.5)
    occupation[1, :, 4:] = 0.0
    occupation[1, :, :4] = 31 / 32
    flat = torch.zeros(2, 1, *shape)
    _, together = regions.restrict(
        flat, State(math.sqrt(8.0), occupation, box.kernels[0]), lattices, None
    )
    assert together[0].abs().max() == 0
    assert together[1].abs().max() > 0.1
    for i in range(2):
        alone = Regions(index, counts[i : i + 1], regions.known)
        state = State(math.sqrt(8.0), occupation[i : i + 1], box.kernels[0])
        _, factor = alone.restrict(flat[:1], state, lattices, None)
        assert torch.equal(factor[0], together[i])


def composed(model, n, **options):
    fractions = {"pore": [[0.1], [0.5], [0.2]], "solid": [[0.3], [0.1], [0.8]]}
    if len(model.card.phases) == 2:
        del fractions["solid"]
    return regional_request(model.card, n, fractions, shape=(15, 10), rng=4, **options)


def completed(model, n, **options):
    known = np.random.default_rng(3).integers(0, len(model.card.phases), (12, 10))
    unknown = np.zeros((12, 10), bool)
    unknown[3:9, 2:8] = True
    return inpainting_request(model.card, n, known, unknown, rng=4, **options)


REQUESTS = [
    (composed, {}),
    (composed, {"boundary": "periodic"}),
    (completed, {}),
    (completed, {"walls": True}),
    (completed, {"repeats": 3}),
]


@pytest.mark.parametrize("phases", [2, 3])
@pytest.mark.parametrize(("ask", "options"), REQUESTS)
def test_layouts_do_not_depend_on_the_batch(ask, options, phases, monkeypatch):
    """Also where regions take unlike numbers of rounds to balance, and when a run is resumed."""
    model = tiny_model(phases=phases)
    request = ask(model, 5, **options)
    together = [labels for labels, _ in model.generate(request)]
    for size in (1, 2):
        monkeypatch.setitem(BATCH_VOXELS, "cpu", size * request.lattice.n_sites)
        for a, b in zip(together, (new for new, _ in model.generate(request)), strict=True):
            assert (a == b).all()
    resumed = [labels for labels, _ in model.generate(request, start=3)]
    assert all((a == b).all() for a, b in zip(together[3:], resumed, strict=True))


def test_surroundings_keep_their_walkers_and_are_sharp_at_the_end():
    shape = (8, 9)
    box = Octaves(Lattice.box(shape, "no-flux"))
    lattices = Lattices(box, box)
    known = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(0))
    index = torch.full(shape, -1)
    index[:, :4] = 0
    regions = Regions(index, torch.tensor([[[20, 12]]]), known)
    generator = torch.Generator().manual_seed(0)
    seen = [regions.surroundings(lattices, sigma, [generator]) for sigma in (10.0, 1.4, 1e-5)]
    assert [int(n.sum()) for n in seen] == [int(known[:, 4:].sum())] * 3
    assert (seen[-1][0, 0, :, 4:] == known[:, 4:]).all()


def test_a_guide_moves_material_and_no_count():
    model = tiny_model()
    left = lambda p: -p[:, 0, :, :5].sum((-2, -1))  # noqa: E731 - the more pores there, the lower
    plain = model.sample(2, phase_fraction={"pore": 0.3}, rng=0)
    new = model.sample(2, phase_fraction={"pore": 0.3}, guide=descend(left, 6.0), rng=0)
    assert ((new == 0).sum(("y", "x")) == 36).all()
    assert (new[:, :, :5] == 0).sum() > (plain[:, :, :5] == 0).sum() + 10


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_verify_recounts_regions_and_known_voxels(tmp_path):
    known = np.random.default_rng(2).integers(0, 2, (12, 10))
    unknown = np.zeros((12, 10), bool)
    unknown[:, 5:] = True
    new = tiny_model().inpaint(known, unknown, 2, rng=0)
    save_microstructures(tmp_path / "a.h5", new)
    back = load_microstructures(tmp_path / "a.h5")
    assert (back.region == new.region).all()
    assert run("verify", tmp_path / "a.h5").exit_code == 0
    changed = new.copy()
    a, b = np.argwhere(~unknown & (known == 0))[0], np.argwhere(~unknown & (known == 1))[0]
    changed.values[0][tuple(a)], changed.values[0][tuple(b)] = 1, 0  # the counts stay
    save_microstructures(tmp_path / "b.h5", changed)
    result = run("verify", tmp_path / "b.h5", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["differences"][0]["region"] == -1


def test_the_verbs(tmp_path):
    tiny_model().save(tmp_path / "m.model")
    labels = np.random.default_rng(3).integers(0, 2, (12, 10))
    save_microstructures(tmp_path / "scan.h5", labels)
    words = ["inpaint", tmp_path / "m.model", tmp_path / "scan.h5", "-o", tmp_path / "i.h5"]
    assert run(*words, "--hole", "y=2:8", "x=3:9", "-n", 2, "--seed", 0).exit_code == 0
    assert run("verify", tmp_path / "i.h5").exit_code == 0
    assert run(*words, "--force").exit_code == 2
    (tmp_path / "t.csv").write_text("pore\n0.1\n0.3\n0.5\n")
    made = run("compose", tmp_path / "m.model", tmp_path / "t.csv", "-o", tmp_path / "c.h5")
    assert made.exit_code == 0, made.output
    new = load_microstructures(tmp_path / "c.h5").values[0]
    assert [(part == 0).sum() for part in np.split(new, 3)] == [4, 12, 20]
    assert run("verify", tmp_path / "c.h5").exit_code == 0


def test_a_box_beyond_memory_is_refused_before_its_regions_are_numbered():
    card = tiny_model(2, 2).card
    with pytest.raises(InputError, match="of memory"):
        regional_request(card, 1, {"pore": [[0.5], [0.4]]}, shape=(10**12, 10), rng=0)
