"""Descriptors of microstructures, and the comparison of generated with real ones."""

from microdsd.metrics.comparison import (
    Comparison,
    DescriptorComparison,
    TwoPointComparison,
    compare,
    two_point_error,
)
from microdsd.metrics.descriptors import describe
from microdsd.metrics.surface import interface_density, specific_surface_area
from microdsd.metrics.topology import connected_bodies, euler_characteristic, percolates
from microdsd.metrics.triple_lines import triple_edge_density, triple_phase_boundary
from microdsd.metrics.two_point import two_point_probability
from microdsd.metrics.verdict import Verdict, judge

__all__ = [
    "Comparison",
    "DescriptorComparison",
    "TwoPointComparison",
    "Verdict",
    "compare",
    "connected_bodies",
    "describe",
    "euler_characteristic",
    "interface_density",
    "judge",
    "percolates",
    "specific_surface_area",
    "triple_edge_density",
    "triple_phase_boundary",
    "two_point_error",
    "two_point_probability",
]
