import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import load_microstructures, output_lock
from microdsd.microstructure import coarsen, phases_of, provenance_of, voxel_size_of

STORED = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), size=(8, 10, 12))
LABELS = STORED // 255


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["import", *map(str, words)])


def imported(*words, spec="out.h5"):
    result = run(*words, "-o", "out.h5")
    assert result.exit_code == 0, result.output
    return load_microstructures(spec)


def refused(*words, code=2):
    result = run(*words, "-o", "out.h5")
    assert result.exit_code == code
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_tiff_with_names_and_voxel_size(place):
    tifffile.imwrite("rock.tif", STORED)
    ms = imported("rock.tif", "--labels", "0=pore", "255=solid", "--voxel-size", "3e-6")
    np.testing.assert_array_equal(ms, LABELS)
    assert phases_of(ms) == {0: "pore", 1: "solid"}
    assert voxel_size_of(ms).size == (3e-6,) * 3
    assert provenance_of(ms)["source"] == "rock.tif"


def test_values_of_one_name_become_one_phase(place):
    np.save("a.npy", np.array([[0, 3, 7]] * 2))
    ms = imported("a.npy", "--label", "0=solid", "--label", "3=pore", "--label", "7=solid")
    np.testing.assert_array_equal(ms, [[0, 1, 0]] * 2)
    assert phases_of(ms) == {0: "solid", 1: "pore"}


def test_raw_with_axis_order_and_three_voxel_sizes(place):
    STORED.astype(">u2").transpose(2, 1, 0).tofile("rock.raw")
    ms = imported(
        "rock.raw", "--shape", 12, 10, 8, "--dtype", ">u2", "--axis-order", "xyz",
        "--voxel-size", 3e-6, 2e-6, 1e-6, "--label", "0=pore", "255=solid",
    )  # fmt: skip
    np.testing.assert_array_equal(ms, LABELS)
    assert voxel_size_of(ms).size == (3e-6, 2e-6, 1e-6)


def test_png_and_unnamed_labels(place):
    Image.fromarray(STORED[0]).save("slice.png")
    ms = imported("slice.png")
    np.testing.assert_array_equal(ms, STORED[0])
    assert phases_of(ms) == {0: "phase 0", 255: "phase 255"}


def test_stack_of_images(place):
    tifffile.imwrite("stack.tif", STORED)
    assert imported("stack.tif", "--stack").dims == ("sample", "y", "x")


def test_crop_leaves_a_banner_behind(place):
    labels = LABELS.astype(np.int64)
    labels[:, 8:] = -1
    np.save("a.npy", labels)
    assert "lowest is -1" in refused("a.npy")
    ms = imported("a.npy", "--region", "y=0:8", "x=2:")
    np.testing.assert_array_equal(ms, LABELS[:, :8, 2:])


def test_coarsen(place):
    np.save("a.npy", LABELS)
    ms = imported("a.npy", "--coarsen", 2, "--voxel-size", 1e-6)
    np.testing.assert_array_equal(ms, coarsen(LABELS, 2))
    assert voxel_size_of(ms).size == pytest.approx((2e-6,) * 3)


def test_foreign_hdf5_into_a_named_group(place):
    with h5py.File("in.h5", "w") as file:
        file["a/b"] = STORED
    ms = imported("in.h5:/a/b", "--group", "rock", "--label", "0=pore", "255=solid",
                  spec="out.h5:/rock")  # fmt: skip
    np.testing.assert_array_equal(ms, LABELS)


def test_data_set_by_name(place):
    ms = imported("dataset:synthetic_blobs", "--region", "z=0:16")
    assert ms.shape == (16, 64, 64)
    assert phases_of(ms) == {0: "pore", 1: "solid"}
    assert voxel_size_of(ms).unit == "m"


def test_json_is_all_there_is_on_stdout(place):
    np.save("a.npy", LABELS)
    result = run("a.npy", "-o", "out.h5", "--json")
    document = json.loads(result.stdout)
    assert document["shape"] == [8, 10, 12]
    assert sum(phase["fraction"] for phase in document["phases"]) == pytest.approx(1)


