"""Conversion of requested fractions to the counts that are conserved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from microdsd.errors import InputError
from microdsd.microstructure.labels import find_phase

Fractions = Mapping[int | str, float | Sequence[float]]
"""Phase, by label or name, to its fraction: one for all samples, or one per sample."""

_SUM_TOLERANCE = 1e-6


def counts_from_fractions(
    fractions: Mapping[int | str, float], phases: Mapping[int, str], n_sites: int
) -> dict[int, int]:
    """Return the number of voxels of every phase for the requested fractions.

    Parameters
    ----------
    fractions : dict of phase to float
        Phases by label or name, fractions in [0, 1]. One phase may be left out: it takes the
        rest. Given for all phases they must sum to one.
    phases : dict of int to str
        Label and name of every phase.
    n_sites : int
        Voxels of the box.

    Returns
    -------
    dict of int to int
        Counts by label, each the nearest that lets all of them sum to ``n_sites`` (largest
        remainders).

    Raises
    ------
    InputError
        For an unknown phase, a fraction out of range, more than one phase left out, or a sum
        that is not one.

    Examples
    --------
    >>> counts_from_fractions({"pore": 0.22}, {0: "pore", 1: "solid"}, 1000)
    {0: 220, 1: 780}
    """
    wanted: dict[int, float] = {}
    for key, fraction in fractions.items():
        label = find_phase(phases, key)
        if label in wanted:
            raise InputError(f"phase_fraction[{key!r}]: phase {label} is given twice")
        if not (math.isfinite(fraction) and 0 <= fraction <= 1):
            raise InputError(f"phase_fraction[{key!r}]={fraction}: give a number from 0 to 1")
        wanted[label] = float(fraction)
    missing = [label for label in sorted(phases) if label not in wanted]
    total = sum(wanted.values())
    if len(missing) > 1:
        names = ", ".join(phases[label] for label in missing)
        raise InputError(
            f"phase_fraction={dict(fractions)}: {names} are left open; "
            f"give the fractions of all phases but one"
        )
    if missing:
        if total > 1 + _SUM_TOLERANCE:
            raise InputError(
                f"phase_fraction={dict(fractions)}: they sum to {total:g}, leaving less than "
                f"nothing for {phases[missing[0]]}; lower them to at most 1 in sum"
            )
        wanted[missing[0]] = max(0.0, 1 - total)
    elif abs(total - 1) > _SUM_TOLERANCE:
        raise InputError(
            f"phase_fraction={dict(fractions)}: they sum to {total:g}; make them sum to 1, "
            "or leave one phase out and it takes the rest"
        )
    # In a large box even a sum within the tolerance is off by whole voxels.
    scale = n_sites / sum(wanted.values())
    share = {label: wanted[label] * scale for label in sorted(phases)}
    counts = {label: math.floor(x + 1e-9) for label, x in share.items()}
    spare = n_sites - sum(counts.values())
    by_remainder = sorted(share, key=lambda label: counts[label] - share[label])
    for label in by_remainder[:spare]:
        counts[label] += 1
    return counts


def fractions_per_sample(
    fractions: Mapping[int | str, Any], phases: Mapping[int, str], n: int
) -> dict[str, tuple[float, ...]]:
    """Return fractions by phase name, one entry per sample.

    Raises
    ------
    InputError
        For an unknown phase, one given twice, or neither one value nor n of them.

    Examples
    --------
    >>> fractions_per_sample({0: 0.2}, {0: "pore", 1: "solid"}, 2)
    {'pore': (0.2, 0.2)}
    """
    columns: dict[str, tuple[float, ...]] = {}
    for key, value in fractions.items():
        name = phases[find_phase(phases, key)]
        if name in columns:
            raise InputError(f"phase_fraction[{key!r}]: {name} is given twice")
        try:
            column = np.atleast_1d(np.asarray(value, dtype=float))
        except (TypeError, ValueError):
            column = np.empty((0, 0))
        if column.ndim != 1:
            raise InputError(
                f"phase_fraction[{key!r}]={value!r}: give one number, or one per sample"
            )
        if len(column) not in (1, n):
            raise InputError(
                f"phase_fraction[{key!r}]: {len(column)} values for {n} samples; give one, or {n}"
            )
        columns[name] = tuple(np.broadcast_to(column, n).tolist())
    return columns
