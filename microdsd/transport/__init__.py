"""Transport through microstructures: diffusion, flow, conduction, elasticity, electrodes."""

from microdsd.transport.diffusion import diffusivity
from microdsd.transport.discharge import rate_capability
from microdsd.transport.electrode_functions import electrode_functions
from microdsd.transport.electrode_profiles import electrode_profiles
from microdsd.transport.electrodes import electrode_parameters
from microdsd.transport.ensembles import describe_transport
from microdsd.transport.homogenisation import effective_conductivity, effective_stiffness
from microdsd.transport.permeability import permeability

__all__ = [
    "describe_transport",
    "diffusivity",
    "effective_conductivity",
    "effective_stiffness",
    "electrode_functions",
    "electrode_parameters",
    "electrode_profiles",
    "permeability",
    "rate_capability",
]
