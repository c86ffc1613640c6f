"""Relative diffusivity and tortuosity factor against closed forms, brute force and taufactor."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microdsd.errors import InputError, MicrodsdError
from microdsd.microstructure import as_microstructure, blobs, layers
from microdsd.transport import diffusivity
from microdsd.transport.finite_volume import conduct


@pytest.mark.parametrize("shape", [(5, 7), (4, 5, 6)])
@pytest.mark.parametrize("sides", ["no-flux", "periodic"])
def test_free_fluid(shape, sides):
    box = as_microstructure(np.zeros(shape, int), voxel_size=[1e-6, 2e-6, 3e-6][: len(shape)])
    found = diffusivity(box, phase=0, sides=sides)
    np.testing.assert_allclose(found.relative_diffusivity, 1, rtol=1e-9)
    np.testing.assert_allclose(found.tortuosity_factor, 1, rtol=1e-9)
    assert found.converged.all()


values = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=6)


@given(values, st.integers(0, 2))
def test_layers_in_series_and_in_parallel(local, axis):
    widths = range(1, len(local) + 1)
    profile = np.repeat(local, widths)
    field = np.moveaxis(np.broadcast_to(profile, (2, 3, len(profile))), -1, axis)
    spacing = np.array([1.0, 0.5, 3.0])
    for along in range(3):
        expected = 1 / np.mean(1 / profile) if along == axis else profile.mean()
        found = conduct(field, along, spacing=spacing, tolerance=1e-12)
        # A residual of 1e-12 leaves the contrast, up to 1e6, times as much.
        assert found.effective == pytest.approx(expected, rel=1e-6)


def test_layers_of_phases_by_name():
    box = as_microstructure(
        layers((12, 4, 4), widths=(2, 1)).values, phases={0: "pore", 1: "binder"}
    )
    found = diffusivity(box, phase={"pore": 1.0, "binder": 0.25})
    series, parallel = 1 / (2 / 3 + (1 / 3) / 0.25), 2 / 3 + 0.25 / 3
    np.testing.assert_allclose(
        found.relative_diffusivity[0], [series, parallel, parallel], rtol=1e-9
    )
    np.testing.assert_allclose(
        found.tortuosity_factor, parallel / found.relative_diffusivity, rtol=1e-12
    )
    np.testing.assert_allclose(found.formation_factor, 1 / found.relative_diffusivity)


def test_staircase_channel():
    """A channel of one voxel that turns n corners is as long as its path, in voxels."""
    path = np.ones((4, 3), int)
    path[0:2, 0] = path[1, 0:3] = path[1:, 2] = 0
    found = diffusivity(path, phase=0, axes=["y"])
    # From face to face: 6 voxels in a row, in a box of 4 x 3.
    assert found.relative_diffusivity.item() == pytest.approx(4 / 3 / 6, rel=1e-9)


def kirchhoff(local, axis, periodic_sides):
    """Dense nodal analysis, bond by bond."""
    voxels = [tuple(v) for v in np.argwhere(local > 0)]
    number = {voxel: i for i, voxel in enumerate(voxels)}
    matrix, right = np.zeros((len(voxels),) * 2), np.zeros(len(voxels))
    for voxel, i in number.items():
        for along, step in itertools.product(range(local.ndim), (-1, 1)):
            other = list(voxel)
            other[along] += step
            if not 0 <= other[along] < local.shape[along]:
                if along == axis:
                    matrix[i, i] += 2 * local[voxel]
                    right[i] += 2 * local[voxel] * (step < 0)
                    continue
                if not periodic_sides:
                    continue
                other[along] %= local.shape[along]
            j = number.get(tuple(other))
            if j is not None:
                bond = 2 / (1 / local[voxel] + 1 / local[voxels[j]])
                matrix[i, i] += bond
                matrix[i, j] -= bond
    potential = np.linalg.pinv(matrix) @ right
    inflow = sum(
        2 * local[voxel] * (1 - potential[i]) for voxel, i in number.items() if voxel[axis] == 0
    )
    return inflow * local.shape[axis] ** 2 / local.size


@pytest.mark.parametrize("periodic_sides", [False, True])
@pytest.mark.parametrize("shape", [(9, 8), (5, 6, 4)])
def test_brute_force(shape, periodic_sides):
    rng = np.random.default_rng(3)
    for axis in range(len(shape)):
        local = rng.choice([0, 0.2, 1.0, 5.0], shape, p=[0.4, 0.1, 0.3, 0.2])
        found = conduct(
            local, axis, spacing=(1,) * len(shape), periodic_sides=periodic_sides, tolerance=1e-12
        )
        assert found.effective == pytest.approx(
            kirchhoff(local, axis, periodic_sides), rel=1e-7, abs=1e-12
        )
        assert found.converged


@pytest.mark.parametrize("solver", ["finite-volume", "taufactor"])
@pytest.mark.parametrize(
    "labels",
    [
        np.ones((4, 4, 4), int),  # nothing of the phase
        np.arange(4)[:, None, None] * np.ones((4, 4, 4), int) % 2,  # walls across z
        np.indices((4, 4, 4)).sum(0) % 2,  # voxels that touch along edges only
    ],
)
def test_blocked(labels, solver):
    if solver == "taufactor":
        pytest.importorskip("taufactor")
    ms = as_microstructure(labels, phases=dict(enumerate(("pore", "solid"))))
    found = diffusivity(ms, phase="pore", axes=["z"], solver=solver, device="cpu")
    assert found.relative_diffusivity.item() == 0
    assert found.tortuosity_factor.item() == found.formation_factor.item() == np.inf
    assert found.converged.item()


def test_a_path_that_wraps_around_the_side():
    channel = np.ones((4, 3), int)
    channel[:2, 0] = channel[2:, 2] = channel[1, 0] = 0
    assert diffusivity(channel, phase=0, axes=["y"]).relative_diffusivity.item() == 0
    wrapped = diffusivity(channel, phase=0, axes=["y"], sides="periodic")
    assert wrapped.relative_diffusivity.item() == 0  # corners only
    channel[1, 2] = 0
    wrapped = diffusivity(channel, phase=0, axes=["y"], sides="periodic")
    assert wrapped.relative_diffusivity.item() == pytest.approx(4 / 3 / 5, rel=1e-9)


def test_spheres_in_a_lattice_follow_maxwell():
    """Impermeable spheres: D/D0 = 2 (1 - f) / (2 + f), up to f^(13/3), as voxels shrink.

    The staircase around a sphere holds fluid that does not move: 1.6 % at a radius of 9 voxels.
    """
    errors = []
    for n, radius in ((14, 4.5), (28, 9)):
        z, y, x = np.indices((n, n, n)) - (n - 1) / 2
        spheres = (z**2 + y**2 + x**2 < radius**2).astype(int)
        f = spheres.mean()
        found = diffusivity(spheres, phase=0, axes=["x"], sides="periodic")
        errors.append(1 - found.relative_diffusivity.item() / (2 * (1 - f) / (2 + f)))
    assert 0 < errors[1] < 0.018
    assert errors[1] < 0.75 * errors[0]


def test_samples_and_axes_keep_their_places():
    stack = np.stack([np.zeros((4, 4), int), np.eye(4, dtype=int), np.tile([0, 1], (4, 2))])
    ms = as_microstructure(stack, ensemble=True).assign_coords(sample=[7, 8, 9])
    found = diffusivity(ms, phase=0, axes=["x", "y"])
    assert found.relative_diffusivity.sel(sample=7).values == pytest.approx([1, 1])
    np.testing.assert_allclose(found.relative_diffusivity.sel(sample=9), [0, 0.5], rtol=1e-9)
    alone = diffusivity(stack[1], phase=0, axes=["y"])
    assert alone.relative_diffusivity.item() == found.relative_diffusivity.sel(sample=8, axis="y")


@pytest.mark.parametrize("sides", ["no-flux", "periodic"])
def test_taufactor_agrees(sides):
    pytest.importorskip("taufactor")
    ms = blobs((24, 28, 32), fractions=(0.5, 0.5), scale=3, rng=0)
    ours = diffusivity(ms, phase=1, sides=sides)
    theirs = diffusivity(ms, phase=1, sides=sides, solver="taufactor", device="cpu")
    np.testing.assert_allclose(theirs.relative_diffusivity, ours.relative_diffusivity, rtol=1e-3)
    assert theirs.converged.all()
    assert ours.flux_mismatch.max() < 1e-6


@pytest.mark.scan
def test_taufactor_agrees_on_berea(berea_coarse):
    pytest.importorskip("taufactor")
    window = berea_coarse.isel(z=slice(0, 48), y=slice(0, 48), x=slice(0, 48))
    ours = diffusivity(window, phase="pore")
    theirs = diffusivity(window, phase="pore", solver="taufactor", device="cpu")
    np.testing.assert_allclose(theirs.relative_diffusivity, ours.relative_diffusivity, rtol=1e-3)
    assert (ours.tortuosity_factor > 2).all()
    assert (ours.tortuosity_factor < 10).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"phase": "brine"}, "brine"),
        ({"phase": 0, "axes": ["w"]}, "axes"),
        ({"phase": 0, "axes": []}, "axes"),
        ({"phase": 0, "sides": "open"}, "sides"),
        ({"phase": 0, "solver": "magic"}, "solver"),
        ({"phase": {0: -1.0}}, "negative"),
        ({"phase": {0: 1.0, 1: 0.5}, "solver": "taufactor"}, "one phase"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(InputError, match=message):
        diffusivity(np.eye(4, dtype=int), **options)


def test_taufactor_wants_cubes():
    box = as_microstructure(np.eye(4, dtype=int), voxel_size=[1e-6, 2e-6])
    with pytest.raises(InputError, match="cubic"):
        diffusivity(box, phase=0, solver="taufactor")


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "taufactor", None)
    with pytest.raises(MicrodsdError, match=r"microdsd\[transport\]"):
        diffusivity(np.eye(4, dtype=int), phase=0, solver="taufactor", device="cpu")
