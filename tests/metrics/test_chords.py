import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microdsd.errors import InputError
from microdsd.metrics._runs import Runs
from microdsd.metrics.chords import chord_length_density, mean_chord_length
from microdsd.microstructure import as_microstructure, layers


def runs_by_brute_force(line, periodic):
    """Lengths of all runs, of whole ones, and whether the line is endless."""
    if line.all() and periodic:
        return [], [], True
    if periodic:  # begin outside the phase: no run is then cut
        line = np.roll(line, -int(np.argmin(line)))
    lengths, whole, at = [], [], 0
    for inside, group in itertools.groupby(line):
        n = len(list(group))
        if inside:
            lengths.append(n)
            if periodic or (at > 0 and at + n < len(line)):
                whole.append(n)
        at += n
    return lengths, whole, False


@settings(max_examples=60)
@given(
    lines=st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=5),
    periodic=st.booleans(),
)
def test_runs_of_every_line(lines, periodic):
    mask = np.array(lines)
    expected = [runs_by_brute_force(line, periodic) for line in mask]
    found = Runs.along(mask, 1, periodic=periodic)
    for histogram, which in ((found.lengths, 0), (found.complete, 1)):
        lengths = [n for line in expected for n in line[which]]
        assert histogram.tolist() == np.bincount(lengths or [0], minlength=7).tolist() or (
            not lengths and not histogram.any()
        )
    assert found.endless == sum(line[2] for line in expected)


def test_layers_have_one_length():
    ms = layers((8, 24), widths=(5, 3), axis=1)
    for cut in ("weight", "exclude"):
        density = chord_length_density(ms, phase=1, periodic=False, axis="x", cut=cut)
        assert density.values[0, 2] == 1
        assert density.values.sum() == 1
    along = chord_length_density(ms, phase=1, periodic=True, axis="y")
    assert np.isnan(along.values).all()  # no end anywhere


def test_weighting_makes_up_for_long_chords_that_are_cut():
    """Lines of a telegraph process: lengths are geometric, p(l) = (1 - q) q^(l - 1).

    Seeded; 40,000 lines hold 20,000 to 37,000 whole chords, and the tolerance is 5 standard
    errors of their mean length.
    """
    rng, voxels, q = np.random.default_rng(0), 12, 0.8
    switches = rng.random((40_000, voxels)) > q
    labels = (rng.integers(0, 2, (40_000, 1)) + np.cumsum(switches, axis=1)) % 2
    length = np.arange(1, voxels - 1)
    law = q**length / (q**length).sum()
    mean = (law * length).sum()
    tolerance = 5 * np.sqrt((law * length**2).sum() - mean**2) / 20_000**0.5
    found = {
        cut: chord_length_density(labels, phase=1, periodic=False, axis="x", cut=cut)
        for cut in ("weight", "exclude")
    }
    density = found["weight"].values[0, : voxels - 2]
    assert (density * length).sum() == pytest.approx(mean, abs=tolerance)
    np.testing.assert_allclose(density, law, atol=0.02)
    assert (found["exclude"].values[0, : voxels - 2] * length).sum() < 0.9 * mean


def test_mean_chord_is_free_of_edges_and_has_units():
    labels = np.tile(np.repeat([0, 1], [6, 2]), (6, 8))
    ms = as_microstructure(labels, voxel_size=1e-6)
    periodic = mean_chord_length(ms, phase=0, periodic=True)
    assert periodic.sel(axis="x").item() == pytest.approx(6e-6)
    assert np.isinf(periodic.sel(axis="y").item())
    assert periodic.attrs["units"] == "m"
    absent = as_microstructure(np.zeros((4, 4), dtype=int), phases={0: "pore", 1: "solid"})
    assert np.isnan(mean_chord_length(absent, phase=1, periodic=True).values).all()


@pytest.mark.parametrize("periodic", [True, False])
def test_density_sums_to_one_in_metres(periodic):
    labels = np.random.default_rng(0).integers(0, 2, (2, 9, 12))
    ms = as_microstructure(labels, voxel_size=2e-6, ensemble=True)
    density = chord_length_density(ms, phase=1, periodic=periodic)
    np.testing.assert_allclose(density.values.sum(axis=1) * 2e-6, 1)
    assert (density.attrs["units"], density.length.attrs["units"]) == ("1/m", "m")
    alone = chord_length_density(ms[1], phase=1, periodic=periodic)
    np.testing.assert_array_equal(density.values[1], alone.values[0])


def test_refusals():
    flat = as_microstructure(np.eye(6, dtype=int), voxel_size=(1e-6, 2e-6))
    with pytest.raises(InputError, match="cubes"):
        chord_length_density(flat, phase=1, periodic=False)
    assert chord_length_density(flat, phase=0, periodic=False, axis="x").sizes["length"] == 6
    with pytest.raises(InputError, match="cut: 'no'"):
        chord_length_density(flat, phase=1, periodic=False, axis="x", cut="no")
    with pytest.raises(InputError, match="axis: 'z'"):
        chord_length_density(flat, phase=1, periodic=False, axis="z")
