"""What a model learns from: windows of scans or of images, of one class or of several.

Part of it is held back, to validate on: the far end of axis 0 of a scan, the last samples of an
ensemble, the last images of every class.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from microdsd.encoding import ClassSampler, ImageSampler, encoding_of
from microdsd.encoding.sampling import Sampler
from microdsd.encoding.scan import Source, present_phases, window_shape
from microdsd.encoding.windows import Symmetry, split_scan
from microdsd.errors import InputError
from microdsd.fitting.property_windows import PropertyWindows, number_to_measure
from microdsd.generation.properties import measure_windows
from microdsd.io import LabelSource, holds_images, load_images, open_labels
from microdsd.io.windows import Region
from microdsd.metrics.scan_fractions import MeasuredFractions, scan_fractions
from microdsd.microstructure import PhaseNames
from microdsd.microstructure.intensity import (
    as_images,
    channels_of,
    classes_of,
    is_images,
    with_channels,
)
from microdsd.microstructure.labels import checked_name
from microdsd.microstructure.outside import outside_label
from microdsd.microstructure.voxels import VoxelSize, VoxelSizeLike, voxel_size_of
from microdsd.models.contents import Channels, Contents, Phases
from microdsd.models.properties import PROPERTY_WINDOWS, TrainedProperties
from microdsd.properties import Property
from microdsd.schedule.examination import EVALUATIONS
from microdsd.training.octave import Windows

_STATISTICS_WINDOWS = 256

_FEWEST_VALUES = 0.1
"""Share of the windows that must have a property, for a network to learn it."""

_IMAGE_EVALUATIONS = 64
"""Of images: their last steps are drawn, and must be short."""


class Material(ABC):
    """Hold training and held-back windows, and how they become walkers.

    Attributes
    ----------
    window : tuple of int
    classes : tuple of str
        Names, empty where there is one material only.
    contents : Phases or Channels
    training : ClassSampler
    held_back : ClassSampler or None
    voxel_size : VoxelSize
        Voxel size of the window.
    shape : list
        Shape of the data, for the record.
    scan_fractions : dict of str to dict of str to (float, float)
        By class and phase, the fraction of the scan and its standard error, where that is known.
    known : PropertyWindows, optional
        Windows to train on in place of ``training``, for networks that are told of properties.
    properties : TrainedProperties, optional
        What the card says of these.
    measured : callable
        From windows to the properties of each, once there are some.
    """

    window: tuple[int, ...]
    classes: tuple[str, ...]
    contents: Contents
    training: ClassSampler
    held_back: ClassSampler | None
    voxel_size: VoxelSize
    shape: list[Any]
    scan_fractions: Mapping[str, MeasuredFractions] = MappingProxyType({})
    known: PropertyWindows | None = None
    properties: TrainedProperties | None = None
    measured: Callable[[np.ndarray], np.ndarray]

    @abstractmethod
    def sha256(self) -> str:
        """Return the fingerprint of all data."""

    @abstractmethod
    def usual_walk(self, sigma_min: float) -> tuple[int, float]:
        """Return evaluations and last noise level of bridges, unless asked otherwise."""

    @abstractmethod
    def fractions(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        """Return the fraction of every phase, or mean intensity of every channel, by name."""

    def encode(self, windows: np.ndarray) -> Tensor:
        """Return occupation numbers (n, species, *window)."""
        return encoding_of(self.contents).encode(windows)

    def draw(
        self,
        n: int,
        rng: np.random.Generator,
        shape: tuple[int, ...],
        share: slice = slice(None),
    ) -> Windows:
        """Draw parts of a shape of random training windows, or a share; see `Windows`."""
        values = None
        if self.known is None:
            windows, classes = self.training.draw(n, rng, share)
        else:
            windows, classes, values = self.known.draw(n, rng, share)
        return self._cut(windows, classes, self._places(n, rng, shape)[share], values)

    def parts(
        self,
        windows: np.ndarray,
        classes: np.ndarray,
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Windows:
        """Cut a random part of every window, and find the composition of the whole windows."""
        values = self.measured(windows) if self.known is not None else None
        return self._cut(windows, classes, self._places(len(windows), rng, shape), values)

    def _places(
        self, n: int, rng: np.random.Generator, shape: tuple[int, ...]
    ) -> list[tuple[slice, ...]]:
        """Draw where parts lie in n windows; no random number is spent on whole ones."""
        if shape == self.window:
            return [()] * n
        return [_part(self.window, shape, rng) for _ in range(n)]

    def _cut(
        self,
        windows: np.ndarray,
        classes: np.ndarray,
        places: list[tuple[slice, ...]],
        values: np.ndarray | None = None,
    ) -> Windows:
        if any(places):
            cuts = zip(windows, places, strict=True)
            occupation = self.encode(np.stack([window[place] for window, place in cuts]))
            fractions = self._composition(windows)
        else:
            occupation = self.encode(windows)
            fractions = occupation.flatten(2).mean(2)
        scores = None
        if values is not None and self.properties is not None:
            scores = torch.from_numpy(self.properties.scores(values))
        named = torch.from_numpy(classes) if self.classes else None
        return Windows(occupation, fractions, named, scores)

    def learn_properties(
        self, properties: Sequence[Property], seed: int, key: Mapping[str, Any]
    ) -> None:
        """Measure properties of training windows, from which alone training then draws.

        Parameters
        ----------
        properties : sequence of Property
        seed : int
            Chooses the windows.
        key : mapping
            What else determines which windows there are.

        Raises
        ------
        InputError
            If the material has no such properties, or they are the same in all windows.
        """
        names = [str(one) for one in properties]
        number = number_to_measure(properties, len(self.window))

        def measured(windows: np.ndarray) -> np.ndarray:
            return measure_windows(windows, self.contents, self.voxel_size, properties)

        few, _ = self.training.evenly(2, np.random.default_rng(seed))
        measured(few)  # refuse before the long work
        self.measured = measured
        self.known = PropertyWindows(
            self.training,
            number,
            np.random.default_rng([seed, 4]),
            measured,
            {
                **key,
                "data": self.sha256(),
                "phases": dict(self.contents.phases),
                "voxel_size": [*self.voxel_size.size, self.voxel_size.unit],
                "window": self.window,
                "seed": seed,
                "properties": names,
            },
        )
        _require_varied(names, self.known.values)
        kept, _ = self.known.read(range(PROPERTY_WINDOWS))
        fractions = np.stack(list(self.fractions(kept).values()), axis=1)
        self.properties = TrainedProperties.of(names, fractions, self.known.values)

    def _composition(self, windows: np.ndarray) -> Tensor:
        """Return the share of every species (n, species) in windows of labels, without encoding."""
        counts = [
            [np.count_nonzero(window == label) for label in self.contents.species]
            for window in windows
        ]
        shares: Tensor = torch.tensor(counts).float() / windows[0].size
        return shares

    def card_entries(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return what the model card says of the material, from some hundred windows a class."""
        windows, classes = self.training.evenly(
            _STATISTICS_WINDOWS * max(1, len(self.classes)), rng
        )
        fractions = self.fractions(windows)
        return {
            "contents": self.contents,
            "window": self.window,
            "voxel_size": self.voxel_size.size[-len(self.window) :],
            "unit": self.voxel_size.unit,
            "properties": self.properties,
            "fraction_mean": {name: float(v.mean()) for name, v in fractions.items()},
            "fraction_range": {
                name: (float(v.min()), float(v.max())) for name, v in fractions.items()
            },
            "classes": {
                name: {phase: _span(v[classes == k]) for phase, v in fractions.items()}
                for k, name in enumerate(self.classes)
            },
            "scan_fractions": dict(self.scan_fractions),
        }


