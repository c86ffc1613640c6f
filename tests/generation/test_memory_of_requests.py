"""Requests beyond the memory are refused before work, with what fits."""

import numpy as np
import pytest
from tiny_models import tiny_card, tiny_model

from microdsd.errors import InputError
from microdsd.generation import memory
from microdsd.generation.request import GenerationRequest
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


def test_a_box_that_cannot_be_made(small_machine):
    model = tiny_model()
    with pytest.raises(InputError, match=r"free on cpu; a box of \d+ x \d+ fits") as refused:
        model.sample(shape=1000, rng=0)
    edge = int(str(refused.value).split("a box of ")[1].split()[0])
    model.require_memory(GenerationRequest.resolve(model.card, 1, shape=edge))
    with pytest.raises(InputError, match="a box of"):
        model.require_memory(GenerationRequest.resolve(model.card, 1, shape=edge + 1))


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
