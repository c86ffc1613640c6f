import itertools

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.metrics.surface import direction_weights, interface_density, specific_surface_area
from microdsd.microstructure.schema import VoxelSize, as_microstructure


def ball(shape, radius, edges, offset=0.0):
    """Ball about the middle of the box plus `offset`; lengths in units of `edges`."""
    centred = (
        (i - (n - 1) / 2) * edge - offset
        for i, n, edge in zip(np.indices(shape), shape, edges, strict=True)
    )
    return sum(c**2 for c in centred) < radius**2


@pytest.mark.parametrize("offset", [0.0, 0.21])
def test_sphere_within_half_a_percent(offset):
    area = specific_surface_area(ball((46,) * 3, 20, (1, 1, 1), offset), periodic=True) * 46**3
    assert area.item() == pytest.approx(4 * np.pi * 20**2, rel=0.005)


@pytest.mark.parametrize("edges", [(1.0, 1.0, 2.0), (2.0, 1.0, 1.5)])
def test_sphere_of_voxels_that_are_not_cubes(edges):
    shape = tuple(int(44 / edge) + 2 for edge in edges)
    ms = as_microstructure(ball(shape, 20, edges), voxel_size=VoxelSize(edges, "m"))
    area = specific_surface_area(ms, periodic=True) * np.prod(shape) * np.prod(edges)
    assert area.item() == pytest.approx(4 * np.pi * 20**2, rel=0.01)


@pytest.mark.parametrize("radius", [20, 30])
def test_disc_within_half_a_percent(radius):
    n = 2 * radius + 8
    length = specific_surface_area(ball((n, n), radius, (1, 1)), periodic=True) * n**2
    assert length.item() == pytest.approx(2 * np.pi * radius, rel=0.005)


def test_weights_of_cubes_are_those_of_the_literature():
    """Ohser and Muecklich list 0.045778, 0.036981, 0.035196 per sense of direction."""
    weights = direction_weights((1.0, 1.0, 1.0))
    by_neighbours = {1: 0.045778, 2: 0.036981, 3: 0.035196}
    for direction, weight in weights.items():
        assert weight == pytest.approx(2 * by_neighbours[np.abs(direction).sum()], abs=2e-6)
    assert len(weights) == 13
    assert len({frozenset([d, tuple(-i for i in d)]) for d in weights}) == 13


@pytest.mark.parametrize("edges", [(1.0, 1.0), (3.0, 1.0), (1.0, 2.0, 5.0)])
def test_weights_sum_to_one(edges):
    assert sum(direction_weights(edges).values()) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("periodic", [True, False])
def test_layers_have_the_closed_form_of_the_directions(periodic):
    """Every crossing of a plane normal to z is seen by the 9 directions that leave the plane."""
    layers = np.tile(np.repeat([0, 1], 4)[:, None, None], (3, 6, 6))
    axis, edge, corner = 0.0915558, 0.0739613, 0.0703913
    per_plane = 2 * (axis + 4 * edge / 2**0.5 + 4 * corner / 3**0.5)
    planes_per_voxel = 6 / 24 if periodic else 5 / 23
    value = specific_surface_area(layers, periodic=periodic).item()
    assert value == pytest.approx(planes_per_voxel * per_plane, rel=1e-5)
    assert interface_density(layers, periodic=periodic).item() == pytest.approx(planes_per_voxel)


def test_slab_in_a_wide_box_counts_both_faces():
    slab = np.zeros((20, 8), dtype=int)
    slab[6:11] = 1
    assert interface_density(slab, periodic=True).item() == pytest.approx(2 / 20)
    assert interface_density(slab, periodic=False).item() == pytest.approx(2 / 19)


@pytest.mark.parametrize("measure", [specific_surface_area, interface_density])
@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("shape", [(9, 7), (6, 7, 5)])
def test_pairs_of_phases_add_up(measure, periodic, shape):
    labels = np.random.default_rng(0).integers(0, 4, shape)
    total = measure(labels, periodic=periodic).item()
    pair = {
        (a, b): measure(labels, phase=a, phase2=b, periodic=periodic).item()
        for a, b in itertools.combinations(range(4), 2)
    }
    assert sum(pair.values()) == pytest.approx(total)
    boundary = measure(labels, phase=2, periodic=periodic).item()
    assert sum(v for key, v in pair.items() if 2 in key) == pytest.approx(boundary)


@pytest.mark.parametrize("periodic", [True, False])
def test_pair_of_phases_against_direct_counting(periodic):
    labels = np.random.default_rng(1).integers(0, 3, (6, 8))
    expected = 0.0
    for axis in range(2):
        a = labels
        b = np.roll(labels, -1, axis)
        if not periodic:
            a, b = (np.delete(field, -1, axis) for field in (a, b))
        expected += np.mean(((a == 0) & (b == 2)) | ((a == 2) & (b == 0)))
    value = interface_density(labels, phase=0, phase2=2, periodic=periodic).item()
    assert value == pytest.approx(expected)


@pytest.mark.parametrize("measure", [specific_surface_area, interface_density])
@pytest.mark.parametrize("periodic", [True, False])
def test_specimen_counts_the_pairs_inside_it(measure, periodic):
    rng = np.random.default_rng(4)
    labels, inside = rng.integers(0, 3, (2, 7, 8, 6)), rng.random((7, 8, 6)) < 0.8
    ms = as_microstructure(labels, ensemble=True)
    full = measure(ms, phase=1, periodic=periodic, mask=np.ones((7, 8, 6), dtype=bool))
    np.testing.assert_array_equal(full, measure(ms, phase=1, periodic=periodic))
    found = measure(ms, phase=1, periodic=periodic, mask=inside)
    spoilt = ms.copy(data=np.where(inside, ms, 2 - ms))
    np.testing.assert_array_equal(measure(spoilt, phase=1, periodic=periodic, mask=inside), found)
    # A sub-box as specimen is that box.
    box = np.zeros((7, 8, 6), dtype=bool)
    box[1:5, 2:7, :4] = True
    alone = measure(ms[:, 1:5, 2:7, :4], periodic=False)
    np.testing.assert_allclose(measure(ms, periodic=False, mask=box), alone, rtol=1e-14)


def test_units_follow_the_voxel_size():
    labels = np.random.default_rng(2).integers(0, 2, (12, 12))
    plain = specific_surface_area(labels, periodic=False)
    metric = specific_surface_area(as_microstructure(labels, voxel_size=2e-6), periodic=False)
    assert (plain.attrs["units"], metric.attrs["units"]) == ("1/voxel", "1/m")
    assert metric.item() == pytest.approx(plain.item() / 2e-6)


def test_ensemble_gives_one_value_per_sample():
    samples = np.random.default_rng(3).integers(0, 2, (3, 8, 9))
    ensemble = as_microstructure(samples, ensemble=True)
    values = specific_surface_area(ensemble, phase=1, periodic=False)
    assert values.dims == ("sample",)
    alone = [specific_surface_area(s, phase=1, periodic=False).item() for s in samples]
    assert values.values.tolist() == alone


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phase2": 1}, "needs a partner"),
        ({"phase": 1, "phase2": 1}, "same phase"),
        ({"phase": 9}, "no phase 9"),
    ],
)
def test_bad_phases_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        specific_surface_area(np.eye(4, dtype=int), periodic=True, **arguments)


def test_one_voxel_thick_box_is_refused():
    with pytest.raises(InputError, match="2D array"):
        specific_surface_area(np.ones((1, 5, 5), dtype=int), periodic=False)
