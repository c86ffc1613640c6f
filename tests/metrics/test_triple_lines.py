"""Triple lines against closed forms, and against counting corner by corner."""

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from microdsd.errors import InputError
from microdsd.metrics import specific_surface_area, triple_edge_density, triple_phase_boundary
from microdsd.microstructure import VoxelSize, as_microstructure

THREE_SECTORS = (120, 120, 120)


def sectors(shape, rotation, angles, centre, edges=(1, 1, 1)):
    """Sectors about a line through `centre` along the last column of `rotation`."""
    place = np.stack(
        [
            (i - (n - 1) / 2) * edge - c
            for i, n, edge, c in zip(np.indices(shape), shape, edges, centre, strict=True)
        ],
        axis=-1,
    )
    across = place @ rotation
    angle = np.mod(np.arctan2(across[..., 1], across[..., 0]), 2 * np.pi)
    return np.searchsorted(np.radians(np.cumsum(angles)[:-1]), angle, side="right"), place


def rotation_onto(direction, rng):
    axis = np.array(direction, dtype=float) / np.linalg.norm(direction)
    first = np.cross(axis, rng.normal(size=3))
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(axis, first), axis], axis=1)


def cut_sphere(shape, radius, number, edges=(1, 1, 1)):
    """Sphere of three lunes in a fourth phase, turned at random."""
    rng = np.random.default_rng(number)
    rotation = Rotation.random(random_state=number).as_matrix()
    lunes, place = sectors(shape, rotation, THREE_SECTORS, rng.uniform(-0.5, 0.5, 3), edges)
    return np.where((place**2).sum(-1) < radius**2, lunes, 3)


def length_in_sphere(radius):
    """The diameter, and three meridians of half a great circle."""
    return 2 * radius + 3 * np.pi * radius


