"""`microdsd baseline`: files that verify, and requests that are refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from microdsd import load_microstructures, save_microstructures
from microdsd.cli.app import app
from microdsd.microstructure import blobs, cut_windows

RUN = CliRunner()


@pytest.fixture
def scan(tmp_path):
    path = tmp_path / "scan.h5"
    save_microstructures(path, blobs((40, 40), fractions=(0.3, 0.7), scale=2, rng=0))
    return path


@pytest.mark.parametrize(
    "method", [["gaussian-field"], ["yeong-torquato", "--sweeps", "2"]], ids=lambda m: m[0]
)
def test_output_verifies(scan, tmp_path, method):
    out = tmp_path / "new.h5"
    words = ["baseline", str(scan), "--method", *method, "--shape", "16", "16", "-o", str(out)]
    done = RUN.invoke(
        app, [*words, "--fraction", "0=0.25", "-n", "2", "--windows", "9", "--seed", "1", "--json"]
    )
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary["method"] == method[0]
    assert summary["requested_counts"]["phase 0"] == [64, 64]
    assert load_microstructures(out).shape == (2, 16, 16)
    assert RUN.invoke(app, ["verify", str(out)]).exit_code == 0
    assert RUN.invoke(app, words).exit_code == 2


def test_windows_are_taken_as_they_are(scan, tmp_path):
    path, out = tmp_path / "windows.h5", tmp_path / "new.h5"
    save_microstructures(path, cut_windows(load_microstructures(scan), (12, 12), n=4, rng=0))
    words = ["baseline", str(path), "--method", "gaussian-field", "-o", str(out), "--json"]
    summary = json.loads(RUN.invoke(app, words).stdout)
    assert summary["reference"]["windows"] == 4
    assert summary["shape"] == [12, 12]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--method", "magic", "--shape", "16", "16"], "is not one of"),
        (["--method", "gaussian-field"], "--window or --shape"),
        (["--method", "gaussian-field", "--sweeps", "3", "--shape", "16", "16"], "yeong-torquato"),
    ],
)
def test_refusals(scan, tmp_path, options, told):
    done = RUN.invoke(app, ["baseline", str(scan), *options, "-o", str(tmp_path / "new.h5")])
    assert done.exit_code == 2
    assert told in done.stderr
    assert not (tmp_path / "new.h5").exists()


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, seed in (("top", 0), ("side", 1)):
        labels = blobs((48, 48), fractions=(0.3, 0.7), scale=1.5, rng=seed).values
        Image.fromarray(labels.astype(np.uint8) * 255).save(f"{name}.png")
    r = np.arange(16)
    rows = [f"{d},{0.04 + 0.16 * 0.5**d:.6f}" for d in r]
    Path("curve.csv").write_text("\n".join(["r,S2", *rows]))
    Path("metric.csv").write_text("\n".join(["r / um,S2", *rows]))
    return tmp_path


NAMED = ["--labels", "0=pore", "255=solid"]
CUBE = ["--shape", "10", "11", "12", "-o", "new.h5", "--json"]


@pytest.mark.parametrize(
    ("words", "symmetry"),
    [
        (["top.png", *NAMED], "isotropic"),
        (["z=top.png", "y=side.png", *NAMED], "none"),
        (["y=side.png", *NAMED, "--symmetry", "transverse"], "transverse"),
        (["top.png", *NAMED, "--method", "yeong-torquato", "--sweeps", "1"], "isotropic"),
    ],
)
def test_volumes_from_pictures(pictures, words, symmetry):
    done = RUN.invoke(app, ["baseline", *words, "--window", "12", "--fraction", "pore=0.25", *CUBE])
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary["requested_counts"]["pore"] == [330]
    assert summary["reference"]["symmetry"] == symmetry
    assert load_microstructures("new.h5").shape[-3:] == (10, 11, 12)
    assert RUN.invoke(app, ["verify", "new.h5"]).exit_code == 0


@pytest.mark.parametrize(
    ("words", "shape", "names"),
    [
        (["--s2", "curve.csv", "--fraction", "pore=0.2"], (12, 12, 12), ["pore", "not pore"]),
        (["--s2", "curve.csv", "--fraction", "0.2"], (12, 12, 12), ["phase 0", "phase 1"]),
        (["--s2", "curve.csv"], (16, 20), ["phase 0", "phase 1"]),
        (
            ["--s2", "metric.csv", "--voxel-size", "500nm", *NAMED, "--fraction", "solid=0.8"],
            (12, 12, 12),
            ["pore", "solid"],
        ),
    ],
)
def test_samples_from_a_curve(pictures, words, shape, names):
    sides = ["--shape", *map(str, shape)]
    done = RUN.invoke(app, ["baseline", *words, *sides, "-o", "new.h5", "--json"])
    assert done.exit_code == 0, done.output
    counts = json.loads(done.stdout)["requested_counts"]
    assert list(counts) == names
    assert counts[names[0]] == [round(0.2 * np.prod(shape))]
    assert load_microstructures("new.h5").shape[-len(shape) :] == shape


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "or a curve with --s2"),
        (["top.png", "--s2", "curve.csv"], "and not both"),
        (["top.png", *NAMED, "--tolerance", "0.1"], "is for --s2"),
        (["top.png", "side.png", *NAMED], "one picture for each direction"),
        (["z=top.png", *NAMED], "two directions of three"),
        (["top.png", *NAMED, "--symmetry", "transverse"], "nothing of z"),
        (["--s2", "curve.csv", "--fraction", "pore=0.3"], "S2(0) = 0.2"),
        (["--s2", "curve.csv", "--region", "z=0:4"], "leave them out with --s2"),
        (["--s2", "metric.csv"], "--voxel-size"),
        (["--s2", "none.csv"], "there is no such file"),
    ],
)
def test_what_pictures_and_curves_cannot_give(pictures, words, told):
    done = RUN.invoke(app, ["baseline", *words, *CUBE])
    assert done.exit_code == 2
    assert told in done.stderr
    assert not Path("new.h5").exists()
