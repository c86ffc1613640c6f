"""Permeability against closed forms, published sphere arrays, and itself."""

import warnings

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.microstructure import as_microstructure
from microdsd.transport import describe_transport, permeability
from microdsd.transport.lattice_boltzmann import creeping_flow
from microdsd.transport.pathways import leads_through
from microdsd.transport.permeability import _without_lattice

EXACT = {"tolerance": 1e-9, "precision": "float64"}


@pytest.fixture(scope="module")
def rock():
    """A random box of 0.8 pores, 6 x 7 x 8."""
    return np.random.default_rng(0).random((6, 7, 8)) < 0.8


@pytest.mark.parametrize("width", [1, 2, 3, 7])
@pytest.mark.parametrize("length", [(4,), (4, 3)], ids=["2D", "3D"])
def test_flux_between_parallel_walls_is_exact(width, length):
    channel = np.zeros((*length, width + 1), dtype=bool)
    channel[..., :width] = True
    flow = creeping_flow(channel, 0, ends="periodic", sides="periodic", **EXACT)
    assert flow.converged
    assert flow.permeability == pytest.approx(width / (width + 1) * width**2 / 12, rel=1e-7)


def square_duct():
    """Permeability of a square duct of side 1 (White, Viscous Fluid Flow, 3-48)."""
    odd = np.arange(1, 200, 2)
    series = np.sum(np.tanh(odd * np.pi / 2) / odd**5.0)
    return (1 - 192 / np.pi**5 * series) / 12


@pytest.mark.parametrize(("width", "error"), [(8, 0.007), (16, 0.002)])
def test_square_duct(width, error):
    found = permeability(np.zeros((2, width, width), int), phase=0, axes="z", sides="no-slip")
    assert found.permeability.item() == pytest.approx(square_duct() * width**2, rel=error)


def test_extrapolation_shrinks_the_error_of_a_duct():
    duct = np.zeros((2, 6, 6), dtype=int)
    found = permeability(duct, phase=0, axes="z", sides="no-slip", extrapolate=True, tolerance=1e-6)
    exact = square_duct() * 36
    base = found.permeability.item() * (1 + found.lattice_error.item())
    assert abs(found.permeability.item() / exact - 1) < 0.6 * abs(base / exact - 1)


@pytest.mark.parametrize(
    ("fraction", "drag"), [(0.125, 4.292), (0.216, 7.442), (0.343, 15.4), (0.5236, 42.1)]
)
def test_simple_cubic_arrays_of_spheres(fraction, drag):
    """Zick and Homsy, J. Fluid Mech. 115 (1982) 13, table 2, against spheres of voxels."""
    n = 24
    radius = (3 * fraction / 4 / np.pi) ** (1 / 3) * n
    x = np.arange(n) + 0.5 - n / 2
    solid = (x[:, None, None] ** 2 + x[:, None] ** 2 + x**2 < radius**2).astype(int)
    found = permeability(solid, phase=0, axes="z", ends="periodic", sides="periodic")
    exact = n**3 / (6 * np.pi * radius * drag)
    assert found.permeability.item() == pytest.approx(exact, rel=0.09)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_steady_flow_does_not_depend_on_the_viscosity(rock, axis):
    flows = [creeping_flow(rock, axis, viscosity=v, **EXACT) for v in (1 / 30, 1 / 6, 1)]
    assert np.ptp([f.permeability for f in flows]) < 1e-7 * flows[0].permeability


@pytest.mark.parametrize("axis", [0, 1])
def test_mirrored_faces_stand_for_the_whole_mirror_image(rock, axis):
    """Half of the doubled box, at half the cost, to rounding."""
    whole = rock
    for along in range(3):
        whole = np.concatenate([whole, np.flip(whole, along)], along)
    half = creeping_flow(rock, axis, **EXACT)
    full = creeping_flow(whole, axis, ends="periodic", sides="periodic", **EXACT)
    assert half.permeability == pytest.approx(full.permeability, rel=1e-7)


