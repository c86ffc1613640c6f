"""Figures for scripts and notebooks: microstructures, curves, comparisons, sweeps.

Every function draws into ``ax``, or into a new figure of pyplot, and returns the axes. Phases have
the same colours as in the report.
"""

from microdsd.plot.measurements import comparison, curves, sweep, two_point
from microdsd.plot.microstructures import phases, slices

__all__ = ["comparison", "curves", "phases", "slices", "sweep", "two_point"]
