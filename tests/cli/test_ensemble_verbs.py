"""describe and transport over ensembles: interrupted, resumed, with samples that fail."""

import dataclasses
import json

import h5py
import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import save_microstructures
from microdsd.metrics import registry
from microdsd.microstructure import as_microstructure


@pytest.fixture
def stack(tmp_path):
    labels = np.random.default_rng(0).integers(0, 2, (4, 12, 12))
    save_microstructures(
        tmp_path / "stack.h5",
        as_microstructure(labels, phases={0: "pore", 1: "solid"}, ensemble=True),
    )
    return tmp_path / "stack.h5"


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_ctrl_c_says_how_to_go_on(stack, tmp_path, monkeypatch):
    output = tmp_path / "out.nc"
    words = ["describe", stack, "--descriptor", "fractions", "-o", output]
    measured = []

    def pressed_at_the_third(of):
        measured.append(of.ensemble.sample.item())
        if measured == [0, 1, 2]:
            raise KeyboardInterrupt
        return fractions(of)

    group = registry.groups()["fractions"]
    fractions = group.measure
    pressed = dataclasses.replace(group, measure=pressed_at_the_third)
    monkeypatch.setitem(registry._groups, "fractions", pressed)
    stopped = run(*words)
    assert stopped.exit_code == 130
    assert "stopped after 2 of 4 samples; the same command with --resume goes on" in stopped.stderr
    assert not output.exists()
    refused = run(*words)
    assert refused.exit_code == 2
    assert "--resume" in refused.stderr
    assert run(*words, "--resume").exit_code == 0
    assert measured == [0, 1, 2, 2, 3]
    with xr.open_dataset(output, engine="h5netcdf") as found:
        assert found.sizes["sample"] == 4


@pytest.mark.parametrize("verb", ["describe", "transport"])
def test_a_bad_sample_is_named_and_the_others_kept(stack, tmp_path, verb):
    with h5py.File(stack, "r+") as opened:
        opened["microstructures/labels"][1, 3, 3] = 9
    output = tmp_path / "out.nc"
    options = ["--descriptor", "surface"] if verb == "describe" else ["--axis", "x"]
    result = run(verb, stack, *options, "-o", output, "--json")
    assert result.exit_code == 2
    assert "sample 1: " in result.stderr
    assert "error: 1 of 4 samples could not be measured" in result.stderr
    json.loads(result.stdout)
    with xr.open_dataset(output, engine="h5netcdf") as found:
        assert found.sample.values.tolist() == [0, 2, 3]


def test_several_files(stack, tmp_path):
    result = run("transport", stack, stack, "--axis", "x", "--phase", "pore", "--json")
    document = json.loads(result.stdout)
    assert document["source"] == [str(stack)] * 2
    values = document["data"]["relative_diffusivity"]["values"]
    assert values[:4] == values[4:]


def test_workers_need_a_scheduler(stack):
    result = run("describe", stack, "--workers", "2")
    assert result.exit_code == 2
    assert "--scheduler local" in result.stderr
