"""Files that do not fit the memory are refused by the shape in them, with what to do instead."""

import re
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from microdsd import device
from microdsd.cli.app import app
from microdsd.io import label_source, save_microstructures, stored
from microdsd.microstructure import as_microstructure

SHAPE = (2, 40, 30, 30)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    labels = np.random.default_rng(0).integers(0, 2, SHAPE).astype(np.uint8)
    ms = as_microstructure(labels, phases={0: "pore", 1: "solid"}, ensemble=True)
    save_microstructures("big.h5", ms)
    np.save("big.npy", labels[0])
    return tmp_path


@pytest.fixture
def small_machine(monkeypatch):
    monkeypatch.setattr(device, "available_memory", lambda device=None: 100_000)


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words):
    result = run(*words)
    assert result.exit_code == 2, result.stderr
    return " ".join(result.stderr.split())


@pytest.mark.usefixtures("small_machine")
@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["describe", "big.h5", "-o", "new.nc"], "--parts 128"),
        (["export", "big.h5", "-o", "new.tif"], "--region z=0:27"),
        (["evaluate", "big.h5", "--reference", "big.h5"], "--parts 128"),
    ],
)
def test_a_file_is_refused_before_it_is_read(folder, monkeypatch, words, remedy):
    def read(*_):
        raise AssertionError("labels were read")

    for place in (stored.StoredLabels, label_source.LabelSource):
        monkeypatch.setattr(place, "read", read)
    told = refused(*words)
    assert re.search(r"big\.h5: .*40 x 30 x 30 voxels take about .* are free", told)
    assert remedy in told
    assert not list(folder.glob("new*"))


@pytest.mark.usefixtures("folder", "small_machine")
def test_a_part_that_is_proposed_fits():
    part = re.search(r"--region (z=\d+:\d+)", refused("describe", "big.h5", "--region", "z=3:30"))
    assert part[1] == "z=3:5"
    words = ["--descriptor", "fractions"]
    assert run("describe", "big.h5", "--region", part[1], *words).exit_code == 0
    assert run("describe", "big.h5", "--parts", 10, *words).exit_code == 0
    part = re.search(r"`(microdsd import [^`]*)`", refused("export", "big.h5", "-o", "new.npy"))
    assert run(*part[1].split()[1:]).exit_code == 0
    assert run("export", "part.h5", "-o", "new.npy").exit_code == 0


@pytest.mark.usefixtures("folder", "small_machine")
def test_what_is_asked_for_decides():
    """Without Fourier transforms less is taken, and files that are read whole are asked, too."""
    some = ["--region", "z=0:7"]
    assert run("describe", "big.h5", *some, "--descriptor", "surface").exit_code == 0
    assert "--parts 128" in refused("describe", "big.h5", *some, "--descriptor", "two_point")
    assert "--parts 128" in refused("describe", "big.npy")
    reference = ["--reference", "big.h5", "--reference-region", "z=0:30"]
    assert run("import", "big.h5", "--region", "z=0:2", "-o", "two.h5").exit_code == 0
    assert "--reference-region z=0:27" in refused("evaluate", "two.h5", *reference)


@pytest.mark.usefixtures("folder")
def test_torch_is_not_loaded_to_ask_for_the_memory():
    code = (
        "import sys; from microdsd.cli.memory import HELD, require_memory\n"
        "require_memory('big.h5', HELD, ''); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "False\n"
