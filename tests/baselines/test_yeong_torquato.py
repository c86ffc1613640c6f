"""Annealing: running sums equal recounts, counts are exact, energy falls."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microdsd import YeongTorquato
from microdsd.baselines.annealing import AnnealedBox
from microdsd.baselines.reference import ReferenceWindows
from microdsd.baselines.targets import DirectionalTargets
from microdsd.errors import InputError
from microdsd.metrics import two_point_probability
from microdsd.microstructure import as_ensemble, blobs, cut_windows, provenance_of


def targets(ndim, phases, symmetry="none"):
    fractions = {2: (0.3, 0.7), 3: (0.2, 0.3, 0.5)}[phases]
    real = cut_windows(
        blobs((24,) * ndim, fractions=fractions, scale=1.5, rng=0), (8,) * ndim, n=6, rng=1
    )
    return DirectionalTargets.of(ReferenceWindows.of(real, symmetry=symmetry, periodic=False))


CASES = {(d, p): targets(d, p) for d in (2, 3) for p in (2, 3)}


def brute_counts(phase, directions, reach, pairs, periodic):
    """Pairs and lines counted voxel by voxel."""
    far = int(max(reach))
    n_phases = max(max(p) for p in [*pairs, (1, 1)]) + 2
    found = np.zeros((len(pairs), len(directions), far + 1), dtype=int)
    lines = np.zeros((n_phases, len(directions), far + 1), dtype=int)
    for start in np.ndindex(*phase.shape):
        for d, step in enumerate(directions):
            whole = True
            for k in range(1, reach[d] + 1):
                end = np.array(start) + k * step
                if periodic:
                    end %= phase.shape
                elif np.any(end < 0) or np.any(end >= phase.shape):
                    break
                a, b = sorted((int(phase[start]), int(phase[tuple(end)])))
                if (a, b) in pairs:
                    found[pairs.index((a, b)), d, k] += 1
                whole = whole and a == b == phase[start]
                lines[phase[start], d, k] += whole
    return found, lines


@settings(max_examples=25)
@given(st.sampled_from(sorted(CASES)), st.booleans(), st.integers(0, 2**32), st.floats(0, 0.05))
def test_running_energy_is_the_energy(case, periodic, seed, temperature):
    ndim, phases = case
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(5, 9, ndim))
    phase = rng.integers(0, phases, shape).astype(np.int8)
    box = AnnealedBox(phase, CASES[case], periodic=periodic)
    counts = np.bincount(phase.ravel(), minlength=phases)
    box.swap(60, temperature, rng)
    assert box.energy == pytest.approx(box.recomputed_energy(), rel=1e-9)
    assert np.array_equal(np.bincount(box.phase.ravel(), minlength=phases), counts)
    for running, anew in zip((box._pair_count[:-1], box._line_count), box.counts(), strict=True):
        assert np.array_equal(running, anew)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("case", sorted(CASES))
def test_counts_are_those_of_brute_force(case, periodic):
    ndim, phases = case
    phase = np.random.default_rng(0).integers(0, phases, (6, 5, 7)[:ndim]).astype(np.int8)
    box = AnnealedBox(phase, CASES[case], periodic=periodic)
    pairs, lines = box.counts()
    chosen = CASES[case]
    expected = brute_counts(phase, chosen.directions, box.reach, chosen.pairs, periodic)
    assert np.array_equal(pairs, expected[0])
    assert np.array_equal(lines, expected[1][:phases])


def test_swaps_that_are_taken_back_change_nothing():
    phase = np.random.default_rng(0).integers(0, 2, (8, 8)).astype(np.int8)
    box = AnnealedBox(phase, CASES[2, 2], periodic=False)
    before = box.energy
    box.swap(50, -1.0, np.random.default_rng(1))
    assert np.array_equal(box.phase, phase)
    assert box.energy == before == pytest.approx(box.recomputed_energy())


def test_targets_at_the_reference_are_the_reference():
    """One window: S2 and lineal path that are aimed at are its own, at energy zero."""
    real = blobs((16, 16), fractions=(0.3, 0.7), scale=1.5, rng=4)
    windows = ReferenceWindows.of(real, symmetry="none", periodic=False)
    box = AnnealedBox(windows.phase[0], DirectionalTargets.of(windows), periodic=False)
    assert box.energy < 1e-20


def test_targets_average_over_windows_of_all_compositions():
    real = cut_windows(blobs((64, 64), fractions=(0.4, 0.6), scale=3, rng=0), (16, 16), n=16, rng=0)
    windows = ReferenceWindows.of(real, symmetry="none", periodic=False)
    aims = DirectionalTargets.of(windows)
    mean = np.mean([aims.two_point(f)[0] for f in windows.fractions], axis=0)
    phase = aims.pairs[0][0]
    for d, along in enumerate(("y", "x")):
        s2 = two_point_probability(real, phase=phase, periodic=False, axis=along)
        np.testing.assert_allclose(mean[d], s2.mean("sample"), atol=1e-12)


def test_annealing_lowers_the_energy_and_keeps_the_counts():
    real = cut_windows(blobs((64, 64), fractions=(0.3, 0.7), scale=2, rng=0), (24, 24), n=4, rng=0)
    told = []
    made = YeongTorquato.fit(real, periodic=False).sample(
        2,
        phase_fraction={0: [0.25, 0.3]},
        sweeps=30,
        rng=0,
        progress=lambda done, total, status: told.append(done),
    )
    record = provenance_of(made)
    assert (made == 0).sum(("y", "x")).values.tolist() == [144, 173]
    assert record["requested_counts"]["phase 0"] == [144, 173]
    assert max(record["energy"]) < 2e-3  # random order has 0.5
    assert told == sorted(told)
    assert told[-1] == 2


def test_samples_depend_on_seed_and_number_alone():
    real = blobs((16, 16), fractions=(0.4, 0.6), scale=2, rng=0)
    model = YeongTorquato.fit(real, periodic=False)
    two = model.sample(2, sweeps=3, rng=5)
    assert np.array_equal(model.sample(1, sweeps=3, rng=5), two[:1])
    assert not np.array_equal(two[0], two[1])


def test_one_phase_alone_is_left_as_it_is():
    real = blobs((16, 16), fractions=(0.4, 0.6), scale=2, rng=0)
    made = YeongTorquato.fit(real, periodic=False).sample(phase_fraction={0: 0.0}, rng=0)
    assert int(as_ensemble(made).values.min()) == 1


def test_sweeps_must_be_positive():
    real = blobs((16, 16), fractions=(0.4, 0.6), scale=2, rng=0)
    with pytest.raises(InputError, match="sweeps"):
        YeongTorquato.fit(real, periodic=False).sample(sweeps=0)
