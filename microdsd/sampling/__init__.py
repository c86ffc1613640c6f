"""Sampling: walkers back in time along bridges, then the assignment to phases."""

from microdsd.sampling.assignment import assign_phases
from microdsd.sampling.bridge_sampler import Generated, Visit, sample_bridges

__all__ = ["Generated", "Visit", "assign_phases", "sample_bridges"]
