import numpy as np
import pytest
import torch

from microdsd.encoding import Composition, IntensityEncoding, PhaseEncoding
from microdsd.errors import InputError

ENCODING = PhaseEncoding({9: "metal", 4: "clay", 2: "pore"}, background=4)


def test_tables_are_in_the_order_of_the_labels_whatever_that_of_the_names():
    assert ENCODING.names == ("pore", "clay", "metal")
    composition = Composition.from_fractions(
        ENCODING, {"metal": (0.1, 0.2), "pore": (0.4, 0.5)}, 50, n=2
    )
    assert composition.counts.tolist() == [[[20, 25, 5]], [[25, 15, 10]]]
    assert composition.record()["requested_counts"] == {
        "pore": [20, 25],
        "clay": [25, 15],
        "metal": [5, 10],
    }


@pytest.mark.parametrize("background", [2, 4, 9])
def test_walkers_have_the_background_first_and_back(background):
    encoding = PhaseEncoding(ENCODING.phases, background)
    labels = np.array([2, 4, 4, 9, 9, 9])
    table = torch.tensor([1, 2, 3])  # voxels of each label
    ours = encoding.to_species(table)
    assert ours.tolist() == torch.bincount(encoding.numbered(labels)).tolist()
    assert encoding.walkers(table).tolist() == encoding.encode(labels[None]).sum((0, 2)).tolist()
    assert encoding.from_species(ours).equal(table)
    assert encoding.decode(encoding.numbered(labels)).tolist() == labels.tolist()
    field = table.view(1, 3, 1).expand(2, 3, 5)
    assert encoding.from_species(encoding.to_species(field, 1), 1).equal(field)


def test_regions_hold_what_is_nearest_in_each_and_the_whole_is_their_sum():
    fractions = {"pore": [0.25, 0.5], 9: [0.3, 0.3]}
    composition = Composition.from_regions(ENCODING, fractions, np.array([10, 20]), 3)
    assert composition.counts.tolist() == [[[3, 4, 3], [10, 4, 6]]] * 3
    assert composition.whole.tolist() == [[13, 8, 9]] * 3
    assert composition.fractions["clay"] == (8 / 30,) * 3
    assert composition.record(regions=True)["requested_region_counts"]["pore"] == [[3, 10]] * 3


def test_a_region_that_cannot_be_is_named():
    with pytest.raises(InputError, match=r"region 1: phase_fraction\['pore'\]=1.5"):
        Composition.from_regions(
            ENCODING, {"pore": [0.2, 1.5], "clay": [0.1, 0.1]}, np.array([9, 9]), 1
        )


def test_what_is_known_is_no_longer_to_be_made():
    whole = Composition.from_fractions(ENCODING, {"metal": (0.1,), "pore": (0.4,)}, 50, n=1)
    rest = whole.completing(np.array([20, 0, 4]))
    assert rest.counts.tolist() == [[[0, 25, 1]]]
    assert rest.whole.tolist() == whole.whole.tolist()
    with pytest.raises(InputError, match=r"5 voxels of metal .* holds 6; .* 0.12 to 1 of metal"):
        whole.completing(np.array([0, 0, 6]))


def test_channels_have_walkers_for_every_unit_and_no_background():
    encoding = IntensityEncoding(("red", "blue"), 5)
    composition = Composition.from_fractions(encoding, {"blue": (1.0,), "red": (3.5,)}, 8, n=1)
    assert composition.names == ("red", "blue")
    assert composition.whole.tolist() == [[28, 8]]
    assert encoding.walkers(torch.tensor([28, 8])).tolist() == [28, 8]
