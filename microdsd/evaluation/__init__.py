"""Comparison of generated samples with real material: recount, comparison, verdict."""

from microdsd.evaluation.comparison import compare, two_point_error
from microdsd.evaluation.comparison_result import (
    Comparison,
    DescriptorComparison,
    TwoPointComparison,
)
from microdsd.evaluation.evaluation import Evaluation, evaluate
from microdsd.evaluation.slice_result import SliceEvaluation
from microdsd.evaluation.slices import evaluate_slices
from microdsd.evaluation.sweep import SweepEvaluation, evaluate_sweep
from microdsd.evaluation.verdict import Verdict, judge

__all__ = [
    "Comparison",
    "DescriptorComparison",
    "Evaluation",
    "SliceEvaluation",
    "SweepEvaluation",
    "TwoPointComparison",
    "Verdict",
    "compare",
    "evaluate",
    "evaluate_slices",
    "evaluate_sweep",
    "judge",
    "two_point_error",
]
