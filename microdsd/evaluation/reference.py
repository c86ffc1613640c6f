"""Windows of real material with which generated samples can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure import (
    LabelsLike,
    VoxelSize,
    as_ensemble,
    as_microstructure,
    cut_windows,
    phases_of,
    relabel,
    spatial_dims,
    voxel_size_of,
)
from microdsd.microstructure.outside import material_phases, outside_label
from microdsd.microstructure.windows import disjoint_windows

MOST_WINDOWS = 256  # means over more windows gain less than they cost
FEWEST_WANTED = 32  # below this the spread between two halves is itself uncertain
_ENOUGH_DISJOINT = 8  # fewer than this, and overlapping windows tell more


@dataclass(frozen=True)
class Matched:
    """Hold generated samples and real windows of equal shape, labels and voxel size.

    Attributes
    ----------
    generated, windows : DataArray, dims (sample, [z,] y, x)
    notes : tuple of str
        What a reader of the comparison has to know about them.
    """

    generated: xr.DataArray
    windows: xr.DataArray
    notes: tuple[str, ...]


def match_reference(
    generated: LabelsLike,
    reference: LabelsLike,
    *,
    windows: int | None = None,
    rng: int | np.random.Generator | None = 0,
) -> Matched:
    """Bring generated samples and a reference to the same phases, voxel size and shape.

    An ensemble of the samples' shape is taken as it is. A larger volume is cut into disjoint
    windows, or into overlapping ones where too few fit; plane samples are set against slices
    normal to z, as far apart as the number of windows allows.

    Parameters
    ----------
    generated, reference : DataArray or ndarray
    windows : int, optional
        How many; by default twice as many as there are generated samples, at least 32 and at
        most 256, or as many as fit without overlap.
    rng : None, int or numpy Generator

    Raises
    ------
    InputError
        Different voxel sizes, phases that do not match, or samples larger than the reference.

    Examples
    --------
    >>> from microdsd.microstructure import blobs
    >>> new = blobs((8, 8), fractions=(0.3, 0.7), scale=1, rng=0)
    >>> scan = blobs((8, 32, 32), fractions=(0.3, 0.7), scale=1, rng=1)
    >>> match_reference(new, scan, windows=20).windows.shape
    (20, 8, 8)
    """
    new, real = as_ensemble(generated), as_microstructure(reference)
    new, real, notes = same_voxel_size(new, real)
    shape = tuple(new.sizes[dim] for dim in spatial_dims(new))
    lengths = tuple(real.sizes[dim] for dim in spatial_dims(real))
    if len(shape) > len(lengths):
        raise InputError(
            f"reference: is a plane {lengths} while the generated samples are volumes {shape}; "
            "pass a volume, or compare slices with evaluate_slices"
        )
    if any(edge > length for edge, length in zip(shape, lengths[-len(shape) :], strict=True)):
        raise InputError(
            f"reference: {lengths} is smaller than the generated samples {shape}; generate "
            "smaller samples or take a larger part of the scan"
        )
    if lengths == shape:
        whole = same_phases(new, _whole(as_ensemble(real)))
        return Matched(whole[0], _some(whole[1], windows, rng), notes)
    fit = disjoint_windows(real, shape)
    wanted = windows or min(max(2 * new.sizes["sample"], FEWEST_WANTED), MOST_WINDOWS)
    if len(shape) < len(lengths):
        real = _slices_apart(real, fit, wanted)
        fit = disjoint_windows(real, shape)
    disjoint = wanted <= fit or (windows is None and fit >= _ENOUGH_DISJOINT)
    if not disjoint:
        notes += (
            f"Only {fit} disjoint windows of {sizes(shape)} voxels fit into the reference of "
            f"{sizes(lengths)}. The {wanted} windows used overlap, so the spread between two real "
            "sets comes out smaller than it is between independent pieces of the material, and "
            "tests find differences more often than they state.",
        )
    count = min(wanted, fit) if disjoint else wanted
    cut = cut_windows(real, shape, n=count, rng=rng, disjoint=disjoint)
    return Matched(*same_phases(new, cut), notes)


def _whole(ensemble: xr.DataArray) -> xr.DataArray:
    """Select the windows that hold no voxel outside of the specimen."""
    outside = outside_label(phases_of(ensemble))
    if outside is None:
        return ensemble
    whole = (ensemble.values != outside).all(axis=tuple(range(1, ensemble.ndim)))
    if not whole.any():
        raise InputError("reference: every window holds voxels outside of the specimen; cut others")
    return as_microstructure(
        ensemble.isel(sample=np.flatnonzero(whole)), phases=material_phases(phases_of(ensemble))
    )


def _slices_apart(volume: xr.DataArray, fit: int, wanted: int) -> xr.DataArray:
    """Select slices as far apart as the wanted number of windows allows."""
    layers = volume.sizes["z"]
    per_layer = max(fit // layers, 1)
    spacing = max(layers // -(-wanted // per_layer), 1)
    return volume.isel(z=slice(None, None, spacing))


def sizes(shape: Sequence[int]) -> str:
    """Format edge lengths for a person.

    Examples
    --------
    >>> sizes((64, 32))
    '64 × 32'
    """
    return " × ".join(str(edge) for edge in shape)


def _some(
    ensemble: xr.DataArray, count: int | None, rng: int | np.random.Generator | None
) -> xr.DataArray:
    available = ensemble.sizes["sample"]
    if count is None or count >= available:
        return ensemble
    chosen = np.random.default_rng(rng).choice(available, count, replace=False)
    return ensemble.isel(sample=np.sort(chosen))


def same_phases(new: xr.DataArray, real: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Match phases by name; by label where one side has only default names.

    Raises
    ------
    InputError
        If they agree in neither.
    """
    new_phases, real_phases = phases_of(new), phases_of(real)
    if new_phases == real_phases:
        return new, real
    if set(new_phases.values()) == set(real_phases.values()):
        label = {name: k for k, name in new_phases.items()}
        mapping = {k: label[name] for k, name in real_phases.items()}
        return new, relabel(real, mapping, phases=new_phases)
    if _unnamed(real_phases) and real_phases.keys() <= new_phases.keys():
        return new, as_microstructure(real, phases=new_phases)
    if _unnamed(new_phases) and new_phases.keys() <= real_phases.keys():
        return as_microstructure(new, phases=real_phases), real
    if new_phases.items() <= real_phases.items() or real_phases.items() <= new_phases.items():
        union = new_phases | real_phases
        return as_microstructure(new, phases=union), as_microstructure(real, phases=union)
    raise InputError(
        f"reference: its phases {real_phases} and those of the generated samples {new_phases} "
        "agree neither in names nor in labels; name or relabel those of the reference"
    )


