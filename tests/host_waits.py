"""Counts where the host would wait for a GPU: what asks a tensor for its numbers, or its size."""

import inspect
from collections import Counter
from pathlib import Path

import torch
from torch.overrides import TorchFunctionMode

import microdsd

OPTIMISERS = str(Path(torch.optim.__file__).parent)
PACKAGE = Path(microdsd.__file__).parent
READS = ("item", "__bool__", "__float__", "__int__", "__index__", "tolist", "cpu", "numpy")
SIZES = ("nonzero", "bincount", "unique", "masked_select", "argwhere")
"""Of functions whose output is as long as the values of the input say."""
COPIES = ("tensor", "as_tensor")
"""What makes a tensor of the host's numbers, which is then copied to the device."""


class HostWaits(TorchFunctionMode):
    """Counts, by module and line of microdsd, while it is entered."""

    def __init__(self):
        super().__init__()
        self.places = Counter()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if _waits(getattr(function, "__name__", ""), args, kwargs):
            self._note()
        return function(*args, **kwargs)

    def _note(self):
        frame = inspect.currentframe()
        while frame is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        if frame is not None and OPTIMISERS in frame.f_code.co_filename:
            return  # their counters of steps are on the host
        while frame is not None and not Path(frame.f_code.co_filename).is_relative_to(PACKAGE):
            frame = frame.f_back
        if frame is not None:
            place = Path(frame.f_code.co_filename).relative_to(PACKAGE)
            self.places[f"{place.with_suffix('')}.{frame.f_code.co_name}"] += 1


def _waits(name, args, kwargs):
    if name == "repeat_interleave":  # a number of repeats is the host's own
        return "output_size" not in kwargs and not isinstance(args[1], int)
    if name == "__getitem__":
        return _masks(args[1])
    return name in READS + SIZES + COPIES


def _masks(index):
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, torch.Tensor) and part.dtype == torch.bool for part in parts)
