"""Descriptors of microstructures: what is measured of one ensemble."""

from microdsd.metrics.anisotropy import fabric
from microdsd.metrics.chords import chord_length_density, mean_chord_length
from microdsd.metrics.cluster_function import two_point_cluster
from microdsd.metrics.descriptors import describe
from microdsd.metrics.edge_contacts import edge_contacts
from microdsd.metrics.lineal_path import lineal_path
from microdsd.metrics.local_thickness import local_thickness
from microdsd.metrics.minkowski import minkowski_functionals
from microdsd.metrics.profiles import fraction_profile, specimen_fractions
from microdsd.metrics.representativity import representativity
from microdsd.metrics.surface import interface_density, specific_surface_area
from microdsd.metrics.topology import connected_components, euler_characteristic, percolates
from microdsd.metrics.triple_lines import triple_edge_density, triple_phase_boundary
from microdsd.metrics.two_point import two_point_probability

__all__ = [
    "chord_length_density",
    "connected_components",
    "describe",
    "edge_contacts",
    "euler_characteristic",
    "fabric",
    "fraction_profile",
    "interface_density",
    "lineal_path",
    "local_thickness",
    "mean_chord_length",
    "minkowski_functionals",
    "percolates",
    "representativity",
    "specific_surface_area",
    "specimen_fractions",
    "triple_edge_density",
    "triple_phase_boundary",
    "two_point_cluster",
    "two_point_probability",
]
