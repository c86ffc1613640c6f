"""Local thickness: the largest ball in the phase that covers a point (pore-size distribution)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics._ensembles import MaskLike, per_sample, phase_in_specimen
from microdsd.metrics._porespy import local_thickness_radii
from microdsd.metrics.registry import Descriptor, Group, Margin, Variables, Words
from microdsd.metrics.request import Request
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    phases_of,
    resolve_phase,
    voxel_size_of,
)


def local_thickness(
    ms: LabelsLike, *, phase: int | str, mask: MaskLike | None = None
) -> xr.Dataset:
    r"""Measure the distribution of the local thickness of a phase (the pore sizes of pores).

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``. Voxels must be cubes.
    phase : int or str
        Label or name of the phase.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box: balls are centred in it, and
        its boundary, as the faces of the box, does not bound the phase.

    Returns
    -------
    Dataset
        ``share (sample, diameter)``: share of the phase with a local thickness of at least
        `diameter`, which is in metres or voxels (1, 3, 5, ... voxels); ``mean (sample)``: mean
        thickness over the phase. NaN where the phase is absent or fills the box or specimen.

    Raises
    ------
    InputError
        If the phase does not exist, voxels are not cubes, or the mask does not fit.

    Notes
    -----
    The local thickness of a point is the diameter of the largest ball that lies in the phase and
    covers the point. Balls are centred on voxels and are 2 r - 1 voxels wide, where the nearest
    voxel of another phase is r or more away: a slab of w voxels comes out as w if w is odd and as
    w - 1 if it is even. The faces of the box do not bound the phase, and the box never wraps. The
    balls are placed by porespy.

    References
    ----------
    Hildebrand and Rüegsegger, Journal of Microscopy 185 (1997) 67,
    doi:10.1046/j.1365-2818.1997.1340694.x.
    Gostick et al., Journal of Open Source Software 4 (2019) 1296, doi:10.21105/joss.01296.

    Examples
    --------
    >>> import numpy as np
    >>> slab = np.zeros((24, 24), dtype=int)
    >>> slab[:, 8:13] = 1
    >>> result = local_thickness(slab, phase=1)
    >>> result["mean"].item(), result.diameter.values.tolist()
    (5.0, [1.0, 3.0, 5.0])
    """
    ensemble = as_ensemble(ms)
    label = resolve_phase(ensemble, phase)
    size, unit = voxel_size_of(ensemble)
    if not np.allclose(size, size[0], rtol=1e-6, atol=0):
        raise InputError(f"ms: local thickness needs voxels that are cubes, not {size} {unit}")
    counts = local_thickness_radii(*phase_in_specimen(ensemble, label, mask))
    largest = max(1, max((np.flatnonzero(c).max(initial=0) for c in counts), default=1))
    shares = np.full((len(counts), largest), np.nan)
    mean = np.full(len(counts), np.nan)
    diameter = (2 * np.arange(1, largest + 1) - 1) * size[0]
    for i, voxels in enumerate(counts):
        number = np.zeros(largest)
        number[: len(voxels) - 1] = voxels[1 : largest + 1]
        if number.sum():
            shares[i] = number[::-1].cumsum()[::-1] / number.sum()
            mean[i] = (number * diameter).sum() / number.sum()
    return xr.Dataset(
        {
            "share": per_sample(
                ensemble, shares, name="share",
                long_name="share of the phase with at least this local thickness",
                dims=("diameter",), coords={"diameter": ("diameter", diameter, {"units": unit})},
                phase=phases_of(ensemble)[label],
            ),
            "mean": per_sample(
                ensemble, mean, name="mean", long_name="mean local thickness", units=unit
            ),
        }
    )  # fmt: skip


def _measure(request: Request) -> Variables:
    size = voxel_size_of(request.ensemble).size
    if not np.allclose(size, size[0], rtol=1e-6, atol=0):
        return {}
    thickness = request.by_phase(
        lambda phase: local_thickness(request.ensemble, phase=phase, mask=request.mask)
    )
    return {"local_thickness_share": thickness["share"], "mean_local_thickness": thickness["mean"]}


def _up_to(share: xr.DataArray, last_lag: int) -> xr.DataArray:
    """Return the share of the phase with at least each thickness, on common points."""
    edge = float(share.diameter[0])
    points = last_lag // 2 + 1
    kept = share.isel(diameter=slice(points))
    kept = kept.pad(diameter=(0, points - kept.sizes["diameter"]), constant_values=0.0)
    diameter = ("diameter", (2 * np.arange(points) + 1) * edge)
    return kept.assign_coords(diameter=diameter)


_HILDEBRAND = "doi:10.1046/j.1365-2818.1997.1340694.x"

LOCAL_THICKNESS = Group(
    "local_thickness",
    _measure,
    (
        Descriptor(
            name="local_thickness_share",
            label="share of the phase at least as thick",
            definition="share of the phase covered by balls in the phase of at least this diameter",
            references=_HILDEBRAND,
            points="diameter",
            abscissa="diameter",
            drawn=True,
            bins=True,
            rank=8,
        ),
        Descriptor(
            name="mean_local_thickness",
            label="mean local thickness",
            definition="mean over the phase of the diameter of the largest ball in the phase that "
            "covers a point",
            references=_HILDEBRAND,
            unit="length",
        ),
        Descriptor(
            name="local_thickness",
            label="local thickness",
            definition="share of the phase with at least each thickness, at the same diameters for "
            "all ensembles",
            references=_HILDEBRAND,
            points="diameter",
            abscissa="diameter",
            derived_from="local_thickness_share",
            derive=_up_to,
            margin=Margin(0.05, "mean"),
            words=Words("the local thickness of {phase} is", "too large", "too small"),
            rank=8,
        ),
    ),
)
