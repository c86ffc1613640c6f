"""The groups of descriptors that `describe` gathers: what each measures, for all phases."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from microdsd.metrics._ensembles import MaskLike, per_sample, specimen_of, voxels_of
from microdsd.metrics.anisotropy import fabric
from microdsd.metrics.chords import chord_length_density, mean_chord_length
from microdsd.metrics.cluster_function import two_point_cluster
from microdsd.metrics.joining import concat_curves
from microdsd.metrics.lineal_path import lineal_path
from microdsd.metrics.local_thickness import local_thickness
from microdsd.metrics.minkowski import minkowski_functionals
from microdsd.metrics.profiles import fraction_profile, specimen_fractions
from microdsd.metrics.representativity import representativity
from microdsd.metrics.surface import interface_density, specific_surface_area
from microdsd.metrics.topology import connected_bodies, euler_characteristic, percolates
from microdsd.metrics.triple_lines import triple_phase_boundary
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure.outside import material_phases
from microdsd.microstructure.schema import phases_of, spatial_dims, voxel_size_of

if TYPE_CHECKING:
    from collections.abc import Callable

Variables = Mapping[str, xr.DataArray]


@dataclasses.dataclass
class Request:
    """An ensemble and what is to be measured on it.

    Attributes
    ----------
    ensemble : DataArray
        Labels with a sample dim.
    phases : list of int
        Labels of the phases to describe.
    periodic : bool
    mask : array_like of bool or None
    relative_error : float
        Of the phase fraction, in a box of representative size.
    """

    ensemble: xr.DataArray
    phases: Sequence[int]
    periodic: bool
    mask: MaskLike | None
    relative_error: float
    _radial: dict[int, xr.DataArray] = dataclasses.field(default_factory=dict)

    @property
    def dims(self) -> tuple[str, ...]:
        """Spatial dims."""
        return spatial_dims(self.ensemble)

    @property
    def reach(self) -> int:
        """Longest lag, in voxels: half the shortest side."""
        return int(min(self.ensemble.shape[1:]) // 2)

    @property
    def pairs(self) -> dict[str, tuple[int, int]]:
        """Pairs of the phases, named as "pore-solid"."""
        names = phases_of(self.ensemble)
        return {f"{names[a]}-{names[b]}": (a, b) for a, b in combinations(self.phases, 2)}

    @property
    def many(self) -> bool:
        """Whether the material has three phases or more."""
        return len(material_phases(phases_of(self.ensemble))) > 2

    def radial(self, phase: int) -> xr.DataArray:
        """S2 of a phase, measured once."""
        if phase not in self._radial:
            self._radial[phase] = two_point_probability(
                self.ensemble, phase=phase, periodic=self.periodic, mask=self.mask
            )
        return self._radial[phase]

    def by_phase(self, measure: Callable[[int], Any]) -> Any:
        """One measurement per phase, dims ``(sample, phase, ...)``."""
        stacked = concat_curves(
            [measure(phase) for phase in self.phases], xr.Variable("phase", list(self.phases))
        )
        return stacked.transpose("sample", "phase", ...)

    def by_pair(self, measure: Callable[[int, int], xr.DataArray]) -> xr.DataArray:
        """One measurement per pair of phases, dims ``(sample, pair, ...)``."""
        stacked = xr.concat(
            [measure(a, b) for a, b in self.pairs.values()],
            xr.Variable("pair", list(self.pairs)),
            combine_attrs="drop_conflicts",
        )
        return stacked.transpose("sample", "pair", ...)

    def by_axis(
        self, measure: Callable[[str], xr.DataArray], dim: str, first: int, long_name: str
    ) -> xr.DataArray:
        """Curves along every axis, dims ``(sample, axis, dim)``, counted in voxels from `first`."""
        curves = [measure(axis) for axis in self.dims]
        values = np.stack([curve.values for curve in curves], axis=1)
        voxels = (dim, first + np.arange(values.shape[-1]), {"units": "voxel"})
        return per_sample(
            self.ensemble,
            values,
            name=dim,
            long_name=long_name,
            units=str(curves[0].attrs["units"]),
            dims=("axis", dim),
            coords={"axis": list(self.dims), dim: voxels},
        )


def _fractions(of: Request) -> Variables:
    found = specimen_fractions(of.ensemble, mask=of.mask)
    return {"phase_fraction": found.sel(phase=list(of.phases))}


def _profiles(of: Request) -> Variables:
    return {
        f"fraction_profile_{axis}": fraction_profile(of.ensemble, along=axis, mask=of.mask).sel(
            phase=list(of.phases)
        )
        for axis in of.dims
    }


def _two_point(of: Request) -> Variables:
    return {"two_point_probability": of.by_phase(of.radial)}


def _two_point_along(of: Request) -> Variables:
    def along(phase: int) -> xr.DataArray:
        return of.by_axis(
            lambda axis: two_point_probability(
                of.ensemble,
                phase=phase,
                periodic=of.periodic,
                along=axis,
                max_distance=of.reach,
                mask=of.mask,
            ),
            "lag",
            0,
            "two-point probability along an axis",
        )

    return {"two_point_along": of.by_phase(along)}


def _cross_two_point(of: Request) -> Variables:
    if not (of.many and of.pairs):
        return {}

    def cross(phase: int, phase2: int) -> xr.DataArray:
        return two_point_probability(
            of.ensemble, phase=phase, phase2=phase2, periodic=of.periodic, mask=of.mask
        )

    return {"cross_two_point_probability": of.by_pair(cross)}


def _cluster(of: Request) -> Variables:
    return {
        "two_point_cluster": of.by_phase(
            lambda phase: two_point_cluster(
                of.ensemble, phase=phase, periodic=of.periodic, mask=of.mask
            )
        )
    }


def _lineal_path(of: Request) -> Variables:
    def path(phase: int, along: str) -> xr.DataArray:
        return lineal_path(
            of.ensemble,
            phase=phase,
            periodic=of.periodic,
            along=along,
            max_distance=of.reach,
            mask=of.mask,
        )

    def mean(phase: int) -> xr.DataArray:
        found = path(phase, "mean").drop_vars("distance").rename(distance="lag")
        return found.assign_coords(lag=("lag", np.arange(of.reach + 1), {"units": "voxel"}))

    def along(phase: int) -> xr.DataArray:
        return of.by_axis(
            lambda axis: path(phase, axis), "lag", 0, "lineal-path function along an axis"
        )

    return {"lineal_path": of.by_phase(mean), "lineal_path_along": of.by_phase(along)}


def _chords(of: Request) -> Variables:
    def density(phase: int) -> xr.DataArray:
        return of.by_axis(
            lambda axis: chord_length_density(
                of.ensemble, phase=phase, periodic=of.periodic, along=axis, mask=of.mask
            ),
            "chord",
            1,
            "chord-length density along an axis",
        )

    return {
        "chord_length_density": of.by_phase(density),
        "mean_chord_length": of.by_phase(
            lambda phase: mean_chord_length(
                of.ensemble, phase=phase, periodic=of.periodic, mask=of.mask
            )
        ),
    }


def _local_thickness(of: Request) -> Variables:
    size = voxel_size_of(of.ensemble).size
    if not np.allclose(size, size[0], rtol=1e-6, atol=0):
        return {}
    found = of.by_phase(lambda phase: local_thickness(of.ensemble, phase=phase, mask=of.mask))
    return {"local_thickness_share": found["share"], "mean_local_thickness": found["mean"]}


def _surface(of: Request) -> Variables:
    def area(phase: int, phase2: int | None = None) -> xr.DataArray:
        return specific_surface_area(
            of.ensemble, phase=phase, phase2=phase2, periodic=of.periodic, mask=of.mask
        )

    found = {
        "specific_surface_area": of.by_phase(area),
        "interface_density": interface_density(of.ensemble, periodic=of.periodic, mask=of.mask),
    }
    if of.pairs:
        found["pair_surface_area"] = of.by_pair(area)
    return found


def _minkowski(of: Request) -> Variables:
    found = of.by_phase(
        lambda phase: minkowski_functionals(
            of.ensemble, phase=phase, periodic=of.periodic, mask=of.mask
        )
    )
    return {f"minkowski_{name}": variable for name, variable in found.data_vars.items()}


def _euler(of: Request) -> Variables:
    size, unit = voxel_size_of(of.ensemble)
    voxels = voxels_of(of.ensemble, specimen_of(of.ensemble, of.mask))
    volume = xr.DataArray(voxels * np.prod(size), dims="sample")
    found = of.by_phase(
        lambda phase: euler_characteristic(
            of.ensemble, phase=phase, periodic=of.periodic, mask=of.mask
        )
    )
    density = (found / volume).assign_attrs(
        long_name="Euler characteristic per volume", units=f"1/{unit}^{len(of.dims)}"
    )
    return {"euler_characteristic": found, "euler_density": density}


def _bodies(of: Request) -> Variables:
    found = of.by_phase(
        lambda phase: connected_bodies(of.ensemble, phase=phase, periodic=of.periodic, mask=of.mask)
    )
    return {"body_count": found["number"], "largest_body_share": found["largest_share"]}


def _percolation(of: Request) -> Variables:
    return {
        "percolates": of.by_phase(lambda phase: percolates(of.ensemble, phase=phase, mask=of.mask))
    }


def _triple_lines(of: Request) -> Variables:
    if not of.many:
        return {}
    found = triple_phase_boundary(of.ensemble, periodic=of.periodic, mask=of.mask)
    return {"triple_phase_boundary": found}


def _anisotropy(of: Request) -> Variables:
    found = of.by_phase(
        lambda phase: fabric(of.ensemble, phase=phase, periodic=of.periodic, mask=of.mask)
    )
    return {"degree_of_anisotropy": found["degree"], "longest_direction": found["direction"]}


def _representativity(of: Request) -> Variables:
    found: xr.Dataset = of.by_phase(
        lambda phase: representativity(
            of.ensemble,
            phase=phase,
            periodic=of.periodic,
            relative_error=of.relative_error,
            s2=of.radial(phase),
            mask=of.mask,
        )
    )
    return {str(name): variable for name, variable in found.data_vars.items()}


GROUPS: dict[str, Callable[[Request], Variables]] = {
    "fractions": _fractions,
    "profiles": _profiles,
    "two_point": _two_point,
    "two_point_along": _two_point_along,
    "cross_two_point": _cross_two_point,
    "cluster": _cluster,
    "lineal_path": _lineal_path,
    "chords": _chords,
    "local_thickness": _local_thickness,
    "surface": _surface,
    "minkowski": _minkowski,
    "euler": _euler,
    "bodies": _bodies,
    "percolation": _percolation,
    "triple_lines": _triple_lines,
    "anisotropy": _anisotropy,
    "representativity": _representativity,
}
"""What measures each group."""
