"""Model files: safetensors weights with a JSON card in the header; nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from microdsd.errors import CheckpointError
from microdsd.models.card import ModelCard
from microdsd.models.card_schema import card_from_json
from microdsd.networks.build import Network, build_network

_KEY = "microdsd"


def pack_model(weights: Mapping[str, Tensor], card: ModelCard) -> bytes:
    """Pack weights and a card into the bytes of a model file.

    Weights that half precision holds without rounding, all of them, are stored in it.
    """
    halves = {name: weight.half() for name, weight in weights.items()}
    exact = all(torch.equal(halves[name], weight) for name, weight in weights.items())
    return pack(halves if exact else weights, card.to_json())


def read_model(path: str | Path) -> tuple[dict[str, Tensor], ModelCard]:
    """Read weights, float32, and card of a model file.

    Raises
    ------
    CheckpointError
        If the file is not a model, is damaged, or is of another version.
    """
    tensors, text = unpack(path)
    try:
        card = card_from_json(text)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    weights = {
        name: tensor.float() if tensor.dtype == torch.float16 else tensor
        for name, tensor in tensors.items()
    }
    return weights, card


def read_network(path: str | Path) -> tuple[Network, ModelCard]:
    """Read the network of a model file, with its weights, and its card.

    The network is made of the file's own tensors: what a card describes is compared with them
    before anything of its size is made.

    Raises
    ------
    CheckpointError
        As `read_model`, and if the weights are not those of the network, or not finite.
    """
    weights, card = read_model(path)
    config = card.network
    blocks = config.blocks + (card.last_draw.blocks if card.last_draw else ())
    if sum(blocks) > len(weights):  # each has weights of its own
        raise CheckpointError(
            f"{path}: {len(weights)} tensors of weights, for a network with blocks="
            f"{blocks}; the file is damaged"
        )
    with torch.device("meta"):
        network = build_network(card.method, config, 1 + len(card.octaves), card.last_draw)
    expected = network.state_dict()
    for name in sorted({*expected, *weights}):
        if name not in weights or name not in expected:
            raise CheckpointError(
                f"{path}: its weights have {'no' if name in expected else 'a tensor'} {name!r}, "
                "unlike the network that its card describes; the file is damaged"
            )
        stored, due = weights[name], expected[name]
        if stored.shape != due.shape or stored.dtype != due.dtype:
            raise CheckpointError(
                f"{path}: its weights {name!r} are {_form(stored)}, those of the network that its "
                f"card describes (widths {config.widths}) are {_form(due)}; the file is damaged"
            )
        if not bool(stored.isfinite().all()):
            raise CheckpointError(
                f"{path}: {int((~stored.isfinite()).sum())} of the weights {name!r} are not "
                "finite; the file is damaged, or its training went wrong: train again"
            )
    network.load_state_dict(weights, assign=True)
    return network, card


def _form(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} of {str(tensor.dtype).removeprefix('torch.')}"


def pack(tensors: Mapping[str, Tensor], text: str) -> bytes:
    """Pack tensors, with a text in the header, into the bytes of a file."""
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    packed: bytes = safetensors.torch.save(stored, metadata={_KEY: text})
    return packed


def unpack(path: str | Path) -> tuple[dict[str, Tensor], str]:
    """Read tensors and text of a packed file; raise as `read_model` does."""
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
