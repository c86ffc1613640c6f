"""Damaged and hostile files: refused in our own words, quickly, and never read wrong in silence."""

import signal
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
import scipy.io
import SimpleITK as sitk
import tifffile
import zarr
from PIL import Image

from microdsd.errors import DataFileError, MicrodsdError
from microdsd.io import open_labels, read_volume, save_vti
from microdsd.microstructure import as_microstructure

LABELS = (np.random.default_rng(0).random((6, 16, 20)) < 0.4).astype(np.uint8)
TRIALS = 60
SECONDS = 10


def itk(path, **options):
    image = sitk.GetImageFromArray(LABELS)
    image.SetSpacing((0.001,) * 3)
    sitk.WriteImage(image, path, **options)


def pages(path):
    with tifffile.TiffWriter(path) as out:
        for page in LABELS:
            out.write(page, compression="zlib")


def archive(path):
    inside = path.parent / "inside.tif"
    tifffile.imwrite(inside, LABELS, photometric="minisblack")
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
            out.write(inside, "inside.tif")
    else:
        with tarfile.open(path, "w:gz") as out:
            out.add(inside, "inside.tif")


OME = {"axes": "ZYX", "PhysicalSizeX": 0.4, "PhysicalSizeXUnit": "µm"}
IMAGEJ = {"axes": "ZYX", "spacing": 2.0, "unit": "um"}
WRITERS = {
    "plain.tif": lambda p: tifffile.imwrite(p, LABELS, photometric="minisblack"),
    "pages.tif": pages,
    "imagej.tif": lambda p: tifffile.imwrite(p, LABELS, imagej=True, metadata=IMAGEJ),
    "x.ome.tif": lambda p: tifffile.imwrite(p, LABELS, metadata=OME),
    "lzw.tif": lambda p: Image.fromarray(LABELS[0]).save(p, compression="tiff_lzw"),
    "a.png": lambda p: Image.fromarray(LABELS[0]).save(p),
    "a.bmp": lambda p: Image.fromarray(LABELS[0]).save(p),
    "a.npy": lambda p: np.save(p, LABELS),
    "a.npz": lambda p: np.savez_compressed(p, labels=LABELS),
    "a.mat": lambda p: scipy.io.savemat(p, {"A": LABELS}),
    "packed.mat": lambda p: scipy.io.savemat(p, {"A": LABELS}, do_compression=True),
    "a.nrrd": itk,
    "packed.nrrd": lambda p: itk(p, useCompression=True),
    "a.mha": itk,
    "packed.mha": lambda p: itk(p, useCompression=True),
    "a.nii": itk,
    "a.nii.gz": itk,
    "a.vti": lambda p: save_vti(p, as_microstructure(LABELS, voxel_size=1e-6)),
    "a.zip": archive,
    "a.tar.gz": archive,
}
CHECKSUMS = {
    "a.png",
    "a.npz",
    "packed.mat",
    "packed.nrrd",
    "a.nii.gz",
    "a.vti",
    "a.zip",
    "a.tar.gz",
}


def damaged(data, rng):
    """Cut, flip bits anywhere, overwrite the header, or replace a piece by another length."""
    data = bytearray(data)
    kind = rng.integers(4)
    if kind == 0:
        return kind, data[: rng.integers(len(data))]
    if kind == 1:
        for _ in range(rng.integers(1, 4)):
            data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    elif kind == 2:
        for _ in range(rng.integers(1, 8)):
            data[rng.integers(min(len(data), 600))] = rng.integers(256)
    else:
        start = rng.integers(len(data))
        piece = rng.integers(0, 256, rng.integers(60), dtype=np.uint8)
        data[start : start + rng.integers(1, 60)] = bytes(piece)
    return kind, data


@pytest.mark.parametrize("name", WRITERS)
def test_damage_is_refused_and_no_cut_goes_unseen(tmp_path, name):
    """60 damaged copies of each: no error but ours, none beyond 10 s, no cut file read in part."""
    path = tmp_path / name
    WRITERS[name](path)
    good, data = read_volume(path).array, path.read_bytes()
    rng = np.random.default_rng(list(name.encode()))

    def give_up(*_):
        raise TimeoutError(f"{name}: more than {SECONDS} s")

    usual = signal.signal(signal.SIGALRM, give_up)
    refused = 0
    try:
        for _ in range(TRIALS):
            kind, broken = damaged(data, rng)
            path.write_bytes(broken)
            signal.alarm(SECONDS)
            try:
                found = read_volume(path).array
            except MicrodsdError:
                refused += 1
                continue
            finally:
                signal.alarm(0)
            if kind == 0 or (kind == 1 and name in CHECKSUMS):
                np.testing.assert_array_equal(found, good)
    finally:
        signal.signal(signal.SIGALRM, usual)
    assert refused > TRIALS / 5


