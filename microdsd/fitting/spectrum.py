"""The power spectrum of the training windows, with which walkers start below the horizon."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from microdsd.encoding.windows import Symmetry
from microdsd.fitting.material import Material
from microdsd.models.contents import Phases
from microdsd.models.spectrum import Array, Spectrum
from microdsd.process import Boundary, Lattice, TransitionKernel

_SHORTEST = 0.6
"""Wavenumber, radians per voxel, beyond which less than one part in a thousand of a material's
power is left at 5 voxels of noise."""

_DENSER = 1.25
"""Ratio of wavenumbers below which waves count as one group."""

_WINDOWS = 128
"""Training windows that are measured."""

_DIGITS = 4

_NONE = 1e-9


def spectrum_of(material: Material, boundary: Boundary, symmetry: Symmetry) -> Spectrum | None:
    """Measure the spectrum of training windows; images have none."""
    if not isinstance(material.contents, Phases):
        return None
    windows, _ = material.training.evenly(_WINDOWS, np.random.default_rng(0))
    return measured_spectrum(windows, material.contents, boundary, symmetry)


def measured_spectrum(
    windows: np.ndarray, contents: Phases, boundary: Boundary, symmetry: Symmetry
) -> Spectrum:
    """Measure the power spectrum of windows of labels.

    Parameters
    ----------
    windows : ndarray, shape (n, *window)
    contents : Phases
    boundary : {"no-flux", "periodic"}
        Of the windows: it says what their modes are.
    symmetry : {"none", "orthotropic", "transverse", "isotropic"}
        Axes that are alike share their power.

    Examples
    --------
    >>> voxels = (np.random.default_rng(0).random((200, 16, 16)) < 0.3).astype(np.uint8)
    >>> contents = Phases({0: "solid", 1: "pore"}, background=0)
    >>> power = measured_spectrum(voxels, contents, "no-flux", "isotropic").table
    >>> bool((abs(power - 1) < 0.2).all())
    True
    """
    shape = windows.shape[1:]
    kernel = TransitionKernel(Lattice.box(shape, boundary))
    axes = [_long_waves(kernel, axis) for axis in range(len(shape))]
    vectors, waves, groups = zip(*axes, strict=True)
    power = np.zeros((len(contents.species),) * 2 + tuple(map(len, waves)))
    for window in windows:
        modes = np.stack([_coefficients(window == label, vectors) for label in contents.species])
        power += np.einsum("c...,d...->cd...", modes, modes) / len(windows)
    for axis, starts in enumerate(groups):
        power = _averaged(power, starts, 2 + axis)
    power = np.mean([power.transpose(order) for order in _alike(shape, symmetry)], axis=0)
    _fill_origin(power)
    return Spectrum(
        tuple(
            tuple(_averaged(along, starts, 0).round(6).tolist())
            for along, starts in zip(waves, groups, strict=True)
        ),
        tuple(float(f"{value:.{_DIGITS}g}") for value in power.ravel()),
    )


def _long_waves(kernel: TransitionKernel, axis: int) -> tuple[Array, Array, list[int]]:
    """Return vectors (sites, modes), wavenumbers, and where groups of nearly equal ones begin."""
    eigenvalues, vectors = kernel.modes(axis)
    waves = (-eigenvalues).clamp_min(0).sqrt().numpy()
    waves = waves[: max(2, int((waves <= _SHORTEST).sum()))]
    starts = [0, 1]
    for mode, wave in enumerate(waves):
        if wave >= _DENSER * waves[starts[-1]]:
            starts.append(mode)
    return vectors[:, : len(waves)].numpy(), waves, starts


def _coefficients(indicator: np.ndarray, vectors: Sequence[Array]) -> Array:
    """Return the coefficients of an indicator that is scaled to variance 1; 0 where it is even."""
    phi = indicator.mean()
    field: Array = (indicator - phi) / max(np.sqrt(phi * (1 - phi)), _NONE)
    for axis, along in enumerate(vectors):
        field = np.moveaxis(np.tensordot(field, along, axes=(axis, 0)), -1, axis)
    return field


def _averaged(values: Array, starts: Sequence[int], axis: int) -> Array:
    """Average along an axis over the groups that begin at these places."""
    sizes = np.diff([*starts, values.shape[axis]])
    sums = np.add.reduceat(values, starts, axis=axis)
    means: Array = sums / sizes.reshape(-1, *[1] * (values.ndim - axis - 1))
    return means


def _alike(shape: Sequence[int], symmetry: Symmetry) -> Iterator[tuple[int, ...]]:
    """Yield the orders of the axes of power, those of species first, that are as good as any."""
    axes = range(len(shape))
    for order in itertools.permutations(axes):
        moved = [axis for axis, other in zip(axes, order, strict=True) if axis != other]
        allowed = symmetry == "isotropic" or (symmetry == "transverse" and 0 not in moved)
        if order == tuple(axes) or (allowed and len({shape[axis] for axis in moved}) == 1):
            yield (0, 1, *(2 + axis for axis in order))


def _fill_origin(power: Array) -> None:
    """Set the power at wavenumber 0, of which windows say nothing, to that of the longest waves."""
    unit = np.eye(power.ndim - 2, dtype=int)
    longest = [power[(slice(None), slice(None), *place)] for place in unit]
    power.reshape(*power.shape[:2], -1)[..., 0] = np.mean(longest, axis=0)
