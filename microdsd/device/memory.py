"""Memory that is free."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import torch

_CGROUP = Path("/sys/fs/cgroup")


def available_memory(device: torch.device | None = None) -> int:
    """Return the free bytes on a device, by default in the memory of this machine.

    On the host no more than the control group of the process (a container, a batch job) has left.
    """
    if device is not None and device.type == "cuda":
        import torch  # slow to load, and the host is asked for without it

        free, _ = torch.cuda.mem_get_info(device)
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + held)
    free = int(psutil.virtual_memory().available)
    left = _left_in_control_group(_CGROUP)
    return free if left is None else min(free, left)


def _left_in_control_group(folder: Path) -> int | None:
    r"""Return the bytes below the limit of the control group; None without a limit.

    Examples
    --------
    >>> folder = Path()
    >>> _ = (folder / "memory.max").write_text("1000\n")
    >>> _ = (folder / "memory.current").write_text("700\n")
    >>> _ = (folder / "memory.stat").write_text("anon 500\ninactive_file 150\n")
    >>> _left_in_control_group(folder)
    450
    """
    try:
        limit = int((folder / "memory.max").read_text(encoding="utf-8"))
        used = int((folder / "memory.current").read_text(encoding="utf-8"))
        pairs = (
            line.split()
            for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines()
        )
        cached = next((int(number) for name, number in pairs if name == "inactive_file"), 0)
    except (OSError, ValueError):
        return None
    return max(0, limit - used + cached)
