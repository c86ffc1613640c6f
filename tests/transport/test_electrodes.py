"""From three phases to a discharge: exact geometries, thermodynamics, and PyBaMM's own cell."""

import os

import numpy as np
import pytest
import xarray as xr

from microdsd.errors import InputError, MicrodsdError
from microdsd.microstructure import as_microstructure
from microdsd.transport import electrode_parameters, rate_capability

PHASES = {0: "pore", 1: "active", 2: "binder"}
PARTS = {"active": "active", "pore": "pore", "binder": "binder"}


def cathode(labels, **options):
    return as_microstructure(labels, phases=PHASES, voxel_size=0.5e-6, **options)


def test_sheets_along_the_axis():
    """Two voxels of pore, one of active material, one of binder, by turns: all in parallel."""
    labels = np.broadcast_to(np.tile([0, 0, 1, 2], 2), (6, 8, 8))
    found = electrode_parameters(
        cathode(labels),
        **PARTS,
        binder_diffusivity=0.1,
        active_conductivity=2.0,
        binder_conductivity=100.0,
    ).isel(sample=0)
    assert found.active_fraction == found.binder_fraction == 0.25
    assert found.porosity == 0.5
    assert found.relative_diffusivity.item() == pytest.approx(0.5 + 0.1 * 0.25)
    assert found.tortuosity_factor.item() == pytest.approx(0.5 / 0.525)
    assert found.electronic_conductivity.item() == pytest.approx(0.25 * 102)
    assert found.converged


def test_a_sphere_has_its_own_radius():
    z, y, x = np.indices((32, 32, 32)) - 15.5
    found = electrode_parameters(
        cathode((z**2 + y**2 + x**2 < 12**2).astype(int)), active="active", pore="pore", binder=2
    )
    # The mean over pairs inside the box: 32 / 31 too large a surface for each axis of a direction.
    too_large = sum(share * (32 / 31) ** k for k, share in ((1, 0.275), (2, 0.444), (3, 0.281)))
    assert found.particle_radius.item() == pytest.approx(12 * 0.5e-6 / too_large, rel=0.01)
    assert found.electronic_conductivity == 0


def test_blocked_pores():
    labels = np.ones((5, 4, 4), int)
    labels[:2] = 0
    found = electrode_parameters(cathode(labels), active="active", pore="pore", binder="binder")
    assert found.relative_diffusivity == 0
    assert np.isinf(found.tortuosity_factor)


@pytest.mark.parametrize(
    ("ms", "parts", "message"),
    [
        (cathode(np.eye(4, dtype=int)[None].repeat(4, 0)), {**PARTS, "pore": "void"}, "void"),
        (cathode(np.eye(4, dtype=int)[None].repeat(4, 0)), {**PARTS, "pore": 1}, "different"),
        (cathode(np.eye(4, dtype=int)[None].repeat(4, 0)), {"active": 1, "pore": 0}, "no part"),
        (cathode(np.eye(4, dtype=int)), PARTS, "volume"),
        (as_microstructure(np.zeros((4, 4, 4), int), phases=PHASES), PARTS, "metres"),
    ],
)
def test_refusals(ms, parts, message):
    with pytest.raises(InputError, match=message):
        electrode_parameters(ms, **parts)


XU = {
    "active_fraction": 0.518,
    "porosity": 0.331,
    "particle_radius": 5.3e-6,
    "relative_diffusivity": 0.331**1.5,
    "electronic_conductivity": 100 * 0.669**1.5,
}


def electrodes(**columns):
    """One electrode of Xu et al. for every value of the columns."""
    number = max(np.size(values) for values in columns.values()) if columns else 1
    return xr.Dataset(
        {
            name: ("sample", np.broadcast_to(values, number).astype(float))
            for name, values in (XU | columns).items()
        }
    )


def test_the_cell_of_the_parameter_set():
    """Fed with what Bruggeman says, the model is PyBaMM's own half cell."""
    pybamm = pytest.importorskip("pybamm")
    ours = rate_capability(electrodes(), rates=[2.0], thickness=42e-6)
    values = pybamm.ParameterValues("Xu2019")
    area = values["Electrode height [m]"] * values["Electrode width [m]"]
    values["Current function [A]"] = 2 * ours.equilibrium_capacity.item() * area
    model = pybamm.lithium_ion.DFN({"working electrode": "positive"})
    solution = pybamm.Simulation(model, parameter_values=values).solve([0, 3600])
    theirs = solution["Discharge capacity [A.h]"].entries[-1] / area
    assert ours.capacity.item() == pytest.approx(theirs, rel=1e-3)
    assert ours.converged
    assert os.environ["PYBAMM_DISABLE_TELEMETRY"] == "true"


def test_slow_is_equilibrium_and_fast_is_less():
    pytest.importorskip("pybamm")
    found = rate_capability(electrodes(), rates=[0.01, 1, 4], thickness=42e-6).isel(sample=0)
    share = found.capacity / found.equilibrium_capacity
    assert share[0].item() == pytest.approx(1, abs=0.01)
    assert (share.diff("rate") < 0).all()
    assert (found.voltage.diff("step") < 1e-6).all()
    assert found.voltage[:, -1].values == pytest.approx(3.5, abs=1e-3)


def test_what_hinders_costs_capacity():
    pytest.importorskip("pybamm")
    found = rate_capability(
        electrodes(
            relative_diffusivity=[0.2, 0.1, 0.2, 0.0, 0.2],
            particle_radius=[5e-6, 5e-6, 10e-6, 5e-6, np.nan],
            active_fraction=[0.5, 0.5, 0.5, 0.5, 0.0],
        ),
        rates=[2],
    )
    free, tortuous, coarse, blocked, empty = found.capacity.values[:, 0]
    assert free > tortuous > blocked == empty == 0
    assert free > coarse > 0
    assert found.converged.all()


def test_rates_must_be_positive():
    with pytest.raises(InputError, match="positive"):
        rate_capability(electrodes(), rates=[0])


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pybamm", None)
    with pytest.raises(MicrodsdError, match=r"microdsd\[battery\]"):
        rate_capability(electrodes())


@pytest.mark.scan
def test_the_real_cathode(data_dir, monkeypatch):
    if not (data_dir / "nmc_cathode_cbd").is_dir():
        pytest.skip(f"no nmc_cathode_cbd in {data_dir}")
    pytest.importorskip("pybamm")
    from microdsd.datasets import load_dataset
    from microdsd.microstructure import cut_windows

    monkeypatch.setenv("MICRODSD_DATA", str(data_dir))
    window = cut_windows(load_dataset("nmc_cathode_cbd"), (48, 48, 48), n=1, rng=0)
    measured = electrode_parameters(
        window, active="active material", pore="pore", binder="carbon-binder domain"
    )
    assert 1.2 < measured.tortuosity_factor.item() < 5
    assert 2e-6 < measured.particle_radius.item() < 10e-6
    found = rate_capability(measured, rates=[0.2, 2])
    slow, fast = (found.capacity / found.equilibrium_capacity).values[0]
    assert 0.9 < slow < 1
    assert fast < slow
