"""Examination of a scan: how far noise must go, where walks may end, and the cost.

Everything is measured on windows of the scan itself and on their exact forward walk, before any
training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from microdsd.encoding import PhaseEncoding, WindowSampler
from microdsd.encoding.scan import Source, number_of_windows, present_phases, window_shape
from microdsd.encoding.windows import Symmetry
from microdsd.io import LabelSource, open_labels
from microdsd.io.windows import Region
from microdsd.microstructure import PhaseNames, VoxelSizeLike
from microdsd.microstructure.outside import outside_label
from microdsd.process import (
    Boundary,
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
from microdsd.schedule.noise_curves import noise_curves, noised
from microdsd.schedule.octaves import octave_levels
from microdsd.schedule.result import Schedule
from microdsd.training.paper import PAPER_SETTINGS

EVALUATIONS = {2: 24, 3: 16}
"""Network evaluations of the bridges, by the number of axes; see docs/decisions/0006."""

SIGMA_LAST = 0.67
"""Last noise level assumed before a model is calibrated, voxels."""

_LOWEST = 0.3
_CURVE_LEVELS = 16


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
        Evaluations of the bridges; by default 24 in 2D and 16 in 3D.
    boundary : {"no-flux", "periodic"}
    symmetry : {"none", "orthotropic", "transverse", "isotropic"}
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
    >>> result = examine(blobs((48, 48), fractions=(0.3, 0.7), scale=2, rng=0), window=16)
    >>> round(result.recommended.sigma, 1), len(result.levels)
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
    octaves = octave_levels(shape, horizon.sigma)
    bend = min(octaves, default=math.inf)
    levels = level_grid(horizon.sigma, sigma_last, levels_asked, log_above=bend)
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
        information_limit=LAYOUT,
        levels=tuple(levels),
        octaves=octaves,
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
