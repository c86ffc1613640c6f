"""Where the work happens."""

from __future__ import annotations

import os
import re
from pathlib import Path

import torch

from microdsd.errors import InputError


def resolve_device(device: str | torch.device | None) -> torch.device:
    """The device asked for; by default a CUDA device where there is one, else the CPU.

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


def available_memory(device: torch.device) -> int | None:
    """Bytes that could still be allocated on a device; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        found = re.search(r"^MemAvailable:\s*(\d+) kB", meminfo.read_text(), re.M)
        if found:
            return 1024 * int(found[1])
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
