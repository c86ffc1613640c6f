"""Datasets of which HDF5 would make up a part in silence are refused."""

import sys

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.errors import DataFileError
from microdsd.io import (
    links_to_other_files,
    list_microstructures,
    load_images,
    load_microstructures,
    open_labels,
    read_sample,
)
from microdsd.io.storage import check_storage

V = np.zeros((4, 6, 5), np.uint8)
V[1:3, 2:4] = 1
V[0, 0, 0] = 1


def virtual(path, source, dataset="s", shape=V.shape):
    with h5py.File(path, "a") as file:
        layout = h5py.VirtualLayout(shape, V.dtype)
        layout[:] = h5py.VirtualSource(source, dataset, shape)
        file.create_virtual_dataset("labels", layout)
    return path


def plain(path, dataset="s", values=V):
    path.parent.mkdir(exist_ok=True, parents=True)
    with h5py.File(path, "a") as file:
        file[dataset] = values
    return path


def assert_refused(path, match, **options):
    for read in (load_microstructures, open_labels):
        with pytest.raises(DataFileError, match=match):
            read(path, **options)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """The working folder is none that any file names."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


def test_virtual_dataset_whose_source_is_gone(tmp_path):
    path = virtual(tmp_path / "v.h5", "gone.h5")
    assert_refused(path, r"v\.h5:/labels.*sources are missing: gone\.h5")
    with pytest.raises(DataFileError, match="gone"):
        read_sample(path)
    (info,) = list_microstructures(path)
    assert "gone.h5" in info.problem
    assert info.labels == ()


def test_virtual_dataset_with_all_its_sources(tmp_path):
    plain(tmp_path / "raw" / "a.h5", values=V[:2])
    plain(tmp_path / "raw" / "b.h5", values=V[2:])
    with h5py.File(tmp_path / "v.h5", "w") as file:
        layout = h5py.VirtualLayout(V.shape, V.dtype)
        layout[:2] = h5py.VirtualSource("raw/a.h5", "s", (2, 6, 5))
        layout[2:] = h5py.VirtualSource("raw/b.h5", "s", (2, 6, 5))
        file.create_virtual_dataset("labels", layout)
    np.testing.assert_array_equal(load_microstructures(tmp_path / "v.h5"), V)
    (tmp_path / "raw" / "b.h5").unlink()
    assert_refused(tmp_path / "v.h5", r"missing: raw/b\.h5")


def test_source_of_the_same_name_in_the_working_folder_is_another_one(tmp_path):
    """HDF5 would take it."""
    path = virtual(tmp_path / "v.h5", "s.h5")
    plain(tmp_path / "elsewhere" / "s.h5", values=1 - V)
    assert_refused(path, r"missing: s\.h5")


@pytest.mark.parametrize("inner", ["other", "deep/s"])
def test_source_file_without_the_dataset(tmp_path, inner):
    plain(tmp_path / "s.h5")
    assert_refused(virtual(tmp_path / "v.h5", "s.h5", inner), rf"missing: s\.h5:/{inner}")


def test_source_dataset_that_has_shrunk(tmp_path):
    plain(tmp_path / "s.h5", values=V[:3])
    assert_refused(virtual(tmp_path / "v.h5", "s.h5"), r"shape \(3, 6, 5\), smaller")


def test_source_that_is_no_hdf5_file(tmp_path):
    (tmp_path / "s.h5").write_text("no")
    assert_refused(virtual(tmp_path / "v.h5", "s.h5"), r"s\.h5: cannot be opened as HDF5")


def test_virtual_datasets_of_virtual_datasets(tmp_path):
    plain(tmp_path / "s.h5")
    virtual(tmp_path / "middle.h5", "s.h5")
    path = virtual(tmp_path / "v.h5", "middle.h5", "labels")
    np.testing.assert_array_equal(load_microstructures(path), V)
    (tmp_path / "s.h5").unlink()
    assert_refused(path, r"middle\.h5:/labels.*missing: s\.h5")


def test_virtual_dataset_of_itself(tmp_path):
    assert_refused(virtual(tmp_path / "v.h5", ".", "labels"), "source is itself")


def test_virtual_dataset_within_one_file(tmp_path):
    path = plain(tmp_path / "v.h5", "parts/0")
    virtual(path, ".", "parts/0")
    np.testing.assert_array_equal(load_microstructures(f"{path}:/labels"), V)


def test_voxels_without_a_source(tmp_path):
    plain(tmp_path / "s.h5", values=V[:3])
    with h5py.File(tmp_path / "v.h5", "w") as file:
        layout = h5py.VirtualLayout(V.shape, V.dtype)
        layout[:3] = h5py.VirtualSource("s.h5", "s", (3, 6, 5))
        file.create_virtual_dataset("labels", layout, fillvalue=7)
    assert_refused(tmp_path / "v.h5", r"30 of 120 voxels.*would read as 7.*fill_unwritten")
    filled = load_microstructures(tmp_path / "v.h5", fill_unwritten=True)
    assert (filled[3] == 7).all()


def numbered(path, files="s_%b.h5", dataset="s"):
    """A virtual dataset of as many layers as there are sources, by ``%b`` in their names."""
    with h5py.File(path, "a") as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        space = h5py.h5s.create_simple((4, 6, 5), (h5py.h5s.UNLIMITED, 6, 5))
        space.select_hyperslab((0, 0, 0), (h5py.h5s.UNLIMITED, 1, 1), (1, 1, 1), (1, 6, 5))
        source = h5py.h5s.create_simple((1, 6, 5))
        plan.set_virtual(space, files.encode(), dataset.encode(), source)
        whole = h5py.h5s.create_simple((4, 6, 5), (h5py.h5s.UNLIMITED, 6, 5))
        h5py.h5d.create(file.id, b"labels", h5py.h5t.NATIVE_UINT8, whole, plan)
    return path


def test_numbered_sources(tmp_path):
    for number in range(4):
        plain(tmp_path / f"s_{number}.h5", values=V[number : number + 1])
    path = numbered(tmp_path / "v.h5")
    np.testing.assert_array_equal(load_microstructures(path), V)
    (tmp_path / "s_2.h5").unlink()
    # HDF5 would say that there are two layers.
    assert_refused(path, r"missing: s_2\.h5")


def test_numbered_datasets_in_one_source(tmp_path):
    for number in (0, 1, 3):
        plain(tmp_path / "s.h5", f"layer{number}", V[number : number + 1])
    path = numbered(tmp_path / "v.h5", "s.h5", "layer%b")
    assert_refused(path, r"missing: s\.h5:/layer2")


def test_no_numbered_source_at_all(tmp_path):
    with pytest.raises(DataFileError, match=r"missing: s_0\.h5|no integer array"):
        load_microstructures(numbered(tmp_path / "v.h5"))


def test_sources_outside_the_folder_on_request(tmp_path):
    plain(tmp_path / "other" / "s.h5")
    (tmp_path / "here").mkdir()
    path = virtual(tmp_path / "here" / "v.h5", "../other/s.h5")
    assert_refused(path, r"outside its folder, .*other/s\.h5.*external=True")
    np.testing.assert_array_equal(load_microstructures(path, external=True), V)


def test_external_link(tmp_path):
    plain(tmp_path / "s.h5")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/labels"] = h5py.ExternalLink("s.h5", "/s")
        file["soft"] = h5py.SoftLink("/group/labels")
    path = tmp_path / "a.h5"
    assert_refused(path, r"/group/labels to s\.h5:/s.*external=True.*--external")
    for inner in ("/group/labels", "/soft"):
        assert_refused(f"{path}:{inner}", r"link to the other file s\.h5")
        np.testing.assert_array_equal(load_microstructures(f"{path}:{inner}", external=True), V)
    np.testing.assert_array_equal(load_microstructures(path, external=True), V)
    assert links_to_other_files(path)["/group/labels"] == "s.h5:/s"
    assert list_microstructures(path) == []
    (tmp_path / "s.h5").unlink()
    assert_refused(f"{path}:/group/labels", r"link to s\.h5.*missing", external=True)


def test_virtual_dataset_behind_an_external_link(tmp_path):
    virtual(tmp_path / "v.h5", "gone.h5")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["labels"] = h5py.ExternalLink("v.h5", "/labels")
    assert_refused(tmp_path / "a.h5", r"missing: gone\.h5", external=True)


@pytest.fixture
def raw(tmp_path):
    """An HDF5 file whose values lie in a raw file, after a header of 16 bytes."""
    (tmp_path / "secret.raw").write_bytes(bytes(16) + V.tobytes())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset(
            "labels", V.shape, V.dtype, external=[(str(tmp_path / "secret.raw"), 16, V.size)]
        )
    return tmp_path / "a.h5"


def test_raw_storage(tmp_path, raw):
    assert_refused(raw, r"values in the other file .*secret\.raw.*external=True")
    np.testing.assert_array_equal(load_microstructures(raw, external=True), V)
    assert "secret.raw" in list_microstructures(raw)[0].problem


def test_raw_storage_that_is_short_or_gone(tmp_path, raw):
    whole = (tmp_path / "secret.raw").read_bytes()
    (tmp_path / "secret.raw").write_bytes(whole[:-1])
    assert_refused(raw, r"has 135 of the 136 bytes", external=True)
    (tmp_path / "secret.raw").unlink()
    assert_refused(raw, r"secret\.raw, which is missing", external=True)


def test_chunks_that_were_never_written(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset("labels", V.shape, V.dtype, chunks=(1, 6, 5), fillvalue=3)
        stored[:3] = V[:3]
    path = tmp_path / "a.h5"
    assert_refused(path, r"1 of its 4 chunks were never written and would read as 3")
    assert "never written" in list_microstructures(path)[0].problem
    filled = load_microstructures(path, fill_unwritten=True)
    assert (filled[3] == 3).all()
    with open_labels(path, fill_unwritten=True) as labels:
        assert labels.counts()[3] == 30


def test_images_whose_chunks_were_never_written(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset("images/intensity", (4, 8, 8), "u1", chunks=(1, 8, 8))
        stored.attrs["levels"] = 2
        stored[:2] = 1
    with pytest.raises(DataFileError, match="2 of its 4 chunks"):
        load_images(tmp_path / "a.h5")


@pytest.mark.parametrize("chunks", [None, (2, 3, 5)])
def test_array_that_was_never_written(tmp_path, chunks):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("labels", V.shape, V.dtype, chunks=chunks)
    assert_refused(tmp_path / "a.h5", "never written")


def test_one_sample_that_was_never_written(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["s0"] = V
        file.create_dataset("s1", V.shape, V.dtype)
    assert_refused(f"{tmp_path / 'a.h5'}:/s*", "/s1: was created and never written")


def test_missing_filter_is_named_and_hides_no_other_array(tmp_path, monkeypatch):
    hdf5plugin = pytest.importorskip("hdf5plugin")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["good"] = V
        large = np.tile(V, (8, 8, 8))
        file.create_dataset("packed", data=large, chunks=large.shape, **hdf5plugin.Zstd())
    np.testing.assert_array_equal(load_microstructures(f"{path}:/packed"), large)
    available = h5py.h5z.filter_avail
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: code != 32015 and available(code))
    assert_refused(f"{path}:/packed", r"filter Zstandard \(number 32015\).*not damaged.*hdf5plugin")
    good, packed = list_microstructures(path)
    assert good.labels == (0, 1)
    assert good.problem == ""
    assert "hdf5plugin" in packed.problem


def test_filter_that_no_chunk_needed(tmp_path, monkeypatch):
    """A filter that is optional, and was skipped when the chunk was written, is not missed."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("labels", V.shape, V.dtype, chunks=V.shape, compression="lzf")
        stored.id.write_direct_chunk((0, 0, 0), V.tobytes(), filter_mask=1)
    available = h5py.h5z.filter_avail
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: code != 32000 and available(code))
    with h5py.File(path) as file:
        check_storage(file["labels"])


