"""Model files: safetensors weights with a JSON card in the header; nothing is ever unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import safetensors
import safetensors.torch
import torch
from pydantic import ConfigDict, Field
from torch import Tensor

from microdsd.errors import CheckpointError, InputError
from microdsd.networks.build import Method, build_network
from microdsd.networks.unet import UNet, UNetConfig
from microdsd.process.lattice import Boundary
from microdsd.process.noise import level_grid
from microdsd.process.time_schedule import leap_grid
from microdsd.process.walk_back import WalkBack
from microdsd.training.card_schema import CONFIG, card_of

FORMAT_VERSION = 2

_FEWEST_WITH_REDRAW = 6
"""Evaluations from which on the last of them is better spent on a redraw than on the walk."""

_FEW_EVALUATIONS = 8
"""For which earlier files give a last level, besides that for their own number."""

_KEY = "microdsd"


@dataclass(frozen=True)
class ModelCard:
    """What a model is, apart from its weights.

    Parameters
    ----------
    network : UNetConfig
    phases : dict of int to str
        Label and name of every phase.
    background : int
        Label of the phase that no walker stands for.
    window : tuple of int
        Voxels per axis of the training windows.
    boundary : {"no-flux", "periodic"}
        Of the training windows.
    sigma_min, sigma_max : float
        Noise levels seen in training, voxels.
    walks : tuple of WalkBack
        How samples walk back, by ascending number of evaluations: calibrated, ``evaluations`` among
        them, or one that is not.
    evaluations : int
        Network evaluations of a sample unless asked otherwise.
    symmetry : str
        Symmetries of the training windows.
    voxel_size : tuple of float
        Per axis of the window, in ``unit``.
    unit : {"m", "voxel"}
    fraction_mean : dict of str to float
        Mean fraction of every phase in the training windows, by name.
    fraction_range : dict of str to (float, float)
        Smallest and largest fraction of every phase in the training windows.
    validation_levels, validation_gains : tuple of float
        Noise levels, and nats per walker gained there on held-back windows.
    provenance : dict
        Data and its sha256, versions, seed, budget, times.
    method : {"bridges", "tau-leaping"}
        What the network predicts, and so how samples are made. Files from before there was a
        choice lack it: they hold bridges.
    grey_levels : int
        0 for phases. Of images, the number of grey levels: ``phases`` then names the channels,
        fractions are mean intensities in levels, and ``background`` is -1, for there is none.
    classes : dict of str to dict of str to (float, float, float)
        Classes that the network was told of, in its order: by phase, the mean, smallest and
        largest fraction in the training windows.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CONFIG

    network: UNetConfig
    phases: Mapping[int, str]
    background: int
    window: tuple[int, ...]
    boundary: Boundary
    sigma_min: float
    sigma_max: float
    walks: tuple[WalkBack, ...]
    evaluations: Annotated[int, Field(ge=2)]
    symmetry: Literal["none", "transverse", "isotropic"]
    voxel_size: tuple[float, ...]
    unit: Literal["m", "voxel"]
    fraction_mean: Mapping[str, float]
    fraction_range: Mapping[str, tuple[float, float]]
    validation_levels: tuple[float, ...] = ()
    validation_gains: tuple[Annotated[float, Field(allow_inf_nan=True)], ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    method: Method = "bridges"
    grey_levels: Annotated[int, Field(ge=0, le=1 << 16)] = 0
    classes: Mapping[str, Mapping[str, tuple[float, float, float]]] = field(default_factory=dict)

    def levels(self, evaluations: int, sigma_last: float | None = None) -> list[float]:
        """Noise levels of the walk in a sampling run with that many evaluations."""
        walk = self.walk(evaluations, sigma_last)
        grid = leap_grid if self.method == "tau-leaping" else level_grid
        return grid(walk.first, walk.last, evaluations - len(self.redraws(evaluations)))

    def redraws(self, evaluations: int, sigma_last: float | None = None) -> list[float]:
        """Noise levels at which samples are drawn again: once, at the walk's last.

        A lower level brings back the speckle of the draw (docs/decisions/0010). None for networks
        that do not read out phases, nor where the walk needs all evaluations.
        """
        reads_out = self.method == "bridges" and self.network.read_out
        if not reads_out or evaluations < _FEWEST_WITH_REDRAW:
            return []
        return [self.walk(evaluations, sigma_last).last]

    def walk(self, evaluations: int, sigma_last: float | None = None) -> WalkBack:
        """How samples walk back in that many evaluations, to a last level of one's own if given."""
        walk = WalkBack.between(self.walks, evaluations)
        return walk if sigma_last is None else replace(walk, last=sigma_last)

    def with_walk(self, walk: WalkBack) -> ModelCard:
        """Card with another walk for one number of evaluations; see `with_walk` of the model."""
        if walk.evaluations < 1:
            raise InputError(f"walk: evaluations={walk.evaluations}; give at least 1")
        if not self.sigma_min <= walk.last < walk.first <= self.sigma_max:
            raise InputError(
                f"walk: from {walk.first:g} to {walk.last:g}; the model was trained on levels from "
                f"{self.sigma_max:g} down to {self.sigma_min:g}, and a walk goes down"
            )
        exponents = self.network.species if self.method == "bridges" else 0
        if len(walk.sharpness) != exponents or any(one <= 0 for one in walk.sharpness):
            raise InputError(
                f"walk: sharpness={walk.sharpness}; give {exponents} positive exponents, one per "
                "phase but the background (none for tau-leaping)"
            )
        by_number = {
            one.evaluations: replace(one, sharpness=one.sharpness or (1.0,) * exponents)
            for one in self.walks
        }
        by_number[walk.evaluations] = walk
        return replace(self, walks=tuple(by_number[n] for n in sorted(by_number)))

    def to_json(self) -> str:
        """One JSON document; the inverse of `from_json`."""
        raw = asdict(self)
        raw["classes"] = [[name, spans] for name, spans in self.classes.items()]
        return json.dumps({"format_version": FORMAT_VERSION, **raw}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelCard:
        """Card from its JSON document.

        Raises
        ------
        CheckpointError
            If the document is of another version or lacks something.
        """
        raw = _document(text)
        version = raw.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise CheckpointError(
                f"format_version={version}: this microdsd reads version {FORMAT_VERSION}; "
                "install the microdsd that wrote the file, or train again"
            )
        raw = {"method": "bridges", "grey_levels": 0, "classes": [], **raw}
        if "sigma_last" in raw:
            raw["walks"] = _walks_of_earlier_files(raw)
        known = {f.name for f in fields(cls)}
        if set(raw) != known:
            raise CheckpointError(
                f"model card: missing {sorted(known - set(raw))}, unknown "
                f"{sorted(set(raw) - known)}; the file was written by another microdsd"
            )
        pairs = raw["classes"]  # in an order, which JSON objects have not
        if isinstance(pairs, list) and all(_is_named(pair) for pair in pairs):
            raw["classes"] = dict(pairs)
        return card_of(cls, json.dumps(raw))


def _is_named(pair: object) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)


def _walks_of_earlier_files(raw: dict[str, Any]) -> list[dict[str, Any]]:
    """Walks from the horizon to the last levels that such a file names; these are taken out."""
    own, last, few = raw.get("evaluations"), raw.pop("sigma_last"), raw.pop("sigma_last_few", None)
    ends = [(own, last)]
    if few is not None and own != _FEW_EVALUATIONS:
        ends.insert(0, (_FEW_EVALUATIONS, few))
    first = raw.get("sigma_max")
    return [{"evaluations": n, "first": first, "last": end, "sharpness": ()} for n, end in ends]


def pack_model(weights: Mapping[str, Tensor], card: ModelCard) -> bytes:
    """Bytes of a model file."""
    return _pack(weights, card.to_json())


def read_model(path: str | Path) -> tuple[dict[str, Tensor], ModelCard]:
    """Weights and card of a model file.

    Raises
    ------
    CheckpointError
        If the file is not a model, is damaged, or is of another version.
    """
    tensors, text = _unpack(path)
    try:
        return tensors, ModelCard.from_json(text)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


def read_network(path: str | Path) -> tuple[UNet, ModelCard]:
    """Network of a model file, with its weights, and its card.

    The network is made of the file's own tensors: what a card describes is compared with them
    before anything of its size is made.

    Raises
    ------
    CheckpointError
        As `read_model`, and if the weights are not those of the network, or not finite.
    """
    weights, card = read_model(path)
    config = card.network
    if sum(config.blocks) > len(weights):  # each has weights of its own
        raise CheckpointError(
            f"{path}: {len(weights)} tensors of weights, for a network with blocks="
            f"{config.blocks}; the file is damaged"
        )
    with torch.device("meta"):
        network = build_network(card.method, config)
    expected = network.state_dict()
    for name in sorted({*expected, *weights}):
        if name not in weights or name not in expected:
            raise CheckpointError(
                f"{path}: its weights have {'no' if name in expected else 'a tensor'} {name!r}, "
                "unlike the network that its card describes; the file is damaged"
            )
        found, due = weights[name], expected[name]
        if found.shape != due.shape or found.dtype != due.dtype:
            raise CheckpointError(
                f"{path}: its weights {name!r} are {_form(found)}, those of the network that its "
                f"card describes (widths {config.widths}) are {_form(due)}; the file is damaged"
            )
        if not bool(found.isfinite().all()):
            raise CheckpointError(
                f"{path}: {int((~found.isfinite()).sum())} of the weights {name!r} are not finite; "
                "the file is damaged, or its training went wrong: train again"
            )
    network.load_state_dict(weights, assign=True)
    return network, card


def _form(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} of {str(tensor.dtype).removeprefix('torch.')}"


def pack_state(tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> bytes:
    """Bytes of a training-state file."""
    return _pack(tensors, json.dumps({"format_version": FORMAT_VERSION, **numbers}))


def read_state(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and numbers of a training-state file; raises as `read_model` does."""
    try:
        tensors, text = _unpack(path)
        numbers = _document(text)
    except CheckpointError as error:
        raise CheckpointError(
            f"{error}; of a stopped training: start anew with --force, or delete {path}"
        ) from error
    if numbers.pop("format_version", None) != FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: written by another version; start the training anew (--force)"
        )
    return tensors, numbers


def require_same_run(path: str | Path, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Refuse to go on from the state of a run whose data, window or settings differ.

    Raises
    ------
    CheckpointError
        Names what differs.
    """
    differing = [key for key in mine if mine[key] != theirs.get(key)]
    if differing:
        raise CheckpointError(
            f"{path}: was trained with other settings: "
            + "; ".join(f"{k}={theirs.get(k)} there, {mine[k]} here" for k in differing)
            + "; use the same ones, or start anew with --force"
        )


def _document(text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"model card: not JSON ({error}); the file is damaged") from error
    if not isinstance(raw, dict):
        raise CheckpointError("model card: is not a JSON object; the file is damaged")
    return raw


def _pack(tensors: Mapping[str, Tensor], text: str) -> bytes:
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    packed: bytes = safetensors.torch.save(stored, metadata={_KEY: text})
    return packed


def _unpack(path: str | Path) -> tuple[dict[str, Tensor], str]:
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