def test_single_precision_is_enough(rock):
    flows = [
        creeping_flow(rock, 0, tolerance=1e-6, precision=p).permeability
        for p in ("float32", "float64")
    ]
    assert flows[0] == pytest.approx(flows[1], rel=2e-5)


def test_turning_the_box_turns_the_flow(rock):
    found = permeability((~rock).astype(int), phase=0, tolerance=1e-6)
    turned = permeability((~rock).astype(int).transpose(2, 0, 1), phase=0, tolerance=1e-6)
    np.testing.assert_allclose(turned.permeability[0], found.permeability[0, [2, 0, 1]], rtol=1e-4)


def test_nothing_flows_across_an_edge_between_solids():
    """Two channels that meet in one edge are two channels."""
    apart = np.ones((2, 4, 4), dtype=int)
    apart[:, :2, :2] = 0
    touching = apart.copy()
    touching[:, 2:, 2:] = 0
    one, two = (
        permeability(box, phase=0, axes="z", sides="no-slip").permeability.item()
        for box in (apart, touching)
    )
    assert two == pytest.approx(2 * one, rel=1e-5)


def test_blocked_samples_of_an_ensemble_have_no_permeability():
    open_, blocked = np.zeros((2, 5, 6), dtype=int)
    blocked[2] = 1
    both = as_microstructure(
        np.stack([blocked, open_]), phases={0: "pore", 1: "rock"}, voxel_size=1e-6, ensemble=True
    )
    found = permeability(both, phase="pore", axes=["y"], sides="no-slip", extrapolate=True)
    assert found.permeability.attrs["units"] == "m2"
    np.testing.assert_allclose(found.permeability[:, 0], [0, 36e-12 / 12], rtol=1e-4)
    assert found.converged.all()
    assert found.iterations[0].item() == found.lattice_error[0].item() == 0


def test_a_phase_that_is_absent_blocks():
    none = as_microstructure(np.ones((4, 4), np.uint8), phases={0: "pore", 1: "rock"})
    assert permeability(none, phase="pore").permeability.sum() == 0


def test_a_path_must_close_where_the_box_repeats():
    step = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0]], dtype=bool)
    options = {"repeats": True, "periodic_sides": False}
    assert leads_through(step, 1, repeats=False, periodic_sides=False).sum() == 5
    assert not leads_through(step, 1, **options).any()
    closed = step.copy()
    closed[0, 3] = True
    assert leads_through(closed, 1, **options).sum() == 6
    # Closes after two periods, through a second body.
    two = np.array([[1, 1, 0, 1], [0, 1, 0, 1], [0, 1, 1, 1], [1, 0, 0, 0]], dtype=bool)
    assert leads_through(two, 1, **options).sum() == 8
    # Rows that climb one voxel a period wind along both axes.
    screw = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=bool)
    assert leads_through(screw, 1, repeats=True, periodic_sides=True).all() == screw.all()


def test_dead_pores_change_nothing(rock):
    channel = np.ones((3, 6), dtype=int)
    channel[:, :2] = 0
    with_dead_pore = channel.copy()
    with_dead_pore[1, 4] = 0
    one, two = (
        permeability(box, phase=0, axes="y", sides="no-slip").permeability.item()
        for box in (channel, with_dead_pore)
    )
    assert one == two > 0


def test_stops_at_the_limit_and_says_so(rock):
    found = permeability((~rock).astype(int), phase=0, axes="z", max_iterations=20)
    assert not found.converged.any()
    assert found.iterations.item() == 20
    assert found.residual.item() > 1e-4


