"""Ensembles in files, measured sample by sample, here or on a cluster."""

from microdsd.ensembles.measuring import Measured, measure_ensemble
from microdsd.io import place_of_parts

__all__ = ["Measured", "measure_ensemble", "place_of_parts"]
