"""Whether generated samples can be told from windows of real material."""

from microdsd.metrics.verdict.judging import judge
from microdsd.metrics.verdict.result import (
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
