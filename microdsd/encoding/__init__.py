"""The hinge: labels to occupation numbers and back, fractions to counts, windows to batches."""

from microdsd.encoding.composition import Composition, encoding_of
from microdsd.encoding.intensity import IntensityEncoding
from microdsd.encoding.occupation import PhaseEncoding
from microdsd.encoding.sampling import ClassSampler, ImageSampler
from microdsd.encoding.windows import WindowSampler, symmetry_elements

__all__ = [
    "ClassSampler",
    "Composition",
    "ImageSampler",
    "IntensityEncoding",
    "PhaseEncoding",
    "WindowSampler",
    "encoding_of",
    "symmetry_elements",
]
