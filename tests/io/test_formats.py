"""Formats that users have, written by the libraries of others; `VOLUME` has no symmetry."""

import builtins
import gzip
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
import scipy.io
import SimpleITK as sitk
import zarr
from PIL import Image

from microdsd.errors import DataFileError, InputError
from microdsd.io import (
    load_microstructures,
    open_labels,
    read_sample,
    read_volume,
    save_tiff,
    save_vti,
)
from microdsd.io.formats import FORMATS, is_volume, readable_formats
from microdsd.microstructure import as_microstructure, phases_of, voxel_size_of

VOLUME = np.zeros((4, 6, 5), np.uint8)
VOLUME[1:3, 2:4] = 1
VOLUME[0, 0, 0] = 1
NAMED = as_microstructure(VOLUME, phases={0: "pore", 1: "grain"}, voxel_size=(3e-6, 2e-6, 1e-6))
DTYPES = [np.uint8, np.int16, np.uint32]


def itk_image(array, spacing=(0.001, 0.002, 0.003), **options):
    image = sitk.GetImageFromArray(array, **options)
    image.SetSpacing(spacing[: image.GetDimension()])
    return image


def write(place, name):
    """The volume in one of the formats."""
    path = place / name
    if name.endswith(".tif"):
        save_tiff(path, VOLUME)
    elif name.endswith(".vti"):
        save_vti(path, VOLUME)
    elif name.endswith(".npy"):
        np.save(path, VOLUME)
    elif name.endswith(".npz"):
        np.savez_compressed(path, labels=VOLUME, threshold=3.0, name="rock")
    elif name.endswith(".mat"):
        scipy.io.savemat(path, {"labels": VOLUME.transpose(1, 2, 0), "name": "rock", "n": 3})
    elif name.endswith(".zarr"):
        zarr.save_array(path, VOLUME)
    elif name.endswith(".zip"):
        save_tiff(place / "inside.tif", VOLUME)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(place / "inside.tif", "folder/inside.tif")
            archive.writestr("folder/readme.txt", "text")
            archive.writestr("__MACOSX/._inside.tif", "rubbish")
        (place / "inside.tif").unlink()
    elif name == "slices":
        path.mkdir()
        for number, page in enumerate(VOLUME):
            Image.fromarray(page).save(path / f"s{number + 8}.png")
        (path / "notes.txt").write_text("text")
    else:
        sitk.WriteImage(itk_image(VOLUME, spacing=(1.0, 1.0, 1.0)), path)
    return path


ALL = [
    "a.tif",
    "a.npy",
    "a.npz",
    "a.mat",
    "a.nrrd",
    "a.nhdr",
    "a.mha",
    "a.mhd",
    "a.nii",
    "a.nii.gz",
    "a.vti",
    "a.zarr",
    "a.zip",
    "slices",
]


@pytest.mark.parametrize("name", ALL)
def test_every_reader_of_labels_reads_every_format(tmp_path, name):
    path = write(tmp_path, name)
    assert is_volume(path)
    ms = load_microstructures(path, phases={0: "pore", 1: "grain"}, voxel_size=1e-6)
    np.testing.assert_array_equal(ms, VOLUME)
    assert ms.dims == ("z", "y", "x")
    np.testing.assert_array_equal(read_sample(path, region={"z": slice(1, 3)}), VOLUME[1:3])
    with open_labels(path) as labels:
        assert labels.counts() == {0: int((VOLUME == 0).sum()), 1: int(VOLUME.sum())}
        np.testing.assert_array_equal(labels.read(0, (1, 2, 3), (2, 2, 2)), VOLUME[1:3, 2:4, 3:5])
        assert labels.voxel_size.unit == "voxel"


