"""Materials microstructures with exactly the composition you ask for."""

__version__ = "0.1.0"
