"""The page: well-formed, self-contained, safe, equal to its numbers."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from microdsd.errors import DataFileError, InputError
from microdsd.evaluation import evaluate
from microdsd.evaluation.comparison import compare
from microdsd.microstructure import as_microstructure, blobs, cut_windows, phase_counts, phases_of
from microdsd.report import headline, verdict_sentence, write_report

EVIL = '<script>alert("x")</script> & pore'
VOID = {"meta", "link", "br", "img"}


class Page(HTMLParser):
    """Checks nesting, collects identifiers, addresses and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.addresses, self.links, self.scripts = [], [], [], [], []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag == "script":
            self.scripts.append(dict(attrs))
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if tag == "a" and name == "href" and not value.startswith("#"):
                self.links.append(value)
            elif name in {"src", "href", "xlink:href", "action", "data", "srcset", "poster"}:
                self.addresses.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.text += data


def material(shape, n, fractions, names, rng, window):
    medium = blobs(shape, fractions=fractions, scale=1.5, rng=rng)
    medium = as_microstructure(medium, phases=dict(enumerate(names)), voxel_size=2e-6)
    return cut_windows(medium, window, n=n, rng=rng)


def requested(ms):
    counts = phase_counts(ms).values
    names = phases_of(ms).values()
    asked = {name: counts[:, k].tolist() for k, name in enumerate(names)}
    return as_microstructure(ms, provenance={"requested_counts": asked, "seed": 7})


@pytest.fixture(scope="module")
def plane():
    two = {"fractions": (0.3, 0.7), "names": ("pore", "solid"), "window": (16, 16)}
    new = requested(material((64, 64), 6, rng=1, **two))
    return evaluate(new, material((96, 96), 16, rng=2, **two), rng=5)


@pytest.fixture(scope="module")
def volume():
    three = {"fractions": (0.3, 0.4, 0.3), "names": (EVIL, "active", "binder")}
    new = material((24, 24, 24), 4, rng=1, window=(12, 12, 12), **three)
    return evaluate(new, material((36, 36, 36), 10, rng=2, window=(12, 12, 12), **three))