# NRRD, MetaImage, NIfTI


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("suffix", ["nrrd", "nhdr", "mha", "mhd", "nii", "nii.gz"])
def test_itk_round_trip(tmp_path, suffix, dtype, packed):
    labels = (VOLUME * 200).astype(dtype)
    file = tmp_path / f"a.{suffix}"
    sitk.WriteImage(itk_image(labels), file, useCompression=packed)
    volume = read_volume(file)
    assert volume.array.dtype == dtype
    np.testing.assert_array_equal(volume.array, labels)
    if suffix.startswith("nii"):
        assert volume.voxel_size == (3e-6, 2e-6, 1e-6)
    else:
        assert volume.voxel_size is None
        assert "--voxel-size 3e-06 2e-06 1e-06" in volume.notes[0]


@pytest.mark.parametrize(("unit", "metres"), [("um", 1e-6), ("mm", 1e-3), ("nm", 1e-9)])
def test_units_and_segments_of_nrrd(tmp_path, unit, metres):
    file = tmp_path / "a.nrrd"
    sitk.WriteImage(itk_image(VOLUME), file)
    head, data = file.read_bytes().split(b"\n\n", 1)
    units = f'\nspace units: "{unit}" "{unit}" "{unit}"'
    names = "\nSegment0_LabelValue:=1\nSegment0_Name:=grain"
    file.write_bytes(head + (units + names).encode() + b"\n\n" + data)
    ms = load_microstructures(file)
    assert voxel_size_of(ms).size == pytest.approx((3e-3 * metres, 2e-3 * metres, 1e-3 * metres))
    assert phases_of(ms) == {0: "background", 1: "grain"}
    assert voxel_size_of(load_microstructures(file, voxel_size=5e-6)).size == (5e-6,) * 3


def test_unit_of_metaimage(tmp_path):
    file = tmp_path / "a.mha"
    sitk.WriteImage(itk_image(VOLUME), file)
    data = file.read_bytes()
    file.write_bytes(data.replace(b"NDims = 3\n", b"NDims = 3\nDistanceUnits = um\n"))
    assert read_volume(file).voxel_size == pytest.approx((3e-9, 2e-9, 1e-9))


def test_a_millimetre_of_nifti_is_what_programs_write_that_know_no_size(tmp_path):
    file = tmp_path / "a.nii"
    sitk.WriteImage(itk_image(VOLUME, spacing=(1.0, 1.0, 1.0)), file)
    volume = read_volume(file)
    assert volume.voxel_size is None
    assert "not used: 1 mm or more" in volume.notes[0]


def test_colours_and_times_of_itk(tmp_path):
    file = tmp_path / "a.nrrd"
    sitk.WriteImage(itk_image(np.stack([VOLUME] * 3, -1), isVector=True), file)
    np.testing.assert_array_equal(read_volume(file).array, VOLUME)
    sitk.WriteImage(itk_image(np.stack([VOLUME, VOLUME, 1 - VOLUME], -1), isVector=True), file)
    with pytest.raises(InputError, match="colour image"):
        read_volume(file)
    times = itk_image(np.stack([VOLUME, 1 - VOLUME]), (1.0,) * 4, isVector=False)
    sitk.WriteImage(times, tmp_path / "a.nii")
    with pytest.raises(InputError, match="2 separate images"):
        read_volume(tmp_path / "a.nii")
    assert read_volume(tmp_path / "a.nii", ensemble=True).axes == "szyx"


@pytest.mark.parametrize("suffix", ["mhd", "nhdr"])
def test_data_of_a_header_lie_beside_it(tmp_path, suffix):
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / f"a.{suffix}"
    sitk.WriteImage(itk_image(VOLUME), file)
    data = next(path for path in file.parent.iterdir() if path != file)
    secret = tmp_path / data.name
    data.rename(secret)
    with pytest.raises(DataFileError, match="is missing; put it beside"):
        read_volume(file)
    file.write_bytes(file.read_bytes().replace(data.name.encode(), f"../{data.name}".encode()))
    with pytest.raises(DataFileError, match="lie in another folder"):
        read_volume(file)


