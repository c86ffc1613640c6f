"""Where the work happens, and in which precision."""

from microdsd.device.choice import available_memory, resolve_device

__all__ = ["available_memory", "resolve_device"]
