import resource

import h5py
import numpy as np
import pytest
import xarray as xr

from microdsd.errors import DataFileError, InputError
from microdsd.io import list_microstructures, load_microstructures, save_microstructures
from microdsd.microstructure import as_microstructure, check_microstructure, phases_of

NAMES = {0: "pore", 1: "solid", 2: "binder"}
LABELS = np.random.default_rng(0).integers(0, 3, size=(5, 6, 7))
VOLUME = as_microstructure(
    LABELS, phases=NAMES, voxel_size=(3e-6, 2e-6, 1e-6), provenance={"seed": 7}
)
STACK = as_microstructure(LABELS, phases=NAMES, ensemble=True)


@pytest.mark.parametrize("ms", [VOLUME, STACK, VOLUME[0], STACK.expand_dims(z=1, axis=1)])
def test_round_trip(tmp_path, ms):
    file = tmp_path / "a.h5"
    ms = as_microstructure(ms.drop_vars("z", errors="ignore"))
    save_microstructures(file, ms)
    back = load_microstructures(file)
    check_microstructure(back)
    xr.testing.assert_identical(back.drop_vars("sample", errors="ignore"), ms)


def test_xarray_opens_the_native_layout(tmp_path):
    file = tmp_path / "a.h5"
    save_microstructures(file, VOLUME)
    with xr.open_dataset(file, group="microstructures", engine="h5netcdf") as ds:
        xr.testing.assert_identical(ds.labels.load(), VOLUME)
        assert ds.attrs["schema_version"] == 1


def test_xarray_opens_ensembles_and_what_goes_along(tmp_path):
    file = tmp_path / "a.h5"
    ms = STACK.assign_coords(seed=("sample", np.arange(5) + 100))
    save_microstructures(file, ms, group="run")
    with xr.open_dataset(file, group="run", engine="h5netcdf") as ds:
        np.testing.assert_array_equal(ds.labels.seed, np.arange(5) + 100)
        check_microstructure(ds.labels)
    np.testing.assert_array_equal(load_microstructures(file).seed, np.arange(5) + 100)


def test_files_written_by_xarray_are_native(tmp_path):
    file = tmp_path / "a.nc"
    STACK.to_netcdf(file, engine="h5netcdf")
    (info,) = list_microstructures(file)
    assert (info.kind, info.path, info.n_samples, info.shape) == ("native", "/labels", 5, (6, 7))
    xr.testing.assert_identical(load_microstructures(f"{file}:/labels"), STACK)


def test_labels_above_255_and_wide_dtypes(tmp_path):
    file = tmp_path / "a.h5"
    save_microstructures(file, LABELS.astype(np.int64) * 1000)
    back = load_microstructures(file)
    assert back.dtype == np.uint16
    np.testing.assert_array_equal(back, LABELS * 1000)


def test_groups_are_added_and_replaced_alone(tmp_path):
    file = tmp_path / "a.h5"
    save_microstructures(file, VOLUME, group="one")
    save_microstructures(file, STACK, group="deep/two")
    assert [info.path for info in list_microstructures(file)] == ["/deep/two", "/one"]
    with pytest.raises(DataFileError, match=r"already holds a group 'one'.*--force"):
        save_microstructures(file, STACK, group="one")
    save_microstructures(file, STACK, group="one", overwrite=True)
    np.testing.assert_array_equal(load_microstructures(f"{file}:/one"), STACK)
    np.testing.assert_array_equal(load_microstructures(f"{file}:/deep/two/labels"), STACK)
    with pytest.raises(InputError, match=r"2 arrays \(/deep/two, /one\)"):
        load_microstructures(file)


def test_list_tells_labels_fractions_and_voxel_size(tmp_path):
    file = tmp_path / "a.h5"
    save_microstructures(file, VOLUME)
    (info,) = list_microstructures(file)
    assert info.labels == (0, 1, 2)
    np.testing.assert_allclose(info.fractions, [np.mean(k == LABELS) for k in range(3)])
    assert info.phases == NAMES
    assert info.voxel_size.size == (3e-6, 2e-6, 1e-6)
    assert (info.shape, info.n_samples, info.kind) == ((5, 6, 7), None, "native")


def test_overrides_on_loading(tmp_path):
    file = tmp_path / "a.h5"
    save_microstructures(file, VOLUME)
    renamed = load_microstructures(file, phases={0: "a", 1: "b", 2: "c"}, voxel_size=1e-3)
    assert phases_of(renamed) == {0: "a", 1: "b", 2: "c"}
    assert float(renamed.z[0]) == 5e-4
    with pytest.raises(InputError, match="also holds labels 2"):
        load_microstructures(file, phases={0: "a", 1: "b"})


def test_newer_schema_is_refused(tmp_path):
    file = tmp_path / "a.h5"
    save_microstructures(file, VOLUME)
    with h5py.File(file, "a") as f:
        f["microstructures"].attrs["schema_version"] = 99
    with pytest.raises(DataFileError, match=r"schema version 99.*update microdsd"):
        load_microstructures(file)


def test_missing_file_and_missing_path(tmp_path):
    file = tmp_path / "a.h5"
    with pytest.raises(DataFileError, match="no such file"):
        load_microstructures(file)
    save_microstructures(file, VOLUME)
    with pytest.raises(DataFileError, match=r"nothing to read at /nope.*/microstructures"):
        load_microstructures(f"{file}:/nope")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_truncated_file(tmp_path, share):
    file = tmp_path / "a.h5"
    save_microstructures(file, np.random.default_rng(0).integers(0, 3, size=(64, 64, 64)))
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataFileError, match="truncated"):
        load_microstructures(file)


def test_damaged_chunk(tmp_path):
    file = tmp_path / "a.h5"
    save_microstructures(file, np.random.default_rng(0).integers(0, 3, size=(64, 64, 64)))
    with h5py.File(file) as f:
        chunk = f["microstructures/labels"].id.get_chunk_info(0)
    data = bytearray(file.read_bytes())
    data[chunk.byte_offset : chunk.byte_offset + 1000] = bytes(1000)
    file.write_bytes(data)
    with pytest.raises(DataFileError, match="damaged or truncated"):
        load_microstructures(file)


def test_not_hdf5(tmp_path):
    file = tmp_path / "a.h5"
    file.write_text("hello")
    with pytest.raises(DataFileError, match="cannot be opened as HDF5"):
        load_microstructures(file)
    with pytest.raises(DataFileError, match="cannot be opened as HDF5"):
        save_microstructures(file, VOLUME, overwrite=True)
    assert file.read_text() == "hello"


@pytest.fixture
def small_disk():
    """Let files of this process grow to 100 kB only, as a disk does that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_disk")
def test_full_disk_loses_nothing(tmp_path):
    file = tmp_path / "a.h5"
    save_microstructures(file, VOLUME)
    before = file.read_bytes()
    noise = np.random.default_rng(0).integers(0, 8, size=(96, 96, 96), dtype=np.uint8)
    with pytest.raises(DataFileError, match=r"a\.h5: cannot be written.*free disk space"):
        save_microstructures(file, noise, group="more")
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_bad_group_name(tmp_path):
    with pytest.raises(InputError, match="group"):
        save_microstructures(tmp_path / "a.h5", VOLUME, group="/")


@pytest.mark.parametrize("group", [".", "a/..", "./", "\udcff"])
def test_groups_that_no_file_can_hold(tmp_path, group):
    with pytest.raises(InputError, match="group: "):
        save_microstructures(tmp_path / "a.h5", VOLUME, group=group)
    assert not list(tmp_path.iterdir())
