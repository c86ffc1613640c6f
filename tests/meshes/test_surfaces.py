"""Surfaces are closed, hold the volume of the voxels, and pass VTK's own look at them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microdsd.errors import InputError
from microdsd.meshes import body_surface, in_unit, phase_surfaces
from microdsd.meshes import surface as surface_module
from microdsd.microstructure import as_microstructure, blobs

pv = pytest.importorskip("pyvista")
NAMES = {0: "pore", 1: "solid", 2: "binder"}

boxes = hnp.array_shapes(min_dims=3, max_dims=3, max_side=4).flatmap(
    lambda shape: hnp.arrays(np.uint8, shape, elements=st.integers(0, 2))
)


def directed_edges(triangles):
    return np.concatenate([triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])


def assert_closed_manifold(triangles):
    """Every edge is gone along once in either direction, and corners form one ring each."""
    edges = directed_edges(triangles)
    assert len(np.unique(edges, axis=0)) == len(edges)
    assert {tuple(edge) for edge in edges} == {tuple(edge) for edge in edges[:, ::-1]}
    # The link of a point is one ring: as many triangles as can be reached from the first of them.
    following = {}
    for a, b, c in np.concatenate([np.roll(triangles, k, axis=1) for k in range(3)]).tolist():
        following.setdefault(a, {})[b] = c
    for ring in following.values():
        first = next(iter(ring))
        place, steps = ring[first], 1
        while place != first:
            place, steps = ring[place], steps + 1
        assert steps == len(ring)


def assert_even(triangles):
    edges = np.sort(directed_edges(triangles), axis=1)
    assert not (np.unique(edges, axis=0, return_counts=True)[1] % 2).any()


def polydata(surface):
    cells = np.insert(surface.triangles, 0, 3, axis=1)
    return pv.PolyData(surface.points, cells.ravel())


@pytest.mark.parametrize("smoothing", [0, 4])
@given(labels=boxes)
def test_every_body_of_every_box_is_a_closed_manifold(smoothing, labels):
    ms = as_microstructure(labels, phases=NAMES)
    for label in np.unique(labels).tolist():
        surface = body_surface(ms, label, smoothing=smoothing)
        assert_closed_manifold(surface.triangles)
        assert polydata(surface).n_open_edges == 0
        assert set(np.unique(surface.behind)) == {label}
        (volume,) = surface.volumes
        assert volume.voxels == (labels == label).sum()
        if not smoothing:
            assert abs(volume.error) < 1e-12


@given(labels=boxes)
def test_in_all_surfaces_every_phase_is_closed(labels):
    surface = phase_surfaces(as_microstructure(labels, phases=NAMES), smoothing=3)
    points = surface.points
    assert (points.min(axis=0) == 0).all()
    assert (points.max(axis=0) == labels.shape[::-1]).all()
    for label in np.unique(labels).tolist():
        own = (surface.behind == label) != (surface.before == label)
        assert_even(surface.triangles[own])
    assert sum(v.of_mesh for v in surface.volumes) == pytest.approx(labels.size)


@pytest.mark.parametrize(
    "places",
    [
        [(0, 0, 0), (0, 1, 1)],  # an edge
        [(0, 0, 0), (1, 1, 1)],  # a corner
        [(0, 0, 0), (1, 1, 0), (1, 0, 1), (0, 1, 1)],  # a checkerboard
        # Two voxels that meet in an edge and are joined around both of its ends.
        [(0, 0, 1), (1, 1, 1), *[(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 2)]],
    ],
)
def test_contacts_of_voxels(places):
    labels = np.zeros((3, 3, 3), np.uint8)
    labels[tuple(np.transpose(places))] = 1
    surface = body_surface(np.pad(labels, 1), 1, smoothing=0)
    assert_closed_manifold(surface.triangles)
    assert polydata(surface).volume == pytest.approx(len(places))
    assert polydata(surface).n_open_edges == 0


def test_faces_are_those_of_surface_nets():
    """VTK's surface nets, not smoothed, have the same points and squares."""
    from vtkmodules.vtkFiltersCore import vtkSurfaceNets3D

    labels = np.random.default_rng(0).integers(0, 3, (6, 7, 8)).astype(np.uint8)
    image = pv.ImageData(dimensions=[n + 2 for n in (8, 7, 6)], origin=(-0.5,) * 3)
    image.point_data["labels"] = np.pad(labels + 1, 1).ravel()
    nets = vtkSurfaceNets3D()
    nets.SetInputData(image)
    nets.SetBackgroundLabel(0)
    nets.SetNumberOfLabels(3)
    for number in range(3):
        nets.SetLabel(number, number + 1)
    nets.SmoothingOff()
    nets.SetOutputMeshTypeToQuads()
    nets.Update()
    found = pv.wrap(nets.GetOutput())
    ours = phase_surfaces(as_microstructure(labels, phases=NAMES), smoothing=0)
    assert found.n_cells * 2 == len(ours.triangles)
    assert {tuple(p) for p in found.points.round(3).tolist()} == {
        tuple(p) for p in ours.points.round(3).tolist()
    }
    sides = np.sort(found.cell_data["BoundaryLabels"], axis=1)
    counts = np.unique(sides, axis=0, return_counts=True)
    own = np.sort(np.stack([ours.behind, ours.before], 1) + 1, axis=1)
    expected = np.unique(own, axis=0, return_counts=True)
    np.testing.assert_array_equal(counts[0], expected[0])
    np.testing.assert_array_equal(counts[1] * 2, expected[1])