def test_file_that_is_locked(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["labels"] = V
        code = f"from microdsd.io import load_microstructures as f; f({str(path)!r})"
        import subprocess

        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = result.stderr.strip().splitlines()[-1]
    assert "is locked, another program has it open" in last
    assert "damaged" not in last


def test_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = plain(tmp_path / "a.h5")
    monkeypatch.setattr("microdsd.io.hdf5_access.os.access", lambda *_: False)
    assert_refused(path, "may not be read by this user")


def test_classic_netcdf_and_empty_file(tmp_path):
    (tmp_path / "old.nc").write_bytes(b"CDF\x01" + bytes(100))
    assert_refused(tmp_path / "old.nc", r"netCDF-3.*nccopy -k nc4")
    (tmp_path / "empty.h5").touch()
    assert_refused(tmp_path / "empty.h5", "it is empty")


def test_import_and_info_on_request(tmp_path, raw):
    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    refused = run("import", raw, "-o", "out.h5")
    assert refused.exit_code == 2
    assert "secret.raw" in refused.stderr
    assert "--external" in refused.stderr
    assert run("import", raw, "-o", "out.h5", "--external").exit_code == 0
    np.testing.assert_array_equal(load_microstructures("out.h5"), V)
    shown = run("info", raw)
    assert "cannot be read" in shown.stdout
    assert "label 1" in run("info", raw, "--external").stdout
    with h5py.File("links.h5", "w") as file:
        file["labels"] = V
        file["lost"] = h5py.ExternalLink("gone.h5", "/x")
    shown = run("info", "links.h5")
    assert "not followed: /lost, a link to gone.h5:/x" in shown.stderr
    assert "label 1" in shown.stdout
