"""Slices of volumes against pictures: directions, independence, answers and refusals."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from microdsd import InputError, evaluate_slices, judge, write_slice_report
from microdsd.evaluation.slice_cutting import independent_spacing, slices_of
from microdsd.evaluation.training_scan import FLATTERS
from microdsd.io import open_labels
from microdsd.metrics import registry
from microdsd.microstructure import as_microstructure, cut_windows, voxel_size_of
from microdsd.report import Requirement, direction_sentence, slice_remarks, slice_sentence

NAMES = {0: "pore", 1: "solid"}
PHI = 0.3


def medium(lengths, shape, n=1, rng=0):
    """Level cuts of smoothed noise with the fraction 0.3 of the pores, as labels (n, ...)."""
    noise = np.random.default_rng(rng).standard_normal((n, *shape))
    field = ndimage.gaussian_filter(noise, (0, *lengths), mode="wrap")
    return (field > np.quantile(field, PHI)).astype(np.uint8)


def material(labels, **facts):
    facts = {"phases": NAMES, "voxel_size": 1e-6, **facts}
    return as_microstructure(labels, ensemble=labels.ndim == 4, **facts)


@pytest.fixture(scope="module", autouse=True)
def without_the_slowest_descriptor():
    group = replace(registry.groups()["local_thickness"], optional=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._groups, "local_thickness", group)
        yield


@pytest.fixture(scope="module")
def flattened():
    """Volumes that are finer along z than along y and x, with a top and a side of the same."""
    volumes = material(medium((0.8, 1.6, 1.6), (20, 20, 20), n=10, rng=1))
    top = medium((0.8, 1.6, 1.6), (8, 160, 160), rng=2)[0, 4]
    side = medium((0.8, 1.6, 1.6), (160, 8, 160), rng=3)[0, :, 4]
    return volumes, material(top), material(side)


@pytest.fixture(scope="module")
def against_the_top(flattened):
    volumes, top, _ = flattened
    return evaluate_slices(volumes, top, windows=30)


def test_rows_of_slices_run_along_the_first_axis_left():
    labels = np.arange(24).reshape(1, 2, 3, 4).astype(np.uint8)
    ms = as_microstructure(
        labels, ensemble=True, voxel_size=(1e-6, 2e-6, 3e-6), phases={k: str(k) for k in range(24)}
    )
    for axis, expected, size in (
        ("z", labels[0], (2e-6, 3e-6)),
        ("y", labels[0].transpose(1, 0, 2), (1e-6, 3e-6)),
        ("x", labels[0].transpose(2, 0, 1), (1e-6, 2e-6)),
    ):
        found = slices_of(ms, axis)
        assert np.array_equal(found.values[0], expected)
        assert voxel_size_of(as_microstructure(found.isel(slice=0, drop=True))).size == size


def test_slices_are_as_far_apart_as_the_correlation_reaches():
    """A field smoothed by 2 voxels: its level cuts correlate by 0.1 at 5.1 voxels."""
    volumes = material(medium((2, 2, 2), (48, 48, 48), n=2))
    assert [independent_spacing(volumes, axis) for axis in "zyx"] == [6, 6, 6]
    finer = material(medium((0.8, 2, 2), (48, 48, 48), n=2))
    assert independent_spacing(finer, "z") < independent_spacing(finer, "x") == 6
    columns = material(np.repeat(medium((1, 1), (16, 16))[:, np.newaxis], 16, axis=1))
    assert independent_spacing(columns, "z") is None


def test_the_number_of_independent_slices_is_what_is_stated(against_the_top):
    by_axis = {d.axis: d for d in against_the_top.directions}
    for axis, direction in by_axis.items():
        assert direction.slices == 10 * (1 + 19 // direction.spacing)
        assert direction.verdict.n_generated <= direction.slices
        assert f"of {direction.slices} slices" in direction_sentence(by_axis[axis])
    assert by_axis["z"].spacing < by_axis["x"].spacing


def test_columns_count_as_one_slice_each():
    column = np.repeat(medium((1, 1), (12, 12), n=3)[:, np.newaxis], 12, axis=1)
    result = evaluate_slices(
        material(column), {"z": material(medium((1, 1), (60, 60))[0])}, windows=12
    )
    assert result.directions[0].slices == result.directions[0].verdict.n_generated == 3
    assert any("correlated over more than half" in text for text in slice_remarks(result))


@pytest.mark.statistics
def test_each_direction_is_judged_by_itself(against_the_top):
    """Finer along z: slices normal to z are like the top, and sides are not."""
    answers = {d.axis: d.verdict.differing for d in against_the_top.directions}
    assert not answers["z"]
    assert answers["y"]
    assert answers["x"]
    direction, difference = against_the_top.worst
    assert direction.axis in "yx"
    sentence = slice_sentence(against_the_top)
    assert sentence.startswith("Slices normal to y and x differ")
    assert f"normal to {direction.axis}: " in sentence
    assert difference.descriptor in {t.name for t in direction.verdict.differing}


@pytest.mark.statistics
def test_a_picture_of_every_direction_finds_an_anisotropic_material_right(flattened):
    volumes, top, side = flattened
    result = evaluate_slices(volumes, {"y": side, "z": top}, windows=40)
    assert [d.axis for d in result.directions] == ["z", "y"]
    assert not any(d.verdict.differing for d in result.directions)
    assert any("normal to x" in text for text in slice_remarks(result))


def test_connectivity_in_3d_is_said_to_be_inferred(against_the_top):
    assert "inferred" in slice_remarks(against_the_top)[0]


def test_directions_share_the_chance_of_a_false_alarm():
    rock = material(medium((1, 1), (120, 120))[0])
    windows = cut_windows(rock, (12, 12), n=60, rng=0)
    alone, shared = (
        judge(windows[:20], windows[20:], periodic=False, rng=0, comparisons=k) for k in (1, 3)
    )
    for one, of_three in zip(alone.tests, shared.tests, strict=True):
        if one.name != "classifier":  # which is shuffled more often
            assert of_three.p_value == one.p_value
            assert of_three.adjusted_p_value == pytest.approx(min(1, 3 * one.adjusted_p_value))
    finest = 1 / (1 + 3 * 499)
    assert len(shared.tests) * 3 * finest < 0.05


def test_page_json_and_requirements(against_the_top, tmp_path):
    html, numbers = write_slice_report(tmp_path / "page.html", against_the_top)
    page = html.read_text(encoding="utf-8")
    document = json.loads(numbers.read_text(encoding="utf-8"))
    assert document["judged"] == "slices"
    assert list(document["directions"]) == ["z", "y", "x"]
    assert document["worst"]["axis"] in "yx"
    assert document["sentence"] in page
    assert "inferred from the pictures" in page
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    differs = Requirement.parse("not-differs").unmet(against_the_top)
    assert "normal to y" in differs
    assert "normal to z" not in differs
    assert "not known" in Requirement.parse("exact").unmet(against_the_top)


def test_windows_smaller_than_slices_are_cut_from_both():
    volumes = material(medium((1, 1, 1), (24, 24, 24), n=2))
    picture = material(medium((1, 1), (80, 80), rng=1)[0])
    result = evaluate_slices(volumes, picture, window=10, windows=16)
    direction = result.directions[0]
    assert direction.evaluation.generated.shape[1:] == (10, 10)
    assert direction.evaluation.windows.shape == (16, 10, 10)
    assert len(direction.evaluation.generated) == 32


def test_what_training_saw_of_the_picture_is_left_out_or_said():
    volumes = material(medium((1, 1, 1), (10, 10, 10), n=2))
    picture = material(medium((1, 1), (120, 60), rng=1)[0])
    digest = open_labels(picture).sha256()
    for held_back, flatters in ((0.5, None), (0.05, FLATTERS)):
        training = {"data_sha256": digest, "data_shape": [120, 60], "held_back": held_back}
        known = as_microstructure(volumes, provenance={"training": training})
        result = evaluate_slices(known, {"z": picture})
        assert result.flatters == flatters
        assert len(result.directions[0].evaluation.windows) == (36 if flatters is None else 72)


OTHERS = {0: "a", 1: "b"}
VOLUME = material(medium((1, 1, 1), (16, 16, 16)))
PICTURE = material(medium((1, 1), (64, 64))[0])


@pytest.mark.parametrize(
    ("generated", "reference", "arguments", "words"),
    [
        (VOLUME, material(medium((1, 1), (64, 64))[0], voxel_size=2e-6), {}, "voxels measure"),
        (
            VOLUME,
            material(medium((1, 1), (64, 64))[0], phases={0: "a", 1: "b"}),
            {},
            "agree neither",
        ),
        (VOLUME, material(medium((1, 1), (12, 64))[0]), {}, "smaller than the slices normal to z"),
        (VOLUME, material(medium((1, 1), (32, 32))[0]), {}, "holds 4 windows of 16 × 16"),
        (VOLUME, material(medium((1, 1), (12, 12))[0]), {}, "take a larger picture"),
        (VOLUME, PICTURE, {"window": 17}, "larger than the slices"),
        (VOLUME, PICTURE, {"window": (8, 8, 8)}, "one per axis of a slice"),
        (VOLUME, {"w": PICTURE}, {}, "name the axes"),
        (VOLUME, VOLUME, {}, "is a volume"),
        (PICTURE, PICTURE, {}, "is plane"),
        (VOLUME, PICTURE, {"margins": {"surfeit": 0.1}}, "no test is called"),
        (VOLUME, PICTURE, {"phase": "clay"}, "no phase 'clay'"),
    ],
)
def test_refusals(generated, reference, arguments, words):
    with pytest.raises(InputError, match=words):
        evaluate_slices(generated, reference, **arguments)


def test_the_window_that_is_proposed_fits():
    small = material(medium((1, 1), (40, 50))[0])
    with pytest.raises(InputError) as refusal:
        evaluate_slices(VOLUME, {"z": small})
    window = int(re.search(r"window=(\d+)", str(refusal.value))[1])
    assert window == 12
    assert (40 // 12) * (50 // 12) >= 12 > (40 // 13) * (50 // 13)
    result = evaluate_slices(VOLUME, {"z": small}, window=window)
    assert len(result.directions[0].evaluation.windows) == 12
