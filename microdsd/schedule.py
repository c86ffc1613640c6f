"""The schedule of a scan: how far noise must go, where walks may end, what that costs.

Everything is measured on windows of the scan itself and on their exact forward walk, before any
training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr

from microdsd.encoding import PhaseEncoding, WindowSampler
from microdsd.encoding.windows import Symmetry
from microdsd.errors import InputError
from microdsd.io import LabelSource, open_labels
from microdsd.io.windows import Region
from microdsd.microstructure import PhaseNames, VoxelSizeLike
from microdsd.microstructure.outside import material_phases, outside_label
from microdsd.noise_curves import MEASURED_VOXELS, noise_curves, noised
from microdsd.process import (
    Boundary,
    Horizon,
    Lattice,
    TransitionKernel,
    horizon_at,
    level_grid,
    recommend_horizon,
    time_of,
)
from microdsd.process.mixing import (
    LAYOUT,
    crowded_share,
    displaced_share,
    tau_leaping_evaluations,
)
from microdsd.process.time_schedule import PAPER_SETTINGS
from microdsd.request import MIN_LENGTH

Source = str | xr.DataArray | np.ndarray | LabelSource

EVALUATIONS = {2: 24, 3: 16}
"""Network evaluations of the bridges, by the number of axes; see docs/decisions/0006."""

SIGMA_LAST = 0.67
"""Last noise level assumed before a model is calibrated, voxels."""

_LOWEST = 0.3
_CURVE_LEVELS = 16


@dataclass(frozen=True)
class Schedule:
    """What `examine` found.

    Parameters
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
        The one that training takes unless told otherwise.
    levels : tuple of float
        Grid of the bridges from the horizon down, one network evaluation each.
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
    boundary: Boundary
    phases: Mapping[int, str]
    background: int
    windows: int
    horizon: Horizon
    recommended: Horizon
    levels: tuple[float, ...]
    tau_leaping: Mapping[str, float]
    displaced: float
    overlap: float
    curves: xr.Dataset
    noised: xr.DataArray

    @property
    def sigma_last(self) -> float:
        """Noise level of the last step, voxels."""
        return self.levels[-1]

    @property
    def information_limit(self) -> float:
        """Nats per window that a recommended horizon may leave."""
        return LAYOUT

    def verdict(self) -> str:
        """One sentence on the horizon."""
        return horizon_sentence(self.horizon, self.recommended)

    def summary(self) -> dict[str, str]:
        """All in words: what is said of what."""
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
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything but the picture, as JSON can hold it."""
        return {
            "window": list(self.window),
            "boundary": self.boundary,
            "phases": {str(label): name for label, name in self.phases.items()},
            "background": self.phases[self.background],
            "windows": self.windows,
            "verdict": self.verdict(),
            "horizon": {**asdict(self.horizon), "sufficient": self.horizon.sufficient},
            "recommended": asdict(self.recommended),
            "last_step": {
                "sigma": self.sigma_last,
                "displaced": self.displaced,
                "overlap": self.overlap,
            },
            "evaluations": {"bridges": len(self.levels), "tau_leaping": dict(self.tau_leaping)},
            "levels": list(self.levels),
            "curves": {
                "sigma": self.curves["level"].values.tolist(),
                "distance": self.curves["distance"].values.tolist(),
                "species": self.curves["species"].values.tolist(),
                **{name: _numbers(values) for name, values in self.curves.data_vars.items()},
            },
        }


def examine(
    source: Source,
    *,
    window: int | Sequence[int],
    sigma_max: float | None = None,
    sigma_last: float = SIGMA_LAST,
    evaluations: int | None = None,
    boundary: Boundary = "no-flux",
    symmetry: Symmetry = "none",
    phases: PhaseNames | None = None,
    voxel_size: VoxelSizeLike | None = None,
    region: Region | None = None,
    rng: int | np.random.Generator | None = 0,
) -> Schedule:
    """Measure what a schedule does to the windows of a scan.

    Parameters
    ----------
    source : str, DataArray, ndarray or LabelSource
        Labels: ``"scan.h5:/path"``, or an array.
    window : int or sequence of int
        Voxels per axis, as in training.
    sigma_max : float, optional
        Horizon to examine, voxels; by default the recommended one.
    sigma_last : float
        Noise level of the last step, voxels.
    evaluations : int, optional
        Of the bridges; by default 24 in 2D and 16 in 3D.
    boundary : {"no-flux", "periodic"}
    symmetry : {"none", "transverse", "isotropic"}
        As in training: "isotropic" cuts slices of a volume normal to all axes.
    phases, voxel_size, region
        Passed to `microdsd.io.open_labels`.
    rng : None, int or numpy Generator
        Places the windows and moves the walkers.

    Returns
    -------
    Schedule

    Raises
    ------
    InputError
        If the window does not fit, the scan has one phase only, or levels are out of order.

    Examples
    --------
    >>> from microdsd.microstructure import blobs
    >>> found = examine(blobs((48, 48), fractions=(0.3, 0.7), scale=2, rng=0), window=16)
    >>> round(found.recommended.sigma, 1), len(found.levels)
    (15.5, 24)
    """
    labels = (
        source
        if isinstance(source, LabelSource)
        else open_labels(source, phases=phases, voxel_size=voxel_size, region=region)
    )
    shape = window_shape(window, len(labels.shape))
    kernel = TransitionKernel(Lattice.box(shape, boundary))
    levels_asked = EVALUATIONS[len(shape)] if evaluations is None else evaluations
    if sigma_max is not None:
        level_grid(sigma_max, sigma_last, levels_asked)  # refuses before long work
    encoding = PhaseEncoding(*present_phases(labels))
    generator = np.random.default_rng(rng)
    sampler = WindowSampler(
        labels,
        shape,
        (0, labels.shape[0]),
        symmetry,
        outside=outside_label(labels.phases),
    )
    occupation = encoding.encode(sampler.batch(number_of_windows(shape), generator))

    recommended = recommend_horizon(occupation, kernel)
    horizon = recommended if sigma_max is None else horizon_at(occupation, kernel, sigma_max)
    levels = level_grid(horizon.sigma, sigma_last, levels_asked)
    last = noised(occupation, kernel, sigma_last, generator)
    marked = {horizon.sigma, recommended.sigma}
    sigmas = sorted({0.0, *np.geomspace(_LOWEST, max(marked), _CURVE_LEVELS)[:-1], *marked})
    curves, pictures = noise_curves(
        occupation, kernel, sigmas, sigmas.index(horizon.sigma), generator
    )
    names = [encoding.phases[label] for label in encoding.species]
    return Schedule(
        window=shape,
        boundary=boundary,
        phases=encoding.phases,
        background=encoding.background,
        windows=len(occupation),
        horizon=horizon,
        recommended=recommended,
        levels=tuple(levels),
        tau_leaping={
            f"{material}, epsilon {paper.epsilon:g}": tau_leaping_evaluations(
                len(shape), horizon.sigma, paper.epsilon
            )
            for material, paper in PAPER_SETTINGS.items()
        },
        displaced=displaced_share(occupation, kernel, float(time_of(sigma_last))),
        overlap=crowded_share(last),
        curves=curves.assign_coords(species=names),
        noised=pictures.assign_coords(species=names),
    )


def window_shape(window: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """Voxels per axis of a window of a scan with so many axes; checks what needs no scan."""
    shape = (window,) * axes if isinstance(window, int) else tuple(int(n) for n in window)
    if len(shape) not in (2, 3):
        raise InputError(f"window={shape}: give 2 or 3 numbers")
    if min(shape) < MIN_LENGTH:
        raise InputError(f"window={shape}: every axis needs at least {MIN_LENGTH} voxels")
    return shape


def number_of_windows(shape: Sequence[int]) -> int:
    """Windows of a shape that are enough to measure on: as many voxels of any shape."""
    return max(8, min(64, MEASURED_VOXELS // math.prod(shape)))


def present_phases(source: LabelSource) -> tuple[dict[int, str], int]:
    """Phases that the whole scan holds, and the label of the largest."""
    counts = source.counts()  # a rare phase may be in none of the windows
    phases = {
        label: name for label, name in material_phases(source.phases).items() if counts.get(label)
    }
    if len(phases) < 2:
        raise InputError(f"source: holds only {phases}; a model needs at least two phases")
    return phases, max(phases, key=lambda label: counts[label])


def horizon_sentence(horizon: Horizon, recommended: Horizon) -> str:
    """What a horizon leaves, and what would be better, if anything."""
    left = (
        f"the noise at sigma {horizon.sigma:.1f} keeps {brief(horizon.residual)} of the slowest "
        f"mode and at most {brief(horizon.information)} nats per window on its source"
    )
    if horizon.sufficient:
        return f"{left}: it may be taken for uniform"
    return f"{left}: the layout of the source is still in it; use {recommended.sigma:.1f}"


def brief(number: float) -> str:
    """Two digits, or the whole number.

    Examples
    --------
    >>> brief(0.01234), brief(789.4)
    ('0.012', '789')
    """
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"


def _numbers(values: xr.DataArray) -> Any:
    """Nested lists, with None where there is no number."""
    return values.astype(object).where(np.isfinite(values), None).values.tolist()
