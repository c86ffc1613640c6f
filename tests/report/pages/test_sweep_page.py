"""The page of a sweep: its numbers by hand, well-formed, self-contained."""

import json

import numpy as np
import pytest
from test_page import Page

from microdsd.errors import DataFileError, InputError
from microdsd.evaluation import evaluate_sweep
from microdsd.metrics import connected_components, describe
from microdsd.microstructure import as_microstructure, blobs, phase_counts
from microdsd.report import write_sweep_report
from microdsd.report.pages.sweep_page import sweep_headline, sweep_subline

PORE = [0.2, 0.3, 0.4]
NAMES = {0: "pore", 1: "solid", 2: "<b>clay</b>"}


def series(*, phases=2, n=2, paired=True, shape=(16, 16), **record):
    """Samples at rising pore fractions; in a paired one, pores only grow."""
    samples = [
        blobs(
            shape,
            fractions=(pore, 1 - pore) if phases == 2 else (pore, 0.9 - pore, 0.1),
            scale=1.5,
            rng=i if paired else 10 * i + int(100 * pore),
        ).values
        for pore in PORE
        for i in range(n)
    ]
    names = {label: NAMES[label] for label in range(phases)}
    ms = as_microstructure(np.stack(samples), phases=names, voxel_size=2e-6, ensemble=True)
    counts = phase_counts(ms).values
    provenance = {
        "requested_fractions": {"pore": np.repeat(PORE, n).tolist()},
        "requested_counts": {name: counts[:, k].tolist() for k, name in names.items()},
        "streams": list(range(n)) * len(PORE) if paired else list(range(n * len(PORE))),
        "trained_fractions": {"pore": [0.25, 0.5]},
        "notes": ["one thing to know"],
        **record,
    }
    return as_microstructure(ms, provenance=provenance)


@pytest.fixture(scope="module")
def scan():
    rock = blobs((64, 64), fractions=(0.3, 0.7), scale=1.5, rng=7)
    return as_microstructure(rock, phases={0: "pore", 1: "solid"}, voxel_size=2e-6)


@pytest.fixture(scope="module")
def measured(scan):
    return evaluate_sweep(series(), scan, windows=12)


def column(evaluation, descriptor, phase=None):
    (found,) = (c for c in evaluation.columns if (c.descriptor, c.phase) == (descriptor, phase))
    return found


def test_columns_are_the_descriptors_of_every_sample_and_window(measured):
    components = connected_components(measured.generated, phase="pore", periodic=False).number
    assert column(measured, "component_count", "pore").generated == tuple(
        components.values.tolist()
    )
    of_real = describe(measured.windows, periodic=False)
    spans = of_real.percolates.sel(phase=1).mean("axis").values
    assert column(measured, "percolates", "solid").real == tuple(spans.tolist())
    assert len(measured.real_fraction) == 12
    assert not any(c.descriptor == "phase_fraction" for c in measured.columns)


def test_means_are_those_of_each_fraction(measured):
    area = column(measured, "specific_surface_area")
    expected = np.reshape(area.generated, (3, 2)).mean(axis=1)
    np.testing.assert_allclose(measured.mean(area), expected)


def test_steps_between_nested_samples_change_only_what_they_must(measured):
    """Cuts of one field at rising levels: exactly the added pores differ."""
    assert measured.paired
    assert [(step.start, step.stop) for step in measured.steps] == [(0.2, 0.3), (0.3, 0.4)]
    counts = phase_counts(measured.generated).values[::2, 0]
    for step, added in zip(measured.steps, np.diff(counts), strict=True):
        assert step.changed == step.least == pytest.approx(added / 16**2)
    assert sweep_subline(measured).startswith("Paired")


def test_unpaired_samples_change_more_and_it_is_said():
    loose = evaluate_sweep(series(paired=False))
    assert not loose.paired
    assert all(step.changed > 2 * step.least for step in loose.steps)
    assert sweep_subline(loose).startswith("Not paired")


def test_what_does_not_exist_is_none():
    empty = as_microstructure(
        np.ones((2, 6, 6), dtype=int),
        phases={0: "pore", 1: "solid"},
        ensemble=True,
        provenance={"requested_fractions": {"pore": [0.0, 0.01]}},
    )
    share = column(evaluate_sweep(empty), "largest_component_share", "pore")
    assert share.generated == (None, None)


def test_page_and_numbers(measured, tmp_path):
    html, numbers = write_sweep_report(tmp_path / "sweep.html", measured)
    page = Page(html.read_text(encoding="utf-8"))
    assert len(page.ids) == len(set(page.ids))
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert "One thing to know." in page.text
    assert "6 samples at 3 fractions of the pore phase, 0.2 to 0.4, carry exactly" in page.text
    assert "0.25 to 0.5 of the training windows" in page.text
    assert "12 windows of the real material" in page.text
    plain = json.loads(numbers.read_text(encoding="utf-8"))
    assert plain["fractions"] == PORE
    assert plain["trained_fractions"] == [0.25, 0.5]
    assert len(plain["descriptors"]) == len(measured.columns)
    with pytest.raises(DataFileError, match="exists"):
        write_sweep_report(tmp_path / "sweep.html", measured)


def test_three_phases_without_a_reference(tmp_path):
    evaluation = evaluate_sweep(series(phases=3, trained_fractions={}))
    html, _ = write_sweep_report(tmp_path / "sweep.html", evaluation)
    text = html.read_text(encoding="utf-8")
    assert "triple-phase boundary" in text
    assert "<b>clay" not in text
    assert "of the training windows" not in text
    assert "windows of the real material" not in text


def test_wrong_counts_are_not_called_exact(measured):
    labels = measured.generated.copy(deep=True)
    labels[0, 0, 0] = 1 - labels[0, 0, 0]
    assert "not all" in sweep_headline(evaluate_sweep(labels))


@pytest.mark.parametrize("fractions", [{}, {"pore": [0.3, 0.3], "solid": [0.7, 0.7]}])
def test_samples_that_are_no_sweep_are_refused(fractions):
    ms = as_microstructure(
        np.zeros((2, 6, 6), dtype=int),
        phases={0: "pore", 1: "solid"},
        ensemble=True,
        provenance={"requested_fractions": fractions},
    )
    with pytest.raises(InputError, match="no series"):
        evaluate_sweep(ms)
