"""Pages, pictures and words about measurements and verdicts."""

from microdsd.report.pages.page import report_paths, write_report
from microdsd.report.pages.slices_page import slice_document, write_slice_report
from microdsd.report.pages.sweep_page import write_sweep_report
from microdsd.report.pictures.curves import curve_bands, training_curves
from microdsd.report.pictures.figures import (
    isosurface_picture,
    orthogonal_slices,
    slice_panels,
    sweep_grid,
)
from microdsd.report.pictures.style import figure_png, figure_svg
from microdsd.report.training_log import TrainingLog, read_training_log
from microdsd.report.words.document import evaluation_document
from microdsd.report.words.findings import headline
from microdsd.report.words.memorisation_sentence import memorisation_sentence
from microdsd.report.words.requirements import Requirement
from microdsd.report.words.slice_sentence import (
    direction_sentence,
    slice_remarks,
    slice_sentence,
)
from microdsd.report.words.verdict_sentence import verdict_sentence

__all__ = [
    "Requirement",
    "TrainingLog",
    "curve_bands",
    "direction_sentence",
    "evaluation_document",
    "figure_png",
    "figure_svg",
    "headline",
    "isosurface_picture",
    "memorisation_sentence",
    "orthogonal_slices",
    "read_training_log",
    "report_paths",
    "slice_document",
    "slice_panels",
    "slice_remarks",
    "slice_sentence",
    "sweep_grid",
    "training_curves",
    "verdict_sentence",
    "write_report",
    "write_slice_report",
    "write_sweep_report",
]
