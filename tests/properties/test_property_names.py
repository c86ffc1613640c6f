"""Properties by name: what they mean, and that they are the numbers of the packages' own tables."""

import numpy as np
import pytest

from microdsd import InputError, as_microstructure, describe, describe_transport
from microdsd.properties import Property, known_properties, measure

PHASES = {0: "pore", 1: "grain", 2: "binder"}
TWO = {0: "pore", 1: "solid"}


@pytest.fixture(scope="module")
def boxes():
    labels = np.random.default_rng(0).choice(3, size=(2, 8, 8, 8), p=[0.5, 0.3, 0.2])
    return as_microstructure(labels, phases=PHASES, ensemble=True)


@pytest.mark.parametrize(
    ("text", "phases", "full"),
    [
        ("specific_surface_area", TWO, "specific_surface_area"),
        ("specific_surface_area:solid", TWO, "specific_surface_area"),
        ("specific_surface_area:grain", PHASES, "specific_surface_area:grain"),
        ("euler_density", TWO, "euler_density:pore"),
        ("tortuosity_factor:z", TWO, "tortuosity_factor:pore:z"),
        ("tortuosity_factor:z:solid", TWO, "tortuosity_factor:solid:z"),
        ("interface_density", PHASES, "interface_density"),
        ("pair_surface_area:pore-binder", PHASES, "pair_surface_area:pore-binder"),
    ],
)
def test_names_are_written_in_one_way(text, phases, full):
    one = Property.parse(text, phases, 3)
    assert str(one) == full
    assert Property.parse(full, phases, 3) == one


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("surface", "there is no 'surface'"),
        ("euler_density:clay", "'clay' is no phase and no axis"),
        ("tortuosity_factor:z", "axes y, x"),
        ("euler_density:pore:solid", "'solid' is no phase"),
        ("", "choose one of"),
    ],
)
def test_what_is_no_property_is_refused(text, words):
    with pytest.raises(InputError, match=words):
        Property.parse(text, TWO, 2)


def test_numbers_are_those_of_describe_and_of_transport(boxes):
    names = ["euler_density:binder", "mean_chord_length:grain:y", "pair_surface_area:pore-binder"]
    table = measure(boxes, [*names, "relative_diffusivity:pore:x", "mean_chord_length:grain"])
    described = describe(boxes, periodic=False, descriptors=["euler", "chords", "surface"])
    chords = described.mean_chord_length.sel(phase=1)
    solved = describe_transport(boxes, phase="pore", axes=["x"]).relative_diffusivity
    columns = [
        described.euler_density.sel(phase=2),
        chords.sel(axis="y"),
        described.pair_surface_area.sel(pair="pore-binder"),
        solved.sel(phase=0, axis="x"),
        chords.mean("axis"),
    ]
    np.testing.assert_allclose(table, np.stack(columns, axis=1))


def test_what_a_sample_does_not_have_is_nan():
    slabs = np.zeros((1, 6, 6), int)
    slabs[:, 3] = 1
    stack = as_microstructure(slabs, phases=TWO, ensemble=True)
    assert np.isnan(measure(stack, ["tortuosity_factor:pore:y"])).all()
    assert measure(stack, ["tortuosity_factor:pore:x"]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("triple_phase_boundary", "not measured in 2D for the phases pore, solid"),
        ("euler_density:pore-solid", "not of a pair"),
        ("pair_surface_area:pore", "one of pore-solid"),
        ("euler_density:pore:y", "has no axes"),
    ],
)
def test_what_is_not_measured_is_refused(text, words):
    stack = as_microstructure(np.eye(6, dtype=int)[None], phases=TWO, ensemble=True)
    with pytest.raises(InputError, match=words):
        measure(stack, [text])


def test_every_name_is_measured(boxes):
    """Pore networks need a further package, and permeability larger boxes."""
    for name in set(known_properties()) - {"pair_surface_area", "permeability"}:
        if Property.parse(name, PHASES, 3).group not in {"pore_network", "network_flow"}:
            assert measure(boxes, [name]).shape == (2, 1)
