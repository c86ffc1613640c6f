"""What a script may require of an evaluation, in a small grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass

from microdsd.errors import InputError
from microdsd.evaluation.evaluation import Evaluation
from microdsd.evaluation.verdict.features import TESTED
from microdsd.report.words.verdict_sentence import verdict_sentence

OTHER_TESTS = ("joint", "classifier", "voxel_diversity", "descriptor_diversity", "memorisation")
WORDS = ("indistinguishable", "exact", *OTHER_TESTS, *TESTED)
COUNT = "descriptors"
"""Number of descriptors in which samples are indistinguishable."""
BOUNDED = ("classifier", *TESTED)

GRAMMAR = (
    "indistinguishable, exact, the name of a test, descriptors>=N, classifier<=N% (of the pairs "
    "right) or DESCRIPTOR<=N% (off, of any phase)"
)

_PATTERN = re.compile(r"(?P<name>\w+)(?:(?P<relation>[<>]=)(?P<number>\d+(?:\.\d+)?)(?P<per>%?))?")


@dataclass(frozen=True)
class Requirement:
    """One requirement.

    Attributes
    ----------
    text : str
        As it was written.
    name : str
    bound : float or None
        None where a test has to find no difference.
    """

    text: str
    name: str
    bound: float | None = None

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read a requirement.

        Raises
        ------
        InputError
            Names that do not exist, or a bound of the wrong kind.

        Examples
        --------
        >>> Requirement.parse("specific_surface_area<=5%").bound
        0.05
        >>> Requirement.parse("indistinguishable").bound is None
        True
        """
        parsed = _PATTERN.fullmatch(text.replace(" ", ""))
        if parsed is None:
            raise InputError(f"require: {text!r} is not one of {GRAMMAR}")
        name, relation, number, per = parsed.group("name", "relation", "number", "per")
        known = {
            None: name in WORDS,
            ">=": name == COUNT and not per,
            "<=": name in BOUNDED and bool(per),
        }
        if not known[relation]:
            raise InputError(
                f"require: {text!r} is not one of {GRAMMAR}; descriptors and tests are "
                f"{', '.join((*TESTED, *OTHER_TESTS))}"
            )
        bound = None if number is None else float(number) / (100 if per else 1)
        return cls(text, name, bound)

    def unmet(self, evaluation: Evaluation) -> str | None:
        """Say why an evaluation does not meet the requirement, or None if it does.

        Raises
        ------
        InputError
            If a descriptor or test was not made, such as memorisation without a training scan.
        """
        verdict = evaluation.verdict
        if self.name == "exact":
            return None if evaluation.exact else "the counts are not, or not known to be, exact"
        if self.name == "indistinguishable":
            return None if verdict.indistinguishable else verdict_sentence(verdict)
        if self.name == COUNT:
            missing = self.bound is not None and verdict.agreeing < self.bound
            return f"{verdict.agreeing} descriptors agree" if missing else None
        if self.name not in {test.name for test in verdict.tests}:
            raise InputError(f"require: {self.text!r} needs a test that was not made")
        if self.bound is None:
            return self._failed(evaluation)
        if self.name == "classifier":
            found = verdict.classifier.accuracy
            return f"{found:.1%} of the pairs right" if found > self.bound else None
        (descriptor,) = (d for d in verdict.descriptors if d.descriptor == self.name)
        off = [part.relative for part in descriptor.parts]
        if any(relative is None for relative in off):
            return "the real mean is zero, so that no percentage can be given"
        worst = max((abs(relative) for relative in off if relative is not None), default=0.0)
        return f"{worst:.1%} off" if worst > self.bound else None

    def _failed(self, evaluation: Evaluation) -> str | None:
        verdict = evaluation.verdict
        if not (verdict.enough and verdict.same_fractions):
            return verdict_sentence(verdict)
        test = verdict.test(self.name)
        return None if test.passed else f"adjusted p = {test.adjusted_p_value:.2g}"
