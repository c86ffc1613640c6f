"""One record per descriptor: what is registered is there everywhere, with no other edit."""

import dataclasses
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from microdsd.errors import InputError
from microdsd.evaluation import evaluate
from microdsd.metrics import describe, specimen_fractions
from microdsd.metrics.registry import (
    Descriptor,
    Group,
    Margin,
    Words,
    compared_groups,
    descriptors,
    find,
    groups,
    judged_groups,
    register,
    registered,
)
from microdsd.microstructure import blobs, cut_windows
from microdsd.report import Requirement
from microdsd.report.pages.page import write_report
from microdsd.report.pictures.description import draw_description
from microdsd.report.words.verdict_sentence import difference_words

TABLE = Path(__file__).resolve().parents[2] / ".ci" / "descriptor_table.py"


def measure_void_ratio(request):
    fraction = specimen_fractions(request.ensemble).sel(phase=list(request.phases))
    ratio = (fraction / (1 - fraction)).assign_attrs(units="1", long_name="void ratio")
    return {"void_ratio": ratio}


VOID_RATIO = Group(
    "void",
    measure_void_ratio,
    (
        Descriptor(
            name="void_ratio",
            label="ratio of void to rest",
            definition="volume of the phase over that of all else",
            references="Lambe and Whitman, Soil Mechanics (1969)",
            compared=True,
            margin=Margin(0.05, "mean"),
            words=Words("voids of {phase} are", "too spacious", "too narrow"),
        ),
    ),
)


def measure_survival(request):
    """Curve: a straight fall from the phase fraction to zero."""
    fraction = specimen_fractions(request.ensemble).sel(phase=list(request.phases))
    height = np.arange(request.reach + 1.0)
    fall = xr.DataArray(1 - height / request.reach, dims="height", coords={"height": height})
    return {"survival": (fraction * fall).assign_attrs(units="1", long_name="survival")}


SURVIVAL = Group(
    "survival",
    measure_survival,
    (
        Descriptor(
            name="survival",
            label="survival with height",
            definition="straight fall",
            references="none",
            points="height",
            points_in_voxels=True,
            abscissa="height h",
            drawn=True,
            margin=Margin(0.05, "fall"),
        ),
    ),
)


@pytest.fixture(scope="module")
def sides():
    rock = blobs((128, 128), fractions=(0.3, 0.7), scale=1, rng=0)
    windows = cut_windows(rock, (16, 16), n=48, rng=1)
    return windows[:16], windows[16:]


def evaluated(sides, page):
    generated, real = sides
    evaluation = evaluate(generated, real, periodic=False, rng=0)
    html, numbers = write_report(page, evaluation)
    return evaluation, html.read_text(), json.loads(numbers.read_text())


def test_a_toy_descriptor_appears_everywhere(sides, tmp_path):
    with registered(VOID_RATIO), registered(SURVIVAL):
        found = describe(sides[0], periodic=False)
        fraction = found.phase_fraction.values
        np.testing.assert_allclose(found.void_ratio.values, fraction / (1 - fraction))
        assert found.void_ratio.attrs["definition"] == "volume of the phase over that of all else"
        assert found.void_ratio.attrs["references"] == "Lambe and Whitman, Soil Mechanics (1969)"

        evaluation, page, numbers = evaluated(sides, tmp_path / "with.html")
        verdict = evaluation.verdict
        assert verdict.status == "compared"
        assert verdict.test("void_ratio").margin == 0.05
        assert verdict.test("survival").margin == 0.05
        differences = {d.descriptor: d for d in verdict.descriptors}
        assert "voids of " in difference_words(differences["void_ratio"])
        assert "too " in difference_words(differences["survival"])
        compared = {d.descriptor for d in evaluation.comparison.descriptors}
        assert "void_ratio" in compared
        assert "survival" not in compared

        assert page.count("ratio of void to rest") >= 3  # picture, rows of both tables
        assert "Volume of the phase over that of all else." in page
        assert "survival with height" in page
        assert "height h" in page
        text = json.dumps(numbers)
        assert '"void_ratio"' in text
        assert '"survival"' in text

        assert Requirement.parse("void_ratio<=5%").bound == 0.05
        table = runpy.run_path(str(TABLE))["table"]()
        assert "| `void` | `void_ratio` |" in table
        assert "tested, 5 % (mean)" in table

        draw_description(tmp_path / "curves.svg", found)
        assert "survival with height" in (tmp_path / "curves.svg").read_text()

    assert "void_ratio" not in describe(sides[0], periodic=False, descriptors=judged_groups())
    with pytest.raises(InputError, match="void_ratio"):
        Requirement.parse("void_ratio<=5%")


def test_order_of_groups_and_of_tests_decides_columns_of_reports():
    assert list(groups()) == [
        "fractions", "profiles", "two_point", "two_point_along", "cross_two_point", "cluster",
        "lineal_path", "chords", "local_thickness", "surface", "minkowski", "euler", "components",
        "percolation", "triple_lines", "edge_contacts", "anisotropy", "representativity",
        "pore_network", "network_flow",
    ]  # fmt: skip
    assert [record.name for record in descriptors() if record.tested] == [
        "two_point_probability", "cross_two_point_probability", "anisotropy", "two_point_cluster",
        "lineal_path", "chord_length", "local_thickness", "specific_surface_area",
        "pair_surface_area", "triple_phase_boundary", "interface_density", "euler_density",
        "edge_contacts", "component_count", "largest_component_share", "percolates",
        "pores_per_volume", "coordination_number", "drainage_saturation",
    ]  # fmt: skip
    assert set(compared_groups()) <= set(judged_groups())


def test_every_record_is_whole():
    for record in descriptors():
        assert all((record.label, record.definition, record.references)), record.name
        assert (record.derived_from is None) == (record.derive is None), record.name
        assert record.derived_from is None or find(record.derived_from), record.name
        assert not record.tested or record.words, record.name
        assert not record.compared or record.explanation or record.kind == "curve", record.name
    labels = [record.label for record in descriptors()]
    assert len(set(labels)) == len(labels)


def test_names_are_taken_once():
    with pytest.raises(InputError, match="group 'surface': is registered already"):
        register(dataclasses.replace(VOID_RATIO, name="surface"))
    twin = dataclasses.replace(VOID_RATIO.descriptors[0], name="euler_density")
    with pytest.raises(InputError, match="descriptor 'euler_density' of group 'void'"):
        register(dataclasses.replace(VOID_RATIO, descriptors=(twin,)))
    with pytest.raises(InputError, match="descriptor 'void_ratio' of group 'void'"):
        register(dataclasses.replace(VOID_RATIO, descriptors=2 * VOID_RATIO.descriptors))
    assert "void" not in groups()


def test_a_variable_without_a_record_is_refused():
    nameless = dataclasses.replace(VOID_RATIO, descriptors=())
    with (
        registered(nameless),
        pytest.raises(InputError, match="group 'void': measures 'void_ratio' and has no"),
    ):
        describe(np.eye(4, dtype=int), periodic=False, descriptors="void")


def test_the_table_of_the_docs_is_up_to_date():
    names = runpy.run_path(str(TABLE))
    text = names["PAGE"].read_text()
    assert names["with_table"](text) == text, "run .ci/descriptor_table.py"
