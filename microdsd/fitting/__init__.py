"""From a scan to a model: training windows, the training run, the calibration of its walk."""

from microdsd.fitting.run import TrainingRun
from microdsd.fitting.scan_to_model import fit

__all__ = ["TrainingRun", "fit"]
