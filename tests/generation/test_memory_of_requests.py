"""Requests beyond the memory are refused before work, with what fits."""

import numpy as np
import pytest
from tiny_models import octave_model, tiny_card, tiny_model

from microdsd.errors import InputError
from microdsd.generation import memory
from microdsd.generation.regional import inpainting_request, regional_request
from microdsd.generation.request import GenerationRequest
from microdsd.generation.sweep import sweep_request
from microdsd.models import model_path, shipped_models
from microdsd.models.files import read_model


@pytest.fixture
def small_machine(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda device=None: 10_000_000)


def test_too_many_samples(small_machine):
    with pytest.raises(InputError, match=r"n=100000000: .* of memory, 10.0 MB are free; \d+ fit"):
        GenerationRequest.resolve(tiny_card(), 100_000_000)


def test_what_is_said_to_fit_does(small_machine):
    with pytest.raises(InputError) as refused:
        GenerationRequest.resolve(tiny_card(), 1_000_000)
    fits = int(str(refused.value).split(" fit")[0].split()[-1])
    assert len(GenerationRequest.resolve(tiny_card(), fits)) == fits
    with pytest.raises(InputError, match=f"n={fits + 1}"):
        GenerationRequest.resolve(tiny_card(), fits + 1)


def test_a_box_whose_labels_alone_do_not_fit(small_machine):
    with pytest.raises(InputError, match=r"one sample takes about .* a box of \d+ x \d+ fits"):
        GenerationRequest.resolve(tiny_card(), 1, shape=(4000, 4000))


def said_to_fit(refused):
    return int(str(refused.value).split("a box of ")[1].split()[0])


OCTAVES = octave_model(3)
VOLUMES = tiny_model(2, symmetry="isotropic", unit="voxel").of_axes(3)
SLICES = tiny_model(2, symmetry="isotropic")


@pytest.mark.parametrize(
    ("model", "free", "options", "large"),
    [
        (OCTAVES, 2_000_000_000, {}, True),
        (OCTAVES, 20_000_000, {}, False),
        (OCTAVES, 300_000_000, {"guide": lambda expected, sigma: expected}, False),
        (tiny_model(3), 3_000_000_000, {}, True),
        (octave_model(2, symmetry="isotropic"), 300_000_000, {}, False),
        (SLICES, 3_000_000, {}, False),
        (SLICES.of_axes(3), 3_000_000_000, {}, True),
    ],
)
def test_a_box_that_is_said_to_fit_can_be_made(monkeypatch, model, free, options, large):
    """Also where the labels alone are too large, by whatever way the box is made."""
    monkeypatch.setattr(memory, "available_memory", lambda device=None: free)
    monkeypatch.setattr(memory, "resolve_dtype", lambda precision, device: "float32")
    asked = 20_000 if len(model.card.window) == 2 else 2000

    def request(edge):
        return GenerationRequest.resolve(model.card, 1, shape=edge, **options)

    with pytest.raises(InputError, match="one sample takes about") as refused:
        request(asked)
    edge = said_to_fit(refused)
    assert (edge ** len(model.card.window) > memory.LARGE_BOX) == large
    model.require_memory(request(edge))
    with pytest.raises(InputError, match="a box of"):
        model.require_memory(request(edge + 1))


def test_boxes_with_regions_or_known_material_are_made_in_memory(monkeypatch):
    card, shape = OCTAVES.card, (160, 160, 160)
    monkeypatch.setattr(memory, "available_memory", lambda device=None: 10_000_000)
    with pytest.raises(InputError, match="one sample takes about") as refused:
        regional_request(card, 1, {"pore": [[[0.3]], [[0.4]]]}, shape=shape)
    assert said_to_fit(refused) ** 3 * memory.bytes_per_voxel(card.network) <= 10_000_000
    known, unknown = np.zeros(shape, np.uint8), np.ones(shape, bool)
    with pytest.raises(InputError, match="one sample takes about") as with_known:
        inpainting_request(card, 1, known, unknown, phase_fraction={"pore": 0.3})
    assert 0 < said_to_fit(with_known) < said_to_fit(refused)


def test_a_sweep_of_large_boxes_says_what_fits(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda device=None: 2_000_000_000)
    with pytest.raises(InputError, match="one sample takes about") as refused:
        sweep_request(OCTAVES.card, {"pore": [0.3, 0.4]}, shape=2000)
    assert said_to_fit(refused) ** 3 > memory.LARGE_BOX


def test_a_box_that_cannot_be_made(small_machine):
    model = tiny_model()
    with pytest.raises(InputError, match=r"free on cpu; a box of \d+ x \d+ fits") as refused:
        model.sample(shape=1000, rng=0)
    edge = said_to_fit(refused)
    model.require_memory(GenerationRequest.resolve(model.card, 1, shape=edge))
    with pytest.raises(InputError, match="a box of"):
        model.require_memory(GenerationRequest.resolve(model.card, 1, shape=edge + 1))


@pytest.mark.parametrize(("model", "edge"), [(tiny_model(unit="voxel"), 80), (VOLUMES, 24)])
def test_particles_are_reckoned_with_and_fewer_need_less(small_machine, model, edge):
    """What is said to fit, a smaller box or fewer particles, can be made."""

    def request(edge, particles):
        shape, targets = (edge,) * len(model.card.window), {"specific_surface_area": 1.0}
        return GenerationRequest.resolve(
            model.card, 1, shape=shape, targets=targets, particles=particles
        )

    with pytest.raises(InputError, match=r"with 16 particles, .* fits, or \d+ partic") as refused:
        model.require_memory(request(edge, 16))
    box = said_to_fit(refused)
    particles = int(str(refused.value).split("fits, or ")[1].split()[0])
    for fit, more in (
        (request(box, 16), request(box + 1, 16)),
        (request(edge, particles), request(edge, particles + 1)),
    ):
        model.require_memory(fit)
        with pytest.raises(InputError):
            model.require_memory(more)


def test_known_material_takes_more(small_machine):
    model = tiny_model()
    known = np.zeros((200, 200), int)
    unknown = np.zeros((200, 200), bool)
    unknown[50:150, 50:150] = True
    model.require_memory(GenerationRequest.resolve(model.card, 1, shape=200))
    with pytest.raises(InputError, match="a box of"):
        model.inpaint(known, unknown, phase_fraction={"pore": 0.8}, rng=0)


@pytest.mark.parametrize(
    ("name", "measured"), [("berea-2d", 730), ("sofc-2d", 885), ("nmc-3d", 490), ("berea-3d", 480)]
)
def test_estimates_are_near_what_was_measured(name, measured):
    """Peak of the resident set, two evaluations of boxes of a million voxels or so, float32."""
    assert name in shipped_models()
    _, card = read_model(model_path(name))
    assert memory.bytes_per_voxel(card.network) == pytest.approx(measured, rel=0.2)
