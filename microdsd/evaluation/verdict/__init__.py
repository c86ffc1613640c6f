"""Verdict on generated samples: equal to real windows, different, or undecided."""

from microdsd.evaluation.verdict.answers import CANNOT_TELL, DIFFERS, WITHIN, Answer
from microdsd.evaluation.verdict.classifier import ClassifierTest
from microdsd.evaluation.verdict.judging import judge
from microdsd.evaluation.verdict.margins import default_margins, margins_with
from microdsd.evaluation.verdict.result import (
    DescriptorDifference,
    Difference,
    FractionMatch,
    Test,
    Verdict,
)

__all__ = [
    "CANNOT_TELL",
    "DIFFERS",
    "WITHIN",
    "Answer",
    "ClassifierTest",
    "DescriptorDifference",
    "Difference",
    "FractionMatch",
    "Test",
    "Verdict",
    "default_margins",
    "judge",
    "margins_with",
]
