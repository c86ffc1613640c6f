import math
import re

import pytest

from microdsd.datasets import dataset_info, list_datasets
from microdsd.datasets.registry import data_folder
from microdsd.errors import InputError

each_set = pytest.mark.parametrize("info", list_datasets(), ids=lambda i: i.name)


def test_the_four_main_sets_are_there():
    assert {
        "berea_sandstone",
        "fontainebleau_sandstone",
        "nmc_cathode_cbd",
        "sofc_anode_2d",
    } <= {info.name for info in list_datasets()}


@each_set
def test_entries_are_complete_and_consistent(info):
    assert info.title
    assert info.source
    assert info.licence
    assert info.origin in {"measured", "partly computed", "computed"}
    assert re.fullmatch("[0-9a-f]{64}", info.sha256)
    assert info.url is None or info.url.startswith("https://")
    assert list(info.labels) == sorted(info.labels) == list(info.fractions)
    assert math.isclose(sum(info.fractions.values()), 1, abs_tol=2e-4)
    assert len(info.shape) in (2, 3)
    assert info.voxel_size is None or 1e-9 < info.voxel_size < 1e-3
    assert info.voxel_size_note


@each_set
def test_every_set_has_a_card_that_agrees(info):
    card = (data_folder() / "cards" / f"{info.folder}.md").read_text(encoding="utf-8")
    row = next(line for line in card.splitlines() if line.startswith(f"| `{info.name}` |"))
    assert " x ".join(map(str, info.shape)) in row
    for label, phase in info.labels.items():
        assert f"{phase} ({label}, {info.fractions[label]:.4f})" in row
    assert info.licence in card
    assert info.doi is None or info.doi in card


def test_unknown_sets_are_named_with_those_that_exist():
    with pytest.raises(InputError, match=r"'granite'.*berea_sandstone"):
        dataset_info("granite")
