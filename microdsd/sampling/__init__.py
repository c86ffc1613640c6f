"""Sampling: walkers back in time, along bridges or hop by hop, then the assignment to phases."""

from microdsd.sampling.assignment import Generated, assign_phases
from microdsd.sampling.bridge_sampler import sample_bridges
from microdsd.sampling.conditioned import ConditionedNetwork
from microdsd.sampling.images import sample_images
from microdsd.sampling.potentials import Visit
from microdsd.sampling.tau_leaping import AdaptiveLeaps, GridLeaps, Leap, sample_tau_leaping

__all__ = [
    "AdaptiveLeaps",
    "ConditionedNetwork",
    "Generated",
    "GridLeaps",
    "Leap",
    "Visit",
    "assign_phases",
    "sample_bridges",
    "sample_images",
    "sample_tau_leaping",
]
