"""Files of other formats on the command line: every verb reads them, and says what it used."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
import tifffile
from PIL import Image
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import load_microstructures, save_tiff
from microdsd.microstructure import as_microstructure, phases_of, voxel_size_of

LABELS = (np.random.default_rng(0).random((8, 9, 10)) < 0.4).astype(np.uint8)
NAMED = as_microstructure(LABELS, phases={0: "pore", 1: "grain"}, voxel_size=2e-6)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def said(*words):
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*words):
    result = run(*words)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture(params=["a.tif", "a.nrrd"])
def file(request, place):
    if request.param == "a.tif":
        save_tiff(request.param, NAMED)
    else:
        image = sitk.GetImageFromArray(LABELS)
        image.SetSpacing((2.0,) * 3)
        sitk.WriteImage(image, request.param)
        head, data = (place / request.param).read_bytes().split(b"\n\n", 1)
        said_beside = b'\nspace units: "um" "um" "um"\nphases:={"0": "pore", "1": "grain"}\n\n'
        (place / request.param).write_bytes(head + said_beside + data)
    return request.param


def test_import_says_where_the_voxel_size_is_from(file):
    text = said("import", file, "-o", "out.h5")
    assert "voxel size 2e-06 x 2e-06 x 2e-06 m" in text
    assert "voxel size from the file" in text
    ms = load_microstructures("out.h5")
    np.testing.assert_array_equal(ms, LABELS)
    assert phases_of(ms) == {0: "pore", 1: "grain"}
    assert voxel_size_of(ms) == voxel_size_of(NAMED)
    text = said("import", file, "-o", "b.h5", "--voxel-size", "3e-6", "--labels", "0=a", "1=b")
    assert "from the file" not in text
    assert voxel_size_of(load_microstructures("b.h5")).size == (3e-6,) * 3
    assert phases_of(load_microstructures("b.h5")) == {0: "a", 1: "b"}


def test_verbs_read_other_formats(file):
    (shown,) = json.loads(said("info", file, "--json"))
    assert shown["shape"] == [8, 9, 10]
    assert shown["voxel_size"] == [2e-6] * 3
    assert shown["phases"] == {"0": "pore", "1": "grain"}
    assert "0 = pore" in said("verify", file)
    described = said("describe", file)
    assert "pore" in described
    assert "1/m" in described
    assert "grain, z" in said("transport", file, "--phase", "grain", "--axis", "z")


def test_what_is_not_used_is_said(place):
    Image.fromarray(LABELS[0]).save("a.png")
    Image.fromarray(LABELS[0]).save("a.tif", dpi=(300, 300))
    assert "stated, not used" in said("info", "a.tif")
    text = said("import", "a.tif", "-o", "out.h5")
    assert "stated, not used" in text
    assert "from the file" not in text
    notes = json.loads(said("import", "a.tif", "-o", "out.h5", "--force", "--json"))["notes"]
    assert "stated, not used" in notes[0]
    assert json.loads(said("import", "a.png", "-o", "b.h5", "--json"))["notes"] == []


def test_grey_values_are_shown_and_not_imported(place):
    grey = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    tifffile.imwrite("grey.tif", grey)
    assert "greyscale or grain numbers, not phases" in said("info", "grey.tif")
    tifffile.imwrite("real.tif", grey * np.float32(0.5))
    assert "float32" in said("info", "real.tif")
    assert "threshold_otsu" in refused("import", "grey.tif", "-o", "out.h5")


def test_one_of_several_and_other_axes(place):
    with tifffile.TiffWriter("a.tif") as out:
        out.write(LABELS[0, :4, :4])
        out.write(LABELS)
    assert "a.tif:/1" in refused("import", "a.tif", "-o", "out.h5")
    said("import", "a.tif:/1", "-o", "out.h5")
    np.testing.assert_array_equal(load_microstructures("out.h5"), LABELS)
    tifffile.imwrite("t.tif", LABELS, imagej=True, metadata={"axes": "TYX"})
    assert "--stack" in refused("import", "t.tif", "-o", "t.h5")
    said("import", "t.tif", "-o", "t.h5", "--axis-order", "zyx")
    assert load_microstructures("t.h5").dims == ("z", "y", "x")
    said("import", "t.tif", "-o", "t.h5", "--stack", "--force")
    assert load_microstructures("t.h5").dims == ("sample", "y", "x")


def test_slices_and_the_limit_on_the_ratio(place, monkeypatch):
    (place / "slices").mkdir()
    for number, page in enumerate(LABELS):
        Image.fromarray(page).save(place / "slices" / f"s{number + 5}.png")
    said("import", "slices", "-o", "out.h5")
    np.testing.assert_array_equal(load_microstructures("out.h5"), LABELS)
    said("import", "slices/s*.png", "-o", "b.h5")
    np.testing.assert_array_equal(load_microstructures("b.h5"), LABELS)
    monkeypatch.setattr("microdsd.io.expansion.HARMLESS_BYTES", 1 << 16)
    zeros = np.zeros((64, 64, 64), np.uint8)
    tifffile.imwrite("z.tif", zeros, compression="zlib", rowsperstrip=64, photometric="minisblack")
    message = refused("import", "z.tif", "-o", "z.h5", "--max-ratio", "10")
    ratio = message.split("--max-ratio ")[1].strip()
    said("import", "z.tif", "-o", "z.h5", "--max-ratio", ratio)


@pytest.mark.parametrize("verb", ["import", "info", "describe", "verify"])
def test_what_is_not_read_is_told_what_is(place, verb):
    (place / "a.am").write_bytes(b"# Avizo BINARY-LITTLE-ENDIAN 2.1")
    result = run(verb, "a.am", *(["-o", "out.h5"] if verb == "import" else []))
    assert result.exit_code == 2
    message = result.stderr.splitlines()[-1]
    assert "NRRD" in message
    assert "no maintained reader" in message
