"""Targets of annealing: S2 and lineal path along lattice directions, at any composition."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from microdsd.baselines.curve import TwoPointCurve
from microdsd.baselines.planes import PlaneWindows
from microdsd.baselines.reference import ReferenceWindows
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.symmetry import symmetry_elements

Array = NDArray[np.float64]


def lattice_directions(ndim: int) -> NDArray[np.int64]:
    """Return the steps to all neighbours (face, edge, corner), one of each +- pair.

    The axes come first: 4 directions in 2D, 13 in 3D.

    Examples
    --------
    >>> lattice_directions(2).tolist()
    [[1, 0], [0, 1], [1, -1], [1, 1]]
    """
    steps = [step for step in itertools.product((-1, 0, 1), repeat=ndim) if step > (0,) * ndim]
    return np.array(sorted(steps, key=lambda s: (np.abs(s).sum(), np.argmax(s), s)))


def phase_pairs(phases: int, background: int) -> list[tuple[int, int]]:
    """Return the pairs of phases whose S2 is matched; the others determine the background.

    Examples
    --------
    >>> phase_pairs(3, background=1)
    [(0, 0), (0, 2), (2, 2)]
    """
    kept = [phase for phase in range(phases) if phase != background]
    return list(itertools.combinations_with_replacement(kept, 2))


@dataclass(frozen=True)
class DirectionalTargets:
    r"""Hold S2 and lineal path along lattice directions, for any composition.

    Attributes
    ----------
    directions : ndarray of int, shape (directions, axes)
    reach : ndarray of int, shape (directions,)
        Steps to the longest lag.
    pairs : list of (int, int)
    correlation : ndarray, shape (pairs, directions, lags)
        :math:`\chi` of every pair.
    persistence : ndarray, shape (phases, directions, lags)
        :math:`\eta` of every phase; NaN along directions in which nothing is known of it.

    Notes
    -----
    Windows differ in composition, and so do samples. What is averaged over the reference windows
    w is therefore the pair correlation, normalised by the composition of every window,

    .. math:: \chi_{ab}(r) = \frac{\langle S_2^{ab}(r) - \phi_a \phi_b \rangle_w}
        {\langle \phi_a (\delta_{ab} - \phi_b) \rangle_w}

    and samples of another composition aim at :math:`\phi_a\phi_b + \phi_a(\delta_{ab} - \phi_b)
    \chi_{ab}(r)`. Samples with the compositions of the reference windows thus have the windows'
    mean S2. Likewise for the lineal path: a line of k steps inside phase a goes on for one more
    with probability :math:`\phi_a + (1 - \phi_a) \eta_a(k)`, where :math:`\eta_a(k)` is such that
    lines at the windows' own fractions have the windows' mean lineal path.
    """

    directions: NDArray[np.int64]
    reach: NDArray[np.int64]
    pairs: list[tuple[int, int]]
    correlation: Array
    persistence: Array

    @classmethod
    def of(cls, reference: ReferenceWindows) -> DirectionalTargets:
        """Measure the reference windows."""
        directions = lattice_directions(len(reference.window))
        reach = _reach(reference.reach, directions)
        fractions = reference.fractions
        background = int(np.argmax(fractions.mean(axis=0)))
        pairs = phase_pairs(fractions.shape[1], background)
        correlation = np.stack(
            [_along(pair_correlation(reference, pair), directions, reach) for pair in pairs]
        )
        persistence = np.stack(
            [
                _persistence(reference, fractions[:, phase], phase, directions, reach)
                for phase in range(fractions.shape[1])
            ]
        )
        return cls(directions, reach, pairs, correlation, persistence)

    @classmethod
    def of_planes(cls, planes: PlaneWindows) -> DirectionalTargets:
        """Measure pictures, for volumes.

        S2 is lifted to all directions. The lineal path is that of the directions which lie in a
        plane of the pictures; along body diagonals nothing is known of it.
        """
        directions = lattice_directions(3)
        reach = _reach(planes.reach, directions)
        background = int(np.argmax(planes.material.fractions))
        pairs = phase_pairs(len(planes.material.fractions), background)
        lifted = (planes.correlation_map(partial(pair_correlation, pair=pair)) for pair in pairs)
        correlation = np.stack([_along(chi, directions, reach) for chi in lifted])
        persistence = np.stack(
            [
                _persistence_in_planes(planes, phase, directions)
                for phase in range(len(planes.material.fractions))
            ]
        )
        return cls(directions, reach, pairs, correlation, persistence)

    @classmethod
    def of_curve(cls, curve: TwoPointCurve) -> DirectionalTargets:
        """Take S2 of the first of two phases from a curve; nothing is known of lineal paths."""
        directions = lattice_directions(curve.ndim)
        reach = _reach(curve.reach, directions)
        correlation = _along(curve.correlation_map(), directions, reach)
        unknown = np.full((2, len(directions), curve.reach + 1), np.nan)
        return cls(directions, reach, [(0, 0)], correlation[np.newaxis], unknown)

    def two_point(self, fractions: Array) -> Array:
        """Return the target S2 (pairs, directions, lags) for phase fractions (phases,)."""
        product = np.array([fractions[a] * fractions[b] for a, b in self.pairs])
        variance = np.array([fractions[a] * ((a == b) - fractions[b]) for a, b in self.pairs])
        return np.asarray(product[:, None, None] + variance[:, None, None] * self.correlation)

    def lineal_path(self, fractions: Array) -> Array:
        """Return the target lineal path (phases, directions, lags) for phase fractions."""
        phi = fractions[:, None, None]
        step = np.clip(phi + (1 - phi) * self.persistence[..., 1:], 0, 1)
        start = np.broadcast_to(phi, (*self.persistence.shape[:2], 1))
        return np.cumprod(np.concatenate([start, step], axis=-1), axis=-1)


def pair_correlation(reference: ReferenceWindows, pair: tuple[int, int]) -> Array:
    r"""Return :math:`\chi` of two phases at all lags, lag zero in the middle."""
    a, b = pair
    fractions = reference.fractions
    two_point = reference.two_point_map(reference.phase == a, reference.phase == b)
    product = (fractions[:, a] * fractions[:, b]).mean()
    variance = (fractions[:, a] * ((a == b) - fractions[:, b])).mean()
    return np.asarray((two_point - product) / variance)


def _reach(longest: int, directions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the steps along every direction to the longest lag."""
    length = np.sqrt((directions**2).sum(axis=1))
    return np.asarray(np.maximum(1, (longest / length).astype(np.int64)))


