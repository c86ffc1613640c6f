"""Identities that hold for every microstructure."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microdsd.metrics.surface import interface_density, specific_surface_area
from microdsd.metrics.topology import connected_components, euler_characteristic, percolates
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure.schema import as_microstructure

shapes = hnp.array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=7)
microstructures = hnp.arrays(np.uint8, shapes, elements=st.integers(0, 2)).map(
    lambda labels: as_microstructure(labels, phases={0: "a", 1: "b", 2: "c"})
)
periodic = st.booleans()


@settings(max_examples=40)
@given(microstructures, periodic)
def test_zero_lag_is_the_phase_fraction(ms, periodic):
    for phase in range(3):
        s2 = two_point_probability(ms, phase=phase, periodic=periodic)
        assert s2.values[0, 0] == np.count_nonzero(ms == phase) / ms.size


@settings(max_examples=40)
@given(microstructures, periodic, st.sampled_from(["radial", "y"]))
def test_probabilities_of_all_pairs_sum_to_one_at_every_lag(ms, periodic, along):
    total = sum(
        two_point_probability(ms, phase=a, phase2=b, periodic=periodic, axis=along)
        for a, b in itertools.product(range(3), repeat=2)
    )
    np.testing.assert_allclose(total.values, 1, rtol=1e-12)


@settings(max_examples=40)
@given(microstructures, periodic)
def test_two_point_probability_is_symmetric_in_the_phases(ms, periodic):
    there = two_point_probability(ms, phase=0, phase2=2, periodic=periodic)
    back = two_point_probability(ms, phase=2, phase2=0, periodic=periodic)
    np.testing.assert_array_equal(there.values, back.values)


def isotropic_descriptors(ms, periodic):
    return [
        two_point_probability(ms, phase=1, phase2=0, periodic=periodic).values,
        specific_surface_area(ms, phase=1, periodic=periodic).values,
        interface_density(ms, periodic=periodic).values,
        euler_characteristic(ms, phase=1, connectivity="full", periodic=periodic).values,
        euler_characteristic(ms, phase=1, connectivity="face", periodic=periodic).values,
        connected_components(ms, phase=1, periodic=periodic).number.values,
        connected_components(ms, phase=1, periodic=periodic).largest_share.values,
    ]


def like(ms, values):
    return as_microstructure(np.ascontiguousarray(values), phases={0: "a", 1: "b", 2: "c"})


@settings(max_examples=40)
@given(microstructures, periodic, st.randoms(use_true_random=False))
def test_mirrors_and_exchanged_axes_change_nothing(ms, periodic, random):
    axes = random.sample(range(ms.ndim), ms.ndim)
    mirrored = [axis for axis in axes if random.random() < 0.5]
    moved = like(ms, np.flip(ms.values.transpose(axes), mirrored))
    for before, after in zip(
        isotropic_descriptors(ms, periodic), isotropic_descriptors(moved, periodic), strict=True
    ):
        np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-14)


@settings(max_examples=40)
@given(microstructures, st.randoms(use_true_random=False))
def test_axis_descriptors_follow_their_axis(ms, random):
    axes = random.sample(range(ms.ndim), ms.ndim)
    moved = like(ms, ms.values.transpose(axes))
    for new, old in enumerate(axes):
        np.testing.assert_array_equal(two_point_along(moved, new), two_point_along(ms, old))
    np.testing.assert_array_equal(
        percolates(moved, phase=1).values[0], percolates(ms, phase=1).values[0][axes]
    )


def two_point_along(ms, axis):
    return two_point_probability(
        ms, phase=1, periodic=False, axis=str(ms.dims[axis]), max_distance=1
    ).values


@settings(max_examples=40)
@given(microstructures, st.data())
def test_periodic_descriptors_do_not_see_translations(ms, data):
    shift = [data.draw(st.integers(0, n - 1)) for n in ms.shape]
    moved = like(ms, np.roll(ms.values, shift, axis=range(ms.ndim)))
    for before, after in zip(
        isotropic_descriptors(ms, True), isotropic_descriptors(moved, True), strict=True
    ):
        np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-14)


@settings(max_examples=40)
@given(microstructures, microstructures, st.sampled_from(["face", "full"]))
def test_euler_characteristics_of_separate_components_add_up(one, other, connectivity):
    """Two boxes set far apart in a larger one."""
    ndim = max(one.ndim, other.ndim)
    parts = [m.values.reshape((1,) * (ndim - m.ndim) + m.shape) == 1 for m in (one, other)]
    box = np.zeros([sum(n) + 1 for n in zip(*(p.shape for p in parts), strict=True)], dtype=bool)
    box[tuple(slice(0, n) for n in parts[0].shape)] = parts[0]
    box[tuple(slice(-n, None) for n in parts[1].shape)] = parts[1]
    names = {0: "a", 1: "b"}

    def euler(mask):
        ms = as_microstructure(mask, phases=names)
        return euler_characteristic(ms, phase=1, connectivity=connectivity, periodic=False).item()

    assert euler(box) == euler(parts[0]) + euler(parts[1])


@settings(max_examples=40)
@given(microstructures, periodic)
def test_unlike_pairs_at_lag_one_are_the_interface(ms, periodic):
    """Lag one across unlike phases is what the faces of voxels are."""
    faces = sum(
        two_point_probability(
            ms, phase=a, phase2=b, periodic=periodic, axis=str(dim), max_distance=1
        ).values[0, 1]
        for dim in ms.dims
        for a, b in itertools.permutations(range(3), 2)
    )
    assert interface_density(ms, periodic=periodic).item() == pytest.approx(faces, abs=1e-12)


@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=9)))
def test_planar_euler_characteristic_is_components_less_holes(mask):
    ms = as_microstructure(mask, phases={0: "a", 1: "b"})
    components = connected_components(
        ms, phase="b", connectivity="face", periodic=False
    ).number.item()
    framed = as_microstructure(np.pad(~mask, 1, constant_values=True), phases={0: "a", 1: "b"})
    holes = (
        connected_components(framed, phase="b", connectivity="full", periodic=False).number.item()
        - 1
    )
    assert (
        euler_characteristic(ms, phase="b", connectivity="face", periodic=False).item()
        == components - holes
    )
