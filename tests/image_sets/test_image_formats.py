"""Loaders of published formats, on small files of the same format."""

import gzip
import io
import pickle
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from microdsd.errors import DataFileError, InputError
from microdsd.image_sets.formats import read_celeba, read_cifar10, read_idx, read_mnist
from microdsd.image_sets.sets import image_set_info, load_image_set


def idx(array):
    head = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def test_mnist(tmp_path):
    images, labels = np.arange(2 * 28 * 28).reshape(2, 28, 28) % 256, np.array([7, 1])
    (tmp_path / "i.gz").write_bytes(gzip.compress(idx(images)))
    (tmp_path / "l").write_bytes(idx(labels))
    found, numbers = read_mnist(tmp_path / "i.gz", tmp_path / "l")
    assert (found[:, 0] == images).all()
    assert numbers.tolist() == [7, 1]
    (tmp_path / "short").write_bytes(idx(images)[:-1])
    with pytest.raises(DataFileError, match="whole copy"):
        read_idx(tmp_path / "short")


def archive(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, raw in members.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
    return path


def test_cifar10_binary_and_never_a_pickle(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), dtype=np.uint8)
    raw = b"".join(bytes([k]) + image.tobytes() for k, image in enumerate(pixels))
    path = archive(tmp_path / "c.tar.gz", {"data_batch_1.bin": raw, "test_batch.bin": raw})
    found, numbers = read_cifar10(path)
    assert (found == pixels).all()
    assert numbers.tolist() == [0, 1, 2]
    python = archive(tmp_path / "p.tar.gz", {"data_batch_1": pickle.dumps({"data": 1})})
    with pytest.raises(DataFileError, match="pickle"):
        read_cifar10(python)


def test_celeba_by_attribute(tmp_path):
    (tmp_path / "a.txt").write_text("2\nBald Smiling\n1.jpg -1 1\n2.jpg -1 -1\n")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as packed:
        for name, grey in (("1.jpg", 200), ("2.jpg", 50)):
            raw = io.BytesIO()
            Image.new("RGB", (178, 218), (grey, grey, grey)).save(raw, "JPEG")
            packed.writestr(f"img_align_celeba/{name}", raw.getvalue())
    found, classes = read_celeba(tmp_path / "c.zip", tmp_path / "a.txt", "Smiling", 16)
    assert found.shape == (2, 3, 16, 16)
    assert (abs(found[:, 0, 8, 8].astype(int) - [200, 50]) <= 2).all()
    assert classes == ["Smiling", "not Smiling"]
    with pytest.raises(InputError, match="Bald, Smiling"):
        read_celeba(tmp_path / "c.zip", tmp_path / "a.txt", "Hat", 16)


def test_files_are_verified_and_handed_out_by_hand_where_they_must(tmp_path, monkeypatch):
    monkeypatch.setenv("MICRODSD_DATA", str(tmp_path))
    with pytest.raises(DataFileError, match="mmlab"):
        load_image_set("celeba")
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"other")
    with pytest.raises(DataFileError, match="not the published file"):
        load_image_set("mnist")
    with pytest.raises(InputError, match="digits, mnist"):
        image_set_info("faces")
