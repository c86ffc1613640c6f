"""What the verdict on an ensemble holds."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from microdsd.evaluation.memorisation import Memorisation
from microdsd.evaluation.verdict.classifier import ClassifierTest
from microdsd.evaluation.verdict.diversity import DiversityTest
from microdsd.evaluation.verdict.permutation import holm

if TYPE_CHECKING:
    Curve = tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Test:
    """One hypothesis of the family: that the two ensembles are alike in this respect.

    Attributes
    ----------
    name : str
        A descriptor, "joint", "classifier", "voxel_diversity",
        "descriptor_diversity" or "memorisation".
    p_value : float
    adjusted_p_value : float
        By Holm over the whole family.
    passed : bool
        Whether the adjusted p-value is above the level of the verdict.
    """

    __test__ = False  # for pytest: not a test case

    name: str
    p_value: float
    adjusted_p_value: float
    passed: bool


@dataclasses.dataclass(frozen=True)
class Difference:
    """Mean difference, generated less real, of one phase and axis of a descriptor.

    Attributes
    ----------
    phase, axis : str or None
    real, generated : float
        Means over the pairs; of curves, sums over the points.
    shift : float
        Difference of the two at equal fractions.
    relative : float or None
        Shift over the size of the real mean; of a curve, over the area between the real curve and
        its last value.
    in_spreads : float or None
        Root mean square over the points of the difference, over the same between two real sets.
    detectable : float or None
        Relative difference that a set of this size shows with a chance of 80 %; of scalars only.
    points, difference, low, high : tuple of float
        Of curves: distances, the mean difference, and its simultaneous 95 % bootstrap band.
    """

    phase: str | None
    axis: str | None
    real: float
    generated: float
    shift: float
    relative: float | None
    in_spreads: float | None
    detectable: float | None
    points: Curve
    difference: Curve
    low: Curve
    high: Curve


@dataclasses.dataclass(frozen=True)
class DescriptorDifference:
    """One descriptor, all its phases, axes and distances at once.

    Attributes
    ----------
    descriptor, units : str
    energy_distance : float
        Between the two sides, features in standard deviations.
    distance_over_spread : float or None
        Root mean square difference of the means, over the same between two real sets.
    parts : tuple of Difference
    """

    descriptor: str
    units: str
    energy_distance: float
    distance_over_spread: float | None
    parts: tuple[Difference, ...]

    @property
    def largest(self) -> Difference:
        """The part that is furthest off, on the scale of real sets."""
        return max(self.parts, key=lambda part: part.in_spreads or 0.0)


@dataclasses.dataclass(frozen=True)
class FractionMatch:
    """Fraction of one phase on the two sides of the pairs.

    Attributes
    ----------
    phase : str
    generated, real : float
        Means over the pairs.
    deviation : float
        Standard deviation between all real windows.
    """

    phase: str
    generated: float
    real: float
    deviation: float


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether generated samples can be told from windows of real material.

    Attributes
    ----------
    alpha : float
        Chance that a set of real windows fails in any of the tests.
    n_pairs, n_generated, n_real : int
        Pairs compared; samples and windows given.
    fractions : tuple of FractionMatch
    same_fractions : bool
        Whether the fractions of the pairs agree, so that structure alone is compared.
    descriptors : tuple of DescriptorDifference
    joint_energy_distance : float
        Of all descriptors together.
    classifier : ClassifierTest
    voxel_diversity, descriptor_diversity : DiversityTest
    tests : tuple of Test
        The family: the descriptors by name, "joint", "classifier", "voxel_diversity",
        "descriptor_diversity", and "memorisation" where a training scan was given.
    """

    alpha: float
    n_pairs: int
    n_generated: int
    n_real: int
    fractions: tuple[FractionMatch, ...]
    same_fractions: bool
    descriptors: tuple[DescriptorDifference, ...]
    joint_energy_distance: float
    classifier: ClassifierTest
    voxel_diversity: DiversityTest
    descriptor_diversity: DiversityTest
    tests: tuple[Test, ...]

    @property
    def enough(self) -> bool:
        """Whether the pairs are so many that the tests can fail at all."""
        return smallest_p_value(self.n_pairs) * len(self.tests) <= self.alpha

    @property
    def failed(self) -> tuple[Test, ...]:
        """Tests that found a difference, the clearest first."""
        return tuple(sorted((t for t in self.tests if not t.passed), key=lambda t: t.p_value))

    @property
    def agreeing(self) -> int:
        """Number of descriptors in which no difference was found."""
        return sum(self.test(d.descriptor).passed for d in self.descriptors)

    @property
    def indistinguishable(self) -> bool | None:
        """Whether no test found a difference; None where the sets do not allow to say so."""
        if not self.same_fractions:
            return None
        if self.failed:
            return False
        return True if self.enough else None

    def test(self, name: str) -> Test:
        """Test of this name; KeyError if it was not made."""
        return {test.name: test for test in self.tests}[name]

    def with_memorisation(self, found: Memorisation) -> Verdict:
        """Add the search for copies of training windows to the family."""
        p_values = {test.name: test.p_value for test in self.tests}
        tests = family({**p_values, "memorisation": found.p_value}, self.alpha)
        return dataclasses.replace(self, tests=tests)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as `json.dumps` accepts it."""
        return {
            "indistinguishable": self.indistinguishable,
            "enough": self.enough,
            **dataclasses.asdict(self),
        }


def family(p_values: dict[str, float], alpha: float) -> tuple[Test, ...]:
    """Tests of one family, corrected for their number.

    Examples
    --------
    >>> [test.passed for test in family({"joint": 0.01, "classifier": 0.04}, alpha=0.03)]
    [False, True]
    """
    adjusted = holm(list(p_values.values()))
    return tuple(
        Test(name, p, corrected, corrected > alpha)
        for (name, p), corrected in zip(p_values.items(), adjusted, strict=True)
    )


def smallest_p_value(pairs: int) -> float:
    """Least p-value that swaps of so many pairs can give: all and none tell the same.

    Examples
    --------
    >>> smallest_p_value(9)
    0.00390625
    """
    return 2.0 ** (1 - pairs)
