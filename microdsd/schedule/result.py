"""Results of an examination in plain numbers, which a report can read."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xarray as xr


class Horizon(Protocol):
    """Describe the noise level at which walks may start; see `process.Horizon`."""

    @property
    def sigma(self) -> float:
        """Return the noise level, voxels."""

    @property
    def residual(self) -> float:
        """Return the amplitude that the slowest mode of the box keeps."""

    @property
    def information(self) -> float:
        """Return the nats per window that the noise reveals of its source, at most."""

    @property
    def sufficient(self) -> bool:
        """Tell whether both are within what the recommended horizon leaves."""


@dataclass(frozen=True)
class Schedule:
    """Hold the result of `examine`.

    Attributes
    ----------
    window : tuple of int
    boundary : {"no-flux", "periodic"}
    phases : dict of int to str
        Present in the scan.
    background : int
        Label of the phase that no walker stands for.
    windows : int
        Number of windows that were measured.
    horizon : Horizon
        The one examined.
    recommended : Horizon
        The horizon that training uses by default.
    information_limit : float
        Nats per window that a recommended horizon may leave.
    levels : tuple of float
        Grid of the bridges from the horizon down, one network evaluation each.
    octaves : tuple of float
        Noise levels above which walkers are on blocks of 2, 4, ... voxels per axis.
    tau_leaping : dict of str to float
        Evaluations that tau-leaping needs from the same horizon, by epsilon of the paper.
    displaced : float
        Share of walkers that the last level moves off their voxel.
    overlap : float
        Share of walkers that share their voxel with another at the last level. A last step that
        were drawn instead of assigned would leave about as many.
    curves : Dataset, dims (species, level, distance)
        Against the noise level: ``residual``, ``information`` (nats per window),
        ``correlation`` and ``ssim`` of noised with real windows, ``two_point``, the mean of
        n(x) n(x + r). Level 0 is the material itself.
    noised : DataArray, dims (level, species, y, x)
        Occupation numbers of one window, or of its middle slice, at some levels.
    """

    window: tuple[int, ...]
    boundary: str
    phases: Mapping[int, str]
    background: int
    windows: int
    horizon: Horizon
    recommended: Horizon
    information_limit: float
    levels: tuple[float, ...]
    octaves: tuple[float, ...]
    tau_leaping: Mapping[str, float]
    displaced: float
    overlap: float
    curves: xr.Dataset
    noised: xr.DataArray

    @property
    def sigma_last(self) -> float:
        """Return the noise level of the last step, voxels."""
        return self.levels[-1]

    def verdict(self) -> str:
        """State the verdict on the horizon in one sentence."""
        return horizon_sentence(self.horizon, self.recommended)

    def summary(self) -> dict[str, str]:
        """Describe the whole result in words."""
        best = self.recommended
        leaping = (f"{n:,.0f} ({material})" for material, n in self.tau_leaping.items())
        return {
            "windows": f"{self.windows} of {' x '.join(map(str, self.window))} voxels, "
            f"{self.boundary}",
            "horizon": self.verdict(),
            "recommended": f"sigma {best.sigma:.1f}: {brief(best.residual)} of the slowest mode, "
            f"at most {brief(best.information)} nats per window",
            "last step": f"sigma {self.sigma_last:g} moves {self.displaced:.0%} of the walkers; "
            f"drawn, it would leave about {self.overlap:.0%} sharing a voxel",
            "evaluations": f"bridges {len(self.levels)}; tau-leaping at least "
            + ", ".join(leaping),
            "grid": " ".join(f"{sigma:.3g}" for sigma in self.levels),
            "lattices": self.lattices(),
        }

    def lattices(self) -> str:
        """State which lattice the walk visits at which noise, its evaluations, and why."""
        bounds = (0.0, *self.octaves, math.inf)
        visits = [
            sum(low < sigma <= high for sigma in self.levels)
            for low, high in itertools.pairwise(bounds)
        ]
        if not self.octaves:
            return (
                f"voxels alone, {visits[0]} evaluations: blocks of 2 would leave fewer than 16 "
                "sites across a window, or the horizon is too near"
            )
        cost = sum(n / 2 ** (j * len(self.window)) for j, n in enumerate(visits))
        parts = [
            f"blocks of {2 ** (j + 1)} above {level:g} ({n} evaluations)"
            for j, (level, n) in enumerate(zip(self.octaves, visits[1:], strict=True))
        ]
        return (
            f"voxels up to {self.octaves[0]:g} voxels of noise ({visits[0]} evaluations), "
            + ", ".join(parts)
            + f": as much work as {cost:.1f} evaluations on voxels; from two of its sites of noise "
            "on, a lattice loses nothing"
        )

    def to_dict(self) -> dict[str, Any]:
        """Convert everything but the picture to what JSON can hold."""
        return {
            "window": list(self.window),
            "boundary": self.boundary,
            "phases": {str(label): name for label, name in self.phases.items()},
            "background": self.phases[self.background],
            "windows": self.windows,
            "verdict": self.verdict(),
            "horizon": {**_remains(self.horizon), "sufficient": self.horizon.sufficient},
            "recommended": _remains(self.recommended),
            "last_step": {
                "sigma": self.sigma_last,
                "displaced": self.displaced,
                "overlap": self.overlap,
            },
            "evaluations": {"bridges": len(self.levels), "tau_leaping": dict(self.tau_leaping)},
            "levels": list(self.levels),
            "octaves": list(self.octaves),
            "curves": {
                "sigma": self.curves["level"].values.tolist(),
                "distance": self.curves["distance"].values.tolist(),
                "species": self.curves["species"].values.tolist(),
                **{name: _numbers(values) for name, values in self.curves.data_vars.items()},
            },
        }


def horizon_sentence(horizon: Horizon, recommended: Horizon) -> str:
    """State what a horizon leaves, and a better one, if any."""
    left = (
        f"the noise at sigma {horizon.sigma:.1f} keeps {brief(horizon.residual)} of the slowest "
        f"mode and at most {brief(horizon.information)} nats per window on its source"
    )
    if horizon.sufficient:
        return f"{left}: it may be taken for uniform"
    return f"{left}: the layout of the source is still in it; use {recommended.sigma:.1f}"


def brief(number: float) -> str:
    """Format a number with two digits, or as a whole number.

    Examples
    --------
    >>> brief(0.01234), brief(789.4)
    ('0.012', '789')
    """
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"


def _remains(horizon: Horizon) -> dict[str, float]:
    return {
        "sigma": horizon.sigma,
        "residual": horizon.residual,
        "information": horizon.information,
    }


def _numbers(values: xr.DataArray) -> Any:
    """Convert to nested lists, with None where there is no number."""
    return values.astype(object).where(np.isfinite(values), None).values.tolist()