def _require_varied(names: Sequence[str], values: np.ndarray) -> None:
    """Refuse properties that windows do not have, or all have alike."""
    for name, column in zip(names, values.T, strict=True):
        present = column[np.isfinite(column)]
        if len(present) < _FEWEST_VALUES * len(column):
            raise InputError(
                f"conditions: only {len(present)} of {len(column)} training windows have a "
                f"{name}; give another phase, axis or property, or a larger window"
            )
        if np.ptp(present) == 0:
            raise InputError(
                f"conditions: {name} is {present[0]:.4g} in all training windows; nothing can be "
                "learned of it"
            )


def _part(
    window: tuple[int, ...], shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[slice, ...]:
    """Return a random place of a shape in a window."""
    start = [int(rng.integers(whole - part + 1)) for whole, part in zip(window, shape, strict=True)]
    return tuple(slice(a, a + part) for a, part in zip(start, shape, strict=True))


def _span(values: np.ndarray) -> tuple[float, float, float]:
    """Return the mean, the least and the largest value."""
    return float(values.mean()), float(values.min()), float(values.max())


class PhaseMaterial(Material):
    """Hold windows of segmented scans.

    Parameters
    ----------
    sources : dict of str to LabelSource
        One scan per class, of the same phases; the name of a single one does not matter.
    window : int or sequence of int
    symmetry : {"isotropic", "transverse", "orthotropic", "none"}
    validation : float
        Share that is held back.
    """

    def __init__(
        self,
        sources: Mapping[str, LabelSource],
        window: int | Sequence[int],
        symmetry: Symmetry,
        validation: float,
    ) -> None:
        self._sources = list(sources.values())
        self.classes = tuple(sources) if len(sources) > 1 else ()
        for name in self.classes:
            checked_name(name, "class")
        first = self._sources[0]
        self.window = window_shape(window, len(first.shape))
        self.voxel_size = _common_voxel_size(self._sources, len(self.window))
        self.shape = [list(source.shape) for source in self._sources]
        if not self.classes:
            self.shape = self.shape[0]
        blocks = [
            split_scan(source, self.window, symmetry, validation, outside_label(source.phases))
            for source in self._sources
        ]
        self.training = ClassSampler([training for training, _ in blocks])
        kept = [held for _, held in blocks if held is not None]
        self.held_back = ClassSampler(kept) if kept else None
        self.contents: Phases = self._phases(sources)
        measured = zip(self.classes or ("",), map(scan_fractions, self._sources), strict=True)
        self.scan_fractions = {name: of_scan for name, of_scan in measured if of_scan}

    def _phases(self, sources: Mapping[str, LabelSource]) -> Phases:
        """Return the phases; the largest, all materials counting alike, is the background."""
        phases: dict[int, str] = {}
        share: Counter[int] = Counter()
        for name, source in sources.items():
            own, _ = present_phases(source)
            phases = phases or own
            if own != phases:
                raise InputError(
                    f"class {name!r}: has the phases {own}, the first class has {phases}; give "
                    "all materials the same phases under the same labels (microdsd import --labels)"
                )
            counts = source.counts()
            total = sum(counts[label] for label in phases)
            share.update({label: counts[label] / total for label in phases})
        return Phases(phases, max(phases, key=lambda label: share[label]))

    def sha256(self) -> str:
        """Return the fingerprint of the labels; of several scans, of their fingerprints."""
        if not self.classes:
            return self._sources[0].sha256()
        joint = "\n".join(source.sha256() for source in self._sources)
        return hashlib.sha256(joint.encode()).hexdigest()

    def usual_walk(self, sigma_min: float) -> tuple[int, float]:
        """Return few evaluations, down to where voxels are assigned."""
        return EVALUATIONS[len(self.window)], 2 * sigma_min

    def fractions(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        """Return the phase fractions of every window."""
        axes = tuple(range(1, windows.ndim))
        return {
            name: (windows == label).mean(axis=axes) for label, name in self.contents.phases.items()
        }


class ImageMaterial(Material):
    """Hold windows of images with counts; their ``class`` coordinate names the class of each.

    Parameters
    ----------
    images : DataArray
        See `microdsd.microstructure.as_images`.
    window : int or sequence of int
    symmetry : {"isotropic", "transverse", "orthotropic", "none"}
    validation : float
        Share of the images of every class that is held back.
    """

    def __init__(
        self,
        images: xr.DataArray,
        window: int | Sequence[int],
        symmetry: Symmetry,
        validation: float,
    ) -> None:
        images = as_images(images)
        self._values = with_channels(images)
        self.window = window_shape(window, 2)
        self.shape = list(images.shape)
        self.voxel_size = voxel_size_of(images.isel(sample=0, channel=0, missing_dims="ignore"))
        self.contents: Channels = Channels(channels_of(images), int(images.attrs["levels"]))
        labels = np.array(classes_of(images))
        names = tuple(dict.fromkeys(sorted(labels.tolist())))
        self.classes = names if len(names) > 1 else ()
        members = [np.flatnonzero(labels == name) for name in self.classes] or [
            np.arange(len(self._values))
        ]
        cuts = [len(m) - (max(1, round(validation * len(m))) if validation else 0) for m in members]

        def sampler(chosen: np.ndarray) -> Sampler:
            return ImageSampler(self._values[chosen], self.window, symmetry)

        self.training = ClassSampler(
            [sampler(m[:cut]) for m, cut in zip(members, cuts, strict=True)]
        )
        self.held_back = None
        if validation:
            self.held_back = ClassSampler(
                [sampler(m[cut:]) for m, cut in zip(members, cuts, strict=True)]
            )

    def sha256(self) -> str:
        """Return the fingerprint of the intensities."""
        head = f"{self._values.shape} {self._values.dtype.str} {self.contents.levels}"
        digest = hashlib.sha256(head.encode())
        digest.update(np.ascontiguousarray(self._values).data)
        return digest.hexdigest()

    def usual_walk(self, sigma_min: float) -> tuple[int, float]:
        """Return many evaluations, down to the lowest level of training."""
        return _IMAGE_EVALUATIONS, sigma_min

    def fractions(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        """Return the mean intensity of every window, in levels."""
        means = windows.mean(axis=tuple(range(2, windows.ndim)))
        return {name: means[:, c] for c, name in enumerate(self.contents.names)}


def open_material(
    source: Source | Mapping[str, Source],
    window: int | Sequence[int],
    symmetry: Symmetry,
    validation: float,
    *,
    phases: PhaseNames | None = None,
    voxel_size: VoxelSizeLike | None = None,
    region: Region | None = None,
    check: Callable[[LabelSource, tuple[int, ...]], None] | None = None,
) -> Material:
    """Open the material of one source, of several by name, or of images.

    Parameters
    ----------
    source, window, symmetry, validation
        See `PhaseMaterial` and `ImageMaterial`.
    phases, voxel_size, region
        As in `microdsd.io.open_labels`.
    check : callable, optional
        Given every scan and the window before anything is done with them; refuses by raising.

    Raises
    ------
    InputError
        If the sources, the window or the share held back cannot be used.
    """
    if isinstance(source, str) and holds_images(source):
        source = load_images(source)
    if is_images(source):
        assert isinstance(source, xr.DataArray)
        return ImageMaterial(source, window, symmetry, validation)
    named = source if isinstance(source, Mapping) else {"": source}
    opened = {
        name: one
        if isinstance(one, LabelSource)
        else open_labels(one, phases=phases, voxel_size=voxel_size, region=region)
        for name, one in named.items()
    }
    if check is not None:
        for one in opened.values():
            check(one, window_shape(window, len(one.shape)))
    return PhaseMaterial(opened, window, symmetry, validation)


def _common_voxel_size(sources: Sequence[LabelSource], axes: int) -> VoxelSize:
    """Return the voxel size of the window; in voxels where the scans do not agree on it."""
    sizes = {
        VoxelSize(source.voxel_size.size[-axes:], source.voxel_size.unit) for source in sources
    }
    return sizes.pop() if len(sizes) == 1 else VoxelSize((1.0,) * axes, "voxel")
