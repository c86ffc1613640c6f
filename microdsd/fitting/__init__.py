"""From a scan to a model: training windows, the training run, the calibration of its walk."""
