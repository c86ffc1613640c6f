"""Measures of noised windows, level by level, after their exact forward walk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from torch import Tensor

from microdsd.encoding.scan import MEASURED_VOXELS
from microdsd.metrics.correlation import Grid, Shells, pair_counts
from microdsd.process import TransitionKernel, Walkers, sample_forward, time_of
from microdsd.process.mixing import layout_correlation, layout_information
from microdsd.process.streams import drawn_streams

_PICTURED = 6


def noised(
    occupation: Tensor, kernel: TransitionKernel, sigma: float, rng: np.random.Generator
) -> Tensor:
    """Walk windows exactly to the level sigma."""
    if sigma == 0:
        return occupation
    generators = drawn_streams(rng, len(occupation), kernel.device)
    t = time_of(sigma).expand(len(occupation))
    return sample_forward(
        Walkers.of(occupation, kernel.lattice), kernel, t, generators
    ).occupation()


def noise_curves(
    occupation: Tensor,
    kernel: TransitionKernel,
    levels: Sequence[float],
    horizon: int,
    rng: np.random.Generator,
) -> tuple[xr.Dataset, xr.DataArray]:
    """Measure what is left of windows at every noise level.

    Parameters
    ----------
    occupation : Tensor, shape (windows, species, *space)
    kernel : TransitionKernel
    levels : sequence of float
        Noise levels, voxels.
    horizon : int
        Which of the levels must be among the pictures.
    rng : Generator

    Returns
    -------
    curves : Dataset, dims (species, level, distance)
        ``residual`` of the slowest mode, ``information`` and ``correlation`` of the layout with its
        source, ``ssim`` with the real windows, ``two_point`` of the occupation numbers.
    pictures : DataArray, dims (level, species, y, x)
        One window, or its middle layer, at some of the levels.
    """
    drawn = occupation[: max(1, MEASURED_VOXELS // kernel.lattice.n_sites)]
    pictured = np.linspace(0, len(levels) - 1, _PICTURED).round().astype(int)
    pictured[np.abs(pictured - horizon).argmin()] = horizon
    lattice = kernel.lattice
    periodic = lattice.boundary[0] == "periodic"
    rows: dict[str, list[Any]] = {}
    slices = []
    for k, sigma in enumerate(levels):
        t = float(time_of(sigma))
        state = noised(drawn, kernel, sigma, rng)
        distance, two_point = _two_point(state.numpy(), periodic)
        for name, value in {
            "residual": kernel.mixing_residual(t),
            "information": float(layout_information(occupation, kernel, t).mean()),
            "correlation": layout_correlation(occupation, kernel, t).nanmean(0).numpy(),
            "ssim": _similarity(drawn.numpy(), state.numpy()),
            "two_point": two_point,
        }.items():
            rows.setdefault(name, []).append(value)
        if k in pictured:
            plane = state[0] if lattice.ndim == 2 else state[0, :, lattice.shape[0] // 2]
            slices.append((sigma, plane.numpy()))
    dims: dict[str, tuple[str, ...]] = {
        "residual": ("level",),
        "information": ("level",),
        "correlation": ("level", "species"),
        "ssim": ("level", "species"),
        "two_point": ("level", "species", "distance"),
    }
    curves = xr.Dataset(
        {name: (dims[name], np.array(values)) for name, values in rows.items()},
        coords={"level": levels, "distance": distance},
    ).transpose("species", "level", "distance")
    pictures = xr.DataArray(
        np.stack([state for _, state in slices]),
        dims=("level", "species", "y", "x"),
        coords={"level": [sigma for sigma, _ in slices]},
        name="occupation",
    )
    return curves, pictures


def _similarity(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Average the SSIM of noised with real occupation numbers; shape (species,)."""
    from skimage.metrics import structural_similarity

    edge = min(7, (min(before.shape[2:]) - 1) | 1)  # odd, and no longer than the window
    similarity = np.empty(before.shape[:2])
    for member in np.ndindex(*similarity.shape):
        similarity[member] = structural_similarity(  # type: ignore[no-untyped-call]
            before[member], after[member], win_size=edge, data_range=1.0
        )
    mean: np.ndarray = similarity.mean(0)
    return mean


def _two_point(occupation: np.ndarray, periodic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Average n(x) n(x + r) over shells floor(|r|) up to half a window; also return mean |r|."""
    space = occupation.shape[2:]
    grid = Grid.of(space, (1.0,) * len(space), periodic)
    shells = Shells.of(grid, min(space) // 2)
    lengths = grid.transform_lengths(shells.reach)
    pairs = (
        pair_counts(species, species, lengths, shells.reach).mean(0)
        for species in occupation.swapaxes(0, 1)
    )
    return shells.distance, np.stack([shells.mean(counts) for counts in pairs])
