import json

import numpy as np
import pytest
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure import (
    VoxelSize,
    as_ensemble,
    as_microstructure,
    check_microstructure,
    phases_of,
    provenance_of,
    resolve_phase,
    spatial_dims,
    voxel_size_of,
)

VOLUME = np.arange(24).reshape(2, 3, 4) % 2


def test_volume_gets_dims_centres_and_names():
    ms = as_microstructure(
        VOLUME, phases={0: "pore", 1: "solid"}, voxel_size=(3e-6, 2e-6, 1e-6), provenance={"a": 1}
    )
    assert ms.dims == ("z", "y", "x")
    assert ms.name == "labels"
    assert ms.dtype == np.uint8
    np.testing.assert_array_equal(ms.values, VOLUME)
    np.testing.assert_allclose(ms.y, [1e-6, 3e-6, 5e-6], rtol=1e-12)
    assert ms.z.attrs["units"] == "m"
    assert json.loads(ms.attrs["phases"]) == {"0": "pore", "1": "solid"}
    assert provenance_of(ms) == {"a": 1}
    assert voxel_size_of(ms) == VoxelSize((3e-6, 2e-6, 1e-6), "m")
    assert spatial_dims(ms) == ("z", "y", "x")
    check_microstructure(ms)


def test_unknown_voxel_size_counts_in_voxels():
    ms = as_microstructure(VOLUME)
    assert voxel_size_of(ms) == VoxelSize((1.0, 1.0, 1.0), "voxel")
    np.testing.assert_array_equal(ms.x, [0.5, 1.5, 2.5, 3.5])
    assert phases_of(ms) == {0: "phase 0", 1: "phase 1"}


def test_ensemble_has_a_sample_axis():
    ms = as_microstructure(VOLUME, ensemble=True)
    assert ms.dims == ("sample", "y", "x")
    assert as_ensemble(ms).dims == ("sample", "y", "x")
    assert as_ensemble(VOLUME).dims == ("sample", "z", "y", "x")


def test_dataarray_keeps_what_it_states():
    ms = as_microstructure(VOLUME, phases={0: "a", 1: "b"}, voxel_size=1e-6, provenance={"k": 2})
    part = as_microstructure(ms.isel(x=slice(2, 4)))
    np.testing.assert_allclose(part.x, [2.5e-6, 3.5e-6])
    assert phases_of(part) == {0: "a", 1: "b"}
    assert provenance_of(part) == {"k": 2}
    assert np.shares_memory(part.values, ms.values)


def test_dataarray_without_attributes_is_completed():
    ms = as_microstructure(xr.DataArray(VOLUME[0], dims=("y", "x")))
    check_microstructure(ms)


def test_voxel_size_survives_a_slice_of_one_voxel():
    ms = as_microstructure(VOLUME, voxel_size=2e-6).isel(z=slice(0, 1))
    assert voxel_size_of(ms).size == (2e-6, 2e-6, 2e-6)


def test_voxel_size_follows_strides_not_the_stale_attribute():
    ms = as_microstructure(VOLUME, voxel_size=2e-6).isel(x=slice(None, None, 2))
    assert voxel_size_of(ms).size[2] == pytest.approx(4e-6)


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [(bool, "uint8"), ("int8", "uint8"), ("int64", "uint8"), ("uint16", "uint16")],
)
def test_dtypes(dtype, stored):
    assert as_microstructure(VOLUME.astype(dtype)).dtype == stored


def test_labels_above_255():
    ms = as_microstructure(VOLUME * 300)
    assert ms.dtype == np.uint16
    assert phases_of(ms) == {0: "phase 0", 300: "phase 300"}


def test_phases_are_found_by_name_and_label():
    ms = as_microstructure(VOLUME, phases={0: "pore", 1: "solid", 2: "binder"})
    assert [resolve_phase(ms, key) for key in ("pore", "binder", 1, np.int64(2))] == [0, 2, 1, 2]
    with pytest.raises(InputError, match=r"'quartz'.*0 = pore, 1 = solid, 2 = binder"):
        resolve_phase(ms, "quartz")
    with pytest.raises(InputError, match="no phase 7"):
        resolve_phase(ms, 7)


NAN = np.array([[0.0, np.nan], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (np.random.default_rng(0).random((4, 4)), {}, "float64.*threshold_otsu"),
        (NAN, {}, "NaN.*threshold_otsu"),
        (np.eye(3), {}, r"whole numbers.*astype\('uint8'\)"),
        (np.arange(10000, dtype=np.uint16).reshape(100, 100), {}, "10000 distinct.*greyscale"),
        (np.zeros((0, 3), int), {}, "empty"),
        (np.zeros(3, int), {}, "2 or 3 spatial axes, got 1"),
        (np.zeros((2, 3, 4, 5), int), {}, "ensemble=True"),
        (np.zeros((3, 4), int), {"ensemble": True}, "got 1 beside the sample axis"),
        (np.array([[0, -1]] * 2), {}, "lowest is -1"),
        (np.eye(3, dtype=int), {"phases": {0: "pore"}}, "also holds labels 1"),
        (np.eye(3, dtype=int), {"phases": {0: "a", 1: "a"}}, "own name"),
        (np.eye(3, dtype=int), {"phases": {0: "a", 1: " "}}, "not empty"),
        (np.eye(3, dtype=int), {"voxel_size": 0.0}, "positive"),
        (np.eye(3, dtype=int), {"voxel_size": float("nan")}, "positive"),
        (np.eye(3, dtype=int), {"voxel_size": (1e-6, 1e-6, 1e-6)}, "one for each of"),
        (np.array([["a", "b"]]), {}, "integer phase labels"),
    ],
)
def test_bad_input_is_refused_with_a_remedy(labels, options, message):
    with pytest.raises(InputError, match=message):
        as_microstructure(labels, **options)


def test_many_labels_are_fine_when_all_are_named():
    grains = np.arange(100).reshape(10, 10)
    ms = as_microstructure(grains, phases={i: f"grain {i}" for i in range(100)})
    assert len(phases_of(ms)) == 100


def broken(**changes):
    ms = as_microstructure(VOLUME, voxel_size=1e-6)
    return ms.assign_coords(changes)


@pytest.mark.parametrize(
    ("ms", "message"),
    [
        (VOLUME, "got ndarray"),
        (as_microstructure(VOLUME).astype(int), "unsigned"),
        (xr.DataArray(VOLUME.astype(np.uint8), dims=("z", "y", "x")), "'phases'"),
        (as_microstructure(VOLUME).transpose("x", "y", "z"), "in this order"),
        (as_microstructure(VOLUME).assign_attrs(phases="pore"), "JSON object"),
        (as_microstructure(VOLUME).assign_attrs(phases='{"a": "pore"}'), "as keys"),
        (as_microstructure(VOLUME).assign_attrs(phases='{"0": "pore"}'), "also holds labels 1"),
        (broken(x=("x", [1.0, 2.0, 4.0, 8.0], {"units": "m"})), "even steps"),
        (broken(x=("x", [4.0, 3.0, 2.0, 1.0], {"units": "m"})), "even steps"),
        (broken(x=("x", [1.0, 2.0, 3.0, 4.0], {"units": "um"})), "'um'"),
        (broken(x=("x", [1.0, 2.0, 3.0, 4.0])), "'voxel'"),
    ],
)
def test_check_names_what_is_wrong(ms, message):
    with pytest.raises(InputError, match=message):
        check_microstructure(ms)
