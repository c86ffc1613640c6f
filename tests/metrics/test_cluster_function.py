import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from microdsd.errors import InputError
from microdsd.metrics import cluster_function
from microdsd.metrics.cluster_function import two_point_cluster
from microdsd.metrics.topology import label_components
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure import as_microstructure, blobs, layers

SIDES = array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=5)


@settings(max_examples=40)
@given(
    labels=arrays(np.uint8, SIDES, elements=st.integers(0, 1)),
    periodic=st.booleans(),
    connectivity=st.sampled_from(["face", "full"]),
    largest=st.sampled_from([1, 3, 48]),
)
def test_sum_of_the_s2_of_every_body(labels, periodic, connectivity, largest):
    """Whichever way components are counted: all by transforms, some, or all pair by pair."""
    ms = as_microstructure(labels, phases={0: "pore", 1: "solid"})
    components = label_components(labels == 1, connectivity, periodic)
    expected = 0.0
    for component in range(1, components.max() + 1):
        alone = as_microstructure((components == component).astype(int), phases={0: "no", 1: "yes"})
        expected = expected + two_point_probability(alone, phase="yes", periodic=periodic).values
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster_function, "LARGEST_BY_PAIRS", largest)
        found = two_point_cluster(ms, phase="solid", periodic=periodic, connectivity=connectivity)
    np.testing.assert_allclose(found.values, np.broadcast_to(expected, found.shape), atol=1e-12)


@pytest.mark.parametrize("periodic", [True, False])
def test_one_body_has_the_two_point_probability(periodic):
    ms = blobs((40, 36), fractions=(0.1, 0.9), scale=2, rng=0)
    largest = ndimage.label(ms.values)[0] == 1
    ms = ms.copy(data=largest.astype(np.uint8))
    here = {"phase": 1, "periodic": periodic, "max_distance": 15}
    c2, s2 = two_point_cluster(ms, **here), two_point_probability(ms, **here)
    np.testing.assert_allclose(c2.values, s2.values, atol=1e-12)
    np.testing.assert_array_equal(c2.distance, s2.distance)


def test_layers_are_components_of_their_own():
    ms = layers((24, 24), widths=(4, 4), axis=0)
    c2 = two_point_cluster(ms, phase=0, periodic=True, max_distance=12)
    s2 = two_point_probability(ms, phase=0, periodic=True, max_distance=12)
    np.testing.assert_allclose(c2.values[0, :4], s2.values[0, :4])
    assert (c2.values[0, 5:] < s2.values[0, 5:]).all()


def test_ensemble_gives_each_sample_its_own_curve():
    samples = np.random.default_rng(0).integers(0, 2, (3, 9, 10, 8))
    ms = as_microstructure(samples, ensemble=True, voxel_size=2e-6)
    whole = two_point_cluster(ms, phase=1, periodic=False)
    assert (whole.dims, whole.distance.attrs["units"]) == (("sample", "distance"), "m")
    for i in range(3):
        alone = two_point_cluster(ms[i], phase=1, periodic=False)
        np.testing.assert_array_equal(alone.values[0], whole.values[i])


def test_refusals():
    with pytest.raises(InputError, match="connectivity: 'edge'"):
        two_point_cluster(np.eye(4, dtype=int), phase=1, periodic=False, connectivity="edge")
    absent = as_microstructure(np.zeros((6, 6), dtype=int), phases={0: "pore", 1: "solid"})
    assert (two_point_cluster(absent, phase=1, periodic=False).values == 0).all()
