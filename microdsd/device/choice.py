"""Where the work happens."""

from __future__ import annotations

import torch

from microdsd.errors import InputError


def resolve_device(device: str | torch.device | None) -> torch.device:
    """Return the requested device; the default is a CUDA device if any, else the CPU.

    Raises
    ------
    InputError
        If the device does not exist here.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device={device!r}: not available here ({error}); try 'cpu'") from error
    return chosen
