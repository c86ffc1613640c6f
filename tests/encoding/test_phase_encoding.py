import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microdsd.encoding import PhaseEncoding
from microdsd.errors import InputError


@st.composite
def encoded(draw):
    """An encoding, and labels (batch, *space) of its phases."""
    labels = draw(st.lists(st.integers(0, 300), min_size=2, max_size=5, unique=True))
    encoding = PhaseEncoding({k: f"phase {k}" for k in labels}, draw(st.sampled_from(labels)))
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=4, max_side=5))
    return encoding, draw(hnp.arrays(np.uint16, shape, elements=st.sampled_from(labels)))


@given(encoded())
def test_labels_to_occupation_and_back(pair):
    encoding, labels = pair
    n = encoding.encode(labels)
    assert n.shape == (len(labels), len(encoding.phases) - 1, *labels.shape[1:])
    assert n.dtype == torch.float32
    assert set(n.unique().tolist()) <= {0.0, 1.0}
    assert n.sum(1).max() <= 1
    # Walkers to phases as the sampler numbers them: 0 the background, c + 1 species c.
    phase = (n * torch.arange(1, n.shape[1] + 1).view(1, -1, *[1] * (labels.ndim - 1))).sum(1)
    np.testing.assert_array_equal(encoding.decode(phase.long()), labels)


@given(encoded())
def test_counts_are_conserved(pair):
    encoding, labels = pair
    for c, label in enumerate(encoding.species):
        assert int(encoding.encode(labels)[:, c].sum()) == np.count_nonzero(labels == label)


def test_species_are_the_other_phases_in_order():
    encoding = PhaseEncoding({0: "pore", 128: "clay", 255: "solid"}, background=128)
    assert encoding.species == (0, 255)
    assert encoding.decode(torch.tensor([0, 1, 2])).tolist() == [128, 0, 255]
    assert encoding.decode(torch.tensor([0])).dtype == np.uint8


def test_unknown_labels():
    encoding = PhaseEncoding({0: "pore", 2: "solid"}, background=2)
    with pytest.raises(InputError, match=r"labels=\[1, 7\]: the phases known here are"):
        encoding.encode(np.array([[0, 1, 2, 7, 7]]))


def test_background_must_be_a_phase():
    with pytest.raises(InputError, match=r"background=3: not one of the labels \[0, 1\]"):
        PhaseEncoding({0: "pore", 1: "solid"}, background=3)


def test_one_phase_is_not_a_microstructure():
    with pytest.raises(InputError, match="at least two phases"):
        PhaseEncoding({0: "pore"}, background=0)
