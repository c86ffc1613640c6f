"""References of descriptors, and the methods paragraph that cites them."""

import re

import numpy as np
import pytest

from microdsd.evaluation import evaluate
from microdsd.metrics.registry import descriptors
from microdsd.microstructure import as_microstructure, blobs, cut_windows
from microdsd.report.words.methods import methods_paragraph
from microdsd.report.words.references import known, reference_of


def windows(rng, n):
    rock = as_microstructure(
        blobs((96, 96), fractions=(0.3, 0.7), scale=1.5, rng=rng), phases={0: "pore", 1: "solid"}
    )
    return cut_windows(rock, (16, 16), n=n, rng=rng)


def test_every_descriptor_of_the_package_has_its_reference():
    missing = {record.references for record in descriptors()} - {""}
    missing = {source for source in missing if reference_of(source) is None}
    assert missing == set()


def test_entries_are_whole_and_apart():
    entries = known()
    assert len({entry.key for entry in entries}) == len(entries)
    assert all(entry.bibtex.count("{") == entry.bibtex.count("}") for entry in entries)
    assert all(re.search(r"\(\d{4}\)\.$", entry.text) for entry in entries)


def test_a_source_without_entry_is_no_error():
    assert reference_of("doi:10.1000/none") is None
    assert reference_of("Lambe and Whitman, Soil Mechanics (1969)") is None


@pytest.mark.parametrize("n", [1, 12])
def test_the_paragraph_says_what_was_done(n):
    new = windows(1, n)
    counts = (new.values == 0).sum(axis=(1, 2))
    asked = {"pore": counts.tolist(), "solid": (256 - counts).tolist()}
    record = {"method": "bridges", "seed": 7, "requested_counts": asked}
    evaluation = evaluate(as_microstructure(new, provenance=record), windows(2, 16))
    methods = methods_paragraph(evaluation)
    assert "16 × 16 voxels" in methods.text
    assert "by Discrete Spatial Diffusion, with learned potentials and exact bridges [1]" in (
        methods.text
    )
    assert "exactly the requested number of voxels" in methods.text
    assert ("Holm's method" in methods.text) == (evaluation.verdict.status == "compared")
    cited = {
        int(k) for group in re.findall(r"\[([\d, ]+)\]", methods.text) for k in group.split(",")
    }
    assert cited == set(range(1, len(methods.references) + 1))
    assert "2505.01917" in methods.references[0].link
    assert methods.bibtex.count("@") == len(methods.references)


def test_samples_of_another_tool_are_not_said_to_be_generated_by_ours():
    ones = as_microstructure(np.eye(8, dtype=np.uint8), phases={0: "pore", 1: "solid"})
    methods = methods_paragraph(evaluate(ones, ones))
    assert methods.text.startswith("One microstructure of 8 × 8 voxels")
    assert "was examined." in methods.text
    assert "generated" not in methods.text
