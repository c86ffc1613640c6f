"""Objects show themselves in a line, and in notebooks as HTML."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from tiny_models import tiny_model

import microdsd
from microdsd.generation.request import GenerationRequest
from microdsd.microstructure import as_microstructure, blobs
from microdsd.notebooks import Listing


def parsed(html):
    """The HTML as a tree: every tag closed, everything escaped."""
    return ET.fromstring(f"<div>{html}</div>")


@pytest.fixture(scope="module")
def planes():
    samples = [blobs((16, 16), fractions=(0.3, 0.7), scale=2, rng=i).values for i in range(14)]
    phases = {0: "pore", 1: "<b>solid"}
    return as_microstructure(np.stack(samples), ensemble=True, phases=phases)


@pytest.fixture(scope="module")
def evaluation(planes):
    return microdsd.evaluate(planes[:12], planes, windows=14)


def test_results_are_lines(evaluation):
    assert repr(evaluation).startswith(
        "<evaluation of 12 samples of 16 x 16 against 14 real windows: of "
    )
    assert repr(evaluation).endswith("; no counts requested>")
    assert repr(evaluation.verdict).startswith("<verdict on 12 samples against 14 real windows: ")
    assert repr(evaluation.comparison).startswith("<comparison of 12 samples of 16 x 16 with 14")


def test_results_are_pages_that_escape_names(evaluation):
    page = evaluation._repr_html_()
    text = "".join(parsed(page).itertext())
    assert "Of " in text
    assert "generated samples" in text
    assert page.count("<svg") == 4
    identifiers = [
        e.get("id") for e in parsed(page + evaluation._repr_html_()).iter() if e.get("id")
    ]
    assert len(set(identifiers)) == len(identifiers)
    assert "<b>solid" in "".join(parsed(evaluation.comparison._repr_html_()).itertext())
    assert parsed(evaluation.verdict._repr_html_()).find(".//{*}svg") is not None


def test_too_few_samples_are_a_page_without_a_comparison(planes):
    few = microdsd.evaluate(planes[:2], planes, windows=4)
    assert "too few" in repr(few)
    assert few._repr_html_().count("<svg") == 2


def test_models_and_requests_say_what_they_are():
    model = tiny_model()
    assert repr(model).startswith(f"<model: {len(model.card.window)}D, ")
    assert "window" in "".join(parsed(model._repr_html_()).itertext())
    request = GenerationRequest.resolve(
        model.card, 2, phase_fraction={"pore": 0.25}, shape=[8] * len(model.card.window), rng=3
    )
    total = 8 ** len(model.card.window)
    assert f"pore {total // 4:,}, " in repr(request)
    assert repr(request).endswith("seed 3>")
    assert "network calls" in "".join(parsed(request._repr_html_()).itertext())
    uneven = GenerationRequest.resolve(
        model.card, 2, phase_fraction={"pore": [0.2, 0.3]}, shape=[8] * len(model.card.window)
    )
    assert "others differ" in repr(uneven)


@pytest.mark.parametrize("listed", [microdsd.list_models, microdsd.list_datasets])
def test_lists_are_tables(listed):
    items = listed()
    lines = repr(items).splitlines()
    assert len(lines) == len(items) + 1
    assert all(line.startswith(item.name) for line, item in zip(lines[1:], items, strict=True))
    assert len(parsed(items._repr_html_()).findall(".//tbody/tr")) == len(items)
    assert repr(Listing([])) == "[]"


def test_arrays_have_the_accessor_whoever_imports_xarray_first():
    for first, second in (("microdsd", "xarray"), ("xarray", "microdsd")):
        code = (
            f"import {first}, {second}, json, sys, xarray, numpy\n"
            "ms = xarray.DataArray(numpy.eye(4, dtype=int), dims=('y', 'x'))\n"
            "fractions = ms.microdsd.phase_fractions().values.ravel().tolist()\n"
            "json.dump([fractions, 'matplotlib' in sys.modules], sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stderr) == [[0.75, 0.25], False]
