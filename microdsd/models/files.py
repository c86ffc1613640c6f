"""Model files: safetensors weights with a JSON card in the header; nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from microdsd.errors import CheckpointError
from microdsd.models.card import ModelCard

_KEY = "microdsd"


def pack_model(weights: Mapping[str, Tensor], card: ModelCard) -> bytes:
    """Bytes of a model file."""
    return pack(weights, card.to_json())


def read_model(path: str | Path) -> tuple[dict[str, Tensor], ModelCard]:
    """Weights and card of a model file.

    Raises
    ------
    CheckpointError
        If the file is not a model, is damaged, or is of another version.
    """
    tensors, text = unpack(path)
    return tensors, ModelCard.from_json(text)


def pack(tensors: Mapping[str, Tensor], text: str) -> bytes:
    """Bytes of a file of tensors with a text in its header."""
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    packed: bytes = safetensors.torch.save(stored, metadata={_KEY: text})
    return packed


def unpack(path: str | Path) -> tuple[dict[str, Tensor], str]:
    """Tensors and text of such a file; raises as `read_model` does."""
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            text = (file.metadata() or {}).get(_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: not a readable model file ({error}); it may be cut short or of another kind"
        ) from error
    if text is None:
        raise CheckpointError(f"{path}: safetensors, but not written by microdsd")
    return tensors, text
