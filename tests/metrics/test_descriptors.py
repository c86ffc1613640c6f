import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.metrics.descriptors import describe
from microdsd.metrics.surface import interface_density, specific_surface_area
from microdsd.metrics.topology import connected_bodies, euler_characteristic, percolates
from microdsd.metrics.triple_lines import triple_phase_boundary
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure.schema import as_microstructure, phases_of

NAMES = {0: "pore", 3: "grain", 7: "binder"}


@pytest.fixture(scope="module")
def ensemble():
    labels = np.random.default_rng(0).choice(list(NAMES), (3, 6, 8, 7)).astype(np.uint8)
    return as_microstructure(labels, phases=NAMES, voxel_size=2.0, ensemble=True)


@pytest.mark.parametrize("periodic", [True, False])
def test_every_variable_is_what_its_own_function_says(ensemble, periodic):
    found = describe(ensemble, periodic=periodic)
    for label in NAMES:
        one = found.sel(phase=label)
        here = {"phase": label, "periodic": periodic}
        bodies = connected_bodies(ensemble, **here)
        euler = euler_characteristic(ensemble, **here)
        for name, expected in {
            "phase_fraction": (ensemble == label).mean(("z", "y", "x")),
            "two_point_probability": two_point_probability(ensemble, **here),
            "specific_surface_area": specific_surface_area(ensemble, **here),
            "euler_characteristic": euler,
            "euler_density": euler / (6 * 8 * 7 * 2.0**3),
            "body_count": bodies.number,
            "largest_body_share": bodies.largest_share,
            "percolates": percolates(ensemble, phase=label),
        }.items():
            np.testing.assert_allclose(one[name].values, expected.values, rtol=1e-14)
        for dim in "zyx":
            np.testing.assert_array_equal(
                one["two_point_along"].sel(axis=dim).values,
                two_point_probability(ensemble, along=dim, max_distance=3, **here).values,
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
    found = describe(ensemble, periodic=False)
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
        "body_count": "1",
        "largest_body_share": "1",
        "percolates": "1",
        "cross_two_point_probability": "1",
        "triple_phase_boundary": "1/m^2",
    }
    assert found.distance.attrs["units"] == "m"


def test_a_choice_of_phases(ensemble):
    found = describe(ensemble, periodic=False, phases=["binder", 0])
    assert found.phase_name.values.tolist() == ["binder", "pore"]
    whole = describe(ensemble, periodic=False)
    np.testing.assert_array_equal(
        found.body_count.values, whole.body_count.sel(phase=[7, 0]).values
    )
    assert "pair_surface_area" not in describe(ensemble, periodic=False, phases=[3])
    with pytest.raises(InputError, match="no phase 'water'"):
        describe(ensemble, periodic=False, phases=["water"])


def test_two_phases_have_nothing_of_three():
    two = describe(np.eye(6, dtype=int), periodic=False)
    assert not {"triple_phase_boundary", "cross_two_point_probability"} & set(two)


def test_sample_coordinate_is_kept(ensemble):
    named = ensemble.assign_coords(sample=[10, 20, 30])
    assert describe(named, periodic=False).sample.values.tolist() == [10, 20, 30]


@pytest.mark.scan
def test_berea_slices_look_like_berea(berea_coarse):
    """Loose limits around what the literature and the prototype found for this sandstone."""
    slices = berea_coarse.values[::50, :64, :64]
    ms = as_microstructure(slices, phases=phases_of(berea_coarse), ensemble=True)
    found = describe(ms, periodic=False).mean("sample").swap_dims(phase="phase_name")
    assert 0.1 < found.phase_fraction.sel(phase_name="pore") < 0.3
    assert 0.1 < found.interface_density < 0.2
    assert 10 < found.body_count.sel(phase_name="pore") < 50
    assert found.body_count.sel(phase_name="solid") < 12
