"""The stochastic process: independent walkers on a voxel lattice, and their bridges."""

from microdsd.process.bridge import expected_occupation, sample_bridge_step
from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Boundary, Lattice
from microdsd.process.mixing import Horizon, horizon_at, recommend_horizon
from microdsd.process.noise import level_grid, noise_level, time_of
from microdsd.process.walk import Walkers, sample_forward, sample_uniform

__all__ = [
    "Boundary",
    "Horizon",
    "Lattice",
    "TransitionKernel",
    "Walkers",
    "expected_occupation",
    "horizon_at",
    "level_grid",
    "noise_level",
    "recommend_horizon",
    "sample_bridge_step",
    "sample_forward",
    "sample_uniform",
    "time_of",
]
