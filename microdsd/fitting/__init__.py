"""From a scan to a model: training windows, the training run, the calibration of its walk."""

from microdsd.fitting.run import TrainingRun, fit

__all__ = ["TrainingRun", "fit"]
