"""`microdsd baseline`: files that verify, and requests that are refused."""

import json

import pytest
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