def ball(n=24, radius=8.3):
    return (np.linalg.norm(np.indices((n,) * 3) - (n - 1) / 2, axis=0) < radius).astype(np.uint8)


def test_a_ball_is_round_and_holds_its_volume():
    """Area of a ball within 1.5 %; its voxels' faces have half as much again."""
    surface = body_surface(ball(), 1)
    (volume,) = surface.volumes
    assert abs(volume.error) < 1e-6
    assert polydata(surface).volume == pytest.approx(volume.voxels, rel=1e-6)
    radius = (3 * volume.voxels / (4 * np.pi)) ** (1 / 3)
    assert polydata(surface).area == pytest.approx(4 * np.pi * radius**2, rel=0.015)
    centre = surface.points - 12
    assert np.linalg.norm(centre, axis=1) == pytest.approx(np.full(len(centre), radius), rel=0.06)


def test_volumes_of_all_phases_are_right():
    halves = blobs((24, 24, 24), fractions=(0.3, 0.6, 0.1), scale=3, rng=0)
    surface = phase_surfaces(halves)
    assert [v.voxels for v in surface.volumes] == [int((halves == k).sum()) for k in range(3)]
    for volume in surface.volumes:
        assert abs(volume.error) < 1e-4
    assert max(abs(v.smoothing_error) for v in surface.volumes) > 0.005  # there was work to do


def test_faces_of_the_box_stay_flat_and_can_be_left_open():
    ms = blobs((12, 14, 16), fractions=(0.4, 0.6), scale=3, rng=1)
    closed, open_ = (body_surface(ms, 1, caps=caps) for caps in (True, False))
    assert (closed.points.min(axis=0) >= 0).all()
    assert (closed.points.max(axis=0) <= (16, 14, 12)).all()
    assert len(open_.triangles) < len(closed.triangles)
    assert set(np.unique(open_.triangles)) == set(range(len(open_.points)))
    assert (open_.before != -1).all()
    border = polydata(open_).extract_feature_edges(
        boundary_edges=True, feature_edges=False, non_manifold_edges=False, manifold_edges=False
    )
    assert border.n_cells > 0
    on_box = (border.points == 0) | (border.points == (16, 14, 12))
    assert on_box.any(axis=1).all()


def test_lengths_lie_where_the_box_does():
    ms = as_microstructure(ball(8, 3), voxel_size=(3e-6, 2e-6, 1e-6))
    surface = in_unit(body_surface(ms, 1, smoothing=0), "um")
    np.testing.assert_allclose(surface.points.min(axis=0), (1, 2, 3))
    (volume,) = surface.volumes
    assert volume.of_voxels == pytest.approx(6 * volume.voxels)
    part = ms.isel(x=slice(4, None))
    np.testing.assert_allclose(body_surface(part, 1, smoothing=0).points.min(axis=0)[0], 4e-6)


def test_what_is_outside_of_a_specimen_is_no_body():
    labels = np.where(ball(16, 7), ball(16, 3), 2)
    ms = as_microstructure(labels, phases={0: "shell", 1: "core", 2: "outside"})
    surface = phase_surfaces(ms)
    assert set(np.unique(surface.behind)) | set(np.unique(surface.before)) == {-1, 0, 1}
    assert [v.phase for v in surface.volumes] == ["shell", "core"]


def test_several_phases_make_one_body():
    labels = np.random.default_rng(0).integers(0, 3, (6, 6, 6))
    ms = as_microstructure(labels, phases=NAMES)
    surface = body_surface(ms, ["solid", 2])
    assert surface.volumes[0].phase == "solid + binder"
    assert surface.volumes[0].voxels == (labels > 0).sum()
    assert set(np.unique(surface.before)) <= {-1, 0}


@pytest.mark.parametrize(
    ("labels", "phase", "message"),
    [
        (np.zeros((4, 4, 4), int), "solid", "has no voxel in this sample"),
        (np.zeros((4, 4, 4), int), "glass", "glass"),
        (np.zeros((4, 4), int), 0, "two axes"),
        (np.zeros((4, 4, 4), int), [], "name at least one"),
    ],
)
def test_what_has_no_surface_is_refused(labels, phase, message):
    with pytest.raises(InputError, match=message):
        body_surface(as_microstructure(labels, phases=NAMES), phase)


def test_other_refusals(monkeypatch):
    ensemble = as_microstructure(np.zeros((2, 4, 4, 4), int), ensemble=True)
    for make in (lambda ms: body_surface(ms, 0), phase_surfaces):
        with pytest.raises(InputError, match="isel"):
            make(ensemble)
    with pytest.raises(InputError, match="smoothing"):
        phase_surfaces(ensemble[0], smoothing=-1)
    with pytest.raises(InputError, match="no voxel size"):
        in_unit(phase_surfaces(ensemble[0]), "um")
    monkeypatch.setattr(surface_module, "_BYTES_PER_FACE", 1e15)
    with pytest.raises(InputError, match="crop or coarsen"):
        phase_surfaces(ensemble[0])
