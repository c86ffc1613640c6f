import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.metrics.anisotropy import fabric
from microdsd.metrics.chords import chord_length_density, mean_chord_length
from microdsd.metrics.cluster_function import two_point_cluster
from microdsd.metrics.descriptors import describe
from microdsd.metrics.lineal_path import lineal_path
from microdsd.metrics.local_thickness import local_thickness
from microdsd.metrics.minkowski import minkowski_functionals
from microdsd.metrics.profiles import fraction_profile
from microdsd.metrics.registry import compared_groups, groups, judged_groups
from microdsd.metrics.representativity import representativity
from microdsd.metrics.surface import interface_density, specific_surface_area
from microdsd.metrics.topology import connected_components, euler_characteristic, percolates
from microdsd.metrics.triple_lines import triple_phase_boundary
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure.schema import as_microstructure, phases_of

NAMES = {0: "pore", 3: "grain", 7: "binder"}


@pytest.fixture(scope="module")
def ensemble():
    labels = np.random.default_rng(0).choice(list(NAMES), (3, 6, 8, 7)).astype(np.uint8)
    return as_microstructure(labels, phases=NAMES, voxel_size="2m", ensemble=True)


@pytest.mark.parametrize("periodic", [True, False])
def test_every_variable_is_what_its_own_function_says(ensemble, periodic):
    found = describe(ensemble, periodic=periodic, descriptors=compared_groups())
    for label in NAMES:
        one = found.sel(phase=label)
        here = {"phase": label, "periodic": periodic}
        components = connected_components(ensemble, **here)
        euler = euler_characteristic(ensemble, **here)
        for name, expected in {
            "phase_fraction": (ensemble == label).mean(("z", "y", "x")),
            "two_point_probability": two_point_probability(ensemble, **here),
            "specific_surface_area": specific_surface_area(ensemble, **here),
            "euler_characteristic": euler,
            "euler_density": euler / (6 * 8 * 7 * 2.0**3),
            "component_count": components.number,
            "largest_component_share": components.largest_share,
            "percolates": percolates(ensemble, phase=label),
        }.items():
            np.testing.assert_allclose(one[name].values, expected.values, rtol=1e-14)
        for dim in "zyx":
            np.testing.assert_array_equal(
                one["two_point_along"].sel(axis=dim).values,
                two_point_probability(ensemble, axis=dim, max_distance=3, **here).values,
            )
    np.testing.assert_array_equal(
        found.interface_density.values, interface_density(ensemble, periodic=periodic).values
    )
    np.testing.assert_array_equal(
        found.pair_surface_area.sel(pair="pore-binder").values,
        specific_surface_area(ensemble, phase=0, phase2=7, periodic=periodic).values,
    )
    np.testing.assert_array_equal(
        found.cross_two_point_probability.sel(pair="pore-binder").values,
        two_point_probability(ensemble, phase=0, phase2=7, periodic=periodic).values,
    )
    np.testing.assert_array_equal(
        found.triple_phase_boundary.values,
        triple_phase_boundary(ensemble, periodic=periodic).values,
    )


def test_dims_names_and_units(ensemble):
    found = describe(ensemble, periodic=False, descriptors=compared_groups())
    assert found.phase.values.tolist() == [0, 3, 7]
    assert found.phase_name.values.tolist() == list(NAMES.values())
    assert found.pair.values.tolist() == ["pore-grain", "pore-binder", "grain-binder"]
    assert found.two_point_probability.dims == ("sample", "phase", "distance")
    assert found.two_point_along.dims == ("sample", "phase", "axis", "lag")
    assert found.percolates.dims == ("sample", "phase", "axis")
    assert {name: v.attrs["units"] for name, v in found.data_vars.items()} == {
        "phase_fraction": "1",
        "two_point_probability": "1",
        "two_point_along": "1",
        "specific_surface_area": "1/m",
        "pair_surface_area": "1/m",
        "interface_density": "1",
        "euler_characteristic": "1",
        "euler_density": "1/m^3",
        "component_count": "1",
        "largest_component_share": "1",
        "percolates": "1",
        "cross_two_point_probability": "1",
        "triple_phase_boundary": "1/m^2",
        "edge_contacts": "1",
    }
    assert found.distance.attrs["units"] == "m"


