"""Materials microstructures with exactly the composition you ask for."""

import importlib

import lazy_loader

__version__ = "0.2.0"

# The public names, and the rooms they come from, are those of `__init__.pyi`.
_load, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "__version__"])


def __getattr__(name: str) -> object:
    """Load a public name, and the room it comes from, when it is first used."""
    if name in _names:
        importlib.import_module("microdsd.io")  # what takes labels takes the name of a file, too
    return _load(name)
