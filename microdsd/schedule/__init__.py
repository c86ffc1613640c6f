"""Schedules of a scan: how far noise must go, and what it leaves of the material."""
