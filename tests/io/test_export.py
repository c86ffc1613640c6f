"""Every format is read back by a reader that is not ours."""

import json

import numpy as np
import pytest
import tifffile

from microdsd.errors import DataFileError, InputError
from microdsd.io import load_microstructures, output_files, save_nrrd, save_samples
from microdsd.io.export import WRITERS, check_format, ensure_samples_writable
from microdsd.microstructure import as_microstructure

NAMES = {0: "pore", 3: 'a "b" \\ c', 255: "[/x] ü"}
SIZE = (3e-7, 2e-7, 1e-7)


def volume(dtype=np.uint8, shape=(3, 4, 5), **options):
    labels = np.random.default_rng(0).choice([0, 3, 255], shape).astype(dtype)
    options = {"phases": NAMES, "voxel_size": SIZE[-len(shape) :], **options}
    return as_microstructure(labels, **options)


def ensemble(n=3):
    labels = np.stack([volume().values] * n)
    labels[1] = labels[1, ::-1]
    return as_microstructure(labels, phases=NAMES, voxel_size=SIZE, ensemble=True)


def read_tiff(path):
    return tifffile.imread(path)


def read_vti(path):
    pv = pytest.importorskip("pyvista")
    grid = pv.read(path)
    shape = [n - 1 for n in reversed(grid.dimensions)]
    return np.squeeze(grid.cell_data["labels"].reshape(shape))


def read_nrrd(path):
    sitk = pytest.importorskip("SimpleITK")
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


READERS = {
    ".tif": read_tiff,
    ".tiff": read_tiff,
    ".vti": read_vti,
    ".nrrd": read_nrrd,
    ".npy": np.load,
    ".raw": lambda path: np.fromfile(path, np.uint8),
}


def test_every_format_has_a_reader_here():
    assert READERS.keys() == WRITERS.keys()


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 5)])
def test_labels_come_back(tmp_path, suffix, shape):
    ms = volume(shape=shape)
    assert save_samples(tmp_path / f"new{suffix}", ms) == [tmp_path / f"new{suffix}"]
    back = READERS[suffix](tmp_path / f"new{suffix}")
    if suffix == ".raw":
        back = back.reshape(shape)
    np.testing.assert_array_equal(back, ms.values)
    assert back.dtype == ms.dtype


@pytest.mark.parametrize("suffix", WRITERS)
def test_samples_are_numbered(tmp_path, suffix):
    files = save_samples(tmp_path / f"new{suffix}", ensemble())
    assert [file.name for file in files] == [f"new-00{i}{suffix}" for i in range(3)]
    assert sorted(tmp_path.iterdir()) == files
    first, second, _ = (READERS[suffix](file).ravel() for file in files)
    np.testing.assert_array_equal(first, ensemble().values[0].ravel())
    np.testing.assert_array_equal(second, ensemble().values[1].ravel())


def test_hdf5_holds_them_all(tmp_path):
    assert save_samples(tmp_path / "new.H5", ensemble()) == [tmp_path / "new.H5"]
    np.testing.assert_array_equal(load_microstructures(tmp_path / "new.H5"), ensemble())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, ">u2"])
def test_nrrd_with_voxel_size_names_and_request(tmp_path, dtype):
    sitk = pytest.importorskip("SimpleITK")
    ms = volume(dtype, provenance={"seed": 3, "note": "two\nlines"})
    save_nrrd(tmp_path / "new.nrrd", ms)
    image = sitk.ReadImage(str(tmp_path / "new.nrrd"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), ms.values)
    assert image.GetSpacing() == pytest.approx(SIZE[::-1])
    assert json.loads(image.GetMetaData("phases")) == {str(k): name for k, name in NAMES.items()}
    assert image.GetMetaData("unit") == "m"
    assert json.loads(image.GetMetaData("provenance"))["seed"] == 3


def test_nrrd_of_one_sample_says_which(tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    samples = ensemble().assign_coords(sample=range(3))
    files = save_samples(tmp_path / "new.nrrd", samples)
    assert [sitk.ReadImage(str(file)).GetMetaData("sample") for file in files] == ["0", "1", "2"]


def test_nrrd_in_voxels_where_no_size_is_known(tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    save_nrrd(tmp_path / "new.nrrd", np.eye(4, dtype=np.uint8))
    image = sitk.ReadImage(str(tmp_path / "new.nrrd"))
    assert image.GetSpacing() == (1.0, 1.0)
    assert image.GetMetaData("unit") == "voxel"
    assert b"units" not in (tmp_path / "new.nrrd").read_bytes()


def test_vti_holds_the_names(tmp_path):
    pv = pytest.importorskip("pyvista")
    save_samples(tmp_path / "new.vti", volume())
    fields = pv.read(tmp_path / "new.vti").field_data
    assert json.loads(fields["phases"][0]) == {str(k): name for k, name in NAMES.items()}
    assert fields["unit"][0] == "m"


@pytest.mark.parametrize("name", ["new.stl", "new", "new.h5.gz", ".h5", "new.png"])
def test_other_formats_are_refused_before_work(tmp_path, name):
    with pytest.raises(InputError, match=r"ends in none of \.h5, .*; name it so"):
        check_format(tmp_path / name)
    with pytest.raises(InputError, match=r"\.nc; name it so"):
        check_format(tmp_path / "new.tif", ensembles=True)


def test_each_numbered_file_is_kept_unless_forced(tmp_path):
    (tmp_path / "new-001.tif").write_bytes(b"precious")
    with pytest.raises(DataFileError, match=r"new-001\.tif: exists"):
        ensure_samples_writable(tmp_path / "new.tif", 3, overwrite=False)
    with pytest.raises(DataFileError, match=r"new-001\.tif: is read by"):
        ensure_samples_writable(
            tmp_path / "new.tif", 3, overwrite=True, inputs=[tmp_path / "new-001.tif"]
        )
    assert (tmp_path / "new-001.tif").read_bytes() == b"precious"


def test_numbers_have_as_many_digits_as_they_need():
    assert output_files("new.tif", 1001)[-1].name == "new-1000.tif"
    with pytest.raises(InputError, match=r"100000000 files, one per sample; write HDF5"):
        output_files("new.tif", 100_000_000)
