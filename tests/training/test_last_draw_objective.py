"""What the network of the last draw learns, against laws that are known."""

import math

import numpy as np
import pytest
import torch

from microdsd.process import Lattice
from microdsd.process.octaves import Moment, Octaves
from microdsd.process.streams import seeded_streams
from microdsd.process.walk import Walkers
from microdsd.training.last_draw import LastDrawObjective
from microdsd.training.noised_batch import NoisedBatch

SPACE = (8, 6)
BOX = Octaves(Lattice.box(SPACE, "no-flux"))
TIMES = torch.tensor([0.02, 0.3, 0.8, 0.8])


def read_out(occupation, t, kernel, fractions=None):
    """Says nothing: all phases are alike."""
    shares = occupation.new_zeros(len(occupation), 1 + occupation.shape[1], *occupation.shape[2:])
    return occupation, shares.log_softmax(1)


OBJECTIVE = LastDrawObjective(read_out, 0.3, 1.3)


def batch(seed=0, species=2, copies=1):
    labels = np.random.default_rng(seed).integers(0, 1 + species, (len(TIMES), *SPACE))
    labels = torch.from_numpy(np.repeat(labels, copies, 0))
    origins = Walkers.of(torch.stack([labels == 1 + c for c in range(species)], 1), BOX.voxels)
    times = TIMES.repeat_interleave(copies)
    streams = seeded_streams(range(len(times)))
    walkers = BOX.sample_forward(origins, Moment(0, 0.0), Moment(0, times), streams)
    return labels, NoisedBatch(origins, walkers, BOX, times, generators=streams)


def test_saying_nothing_costs_the_logarithm_of_the_phases():
    _, noised = batch()

    def uninformed(log_p, phase, drawn, *rest):
        return log_p

    assert OBJECTIVE.loss(uninformed, noised).tolist() == pytest.approx([math.log(3)] * 4)
    assert OBJECTIVE.gain(uninformed, noised).abs().max() < 1e-6


def test_phases_are_those_of_the_windows_and_only_hidden_voxels_count():
    labels, noised = batch()
    seen = []

    def knowing(log_p, phase, drawn, *rest):
        assert torch.equal(phase, labels)
        seen.append(drawn)
        right = torch.zeros_like(log_p).scatter_(1, phase.unsqueeze(1), 40.0).log_softmax(1)
        wrong = torch.zeros_like(log_p).scatter_(1, (1 - phase).abs().unsqueeze(1), 40.0)
        return torch.where(drawn.unsqueeze(1), wrong.log_softmax(1), right)

    assert OBJECTIVE.loss(knowing, noised).abs().max() < 1e-6
    assert OBJECTIVE.gain(knowing, noised).tolist() == pytest.approx([math.log(3)] * 4)
    assert not torch.equal(seen[0], seen[1])  # drawn anew for every mask


def test_some_voxels_are_always_hidden_and_every_share_occurs():
    shares = []

    def looking(log_p, phase, drawn, *rest):
        shares.extend(drawn.flatten(1).float().mean(1).tolist())
        return log_p

    for seed in range(40):
        labels, noised = batch(seed)
        del labels
        noised.generators[0].manual_seed(seed)
        OBJECTIVE.loss(looking, noised)
    assert max(shares) < 1
    assert min(shares) == 0
    counted = np.histogram(shares, [0, 0.01, 0.3, 0.6, 1])[0]
    assert (counted > 20).all()


def test_a_window_does_not_depend_on_its_batch():
    def looking(log_p, phase, drawn, *rest):
        return (log_p + drawn.unsqueeze(1) * torch.arange(3.0).view(1, 3, 1, 1)).log_softmax(1)

    def hashed(log_p, phase, drawn, *rest):
        weight = torch.sin(
            torch.arange(48.0).view(1, *SPACE) * drawn.flatten(1).sum(1).view(-1, 1, 1)
        )
        return (log_p + weight.unsqueeze(1) * torch.arange(3.0).view(1, 3, 1, 1)).log_softmax(1)

    for network in (looking, hashed):
        _, noised = batch()
        every = OBJECTIVE.loss(network, noised)
        _, noised = batch()
        one = NoisedBatch(
            Walkers.of(noised.origins.occupation()[2:3].bool(), BOX.voxels),
            Walkers.of(noised.walkers.occupation()[2:3], BOX.voxels),
            BOX,
            TIMES[2:3],
            generators=noised.generators[2:3],
        )
        assert float(OBJECTIVE.loss(network, one)) == pytest.approx(float(every[2]))


def test_noise_levels_are_those_asked_for():
    levels = np.sqrt(2 * OBJECTIVE.draw_times(500, np.random.default_rng(0)))
    assert levels.min() == pytest.approx(0.3, rel=0.01)
    assert levels.max() == pytest.approx(1.3, rel=0.01)