def test_nothing_is_overwritten_unasked(place):
    np.save("a.npy", LABELS)
    imported("a.npy")
    before = (place / "out.h5").read_bytes()
    assert "--force" in refused("a.npy", "--coarsen", 2)
    assert (place / "out.h5").read_bytes() == before
    assert imported("a.npy", "--coarsen", 2, "--force").shape == (4, 5, 6)


@pytest.mark.parametrize(
    "image",
    [
        np.random.default_rng(0).random((8, 8)).astype(np.float32),
        np.random.default_rng(0).integers(0, 60000, (64, 64)).astype(np.uint16),
        np.full((8, 8), np.nan, np.float32),
    ],
)
def test_grey_values_are_not_guessed(place, image):
    tifffile.imwrite("grey.tif", image)
    assert "threshold_otsu" in refused("grey.tif")
    assert not (place / "out.h5").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gone.tif"], "no such file"),
        (["gone.h5"], "no such file"),
        (["dataset:granite"], "granite"),
        (["a.npy", "--label", "0=pore"], "also holds labels 1"),
        (["a.npy", "--label", "0"], "expected name=value"),
        (["a.npy", "--label", "x=pore"], "whole number"),
        (["a.npy", "--label", "0=a", "0=b"], "given twice"),
        (["a.npy", "--region", "q=0:2"], "no axis"),
        (["a.npy", "--region", "z=0:99"], "inside 0..8"),
        (["a.npy", "--region", "z=3"], "start:stop"),
        (["a.npy", "--voxel-size", "-1"], "positive"),
        (["a.npy", "--voxel-size", "1um", "2um"], "one for each"),
        (["a.npy", "--voxel-size", "0.398"], "'0.398um'"),
        (["a.npy", "--voxel-size", "3parsec"], "is not known"),
        (["a.npy", "--axis-order", "abc"], "letters zyx"),
        (["a.npy", "--coarsen", "9"], "factor"),
        (["a.raw"], "needs shape and dtype"),
        (["a.raw", "--shape", "3", "3", "--dtype", "uint8"], "needs 9"),
        (["a.raw", "--shape", "2", "2", "--dtype", "real"], "not known"),
        (["in.h5", "--axis-order", "zyx"], "no such file"),
        (["bad.tif"], "cannot be read as TIFF"),
        (["a.npy", "--group", "/"], "group"),
    ],
)
def test_bad_input(place, words, message):
    np.save("a.npy", LABELS)
    (place / "a.raw").write_bytes(b"0123")
    (place / "bad.tif").write_bytes(b"II*\0 no")
    assert message in refused(*words)
    assert not (place / "out.h5").exists()


def test_what_is_read_is_never_replaced(place):
    """By no other name of the file either."""
    np.save("rock.npy", LABELS)
    Path("rock.npy").rename("out.h5")
    Path("link.npy").symlink_to("out.h5")
    before = Path("out.h5").read_bytes()
    assert "is read by this very command" in refused("out.h5", "--force")
    assert "is read by this very command" in refused("link.npy", "--force")
    assert Path("out.h5").read_bytes() == before


def test_one_process_writes_a_file(place):
    np.save("rock.npy", LABELS)
    with output_lock("out.h5"):
        assert "out.h5: process" in refused("rock.npy")


def test_a_phase_needs_a_name_that_can_be_seen(place):
    np.save("a.npy", np.eye(4, dtype=np.uint8))
    result = run("a.npy", "--labels=0=  ", "--labels=1=solid", "-o", "a.h5")
    assert result.exit_code == 2
    assert "labels: 0 has no name; write 0=NAME" in result.stderr


def test_usage_errors_show_what_a_terminal_would_act_upon(place):
    result = run("a.npy", "--stack\u202e")
    assert result.exit_code == 2
    assert "\u202e" not in result.output + result.stderr
    assert "\\u202e" in result.output + result.stderr
