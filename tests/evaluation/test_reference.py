"""Real material brought to the shape, labels and voxel size of the generated samples."""

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.evaluation.reference import match_reference
from microdsd.microstructure import as_microstructure, blobs, phases_of, relabel, voxel_size_of


def rock(shape, *, ensemble=False, voxel_size=None, phases=None, rng=0):
    labels = blobs(shape, fractions=(0.3, 0.7), scale=1, rng=rng).values
    return as_microstructure(
        labels,
        ensemble=ensemble,
        voxel_size=voxel_size,
        phases=phases or {0: "pore", 1: "solid"},
    )


@pytest.fixture(scope="module")
def samples():
    return rock((3, 8, 8), ensemble=True)


def test_windows_of_the_right_shape_are_taken_as_they_are(samples):
    real = rock((5, 8, 8), ensemble=True)
    assert np.array_equal(match_reference(samples, real).windows.values, real.values)


def test_some_windows_are_chosen_when_fewer_are_asked_for(samples):
    real = rock((5, 8, 8), ensemble=True)
    windows = match_reference(samples, real, windows=2, rng=0).windows.values
    assert len(windows) == 2
    assert all(any(np.array_equal(w, r) for r in real.values) for w in windows)


def test_windows_are_disjoint_where_enough_fit(samples):
    real = as_microstructure(np.arange(32 * 32).reshape(32, 32) % 2, phases={0: "pore", 1: "solid"})
    numbered = real.copy(data=np.arange(32 * 32).reshape(32, 32).astype(np.uint16))
    numbered.attrs["phases"] = as_microstructure(
        numbered.values, phases={i: f"v{i}" for i in range(32 * 32)}
    ).attrs["phases"]
    new = as_microstructure(numbered.values[:8, :8], phases=phases_of(numbered))
    found = match_reference(new, numbered)
    assert found.windows.shape == (16, 8, 8)
    assert len(np.unique(found.windows.values)) == 16 * 64
    assert found.notes == ()


def test_overlap_is_admitted_where_too_few_windows_fit(samples):
    found = match_reference(samples, rock((16, 24)))
    assert found.windows.sizes["sample"] == 32
    assert "overlap" in found.notes[0]
    assert "Only 6 disjoint windows" in found.notes[0]


def test_slices_of_a_volume_serve_plane_samples(samples):
    volume = rock((20, 16, 16))
    windows = match_reference(samples, volume, windows=20).windows
    assert windows.dims == ("sample", "y", "x")


def test_a_reference_is_relabelled_by_the_names_of_its_phases(samples):
    scan = relabel(rock((16, 16)), {0: 255, 1: 0}, phases={255: "pore", 0: "solid"})
    found = match_reference(samples, scan, windows=4)
    assert phases_of(found.windows) == {0: "pore", 1: "solid"}
    assert (found.windows.values == 0).mean() == pytest.approx(0.3, abs=0.01)


def test_a_side_without_names_takes_those_of_the_other(samples):
    bare = samples.values
    for new, real in ((samples, bare[0]), (bare[0], samples[1])):
        found = match_reference(new, real)
        assert phases_of(found.generated) == phases_of(found.windows) == {0: "pore", 1: "solid"}


def test_a_phase_that_one_side_lacks_is_kept(samples):
    real = as_microstructure(samples, phases={0: "pore", 1: "solid", 2: "clay"})
    assert phases_of(match_reference(samples, real).generated)[2] == "clay"


def test_phases_that_do_not_match_are_refused(samples):
    swapped = as_microstructure(samples.values[0], phases={0: "grain", 1: "pore"})
    with pytest.raises(InputError, match="name or relabel"):
        match_reference(samples, swapped)


def test_different_voxel_sizes_are_refused():
    with pytest.raises(InputError, match=r"1e-06.*2e-06"):
        match_reference(rock((8, 8), voxel_size=2e-6), rock((8, 8), voxel_size=1e-6))


@pytest.mark.parametrize("known", [0, 1])
def test_one_known_voxel_size_serves_both_and_is_noted(known):
    sides = [rock((8, 8)), rock((4, 8, 8))]
    sides[known] = rock(sides[known].shape, voxel_size=3e-6)
    found = match_reference(*sides)
    assert voxel_size_of(found.generated) == voxel_size_of(found.windows)
    assert voxel_size_of(found.windows).size == (3e-6, 3e-6)
    assert ("generated samples", "reference")[1 - known] in found.notes[0]


def test_samples_larger_than_the_reference_are_refused(samples):
    with pytest.raises(InputError, match="smaller than the generated"):
        match_reference(samples, rock((4, 16)))


def test_volumes_cannot_be_set_against_a_plane():
    with pytest.raises(InputError, match="pass a volume"):
        match_reference(rock((8, 8, 8)), rock((16, 16)))


def test_the_same_seed_cuts_the_same_windows(samples):
    first, second = (match_reference(samples, rock((64, 64)), rng=3).windows for _ in range(2))
    assert np.array_equal(first.values, second.values)
