"""Electrodes through their thickness: counts, functions of depth, and what PyBaMM makes of them."""

from fractions import Fraction

import numpy as np
import pytest
from tiny_models import tiny_model

from microdsd.errors import InputError
from microdsd.microstructure import as_microstructure
from microdsd.transport import (
    electrode_functions,
    electrode_parameters,
    electrode_profiles,
    rate_capability,
)
from microdsd.transport.electrode_profiles import bruggeman_exponent, interpolation_points

PHASES = {0: "pore", 1: "active", 2: "binder"}
PARTS = {"active": "active", "pore": "pore", "binder": "binder"}
THREE = np.random.default_rng(0).choice(3, (2, 12, 7, 7), p=[0.35, 0.5, 0.15])
POROUS = np.linspace(0.6, 0.2, 12)[None, :, None, None] > np.random.default_rng(1).random(
    (2, 12, 9, 9)
)


def cathode(labels=THREE, **options):
    return as_microstructure(labels, phases=PHASES, voxel_size=0.5e-6, ensemble=True, **options)


def executed(text):
    functions = {}
    exec(compile(text, "electrode.py", "exec"), functions)
    return functions


@pytest.mark.parametrize("layers", [1, 3, 12])
@pytest.mark.parametrize("axis", ["z", "y"])
def test_counts_of_every_layer_are_exact(layers, axis):
    if axis == "y":
        layers = {1: 1, 3: 7, 12: 7}[layers]
    ms = cathode()
    found = electrode_profiles(ms, **PARTS, axis=axis, layers=layers)
    turned = ms.transpose("sample", axis, ...).values.reshape(2, layers, -1)
    assert found.attrs["voxels_per_layer"] == turned.shape[2]
    names = ("pore_voxels", "active_voxels", "binder_voxels")
    for label, name in enumerate(names):
        assert found[name].values.tolist() == (turned == label).sum(2).tolist()
    assert (sum(found[name] for name in names) == turned.shape[2]).all()


@pytest.mark.parametrize("voxels", [7, 49, 99, 1000, 2304])
def test_fractions_add_to_one_exactly_in_floating_point(voxels):
    """No tolerance: of 2,000 compositions of a layer, in the order that is documented."""
    rng = np.random.default_rng(voxels)
    columns = np.sort(rng.integers(0, voxels + 1, (2, 2000)), axis=0)
    labels = (np.arange(voxels)[:, None] >= columns[:1]).astype(int)
    labels += np.arange(voxels)[:, None] >= columns[1:]
    ms = as_microstructure(labels.T[:, :, None], phases=PHASES)
    found = electrode_profiles(ms, **PARTS, layers=2000)
    total = (found.porosity + found.active_fraction) + found.binder_fraction
    assert (total == 1).all()
    assert found.binder_fraction.values == pytest.approx(found.binder_voxels.values / voxels)
    two = as_microstructure((labels.T[:, :, None] > 0).astype(int), phases=PHASES)
    found = electrode_profiles(two, active=1, pore=0, binder=2, layers=2000)
    assert (found.porosity + found.active_fraction + found.binder_fraction == 1).all()


