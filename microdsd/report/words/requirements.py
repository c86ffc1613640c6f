"""Requirements of a script on an evaluation, in a small grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass

from microdsd.errors import InputError
from microdsd.evaluation.evaluation import Evaluation
from microdsd.evaluation.slice_result import SliceEvaluation
from microdsd.evaluation.verdict import CANNOT_TELL, DIFFERS, WITHIN, Test, Verdict
from microdsd.metrics.registry import descriptors
from microdsd.report.words.verdict_sentence import needed_words, verdict_sentence
from microdsd.report.words.wording import interval_words

OTHER_TESTS = (
    "joint",
    "classifier",
    "network",
    "voxel_diversity",
    "descriptor_diversity",
    "memorisation",
)
ANSWERS = ("within", "not-differs")
"""Everything, or one test, is within the margin; does at least not differ."""
OVERALL = (*ANSWERS, "indistinguishable", "exact")
COUNT = "descriptors"
"""Number of descriptors that are within the margin."""
OF_PAIRS = ("classifier", "network")

GRAMMAR = (
    "within, not-differs, exact, TEST=within, TEST=not-differs, descriptors>=N (within the "
    "margin), TEST<=N% (shown to be off by no more; classifier, network: to be right in no more)"
)

_PATTERN = re.compile(
    r"(?P<name>\w[\w-]*?)(?:=(?P<answer>[a-z-]+)|(?P<relation>[<>]=)(?P<number>\d+(?:\.\d+)?)"
    r"(?P<per>%?))?"
)


@dataclass(frozen=True)
class Requirement:
    """Hold one requirement.

    Attributes
    ----------
    text : str
        As it was written.
    name : str
        "within", "not-differs", "exact", "descriptors" or the name of a test.
    answer : {"within", "not-differs"} or None
        Wanted of a test.
    bound : float or None
    """

    text: str
    name: str
    answer: str | None = None
    bound: float | None = None

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read a requirement.

        The words of earlier versions stand for what is now said with an answer:
        "indistinguishable" for "within", the bare name of a test for "TEST=not-differs".

        Raises
        ------
        InputError
            Names that do not exist, or a bound of the wrong kind.

        Examples
        --------
        >>> Requirement.parse("specific_surface_area<=5%").bound
        0.05
        >>> Requirement.parse("component_count=within").answer
        'within'
        """
        parsed = _PATTERN.fullmatch(text.replace(" ", ""))
        if parsed is None:
            raise InputError(f"require: {text!r} is not one of {GRAMMAR}")
        name, answer, relation, number, per = parsed.group(
            "name", "answer", "relation", "number", "per"
        )
        tested = tuple(record.name for record in descriptors() if record.tested)
        tests = (*tested, *OTHER_TESTS)
        known = {
            None: name in OVERALL or name in tests,
            ">=": name == COUNT and not per,
            "<=": name in (*OF_PAIRS, *tested) and bool(per),
        }
        if answer is not None:
            known[None] = name in tests and answer in ANSWERS
        if not known[relation]:
            raise InputError(
                f"require: {text!r} is not one of {GRAMMAR}; tests are {', '.join(tests)}"
            )
        if relation is None and answer is None and name in tests:
            answer = "not-differs"
        bound = None if number is None else float(number) / (100 if per else 1)
        return cls(text, "within" if name == "indistinguishable" else name, answer, bound)

    def unmet(self, evaluation: Evaluation | SliceEvaluation) -> str | None:
        """State why an evaluation does not meet the requirement; None if it does.

        Slices have to meet it in every direction.

        Raises
        ------
        InputError
            If a descriptor or test was not made, such as memorisation without a training scan.
        """
        if self.name == "exact":
            return None if evaluation.exact else "the counts are not, or not known to be, exact"
        if isinstance(evaluation, SliceEvaluation):
            reasons = {d.axis: self.unmet(d.evaluation) for d in evaluation.directions}
            unmet = [f"normal to {axis}: {why}" for axis, why in reasons.items() if why]
            return "; ".join(unmet) or None
        verdict = evaluation.verdict
        if verdict.status != "compared":
            return verdict_sentence(verdict)
        if self.name == "within":
            return None if verdict.indistinguishable else verdict_sentence(verdict)
        if self.name == "not-differs":
            return verdict_sentence(verdict) if verdict.differing else None
        if self.name == COUNT:
            within = verdict.counts()[WITHIN]
            missing = self.bound is not None and within < self.bound
            return f"{WITHIN}: {within}" if missing else None
        if self.name not in {test.name for test in verdict.tests}:
            raise InputError(f"require: {self.text!r} needs a test that was not made")
        test = verdict.test(self.name)
        if self.bound is None:
            wanted = {"within": test.answer == WITHIN, "not-differs": test.answer != DIFFERS}
            return None if wanted[self.answer or "not-differs"] else _answer_words(test)
        return self._above(verdict, test)

    def _above(self, verdict: Verdict, test: Test) -> str | None:
        """State by how much samples may deviate, if that exceeds the bound."""
        if self.name in OF_PAIRS:
            right = 0.5 + (test.interval[1] if test.interval else 0.5)
            return f"right in up to {right:.1%}" if self.bound and right > self.bound else None
        (descriptor,) = (d for d in verdict.descriptors if d.descriptor == self.name)
        if any(part.interval is None for part in descriptor.parts):
            return "there is no value to be compared"
        off = max(part.bound * part.margin for part in descriptor.parts)
        if self.bound is None or off <= self.bound:
            return None
        return f"off by {interval_words(self.name, test.interval)} ({test.answer})"


def _answer_words(test: Test) -> str:
    interval = interval_words(test.name, test.interval)
    decides = needed_words(test) if test.answer == CANNOT_TELL else ""
    return f"{test.answer} ({interval}){'; ' if decides else ''}{decides}"