def _along(chi: Array, directions: NDArray[np.int64], reach: NDArray[np.int64]) -> Array:
    """Return the values ``(directions, lags)`` of a map along directions."""
    longest = chi.shape[0] // 2
    along = np.zeros((len(directions), longest + 1))
    for d, (step, far) in enumerate(zip(directions, reach, strict=True)):
        lags = longest + np.arange(far + 1)[:, None] * step
        along[d, : far + 1] = chi[tuple(lags.T)]
    return along


def _persistence_in_planes(
    planes: PlaneWindows, phase: int, directions: NDArray[np.int64]
) -> Array:
    r"""Return :math:`\eta` along the directions of a volume; NaN where no plane holds one."""
    in_plane = lattice_directions(2)
    known = {
        axis: _persistence(
            windows,
            windows.fractions[:, phase],
            phase,
            in_plane,
            _reach(windows.reach, in_plane),
        )
        for axis, windows in planes.by_normal.items()
    }
    eta = np.full((len(directions), planes.reach + 1), np.nan)
    for d, step in enumerate(directions):
        curves = []
        for normal, measured in known.items():
            if step[SPATIAL_DIMS.index(normal)] == 0:
                flat = np.delete(step, SPATIAL_DIMS.index(normal))
                flat = flat * np.sign(flat[np.flatnonzero(flat)[0]])
                curves.append(measured[int(np.flatnonzero((in_plane == flat).all(axis=1))[0])])
        if curves:
            eta[d] = np.mean(curves, axis=0)
    return eta


def _persistence(
    reference: ReferenceWindows,
    fraction: Array,
    phase: int,
    directions: NDArray[np.int64],
    reach: NDArray[np.int64],
) -> Array:
    mask = reference.phase == phase
    measured = {
        tuple(step): _lineal_path(mask, step, int(far), reference.periodic)
        for step, far in zip(directions, reach, strict=True)
    }
    eta = np.zeros((len(directions), reference.reach + 1))
    for d, step in enumerate(directions):
        path = np.mean([measured[image] for image in _images(step, reference)], axis=0)
        running = fraction.copy()
        for k in range(1, len(path)):
            room = (running * (1 - fraction)).mean()
            if room > 0:
                eta[d, k] = (path[k] - (running * fraction).mean()) / room
            running *= np.clip(fraction + (1 - fraction) * eta[d, k], 0, 1)
    return eta


def _images(step: NDArray[np.int64], reference: ReferenceWindows) -> list[tuple[int, ...]]:
    """Return the images of a direction under the symmetry, first non-zero entry positive."""
    images = []
    for order, flips in symmetry_elements(reference.symmetry, len(step)):
        turned = step[list(order)]
        turned[list(flips)] *= -1
        images.append(tuple(int(s) for s in turned * np.sign(turned[np.flatnonzero(turned)[0]])))
    return images


def _lineal_path(mask: NDArray[np.bool_], step: Sequence[int], far: int, periodic: bool) -> Array:
    """Return the mean share of lines of 0, 1, ... steps that lie in the phase."""
    axes = tuple(range(1, mask.ndim))
    inside = mask
    path = [inside.mean()]
    for _ in range(far):
        if periodic:
            inside = np.roll(inside, -np.asarray(step), axis=axes) & mask
        else:
            ahead = (slice(None), *(slice(max(s, 0), min(s, 0) or None) for s in step))
            starts = (slice(None), *(slice(max(-s, 0), min(-s, 0) or None) for s in step))
            # Lines shrink the box by a step at one end, then the mask by as much at the other.
            mask = mask[starts]
            inside = inside[ahead] & mask
        path.append(inside.mean())
    return np.array(path)
