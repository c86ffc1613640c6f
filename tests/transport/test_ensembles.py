"""Several properties of many samples: everything in its place, nothing stops the loop."""

import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.microstructure import as_microstructure, blobs
from microdsd.transport import (
    describe_transport,
    diffusivity,
    effective_conductivity,
    effective_stiffness,
)

CONDUCTIVITY = {"pore": 1.0, "solid": 5.0}
MODULI = {"pore": (0.0, 0.0), "solid": (1.0, 0.2)}


@pytest.fixture(scope="module")
def samples():
    """Three media and, among them, a box without pores."""
    labels = [blobs((8, 9, 10), fractions=(0.4, 0.6), scale=2, rng=i).values for i in range(3)]
    labels.insert(1, np.ones((8, 9, 10), np.uint8))
    ms = as_microstructure(np.stack(labels), phases={0: "pore", 1: "solid"}, ensemble=True)
    return ms.assign_coords(sample=[3, 4, 5, 6])


def test_everything_in_its_place(samples):
    seen = []
    found = describe_transport(
        samples,
        properties=["stiffness", "diffusivity", "conductivity"],
        phase=["solid", "pore"],
        axes=["x", "z"],
        conductivity=CONDUCTIVITY,
        moduli=MODULI,
        progress=lambda done, total, status: seen.append((done, total)),
    )
    assert seen == [(i + 1, 24) for i in range(24)]
    assert found.sample.values.tolist() == [3, 4, 5, 6]
    assert found.phase_name.values.tolist() == ["solid", "pore"]
    assert found.relative_diffusivity.dims == ("sample", "phase", "axis")
    for phase in (0, 1):
        alone = diffusivity(samples, phase=phase, axes=["x", "z"])
        for name in ("relative_diffusivity", "tortuosity_factor"):
            np.testing.assert_allclose(
                found[name].sel(phase=phase), alone[name].sel(axis=["x", "z"]), rtol=1e-9
            )
    alone = effective_conductivity(samples, conductivity=CONDUCTIVITY)
    np.testing.assert_allclose(found.conductivity, alone.conductivity)
    alone = effective_stiffness(samples, moduli=MODULI)
    np.testing.assert_allclose(found.young_modulus, alone.young_modulus)
    assert found.diffusivity_converged.all()
    assert found.stiffness_converged.dims == ("sample", "strain")
    assert found.attrs["conductivity_boundary"] == "periodic"


def test_a_blocked_sample_stops_nothing(samples):
    found = describe_transport(samples, phase=["pore"])
    blocked = found.sel(sample=4)
    assert np.all(blocked.relative_diffusivity == 0)
    assert np.all(np.isinf(blocked.tortuosity_factor))
    assert np.all(found.relative_diffusivity.sel(sample=[3, 5, 6]) > 0)


def test_a_solution_that_does_not_converge_says_so(samples, monkeypatch):
    monkeypatch.setattr("microdsd.transport.finite_volume.MAX_ITERATIONS", 1)
    monkeypatch.setattr("microdsd.transport.rotated_scheme.MAX_ITERATIONS", 1)
    found = describe_transport(
        samples,
        properties=["diffusivity", "conductivity"],
        phase=["pore"],
        conductivity=CONDUCTIVITY,
    )
    assert found.diffusivity_converged.values.tolist() == [[[s == 1] * 3] for s in range(4)]
    assert not found.conductivity_converged.sel(sample=3).any()
    assert (found.relative_diffusivity < 1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"properties": ["charm"]}, "charm"),
        ({"properties": []}, "properties"),
        ({"properties": ["diffusivity", "conductivity"]}, "conductivity"),
        ({"properties": ["diffusivity", "stiffness"], "moduli": {0: (1, 0.2)}}, "solid"),
        ({"sides": "open"}, "sides"),
        ({"solver": "magic"}, "solver"),
    ],
)
def test_refused_before_anything_is_solved(samples, options, message, monkeypatch):
    monkeypatch.setattr("microdsd.transport.diffusion.conduct", pytest.fail)
    with pytest.raises(InputError, match=message):
        describe_transport(samples, **options)
