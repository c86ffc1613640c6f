"""Where the work happens, and in which precision."""

from microdsd.device.choice import resolve_device
from microdsd.device.memory import available_memory

__all__ = ["available_memory", "resolve_device"]
