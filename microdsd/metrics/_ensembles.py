"""What descriptors share: results per sample, and specimens that do not fill their box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure.outside import outside_label
from microdsd.microstructure.schema import phases_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MaskLike: TypeAlias = "NDArray[np.bool_] | xr.DataArray"


def per_sample(
    ensemble: xr.DataArray,
    values: ArrayLike,
    *,
    name: str,
    long_name: str,
    units: str = "1",
    dims: tuple[str, ...] = (),
    coords: dict[str, Any] | None = None,
    **attrs: str | int,
) -> xr.DataArray:
    """Label `values`, dims ``(sample, *dims)``, and keep the sample coordinate of the ensemble."""
    sample = {"sample": ensemble["sample"]} if "sample" in ensemble.coords else {}
    return xr.DataArray(
        values,
        dims=("sample", *dims),
        coords={**sample, **(coords or {})},
        name=name,
        attrs={"units": units, "long_name": long_name, **attrs},
    )


def phase_in_specimen(
    ensemble: xr.DataArray, label: int, mask: MaskLike | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """Return the voxels of a phase in the specimen, ``(sample, [z,] y, x)``, and `specimen_of`."""
    inside = specimen_of(ensemble, mask)
    of_phase: NDArray[np.bool_] = ensemble.values == label
    return (of_phase if inside is None else of_phase & inside), inside


def voxels_of(ensemble: xr.DataArray, inside: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Count the voxels of each sample, ``(sample,)``: of the box, or of the specimen in it."""
    if inside is None:
        return np.full(len(ensemble), int(np.prod(ensemble.shape[1:])))
    return np.asarray(np.count_nonzero(inside, axis=tuple(range(1, inside.ndim))))


def specimen_of(ensemble: xr.DataArray, mask: MaskLike | None) -> NDArray[np.bool_] | None:
    """Return the voxels of the specimen, ``(sample, [z,] y, x)``; None where it fills the box.

    What the labels call "outside" is no part of it, with a mask or without.

    Parameters
    ----------
    ensemble : DataArray
        Labels with a sample dim.
    mask : array_like of bool or None
        A mask of the shape of one sample, for all samples, or of the whole ensemble.

    Raises
    ------
    InputError
        The mask is not bool, has another shape, or leaves nothing of a sample.
    """
    outside = outside_label(phases_of(ensemble))
    material = None if outside is None else ensemble.values != outside
    if mask is None:
        return None if material is None else _of_all_samples(material)
    inside = np.asarray(mask)
    if inside.dtype != bool:
        raise InputError(f"mask: expected bool, got {inside.dtype}; pass e.g. `labels != outside`")
    if inside.shape not in (ensemble.shape, ensemble.shape[1:]):
        raise InputError(
            f"mask: its shape {inside.shape} is neither that of a sample, {ensemble.shape[1:]}, "
            f"nor that of the ensemble, {ensemble.shape}"
        )
    inside = np.broadcast_to(inside, ensemble.shape)
    return _of_all_samples(inside if material is None else inside & material)


def _of_all_samples(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the specimen, and refuse an ensemble in which a sample has nothing of it."""
    if not inside.any(axis=tuple(range(1, inside.ndim))).all():
        raise InputError("mask: leaves no voxel of at least one sample")
    return inside
