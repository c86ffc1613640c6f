"""Where the work happens, and in which precision."""

from microdsd.device.choice import resolve_device

__all__ = ["resolve_device"]
