"""Results of the verdict on an ensemble."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
import scipy.stats

from microdsd.evaluation.memorisation import Memorisation
from microdsd.evaluation.verdict.answers import CANNOT_TELL, DIFFERS, WITHIN, Answer
from microdsd.evaluation.verdict.classifier import ClassifierTest
from microdsd.evaluation.verdict.diversity import DiversityTest
from microdsd.evaluation.verdict.needed import Needed, factors_differs, factors_within
from microdsd.evaluation.verdict.permutation import holm
from microdsd.metrics.registry import Margin
from microdsd.notebooks import drawn

Curve = tuple[float, ...]
Interval = tuple[float, float]
Status = Literal["compared", "not comparable", "too few"]

FEWEST_SAMPLES = 10
FEWEST_WINDOWS = 12

SIDES: dict[str, Literal["upper", "lower"]] = {
    "classifier": "upper",
    "network": "upper",
    "memorisation": "upper",
    "voxel_diversity": "lower",
}
"""Numbers that are at fault on one side only: too high, or too low."""


@dataclasses.dataclass(frozen=True)
class Test:
    """Hold one question of the family: whether both ensembles are equal in this respect.

    Attributes
    ----------
    name : str
        A descriptor, "joint", "classifier", "network", "voxel_diversity",
        "descriptor_diversity" or "memorisation".
    p_value : float
        Chance of a difference as large if samples follow the law of real windows.
    difference : float or None
        Difference of the part that may be furthest off, on the scale of the margin.
    interval : pair of float, or None
        What holds this difference with a chance of 1 - 2 alpha.
    margin : float or None
    inside : bool
        Whether everything was shown to be within the margin, at level alpha.
    needed : Needed or None
        What would decide; None where that is not known, or all is inside.
    adjusted_p_value : float
        By Holm over the whole family.
    answer : {"within the margin", "differs", "cannot tell"}
    """

    __test__ = False  # for pytest: not a test case

    name: str
    p_value: float
    difference: float | None
    interval: Interval | None
    margin: float | None
    inside: bool
    needed: Needed | None = None
    adjusted_p_value: float = 1.0
    answer: Answer = CANNOT_TELL


@dataclasses.dataclass(frozen=True)
class Difference:
    """Hold the mean difference, generated less real, of one phase and axis of a descriptor.

    Attributes
    ----------
    phase, axis : str or None
    real : float
        Mean expected of real windows at the fractions of the samples; of curves, their sum.
    generated : float
        Mean over the samples.
    relative : float or None
        Their difference on the scale of the margin; of a curve whose margin holds at every
        distance, where it may be furthest off. None without a scale, as if no window has any.
    interval : pair of float, or None
        What holds this difference with a chance of 1 - 2 alpha.
    margin : float
    inside : bool
        Whether the difference was shown to be within the margin, of curves at every distance.
    at : float or None
        Distance at which a curve may be furthest off.
    needed : Needed or None
    points, difference, low, high : tuple of float
        Of curves: distances, the mean difference, and its simultaneous 95 % bootstrap band.
    """

    phase: str | None
    axis: str | None
    real: float
    generated: float
    relative: float | None
    interval: Interval | None
    margin: float
    inside: bool
    at: float | None
    needed: Needed | None
    points: Curve
    difference: Curve
    low: Curve
    high: Curve

    @property
    def bound(self) -> float:
        """Return the largest difference that the interval allows, in margins."""
        if self.interval is None:
            return float("inf")
        return max(-self.interval[0], self.interval[1]) / self.margin


@dataclasses.dataclass(frozen=True)
class DescriptorDifference:
    """Hold one descriptor with all its phases, axes and distances.

    Attributes
    ----------
    descriptor, units : str
    standard_errors : float
        Root mean square difference in standard errors; about 1 between two real sets.
    parts : tuple of Difference
    """

    descriptor: str
    units: str
    standard_errors: float
    parts: tuple[Difference, ...]

    @property
    def largest(self) -> Difference:
        """Return the part that may deviate most, in margins."""
        return max(self.parts, key=lambda part: part.bound)


@dataclasses.dataclass(frozen=True)
class FractionMatch:
    """Hold the fraction of one phase in samples and windows.

    Attributes
    ----------
    phase : str
    generated, real : float
        Means over all samples and windows.
    low, high : float
        Least and largest of the windows.
    """

    phase: str
    generated: float
    real: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, repr=False)
class Verdict:
    """Hold the answers of all tests, and what they rest on.

    Attributes
    ----------
    alpha : float
        Chance that a set of real windows differs in any of the tests, and chance that a
        difference as large as its margin is called within.
    status : {"compared", "not comparable", "too few"}
        Only where the sets could be compared are there any tests.
    n_generated, n_real : int
        Samples and windows given.
    n_outside : int
        Samples whose fractions lie outside those of the windows; they are not compared.
    fewest : Needed
        Samples and windows from which there is a verdict.
    fractions : tuple of FractionMatch
    margins : dict of str to Margin
    descriptors : tuple of DescriptorDifference
    classifier, network : ClassifierTest or None
    voxel_diversity, descriptor_diversity : DiversityTest or None
    tests : tuple of Test
        The family: the descriptors by name, "joint", "classifier", "voxel_diversity",
        "descriptor_diversity"; "network" and "memorisation" if they were requested.
    comparisons : int
        Verdicts that share `alpha`, of which this is one.
    """

    alpha: float
    status: Status
    n_generated: int
    n_real: int
    n_outside: int
    fewest: Needed
    fractions: tuple[FractionMatch, ...]
    margins: dict[str, Margin]
    descriptors: tuple[DescriptorDifference, ...] = ()
    classifier: ClassifierTest | None = None
    network: ClassifierTest | None = None
    voxel_diversity: DiversityTest | None = None
    descriptor_diversity: DiversityTest | None = None
    tests: tuple[Test, ...] = ()
    comparisons: int = 1

    def __repr__(self) -> str:
        return (
            f"<verdict on {self.n_generated} samples against {self.n_real} real windows: "
            f"{self.in_short()}>"
        )

    def _repr_html_(self) -> str:
        return drawn(self)

    def in_short(self) -> str:
        """Count the answers on the descriptors, or say that nothing was compared."""
        if self.status != "compared":
            return self.status
        answers = ", ".join(f"{number} {answer}" for answer, number in self.counts().items())
        return f"of {len(self.descriptors)} descriptors {answers}"

    @property
    def indistinguishable(self) -> bool | None:
        """Tell whether everything is within the margin; None if nothing was compared."""
        if self.status != "compared":
            return None
        return all(test.answer == WITHIN for test in self.tests)

    @property
    def differing(self) -> tuple[Test, ...]:
        """Return the tests that found a difference, the clearest first."""
        differing = (test for test in self.tests if test.answer == DIFFERS)
        return tuple(sorted(differing, key=lambda test: test.p_value))

    def counts(self) -> dict[Answer, int]:
        """Count the descriptors with each of the three answers."""
        answers = [self.test(difference.descriptor).answer for difference in self.descriptors]
        words: tuple[Answer, ...] = (WITHIN, DIFFERS, CANNOT_TELL)
        return {answer: answers.count(answer) for answer in words}

    def test(self, name: str) -> Test:
        """Return the test of this name."""
        return {test.name: test for test in self.tests}[name]

    def with_memorisation(self, memorisation: Memorisation) -> Verdict:
        """Add the search for copies of training windows to the family, if it was made."""
        samples, windows = (
            memorisation.generated.sizes["sample"],
            memorisation.held_back.sizes["sample"],
        )
        new = memorisation.generated["relative_distance"].values[:, np.newaxis]
        real = memorisation.held_back["relative_distance"].values
        nearer = float(((new < real) + 0.5 * (new == real)).mean()) - 0.5
        # The error of the Mann-Whitney statistic where the two sides are alike.
        error = np.sqrt((samples + windows + 1) / (12 * samples * windows))
        width = float(scipy.stats.norm.ppf(1 - self.alpha) * error)
        return self._with(
            "memorisation", memorisation.p_value, nearer, (nearer - width, nearer + width)
        )

    def with_network(self, result: ClassifierTest) -> Verdict:
        """Add the test by a network to the family, if there is a family."""
        interval = result.interval(self.alpha)
        added = self._with("network", result.p_value, result.accuracy - 0.5, interval)
        return dataclasses.replace(added, network=result)

    def _with(self, name: str, p_value: float, difference: float, interval: Interval) -> Verdict:
        if self.status != "compared":
            return self
        others = [test for test in self.tests if test.name != name]
        added = interval_test(
            name,
            p_value,
            difference,
            interval,
            margin=self.margins[name].value,
            alpha=self.alpha,
            tests=(len(others) + 1) * self.comparisons,
            sizes=(self.n_generated, self.n_real),
        )
        return dataclasses.replace(
            self, tests=family([*others, added], self.alpha, self.comparisons)
        )

    def to_dict(self) -> dict[str, Any]:
        """Convert everything to what `json.dumps` accepts."""
        return {
            "indistinguishable": self.indistinguishable,
            "counts": self.counts(),
            **dataclasses.asdict(self),
        }


def family(tests: list[Test], alpha: float, comparisons: int = 1) -> tuple[Test, ...]:
    """Correct the p-values of a family of tests for their number, and give the answers.

    Families of several comparisons share alpha alike (Bonferroni).

    What was shown to be within the margin is called so, even where a difference is significant:
    it is a difference that does not matter.

    Examples
    --------
    >>> joint = Test("joint", 0.01, None, None, None, inside=False)
    >>> classifier = Test("classifier", 0.04, 0.1, (0.0, 0.2), 0.1, inside=False)
    >>> [test.answer for test in family([joint, classifier], alpha=0.03)]
    ['differs', 'cannot tell']
    """
    adjusted = [min(comparisons * p, 1.0) for p in holm([test.p_value for test in tests])]
    return tuple(
        dataclasses.replace(
            test,
            adjusted_p_value=corrected,
            answer=WITHIN if test.inside else DIFFERS if corrected <= alpha else CANNOT_TELL,
        )
        for test, corrected in zip(tests, adjusted, strict=True)
    )


def interval_test(
    name: str,
    p_value: float,
    difference: float,
    interval: Interval,
    *,
    margin: float,
    alpha: float,
    tests: int,
    sizes: tuple[int, int],
) -> Test:
    """Test one number whose interval is known.

    A classifier that is right less often than by chance is no fault, nor are samples that are
    less alike, voxel by voxel, than real windows: such numbers have a margin to one side.

    Parameters
    ----------
    name : str
    p_value, difference : float
    interval : pair of float
        What holds the true difference with a chance of 1 - 2 alpha.
    margin, alpha : float
    tests : int
        Number of tests of the family.
    sizes : pair of int
        Samples and windows.
    """
    low, high = interval
    error = (high - low) / 2 / float(scipy.stats.norm.ppf(1 - alpha))
    below, above = low > -margin, high < margin
    off = {"upper": max(difference, 0.0), "lower": min(difference, 0.0)}
    side = SIDES.get(name, "both")
    inside = {"upper": above, "lower": below, "both": below and above}[side]
    size = off.get(side, difference)
    level = alpha / tests * (1 if side == "both" else 2)
    factor = min(
        float(factors_within(size, error, margin, alpha)),
        float(factors_differs(size, error, level)),
    )
    needed = None if inside else Needed.times(factor, *sizes)
    return Test(name, p_value, difference, interval, margin, inside, needed)
