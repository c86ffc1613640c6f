import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import euler_number

from microdsd.errors import InputError
from microdsd.metrics.topology import connected_components, euler_characteristic, percolates
from microdsd.microstructure.schema import as_microstructure

FULL_BOX = np.ones((4, 5, 6), dtype=int)


def shell():
    solid = np.ones((5, 5, 5), dtype=int)
    solid[2, 2, 2] = 0
    return solid


def torus():
    ring = np.ones((3, 5, 5), dtype=int)
    ring[:, 2, 2] = 0
    return ring


@pytest.mark.parametrize("connectivity", ["face", "full"])
@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (FULL_BOX, 1),
        (shell(), 2),
        (torus(), 0),
        (np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]]), 0),
        (np.array([[1, 0, 1, 0, 1]] * 2), 3),
    ],
)
def test_components_with_known_topology(labels, expected, connectivity):
    assert (
        euler_characteristic(labels, phase=1, connectivity=connectivity, periodic=False).item()
        == expected
    )


def test_connectivity_decides_on_diagonal_neighbours():
    diagonal = np.eye(3, dtype=int)
    assert euler_characteristic(diagonal, phase=1, connectivity="face", periodic=False).item() == 3
    assert euler_characteristic(diagonal, phase=1, connectivity="full", periodic=False).item() == 1
    assert (
        connected_components(diagonal, phase=1, connectivity="face", periodic=False).number.item()
        == 3
    )
    assert (
        connected_components(diagonal, phase=1, connectivity="full", periodic=False).number.item()
        == 1
    )


@pytest.mark.parametrize("shape", [(17, 23), (9, 11, 8)])
@pytest.mark.parametrize(("connectivity", "neighbours"), [("face", 1), ("full", None)])
def test_euler_characteristic_agrees_with_scikit_image(shape, connectivity, neighbours):
    labels = np.random.default_rng(0).integers(0, 3, (6, *shape))
    ensemble = as_microstructure(labels, ensemble=True)
    values = euler_characteristic(ensemble, phase=2, connectivity=connectivity, periodic=False)
    expected = [euler_number(sample == 2, neighbours or len(shape)) for sample in labels]
    assert values.values.tolist() == expected


@pytest.mark.parametrize("connectivity", ["face", "full"])
@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.ones((4, 4), dtype=int), 0),  # a torus
        (np.array([[1, 0, 0]] * 4), 0),  # a ring around it
        (np.pad(np.ones((2, 2), dtype=int), 1), 1),
        (np.ones((3, 3, 3), dtype=int), 0),  # the 3-torus
    ],
)
def test_euler_characteristic_of_periodic_boxes(labels, expected, connectivity):
    result = euler_characteristic(labels, phase=1, connectivity=connectivity, periodic=True)
    assert result.item() == expected


def test_components_and_largest_share():
    labels = np.zeros((6, 6), dtype=int)
    labels[0, :3] = 1
    labels[4:, 4:] = 1
    components = connected_components(labels, phase=1, periodic=False)
    assert components.number.item() == 2
    assert components.largest_share.item() == pytest.approx(4 / 7)


@pytest.mark.parametrize("connectivity", ["face", "full"])
@pytest.mark.parametrize("shape", [(11, 13), (6, 7, 8)])
def test_components_agree_with_scipy_on_random_media(shape, connectivity):
    labels = np.random.default_rng(1).integers(0, 2, shape)
    structure = ndimage.generate_binary_structure(
        len(shape), 1 if connectivity == "face" else len(shape)
    )
    expected = ndimage.label(labels, structure)[1]
    assert (
        connected_components(
            labels, phase=1, connectivity=connectivity, periodic=False
        ).number.item()
        == expected
    )


@pytest.mark.parametrize(("connectivity", "number"), [("face", 2), ("full", 1)])
def test_periodic_box_joins_components_across_its_corner(connectivity, number):
    corners = np.zeros((5, 5), dtype=int)
    corners[0, 0] = corners[4, 4] = 1
    components = connected_components(corners, phase=1, connectivity=connectivity, periodic=True)
    assert components.number.item() == number


def test_periodic_components_count_every_voxel_once():
    labels = np.zeros((4, 8), dtype=int)
    labels[:, 0] = labels[:, 7] = 1
    labels[1, 3:6] = 1
    components = connected_components(labels, phase=1, periodic=True)
    assert components.number.item() == 2
    assert components.largest_share.item() == pytest.approx(8 / 11)


def test_absent_phase_has_no_components():
    ms = as_microstructure(np.zeros((4, 4), dtype=int), phases={0: "pore", 1: "solid"})
    for periodic in (True, False):
        components = connected_components(ms, phase="solid", periodic=periodic)
        assert components.number.item() == 0
        assert np.isnan(components.largest_share.item())
    assert not percolates(ms, phase="solid").any()
    assert euler_characteristic(ms, phase="solid", periodic=False).item() == 0


def test_percolation_names_the_axes_of_a_channel():
    labels = np.zeros((4, 5, 6), dtype=int)
    labels[:, 2, 3] = 1
    spans = percolates(labels, phase=1)
    assert spans.dims == ("sample", "axis")
    assert {str(a): bool(spans.sel(axis=a).item()) for a in spans.axis.values} == {
        "z": True,
        "y": False,
        "x": False,
    }
    labels[2] = 0
    assert not percolates(labels, phase=1).any()


def test_two_components_on_opposite_faces_do_not_percolate():
    labels = np.array([[1, 1, 0, 1, 1]] * 3)
    assert percolates(labels, phase=1).values.tolist() == [[True, False]]


def test_unknown_connectivity_is_refused():
    with pytest.raises(InputError, match="'face', 'full'"):
        connected_components(np.eye(3, dtype=int), phase=1, connectivity="corner", periodic=False)
