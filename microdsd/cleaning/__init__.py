"""Components that are too small or float freely removed, with every count kept."""

from microdsd.cleaning.clean import Cleaned, clean
from microdsd.cleaning.specks import small_components

__all__ = ["Cleaned", "clean", "small_components"]
