"""The network as judge: what differs it finds, what does not it leaves, fractions it refuses."""

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.evaluation import evaluate
from microdsd.evaluation.verdict import ClassifierTest
from microdsd.microstructure import as_microstructure, blobs, cut_windows
from microdsd.network_judge import NetworkJudge
from microdsd.report import verdict_sentence

QUICK = {"folds": 2, "epochs": 6}


def media(n, scale, rng, shape=(12, 12), phases=2):
    fractions = {2: (0.4, 0.6), 3: (0.3, 0.3, 0.4)}[phases]
    stack = [blobs(shape, fractions=fractions, scale=scale, rng=rng + i).values for i in range(n)]
    names = dict(enumerate("abc"[:phases]))
    return as_microstructure(np.stack(stack), phases=names, ensemble=True)


@pytest.mark.parametrize(("shape", "phases", "least"), [((12, 12), 2, 0.8), ((8, 8, 8), 3, 0.6)])
def test_finer_structures_are_told_from_coarser(shape, phases, least):
    fine, coarse = (media(20, scale, 100 * k, shape, phases) for k, scale in ((1, 0.6), (2, 2)))
    found = NetworkJudge(folds=2, epochs=25)(fine, coarse)
    assert found.number == 40
    assert found.accuracy > least
    assert found.p_value < 0.05


@pytest.mark.statistics
def test_one_law_is_not_told_from_itself():
    """Seeded. Of 60 answers more than 42 are right with a chance of 7e-4."""
    found = NetworkJudge(**QUICK)(media(30, 1.0, 100), media(30, 1.0, 200))
    assert found.right <= 42


def test_the_same_seed_gives_the_same_answer_and_leaves_torch_alone():
    import torch

    sides = media(10, 1.0, 100), media(10, 1.5, 200)
    torch.manual_seed(5)
    first = NetworkJudge(**QUICK)(*sides)
    after = torch.rand(())
    torch.manual_seed(5)
    assert torch.rand(()) == after
    assert NetworkJudge(**QUICK)(*sides) == first


def test_samples_at_one_fraction_are_refused():
    plane = as_microstructure(blobs((120, 120), fractions=(0.4, 0.6), scale=2, rng=0))
    real = cut_windows(plane, (12, 12), n=60, rng=0)
    with pytest.raises(InputError, match="generate at the windows' own fractions"):
        NetworkJudge(**QUICK)(media(40, 2.0, 100), real)


def test_any_judge_can_be_handed_in():
    plane = as_microstructure(blobs((200, 200), fractions=(0.4, 0.6), scale=1.5, rng=0))
    real = cut_windows(plane, (16, 16), n=60, rng=0)
    asked = []

    def judge(samples, windows):
        asked.append((len(samples), len(windows)))
        return ClassifierTest(95, 100, 1e-9)

    evaluation = evaluate(real[:16], real[16:], classifier=judge)
    assert asked == [(16, 44)]
    assert evaluation.verdict.test("network").answer == "differs"
    assert "A network distinguishes them: 95 % are classified correctly." in verdict_sentence(
        evaluation.verdict
    )
    few = evaluate(real[:3], real[16:], classifier=judge)
    assert few.verdict.network is None
    assert len(asked) == 1
