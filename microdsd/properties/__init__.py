"""Properties of a sample as one number each: what models are conditioned on and targets ask for."""

from microdsd.properties.measuring import measure, require_measurable
from microdsd.properties.property import Property, known_properties

__all__ = ["Property", "known_properties", "measure", "require_measurable"]
