"""In what generated samples are equal to windows of real material, and in what they differ."""

from microdsd.metrics.verdict.classifier import ClassifierTest
from microdsd.metrics.verdict.judging import judge
from microdsd.metrics.verdict.margins import MARGINS, Margin, margins_with
from microdsd.metrics.verdict.result import (
    DescriptorDifference,
    Difference,
    FractionMatch,
    Test,
    Verdict,
)
from microdsd.metrics.verdict.sentence import CANNOT_TELL, DIFFERS, WITHIN, Answer

__all__ = [
    "CANNOT_TELL",
    "DIFFERS",
    "MARGINS",
    "WITHIN",
    "Answer",
    "ClassifierTest",
    "DescriptorDifference",
    "Difference",
    "FractionMatch",
    "Margin",
    "Test",
    "Verdict",
    "judge",
    "margins_with",
]
