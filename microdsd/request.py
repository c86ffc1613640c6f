"""What is asked of a model: checked and resolved before any work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microdsd.errors import InputError
from microdsd.microstructure.composition import (
    Fractions,
    counts_from_fractions,
    fractions_per_sample,
)
from microdsd.microstructure.seeds import resolve_seed
from microdsd.process import Boundary, Lattice
from microdsd.training.checkpoint import ModelCard

MIN_LENGTH = 4
"""Shortest axis of a box, voxels."""


@dataclass(frozen=True)
class GenerationRequest:
    """Samples to be made, down to the last voxel of their composition.

    Parameters
    ----------
    lattice : Lattice
        The box.
    fractions : dict of str to tuple of float
        As asked for: by phase name, one entry per sample.
    counts : ndarray of int64, shape (samples, phases)
        Exact voxels of every phase, in ascending order of the labels.
    levels : tuple of float
        Noise levels of the network's evaluations; with ``epsilon`` the first one alone.
    seed : int
    streams : tuple of int
        Sample k depends on (seed, streams[k]) alone. Samples of one stream start from the same
        walkers and move them by the same numbers, whatever their compositions.
    notes : tuple of str
        Plain sentences on what about the request is an extrapolation.
    epsilon : float or None
        Share of a voxel's walkers that may leave in one leap, where that sets the levels.
    """

    lattice: Lattice
    fractions: Mapping[str, tuple[float, ...]]
    counts: np.ndarray
    levels: tuple[float, ...]
    seed: int
    streams: tuple[int, ...]
    notes: tuple[str, ...] = field(default=())
    epsilon: float | None = None

    def __len__(self) -> int:
        return len(self.counts)

    @classmethod
    def resolve(
        cls,
        card: ModelCard,
        n: int,
        *,
        phase_fraction: Fractions | None = None,
        shape: Sequence[int] | None = None,
        boundary: Boundary | Sequence[Boundary] = "no-flux",
        evaluations: int | None = None,
        sigma_last: float | None = None,
        epsilon: float | None = None,
        streams: Sequence[int] | None = None,
        rng: int | np.random.Generator | None = None,
    ) -> GenerationRequest:
        """Check a request against a model's card; see `MicrostructureModel.sample`.

        Raises
        ------
        InputError
            For a request that cannot be met; says what can.
        """
        if n < 1:
            raise InputError(f"n={n}: ask for at least one sample")
        shape = tuple(card.window if shape is None else shape)
        if len(shape) != len(card.window):
            raise InputError(
                f"shape={shape}: the model is {len(card.window)}D, give {len(card.window)} numbers"
            )
        if min(shape) < MIN_LENGTH:
            raise InputError(f"shape={shape}: every axis needs at least {MIN_LENGTH} voxels")
        lattice = Lattice.box(shape, boundary)
        evaluations_given = evaluations is not None
        evaluations = card.evaluations if evaluations is None else evaluations
        sigma_last = card.sigma_last if sigma_last is None else sigma_last
        levels = tuple(card.levels(evaluations, sigma_last))
        if epsilon is not None:
            _check_epsilon(card, epsilon, evaluations_given)
            levels = levels[:1]
        mean: Fractions = {**card.fraction_mean}
        fractions = fractions_per_sample(
            mean if phase_fraction is None else phase_fraction, card.phases, n
        )
        counts = [
            counts_from_fractions(
                {name: column[i] for name, column in fractions.items()},
                card.phases,
                lattice.n_sites,
            )
            for i in range(n)
        ]
        return cls(
            lattice,
            fractions,
            np.array([[row[label] for label in sorted(card.phases)] for row in counts]),
            levels,
            resolve_seed(rng),
            tuple(range(n) if streams is None else streams),
            (*_fraction_notes(card, fractions), *_size_notes(card, shape)),
            epsilon,
        )

    def record(self, card: ModelCard) -> dict[str, Any]:
        """The request as JSON can hold it."""
        names = [card.phases[label] for label in sorted(card.phases)]
        return {
            "samples": len(self),
            "shape": list(self.lattice.shape),
            "boundary": list(self.lattice.boundary),
            "seed": self.seed,
            "streams": list(self.streams),
            "method": card.method,
            "evaluations": len(self.levels) if self.epsilon is None else None,
            "epsilon": self.epsilon,
            "levels": list(self.levels),
            "requested_fractions": {k: list(v) for k, v in self.fractions.items()},
            "requested_counts": {name: self.counts[:, k].tolist() for k, name in enumerate(names)},
            "trained_fractions": {k: list(v) for k, v in card.fraction_range.items()},
            "notes": list(self.notes),
        }


def _check_epsilon(card: ModelCard, epsilon: float, evaluations_given: bool) -> None:
    if card.method != "tau-leaping":
        raise InputError(
            f"epsilon={epsilon}: is for tau-leaping, and the model's method is {card.method}; "
            "give evaluations"
        )
    if evaluations_given:
        raise InputError(f"epsilon={epsilon}: sets the number of evaluations; give one of the two")
    if not 0 < epsilon < 1:
        raise InputError(f"epsilon={epsilon}: give a probability between 0 and 1")


def _fraction_notes(card: ModelCard, fractions: Mapping[str, tuple[float, ...]]) -> list[str]:
    notes = []
    for name, asked in fractions.items():
        low, high = card.fraction_range[name]
        if min(asked) < low or max(asked) > high:
            span = f"{min(asked):.4g}" + (
                f" to {max(asked):.4g}" if max(asked) > min(asked) else ""
            )
            notes.append(
                f"{name} = {span} lies outside the {low:.3g} to {high:.3g} of the training "
                "windows: counts will be exact, but the structure is an extrapolation"
            )
    return notes


def _size_notes(card: ModelCard, shape: Sequence[int]) -> list[str]:
    if all(n <= w for n, w in zip(shape, card.window, strict=True)):
        return []
    return [
        f"the box is larger than the training window {card.window}: sampling starts from the "
        f"window's horizon of {card.sigma_max:.3g} voxels, and nothing varies on longer scales"
    ]
