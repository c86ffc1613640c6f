"""Figures, and the page that sets generated samples against real material."""

from microdsd.report.pictures.curves import curve_bands, training_curves
from microdsd.evaluation.evaluation import Evaluation, evaluate
from microdsd.report.pictures.figures import (
    isosurface_picture,
    orthogonal_slices,
    slice_panels,
    sweep_grid,
)
from microdsd.report.words.findings import headline
from microdsd.report.pages.page import report_paths, write_report
from microdsd.evaluation.requirements import Requirement
from microdsd.report.pictures.style import figure_png, figure_svg
from microdsd.evaluation.sweep import SweepEvaluation, evaluate_sweep
from microdsd.report.pages.sweep_page import write_sweep_report
from microdsd.report.training_log import TrainingLog, read_training_log

__all__ = [
    "Evaluation",
    "Requirement",
    "SweepEvaluation",
    "TrainingLog",
    "curve_bands",
    "evaluate",
    "evaluate_sweep",
    "figure_png",
    "figure_svg",
    "headline",
    "isosurface_picture",
    "orthogonal_slices",
    "read_training_log",
    "report_paths",
    "slice_panels",
    "sweep_grid",
    "training_curves",
    "write_report",
    "write_sweep_report",
]
