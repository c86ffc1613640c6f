"""Which lattices a walk visits, and from which noise level on each of them suffices."""

from __future__ import annotations

from collections.abc import Sequence

from microdsd.errors import InputError

LEFT_AT = 2.0
"""Noise level, in sites, above which a lattice knows all there is to know.

At 2 of its own sites a lattice loses nothing of the information gained, at 1.5 a tenth, at 1 a
sixth (docs/decisions/0022)."""

FEWEST_SITES = 16
"""Sites along the shortest axis of a window that the coarsest lattice is left with."""


def octave_levels(
    window: Sequence[int], sigma_max: float, octaves: int | None = None
) -> tuple[float, ...]:
    """Return the noise levels at which a walk enters lattices of 2, 4, ... voxels per site.

    Parameters
    ----------
    window : sequence of int
        Voxels per axis of the training windows.
    sigma_max : float
        Horizon, voxels.
    octaves : int, optional
        Number of lattices, 1 for that of the voxels alone; by default as many as leave 16 sites
        along every axis, and half of the horizon above the last of the levels.

    Returns
    -------
    tuple of float
        Ascending; empty for one lattice.

    Raises
    ------
    InputError
        If so many lattices do not fit.

    Examples
    --------
    >>> octave_levels((128, 128, 128), 120.0)
    (4.0, 8.0, 16.0)
    >>> octave_levels((24, 24), 20.0)
    ()
    """
    levels: list[float] = []
    block = 2
    while min(window) >= FEWEST_SITES * block and LEFT_AT * block <= sigma_max / 2:
        levels.append(LEFT_AT * block)
        block *= 2
    if octaves is None:
        return tuple(levels)
    if not 1 <= octaves <= 1 + len(levels):
        raise InputError(
            f"octaves={octaves}: windows of {tuple(window)} voxels and a horizon of "
            f"{sigma_max:.3g} voxels have room for 1 to {1 + len(levels)}; every further octave "
            f"needs {FEWEST_SITES} sites twice as long along every axis"
        )
    return tuple(levels[: octaves - 1])