def test_an_electrode_knows_the_layers_it_was_made_with():
    model = tiny_model(3, 3, window=(8, 8, 8))
    table = {"pore": np.linspace(0.5, 0.2, 4)[:, None, None], "clay": np.full((4, 1, 1), 0.1)}
    samples = model.sample_regions(table, 2, shape=(8, 6, 5), rng=0)
    parts = {"pore": "pore", "active": "solid", "binder": "clay"}
    found = electrode_profiles(samples, **parts)
    assert found.sizes["layer"] == 4
    exact = [Fraction(int(n), 60) for n in found.pore_voxels.values[0]]
    assert [float(f) for f in exact] == [0.5, 0.4, 0.3, 0.2]
    assert (found.pore_voxels[0] == found.pore_voxels[1]).all()
    assert electrode_profiles(samples, **parts, axis="y").sizes["layer"] == 1
    assert electrode_profiles(samples.drop_vars("region"), **parts).sizes["layer"] == 1
    uneven = model.sample_regions({k: v[:3] for k, v in table.items()}, shape=(8, 6, 5), rng=0)
    assert electrode_profiles(uneven, **parts).sizes["layer"] == 8  # as fine as voxels


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": 5}, r"layers=5: the 12 voxels.*give one of 1, 2, 3, 4, 6, 12"),
        ({"layers": 0}, "layers=0"),
        ({"layers": 24}, "layers=24"),
        ({"pore": "void"}, "void"),
        ({"binder": None}, r"labels \[2\] have no part"),
        ({"axis": "u"}, "u"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(InputError, match=message):
        electrode_profiles(cathode(), **{**PARTS, **options})


def test_the_exponent_makes_layers_in_series_as_resistive_as_the_whole():
    porosity = np.array([0.5, 0.3, 0.2])
    b = bruggeman_exponent(porosity, 0.1)
    assert np.mean(porosity**-b) == pytest.approx(10)
    assert bruggeman_exponent(np.full(4, 0.3), 0.3**2.2) == pytest.approx(2.2)
    assert bruggeman_exponent(porosity, 1.0) == pytest.approx(0, abs=1e-9)
    assert bruggeman_exponent(np.array([0.3, 0.0]), 0.1) == np.inf


@pytest.mark.parametrize("layers", [1, 2, 3, 10])
def test_straight_lines_have_the_mean_of_the_layers(layers):
    values = np.random.default_rng(layers).random(layers)
    places, heights = interpolation_points(values)
    assert np.trapezoid(heights, places) == pytest.approx(values.mean())
    assert (places[0], places[-1]) == (0, 1)
    assert np.interp((np.arange(layers) + 0.5) / layers, places, heights) == pytest.approx(values)


def test_transport_of_layers_is_that_of_each_by_itself():
    ms = cathode(POROUS.astype(int)[:, :, :, :] * -1 + 1)
    found = electrode_profiles(ms, **PARTS, layers=3, transport=True)
    part = cathode((POROUS.astype(int) * -1 + 1)[:, 4:8])
    alone = electrode_parameters(part, **PARTS)
    assert found.relative_diffusivity.values[:, 1] == pytest.approx(
        alone.relative_diffusivity.values
    )
    assert found.tortuosity_factor.values[:, 1] == pytest.approx(alone.tortuosity_factor.values)


@pytest.mark.parametrize("binder", [True, False])
def test_the_file_of_functions(binder):
    labels = THREE if binder else np.minimum(THREE, 1)
    profiles = electrode_profiles(cathode(labels), **PARTS, layers=4)
    text = electrode_functions(profiles, thickness=80e-6, source="cathode.h5", module="mine")
    functions = executed(text)
    assert "from cathode.h5" in text
    assert "import mine\n" in text
    middles = (np.arange(4) + 0.5) / 4 * 80e-6
    for i in range(2):
        for name in ("porosity", "active_fraction", "binder_fraction"):
            values = functions[name](middles, sample=i)
            assert values == pytest.approx(profiles[name].values[i], abs=1e-15)
        depth = np.linspace(0, 80e-6, 1001)
        total = functions["porosity"](depth, i) + functions["active_fraction"](depth, i)
        assert (total + functions["binder_fraction"](depth, i) == 1).all()
        counts = np.array([functions[k][i] for k in ("PORE", "ACTIVE", "BINDER")])
        assert (counts.sum(0) == functions["VOXELS_PER_LAYER"]).all()
    assert "BRUGGEMAN" not in functions
    assert "tortuosity_factor" not in functions


def test_the_file_with_what_was_measured():
    ms = cathode(THREE)
    profiles = electrode_profiles(ms, **PARTS, layers=4, transport=True)
    measured = electrode_parameters(ms, **PARTS)
    functions = executed(electrode_functions(profiles, measured))
    assert functions["PARTICLE_RADIUS"] == measured.particle_radius.values.tolist()
    exponent = functions["BRUGGEMAN"][1]
    resistance = np.mean(profiles.porosity.values[1] ** -exponent)
    assert resistance == pytest.approx(1 / measured.relative_diffusivity.values[1])
    middle = 2.5 / 4 * 100e-6
    assert functions["tortuosity_factor"](middle, 1) == pytest.approx(
        profiles.tortuosity_factor.values[1, 2]
    )


def test_a_blocked_electrode_is_written_all_the_same():
    labels = np.ones((1, 6, 4, 4), int)
    labels[:, :3] = 0
    ms = cathode(labels)
    profiles = electrode_profiles(ms, **PARTS, layers=2)
    functions = executed(electrode_functions(profiles, electrode_parameters(ms, **PARTS)))
    assert functions["BRUGGEMAN"] == [np.inf]


def test_what_does_not_go_together():
    profiles = electrode_profiles(cathode(), **PARTS, layers=4)
    measured = electrode_parameters(cathode(THREE[:1]), **PARTS)
    with pytest.raises(InputError, match="of the samples"):
        electrode_functions(profiles, measured)
    with pytest.raises(InputError, match="same samples"):
        rate_capability(measured, profiles)
    with pytest.raises(InputError, match="thickness"):
        electrode_functions(profiles, thickness=-1)


@pytest.fixture(scope="module")
def graded():
    """Sheets of active material along z, thinner towards the collector; measured and in layers."""
    y = np.arange(20)[None, None, :, None]
    width = np.repeat([12, 10, 8, 6], 4)[None, :, None, None]
    ms = cathode(np.broadcast_to(y < width, (1, 16, 20, 6)).astype(int))
    return electrode_parameters(ms, **PARTS), electrode_profiles(ms, **PARTS, layers=4)


def test_a_flat_profile_is_a_homogeneous_electrode(graded):
    pytest.importorskip("pybamm")
    measured, profiles = graded
    flat = profiles.copy()
    for name in ("porosity", "active_fraction"):
        flat[name] = flat[name].mean("layer").expand_dims(layer=4, axis=1)
    with_profile = rate_capability(measured, flat, rates=[2])
    without = rate_capability(measured, rates=[2])
    assert with_profile.capacity.values == pytest.approx(without.capacity.values, rel=1e-5)


def test_pores_at_the_separator_help_and_the_capacity_is_that_of_the_layers(graded):
    pytest.importorskip("pybamm")
    measured, profiles = graded
    turned = profiles.isel(layer=slice(None, None, -1))
    slow, fast = 0.02, 6
    closed, opened = (
        rate_capability(measured, p, rates=[slow, fast]).isel(sample=0) for p in (profiles, turned)
    )
    for found in (closed, opened):
        full = found.equilibrium_capacity.item()
        assert found.capacity[0].item() == pytest.approx(full, rel=0.01)
        assert found.converged.all()
    assert opened.capacity[1] > 1.05 * closed.capacity[1]


def test_the_file_in_pybamm_is_our_own_discharge(graded):
    """A user's script with the file of functions, against `rate_capability`."""
    pybamm = pytest.importorskip("pybamm")
    measured, profiles = graded
    rate = 3.0
    ours = rate_capability(measured, profiles, rates=[rate]).isel(sample=0)
    functions = executed(electrode_functions(profiles, measured))
    values = pybamm.ParameterValues("Xu2019")
    face = values["Negative electrode thickness [m]"] + values["Separator thickness [m]"]
    values.update(functions["pybamm_parameters"](face), check_already_exists=False)
    area = values["Electrode height [m]"] * values["Electrode width [m]"]
    values["Current function [A]"] = rate * ours.equilibrium_capacity.item() * area
    model = pybamm.lithium_ion.DFN({"working electrode": "positive"})
    solution = pybamm.Simulation(model, parameter_values=values).solve([0, 1300])
    theirs = solution["Discharge capacity [A.h]"].entries[-1] / area
    assert ours.capacity.item() == pytest.approx(theirs, rel=1e-3)


def test_a_layer_without_pores_blocks(graded):
    pytest.importorskip("pybamm")
    measured, profiles = graded
    shut = profiles.copy(deep=True)
    shut["porosity"][0, 2] = 0.0
    found = rate_capability(measured, shut, rates=[1])
    assert found.capacity.item() == 0
    assert found.converged