ZEROS = np.zeros((8, 512, 512), np.uint8)


@pytest.fixture
def small_limit(monkeypatch):
    """What counts as harmless is a megabyte here, so that the bombs are small."""
    monkeypatch.setattr("microdsd.io.expansion.HARMLESS_BYTES", 1 << 20)


def chunked_zeros(path):
    zarr.create_array(path, shape=(1 << 12,) * 3, chunks=(64,) * 3, dtype="u1")


def zipped_zeros(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.raw", ZEROS.tobytes())


def tarred_zeros(path):
    raw = path.parent / "a.raw"
    raw.write_bytes(ZEROS.tobytes())
    with tarfile.open(path, "w:gz") as out:
        out.add(raw, "a.raw")


BOMBS = {
    "a.tif": lambda p: tifffile.imwrite(p, ZEROS, compression="zlib", photometric="minisblack"),
    "a.png": lambda p: Image.fromarray(np.zeros((2048, 2048), np.uint8)).save(p),
    "a.npz": lambda p: np.savez_compressed(p, labels=ZEROS),
    "a.mat": lambda p: scipy.io.savemat(p, {"A": ZEROS}, do_compression=True),
    "a.nrrd": lambda p: sitk.WriteImage(sitk.GetImageFromArray(ZEROS), p, useCompression=True),
    "a.mha": lambda p: sitk.WriteImage(sitk.GetImageFromArray(ZEROS), p, useCompression=True),
    "a.nii.gz": lambda p: sitk.WriteImage(sitk.GetImageFromArray(ZEROS), p),
    "a.vti": lambda p: save_vti(p, ZEROS),
    "a.zip": zipped_zeros,
    "a.tar.gz": tarred_zeros,
    "a.zarr": chunked_zeros,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_must_not_fill_the_memory(tmp_path, small_limit, name):
    path = tmp_path / name
    BOMBS[name](path)
    with pytest.raises(DataFileError, match=r"would become .* GiB.*--max-ratio"):
        read_volume(path, shape=ZEROS.shape, dtype="uint8")
    if name != "a.zarr":
        volume = read_volume(path, shape=ZEROS.shape, dtype="uint8", max_ratio=1e6)
        assert not volume.array.any()
        with open_labels(volume) as labels:
            assert labels.counts() == {0: volume.array.size}


def test_an_empty_test_volume_is_no_bomb(tmp_path):
    for name in ("a.tif", "a.nii.gz", "a.vti"):
        BOMBS[name](tmp_path / name)
        assert read_volume(tmp_path / name).array.shape == ZEROS.shape


def test_a_zip_that_understates_its_size(tmp_path):
    zipped_zeros(tmp_path / "a.zip")
    data = (tmp_path / "a.zip").read_bytes()
    size = np.uint32(ZEROS.size).tobytes()
    (tmp_path / "a.zip").write_bytes(data.replace(size, np.uint32(1000).tobytes()))
    with pytest.raises(DataFileError):
        read_volume(tmp_path / "a.zip", shape=(10, 10, 10), dtype="uint8")


def test_a_type_of_numbers_that_matlab_does_not_have(tmp_path):
    """scipy looks it up beyond the end of a table, which may end the process."""
    for packed in (False, True):
        path = tmp_path / "a.mat"
        scipy.io.savemat(path, {"A": LABELS}, do_compression=packed)
        data = path.read_bytes()
        tag, other = (np.array([kind, LABELS.size], "u4").tobytes() for kind in (2, 36610))
        if packed:
            inside = zlib.decompress(data[136:])
            assert tag in inside
            again = zlib.compress(inside.replace(tag, other))
            data = data[:128] + np.array([15, len(again)], "u4").tobytes() + again
        else:
            assert tag in data
            data = data.replace(tag, other)
        path.write_bytes(data)
        with pytest.raises(DataFileError, match="numbers of type 36610"):
            read_volume(path)


def test_entities_of_xml_are_not_expanded(tmp_path):
    save_vti(tmp_path / "a.vti", LABELS)
    data = (tmp_path / "a.vti").read_bytes()
    head = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb">]>\n<VTKFile'
    (tmp_path / "a.vti").write_bytes(data.replace(b"<VTKFile", head, 1))
    with pytest.raises(DataFileError, match="entities"):
        read_volume(tmp_path / "a.vti")
