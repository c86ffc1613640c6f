"""What known material says of the walkers beside it, against closed forms."""

import pytest
import torch

from microdsd.models.plan import WalkPlan
from microdsd.process import Lattice, TransitionKernel
from microdsd.process.octaves import Octaves
from microdsd.sampling import ConditionedNetwork, sample_bridges
from microdsd.sampling.evidence import design_effect, evidence
from microdsd.sampling.origins import Regions

SHAPE = (6, 5)
KERNEL = TransitionKernel(Lattice.box(SHAPE, "no-flux"))
T = torch.tensor([0.5, 0.5])


def smooth(occupation, t, kernel, fractions=None):
    """Log-odds that are linear in where the walkers stand: slopes have a closed form."""
    odds = kernel.apply(occupation, t) - 0.5
    log_p = torch.cat([torch.zeros_like(odds[:, :1]), odds], 1).log_softmax(1)
    return torch.zeros_like(occupation), log_p


def known_phases(labels, mask, phases=2):
    return torch.stack([(labels == k) & mask for k in range(phases)])


@pytest.mark.parametrize("species", [1, 2])
def test_the_slope_is_that_of_the_likelihood_over_the_design_effect(species):
    generator = torch.Generator().manual_seed(0)
    occupation = torch.randint(0, 3, (2, species, *SHAPE), generator=generator).float()
    labels = torch.randint(0, species + 1, SHAPE, generator=generator)
    mask = torch.rand(SHAPE, generator=generator) < 0.6
    known = known_phases(labels, mask, species + 1)
    with torch.inference_mode():
        log_h, slope = evidence(smooth, occupation, T, KERNEL, None, known)
    _, log_p = smooth(occupation, T, KERNEL)
    error = (known.float() - log_p.exp()) * mask
    expected = 1.5 * KERNEL.apply(error[:, 1:], T) / design_effect(error).view(-1, 1, 1, 1)
    torch.testing.assert_close(slope, expected)
    assert not log_h.any()


def test_walkers_are_drawn_to_known_material_that_the_network_misses():
    """All is known on the left and holds material, and the network sees nobody there."""
    mask = torch.zeros(SHAPE, dtype=torch.bool)
    mask[:, :2] = True
    known = known_phases(torch.ones(SHAPE), mask)
    _, slope = evidence(smooth, torch.zeros(2, 1, *SHAPE), T, KERNEL, None, known)
    assert (slope > 0).all()
    assert (slope.diff(dim=-1)[..., 1:] < 0).all()


def test_what_is_predicted_for_certain_says_nothing():
    def certain(occupation, t, kernel, fractions=None):
        odds = 200 * (occupation - 0.5)
        return occupation, torch.cat([torch.zeros_like(odds), odds], 1).log_softmax(1)

    n = (torch.arange(30).view(1, 1, *SHAPE) % 2).float()
    known = known_phases(n[0, 0].long(), torch.ones(SHAPE, dtype=torch.bool))
    _, slope = evidence(certain, n, T[:1], KERNEL, None, known)
    assert slope.abs().max() < 1e-30


@pytest.mark.parametrize("side", [1, 2, 3])
def test_squares_that_err_together_count_once(side):
    """Squares of random sign, far apart: as many voxels say the same as a square holds."""
    signs = torch.randint(0, 2, (400, 1, 2, 2), generator=torch.Generator().manual_seed(1)) * 2 - 1
    error = torch.zeros(400, 1, 24, 24)
    for k in range(2):
        for m in range(2):
            here = slice(k * 14, k * 14 + side), slice(m * 14, m * 14 + side)
            error[(slice(None), slice(None), *here)] = signs[..., k, m, None, None].float()
    assert float(design_effect(error).mean()) == pytest.approx(side**2, rel=0.05)


def test_each_sample_has_its_own():
    error = torch.randn(3, 2, 7, 8, 9, generator=torch.Generator().manual_seed(2))
    together = design_effect(error)
    assert (together >= 1).all()
    for i in range(3):
        torch.testing.assert_close(design_effect(error[i : i + 1])[0], together[i])


def test_noise_averaged_over_squares():
    """Over 5 x 5: 25 say the same; a largest sum is too large by what chance adds to it."""
    noise = torch.randn(20, 1, 80, 80, generator=torch.Generator().manual_seed(4))
    found = design_effect(torch.nn.functional.avg_pool2d(noise, 5, 1, 2)).mean()
    assert 25 < float(found) < 1.5 * 25


@pytest.mark.parametrize(
    ("known", "walled", "asked"),
    [(True, False, [9.0, 2.0, 0.5]), (True, True, [0.5]), (False, False, [0.5])],
)
def test_the_read_out_is_asked_for_evidence_where_there_is_some(known, walled, asked):
    """From 16 voxels down beside known material; else at the last level alone."""
    index = torch.zeros(SHAPE, dtype=torch.int64)
    if known:
        index[:2] = -1
    free = int((index == 0).sum())
    counts = torch.tensor([[[free - 5, 5]]])
    at = []

    def read_out(occupation, t, kernel, fractions=None):
        at.append(round(float((2 * t[0]).sqrt()), 3))
        return smooth(occupation, t, kernel)

    sample_bridges(
        ConditionedNetwork(lambda occupation, *_: torch.zeros_like(occupation), read_out),
        Octaves(KERNEL.lattice),
        Regions(index, counts, torch.ones(SHAPE, dtype=torch.int64), walled=walled),
        WalkPlan((20.0, 9.0, 2.0, 0.5)),
        [torch.Generator().manual_seed(0)],
    )
    assert at == asked
