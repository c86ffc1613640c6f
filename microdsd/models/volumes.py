"""Volumes from models of slices: which models go together, and the card of what they make."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from microdsd.errors import InputError
from microdsd.models.card import ModelCard
from microdsd.models.methods import METHODS
from microdsd.models.volume_walk import VolumeWalk, uncalibrated
from microdsd.networks import UNetConfig

AXES = ("z", "y", "x")
"""Axes of a volume, in order; slices normal to each have the other two, in order."""


@dataclass(frozen=True)
class SliceCards:
    """Hold the cards of the models of slices, by the axis that the slices are normal to.

    Attributes
    ----------
    cards : dict of str to ModelCard
        By axis: z, y and x.
    classes : dict of str to str
        Class that the model of every axis is told; empty where none is.
    """

    cards: Mapping[str, ModelCard]
    classes: Mapping[str, str]

    def require_together(self) -> None:
        """Refuse models that no volume can be made of.

        Raises
        ------
        InputError
            Names the axes and what they differ in.
        """
        if {*self.cards} != {*AXES}:
            raise InputError(
                f"slices: given for {', '.join(self.cards) or 'no axis'}; give one model for the "
                "slices normal to each of z, y and x"
            )
        for axis, card in self.cards.items():
            _require_slices(axis, card)
            name = self.classes.get(axis)
            if name is not None and name not in card.classes:
                known = ", ".join(card.classes) or "none"
                raise InputError(
                    f"slices: {axis}={name!r} is no class of the model; it has {known}"
                )
        first = self.cards[AXES[0]]
        for axis in AXES[1:]:
            for what, one, other in _contradictions(first, self.cards[axis]):
                raise InputError(
                    f"slices: the models of {AXES[0]} and {axis} differ in their {what}, {one} "
                    f"and {other}; train both pictures as classes of one model, with the same "
                    "phases and one pixel size"
                )
        self._voxel_size()

    def _lengths(self, entry: Callable[[ModelCard], tuple[Any, ...]]) -> list[list[Any]]:
        """Return for every axis of the volume what the two models of slices along it say."""
        lengths: list[list[Any]] = [[], [], []]
        for normal, axis in enumerate(AXES):
            along = [k for k in range(len(AXES)) if k != normal]
            for k, value in zip(along, entry(self.cards[axis]), strict=True):
                lengths[k].append(value)
        return lengths

    def _voxel_size(self) -> tuple[float, ...]:
        sizes = self._lengths(lambda card: card.voxel_size)
        for axis, (one, other) in zip(AXES, sizes, strict=True):
            if not math.isclose(one, other, rel_tol=1e-6):
                raise InputError(
                    f"slices: along {axis} the pixels of the models are {one:g} and {other:g} "
                    f"{self.cards[AXES[0]].unit} long; bring the pictures to one pixel size "
                    "(microdsd import --coarsen, --voxel-size)"
                )
        return tuple(one for one, _ in sizes)

    def volume_walk(self) -> VolumeWalk:
        """Return how volumes are made: as calibrated, where one model makes all slices."""
        calibrated = {card.volumes for card in self.cards.values()}
        if len(calibrated) == 1 and None not in calibrated:
            (walk,) = calibrated
            assert walk is not None
            return walk
        return uncalibrated(last_draw=self._last_draw is not None)

    @property
    def _last_draw(self) -> UNetConfig | None:
        """Return the network of the last draw of volumes, if the slices of every axis have one."""
        first, *others = (self.cards[axis].last_draw for axis in AXES)
        if first is None or None in others:
            return None
        return replace(first, ndim=len(AXES))

    def _scan_fractions(self) -> dict[str, Mapping[str, tuple[float, float]]]:
        """Return what one picture knows of the fractions; several may contradict one another."""
        known = [
            {"": card.scan_fractions.get(self.classes[axis], {})}
            if axis in self.classes
            else dict(card.scan_fractions)
            for axis, card in self.cards.items()
        ]
        return known[0] if all(one == known[0] for one in known) else {}

    def card(self, walk: VolumeWalk | None = None) -> ModelCard:
        """Return the card of the volumes that the models make together.

        Parameters
        ----------
        walk : VolumeWalk, optional
            In place of the calibrated one.
        """
        self.require_together()
        walk = self.volume_walk() if walk is None else walk
        cards = list(self.cards.values())
        first = cards[0]
        sigma_min = max(card.sigma_min for card in cards)
        sigma_max = min(card.sigma_max for card in cards)
        ranges = [
            {name: span[1:] for name, span in card.classes[self.classes[axis]].items()}
            if axis in self.classes
            else card.fraction_range
            for axis, card in self.cards.items()
        ]
        means = [
            {name: span[0] for name, span in card.classes[self.classes[axis]].items()}
            if axis in self.classes
            else card.fraction_mean
            for axis, card in self.cards.items()
        ]
        mean = {name: sum(one[name] for one in means) / len(means) for name in first.contents.names}
        return replace(
            first,
            network=replace(first.network, ndim=len(AXES), properties=0),
            properties=None,  # what a slice has, the volume need not have
            window=tuple(min(pair) for pair in self._lengths(lambda card: card.window)),
            voxel_size=self._voxel_size(),
            sigma_min=sigma_min,
            sigma_max=sigma_max,
            evaluations=walk.evaluations,
            walks=(walk.walk_back(sigma_min, sigma_max, first.network.species),),
            volumes=walk,
            last_draw=self._last_draw,
            spectrum=None,  # which is of a slice and not of volumes
            fraction_mean=mean,
            fraction_range={
                name: (min(one[name][0] for one in ranges), max(one[name][1] for one in ranges))
                for name in first.contents.names
            },
            classes={} if self.classes else first.classes,
            scan_fractions=self._scan_fractions(),
        )


def require_isotropic(card: ModelCard) -> None:
    """Refuse to take one picture for those of all three directions, unless its card says so.

    Raises
    ------
    InputError
        Gives the reason, and what to do.
    """
    _require_slices("z, y, x", card)
    if card.symmetry != "isotropic":
        raise InputError(
            f"shape: the model is of slices of a material whose symmetry is {card.symmetry!r}, and "
            "one cut does not say what the others look like: a layered material cut along its "
            "layers would become a stack that no cut shows. Train with --symmetry isotropic if all "
            "directions are alike; else give a model or class for every direction with --slices "
            "z=... y=... x=... (the same one three times states that they are alike)"
        )


def _require_slices(axis: str, card: ModelCard) -> None:
    if len(card.window) != 2:
        raise InputError(f"slices: the model of {axis} is {len(card.window)}D; give one of slices")
    METHODS[card.method].require_potential("volumes from slices")
    card.contents.require_phases("slices", "volumes from slices")
    if not card.network.read_out:
        raise InputError(
            f"slices: the model of {axis} does not read out phases, it is of an early version; "
            "train it again"
        )


def _contradictions(one: ModelCard, other: ModelCard) -> Iterator[tuple[str, Any, Any]]:
    """Yield what two models of slices may not differ in."""
    if dict(one.phases) != dict(other.phases):
        yield "phases", dict(one.phases), dict(other.phases)
    if one.contents != other.contents:
        what = "background, the phase that no walkers stand for"
        yield (
            what,
            one.contents.require_phases("slices", "volumes").background,
            other.contents.require_phases("slices", "volumes").background,
        )
    if one.unit != other.unit:
        yield "unit of the pixels", one.unit, other.unit
    if one.octaves != other.octaves:
        yield "octaves", one.octaves, other.octaves
