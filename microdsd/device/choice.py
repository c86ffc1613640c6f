"""Where the work happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from microdsd.errors import InputError

if TYPE_CHECKING:
    import torch


def resolve_device(device: str | torch.device | None) -> torch.device:
    """Return the requested device; the default is a CUDA device if any, else the CPU.

    Raises
    ------
    InputError
        If the device does not exist here.
    """
    import torch  # slow to load, and memory of the host is asked for without it

    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device={device!r}: not available here ({error}); try 'cpu'") from error
    return chosen