def relative_length(direction, *, angles=THREE_SECTORS, n=36, repeats=4):
    """Measured over true length of a line right through a box that does not wrap."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(repeats):
        rotation = rotation_onto(rng.normal(size=3) if direction is None else direction, rng)
        centre = rng.uniform(-1, 1, 3)
        labels, _ = sectors((n,) * 3, rotation, angles, centre)
        with np.errstate(divide="ignore"):
            ends = ((n - 1) / 2 * np.array([[-1], [1]]) - centre) / rotation[:, 2]
        true = ends.max(axis=0).min() - ends.min(axis=0).max()
        measured = triple_phase_boundary(labels, periodic=False).item() * (n - 1) ** 3
        found.append(measured / true)
    return np.mean(found)


@pytest.mark.parametrize("axis", range(3))
def test_line_along_an_axis_has_the_closed_form_of_the_sections(axis):
    """It is seen at full number by every section that is not parallel to it."""
    labels = np.moveaxis(
        np.broadcast_to(np.kron([[0, 1], [2, 2]], np.ones((5, 5), int)), (7, 10, 10)), 0, axis
    )
    assert triple_edge_density(labels, periodic=False).item() == pytest.approx(1 / 9**2)
    wrapped = np.roll(labels, 3, axis=tuple(range(3)))
    # Periodic: a second pair of lines where the halves meet across the faces of the box.
    assert triple_edge_density(wrapped, periodic=True).item() == pytest.approx(4 / 10**2)
    # Points per area of section are L_V |cos|: 1 for one, 4 times 1 / sqrt 2, 4 times 1 / sqrt 3.
    side, face, corner = 0.0915558, 0.0739613, 0.0703913
    expected = 2 * (side + 4 * face / 2**0.5 + 4 * corner / 3**0.5)
    value = triple_phase_boundary(wrapped, periodic=True).item() * 10**2 / 4
    assert value == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [((1, 0, 0), 0.927), ((0, 1, 1), 0.94), ((1, 1, 1), 0.98), ((1, 2, 3), 1.01)],
)
def test_straight_lines_within_seven_percent(direction, expected):
    assert relative_length(direction) == pytest.approx(expected, abs=0.02)


def test_mean_over_orientations_within_three_percent():
    assert relative_length(None, repeats=24) == pytest.approx(1.015, abs=0.015)


def test_thin_wedges_are_pinched_off():
    """What the docstring owns up to."""
    assert relative_length(None, angles=(60, 120, 180), repeats=16) == pytest.approx(1.09, abs=0.04)
    assert relative_length(None, angles=(30, 150, 180), repeats=16) == pytest.approx(1.4, abs=0.15)


@pytest.mark.parametrize("edges", [(1, 1, 1), (1, 1, 2)])
def test_curved_lines_of_a_sphere_in_three_lunes(edges):
    radius = 16
    shape = tuple(int((2 * radius + 6) / edge) for edge in edges)
    volume = np.prod(shape) * np.prod(edges)
    lengths = [
        triple_phase_boundary(
            as_microstructure(
                cut_sphere(shape, radius, i, edges), voxel_size=VoxelSize(edges, "m")
            ),
            periodic=True,
        ).item()
        * volume
        for i in range(24)
    ]
    assert np.mean(lengths) == pytest.approx(1.015 * length_in_sphere(radius), rel=0.02)


@pytest.mark.parametrize("radius", [12, 24])
def test_interfaces_of_a_sphere_in_three_lunes(radius):
    """Pairwise Crofton: a strip of 0.2 voxels along the triple lines is seen by none."""
    shape = (2 * radius + 4,) * 3
    samples = as_microstructure(
        np.stack([cut_sphere(shape, radius, i) for i in range(8)]), ensemble=True
    )

    def area(phase, phase2):
        pair = specific_surface_area(samples, phase=phase, phase2=phase2, periodic=True)
        return pair.mean().item() * np.prod(shape)

    half_disc = np.pi * radius**2 / 2
    strip = 0.2 * (2 + np.pi) * radius
    for a, b in itertools.combinations(range(3), 2):
        assert area(a, b) == pytest.approx(half_disc - strip, rel=0.02)
    outside = sum(area(a, 3) for a in range(3))
    assert outside == pytest.approx(4 * np.pi * radius**2, rel=0.004)


def test_disc_in_three_sectors_has_four_triple_points():
    for number in range(20):
        rng = np.random.default_rng(number)
        y, x = np.indices((40, 40)) - 19.5 - rng.uniform(-0.5, 0.5, (2, 1, 1))
        angle = np.mod(np.arctan2(y, x) + rng.uniform(0, 7), 2 * np.pi)
        disc = np.where(x**2 + y**2 < 16**2, (angle * 3 / (2 * np.pi)).astype(int), 3)
        for measure in (triple_phase_boundary, triple_edge_density):
            assert measure(disc, periodic=True).item() * 40**2 == pytest.approx(4)


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("shape", [(6, 7), (4, 5, 6)])
def test_edges_against_counting_one_by_one(shape, periodic):
    labels = np.random.default_rng(2).integers(0, 4, shape)
    expected = 0.0
    for u, v in itertools.combinations(range(len(shape)), 2):
        places = [
            range(n if periodic or axis not in (u, v) else n - 1) for axis, n in enumerate(shape)
        ]
        triple = []
        for place in itertools.product(*places):
            corners = set()
            for du, dv in itertools.product((0, 1), repeat=2):
                corner = np.array(place)
                corner[u] += du
                corner[v] += dv
                corners.add(labels[tuple(corner % shape)])
            triple.append(len(corners) >= 3)
        expected += np.mean(triple)
    assert triple_edge_density(labels, periodic=periodic).item() == pytest.approx(expected)


def test_four_phases_at_a_corner_are_two_triple_points():
    quarters = np.kron([[0, 1], [2, 3]], np.ones((4, 4), int))
    assert triple_phase_boundary(quarters, periodic=False).item() * 49 == pytest.approx(2)
    assert triple_edge_density(quarters, periodic=False).item() * 49 == pytest.approx(1)


@pytest.mark.parametrize("measure", [triple_phase_boundary, triple_edge_density])
def test_two_phases_never_meet_a_third(measure):
    labels = np.random.default_rng(3).integers(0, 2, (6, 6, 6))
    assert measure(labels, periodic=True).item() == 0


@pytest.mark.parametrize("measure", [triple_phase_boundary, triple_edge_density])
def test_symmetric_in_axes_and_phases(measure):
    labels = np.random.default_rng(4).integers(0, 3, (7, 7, 7))
    value = measure(labels, periodic=True).item()
    assert measure(labels.transpose(2, 0, 1), periodic=True).item() == pytest.approx(value)
    assert measure(np.roll(labels, (1, 2, 3), (0, 1, 2)), periodic=True).item() == pytest.approx(
        value
    )
    assert measure((labels + 1) % 3, periodic=True).item() == pytest.approx(value)


def test_units_follow_the_voxel_size():
    labels = np.random.default_rng(5).integers(0, 3, (2, 6, 6, 6))
    plain = as_microstructure(labels, ensemble=True)
    metric = as_microstructure(labels, ensemble=True, voxel_size=2e-6)
    lengths = triple_phase_boundary(metric, periodic=False)
    assert lengths.attrs["units"] == "1/m^2"
    assert lengths.dims == ("sample",)
    np.testing.assert_allclose(lengths, triple_phase_boundary(plain, periodic=False) / 4e-12)


def test_one_voxel_thick_box_is_refused():
    with pytest.raises(InputError, match="2D array"):
        triple_phase_boundary(np.ones((1, 5, 5), dtype=int), periodic=False)