def written(evaluation, folder, **options):
    html, numbers = write_report(folder / "report.html", evaluation, **options)
    return html.read_text(encoding="utf-8"), json.loads(numbers.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def flat_page(plane, tmp_path_factory):
    return written(plane, tmp_path_factory.mktemp("flat"))


@pytest.fixture(scope="module")
def deep_page(volume, tmp_path_factory):
    return written(volume, tmp_path_factory.mktemp("deep"))


@pytest.mark.parametrize("page", ["flat_page", "deep_page"])
def test_the_page_is_well_formed_and_loads_nothing(page, request):
    text, _ = request.getfixturevalue(page)
    parsed = Page(text)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert all(address.startswith(("#", "data:")) for address in parsed.addresses)
    assert all(link.startswith(("https://doi.org/", "https://arxiv.org/")) for link in parsed.links)
    assert not any("src" in script for script in parsed.scripts)
    kinds = [script["type"] for script in parsed.scripts]
    assert kinds.count("module") == 1
    assert set(kinds) == {"module", "application/json"}
    assert not re.search(r"@import|url\((?!#)", text)
    inside = {address[1:] for address in parsed.addresses if address.startswith("#")}
    assert inside | set(re.findall(r"url\(#([^)]+)\)", text)) <= set(parsed.ids)


def test_names_of_phases_cannot_break_out(deep_page):
    text, numbers = deep_page
    assert "<script>alert" not in text
    assert text.count("<script") == len(Page(text).scripts)
    assert EVIL in Page(text).text
    assert EVIL in numbers["phases"].values()


def test_the_numbers_are_those_of_compare(plane, flat_page):
    _, numbers = flat_page
    generator = np.random.default_rng(5)
    again = compare(plane.generated, plane.windows, periodic=False, rng=generator)
    assert numbers["comparison"] == json.loads(json.dumps(again.to_dict()))
    assert numbers["comparison"]["n_generated"] == 6


def test_the_page_states_the_numbers_of_the_json(flat_page):
    text, numbers = flat_page
    shown = Page(text).text
    pore = numbers["comparison"]["two_point"][0]
    assert f"{pore['error']:.3f} (two real sets: {pore['real_real_median']:.3f})" in shown
    counts = numbers["composition"]["phases"][0]["achieved_counts"]
    assert f"{min(counts)} – {max(counts)}" in shown


def test_the_verdict_comes_first(plane, flat_page):
    text, numbers = flat_page
    assert Page(text).text.index(verdict_sentence(plane.verdict)) < Page(text).text.index(
        "Composition"
    )
    assert numbers["verdict"]["sentence"] == verdict_sentence(plane.verdict)
    assert numbers["verdict"]["n_generated"] == 6
    assert numbers["verdict"]["status"] == "too few"


def test_the_headline_counts_what_is_exact(plane):
    assert headline(plane).startswith("All 6 samples carry exactly the requested counts. S₂ error")
    labels = plane.generated.copy(deep=True)
    labels[2, 0, 0] = 1 - labels[2, 0, 0]
    wrong = evaluate(labels, plane.windows)
    assert wrong.exact is False
    assert headline(wrong).startswith("1 of 6 samples do not carry the requested counts.")


def test_without_a_request_nothing_is_claimed(volume, deep_page):
    assert volume.exact is None
    assert headline(volume).startswith("The file records no requested composition.")
    assert "✓" not in deep_page[0]


def test_volumes_are_drawn_as_solids_and_planes(flat_page, deep_page):
    assert 'aria-label="planes, real"' in deep_page[0]
    assert 'aria-label="planes, real"' not in flat_page[0]
    assert deep_page[0].count("normal to z") >= 2


def test_three_phases_have_cross_curves_and_triple_lines(flat_page, deep_page):
    shown, few = Page(deep_page[0]).text, Page(flat_page[0]).text
    for text in ("every pair of phases", "triple-phase boundary", "two points at distance r one"):
        assert text in shown
        assert text not in few
    assert 'aria-label="S2, active-binder"' in deep_page[0]
    curves = [curve["phase"] for curve in deep_page[1]["comparison"]["two_point"]]
    assert curves[-1] == "active-binder"
    assert len(curves) == 6


def test_the_same_evaluation_gives_the_same_bytes(plane, flat_page, tmp_path):
    assert written(plane, tmp_path) == flat_page


def test_one_sample_and_one_window_are_enough_for_a_page(tmp_path):
    one = as_microstructure(np.eye(8, dtype=np.uint8), phases={0: "pore", 1: "solid"})
    evaluation = evaluate(one, one)
    text, numbers = written(evaluation, tmp_path)
    Page(text)
    assert verdict_sentence(evaluation.verdict).startswith("Too few to tell")
    assert verdict_sentence(evaluation.verdict) in Page(text).text
    assert numbers["reference_windows"] == 1
    assert numbers["comparison"]["two_point"][0]["error"] == 0


def test_a_phase_that_does_not_occur_can_be_reported(tmp_path):
    ones = as_microstructure(np.ones((3, 8, 8), int), phases={0: "pore", 1: "solid"}, ensemble=True)
    Page(written(evaluate(ones, ones), tmp_path)[0])


def test_chosen_phases_come_first_and_others_are_left_out(volume, tmp_path):
    evaluation = evaluate(volume.generated, volume.windows, phase=["binder", 1])
    assert evaluation.phases == (2, 1)
    assert "the binder phase" in headline(evaluation)
    with pytest.raises(InputError, match="no phase 'clay'"):
        evaluate(volume.generated, volume.windows, phase=["clay"])
    with pytest.raises(InputError, match="phase: is empty"):
        evaluate(volume.generated, volume.windows, phase=[])


def test_a_training_log_adds_its_section(plane, tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("step,minutes,loss,gain_0.5\n1,0.1,-0.1,\n2,0.2,-0.2,0.3\n")
    text, _ = written(plane, tmp_path, training_log=log)
    assert "Gain on validation windows" in Page(text).text


@pytest.mark.parametrize("existing", ["report.html", "report.json"])
def test_nothing_is_overwritten_unasked(plane, tmp_path, existing):
    (tmp_path / existing).write_text("mine")
    with pytest.raises(DataFileError, match="exists"):
        write_report(tmp_path / "report.html", plane)
    assert [p.name for p in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_text() == "mine"
    write_report(tmp_path / "report.html", plane, overwrite=True)
    assert (tmp_path / existing).read_text() != "mine"


def test_an_interrupt_leaves_no_file(plane, tmp_path, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("microdsd.report.pages.illustrations.pictures", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_report(tmp_path / "report.html", plane)
    assert list(tmp_path.iterdir()) == []


def test_other_suffixes_are_refused(plane, tmp_path):
    with pytest.raises(InputError, match=r"\.html"):
        write_report(tmp_path / "report.json", plane)
