"""Whether generated samples can be told from windows of real material."""

from microdsd.evaluation.verdict.judging import judge
from microdsd.evaluation.verdict.result import (
    DescriptorDifference,
    Difference,
    FractionMatch,
    Test,
    Verdict,
)

__all__ = [
    "DescriptorDifference",
    "Difference",
    "FractionMatch",
    "Test",
    "Verdict",
    "judge",
]
