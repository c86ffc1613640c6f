"""Weights that half precision holds are stored in it, and nothing else changes."""

from __future__ import annotations

import numpy as np
import torch
from tiny_models import tiny_model

from microdsd import MicrostructureModel
from microdsd.models.files import pack_model, read_model


def rounded(model: MicrostructureModel) -> MicrostructureModel:
    weights = {name: value.half().float() for name, value in model.network.state_dict().items()}
    model.network.load_state_dict(weights)
    return MicrostructureModel(model.network, model.card)


def test_weights_that_half_precision_holds_take_half_the_room(tmp_path):
    whole, half = tiny_model(), rounded(tiny_model())
    sizes = [len(pack_model(model.network.state_dict(), model.card)) for model in (whole, half)]
    number = sum(weight.numel() for weight in whole.network.state_dict().values())
    assert abs(sizes[0] - sizes[1] - 2 * number) < 256  # less in the header
    half.save(tmp_path / "half.model")
    weights, card = read_model(tmp_path / "half.model")
    assert card == half.card
    for name, weight in half.network.state_dict().items():
        assert weights[name].dtype == weight.dtype == torch.float32
        assert torch.equal(weights[name], weight)


def test_a_model_stored_in_half_precision_samples_as_in_memory(tmp_path):
    half = rounded(tiny_model())
    half.save(tmp_path / "half.model")
    stored = MicrostructureModel.load(tmp_path / "half.model")
    assert stored.digest() == half.digest()
    request = {"phase_fraction": {"pore": 0.25}, "shape": (12, 12), "rng": 0}
    np.testing.assert_array_equal(*(m.sample(1, **request).values for m in (half, stored)))


def test_one_weight_that_would_be_rounded_keeps_all_as_they_are(tmp_path):
    model = rounded(tiny_model())
    weights = model.network.state_dict()
    first = next(iter(weights))
    weights[first] = weights[first] + 2.0**-30
    (tmp_path / "whole.model").write_bytes(pack_model(weights, model.card))
    stored, _ = read_model(tmp_path / "whole.model")
    for name, weight in weights.items():
        assert torch.equal(stored[name], weight)