@pytest.mark.parametrize("suffix", ["nrrd", "mha", "nii", "nii.gz"])
@pytest.mark.parametrize("packed", [False, True])
def test_cut_files_of_itk(tmp_path, suffix, packed):
    """A decoder that fills up with zeros would go unseen."""
    file = tmp_path / f"a.{suffix}"
    sitk.WriteImage(itk_image(VOLUME + 7), file, useCompression=packed)
    data = file.read_bytes()
    for length in (0, 10, len(data) // 2, len(data) - 20, len(data) - 1):
        file.write_bytes(data[:length])
        with pytest.raises(DataFileError):
            read_volume(file)


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha", "a.nii.gz"])
def test_checksums_of_packed_files(tmp_path, name):
    file = tmp_path / name
    sitk.WriteImage(itk_image(VOLUME), file, useCompression=True)
    data = bytearray(file.read_bytes())
    data[-5 if name != "a.mha" else -1] ^= 1
    file.write_bytes(data)
    with pytest.raises(DataFileError):
        read_volume(file)


# VTK


@pytest.mark.parametrize("shape", [(4, 6, 5), (6, 5)])
def test_own_vti_comes_back(tmp_path, shape):
    labels = VOLUME.ravel()[: np.prod(shape)].reshape(shape)
    ms = as_microstructure(
        labels, phases={0: "Pore (µ)", 1: "<grain>"}, voxel_size=[3e-6, 2e-6, 1e-6][-len(shape) :]
    )
    save_vti(tmp_path / "a.vti", ms)
    back = load_microstructures(tmp_path / "a.vti")
    np.testing.assert_array_equal(back, ms)
    assert (back.dims, phases_of(back), voxel_size_of(back)) == (
        ms.dims,
        phases_of(ms),
        voxel_size_of(ms),
    )


def vtk_image(arrays, points, shape=VOLUME.shape):
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    image = vtkImageData()
    image.SetDimensions(*(n + (not points) for n in reversed(shape)))
    for name, array in arrays.items():
        values = array.ravel() if array.ndim == len(shape) else array.reshape(-1, array.shape[-1])
        stored = numpy_to_vtk(values, deep=True)
        stored.SetName(name)
        (image.GetPointData() if points else image.GetCellData()).AddArray(stored)
    return image


@pytest.mark.parametrize("points", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["Little", "Big"])
@pytest.mark.parametrize("header", [32, 64])
def test_vti_in_every_encoding_of_vtk(tmp_path, points, dtype, order, header):
    from vtkmodules.vtkIOXML import vtkXMLImageDataWriter

    labels = (np.random.default_rng(0).integers(0, 3, (9, 25, 30))).astype(dtype)
    file = tmp_path / "a.vti"
    for mode, packing, encoded in [
        ("Ascii", "None", 0),
        ("Binary", "None", 0),
        ("Binary", "ZLib", 0),
        ("Appended", "None", 0),
        ("Appended", "ZLib", 0),
        ("Appended", "LZMA", 0),
        ("Appended", "None", 1),
        ("Appended", "ZLib", 1),
    ]:
        writer = vtkXMLImageDataWriter()
        writer.SetFileName(str(file))
        writer.SetInputData(vtk_image({"labels": labels}, points, labels.shape))
        getattr(writer, f"SetDataModeTo{mode}")()
        getattr(writer, f"SetCompressorTypeTo{packing}")()
        getattr(writer, f"SetByteOrderTo{order}Endian")()
        getattr(writer, f"SetHeaderTypeToUInt{header}")()
        writer.SetEncodeAppendedData(encoded)
        writer.SetBlockSize(4096)
        writer.Write()
        volume = read_volume(file)
        assert volume.array.dtype == dtype
        np.testing.assert_array_equal(volume.array, labels)


def test_arrays_of_vti(tmp_path):
    from vtkmodules.vtkIOXML import vtkXMLImageDataWriter

    file = tmp_path / "a.vti"

    def save(arrays, packing="ZLib"):
        writer = vtkXMLImageDataWriter()
        writer.SetFileName(str(file))
        image = vtk_image(arrays, points=False)
        image.SetSpacing(0.1, 0.2, 0.3)
        writer.SetInputData(image)
        getattr(writer, f"SetCompressorTypeTo{packing}")()
        writer.Write()

    grey, colours = VOLUME * 0.5, np.stack([VOLUME] * 3, -1)
    save({"grey": grey, "labels": VOLUME, "colours": colours})
    volume = read_volume(file)
    np.testing.assert_array_equal(volume.array, VOLUME)
    assert "spacing 0.3 x 0.2 x 0.1 stated without a unit" in volume.notes[0]
    save({"labels": VOLUME, "other": 1 - VOLUME})
    with pytest.raises(InputError, match=r"labels: 4 x 6 x 5 UInt8; other.*a\.vti:/labels"):
        read_volume(file)
    np.testing.assert_array_equal(read_volume(f"{file}:/other").array, 1 - VOLUME)
    save({"grey": grey})
    with pytest.raises(DataFileError, match="holds no array"):
        read_volume(file)
    save({"labels": VOLUME}, packing="LZ4")
    with pytest.raises(DataFileError, match="save it with ZLib"):
        read_volume(file)


# Arrays


def test_arrays_of_npz(tmp_path):
    file = tmp_path / "a.npz"
    np.savez(file, labels=VOLUME, other=1 - VOLUME, bad=np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"labels: 4 x 6 x 5 uint8; other"):
        read_volume(file)
    np.testing.assert_array_equal(read_volume(f"{file}:/other").array, 1 - VOLUME)
    with pytest.raises(DataFileError, match="no array 'bad'"):
        read_volume(f"{file}:/bad")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64, bool])
