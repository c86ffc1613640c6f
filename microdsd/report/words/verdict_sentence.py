"""The verdict in one sentence."""

from __future__ import annotations

from microdsd.evaluation.verdict.answers import CANNOT_TELL, DIFFERS, WITHIN
from microdsd.evaluation.verdict.margins import default_margins
from microdsd.evaluation.verdict.result import (
    DescriptorDifference,
    FractionMatch,
    Test,
    Verdict,
)
from microdsd.metrics.registry import Words, find
from microdsd.report.words.names import label_of

MOST_REASONS = 3
LARGEST_SHARE = 10.0
"""Relative difference above which a percentage says nothing: the real mean is close to zero."""

SUBJECTS = {"classifier": "the classifier", "network": "the network"}


def verdict_sentence(verdict: Verdict) -> str:
    """State the verdict in one line that stands alone."""
    if verdict.status == "not comparable":
        return _not_comparable(verdict)
    if verdict.status == "too few":
        fewest = verdict.fewest
        return (
            f"Too few to tell: {verdict.n_generated - verdict.n_outside} samples and "
            f"{verdict.n_real} real windows; a verdict needs {fewest.samples} samples and "
            f"{fewest.windows} windows."
        )
    number, counts = len(verdict.descriptors), verdict.counts()
    if verdict.indistinguishable:
        return (
            f"Indistinguishable from real windows: all {number} descriptors are {WITHIN}, and so "
            f"is all else that was tested ({_right(verdict)} right by a classifier)."
        )
    listed = "; ".join(f"{answer}: {count}" for answer, count in counts.items())
    parts = [f"Of {number} descriptors, {listed}.", *_reasons(verdict)]
    return " ".join(parts)


def difference_words(difference: DescriptorDifference) -> str:
    """State how the most deviating part of a descriptor differs.

    "surfaces are 3.0 % too rough".
    """
    part = difference.largest
    record = find(difference.descriptor)
    words = None if record is None else record.words
    if words is None:
        words = Words(
            f"the {label_of(difference.descriptor)} of {{phase}} is", "too high", "too low"
        )
    one_for_both = len({p.phase for p in difference.parts}) == 1
    subject = (one_for_both and words.subject_of_both) or words.subject
    size = part.relative or 0.0
    telling = 0.005 <= abs(size) <= LARGEST_SHARE
    amount = f"{amount_of(difference.descriptor, abs(size))} " if telling else ""
    text = f"{subject} {amount}{words.more if size > 0 else words.less}"
    return text.format(phase=part.phase or "all phases", axis=part.axis)


def amount_of(name: str, share: float) -> str:
    """Format a share in per cent, or in points; one decimal below 10.

    Examples
    --------
    >>> amount_of("component_count", 0.0312), amount_of("percolates", -0.12)
    ('3.1 %', '−12 points')
    """
    text = f"{100 * share:.{1 if abs(share) < 0.095 else 0}f}".replace("-", "−")
    return f"{text} {'points' if default_margins()[name].kind == 'points' else '%'}"


def needed_words(test: Test) -> str:
    """State how many samples and windows would decide; empty where that is not known."""
    if test.needed is None:
        return ""
    return f"about {test.needed.samples} samples and {test.needed.windows} windows would decide"


def _reasons(verdict: Verdict) -> list[str]:
    """Yield the largest difference, or the largest undecided one if nothing differs."""
    by_name = {difference.descriptor: difference for difference in verdict.descriptors}
    differing = [by_name[t.name] for t in verdict.differing if t.name in by_name]
    differing.sort(
        key=lambda difference: abs(difference.largest.relative or 0) / difference.largest.margin
    )
    sentences = []
    if differing:
        worst, *others = reversed(differing)
        margin = amount_of(worst.descriptor, worst.largest.margin)
        text = f"Worst: {difference_words(worst)} (margin {margin})"
        if others:
            more = [difference_words(difference) for difference in others[: MOST_REASONS - 1]]
            if len(others) > len(more):
                more.append(f"{len(others) - len(more)} more")
            text += f"; also {_listed(more)}"
        sentences.append(f"{text}.")
    others_differ = {test.name for test in verdict.differing} - set(by_name)
    sentences += [f"{_of_others(verdict, name)}." for name in OTHERS if name in others_differ]
    return sentences or [_undecided(verdict)]


OTHERS = ("voxel_diversity", "descriptor_diversity", "memorisation", "classifier", "network")
"""Tests that are no descriptors, in the order in which they are named."""


def _of_others(verdict: Verdict, name: str) -> str:
    diversity = verdict.descriptor_diversity
    texts = {
        "voxel_diversity": "Samples repeat one another",
        "descriptor_diversity": "Samples vary "
        f"{0 if diversity is None else 100 * diversity.ratio:.0f} % as much as real windows",
        "memorisation": "Samples are copies of training windows",
        "classifier": f"A classifier distinguishes them in {_right(verdict)}",
        "network": "A network distinguishes them: "
        f"{0 if verdict.network is None else 100 * verdict.network.accuracy:.0f} % are "
        "classified correctly",
    }
    return texts[name]


def _undecided(verdict: Verdict) -> str:
    names = {difference.descriptor for difference in verdict.descriptors}
    open_tests = [test for test in verdict.tests if test.answer == CANNOT_TELL]
    if any(test.answer == DIFFERS for test in verdict.tests):
        return "All descriptors together differ."
    if not any(test.name in names for test in open_tests):
        listed = _listed([SUBJECTS.get(t.name, label_of(t.name)) for t in open_tests])
        most = max(open_tests, key=lambda test: test.needed or (0, 0))
        return f"Undecided: {listed}{_decide(most)}."
    worst = max(
        (
            difference
            for difference in verdict.descriptors
            if verdict.test(difference.descriptor) in open_tests
        ),
        key=lambda difference: difference.largest.bound,
    )
    part, test = worst.largest, verdict.test(worst.descriptor)
    phase = "".join(f" of {text}" for text in (part.phase,) if text)
    name = f"{label_of(worst.descriptor)}{phase}"
    if part.interval is None:
        return f"Worst: {name} has no value to be compared."
    low, high = (amount_of(worst.descriptor, end) for end in part.interval)
    margin = amount_of(worst.descriptor, part.margin)
    return f"Worst: {name} is off by {low} to {high} (margin {margin}){_decide(test)}."


def _decide(test: Test) -> str:
    words = needed_words(test)
    return f"; {words}" if words else ""


def _not_comparable(verdict: Verdict) -> str:
    def outside(match: FractionMatch) -> float:
        return max(match.low - match.generated, match.generated - match.high)

    apart = max(verdict.fractions, key=lambda fraction: round(outside(fraction), 9))
    return (
        f"Not comparable: the fractions of {verdict.n_outside} of {verdict.n_generated} generated "
        f"samples lie outside those of the real windows ({apart.phase}: {apart.generated:.3f} in "
        f"the mean, real windows {apart.low:.3f} to {apart.high:.3f}); generate at the fractions "
        "of the real windows."
    )


def _right(verdict: Verdict) -> str:
    classifier = verdict.classifier
    return "no pairs" if classifier is None else f"{classifier.right} of {classifier.number} pairs"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
