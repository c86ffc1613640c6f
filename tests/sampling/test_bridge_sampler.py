from dataclasses import replace

import pytest
import torch

from microdsd.models.plan import WalkPlan
from microdsd.process import Lattice, level_grid
from microdsd.process.octaves import Octaves
from microdsd.sampling import ConditionedNetwork, sample_bridges

LEVELS = level_grid(9.0, 0.6, 5)
PLAN = WalkPlan(tuple(LEVELS))


def generators(n, seed=0):
    return [torch.Generator().manual_seed(seed + i) for i in range(n)]


def attracted(occupation, t, kernel, fractions=None):
    """A network without weights: material is drawn to material."""
    return 3 * kernel.apply(occupation, t).log1p()


def attracted_read_out(occupation, t, kernel, fractions=None):
    density = kernel.apply(occupation, t).clamp(0.01, 0.9)
    shares = torch.cat([(1 - density.sum(1, keepdim=True)).clamp_min(0.01), density], 1)
    return attracted(occupation, t, kernel), shares.log().log_softmax(1)


SETTINGS = ("sharpness", "temperature", "redraws")
REDRAWN = {"read_out": attracted_read_out, "redraws": (0.4, 0.2)}


def sample(counts, shape=(9, 8), boundary="no-flux", seed=0, network=attracted, **options):
    plan = replace(PLAN, **{k: options.pop(k) for k in SETTINGS if k in options})
    box = Octaves(Lattice.box(shape, boundary))
    conditioned = ConditionedNetwork(network, **options)
    return sample_bridges(conditioned, box, counts, plan, generators(len(counts), seed))


@pytest.mark.parametrize("boundary", ["no-flux", "periodic"])
@pytest.mark.parametrize(
    ("shape", "counts"),
    [
        ((9, 8), [[20], [0], [72]]),
        ((9, 8), [[20, 3], [0, 72], [36, 36]]),
        ((4, 5, 6), [[7, 50, 3], [1, 1, 1], [0, 0, 0]]),
    ],
)
@pytest.mark.parametrize("options", [{}, REDRAWN])
def test_counts_are_exact(shape, counts, boundary, options):
    counts = torch.tensor(counts)
    visits = []
    made = sample(counts, shape, boundary, observe=visits.append, **options)
    assert made.phase.shape == (len(counts), *shape)
    for c in range(counts.shape[1]):
        assert torch.equal((made.phase == c + 1).flatten(1).sum(1), counts[:, c])
    assert [visit.sigma for visit in visits] == [*LEVELS, *options.get("redraws", ())]
    for visit in visits:
        assert torch.equal(visit.occupation.flatten(2).sum(-1).long(), counts)
        assert (visit.occupation >= 0).all()


def test_one_evaluation_per_level_and_told_so():
    told = []
    seen = []

    def network(occupation, t, kernel, fractions=None):
        seen.append(float(t[0]))
        return torch.zeros_like(occupation)

    sample(torch.tensor([[9]]), (6, 6), network=network, observe=told.append)
    assert len(seen) == len(told) == len(LEVELS)
    assert seen == pytest.approx([sigma**2 / 2 for sigma in LEVELS])


@pytest.mark.parametrize("options", [{}, REDRAWN])
def test_a_sample_does_not_depend_on_its_batch(options):
    counts = torch.tensor([[20, 3], [10, 30], [36, 36], [5, 1]])
    together = sample(counts, **options)
    for i in range(len(counts)):
        alone = sample(counts[i : i + 1], seed=i, **options)
        assert torch.equal(alone.phase[0], together.phase[i])
        assert alone.reassigned[0] == together.reassigned[i]


def test_a_redraw_starts_from_a_draw_and_noises_it_by_its_level():
    """At a level next to nothing the network sees the drawn phases themselves."""
    told = []
    made = sample(
        torch.tensor([[30]]), read_out=attracted_read_out, redraws=(1e-4,), observe=told.append
    )
    drawn = told[-1].occupation[0, 0]
    assert drawn.max() == 1
    assert drawn.sum() == 30
    most_probable = sample(torch.tensor([[30]]), read_out=attracted_read_out).phase[0]
    assert (drawn != (most_probable == 1)).any()
    # Its own density is now certain of every voxel, so that the draw is what is returned.
    assert torch.equal(made.phase[0], drawn.long())


