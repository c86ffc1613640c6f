import damage
import h5py
import numpy as np
import pytest

from microdsd.errors import DataFileError
from microdsd.io import list_microstructures, load_microstructures, save_microstructures
from microdsd.microstructure import as_microstructure


@pytest.fixture(scope="module")
def outcomes():
    return damage.run(160, seed=7)


def test_damage_ends_in_an_error_of_ours(outcomes):
    """The seed is fixed; thousands of others were run by hand (see `damage`)."""
    known = {"refused", "same", "other"}
    found = {name: set(counts) - known for name, counts in outcomes.items()}
    assert found == {name: set() for name in outcomes}
    assert all(counts["refused"] > 2 for counts in outcomes.values())


def test_our_own_files_never_read_as_something_else(outcomes):
    """Labels, coordinates, names and the structure of the file all have checksums."""
    for name in ("native.h5", "native-stack.h5"):
        assert outcomes[name]["other"] == 0, name


@pytest.mark.parametrize("what", ["labels", "x"])
def test_every_byte_of_the_values_is_checked(tmp_path, what):
    path = tmp_path / "a.h5"
    save_microstructures(path, as_microstructure(damage.V, voxel_size=1e-6))
    with h5py.File(path) as file:
        chunk = file[f"microstructures/{what}"].id.get_chunk_info(0)
    data = path.read_bytes()
    for at in range(chunk.byte_offset, chunk.byte_offset + chunk.size):
        changed = bytearray(data)
        changed[at] ^= 4
        path.write_bytes(changed)
        with pytest.raises(DataFileError, match="damaged"):
            load_microstructures(path)


def test_heap_through_which_hdf5_would_walk_for_ever(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["labels"] = damage.V
        file["labels"].attrs["text"] = "abc"
    data = bytearray(path.read_bytes())
    heap = data.index(b"GCOL")
    data[heap + 16 :] = bytes(len(data) - heap - 16)
    path.write_bytes(data)
    with pytest.raises(DataFileError, match="heap of texts"):
        load_microstructures(path)


def test_sizes_beyond_all_memory(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("labels", (1 << 20, 1 << 20, 1 << 10), "u1", chunks=(64, 64, 64))
        file["labels"][0, 0, 0] = 1
    with pytest.raises(DataFileError, match="never written"):
        load_microstructures(path)
    with pytest.raises(DataFileError, match=r"does not fit into the memory.*--region"):
        load_microstructures(path, fill_unwritten=True)


def test_one_damaged_array_hides_no_other(tmp_path):
    path = tmp_path / "a.h5"
    noise = np.random.default_rng(0).integers(0, 3, (32, 32, 32)).astype(np.uint8)
    with h5py.File(path, "w") as file:
        for name in ("bad", "good"):
            file.create_dataset(name, data=noise, chunks=noise.shape, compression="gzip")
        chunk = file["bad"].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset + 100 : chunk.byte_offset + 300] = bytes(200)
    path.write_bytes(data)
    bad, good = list_microstructures(path)
    assert "damaged" in bad.problem
    assert good.problem == ""
    np.testing.assert_allclose(good.fractions, [np.mean(noise == label) for label in range(3)])
    np.testing.assert_array_equal(load_microstructures(f"{path}:/good"), noise)


def test_damaged_header_of_one_sample_is_no_smaller_ensemble(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(3):
            file[f"s{number}"] = damage.V
        header = h5py.h5o.get_info(file["s1"].id).addr
    data = bytearray(path.read_bytes())
    data[header : header + 4] = bytes(4)
    path.write_bytes(data)
    for spec in (path, f"{path}:/s*"):
        with pytest.raises(DataFileError, match="s1 cannot be read"):
            load_microstructures(spec)
    np.testing.assert_array_equal(load_microstructures(f"{path}:/s2"), damage.V)
    problems = {info.path: bool(info.problem) for info in list_microstructures(path)}
    assert problems == {"/s*": False, "/s1": True}