def test_matlab_indexes_rows_columns_pages(tmp_path, dtype, packed):
    file = tmp_path / "a.mat"
    stored = VOLUME.transpose(1, 2, 0)  # A(y, x, z)
    content = {"A": stored.astype(dtype), "note": "text", "step": 0.5, "line": np.arange(3.0)}
    scipy.io.savemat(file, content, do_compression=packed)
    np.testing.assert_array_equal(read_volume(file).array, VOLUME)
    np.testing.assert_array_equal(read_volume(file, axis_order="zyx").array, stored)
    scipy.io.savemat(file, {"A": VOLUME[1].astype(dtype)}, do_compression=packed)
    np.testing.assert_array_equal(read_volume(file).array, VOLUME[1])


def test_grey_values_of_matlab_are_not_labels(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"A": VOLUME * 0.5})
    with pytest.raises(InputError, match="expected integer"):
        load_microstructures(tmp_path / "a.mat")
    scipy.io.savemat(tmp_path / "a.mat", {"A": VOLUME[0], "B": VOLUME[1]})
    with pytest.raises(InputError, match=r"A: 6 x 5 uint8; B"):
        read_volume(tmp_path / "a.mat")
    np.testing.assert_array_equal(read_volume(f"{tmp_path / 'a.mat'}:/B").array, VOLUME[1])


def test_bmp(tmp_path):
    Image.fromarray(VOLUME[1]).save(tmp_path / "a.bmp")
    np.testing.assert_array_equal(read_volume(tmp_path / "a.bmp").array, VOLUME[1])


def test_a_palette_gives_its_numbers(tmp_path):
    picture = Image.fromarray(VOLUME[1], "P")
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.save(tmp_path / "a.png")
    volume = read_volume(tmp_path / "a.png")
    np.testing.assert_array_equal(volume.array, VOLUME[1])
    assert "palette" in volume.notes[0]


# Slices


@pytest.mark.parametrize("suffix", ["png", "tif", "npy", "bmp"])
def test_slices_are_ordered_by_their_numbers(tmp_path, suffix):
    for number, page in enumerate(VOLUME):
        name = tmp_path / f"rock 2 s{number + 8}.{suffix}"
        np.save(name, page) if suffix == "npy" else Image.fromarray(page).save(name)
    for source in (tmp_path, tmp_path / f"*.{suffix}", f"{tmp_path}/rock*"):
        np.testing.assert_array_equal(read_volume(source).array, VOLUME)
    assert read_volume(tmp_path, ensemble=True).axes == "syx"
    with pytest.raises(DataFileError, match="no slices"):
        read_volume(tmp_path / "sand*.png")


