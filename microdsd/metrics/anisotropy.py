"""Anisotropy of an interface: the fabric tensor of mean intercept lengths."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from microdsd.metrics._ensembles import MaskLike, per_sample, specimen_of
from microdsd.metrics.registry import Descriptor, Group, Variables
from microdsd.metrics.request import Request
from microdsd.metrics.surface import check_thickness, differing_share, direction_weights
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fabric(
    ms: LabelsLike, *, phase: int | str, periodic: bool, mask: MaskLike | None = None
) -> xr.Dataset:
    r"""Measure the degree of anisotropy of the boundary of a phase, and its longest direction.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``. Voxel edges may differ between the axes.
    phase : int or str
        Label or name of the phase.
    periodic : bool
        True counts pairs across the faces of the box too. There is no default.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box.

    Returns
    -------
    Dataset
        ``degree (sample)``, from 0 (isotropic) to 1 (all lines in one direction miss the
        boundary); ``direction (sample, axis)``, unit vector of the longest intercepts, its largest
        entry positive. NaN without a boundary.

    Raises
    ------
    InputError
        If the phase does not exist, or the box is one voxel thick and not periodic.

    Notes
    -----
    .. math:: P_L(d)^2 \approx d^T M d, \qquad
              \mathrm{DA} = 1 - \sqrt{\lambda_{\min}(M) / \lambda_{\max}(M)}

    The tensor M is fitted by least squares to the 13 (3D) or 4 (2D) directions d of neighbouring
    voxels; :math:`1 / P_L(d)` is the mean intercept length and DA is one less the ratio of the
    shortest to the longest half axis of its ellipsoid. A negative eigenvalue of the fit counts as
    zero. Of shapes much finer than a few voxels the staircase shows.

    References
    ----------
    Harrigan and Mann, Journal of Materials Science 19 (1984) 761, doi:10.1007/BF00540446.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile(np.repeat([0, 1], 8), (32, 2))
    >>> result = fabric(stripes, phase=1, periodic=True)
    >>> result.degree.item(), np.abs(result.direction.values.round(6)).tolist()
    (1.0, [[1.0, 0.0]])
    """
    ensemble = as_ensemble(ms)
    check_thickness(ensemble, periodic)
    size, _ = voxel_size_of(ensemble)
    of_phase: NDArray[np.bool_] = ensemble.values == resolve_phase(ensemble, phase)
    inside = specimen_of(ensemble, mask)
    directions = list(direction_weights(size))
    steps = np.multiply(directions, size)
    distance = np.linalg.norm(steps, axis=1)
    crossings = (
        np.stack([differing_share(of_phase, d, periodic, inside) for d in directions])
        / (distance[:, None])
    )
    units = steps / distance[:, None]
    entries = list(itertools.combinations_with_replacement(range(len(size)), 2))
    design = np.stack([units[:, i] * units[:, j] * (1 + (i != j)) for i, j in entries], axis=1)
    tensors = np.zeros((len(of_phase), len(size), len(size)))
    for (i, j), row in zip(entries, np.linalg.pinv(design) @ crossings**2, strict=True):
        tensors[:, i, j] = tensors[:, j, i] = row
    degree, direction = np.full(len(of_phase), np.nan), np.full((len(of_phase), len(size)), np.nan)
    for k, tensor in enumerate(tensors):
        if not np.isfinite(tensor).all() or not tensor.any():
            continue
        values, vectors = np.linalg.eigh(tensor)
        # Few crossings mean long intercepts.
        share = max(values[0], 0.0) / values[-1]
        degree[k] = 1 - np.sqrt(share if share > 1e-12 else 0.0)
        longest = vectors[:, 0]
        direction[k] = longest * np.sign(longest[np.abs(longest).argmax()]) + 0.0
    return xr.Dataset(
        {
            "degree": per_sample(
                ensemble, degree, name="degree", long_name="degree of anisotropy"
            ),
            "direction": per_sample(
                ensemble, direction, name="direction", long_name="direction of longest intercepts",
                dims=("axis",), coords={"axis": list(spatial_dims(ensemble))},
            ),
        }
    )  # fmt: skip


def _measure(request: Request) -> Variables:
    tensors = request.by_phase(
        lambda phase: fabric(
            request.ensemble, phase=phase, periodic=request.periodic, mask=request.mask
        )
    )
    return {"degree_of_anisotropy": tensors["degree"], "longest_direction": tensors["direction"]}


_HARRIGAN_MANN = "doi:10.1007/BF00540446"

ANISOTROPY = Group(
    "anisotropy",
    _measure,
    (
        Descriptor(
            name="degree_of_anisotropy",
            label="degree of anisotropy",
            definition="1 - shortest over longest half axis of the ellipsoid of mean intercept "
            "lengths",
            references=_HARRIGAN_MANN,
            symbol="DA",
        ),
        Descriptor(
            name="longest_direction",
            label="direction of the longest mean intercepts",
            definition="unit vector of the longest mean intercepts",
            references=_HARRIGAN_MANN,
        ),
    ),
)
