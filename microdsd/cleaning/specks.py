"""Components that are too small or touch no face of the box, and what takes their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.metrics.topology import label_components

Labels = NDArray[np.integer]
Mask = NDArray[np.bool_]
Scores = dict[int, NDArray[np.floating]]


@dataclass(frozen=True)
class Components:
    """Hold the components of all phases of a box, joined through faces of voxels.

    Attributes
    ----------
    number : ndarray of int64, shape of the box
        Number of the component of every voxel, from 1; 0 where there is no phase.
    label : ndarray, shape (n + 1,)
        Phase of each; the first entry stands for none.
    voxels : ndarray of int64, shape (n + 1,)
    on_faces : ndarray of int64, shape (n + 1,)
        Voxels of each in the faces of the box, none where the box wraps.
    """

    number: NDArray[np.int64]
    label: NDArray[np.int64]
    voxels: NDArray[np.int64]
    on_faces: NDArray[np.int64]

    @classmethod
    def of(cls, labels: Labels, phases: Sequence[int], periodic: bool) -> Components:
        """Find the components of some phases.

        Examples
        --------
        >>> components = Components.of(np.array([[0, 1, 0], [0, 0, 0]]), [0, 1], periodic=False)
        >>> components.voxels.tolist(), components.on_faces.tolist()
        ([0, 5, 1], [0, 5, 1])
        """
        number = np.zeros(labels.shape, dtype=np.int64)
        owner = [np.zeros(1, dtype=np.int64)]
        for phase in phases:
            numbered = label_components(labels == phase, "face", periodic).astype(np.int64)
            number_of_components = int(numbered.max(initial=0))
            number += np.where(numbered > 0, numbered + sum(map(len, owner)) - 1, 0)
            owner.append(np.full(number_of_components, phase, dtype=np.int64))
        label = np.concatenate(owner)
        voxels = np.bincount(number.ravel(), minlength=len(label))
        voxels[0] = 0
        on_faces = np.zeros(len(label), dtype=np.int64)
        if not periodic:
            on_faces = np.bincount(number[_in_faces(labels.shape)], minlength=len(label))
            on_faces[0] = 0
        return cls(number, label, voxels, on_faces)


def _in_faces(shape: tuple[int, ...]) -> Mask:
    inner = np.zeros(shape, dtype=bool)
    inner[(slice(1, -1),) * len(shape)] = True
    return ~inner


def unwanted(components: Components, phases: Sequence[int], min_size: int, floating: bool) -> Mask:
    """Return which components go, shape (n + 1,)."""
    goes = components.voxels < min_size
    if floating:
        goes |= components.on_faces == 0
    goes &= np.isin(components.label, phases)
    goes[0] = False
    return goes


def seeds(components: Components, goes: Mask, floating: bool) -> Mask:
    """Return the largest component of each phase that would vanish, shape (n + 1,).

    These components are to grow.
    """
    kept = np.zeros(len(goes), dtype=bool)
    for phase in np.unique(components.label[goes]).tolist():
        own = components.label == phase
        own[0] = False
        able = own & (components.on_faces > 0) if floating else own
        if goes[own].all() and able.any():
            kept[np.where(able, components.voxels, -1).argmax()] = True
    return kept


def small_components(
    labels: Labels,
    phases: Sequence[int],
    *,
    min_size: int,
    floating: bool = False,
    periodic: bool,
) -> dict[int, list[int]]:
    """List the voxels of every component that `clean` would remove, by phase, in ascending order.

    Parameters
    ----------
    labels : ndarray of int
    phases : sequence of int
    min_size : int
        Fewest voxels that a component may have.
    floating : bool
        Whether those that touch no face of the box are listed too.
    periodic : bool
        Whether the box wraps. There is no default.

    Examples
    --------
    >>> labels = np.array([[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]])
    >>> small_components(labels, [0, 1], min_size=2, periodic=False)
    {0: [], 1: [1]}
    """
    components = Components.of(labels, phases, periodic)
    goes = unwanted(components, phases, min_size, floating)
    return {
        phase: sorted(components.voxels[goes & (components.label == phase)].tolist())
        for phase in phases
    }


def filled(
    labels: Labels,
    every_phase: Sequence[int],
    phases: Sequence[int],
    scores: Scores,
    *,
    min_size: int,
    floating: bool,
    periodic: bool,
) -> Labels:
    """Give every unwanted component to the phase around it that fits its voxels best.

    Only components that stay are around it: specks between specks wait for those next to what
    stays. The phase is the one with the largest sum of scores over the voxels of the component. Of
    a phase that would vanish the largest component stays: it takes all voxels that are given back.

    Raises
    ------
    InputError
        Where nothing that stays is next to a component.
    """
    labels = labels.copy()
    components = Components.of(labels, every_phase, periodic)
    goes = unwanted(components, phases, min_size, floating)
    goes &= ~seeds(components, goes, floating)
    number = components.number
    sums = {
        phase: np.bincount(number.ravel(), scores[phase].ravel(), len(goes))
        for phase in every_phase
    }
    waiting = np.flatnonzero(goes)
    while len(waiting):
        beside = _neighbours(number, labels, goes, periodic)
        takes = np.full(len(goes), -1, dtype=np.int64)
        best = np.full(len(goes), -np.inf)
        for phase in every_phase:
            better = beside.get(phase, np.zeros(len(goes), dtype=bool)) & (sums[phase] > best)
            takes[better], best[better] = phase, sums[phase][better]
        ready = waiting[takes[waiting] >= 0]
        if not len(ready):
            raise InputError(
                f"min_size={min_size}: {int(components.voxels[waiting].sum())} voxels have nothing "
                "beside them that is large enough to stay; give a smaller size"
            )
        now = np.zeros(len(goes), dtype=bool)
        now[ready] = True
        changed = now[number]
        labels[changed] = takes[number[changed]]
        goes[ready] = False
        waiting = np.flatnonzero(goes)
    return labels


def _neighbours(
    number: NDArray[np.int64], labels: Labels, goes: Mask, periodic: bool
) -> dict[int, Mask]:
    """Find by phase the unwanted components next to a voxel of that phase that stays."""
    leaving = goes[number]
    beside: dict[int, Mask] = {}
    for axis in range(labels.ndim):
        n = labels.shape[axis]
        pairs = [(slice(0, n - 1), slice(1, n))]
        if periodic and n > 1:
            pairs.append((slice(n - 1, n), slice(0, 1)))
        for low, high in pairs:
            before = (slice(None),) * axis
            one, other = (*before, low), (*before, high)
            for side, opposite in ((one, other), (other, one)):
                meets = leaving[side] & ~leaving[opposite] & (number[opposite] > 0)
                for phase in np.unique(labels[opposite][meets]).tolist():
                    mask = beside.setdefault(phase, np.zeros(len(goes), dtype=bool))
                    mask[number[side][meets & (labels[opposite] == phase)]] = True
    return beside