def test_slices_that_do_not_go_together(tmp_path):
    for number, page in enumerate(VOLUME):
        Image.fromarray(page).save(tmp_path / f"s{number}.png")
    Image.fromarray(VOLUME[0, :3]).save(tmp_path / "s4.png")
    with pytest.raises(InputError, match=r"s0.png is 6 x 5 uint8, s4.png is 3 x 5"):
        read_volume(tmp_path)
    Image.fromarray(VOLUME[0].astype(np.uint16)).save(tmp_path / "s4.png")
    with pytest.raises(InputError, match="one shape and type"):
        read_volume(tmp_path)
    (tmp_path / "s4.png").unlink()
    np.save(tmp_path / "s4.npy", VOLUME[0])
    with pytest.raises(InputError, match=r"\.npy and \.png files; choose with a pattern"):
        read_volume(tmp_path)
    np.testing.assert_array_equal(read_volume(tmp_path / "*.png").array, VOLUME)


def test_a_missing_slice_is_noticed(tmp_path):
    for number, page in enumerate(np.concatenate([VOLUME, VOLUME])):
        Image.fromarray(page).save(tmp_path / f"s{10 * number}.png")
    assert read_volume(tmp_path).array.shape == (8, 6, 5)
    (tmp_path / "s40.png").unlink()
    with pytest.raises(InputError, match=r"between s30.png and s50.png.*--stack"):
        read_volume(tmp_path)
    assert read_volume(tmp_path, ensemble=True).array.shape == (7, 6, 5)


def test_a_folder_of_volumes_is_an_ensemble(tmp_path):
    for number in range(2):
        save_tiff(tmp_path / f"s{number}.tif", NAMED)
    with pytest.raises(InputError, match="--stack"):
        load_microstructures(tmp_path)
    ms = load_microstructures(tmp_path, ensemble=True)
    assert ms.sizes["sample"] == 2
    assert (phases_of(ms), voxel_size_of(ms)) == (phases_of(NAMED), voxel_size_of(NAMED))


def test_the_distance_of_slices_is_not_guessed(tmp_path):
    for number, page in enumerate(NAMED):
        save_tiff(tmp_path / f"plain{number}.tif", page.values)
        own = as_microstructure(page.values, voxel_size=1e-6)
        save_tiff(tmp_path / f"sized{number}.tif", own)
    volume = read_volume(tmp_path / "sized*.tif")
    assert volume.voxel_size is None
    assert "their distance is not stated" in volume.notes[0]
    assert voxel_size_of(load_microstructures(tmp_path / "sized*.tif", ensemble=True)).size == (
        1e-6,
        1e-6,
    )


def test_an_empty_folder(tmp_path):
    with pytest.raises(DataFileError, match="no slices"):
        read_volume(tmp_path)


# Archives


@pytest.mark.parametrize("packing", ["tar", "tar.gz", "tgz", "tar.bz2", "tar.xz"])
def test_a_raw_file_in_a_tar(tmp_path, packing):
    raw, file = tmp_path / "a.raw", tmp_path / f"a.{packing}"
    raw.write_bytes(VOLUME.astype(">u2").tobytes())
    mode = {"tar": "w", "tgz": "w:gz"}.get(packing, f"w:{packing[4:]}")
    with tarfile.open(file, mode) as archive:
        archive.add(raw, "deep/er/a.raw")
    raw.unlink()
    with pytest.raises(InputError, match="needs shape and dtype"):
        read_volume(file)
    options = {"shape": VOLUME.shape, "dtype": ">u2"}
    for spec in (file, f"{file}:/deep/er/a.raw"):
        np.testing.assert_array_equal(read_volume(spec, **options).array, VOLUME)


