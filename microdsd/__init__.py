"""Materials microstructures with exactly the composition you ask for."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Sequence

import lazy_loader

__version__ = "0.2.0"

# The public names, and the rooms they come from, are those of `__init__.pyi`.
_load, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "__version__"])


class _AccessorWithXarray(importlib.abc.MetaPathFinder):
    """Register ``DataArray.microdsd`` when xarray is imported, which `import microdsd` does not."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "xarray":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_register(module: types.ModuleType) -> None:
            load(module)
            importlib.import_module("microdsd.accessor")

        spec.loader.exec_module = load_and_register  # type: ignore[method-assign]
        return spec


if "xarray" in sys.modules:
    importlib.import_module("microdsd.accessor")
else:
    sys.meta_path.insert(0, _AccessorWithXarray())


def __getattr__(name: str) -> object:
    """Load a public name, and the room it comes from, when it is first used."""
    if name in _names:
        importlib.import_module("microdsd.io")  # what takes labels takes the name of a file, too
    return _load(name)
