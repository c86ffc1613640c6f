"""Pore networks: porespy's and OpenPNM's own numbers, and cases that are known by hand."""

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.evaluation import judge
from microdsd.metrics import _openpnm, describe
from microdsd.metrics._openpnm import NetworkFlow
from microdsd.metrics._porespy import porespy_sandbox, snow_network
from microdsd.metrics.pore_network import NETWORK_FLOW, pore_networks
from microdsd.metrics.registry import compared_groups, included, judged_groups
from microdsd.microstructure import as_microstructure, blobs, crop

NAMES = {0: "pore", 1: "solid"}


def chain(width=4, pores=3, edge=10, gap=4):
    """Chambers in a row along x, joined by square throats, from face to face."""
    length = pores * edge + (pores + 1) * gap
    labels = np.ones((edge + 4, edge + 4, length), np.uint8)
    middle = slice((edge + 4 - width) // 2, (edge + 4 + width) // 2)
    labels[middle, middle, :] = 0
    for k in range(pores):
        start = gap + k * (edge + gap)
        labels[2 : 2 + edge, 2 : 2 + edge, start : start + edge] = 0
    return as_microstructure(labels, phases=NAMES, voxel_size=1e-6)


@pytest.fixture(scope="module")
def rock():
    return blobs((32, 32, 32), fractions=(0.35, 0.65), scale=3, rng=0)


def own_numbers(mask):
    """Pores, throats and mean coordination by porespy's own call, without faces of the box."""
    with porespy_sandbox() as porespy:
        network = porespy.networks.snow2(mask, boundary_width=0, parallel_kw=None).network
    pores, throats = len(network["pore.coords"]), network["throat.conns"]
    return pores, len(throats), np.bincount(throats.ravel(), minlength=pores).mean()


def assert_as_porespy(ms):
    found = describe(ms, periodic=False, descriptors="pore_network", phase=[0])
    pores, throats, coordination = own_numbers(ms.values == 0)
    assert found.pores_per_volume.item() * ms.size == pytest.approx(pores)
    assert found.throats_per_volume.item() * ms.size == pytest.approx(throats)
    assert found.coordination_number.item() == pytest.approx(coordination)
    assert len(pore_networks(ms, phase=0)[0]["pore.coords"]) > pores
    assert pores > 3


def test_numbers_are_those_of_porespy(rock):
    assert_as_porespy(rock)


@pytest.mark.scan
def test_numbers_of_berea_windows_are_those_of_porespy(berea_coarse):
    names = {0: "pore", 1: "solid"}
    for corner in (0, 100):
        part = crop(berea_coarse, **{axis: slice(corner, corner + 40) for axis in "zyx"})
        assert_as_porespy(as_microstructure(part.values, phases=names))


def test_a_chain_is_a_chain():
    found = describe(chain(), periodic=False, descriptors="pore_network", phase=["pore"])
    volume = chain().size * 1e-18
    assert found.pores_per_volume.item() * volume == pytest.approx(3)
    assert found.throats_per_volume.item() * volume == pytest.approx(2)
    assert found.coordination_number.item() == pytest.approx(4 / 3)
    assert found.mean_throat_diameter.item() == pytest.approx(4e-6, rel=0.3)
    assert found.mean_pore_diameter.item() == pytest.approx(10e-6, rel=0.1)
    assert found.pores_per_volume.units == "1/m^3"


def test_nothing_to_make_a_network_of():
    for labels in (np.zeros((8, 8, 8), int), np.ones((8, 8, 8), int)):
        ms = as_microstructure(labels, phases=NAMES)
        assert pore_networks(ms, phase="pore") == [None]
        found = describe(ms, periodic=False, descriptors="pore_network")
        assert np.isnan(found.pores_per_volume).all()
    image = np.eye(8, dtype=int)
    assert "pores_per_volume" not in describe(image, periodic=False, descriptors="pore_network")
    with pytest.raises(InputError, match="needs volumes"):
        pore_networks(image, phase=1)
    flat = as_microstructure(np.zeros((8, 8, 8), int), voxel_size=(2e-6, 1e-6, 1e-6))
    with pytest.raises(InputError, match="cubes"):
        pore_networks(flat, phase=0)


def test_a_chain_drains_through_its_throats():
    pytest.importorskip("openpnm")
    network = snow_network(chain().values == 0, 1.0)
    along = NetworkFlow(network, 2)
    inner = ~network["pore.boundary"][network["throat.conns"]].any(axis=1)
    throat = network["throat.inscribed_diameter"].min()
    assert network["throat.inscribed_diameter"][inner].tolist() == [throat, throat]
    assert network["pore.zmin"].sum() == network["pore.zmax"].sum() == 1
    assert not network["pore.xmin"].any()
    filled, invading, defending = along.drainage(throat * np.array([0.9, 1.1]), relative=True)
    np.testing.assert_allclose(filled, [1, 0], atol=1e-12)
    np.testing.assert_allclose(invading, [1, 0], atol=1e-3)
    np.testing.assert_allclose(defending, [0, 1], atol=1e-3)
    across = NetworkFlow(network, 0)
    assert not across.spans
    assert across.conductance() == 0
    _, invading, _ = across.drainage(np.array([throat]), relative=True)
    assert np.isnan(invading).all()


def test_flow_is_that_of_openpnm_and_scales(rock):
    """Twice the edge, four times the permeability; and within a factor of ten of the volume's."""
    pytest.importorskip("openpnm")
    found = describe(rock, periodic=False, descriptors="network_flow", phase=[0])
    large = as_microstructure(rock, voxel_size=2e-6)
    scaled = describe(large, periodic=False, descriptors="network_flow", phase=[0])
    permeability = found.network_permeability.values
    assert (permeability > 0).all()
    np.testing.assert_allclose(scaled.network_permeability, permeability * 4e-12, rtol=1e-6)
    np.testing.assert_allclose(scaled.drainage_saturation, found.drainage_saturation, atol=0)
    assert scaled.drainage_saturation.throat_diameter.values[0] == pytest.approx(2e-6)
    saturation = found.drainage_saturation.values[0, 0]
    assert (np.diff(saturation) <= 1e-12).all()
    both = [found[f"{who}_relative_permeability"].values[0, 0] for who in ("invading", "defending")]
    assert (np.diff(both[0]) <= 1e-3).all()
    assert (np.diff(both[1]) >= -1e-3).all()
    assert (both[0] + both[1] <= 1.001).all()


def test_drainage_is_that_of_openpnms_example(rock):
    """Its own curve, by pressures of its choice, of the same network and throats."""
    openpnm = pytest.importorskip("openpnm")
    network = snow_network(rock.values == 0, 1.0)
    pores = openpnm.io.network_from_porespy(network)
    pores["throat.volume"] = 0.0
    air = openpnm.phase.Phase(network=pores)
    air["pore.surface_tension"], air["pore.contact_angle"] = 1.0, 180.0
    pores["throat.diameter"] = network["throat.inscribed_diameter"]
    air["throat.surface_tension"], air["throat.contact_angle"] = 1.0, 180.0
    air.add_model(
        propname="throat.entry_pressure",
        model=openpnm.models.physics.capillary_pressure.washburn,
        surface_tension="throat.surface_tension",
        contact_angle="throat.contact_angle",
    )
    drainage = openpnm.algorithms.Drainage(network=pores, phase=air)
    drainage.set_inlet_BC(pores=pores.pores("xmin"))
    drainage.run(pressures=15)
    pressure = np.unique(drainage["pore.invasion_pressure"])
    pressure = pressure[np.isfinite(pressure)]
    inner = ~network["pore.boundary"]
    expected = [
        network["pore.volume"][inner & (drainage["pore.invasion_pressure"] <= p)].sum()
        / network["pore.volume"][inner].sum()
        for p in pressure
    ]
    # Washburn: p = 4 sigma / d
    filled, *_ = NetworkFlow(network, 0).drainage(4 / pressure)
    np.testing.assert_allclose(filled, expected, atol=1e-12)
    openpnm.Workspace().close_project(pores.project)


def test_other_projects_of_openpnm_are_left_alone(rock):
    openpnm = pytest.importorskip("openpnm")
    mine = openpnm.network.Cubic(shape=[3, 3, 3])
    NetworkFlow(snow_network(rock.values == 0, 1.0), 1).conductance()
    assert mine.project in openpnm.Workspace().values()
    openpnm.Workspace().close_project(mine.project)


def test_both_groups_are_measured_where_they_are_asked_for():
    found = describe(np.eye(4, dtype=int), periodic=False)
    assert not {"pores_per_volume", "network_permeability"} & set(found)
    assert not {"pore_network", "network_flow"} & {*compared_groups(), *judged_groups()}
    with included("pore_network"):
        assert {"pore_network"} <= {*compared_groups()} & {*judged_groups()}
        assert "network_flow" not in judged_groups()
    assert "pore_network" not in judged_groups()
    with pytest.raises(InputError, match="no group 'networks'; there are fractions"):
        included("networks").__enter__()


def test_the_verdict_takes_them(monkeypatch):
    """Two halves of one ensemble do not differ in a network made up from the fraction."""

    def made_up(mask, edge):
        pores = 2 + int(mask.sum()) % 7
        conns = np.stack([np.arange(pores - 1), np.arange(1, pores)], axis=1)
        return {
            "pore.boundary": np.zeros(pores, dtype=bool),
            "throat.conns": conns,
            "pore.inscribed_diameter": np.ones(pores),
            "throat.inscribed_diameter": np.ones(pores - 1),
        }

    monkeypatch.setattr("microdsd.metrics.pore_network.snow_network", made_up)
    rng = np.random.default_rng(0)
    real, new = (
        as_microstructure(rng.integers(0, 2, (16, 6, 6, 6)), phases=NAMES, ensemble=True)
        for _ in range(2)
    )
    with included("pore_network"):
        verdict = judge(new, real, periodic=False)
    found = {one.descriptor: one.standard_errors for one in verdict.descriptors}
    assert 0 < found["pores_per_volume"] < 3
    assert "coordination_number" in found


def test_what_is_missing_is_said(monkeypatch, rock):
    monkeypatch.setattr(_openpnm, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"microdsd\[networks\]"):
        describe(rock, periodic=False, descriptors=NETWORK_FLOW.name)


def test_a_phase_in_which_no_pore_is_found_has_no_network():
    labels = np.random.default_rng(0).integers(0, 3, (10, 12, 14))
    masked = np.zeros(labels.shape, bool)
    masked[1:3, 2:4, 3:5] = True
    ms = as_microstructure(labels, phases={0: "a", 1: "b", 2: "c"})
    networks = pore_networks(ms, phase="a", mask=masked)
    assert networks == [None]
    described = describe(ms, periodic=False, mask=masked, descriptors="pore_network", phase=["a"])
    assert "coordination_number" in described
