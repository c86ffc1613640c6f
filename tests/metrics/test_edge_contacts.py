import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microdsd.errors import InputError
from microdsd.metrics import edge_contacts


def by_hand(labels, phase, periodic):
    """Contacts per voxel, one square after the other."""
    field = labels == phase
    total = 0.0
    for a, b in itertools.combinations(range(labels.ndim), 2):
        alone = []
        for place in np.ndindex(*labels.shape):
            corners = []
            for da, db in ((0, 0), (1, 0), (0, 1), (1, 1)):
                at = list(place)
                at[a] += da
                at[b] += db
                corners.append(tuple(at))
            if not periodic and any(
                x >= n for at in corners for x, n in zip(at, field.shape, strict=True)
            ):
                continue
            one, two, three, four = (field[tuple(np.mod(at, field.shape))] for at in corners)
            alone.append(one == four and two == three and one != two)
        total += float(np.mean(alone))
    return total


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("shape", [(5, 6), (4, 3, 5)])
def test_counted_by_hand(shape, periodic):
    labels = np.random.default_rng(0).integers(0, 3, shape)
    for phase in range(3):
        assert edge_contacts(labels, phase=phase, periodic=periodic).item() == pytest.approx(
            by_hand(labels, phase, periodic)
        )


@pytest.mark.parametrize("ndim", [2, 3])
def test_independent_voxels_touch_by_the_binomial_law(ndim):
    """2 phi^2 (1 - phi)^2 per square; four standard errors."""
    shape = (400, 400) if ndim == 2 else (54, 54, 54)
    labels = np.random.default_rng(1).random(shape) < 0.3
    squares = 1 if ndim == 2 else 3
    expected = 2 * 0.3**2 * 0.7**2
    found = edge_contacts(labels.astype(int), phase=1, periodic=True).item() / squares
    error = 2 * np.sqrt(expected * (1 - expected) / (squares * labels.size))
    assert found == pytest.approx(expected, abs=4 * error)


@given(st.integers(0, 2**32 - 1))
def test_two_phases_have_the_same(seed):
    labels = np.random.default_rng(seed).integers(0, 2, (4, 4, 3))
    one, other = (edge_contacts(labels, phase=p, periodic=False).item() for p in (0, 1))
    assert one == pytest.approx(other)


def test_flat_and_stepped_surfaces_have_none():
    stairs = np.add.outer(np.arange(8), np.arange(8)) // 2 > 3
    assert edge_contacts(stairs.astype(int), phase=1, periodic=False).item() == 0
    flat = np.zeros((6, 6, 6), int)
    flat[:3] = 1
    assert edge_contacts(flat, phase=1, periodic=True).item() == 0


def test_outside_of_the_specimen_nothing_touches():
    labels = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 1]])
    mask = np.ones_like(labels, dtype=bool)
    assert edge_contacts(labels, phase=1, periodic=False, mask=mask).item() == pytest.approx(1 / 4)
    mask[0, 0] = False
    assert edge_contacts(labels, phase=1, periodic=False, mask=mask).item() == 0


def test_too_thin_a_box():
    with pytest.raises(InputError, match="shape|voxel"):
        edge_contacts(np.zeros((1, 5), int), phase=0, periodic=False)