def test_progress_tells_and_ends_the_computation(rock):
    told = []

    def stop(done, total, status):
        told.append((done, total, status))
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        permeability((~rock).astype(int), phase=0, axes="y", tolerance=1e-9, progress=stop)
    assert [counts for *counts, _ in told] == [[0, 1]] * 2
    assert told[0][2].startswith("sample 0, axis y: permeability ")
    assert told[0][2] != told[1][2]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"ends": "open"}, "ends"),
        ({"sides": "walls"}, "sides"),
        ({"axes": "w"}, "axes"),
        ({"tolerance": 0}, "tolerance"),
        ({"precision": "half"}, "precision"),
    ],
)
def test_wrong_arguments_are_named(options, name):
    with pytest.raises(InputError, match=name):
        permeability(np.zeros((4, 4), int), phase=0, **options)


def test_voxels_must_be_cubic():
    flat = as_microstructure(np.zeros((4, 4), np.uint8), voxel_size=(1e-6, 2e-6))
    with pytest.raises(InputError, match="cubic"):
        permeability(flat, phase=0)


@pytest.mark.scan
def test_two_lattices_of_a_sandstone_give_what_three_give(berea_coarse):
    """The error is of first order: halves and thirds of the voxels agree with it to 10 %."""
    window = berea_coarse[:16, :16, :16]
    found = permeability(window, phase="pore", axes="z", extrapolate=True, tolerance=1e-5)
    assert found.converged.all()
    fluid = leads_through(window.values == 0, 0, repeats=False, periodic_sides=False)
    halves, thirds = (
        creeping_flow(np.kron(fluid, np.ones((r, r, r))) > 0, 0, tolerance=1e-5).permeability / r**2
        for r in (2, 3)
    )
    edge = window.z.values[1] - window.z.values[0]
    assert 3 * thirds - 2 * halves == pytest.approx(found.permeability.item() / edge**2, rel=0.1)


def test_pores_of_few_voxels_are_told_of():
    """Walls 6 voxels apart are that; without a second lattice its error is a caution."""
    slit = np.ones((4, 8), dtype=np.uint8)
    slit[:, 1:7] = 0
    plain = permeability(slit, phase=0, axes=["y"])
    assert plain.pore_width.item() == pytest.approx(6, rel=1e-3)
    assert "pore_width" in plain.attrs["caution"]
    finer = permeability(slit, phase=0, axes=["y"], extrapolate=True)
    assert "caution" not in finer.attrs
    assert finer.pore_width.item() == pytest.approx(6, rel=1e-3)
    assert permeability(slit, phase=0, axes=["x"]).pore_width.item() == 0


def test_it_is_a_property_of_describe_transport():
    """Beside diffusivity, in a phase of its own column; a blocked sample stops nothing."""
    stack = np.ones((2, 4, 6), dtype=np.uint8)
    stack[0, 1:3] = 0
    ms = as_microstructure(stack, ensemble=True, voxel_size=2e-6)
    found = describe_transport(ms, properties=["diffusivity", "permeability"], phase=0, axes=["x"])
    alone = permeability(ms, phase=0, axes=["x"])
    np.testing.assert_allclose(found.permeability[:, 0], alone.permeability)
    assert found.permeability.values[1].item() == 0.0
    assert found.permeability.attrs["units"] == "m2"
    assert bool(found.permeability_converged.all())
    assert found.relative_diffusivity.shape == (2, 1, 1)


@pytest.mark.parametrize("ratio", [0.999, 0.9, 0.6, 0.51, 0.5, 0.4, 0.1, 0.0, -0.1])
def test_no_extrapolation_is_below_zero(ratio):
    """In throats a voxel wide the flow on halves can be less than half of that on voxels."""
    limit = _without_lattice(2.0, 2.0 * ratio)
    assert 0 <= limit <= max(2.0 * ratio, 0.0)


def test_a_throat_a_voxel_wide_has_a_permeability():
    """One long crooked throat in which coarse lattices flow far too easily."""
    labels = np.ones((12, 12, 12), int)
    labels[:4, 5, 5] = labels[3, 5:8, 5] = labels[3:9, 7, 5] = labels[8, 7, 5:9] = 0
    labels[8:, 7, 8] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = permeability(labels, phase=0, axes=["z"])
    assert found.permeability.item() >= 0
    assert np.isfinite(found.pore_width.item())
