"""Specimens that do not fill their box: every descriptor against a box, and by brute force."""

import numpy as np
import pytest
import xarray as xr

from microdsd.metrics import (
    chord_length_density,
    connected_components,
    describe,
    euler_characteristic,
    local_thickness,
    percolates,
    representativity,
    two_point_cluster,
    two_point_probability,
)
from microdsd.metrics.registry import groups
from microdsd.metrics.topology import label_components
from microdsd.microstructure import as_microstructure, blobs

NAMES = {0: "a", 1: "b", 2: "c"}


def stack(*labels):
    return as_microstructure(np.stack(labels), phases=NAMES, ensemble=True)


@pytest.fixture(scope="module", params=[2, 3])
def ensemble(request):
    shape = {2: (20, 24), 3: (10, 12, 14)}[request.param]
    return stack(*(blobs(shape, fractions=(0.3, 0.3, 0.4), scale=1.2, rng=i) for i in range(2)))


@pytest.mark.parametrize("periodic", [True, False])
def test_a_specimen_that_fills_the_box_changes_nothing(ensemble, periodic):
    plain = describe(ensemble, periodic=periodic)
    masked = describe(ensemble, periodic=periodic, mask=np.ones(ensemble.shape[1:], dtype=bool))
    xr.testing.assert_allclose(masked, plain, rtol=1e-12)


def test_a_specimen_that_is_a_box_is_that_box(ensemble):
    """Curves as far as both reach: half the side of the smaller box.

    Integrals end where S2 does, so that they are given that of the smaller box.
    """
    inside = np.zeros(ensemble.shape[1:], dtype=bool)
    box = tuple(slice(1 + axis, n - 2) for axis, n in enumerate(inside.shape))
    inside[box] = True
    chosen = [
        name
        for name, group in groups().items()
        if name != "representativity" and not group.optional
    ]
    masked = describe(ensemble, periodic=False, mask=inside, descriptors=chosen)
    cropped = stack(*(s[box] for s in ensemble.values))
    alone = describe(cropped, periodic=False, descriptors=chosen)
    assert set(masked) == set(alone)
    for name in alone.data_vars:
        if str(name).startswith(("fraction_profile", "local_thickness")):
            continue
        found, expected = masked[name], alone[name]
        reach = min(inside[box].shape) // 2 + 1
        for dim in {"distance", "lag", "chord"} & set(found.dims):
            found, expected = (a.isel({dim: slice(reach)}) for a in (found, expected))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=str(name))
    thick, other = (
        d.local_thickness_share.sum("diameter").values for d in (masked, alone)
    )  # points of no share are added where balls are larger
    np.testing.assert_allclose(thick, other)
    s2 = two_point_probability(cropped, phase=2, periodic=False)
    of_box = representativity(cropped, phase=2, periodic=False)
    xr.testing.assert_allclose(
        representativity(ensemble, phase=2, periodic=False, mask=inside, s2=s2), of_box
    )
    assert of_box.representative_size.notnull().all()


def test_what_lies_outside_is_of_no_account(ensemble):
    inside = np.random.default_rng(1).random(ensemble.shape[1:]) < 0.9
    spoilt = ensemble.copy(data=np.where(inside, ensemble, 2))
    for periodic in (True, False):
        found = describe(ensemble, periodic=periodic, mask=inside)
        assert describe(spoilt, periodic=periodic, mask=inside).equals(found)
    assert len(found) > len(groups())


def chords_by_brute_force(line, inside, periodic):
    """Lengths of the chords of a line of which both ends are seen."""
    n, lengths = len(line), []
    phase = line & inside
    if periodic and phase.all():
        return []

    def at(field, i):
        if periodic:
            return field[i % n]
        return 0 <= i < n and field[i]

    for start in range(n):
        if at(phase, start) and not at(phase, start - 1):
            length = 1
            while at(phase, start + length):
                length += 1
            if at(inside, start - 1) and at(inside, start + length):
                lengths.append(length)
    return lengths


@pytest.mark.parametrize("periodic", [True, False])
def test_chords_of_a_specimen(periodic):
    rng = np.random.default_rng(2)
    labels, inside = rng.random((30, 12)) < 0.6, rng.random((30, 12)) < 0.85
    for cut in ("exclude", "weight"):
        weights = np.zeros(13)
        for line, here in zip(labels, inside, strict=True):
            for length in chords_by_brute_force(line, here, periodic):
                ends = range(12) if periodic else range(12 - length - 1)
                places = sum(
                    all(row[(s + k) % 12] for k in range(length + 2))
                    for row in inside
                    for s in ends
                )
                weights[length] += 1 if cut == "exclude" else 1 / places
        found = chord_length_density(
            labels.astype(int), phase=1, periodic=periodic, axis="x", cut=cut, mask=inside
        )
        np.testing.assert_allclose(found.values[0, :12], weights[1:] / weights.sum())


def test_components_of_a_disc():
    """A bar across the whole box is two in a specimen with a slit, and no hole has its slit."""
    labels = np.zeros((12, 12), int)
    labels[5] = 1
    inside = np.ones((12, 12), dtype=bool)
    inside[:, 6] = False
    assert connected_components(labels, phase=1, mask=inside, periodic=False).number.item() == 2
    assert percolates(labels, phase=1, mask=inside).values.tolist() == [[False, False]]
    assert euler_characteristic(labels, phase=1, mask=inside, periodic=False).item() == 2
    assert connected_components(labels, phase=0, mask=inside, periodic=False).number.item() == 4
    inside[:, 6:] = False
    # From the first layer of the specimen to its last.
    assert percolates(labels, phase=1, mask=inside).values.tolist() == [[False, True]]


@pytest.mark.parametrize("periodic", [True, False])
def test_pairs_in_components_of_a_specimen(periodic):
    rng = np.random.default_rng(3)
    labels, inside = rng.integers(0, 2, (9, 11)), rng.random((9, 11)) < 0.8
    components = label_components((labels == 1) & inside, "face", periodic)
    expected = sum(
        two_point_probability(
            as_microstructure((components == k).astype(int), phases={0: "no", 1: "yes"}),
            phase=1, periodic=periodic, mask=inside, max_distance=4,
        ).values
        for k in range(1, components.max() + 1)
    )  # fmt: skip
    found = two_point_cluster(labels, phase=1, periodic=periodic, mask=inside, max_distance=4)
    np.testing.assert_allclose(found.values, expected, atol=1e-12)


def test_balls_of_a_specimen_are_not_bounded_by_it():
    """A slab of 7 voxels in a specimen that shows 5 of them, and the wall on one side."""
    slab = np.zeros((24, 24), int)
    slab[:, 8:15] = 1
    inside = np.zeros((24, 24), dtype=bool)
    inside[:, 4:13] = True
    whole = local_thickness(slab, phase=1)["mean"].item()
    seen = local_thickness(slab, phase=1, mask=inside)["mean"].item()
    assert whole == 7
    assert seen == 2 * 5 - 1  # centres up to 5 voxels from the wall are in it
    slab[:, 13:] = 2  # outside
    three = as_microstructure(slab, phases=NAMES)
    assert local_thickness(three, phase=1, mask=inside)["mean"].item() == seen
    assert np.isnan(local_thickness(three, phase=1, mask=slab == 1)["mean"].item())
