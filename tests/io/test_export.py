"""Every format is read back by a reader that is not ours."""

import json

import numpy as np
import pytest
import tifffile

from microdsd.errors import DataFileError, InputError
from microdsd.io import load_microstructures, output_files, save_nrrd, save_samples
from microdsd.io.export import BESIDE, WRITERS, check_format, ensure_samples_writable
from microdsd.microstructure import as_microstructure, phases_of, voxel_size_of

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


def read_zarr(path):
    zarr = pytest.importorskip("zarr")
    return np.asarray(zarr.open(str(path), mode="r")["0"][...])


READERS = {
    ".ome.tif": read_tiff,
    ".ome.tiff": read_tiff,
    ".tif": read_tiff,
    ".tiff": read_tiff,
    ".vti": read_vti,
    ".nrrd": read_nrrd,
    ".nhdr": read_nrrd,
    ".mha": read_nrrd,
    ".mhd": read_nrrd,
    ".zarr": read_zarr,
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
    beside = BESIDE.get(suffix)
    data = [file.with_suffix(beside) for file in files] if beside else []
    assert sorted(tmp_path.iterdir()) == sorted(files + data)
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


@pytest.mark.parametrize("suffix", [".ome.tif", ".nhdr", ".mha", ".mhd", ".zarr", ".nrrd", ".vti"])
@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 5)])
def test_voxel_size_and_names_come_back(tmp_path, suffix, shape):
    (file,) = save_samples(tmp_path / f"new{suffix}", volume(shape=shape))
    back = load_microstructures(file)
    np.testing.assert_array_equal(back, volume(shape=shape))
    size, unit = voxel_size_of(back)
    assert unit == "m"
    np.testing.assert_allclose(size, SIZE[-len(shape) :], rtol=1e-9)
    assert phases_of(back) == NAMES
    bare = as_microstructure(volume(shape=shape).values, phases=NAMES)
    save_samples(file, bare, overwrite=True)
    assert voxel_size_of(load_microstructures(file)).unit == "voxel"


def test_ome_tiff_says_what_it_is(tmp_path):
    save_samples(tmp_path / "new.ome.tif", volume())
    with tifffile.TiffFile(tmp_path / "new.ome.tif") as tiff:
        assert tiff.is_ome
        said = tifffile.xml2dict(tiff.ome_metadata)["OME"]
    pixels = said["Image"]["Pixels"]
    assert [pixels[f"PhysicalSize{axis}"] for axis in "XYZ"] == [0.1, 0.2, 0.3]
    values = said["StructuredAnnotations"]["MapAnnotation"]["Value"]["M"]
    assert {str(one["K"]): one["value"] for one in values}["255"] == NAMES[255]
    wide = as_microstructure(volume().values.astype(np.uint64))
    with pytest.raises(InputError, match="uint64"):
        save_samples(tmp_path / "wide.ome.tif", wide)


@pytest.mark.parametrize("suffix", BESIDE)
def test_data_beside_a_header_are_kept_unless_forced(tmp_path, suffix):
    (tmp_path / "new.raw").write_bytes(b"precious")
    for refused in (
        lambda: ensure_samples_writable(tmp_path / f"new{suffix}", 1, overwrite=False),
        lambda: save_samples(tmp_path / f"new{suffix}", volume()),
    ):
        with pytest.raises(DataFileError, match=r"new\.raw: exists"):
            refused()
    assert [file.name for file in tmp_path.iterdir()] == ["new.raw"]
    assert (tmp_path / "new.raw").read_bytes() == b"precious"
    save_samples(tmp_path / f"new{suffix}", volume(), overwrite=True)
    np.testing.assert_array_equal(load_microstructures(tmp_path / f"new{suffix}"), volume())


def test_a_folder_is_replaced_only_if_it_is_zarr_and_on_purpose(tmp_path):
    pytest.importorskip("zarr")
    place = tmp_path / "new.zarr"
    place.mkdir()
    (place / "precious.txt").write_text("kept")
    for force in (False, True):
        with pytest.raises(DataFileError, match="holds no Zarr"):
            save_samples(place, volume(), overwrite=force)
    assert (place / "precious.txt").read_text() == "kept"
    (place / "precious.txt").rename(tmp_path / "elsewhere.txt")
    place.rmdir()
    save_samples(place, volume())
    with pytest.raises(DataFileError, match="exists"):
        save_samples(place, volume(shape=(4, 5)))
    save_samples(place, volume(shape=(4, 5)), overwrite=True)
    assert load_microstructures(place).shape == (4, 5)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["elsewhere.txt", "new.zarr"]
    (tmp_path / "file.zarr").write_text("kept")
    with pytest.raises(DataFileError, match="exists"):
        ensure_samples_writable(tmp_path / "file.zarr", 1, overwrite=True)
