"""From a scan to its noise: how far noise must go, and what it leaves of the material."""
