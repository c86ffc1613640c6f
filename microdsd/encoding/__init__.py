"""The hinge: labels to occupation numbers and back, fractions to counts, windows to batches."""

from microdsd.encoding.composition import counts_from_fractions
from microdsd.encoding.occupation import PhaseEncoding
from microdsd.encoding.windows import WindowSampler, symmetry_elements

__all__ = ["PhaseEncoding", "WindowSampler", "counts_from_fractions", "symmetry_elements"]
