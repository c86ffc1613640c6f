"""Transport through microstructures: diffusion, flow, conduction, elasticity, electrodes."""

from microdsd.transport.diffusion import diffusivity
from microdsd.transport.homogenisation import effective_conductivity, effective_stiffness

__all__ = ["diffusivity", "effective_conductivity", "effective_stiffness"]
