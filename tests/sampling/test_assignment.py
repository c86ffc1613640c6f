import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.stats import chisquare

from microdsd.errors import InputError
from microdsd.sampling import assign_phases
from microdsd.sampling.assignment import perturbed, phase_scores


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def best_total(scores, counts):
    """Largest total score, by an assignment of voxels to places of the phases."""
    places = np.repeat(np.arange(len(counts)), counts)
    cost = scores.double().numpy()[places]
    rows, columns = linear_sum_assignment(cost, maximize=True)
    return cost[rows, columns].sum()


def total(scores, phase):
    return float(scores.double().gather(0, phase[None]).sum())


@st.composite
def problems(draw):
    """Scores with few or many ties, and any counts, zero and whole-box ones among them."""
    phases = draw(st.integers(2, 8))
    voxels = draw(st.integers(1, 24))
    seed = draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    kind = draw(st.sampled_from(["normal", "few values", "constant", "one-hot", "offset"]))
    scores = {
        "normal": lambda: rng.normal(size=(phases, voxels)),
        "few values": lambda: rng.integers(0, 3, (phases, voxels)).astype(float),
        "constant": lambda: np.zeros((phases, voxels)),
        "one-hot": lambda: np.log(np.eye(phases)[rng.integers(phases, size=voxels)].T + 1e-6),
        "offset": lambda: rng.integers(0, 2, (phases, voxels)) + 10.0 * np.arange(phases)[:, None],
    }[kind]()
    cuts = sorted(draw(st.lists(st.integers(0, voxels), min_size=phases - 1, max_size=phases - 1)))
    counts = np.diff([0, *cuts, voxels])
    return torch.from_numpy(scores).float(), torch.from_numpy(counts)