def test_members_are_chosen_by_name(tmp_path):
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name, labels in (("a.npy", VOLUME), ("b.npy", 1 - VOLUME)):
            content = io.BytesIO()
            np.save(content, labels)
            archive.writestr(name, content.getvalue())
        archive.writestr("c.txt", "text")
    with pytest.raises(InputError, match=r"a\.npy: 248 bytes; b\.npy.*a\.zip:/a\.npy"):
        read_volume(file)
    np.testing.assert_array_equal(read_volume(f"{file}:/b.npy").array, 1 - VOLUME)
    with pytest.raises(DataFileError, match=r"no file 'd\.npy'"):
        read_volume(f"{file}:/d.npy")
    with pytest.raises(DataFileError, match=r"'\.txt' are not read"):
        read_volume(f"{file}:/c.txt")


def test_a_packed_file_that_is_no_archive(tmp_path):
    for suffix, pack in (("gz", gzip.compress),):
        np.save(tmp_path / "a.npy", VOLUME)
        file = tmp_path / f"a.npy.{suffix}"
        file.write_bytes(pack((tmp_path / "a.npy").read_bytes()))
        np.testing.assert_array_equal(read_volume(file).array, VOLUME)


@pytest.mark.parametrize("name", ["../../outside.npy", "/tmp/outside.npy", "a\\..\\outside.npy"])
def test_names_of_members_lead_nowhere(tmp_path, name):
    content = io.BytesIO()
    np.save(content, VOLUME)
    place = tmp_path / "one" / "two"
    place.mkdir(parents=True)
    with zipfile.ZipFile(place / "a.zip", "w") as archive:
        archive.writestr(name, content.getvalue())
    with tarfile.open(place / "a.tar", "w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content.getvalue())
        archive.addfile(entry, io.BytesIO(content.getvalue()))
    before = sorted(tmp_path.rglob("*"))
    for file in ("a.zip", "a.tar"):
        np.testing.assert_array_equal(read_volume(place / file).array, VOLUME)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_in_a_tar_is_no_file(tmp_path):
    (tmp_path / "secret.npy").write_bytes(b"secret")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        entry = tarfile.TarInfo("a.npy")
        entry.type, entry.linkname = tarfile.SYMTYPE, str(tmp_path / "secret.npy")
        archive.addfile(entry)
    with pytest.raises(DataFileError, match="holds no file"):
        read_volume(tmp_path / "a.tar")


# OME-Zarr


def ome_zarr(place, version, axes, scale, labels, unit="micrometer"):
    entries = [
        {
            "name": axis,
            "type": {"t": "time", "c": "channel"}.get(axis, "space"),
            **({"unit": unit} if unit and axis in "zyx" else {}),
        }
        for axis in axes
    ]
    levels = [
        {"path": path, "coordinateTransformations": [{"type": "scale", "scale": factor}]}
        for path, factor in (("0", scale), ("1", [2 * s for s in scale]))
    ]
    statement = {"multiscales": [{"axes": entries, "datasets": levels}]}
    group = zarr.open_group(place, mode="w", zarr_format=version)
    group.attrs.update(statement if version == 2 else {"ome": {"version": "0.5", **statement}})
    group.create_array("0", data=labels, chunks=tuple(min(n, 3) for n in labels.shape))
    group.create_array("1", data=labels[..., ::2, ::2])
    return group


@pytest.mark.parametrize("version", [2, 3])
def test_ome_zarr(tmp_path, version):
    ome_zarr(tmp_path / "a.zarr", version, "zyx", [3.0, 2.0, 1.0], VOLUME)
    volume = read_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume.array, VOLUME)
    assert volume.voxel_size == pytest.approx((3e-6, 2e-6, 1e-6))
    (tmp_path / "a.zarr").rename(tmp_path / "plain folder")
    np.testing.assert_array_equal(read_volume(tmp_path / "plain folder").array, VOLUME)