def test_the_network_is_told_the_fractions():
    told = []

    def network(occupation, t, kernel, fractions=None):
        told.append(fractions)
        return torch.zeros_like(occupation)

    fractions = torch.tensor([[0.25]])
    sample(torch.tensor([[9]]), (6, 6), network=network, fractions=fractions)
    assert all(torch.equal(f, fractions) for f in told)


def test_reassigned_counts_voxels_that_gave_way():
    """A potential that puts the walkers on the left half, with more or fewer than it holds."""

    def left(occupation, t, kernel, fractions=None):
        log_h = torch.full_like(occupation, -40.0)
        log_h[..., :4] = 0.0
        return log_h

    box = Octaves(Lattice.box((8, 8), "no-flux"))
    counts = torch.tensor([[32], [40]])
    plan = WalkPlan((20.0, 10.0))
    made = sample_bridges(ConditionedNetwork(left), box, counts, plan, generators(2))
    assert made.reassigned.tolist() == [0, 8]
    assert (made.phase[:, :, :4] == 1).all()
    assert (made.phase[0, :, 4:] == 0).all()


@pytest.mark.parametrize("more", [[25, 7], [20, 30], [60, 7]])
def test_walkers_are_added_to_those_that_are_there(more):
    """Under one potential, what samples of other counts have in common moves alike."""
    field = torch.randn(1, 2, 9, 8, generator=torch.Generator().manual_seed(1))

    def walk(counts):
        visits = []
        network = lambda occupation, *_: field  # noqa: E731
        sample(torch.tensor([counts]), network=network, observe=visits.append)
        return [visit.occupation for visit in visits]

    for few, many in zip(walk([20, 7]), walk(more), strict=True):
        assert (many >= few).all()


def test_the_read_out_is_asked_once_at_the_last_level_and_decides():
    """Whatever the walkers say, the phases that the network reads out are assigned."""
    asked = []
    left = torch.zeros(1, 2, 6, 6)
    left[:, 1, :, :3] = 5.0

    def read_out(occupation, t, kernel, fractions=None):
        asked.append(float(t[0]))
        return torch.zeros_like(occupation), left.log_softmax(1)

    visits = []
    made = sample(torch.tensor([[18]]), (6, 6), read_out=read_out, observe=visits.append)
    assert asked == pytest.approx([LEVELS[-1] ** 2 / 2])
    assert len(visits) == len(LEVELS)
    assert torch.equal(made.phase[0, :, :3], torch.ones(6, 3, dtype=torch.int64))
    assert int(made.phase.sum()) == 18


def test_a_temperature_draws_the_last_phases_and_changes_nothing_before():
    counts = torch.tensor([[20, 9], [31, 22]])
    visits = {0.0: [], 0.5: []}
    made = {
        t: sample(counts, temperature=t, observe=seen.append, **REDRAWN)
        for t, seen in visits.items()
    }
    for cold, warm in zip(*visits.values(), strict=True):
        assert torch.equal(cold.occupation, warm.occupation)
    assert not torch.equal(made[0.0].phase, made[0.5].phase)
    for c in range(2):
        assert torch.equal((made[0.5].phase == c + 1).flatten(1).sum(1), counts[:, c])


def test_sharpness_is_an_exponent_of_the_potential_in_steps():
    """Twice the logarithm of the second species, everywhere but in the read-out."""
    counts = torch.tensor([[20, 9], [31, 22]])

    def sharper(occupation, t, kernel, fractions=None):
        return attracted(occupation, t, kernel) * torch.tensor([1.0, 2.0])[:, None, None]

    told = {"read_out": attracted_read_out, "redraws": (0.4,)}
    expected = sample(counts, network=sharper, **told).phase
    assert torch.equal(sample(counts, sharpness=(1.0, 2.0), **told).phase, expected)
    assert not torch.equal(sample(counts, **told).phase, expected)
