"""The card of a model: what a model is, apart from its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from microdsd.errors import InputError
from microdsd.models.contents import CONFIG, Contents
from microdsd.models.methods import METHODS
from microdsd.models.properties import TrainedProperties
from microdsd.models.spectrum import Spectrum
from microdsd.models.volume_walk import VolumeWalk
from microdsd.models.walk_back import WalkBack
from microdsd.networks.build import Method
from microdsd.networks.unet import UNetConfig
from microdsd.process.lattice import Boundary

FORMAT_VERSION = 2

_ROUNDING = 1e-9


def window_words(window: Sequence[int]) -> str:
    """Write the size of a window.

    Examples
    --------
    >>> window_words((64, 64))
    '64 x 64'
    """
    return " x ".join(map(str, window))


def voxel_words(voxel_size: Sequence[float], unit: str) -> str:
    """Write the size of a voxel, once where it is a cube.

    Examples
    --------
    >>> voxel_words((4.5e-6, 4.5e-6), "m"), voxel_words((1.0, 1.0), "voxel")
    ('4.5 µm', 'not stated')
    """
    if unit != "m":
        return "not stated"
    lengths = [f"{edge * 1e6:.4g}" for edge in voxel_size]
    return f"{lengths[0] if len(set(lengths)) == 1 else ' x '.join(lengths)} µm"


@dataclass(frozen=True)
class ModelCard:
    """Describe what a model is, apart from its weights.

    Attributes
    ----------
    network : UNetConfig
    contents : Phases or Channels
        What samples are made of.
    window : tuple of int
        Voxels per axis of the training windows.
    boundary : {"no-flux", "periodic"}
        Boundary of the training windows.
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
        Mean fraction of every phase, or intensity of every channel, in the training windows.
    fraction_range : dict of str to (float, float)
        The smallest and the largest of them.
    validation_levels, validation_gains : tuple of float
        Noise levels, and nats per walker gained there on held-back windows.
    provenance : dict
        Data and its sha256, versions, seed, budget, times.
    method : {"bridges", "tau-leaping"}
        What the network predicts, and so how samples are made. Files from before there was a
        choice lack it: they hold bridges.
    octaves : tuple of float
        Ascending noise levels, voxels, above which walkers are on blocks of 2, 4, ... voxels per
        axis, with a network each; empty for one lattice.
    classes : dict of str to dict of str to (float, float, float)
        Classes that the network was told of, in its order: by phase, the mean, smallest and
        largest fraction in the training windows.
    volumes : VolumeWalk, optional
        Of a model of slices, how volumes are made of them; None where that is not calibrated.
    scan_fractions : dict of str to dict of str to (float, float)
        By class, "" where there are none, and phase: the fraction of the training scan and its
        standard error. A phase is left out whose integral range the scan is too small to tell.
    properties : TrainedProperties, optional
        Of a network that is told of properties, which these are and what they were in training.
    spectrum : Spectrum, optional
        Of the training windows, with which walkers start below the horizon; without it they start
        uniform. Of a material of classes there is none.
    last_draw : UNetConfig, optional
        Network by which phases are drawn in passes at the end of a walk; see `WalkBack.passes`.
    """

    __pydantic_config__: ClassVar = CONFIG

    network: UNetConfig
    contents: Contents
    window: tuple[int, ...]
    boundary: Boundary
    sigma_min: float
    sigma_max: float
    walks: tuple[WalkBack, ...]
    evaluations: Annotated[int, Field(ge=2)]
    symmetry: Literal["none", "orthotropic", "transverse", "isotropic"]
    voxel_size: tuple[float, ...]
    unit: Literal["m", "voxel"]
    fraction_mean: Mapping[str, float]
    fraction_range: Mapping[str, tuple[float, float]]
    validation_levels: tuple[float, ...] = ()
    validation_gains: tuple[Annotated[float, Field(allow_inf_nan=True)], ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    method: Method = "bridges"
    classes: Mapping[str, Mapping[str, tuple[float, float, float]]] = field(default_factory=dict)
    octaves: tuple[float, ...] = ()
    volumes: VolumeWalk | None = None
    scan_fractions: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    properties: TrainedProperties | None = None
    last_draw: UNetConfig | None = None
    spectrum: Spectrum | None = None

    @property
    def phases(self) -> Mapping[int, str]:
        """Return label and name of every phase, in the order of the labels; or of every channel."""
        return self.contents.phases

    def summary(self) -> dict[str, str]:
        """Return what a user asks first, in a few words each."""
        spans = (
            f"{name} {self.fraction_range[name][0]:.3g} to {self.fraction_range[name][1]:.3g}"
            for name in self.phases.values()
        )
        classes = {"classes": ", ".join(self.classes)} if self.classes else {}
        conditions = {"conditions": ", ".join(self.properties.names)} if self.properties else {}
        return {
            "makes": ", ".join(self.phases.values()),
            "trained on": "; ".join(spans),
            "window": window_words(self.window),
            "voxel size": voxel_words(self.voxel_size, self.unit),
            "symmetry": self.symmetry,
            **classes,
            **conditions,
            "method": self.method,
            "evaluations": str(self.evaluations),
            "data": str(self.provenance.get("data") or "not recorded"),
        }

    def walk(self, evaluations: int, sigma_last: float | None = None) -> WalkBack:
        """Return how samples walk back in that many evaluations, to a given last level if any."""
        walk = WalkBack.between(self.walks, evaluations)
        return walk if sigma_last is None else replace(walk, last=sigma_last)

    def with_walk(self, walk: WalkBack) -> ModelCard:
        """Return the card with another walk for one number of evaluations.

        The model's `with_walk` describes the settings.
        """
        if walk.evaluations < 1:
            raise InputError(f"walk: evaluations={walk.evaluations}; give at least 1")
        highest = self.sigma_max * (1 + _ROUNDING)  # walks are rounded to 12 digits
        if not self.sigma_min <= walk.last < walk.first <= highest:
            raise InputError(
                f"walk: from {walk.first:g} to {walk.last:g}; the model was trained on levels from "
                f"{self.sigma_max:g} down to {self.sigma_min:g}, and a walk goes down"
            )
        if not 0 <= walk.temperature <= 1:
            raise InputError(f"walk: temperature={walk.temperature:g}; give 0 to 1")
        most = 1 << len(self.window) if self.last_draw else 0
        if not 0 <= walk.passes <= most:
            raise InputError(
                f"walk: passes={walk.passes}; the model draws phases in up to {most} passes"
            )
        exponents = self.network.species if METHODS[self.method].potential else 0
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
        """Return one JSON document, which `card_from_json` reads."""
        raw = asdict(self) | self.contents.entries()
        del raw["contents"]
        for entry in ("volumes", "properties", "last_draw", "spectrum"):  # as in files from before
            if raw[entry] is None:
                del raw[entry]
        if not self.scan_fractions:
            del raw["scan_fractions"]
        if self.properties is None:
            del raw["network"]["properties"]
        if self.volumes is not None and not self.volumes.reading.fused:
            del raw["volumes"]["reading"]["fused"]
        for walk in [*raw["walks"], raw.get("volumes", {})]:
            if not walk.get("passes", True):
                del walk["passes"]
        raw["classes"] = [[name, spans] for name, spans in self.classes.items()]
        return json.dumps({"format_version": FORMAT_VERSION, **raw}, sort_keys=True)
