"""Properties asked for at exact compositions, of networks told of them and by particles."""

import json
import re

import numpy as np
import pytest
import torch
from tiny_models import octave_model, tiny_model, told_model

from microdsd.errors import CheckpointError, ExtrapolationWarning, InputError
from microdsd.generation import particle_walks, properties
from microdsd.generation.request import GenerationRequest
from microdsd.generation.targets import reach_of_pilots
from microdsd.microstructure import provenance_of
from microdsd.models.card_schema import card_from_json
from microdsd.networks import Aims, Steered
from microdsd.process import Lattice, TransitionKernel
from microdsd.properties import measure

SURFACE = "specific_surface_area"


@pytest.fixture(autouse=True)
def few_pilots(monkeypatch):
    monkeypatch.setattr(particle_walks, "PILOTS", 8)


def resolve(model, n=2, **options):
    return GenerationRequest.resolve(model.card, n, rng=0, **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"targets": {"euler_density:solid": 0.1}}, "not with euler_density:solid; train one with"),
        ({"targets": {"surface": 0.1}}, "there is no 'surface'"),
        ({"targets": {SURFACE: "much"}}, "give a number"),
        ({"targets": {SURFACE: np.nan}}, "one finite number"),
        ({"targets": {SURFACE: [0.3, 0.3, 0.3]}}, "one for each of 2 samples"),
        ({"targets": {SURFACE: 0.3, f"{SURFACE}:pore": 0.3}}, "is given twice"),
        ({"targets": 0.3}, "give values by property"),
        ({"targets": {SURFACE: 7.0}}, "beyond what is attainable at pore 0.5: real windows have"),
        ({"particles": 4}, "give targets with them"),
        ({"particles": 0, "targets": {SURFACE: 0.3}}, "particles=0"),
        ({"guidance": 2.0}, "give class_name or targets with it"),
        (
            {"targets": {"euler_density:solid": 0.3}, "particles": 3, "guidance": 2.0},
            "properties that the model was trained with",
        ),
        ({"targets": {SURFACE: 0.5}, "guidance": "2"}, "guidance='2': give a number"),
        ({"targets": {SURFACE: 0.5}, "guidance": None}, "guidance=None: give a number"),
        ({"targets": {"phase_fraction:pore": 0.3}, "particles": 3}, "is what phase_fraction says"),
        ({"targets": {"minkowski_volume:solid": 9}, "particles": 3}, "is what phase_fraction says"),
        ({"targets": {"triple_phase_boundary": 0.1}, "particles": 3}, "not measured in 2D for"),
        ({"targets": {"euler_density:pore-solid": 0.1}, "particles": 3}, "not of a pair"),
        ({"targets": {"euler_density:pore:x": 0.1}, "particles": 3}, "has no axes"),
        ({"targets": {"specific_surface": 0.3}}, "did you mean specific_surface_area"),
        ({"target": {SURFACE: 0.3}}, "targets"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_before_any_work(options, words):
    with pytest.raises(InputError, match=words):
        resolve(told_model(), **options)


def test_a_model_that_is_told_of_nothing_says_how_to_get_one():
    with pytest.raises(InputError, match=r"without conditions.*--condition.*particles=16"):
        resolve(tiny_model(), targets={SURFACE: 0.3})


def test_the_range_is_that_of_the_composition():
    """Windows of porosity 0.25 have less surface than those of 0.55."""
    model, low, high = told_model(), {"pore": 0.25}, {"pore": 0.55}
    for fraction, within, beyond in ((low, 0.25, 0.55), (high, 0.55, 0.25)):
        request = resolve(model, phase_fraction=fraction, targets={SURFACE: within})
        assert f"{SURFACE} at pore" in request.notes[0]
        with pytest.raises(InputError, match="beyond what is attainable"):
            resolve(model, phase_fraction=fraction, targets={SURFACE: beyond})
    with pytest.raises(InputError, match=r"at pore 0\.25"):  # one sample of two
        resolve(model, phase_fraction={"pore": [0.55, 0.25]}, targets={SURFACE: 0.55})


def test_beyond_the_range_by_force_it_is_said():
    request = resolve(told_model(), targets={SURFACE: 7.0}, extrapolate=True)
    (caution,) = request.cautions
    assert isinstance(caution, ExtrapolationWarning)
    assert "samples will come as near to it as they can" in str(caution)


@pytest.mark.parametrize("options", [{}, {"guidance": 3.0}, {"particles": 3}])
def test_counts_are_exact_and_the_record_says_what_was_asked_and_made(options):
    model = told_model()
    samples = model.sample(
        2, phase_fraction={"pore": [0.4, 0.45]}, targets={SURFACE: [0.4, 0.45]}, rng=1, **options
    )
    assert (samples == 0).sum(("y", "x")).values.tolist() == [48, 54]
    record = provenance_of(samples)
    assert record["targets"] == {SURFACE: [0.4, 0.45]}
    np.testing.assert_allclose(record["achieved"][SURFACE], measure(samples, [SURFACE])[:, 0])


def test_targets_move_samples_and_no_target_is_the_free_network():
    model = told_model()
    free = model.sample(2, phase_fraction={"pore": 0.4}, rng=1)
    aimed = model.sample(2, phase_fraction={"pore": 0.4}, targets={SURFACE: 0.4}, rng=1)
    none = model.sample(2, phase_fraction={"pore": 0.4}, targets={}, rng=1)
    weightless = model.sample(
        2, phase_fraction={"pore": 0.4}, targets={SURFACE: 0.4}, guidance=0.0, rng=1
    )
    assert not np.array_equal(free, aimed)
    assert np.array_equal(free, none)
    assert np.array_equal(free, weightless)


def test_a_hidden_property_is_the_same_whatever_the_others_are():
    """NaN hides one property of several; hiding all is telling nothing."""
    model = told_model()
    kernel = TransitionKernel(Lattice.box((12, 10), "no-flux"))
    n_t = torch.ones(3, 1, 12, 10)
    t = torch.full((3,), 2.0)
    scores = torch.tensor([[0.5, torch.nan], [0.5, 1.0], [torch.nan, torch.nan]])
    told = Steered(model.network, Aims(None, scores))(n_t, t, kernel)
    assert not torch.allclose(told[0], told[1])
    assert torch.allclose(told[2], model.network(n_t, t, kernel)[2])


@pytest.mark.parametrize(
    "model", [told_model(), tiny_model(unit="voxel"), octave_model(unit="voxel")]
)
def test_a_sample_of_particles_depends_on_seed_and_number_alone(model):
    targets = {SURFACE: 0.8}
    options = {"phase_fraction": {"pore": 0.4}, "targets": targets, "extrapolate": True}
    three = model.sample(3, particles=3, rng=5, **options)
    assert np.array_equal(three[:1], model.sample(1, particles=3, rng=5, **options))
    assert not np.array_equal(three[0], three[1])


def test_particles_come_nearer_to_the_target():
    """Over 24 samples at once: a false alarm would take their medians to cross by chance."""
    model = tiny_model(unit="voxel")
    options = {"phase_fraction": {"pore": 0.4}, "rng": 2, "shape": (16, 16)}
    free = measure(model.sample(24, **options), [SURFACE])[:, 0]
    target = free.mean() + free.std()
    aimed = measure(model.sample(24, targets={SURFACE: target}, particles=12, **options), [SURFACE])
    error = np.sqrt(((aimed[:, 0] - target) ** 2).mean())
    assert error < 0.5 * free.std()


def test_a_walk_that_misses_its_target_is_told_more(monkeypatch):
    """The network is given the target, and twice what the forecast end lacks of it."""
    model, told = told_model(), []
    forward = type(model.network).joint

    def joint(network, *arguments):
        told.append(arguments[-1].clone())
        return forward(network, *arguments)

    monkeypatch.setattr(type(model.network), "joint", joint)
    model.sample(targets={SURFACE: 0.5}, particles=2, evaluations=8, rng=0, extrapolate=True)
    known = model.card.properties
    (of_target,) = known.scores(np.array([[0.5, np.nan]]))[:, 0]
    of_pilots, of_walks = told[0][:, 0], told[-1][:, 0]
    of_windows = known.scores(known.windows.nearest((0.5, 0.5), 8))[:, 0]
    np.testing.assert_allclose(of_pilots, of_windows)
    assert (of_walks != of_target).any()
    assert all(torch.isnan(one[:, 1]).all() for one in told)  # the other property stays hidden


def test_particles_refuse_what_is_out_of_reach_and_say_what_is_made():
    with pytest.raises(
        InputError, match="out of reach: 8 free samples of this box and composition have"
    ):
        tiny_model(unit="voxel").sample(targets={SURFACE: 50.0}, particles=2)


def test_a_property_that_free_samples_lack_is_refused_whether_or_not_by_force():
    """A few voxels of pore: none of these samples percolates, and none can be told to."""
    model, target = tiny_model(unit="voxel"), {"tortuosity_factor:pore:x": 3.0}
    options = {"phase_fraction": {"pore": 0.05}, "particles": 2, "rng": 0, "targets": target}
    for force in (False, True):
        with pytest.raises(InputError, match=r"of 8 free samples.* 0 have all of tortuosity"):
            model.sample(extrapolate=force, **options)


def test_what_all_free_samples_share_can_be_asked_for_and_its_opposite_is_out_of_reach():
    """All percolate where there is nothing but pore: no scatter, and nothing to divide by."""
    model, name = tiny_model(unit="voxel"), "percolates:pore:x"
    options = {"phase_fraction": {"pore": 0.95}, "particles": 2, "rng": 0}
    samples = model.sample(targets={name: 1.0}, **options)
    assert provenance_of(samples)["achieved"][name] == [1.0]
    with pytest.raises(InputError, match="out of reach"):
        model.sample(targets={name: 0.0}, **options)
    forced = model.sample(targets={name: 0.0}, extrapolate=True, **options)
    assert provenance_of(forced)["achieved"][name] == [1.0]


def test_pilots_walk_anew_for_regions_that_lie_elsewhere(monkeypatch):
    """Regions of the same sizes and counts, but other places: the walks are others."""
    model, walks = tiny_model(unit="voxel"), []
    piloted = particle_walks.ParticleWalks._piloted
    monkeypatch.setattr(
        particle_walks.ParticleWalks, "_piloted", lambda *a: walks.append(1) or piloted(*a)
    )
    halves = np.zeros((12, 10), int)
    halves[6:] = 1
    stripes = np.arange(120).reshape(12, 10) % 2
    options = {"targets": {SURFACE: 0.8}, "particles": 2, "rng": 0, "extrapolate": True}
    for region_map in (halves, stripes, halves):
        model.sample_regions({"pore": [0.2, 0.6]}, region_map=region_map, **options)
    assert len(walks) == 2


def test_pilots_serve_all_targets_of_a_network_that_is_conditioned_on_them(monkeypatch):
    model, walks = told_model(), []
    piloted = particle_walks.ParticleWalks._piloted
    monkeypatch.setattr(
        particle_walks.ParticleWalks, "_piloted", lambda *a: walks.append(1) or piloted(*a)
    )
    with pytest.warns(ExtrapolationWarning, match="as near to it as they can"):
        model.sample(3, targets={SURFACE: [0.4, 0.5, 9.0]}, particles=2, rng=0, extrapolate=True)
    model.sample(2, targets={SURFACE: [0.45, 0.5]}, particles=3, rng=0)
    assert len(walks) == 1


def test_walks_of_which_one_is_chosen_keep_no_states():
    model = tiny_model(unit="voxel")
    request = resolve(model, targets={SURFACE: 0.8}, particles=3, extrapolate=True)
    with pytest.raises(InputError, match="none is the sample's until the end"):
        model.trajectory(request)


def test_pilots_walk_once_for_all_targets_that_the_network_is_not_told(monkeypatch):
    """And a target is refused whether or not they have walked before."""
    model, walks = tiny_model(unit="voxel"), []
    piloted = particle_walks.ParticleWalks._piloted
    monkeypatch.setattr(
        particle_walks.ParticleWalks, "_piloted", lambda *a: walks.append(1) or piloted(*a)
    )
    options = {"particles": 2, "rng": 0}
    model.sample(2, targets={SURFACE: [0.5, 0.6]}, extrapolate=True, **options)
    with pytest.raises(InputError, match="out of reach"):
        model.sample(targets={SURFACE: 50.0}, **options)
    assert len(walks) == 1


@pytest.mark.parametrize("particles", [1, 3])
def test_known_voxels_and_regions_are_held(particles):
    model = told_model()
    known = model.sample(rng=0)[0].values
    unknown = np.zeros(known.shape, bool)
    unknown[3:9] = True
    options = {"targets": {SURFACE: 0.5}, "particles": particles, "rng": 0, "extrapolate": True}
    completed = model.inpaint(known, unknown, phase_fraction={"pore": 0.5}, **options)
    assert np.array_equal(completed.values[0][~unknown], known[~unknown])
    assert int((completed == 0).sum()) == 60
    graded = model.sample_regions({"pore": [[0.25], [0.75]]}, **options)
    assert (graded[0] == 0).groupby("region").sum().values.tolist() == [15, 45]


def test_the_card_keeps_what_is_attainable():
    card = told_model().card
    assert card_from_json(card.to_json()).properties == card.properties
    assert "conditions" in card.summary()
    assert "properties" not in json.loads(tiny_model().card.to_json())


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw["properties"].update(names=["a"]),
        lambda raw: raw["properties"].update(quantiles=[[1.0, 0.0], [0.0, 1.0]]),
        lambda raw: raw["properties"]["windows"].update(values=[[1.0]]),
        lambda raw: raw["network"].update(properties=1),
        lambda raw: raw.pop("properties"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(damage):
    raw = json.loads(told_model().card.to_json())
    damage(raw)
    with pytest.raises(CheckpointError, match=r"propert|quantiles"):
        card_from_json(json.dumps(raw))


def test_volumes_are_not_told_of_what_slices_have_but_particles_find_it():
    model = told_model(symmetry="isotropic")
    options = {"shape": (8, 9, 10), "phase_fraction": {"pore": 0.4}, "rng": 0, "evaluations": 6}
    with pytest.raises(InputError, match=r"of slices know nothing of its specific.*particles=16"):
        model.sample(targets={SURFACE: 0.8}, **options)
    free = measure(model.sample(4, **options), [SURFACE])[:, 0]
    volume = model.sample(targets={SURFACE: free.mean()}, particles=3, extrapolate=True, **options)
    assert int((volume == 0).sum()) == 288


def notes_of(samples):
    return " | ".join(provenance_of(samples)["notes"])


def test_the_range_of_particles_alone_is_that_of_the_pilots_and_is_kept():
    model, options = tiny_model(unit="voxel"), {"phase_fraction": 0.4, "rng": 0, "particles": 2}
    samples = model.sample(2, targets={SURFACE: 0.8}, extrapolate=True, **options)
    ends = r"8 free samples of this box and composition have [\d.]+ to [\d.]+, nine in ten [\d.]+"
    assert re.search(f"{SURFACE} at pore 0.4: {ends}", notes_of(samples))
    ((low, high), again) = provenance_of(samples)["usual_ranges"][SURFACE]
    assert low < high
    assert again == [low, high]
    beyond = model.sample(targets={SURFACE: 50.0}, extrapolate=True, **options)
    assert f"{SURFACE} = 50 is out of reach: 8 free samples of this box" in notes_of(beyond)
    assert "the sample ended far from the target" in notes_of(beyond)
    below = model.sample(targets={SURFACE: 0.0}, extrapolate=True, **options)
    assert "as near to it as they can" in notes_of(below)


def test_compositions_have_ranges_of_their_own():
    model = tiny_model(unit="voxel")
    request = resolve(
        model, phase_fraction={"pore": [0.2, 0.5]}, targets={SURFACE: 0.6}, particles=2,
        extrapolate=True,
    )  # fmt: skip
    told = model.within_reach(request)
    assert len({*told.usual[SURFACE]}) == 2
    assert [note for note in told.notes if "at pore 0.2:" in note or "at pore 0.5:" in note]
    assert told.part([1]).usual[SURFACE] == told.usual[SURFACE][1:]


def test_windows_are_said_to_be_of_their_size_where_the_box_has_another():
    request = resolve(told_model(), targets={SURFACE: 0.5}, shape=(20, 20))
    assert "real windows of 12 x 10 have" in request.notes[-1]
    with pytest.raises(InputError, match="real windows of 12 x 10 have"):
        resolve(told_model(), targets={SURFACE: 7.0}, shape=(20, 20))
    window = resolve(told_model(), targets={SURFACE: 0.5})
    assert "real windows have" in window.notes[-1]


def test_pilots_say_what_another_box_of_a_conditioned_model_has():
    model, options = told_model(), {"shape": (20, 20), "particles": 2, "rng": 0}
    with pytest.raises(InputError, match="8 samples of this box and composition, steered as real"):
        model.sample(targets={SURFACE: 90.0}, **options)
    free = model.within_reach(
        resolve(model, 1, targets={SURFACE: 0.5}, shape=(20, 20), particles=2, extrapolate=True)
    )
    ((low, high),) = free.usual[SURFACE]
    samples = model.sample(targets={SURFACE: (low + high) / 2}, **options)
    assert "of this box and composition, steered as real windows are, have" in notes_of(samples)
    assert "real windows have" not in notes_of(samples)


def test_fractions_that_training_never_had_have_no_real_windows():
    request = resolve(
        told_model(), phase_fraction={"pore": 0.8}, targets={SURFACE: 0.8}, extrapolate=True
    )
    (words,) = [note for note in request.notes if SURFACE in note]
    assert "carried on from the nearest compositions of the training, windows would have" in words
    assert "real windows" not in words


def test_targets_that_do_not_go_together_are_said():
    """Each alone is usual; windows of much surface have a high Euler number in this model."""
    rng = np.random.default_rng(0)
    ends = rng.normal(size=(32, 1)) + rng.normal(scale=0.1, size=(32, 2))
    card = tiny_model(unit="voxel").card
    box = {"fractions": (0.4, 0.6), "shape": (12, 10), "ends": ends, "extrapolate": False}
    together, apart = (
        reach_of_pilots(card, {SURFACE: (1.0,), "euler_density:pore": (other,)}, **box)
        for other in (1.0, -1.0)
    )
    assert not together.cautions
    assert "hardly occur together" in str(apart.cautions[0])
    assert set(apart.usual) == {SURFACE, "euler_density:pore"}


def test_large_boxes_are_not_measured_and_it_is_said(monkeypatch):
    monkeypatch.setattr(properties, "MEASURED_VOXELS", 100)
    samples = told_model().sample(targets={SURFACE: 0.5}, rng=0)
    assert "achieved" not in provenance_of(samples)
    assert "boxes of more than 100 voxels are not measured" in notes_of(samples)