def test_axes_of_ome_zarr(tmp_path):
    place = tmp_path / "a.zarr"
    ome_zarr(place, 2, "xyz", [1.0, 2.0, 3.0], VOLUME.transpose())
    volume = read_volume(place)
    np.testing.assert_array_equal(volume.array, VOLUME)
    assert volume.voxel_size == pytest.approx((3e-6, 2e-6, 1e-6))
    ome_zarr(place, 2, "tczyx", [1.0, 1.0, 3.0, 2.0, 1.0], VOLUME[None, None])
    volume = read_volume(place)
    np.testing.assert_array_equal(volume.array, VOLUME)
    assert volume.voxel_size == pytest.approx((3e-6, 2e-6, 1e-6))
    ome_zarr(place, 2, "czyx", [1.0, 3.0, 2.0, 1.0], np.stack([VOLUME, VOLUME]))
    with pytest.raises(InputError, match="2 channels"):
        read_volume(place)
    ome_zarr(place, 2, "zyx", [3.0, 2.0, 1.0], VOLUME, unit=None)
    volume = read_volume(place)
    assert volume.voxel_size is None
    assert "without a unit" in volume.notes[0]


def test_labels_beside_an_image_are_named(tmp_path):
    place = tmp_path / "a.zarr"
    ome_zarr(place, 2, "zyx", [3.0, 2.0, 1.0], VOLUME * 37)
    ome_zarr(place / "labels" / "grains", 2, "zyx", [3.0, 2.0, 1.0], VOLUME)
    zarr.open_group(place / "labels", mode="a", zarr_format=2)
    with pytest.raises(InputError, match=r"image: 4 x 6 x 5 uint8; labels/grains"):
        read_volume(place)
    np.testing.assert_array_equal(read_volume(f"{place}:/labels/grains").array, VOLUME)


# What is not read


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.am", "no maintained reader.*as TIFF or NRRD"),
        ("a.xyz", "save it as one of them"),
        ("a.jpg", "JPEG changes values"),
        ("a", "save it as one of them"),
    ],
)
def test_other_files_are_told_every_format(tmp_path, name, message):
    (tmp_path / name).write_bytes(b"# Avizo BINARY-LITTLE-ENDIAN 2.1")
    for read in (load_microstructures, open_labels, read_sample, read_volume):
        with pytest.raises(DataFileError, match=f"read are TIFF, PNG.*{message}") as caught:
            read(tmp_path / name)
        assert "microdsd import" not in str(caught.value)


def test_hdf5_by_any_other_name_is_hdf5(tmp_path):
    import h5py

    for name in ("a.dat", "a.mat"):
        with h5py.File(tmp_path / name, "w") as file:
            file["labels"] = VOLUME
        assert not is_volume(tmp_path / name)
        np.testing.assert_array_equal(load_microstructures(tmp_path / name), VOLUME)


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("a.nrrd", "SimpleITK", "formats"),
        ("a.mha", "SimpleITK", "formats"),
        ("a.zarr", "zarr", "zarr"),
    ],
)
def test_a_missing_extra_is_named(tmp_path, monkeypatch, name, module, extra):
    path = write(tmp_path, name)
    usual = builtins.__import__

    def importing(wanted, *rest, **options):
        if wanted.partition(".")[0] == module:
            raise ImportError(f"No module named {wanted!r}")
        return usual(wanted, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(InputError, match=rf'pip install "microdsd\[{extra}\]"'):
        read_volume(path)


def test_help_names_every_format():
    assert all(one.name in readable_formats() for one in FORMATS)


def test_statements_are_what_json_says(tmp_path):
    """Names in a file that are not those of its labels are an error, not a guess."""
    save_tiff(tmp_path / "a.tif", NAMED)
    data = (tmp_path / "a.tif").read_bytes()
    names = json.dumps({"0": "pore", "1": "grain"}).replace('"', '\\"').encode()
    assert names in data
    other = names.replace(b"1", b"5")
    (tmp_path / "a.tif").write_bytes(data.replace(names, other))
    with pytest.raises(InputError, match="also holds labels 1"):
        load_microstructures(tmp_path / "a.tif")
