"""Transport through microstructures: diffusion, flow, conduction, elasticity, electrodes."""

from microdsd.transport.diffusion import diffusivity
from microdsd.transport.ensembles import describe_transport
from microdsd.transport.homogenisation import effective_conductivity, effective_stiffness

__all__ = ["describe_transport", "diffusivity", "effective_conductivity", "effective_stiffness"]
