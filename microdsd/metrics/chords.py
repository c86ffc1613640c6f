"""Chords: the pieces of straight lines between two interfaces of a phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.metrics._ensembles import MaskLike, per_sample, phase_in_specimen, voxels_of
from microdsd.metrics._runs import Runs
from microdsd.metrics.registry import Descriptor, Group, Margin, Variables, Words
from microdsd.metrics.request import Request
from microdsd.metrics.surface import check_thickness, differing_share
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    phases_of,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

CutChords = Literal["weight", "exclude"]


def chord_length_density(
    ms: LabelsLike,
    *,
    phase: int | str,
    periodic: bool,
    axis: str = "all",
    cut: CutChords = "weight",
    mask: MaskLike | None = None,
) -> xr.DataArray:
    r"""Measure the probability density of the lengths of the chords of one phase.

    Parameters
    ----------
    ms : DataArray or ndarray
        Integer labels, dims ``([sample,] [z,] y, x)``.
    phase : int or str
        Label or name of the phase.
    periodic : bool
        Whether the box wraps. There is no default.
    axis : {"all", "z", "y", "x"}, optional
        Chords along one axis, or along all of them together (voxels must then be cubes).
    cut : {"weight", "exclude"}, optional
        What is done about chords that the faces of a box cut, which are never counted:
        "weight" gives every chord the inverse of the number of places where the box shows it
        whole, which makes up for long ones being cut more often; "exclude" counts the whole ones
        as they are, so that long chords are too few. Of no effect in a periodic box without a
        mask.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box: a chord is whole if the voxel
        beyond either end of it is in the specimen too.

    Returns
    -------
    DataArray
        float64, dims ``(sample, length)``, in 1/m or 1/voxel; times the voxel edge it sums to
        one. ``length`` is in metres or voxels, from one voxel to the longest side. NaN for a
        sample without a whole chord.

    Raises
    ------
    InputError
        If the phase, axis or policy does not exist, the mask does not fit, or `axis` is "all" and
        voxels are not cubes.

    Notes
    -----
    A chord of l voxels with a voxel of another phase at each end is whole in a line of N voxels
    at N - 1 - l places; "weight" is its inverse (Horvitz-Thompson, as in minus-sampling). Chords
    of N - 1 voxels or more are never seen. In a specimen the places are those of segments of
    l + 2 voxels wholly in it.

    References
    ----------
    Torquato and Lu, Physical Review E 47 (1993) 2950, doi:10.1103/PhysRevE.47.2950.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile(np.repeat([0, 1], [5, 3]), (6, 4))
    >>> density = chord_length_density(stripes, phase=0, periodic=True, axis="x")
    >>> density.values[0, :6]
    array([0., 0., 0., 0., 1., 0.])
    """
    ensemble = as_ensemble(ms)
    label = resolve_phase(ensemble, phase)
    dims = spatial_dims(ensemble)
    if axis not in ("all", *dims):
        raise InputError(f"axis: {axis!r} is not one of {('all', *dims)}")
    if cut not in get_args(CutChords):
        raise InputError(f"cut: {cut!r} is not one of {get_args(CutChords)}")
    size, unit = voxel_size_of(ensemble)
    axes = range(len(dims)) if axis == "all" else [dims.index(axis)]
    edge = size[axes[0]]
    if axis == "all" and not np.allclose(size, edge, rtol=1e-6, atol=0):
        raise InputError(
            f"axis: 'all' needs voxels that are cubes, not {size} {unit}; choose one of {dims}"
        )
    longest = max(ensemble.shape[1:])
    density = np.full((len(ensemble), longest), np.nan)
    of_phase, inside = phase_in_specimen(ensemble, label, mask)
    for i, row in enumerate(density):
        counts = np.zeros(longest)
        for number in axes:
            inside_sample = None if inside is None else inside[i]
            runs = Runs.along(of_phase[i], number, periodic=periodic, inside=inside_sample)
            specimen = (
                None
                if inside_sample is None
                else Runs.along(inside_sample, number, periodic=periodic)
            )
            counts[: runs.voxels] += _weighted(runs, specimen, periodic, cut)
        if counts.any():
            row[:] = counts / counts.sum() / edge
    return per_sample(
        ensemble,
        density,
        name="chord_length_density",
        long_name="chord-length density",
        units=f"1/{unit}",
        dims=("length",),
        coords={"length": ("length", np.arange(1, longest + 1) * edge, {"units": unit})},
        phase=phases_of(ensemble)[label],
        axis=axis,
        cut=cut,
        periodic=int(periodic),
    )


def mean_chord_length(
    ms: LabelsLike, *, phase: int | str, periodic: bool, mask: MaskLike | None = None
) -> xr.DataArray:
    r"""Measure the mean length of the chords of one phase along each axis, without edge effects.

    Parameters
    ----------
    ms, phase, periodic
        As in `chord_length_density`.
    mask : array_like of bool, dims ``([sample,] [z,] y, x)``, optional
        Where the specimen is, if it does not fill the box: the fraction is that of the
        specimen, and only crossings between two voxels of it count.

    Returns
    -------
    DataArray
        float64, dims ``(sample, axis)``, in metres or voxels; infinite where no interface crosses
        the lines of an axis, NaN where the phase is absent.

    Raises
    ------
    InputError
        If the phase does not exist, or the box is one voxel thick and not periodic.

    Notes
    -----
    .. math:: \bar\ell = 2 \phi / P_L

    with :math:`P_L` the number of crossings of the boundary of the phase per length of line. No
    chord has to be seen whole. Over all directions of lines the mean is
    :math:`4 \phi / S_V` (3D).

    References
    ----------
    Underwood, Quantitative Stereology, Addison-Wesley (1970), chapter 4.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile(np.repeat([0, 1], [5, 3]), (6, 4))
    >>> mean_chord_length(stripes, phase=0, periodic=True).values
    array([[inf,  5.]])
    """
    ensemble = as_ensemble(ms)
    check_thickness(ensemble, periodic)
    size, unit = voxel_size_of(ensemble)
    of_phase, inside = phase_in_specimen(ensemble, resolve_phase(ensemble, phase), mask)
    space = tuple(range(1, of_phase.ndim))
    fraction = of_phase.sum(axis=space) / voxels_of(ensemble, inside)
    steps = np.eye(len(size), dtype=int)
    crossings = np.stack(
        [
            differing_share(of_phase, tuple(step.tolist()), periodic, inside) / edge
            for step, edge in zip(steps, size, strict=True)
        ],
        axis=1,
    )
    length = np.full(crossings.shape, np.inf)
    np.divide(2 * fraction[:, None], crossings, out=length, where=crossings > 0)
    length[fraction == 0] = np.nan
    return per_sample(
        ensemble,
        length,
        name="mean_chord_length",
        long_name="mean chord length",
        units=unit,
        dims=("axis",),
        coords={"axis": list(spatial_dims(ensemble))},
    )


def _weighted(
    runs: Runs,
    specimen: Runs | None,
    periodic: bool,
    cut: CutChords,
) -> NDArray[np.float64]:
    """Weight the whole chords of 1, 2, ... voxels."""
    number = runs.complete[1:].astype(np.float64)
    if cut == "exclude" or (periodic and specimen is None):
        return number
    n = runs.voxels
    # Places of a chord and a voxel at each end, per line; in a periodic box per voxel.
    if specimen is None:
        places = np.maximum(n - 1.0 - np.arange(1, n + 1), 0)
    else:
        longest = [specimen.endless * n] * 2
        places = np.append(specimen.segments(n - 1)[2:], longest) * (1 / n if periodic else 1)
    return np.asarray(np.divide(number, places, out=np.zeros_like(number), where=places > 0))


def _measure(request: Request) -> Variables:
    def density(phase: int) -> xr.DataArray:
        return request.by_axis(
            lambda axis: chord_length_density(
                request.ensemble,
                phase=phase,
                periodic=request.periodic,
                axis=axis,
                mask=request.mask,
            ),
            "chord",
            1,
            "chord-length density along an axis",
        )

    return {
        "chord_length_density": request.by_phase(density),
        "mean_chord_length": request.by_phase(
            lambda phase: mean_chord_length(
                request.ensemble, phase=phase, periodic=request.periodic, mask=request.mask
            )
        ),
    }


def _shares(density: xr.DataArray, last_lag: int) -> xr.DataArray:
    """Return the share of the chords with at least each length, averaged over the axes."""
    mean = density.mean("axis")
    longer = mean.isel(chord=slice(None, None, -1)).cumsum("chord", skipna=False)
    longer = longer.isel(chord=slice(None, None, -1))
    return (longer / longer.isel(chord=0)).assign_coords(chord=mean.chord).assign_attrs(units="1")


_TORQUATO_LU = "doi:10.1103/PhysRevE.47.2950"

CHORDS = Group(
    "chords",
    _measure,
    (
        Descriptor(
            name="chord_length_density",
            label="chord-length density",
            definition="probability density of the lengths of whole chords along an axis; chords "
            "that faces of the box cut are made up for by the inverse number of places of whole "
            "ones",
            references=_TORQUATO_LU,
            unit="1/length",
            symbol="p(z)",
            points="chord",
            points_in_voxels=True,
            abscissa="length",
            drawn=True,
            bins=True,
            rank=7,
        ),
        Descriptor(
            name="mean_chord_length",
            label="mean chord length",
            definition="2 phi / P_L, with P_L the crossings of the boundary per length of line "
            "along an axis",
            references="Underwood, Quantitative Stereology (1970), chapter 4",
            unit="length",
        ),
        Descriptor(
            name="chord_length",
            label="chord lengths",
            definition="share of the chords with at least each length, mean over the axes",
            references=_TORQUATO_LU,
            points="chord",
            points_in_voxels=True,
            abscissa="length",
            derived_from="chord_length_density",
            derive=_shares,
            margin=Margin(0.05, "mean"),
            words=Words("{phase} chords are", "too long", "too short"),
            rank=7,
        ),
    ),
)