def _unnamed(phases: dict[int, str]) -> bool:
    return all(name == f"phase {label}" for label, name in phases.items())


def same_voxel_size(
    new: xr.DataArray, real: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray, tuple[str, ...]]:
    """Give both sides one voxel size, and say where one side states none.

    Raises
    ------
    InputError
        If they state different ones.
    """
    new_size, real_size = voxel_size_of(new), voxel_size_of(real)
    edges = real_size.size[-len(new_size.size) :]
    if new_size.unit == real_size.unit:
        if new_size.unit == "m" and not np.allclose(new_size.size, edges, rtol=1e-3, atol=0):
            raise InputError(
                f"reference: its voxels measure {edges} m, those of the generated samples "
                f"{new_size.size} m; coarsen the finer of the two, or correct the size where it "
                "was entered"
            )
        return new, real, ()
    unknown = "generated samples" if new_size.unit == "voxel" else "reference"
    note = (
        f"The file does not state the voxel size of the {unknown}; it is taken to be that of the "
        "other side, and the comparison holds only if that is so."
    )
    if new_size.unit == "voxel":
        return as_microstructure(new, voxel_size=VoxelSize(edges, "m")), real, (note,)
    spare = (new_size.size[0],) * (len(real_size.size) - len(new_size.size))
    return new, as_microstructure(real, voxel_size=VoxelSize(spare + new_size.size, "m")), (note,)
