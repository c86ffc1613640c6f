"""What holds for any microstructure: files give it back, and counts are conserved."""

import tempfile
from pathlib import Path

import numpy as np
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microdsd.io import (
    load_microstructures,
    open_labels,
    read_image_stack,
    save_microstructures,
    save_tiff,
)
from microdsd.microstructure import (
    as_microstructure,
    coarsen,
    cut_windows,
    label_counts,
    phase_counts,
    phases_of,
    relabel,
)


@st.composite
def microstructures(draw, *, ensembles=True):
    ensemble = ensembles and draw(st.booleans())
    axes = draw(st.sampled_from([2, 3])) + ensemble
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.int64, np.bool_]))
    highest = 1 if dtype == np.bool_ else draw(st.sampled_from([1, 3, 120]))
    alphabet = draw(st.lists(st.integers(0, highest), min_size=1, max_size=4, unique=True))
    shape = draw(hnp.array_shapes(min_dims=axes, max_dims=axes, min_side=1, max_side=7))
    labels = draw(hnp.arrays(dtype, shape, elements=st.sampled_from(alphabet)))
    edges = st.floats(1e-9, 1e-3) | st.none()
    shown = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]))
    return as_microstructure(
        labels, ensemble=ensemble, voxel_size=draw(edges), provenance={"note": draw(shown)}
    )


@given(microstructures())
@settings(max_examples=50)
def test_hdf5_gives_back_what_it_was_given(ms):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.h5"
        save_microstructures(file, ms)
        back = load_microstructures(file)
        xr.testing.assert_identical(back.drop_vars("sample", errors="ignore"), ms)
        with open_labels(file) as stored, open_labels(ms) as held:
            assert stored.sha256() == held.sha256()
            assert stored.phases == held.phases == phases_of(ms)
            assert stored.voxel_size == held.voxel_size


@given(microstructures(ensembles=False))
@settings(max_examples=50)
def test_tiff_gives_back_the_labels(ms):
    with tempfile.TemporaryDirectory() as folder:
        save_tiff(Path(folder) / "a.tif", ms)
        back = read_image_stack(Path(folder) / "a.tif")
        np.testing.assert_array_equal(back.reshape(ms.shape), ms)


@given(microstructures())
def test_every_voxel_is_counted_once(ms):
    per_sample = ms.size // ms.sizes.get("sample", 1)
    np.testing.assert_array_equal(phase_counts(ms).sum("phase"), per_sample)
    values, numbers = np.unique(ms.values, return_counts=True)
    assert label_counts(ms.values) == dict(zip(values.tolist(), numbers.tolist(), strict=True))


@given(microstructures(), st.randoms(use_true_random=False))
def test_relabelling_there_and_back_is_the_identity(ms, random):
    labels = list(phases_of(ms))
    targets = random.sample(range(50), len(labels))
    there = dict(zip(labels, targets, strict=True))
    back = relabel(relabel(ms, there), {new: old for old, new in there.items()})
    np.testing.assert_array_equal(back, ms)
    assert phases_of(back) == phases_of(ms)


@given(microstructures())
def test_coarsening_by_one_changes_nothing(ms):
    np.testing.assert_array_equal(coarsen(ms, 1), ms)


@given(microstructures(), st.integers(0, 2**32 - 1))
def test_windows_as_large_as_the_volume_are_the_volume(ms, seed):
    samples = ms.sizes.get("sample", 1)
    shape = [ms.sizes[dim] for dim in ms.dims if dim != "sample"]
    windows = cut_windows(ms, shape, n=samples, rng=seed)
    np.testing.assert_array_equal(
        phase_counts(windows).sum("sample"), phase_counts(ms).sum("sample")
    )
