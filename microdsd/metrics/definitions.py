"""What every variable of `describe` is, in one line with its source; kept in its attributes."""

from __future__ import annotations

import xarray as xr

_TORQUATO = "doi:10.1007/978-1-4757-6355-3"
_OHSER = "doi:10.1002/9783527628308"
_LANTUEJOUL = "doi:10.1111/j.1365-2818.1991.tb03099.x"
_CROFTON = "Crofton's formula over 13 (3D) or 4 (2D) directions of neighbouring voxels"

DEFINITIONS: dict[str, tuple[str, str]] = {
    "phase_fraction": ("voxels of the phase over all voxels", _TORQUATO),
    "fraction_profile": ("phase fraction in each layer of voxels normal to the axis", _TORQUATO),
    "two_point_probability": (
        "S2(r) = <I(x) I(x + r)>, plain mean over the lags i <= |r| < i + 1 shortest edges",
        _TORQUATO,
    ),
    "two_point_along": ("S2 at lags along one axis", _TORQUATO),
    "cross_two_point_probability": (
        "S2(r) = <I_a(x) I_b(x + r)> of two phases, r and -r averaged, mean over shells",
        _TORQUATO,
    ),
    "two_point_cluster": (
        "C2(r): chance that two points r apart lie in one connected body, mean over shells",
        "doi:10.1063/1.454440",
    ),
    "lineal_path": (
        "L(z): chance that a segment joining the centres of voxels z apart lies in the phase, "
        "mean over the axes",
        "doi:10.1103/PhysRevA.45.922",
    ),
    "lineal_path_along": ("L(z) along one axis", "doi:10.1103/PhysRevA.45.922"),
    "chord_length_density": (
        "probability density of the lengths of whole chords along an axis; chords that faces of "
        "the box cut are made up for by the inverse number of places of whole ones",
        "doi:10.1103/PhysRevE.47.2950",
    ),
    "mean_chord_length": (
        "2 phi / P_L, with P_L the crossings of the boundary per length of line along an axis",
        "Underwood, Quantitative Stereology (1970), chapter 4",
    ),
    "local_thickness_share": (
        "share of the phase covered by balls in the phase of at least this diameter",
        "doi:10.1046/j.1365-2818.1997.1340694.x",
    ),
    "mean_local_thickness": (
        "mean over the phase of the diameter of the largest ball in the phase that covers a point",
        "doi:10.1046/j.1365-2818.1997.1340694.x",
    ),
    "specific_surface_area": (f"boundary of the phase per bulk volume, by {_CROFTON}", _OHSER),
    "pair_surface_area": (f"interface of two phases per bulk volume, by {_CROFTON}", _OHSER),
    "interface_density": (
        "unlike voxel faces per voxel, of all phases; follows the staircase of voxels",
        _OHSER,
    ),
    "minkowski_volume": ("phase fraction, mean over configurations of 2^d voxels", _OHSER),
    "minkowski_surface": (f"surface per volume, by {_CROFTON}", _OHSER),
    "minkowski_curvature": (
        "integral of (k1 + k2) / 2 over the boundary per volume, from 13 plane sections",
        _OHSER,
    ),
    "minkowski_euler": (
        "Euler characteristic per volume, of configurations inside the box: faces of the box "
        "bound nothing",
        _OHSER,
    ),
    "euler_characteristic": (
        "bodies less tunnels plus cavities (2D: bodies less holes), connected across faces; "
        "outside a box that does not wrap there is no phase",
        _OHSER,
    ),
    "euler_density": ("euler_characteristic over the volume of the box", _OHSER),
    "body_count": ("connected bodies, across faces; cut ones count as whole", _OHSER),
    "largest_body_share": ("voxels of the largest body over those of the phase", _OHSER),
    "percolates": (
        "one body touches both faces of the box normal to the axis; the box never wraps",
        "doi:10.1201/9781315274386",
    ),
    "triple_phase_boundary": (
        "length of lines where three phases meet per volume (2D: points per area), by plane "
        "sections",
        "Underwood, Quantitative Stereology (1970), chapter 2",
    ),
    "degree_of_anisotropy": (
        "1 - shortest over longest half axis of the ellipsoid of mean intercept lengths",
        "doi:10.1007/BF00540446",
    ),
    "longest_direction": ("unit vector of the longest mean intercepts", "doi:10.1007/BF00540446"),
    "correlation_length": (
        "radial integral of (S2 - phi^2) / (phi - phi^2) until that falls to 1 %",
        _TORQUATO,
    ),
    "integral_range": (
        "volume integral of (S2 - phi^2) / (phi - phi^2) until that falls to 1 %",
        _LANTUEJOUL,
    ),
    "fraction_standard_error": (
        "sqrt(phi (1 - phi) A / V), with A the integral range and V the volume of the box",
        _LANTUEJOUL,
    ),
    "representative_size": (
        "edge of the box whose phase fraction has the standard error relative_error * phi",
        "doi:10.1016/S0020-7683(03)00143-4",
    ),
}
"""Definition and reference of every variable; profiles share one."""


def with_definitions(described: xr.Dataset) -> xr.Dataset:
    """Put definition and reference into the attributes of every variable.

    Examples
    --------
    >>> import numpy as np
    >>> from microdsd.metrics import describe
    >>> found = describe(np.eye(4, dtype=int), periodic=True, descriptors=["fractions"])
    >>> found.phase_fraction.attrs["definition"]
    'voxels of the phase over all voxels'
    """
    for name, variable in described.data_vars.items():
        key = "fraction_profile" if str(name).startswith("fraction_profile") else str(name)
        definition, reference = DEFINITIONS[key]
        variable.attrs.update(definition=definition, reference=reference)
    return described
