"""What a model file says of its training: on what, how, for how long, by which versions."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import torch

import microdsd
from microdsd.encoding.scan import Source


def record_of_versions() -> dict[str, Any]:
    """Record the versions with which a model was trained, and the day."""
    return {
        "microdsd": microdsd.__version__,
        "torch": torch.__version__,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def name_of(source: Source | Mapping[str, Source]) -> Any:
    """Return what the record calls the data."""
    if isinstance(source, Mapping):
        return {name: name_of(one) for name, one in source.items()}
    return source if isinstance(source, str) else "array"
