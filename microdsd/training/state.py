"""Files of the state of a training, from which it can go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from microdsd.errors import CheckpointError
from microdsd.models.card import FORMAT_VERSION
from microdsd.models.card_schema import document
from microdsd.models.files import pack, unpack


def pack_state(tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> bytes:
    """Pack tensors and numbers into the bytes of a training-state file."""
    return pack(tensors, json.dumps({"format_version": FORMAT_VERSION, **numbers}))


def read_state(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors and numbers of a training-state file; raise as `read_model` does."""
    try:
        tensors, text = unpack(path)
        numbers = document(text)
    except CheckpointError as error:
        raise CheckpointError(
            f"{error}; of a stopped training: start anew with --force, or delete {path}"
        ) from error
    if numbers.pop("format_version", None) != FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: written by another version; start the training anew (--force)"
        )
    return tensors, numbers


def require_same_run(
    path: str | Path, current: Mapping[str, Any], stored: Mapping[str, Any]
) -> None:
    """Refuse to go on from the state of a run whose data, window or settings differ.

    Raises
    ------
    CheckpointError
        Names what differs.
    """
    differing = [key for key in current if current[key] != stored.get(key)]
    if differing:
        raise CheckpointError(
            f"{path}: was trained with other settings: "
            + "; ".join(f"{k}={stored.get(k)} there, {current[k]} here" for k in differing)
            + "; use the same ones, or start anew with --force"
        )