@pytest.mark.parametrize("periodic", [True, False])
def test_every_new_variable_is_what_its_own_function_says(ensemble, periodic):
    found = describe(ensemble, periodic=periodic)
    for label in NAMES:
        one = found.sel(phase=label)
        here = {"phase": label, "periodic": periodic}
        about = representativity(ensemble, **here)
        shape = minkowski_functionals(ensemble, **here)
        thickness = local_thickness(ensemble, phase=label)
        for name, expected in {
            "two_point_cluster": two_point_cluster(ensemble, **here),
            "lineal_path": lineal_path(ensemble, **here),
            "mean_chord_length": mean_chord_length(ensemble, **here),
            "mean_local_thickness": thickness["mean"],
            "minkowski_euler": shape.euler,
            "minkowski_curvature": shape.curvature,
            "degree_of_anisotropy": fabric(ensemble, **here).degree,
            "fraction_profile_y": fraction_profile(ensemble, axis="y").sel(phase=label),
            **about,
        }.items():
            np.testing.assert_allclose(one[name].values, expected.values, rtol=1e-14)
        for dim, side in zip("zyx", (6, 8, 7), strict=True):
            along = one.sel(axis=dim)
            path = lineal_path(ensemble, axis=dim, **here)
            np.testing.assert_array_equal(along.lineal_path_along.values, path.values)
            chords = chord_length_density(ensemble, axis=dim, **here).values
            np.testing.assert_array_equal(along.chord_length_density.values, chords)
            assert along.chord_length_density.values[:, side:].sum() == 0
        largest = thickness.sizes["diameter"]
        share = one.local_thickness_share.values
        np.testing.assert_array_equal(share[:, :largest], thickness.share.values)
        assert not share[:, largest:].any()


def test_every_variable_is_defined_and_has_a_unit(ensemble):
    found = describe(ensemble, periodic=False)
    for name, variable in found.data_vars.items():
        assert {"units", "definition", "references", "long_name"} <= set(variable.attrs), name
    profiles = {"fraction_profile_z", "fraction_profile_y", "fraction_profile_x"}
    measured = [group for group in groups().values() if not group.optional]
    records = {r.name for group in measured for r in group.descriptors if r.derived_from is None}
    assert set(found.data_vars) - profiles == records - {"fraction_profile"}


def test_groups_are_what_is_asked_for(ensemble):
    seen = []
    found = describe(
        ensemble,
        periodic=False,
        descriptors=("lineal_path", "two_point"),
        progress=lambda *state: seen.append(state),
    )
    assert set(found) == {"two_point_probability", "lineal_path", "lineal_path_along"}
    assert seen == [(0, 2, "two point"), (1, 2, "lineal path")]
    assert found.phase_name.values.tolist() == list(NAMES.values())
    assert set(describe(ensemble, periodic=False, descriptors="components")) == {
        "component_count", "largest_component_share",
    }  # fmt: skip
    with pytest.raises(InputError, match="no group 'colour'"):
        describe(ensemble, periodic=False, descriptors=["colour"])
    assert set(judged_groups()) <= set(groups())


def test_specimen(ensemble):
    inside = np.random.default_rng(1).random((6, 8, 7)) < 0.8
    found = describe(ensemble, periodic=False, mask=inside)
    assert set(found) == set(describe(ensemble, periodic=False))
    expected = (ensemble.values == 7)[:, inside].mean(axis=1)
    np.testing.assert_allclose(found.phase_fraction.sel(phase=7), expected)
    with pytest.raises(InputError, match="mask: expected bool"):
        describe(ensemble, periodic=False, mask=inside.astype(int), descriptors=["components"])


def test_oblong_voxels_have_no_local_thickness():
    ms = as_microstructure(np.eye(12, dtype=int), voxel_size=(1e-6, 2e-6))
    found = describe(ms, periodic=True)
    assert "mean_local_thickness" not in found
    assert {"lineal_path", "chord_length_density", "representative_size"} <= set(found)


def test_a_choice_of_phases(ensemble):
    found = describe(ensemble, periodic=False, phase=["binder", 0], descriptors=compared_groups())
    assert found.phase_name.values.tolist() == ["binder", "pore"]
    whole = describe(ensemble, periodic=False, descriptors=compared_groups())
    np.testing.assert_array_equal(
        found.component_count.values, whole.component_count.sel(phase=[7, 0]).values
    )
    assert "pair_surface_area" not in describe(
        ensemble, periodic=False, phase=[3], descriptors=compared_groups()
    )
    with pytest.raises(InputError, match="no phase 'water'"):
        describe(ensemble, periodic=False, phase=["water"])


def test_two_phases_have_nothing_of_three():
    two = describe(np.eye(6, dtype=int), periodic=False, descriptors=compared_groups())
    assert not {"triple_phase_boundary", "cross_two_point_probability"} & set(two)


def test_sample_coordinate_is_kept(ensemble):
    named = ensemble.assign_coords(sample=[10, 20, 30])
    assert describe(named, periodic=False, descriptors="components").sample.values.tolist() == [
        10,
        20,
        30,
    ]


@pytest.mark.scan
def test_berea_slices_look_like_berea(berea_coarse):
    """Loose limits around what the literature and the prototype found for this sandstone."""
    slices = berea_coarse.values[::50, :64, :64]
    ms = as_microstructure(slices, phases=phases_of(berea_coarse), ensemble=True)
    found = (
        describe(ms, periodic=False, descriptors=compared_groups())
        .mean("sample")
        .swap_dims(phase="phase_name")
    )
    assert 0.1 < found.phase_fraction.sel(phase_name="pore") < 0.3
    assert 0.1 < found.interface_density < 0.2
    assert 10 < found.component_count.sel(phase_name="pore") < 50
    assert found.component_count.sel(phase_name="solid") < 12
