"""Fields agree with the numbers that are measured from them, and come back from files."""

import json

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.errors import InputError
from microdsd.io import save_microstructures
from microdsd.io.field_files import save_fields
from microdsd.metrics.local_thickness import local_thickness
from microdsd.microstructure import as_microstructure, blobs
from microdsd.transport import diffusivity, permeability
from microdsd.transport.fields import fields

NAMES = {0: "pore", 1: "solid"}
ALL = ["concentration", "flux", "tortuosity", "velocity", "thickness"]


@pytest.fixture(scope="module")
def rock():
    labels = blobs((12, 14, 16), fractions=(0.5, 0.5), scale=3, rng=0)
    return as_microstructure(labels.values, phases=NAMES, voxel_size=2e-6)


@pytest.mark.parametrize("axis", ["z", "y", "x"])
@pytest.mark.parametrize("sides", ["no-flux", "periodic"])
def test_mean_flux_is_the_diffusivity_and_no_source_is_inside(rock, axis, sides):
    found = fields(rock, phase="pore", axis=axis, quantities=["flux", "concentration"], sides=sides)
    flux = found.flux.fillna(0)
    expected = diffusivity(rock, phase="pore", axes=[axis], sides=sides).relative_diffusivity
    assert float(flux.sel(component=axis).mean()) == pytest.approx(expected.item(), rel=1e-5)
    across = [dim for dim in "zyx" if dim != axis]
    layers = flux.sel(component=axis).mean(across)
    np.testing.assert_allclose(layers, expected.item(), rtol=1e-4)
    values = found.concentration.values[np.isfinite(found.concentration)]
    assert (values > 0).all()
    assert (values < 1).all()
    assert np.isnan(found.concentration.values[rock == 1]).all()


def test_a_straight_channel():
    labels = np.ones((6, 5, 5), int)
    labels[:, 2, 2] = 0
    found = fields(labels, phase=0, axis="z", quantities=ALL)
    channel = found.isel(y=2, x=2)
    np.testing.assert_allclose(channel.concentration, (np.arange(6)[::-1] + 0.5) / 6, rtol=1e-6)
    np.testing.assert_allclose(channel.flux.sel(component="z"), 1, rtol=1e-6)
    np.testing.assert_allclose(channel.flux.sel(component=["y", "x"]), 0, atol=1e-6)
    np.testing.assert_allclose(channel.local_tortuosity, 1, rtol=1e-6)
    assert found.local_tortuosity.flux_tortuosity == pytest.approx(1)
    np.testing.assert_allclose(channel.local_thickness, 1)
    assert (channel.velocity.sel(component="z") > 0).all()
    assert float(np.abs(found.velocity.values[:, labels == 1]).max()) == 0


def test_a_step_takes_the_flux_across():
    labels = np.ones((8, 8), int)
    labels[:4, 1] = labels[4:, 6] = labels[3, 1:7] = 0
    found = fields(labels, phase=0, axis="y", quantities=["tortuosity"])
    assert np.isinf(found.local_tortuosity.values[3, 3])
    assert found.local_tortuosity.flux_tortuosity > 1.4


def test_mean_velocity_is_the_permeability(rock):
    found = fields(rock, phase="pore", axis="y", quantities=["velocity"])
    expected = permeability(rock, phase="pore", axes=["y"])
    along = found.velocity.sel(component="y")
    assert float(along.mean()) == pytest.approx(expected.permeability.item(), rel=1e-4)
    assert found.velocity.units == "m2"
    layers = along.mean(("z", "x")).values
    np.testing.assert_allclose(layers, layers.mean(), rtol=0.02)  # steady to the tolerance


def test_thickness_is_that_of_the_descriptor(rock):
    found = fields(rock, phase="pore", axis="y", quantities=["thickness"])
    expected = local_thickness(rock, phase="pore")["mean"].item()
    assert float(found.local_thickness.mean()) == pytest.approx(expected, rel=1e-5)


def test_a_blocked_axis_has_no_flux_and_other_bad_input_is_refused(rock):
    labels = np.zeros((4, 4), int)
    labels[2] = 1
    found = fields(
        labels, phase=0, axis="y", quantities=["concentration", "tortuosity", "velocity"]
    )
    assert np.isnan(found.concentration).all()
    assert np.isinf(found.local_tortuosity.flux_tortuosity)
    assert float(np.abs(found.velocity).max()) == 0
    assert np.isnan(fields(labels * 0, phase=0, axis="y").local_thickness).all()
    for wrong, match in (
        ({"axis": "w"}, "axes of the box"),
        ({"quantities": ["heat"]}, "heat"),
        ({"phase": "glass"}, "glass"),
        ({"sides": "open"}, "sides"),
    ):
        with pytest.raises(InputError, match=match):
            fields(rock, **{"phase": 0, "axis": "z", **wrong})
    with pytest.raises(InputError, match="isel"):
        fields(rock.expand_dims("sample"), phase=0, axis="z")
    flat = as_microstructure(rock.values, voxel_size=(1e-6, 2e-6, 2e-6))
    with pytest.raises(InputError, match="cubic"):
        fields(flat, phase=0, axis="z")


@pytest.mark.parametrize("part", [{}, {"z": 3}])
def test_vti_comes_back(tmp_path, rock, part):
    pv = pytest.importorskip("pyvista")
    ms = rock.isel(part, drop=True)
    found = fields(ms, phase="pore", axis="x", quantities=["concentration", "flux"])
    save_fields(tmp_path / "a.vti", found)
    back = pv.read(tmp_path / "a.vti")
    np.testing.assert_array_equal(back["labels"].reshape(ms.shape), ms)
    np.testing.assert_array_equal(back["concentration"].reshape(ms.shape), found.concentration)
    for number, component in enumerate("xyz"):
        values = back["flux"][:, number].reshape(ms.shape)
        if component in ms.dims:
            np.testing.assert_array_equal(values, found.flux.sel(component=component))
        else:
            assert not values.any()
    assert json.loads(back.field_data["phases"][0]) == {"0": "pore", "1": "solid"}
    np.testing.assert_allclose(back.spacing, 2e-6)


def test_the_command(tmp_path, monkeypatch, rock):
    monkeypatch.chdir(tmp_path)
    both = np.stack([rock.values, rock.values[::-1]])
    save_microstructures("a.h5", as_microstructure(both, phases=NAMES, ensemble=True))
    run = CliRunner().invoke
    words = ["fields", "a.h5", "--phase", "pore", "-o", "b.h5", "--sample", "1"]
    result = run(app, words)
    assert result.exit_code == 0, result.output
    assert "concentration: " in result.stderr
    with xr.open_dataset("b.h5", engine="h5netcdf") as back:
        np.testing.assert_array_equal(back.labels, both[1])
        assert {"flux", "local_tortuosity", "local_thickness"} <= set(back)
    assert "exists" in run(app, words).stderr
    assert "name it so" in run(app, ["fields", "a.h5", "--phase", "0", "-o", "b.tif"]).stderr
    assert "holds 0 to 1" in run(app, [*words[:-1], "7", "--force"]).stderr
    words = ["fields", "a.h5", "--phase", "0", "-o", "c.vti", "--quantity", "velocity"]
    assert run(app, words).exit_code == 0