@settings(max_examples=300)
@given(problems(), st.integers(0, 1000))
def test_counts_are_exact_and_the_score_is_the_best(problem, seed):
    scores, counts = problem
    phase = assign_phases(scores, counts, generator(seed))
    assert torch.bincount(phase, minlength=len(counts)).tolist() == counts.tolist()
    best = best_total(scores, counts.numpy())
    assert total(scores, phase) == pytest.approx(best, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("phases", [2, 3, 4, 5])
@pytest.mark.parametrize("ties", [False, True])
def test_larger_boxes(phases, ties):
    rng = np.random.default_rng(phases)
    scores = torch.from_numpy(rng.normal(size=(phases, 300))).float()
    if ties:
        scores = scores.round()
    counts = torch.from_numpy(rng.multinomial(300, rng.dirichlet(np.ones(phases))))
    phase = assign_phases(scores, counts, generator())
    assert torch.bincount(phase, minlength=phases).tolist() == counts.tolist()
    assert total(scores, phase) == pytest.approx(best_total(scores, counts.numpy()), rel=1e-9)


@pytest.mark.parametrize("phases", [2, 3, 5])
def test_a_whole_box_of_one_phase(phases):
    scores = torch.randn(phases, 50, generator=generator())
    for k in range(phases):
        counts = torch.zeros(phases, dtype=torch.int64)
        counts[k] = 50
        assert (assign_phases(scores, counts, generator()) == k).all()


def test_two_phases_take_the_largest_margins():
    scores = torch.randn(2, 1000, generator=generator(3))
    phase = assign_phases(scores, torch.tensor([700, 300]), generator())
    margin = scores[1].double() - scores[0].double()
    assert margin[phase == 1].min() > margin[phase == 0].max()


@pytest.mark.parametrize("kind", ["smooth", "constant"])
def test_a_box_of_64_cubed(kind):
    """Exact counts at size, with the ties that the score floor makes and with nothing but ties."""
    n = 64**3
    if kind == "smooth":
        field = torch.randn(1, 1, 64, 64, 64, generator=generator())
        rho = torch.sigmoid(40 * torch.nn.functional.avg_pool3d(field, 7, 1, 3)).flatten()[None]
    else:
        rho = torch.full((1, n), 0.3)
    counts = torch.tensor([n - 61_234, 61_234])
    phase = assign_phases(phase_scores(rho[None])[0], counts, generator())
    assert torch.bincount(phase).tolist() == counts.tolist()
    if kind == "smooth":
        assert rho[0, phase == 1].min() >= rho[0, phase == 0].max()


@pytest.mark.parametrize("phases", [3, 8])
def test_a_box_of_many_phases(phases):
    """Sharp expectations, most of them at the score floor, and counts far from them."""
    n = 32**3
    field = torch.randn(1, phases, 32, 32, 32, generator=generator())
    smooth = torch.nn.functional.avg_pool3d(field, 5, 1, 2).flatten(2)[0]
    rho = (200 * smooth).softmax(0)[1:]
    counts = torch.full((phases,), n // (2 * phases))
    counts[0] += n - counts.sum()
    phase = assign_phases(phase_scores(rho[None])[0], counts, generator())
    assert torch.equal(torch.bincount(phase, minlength=phases), counts)


@pytest.mark.statistics
@pytest.mark.parametrize("phases", [2, 3])
def test_ties_favour_no_place(phases):
    """Constant scores: every voxel gets every phase equally often.

    Each of 24 voxels is binomial over the draws; the bound of 5.5 standard deviations fails a
    correct code in 3 of 10^6 choices of seeds.
    """
    voxels, draws = 24, 600
    counts = torch.tensor([8, 16] if phases == 2 else [6, 12, 6])
    seen = torch.zeros(phases, voxels)
    for seed in range(draws):
        phase = assign_phases(torch.zeros(phases, voxels), counts, generator(seed))
        seen += torch.nn.functional.one_hot(phase, phases).T
    share = counts[:, None] / voxels
    deviation = (seen - draws * share) / (draws * share * (1 - share)).sqrt()
    assert deviation.abs().max() < 5.5
    assert deviation.abs().max() > 0.5  # a draw, not a pattern


def test_ties_are_drawn_from_the_generator_alone():
    scores, counts = torch.zeros(3, 40), torch.tensor([10, 20, 10])
    first = assign_phases(scores, counts, generator(5))
    assert torch.equal(first, assign_phases(scores, counts, generator(5)))
    assert not torch.equal(first, assign_phases(scores, counts, generator(6)))


def test_untied_voxels_do_not_depend_on_the_generator():
    scores, counts = torch.randn(3, 200, generator=generator(1)), torch.tensor([50, 90, 60])
    first = assign_phases(scores, counts, generator(5))
    assert torch.equal(first, assign_phases(scores, counts, generator(6)))


@pytest.mark.statistics
def test_perturbed_scores_are_best_as_often_as_they_are_probable():
    """Chi-square over 30,000 voxels of three phases; false-alarm rate 1e-4, seeded."""
    p = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
    scores = p.float().log().view(1, 3, 1).expand(2, 3, 15_000)
    drawn = perturbed(scores, [generator(0), generator(1)]).argmax(1)
    found = torch.bincount(drawn.flatten(), minlength=3)
    assert chisquare(found.numpy(), 30_000 * p.numpy()).pvalue > 1e-4
    assert not torch.equal(drawn[0], drawn[1])


@pytest.mark.parametrize("temperature", [0.4, 0.7])
def test_tempered_draws_are_from_powers_of_the_probabilities(temperature):
    """Chi-square over 30,000 voxels of three phases; false-alarm rate 1e-4, seeded."""
    p = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
    scores = p.float().log().view(1, 3, 1).expand(1, 3, 30_000)
    drawn = perturbed(scores, [generator(2)], temperature).argmax(1)
    powers = p ** (1 / temperature)
    found = torch.bincount(drawn.flatten(), minlength=3)
    assert chisquare(found.numpy(), 30_000 * (powers / powers.sum()).numpy()).pvalue > 1e-4


def test_at_temperature_0_nothing_is_drawn():
    scores, rng = torch.randn(2, 3, 5, generator=generator()), generator(3)
    assert perturbed(scores, [rng, rng], 0.0) is scores
    assert torch.equal(rng.get_state(), generator(3).get_state())


@pytest.mark.parametrize("counts", [[3, 3], [5, 6], [11, -1]])
def test_counts_that_do_not_fill_the_box(counts):
    with pytest.raises(InputError, match=r"counts=\[.*sum to the 10 voxels"):
        assign_phases(torch.zeros(2, 10), torch.tensor(counts), generator())


def test_scores_are_logarithms_of_what_is_expected():
    expected = torch.tensor([[0.2, 0.0, 0.9, 1.6], [0.3, 0.0, 0.1, 0.1]])
    scores = phase_scores(expected[None])[0]
    np.testing.assert_allclose(
        scores.exp(),
        [[0.5, 1.0, 1e-6, 1e-6], [0.2, 1e-6, 0.9, 1.6], [0.3, 1e-6, 0.1, 0.1]],
        rtol=1e-2,
    )
    assert torch.isfinite(scores).all()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("phases", [2, 3])
def test_scores_that_are_no_numbers_are_refused(bad, phases):
    """The surplus would never move, or the temperature never fall: sampling hung."""
    scores = torch.zeros(phases, 6)
    scores[1, 2] = bad
    with pytest.raises(InputError, match=f"1 of {6 * phases} are NaN or infinite"):
        assign_phases(scores, torch.tensor([6 - phases + 1] + [1] * (phases - 1)), generator())
