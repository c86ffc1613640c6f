"""Phases of a large box, pass by pass: as good as the assignment in memory."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from microdsd.process.slabs import slabs
from microdsd.sampling.assignment import assign_phases
from microdsd.sampling.best_phases import best_phases


def total(scores, label):
    return float(scores.double().gather(0, label.long()[None]).sum())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_total_score_is_the_largest(data):
    phases, length, across = (data.draw(st.integers(*span)) for span in ((1, 4), (1, 12), (1, 9)))
    rng = torch.Generator().manual_seed(data.draw(st.integers(0, 999)))
    scores = data.draw(st.sampled_from([0.1, 2.0, 8.0])) * torch.randn(
        phases, length, across, generator=rng
    )
    if data.draw(st.booleans()):
        scores = scores.round()  # ties
    cuts = sorted(data.draw(st.integers(0, length * across)) for _ in range(phases - 1))
    bounds = torch.tensor([0, *cuts, length * across])
    counts = bounds.diff()
    layers = list(slabs(length, across, data.draw(st.integers(1, 40))))
    most = data.draw(st.sampled_from([0, 5, 40, 1000]))
    label = best_phases(
        lambda part: scores[:, part], counts, (length, across), layers, rng, most
    ).flatten()
    assert torch.equal(label.long().bincount(minlength=phases), counts)
    best = assign_phases(scores.flatten(1), counts, rng)
    assert total(scores.flatten(1), label) == pytest.approx(
        total(scores.flatten(1), best), rel=1e-6, abs=1e-5
    )


def test_few_voxels_are_assigned_in_memory(monkeypatch):
    from microdsd.sampling import best_phases as module

    sizes = []

    def counted(scores, counts, generator):
        sizes.append(scores.shape[1])
        return assign_phases(scores, counts, generator)

    monkeypatch.setattr(module, "assign_phases", counted)
    scores = 5 * torch.randn(3, 100, 400, generator=torch.Generator().manual_seed(0))
    counts = torch.tensor([8_000, 20_000, 12_000])
    layers = list(slabs(100, 400, 5000))
    label = best_phases(
        lambda part: scores[:, part], counts, (100, 400), layers, torch.Generator(), most=2000
    )
    assert 0 < sizes[0] <= 2000
    assert torch.equal(label.flatten().long().bincount(), counts)
