"""The page in a real browser: what is read, turned, stepped through, saved, and how it looks.

The browser is Chromium of the system (Debian: chromium), without a window and without a graphics
unit. Where there is none, the tests are skipped.
"""

import base64
import csv
import gzip
import html
import io
import json
import re
import shutil
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from test_page import EVIL, material
from test_sweep_page import series

from microdsd.evaluation import evaluate, evaluate_sweep
from microdsd.microstructure import as_microstructure, phases_of
from microdsd.report import write_report, write_sweep_report
from microdsd.report.pages.packed_volumes import packed_pair
from microdsd.report.pictures.style import phase_colours, rgb

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
LIMIT = 3_000_000
NAMES = (EVIL, "active material", "binder")
SHAPE = (12, 14, 16)
"""Voxels of a sample: no two axes alike."""


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
            timeout=120_000,
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def tabs(browser):
    """Open tabs, and what the browser complained of in any of them."""
    opened, complaints = {}, []

    def open_tab(file, width, theme, before, options):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, **options
        )
        page = context.new_page()
        page.set_default_timeout(100_000)
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on(
            "console",
            lambda entry: entry.type in {"error", "warning"} and complaints.append(entry.text),
        )
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:", "blob:"))
                or complaints.append(f"request: {request.url}")
            ),
        )
        if before:
            page.add_init_script(before)
        page.goto(file.as_uri())
        return page

    def find(file, width=1400, theme="light", before=None, **options):
        key = (file, width, theme, before, *options.items())
        if key not in opened:
            opened[key] = open_tab(file, width, theme, before, options)
        return opened[key]

    return find, complaints


@pytest.fixture
def visit(tabs):
    """Open a file; whatever the browser complains of fails the test."""
    find, complaints = tabs
    yield find
    assert complaints == []


@pytest.fixture(scope="module")
def evaluation():
    """Three phases in 3D, enough of both sides for a verdict."""
    medium = {"fractions": (0.3, 0.4, 0.3), "names": NAMES, "window": SHAPE}
    new = material((36, 42, 48), 10, rng=1, **medium)
    return evaluate(new, material((36, 42, 48), 12, rng=2, **medium))


@pytest.fixture(scope="module")
def report(evaluation, tmp_path_factory):
    page, _ = write_report(tmp_path_factory.mktemp("browser") / "report.html", evaluation)
    return page


@pytest.fixture(scope="module")
def numbers(report):
    return json.loads(report.with_suffix(".json").read_text())


def live(page):
    page.locator("#volumes").scroll_into_view_if_needed()
    page.wait_for_selector("#slices.is-live")
    return page


def hover(page, selector, across=0.5, down=0.5):
    drawn = page.locator(selector).first
    drawn.scroll_into_view_if_needed()
    box = drawn.bounding_box()
    page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])


def shown(value):
    """Write a number as the page does: four digits, and a minus that is one."""
    text = f"{value:.4g}"
    return (f"{float(text):g}" if "e" not in text else text).replace("-", "−")


def tip_values(page):
    tip = page.locator(".tip")
    names, values = (tip.locator(part).all_inner_texts() for part in ("dt", "dd"))
    return tip.locator("b").inner_text(), dict(zip(names, values, strict=True))


def saved(page, button):
    with page.expect_download() as download:
        button.click()
    return download.value.suggested_filename, download.value.path().read_text(encoding="utf-8")


def test_values_under_the_pointer_are_those_of_the_json(visit, report, numbers):
    page = visit(report)
    curve = numbers["comparison"]["two_point"][1]
    selector = 'svg[aria-label="S2, active material, all directions"]'
    hover(page, selector)
    heading, values = tip_values(page)
    factor = 1e6  # µm
    index = [shown(d * factor) for d in curve["distance"]].index(heading.rpartition(" ")[2])
    assert 0 < index < len(curve["distance"]) - 1
    assert values == {
        name: shown(curve[key][index])
        for name, key in {
            "real, 5 %": "real_low",
            "real, 95 %": "real_high",
            "generated, 5 %": "generated_low",
            "generated, 95 %": "generated_high",
            "real, mean": "real_mean",
            "generated, mean": "generated_mean",
        }.items()
    }
    assert page.locator(f"{selector} .marks circle").count() == 6
    page.mouse.move(5, 5)
    assert page.locator(".tip").is_hidden()


def test_keys_read_values_too(visit, report, numbers):
    page = visit(report)
    distances = [shown(d * 1e6) for d in numbers["comparison"]["two_point"][1]["distance"]]
    page.locator('svg[aria-label="S2, active material, all directions"]').focus()
    places = []
    for key in ("ArrowLeft", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
        places.append(distances.index(tip_values(page)[0].rpartition(" ")[2]))
    assert np.diff(places).tolist() == [1, 1, -1]
    page.keyboard.press("Escape")
    assert page.locator(".tip").is_hidden()


@pytest.mark.parametrize(("width", "variant"), [(1400, "wide"), (420, "narrow")])
def test_every_row_of_the_verdict_can_be_read(visit, report, numbers, width, variant):
    page = visit(report, width=width)
    drawn = page.locator(f".{variant}-screen svg")
    assert drawn.is_visible()
    drawn.focus()
    for difference in numbers["verdict"]["descriptors"]:
        page.keyboard.press("ArrowDown")
        heading, values = tip_values(page)
        test = next(t for t in numbers["verdict"]["tests"] if t["name"] == difference["descriptor"])
        if test["difference"] is None or test["interval"] is None:
            assert values == {}
        else:
            assert values["difference"] == shown(test["difference"] / test["margin"])
    assert (
        heading
        == page.locator(".cards .what").nth(len(numbers["verdict"]["descriptors"]) - 1).inner_text()
    )


def picture(page, selector):
    """Return the pixels of a canvas, RGBA."""
    address = page.locator(selector).evaluate("canvas => canvas.toDataURL()")
    png = base64.b64decode(address.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def settled(page, side):
    """Return the view of a volume when nothing moves any more, RGBA from 0 to 1.

    How many pixels a view has depends on the speed of the machine; here all have as many.
    """
    selector = f'[data-side="{side}"] .view canvas'
    before, now = None, picture(page, selector)
    while before is None or before.shape != now.shape or (before != now).any():
        page.wait_for_timeout(400)
        before, now = now, picture(page, selector)
    return np.asarray(Image.fromarray(now).resize((95, 95), Image.Resampling.BOX)) / 255


def test_volumes_turn_together(visit, report):
    page = live(visit(report, width=420))
    sides = ("real", "generated")
    before = [settled(page, side) for side in sides]
    for pixels in before:
        drawn = pixels[..., 3] == 1
        assert 0.2 < drawn.mean() < 0.9
        assert len(np.unique(pixels[drawn], axis=0)) > 10
    assert np.abs(before[0] - before[1]).mean() > 0.01
    hover(page, '[data-side="real"] .view')
    page.mouse.down()
    page.mouse.move(250, 300, steps=3)
    page.mouse.up()
    for old, side in zip(before, sides, strict=True):
        assert np.abs(settled(page, side) - old).mean() > 0.03
    page.locator('[data-side="real"] .view').press("Home")
    for old, side in zip(before, sides, strict=True):
        assert np.abs(settled(page, side) - old).mean() < 0.01


def test_phases_are_shown_and_hidden_and_a_corner_cut(visit, report):
    page = live(visit(report, width=420))
    boxes = page.locator("#volumes input[type=checkbox]")
    assert page.locator("#volumes .controls label").all_inner_texts()[:3] == list(NAMES)
    assert [boxes.nth(i).is_checked() for i in range(4)] == [False, True, True, False]
    areas = []
    for i, wanted in ((0, True), (1, False), (2, False), (0, False)):
        boxes.nth(i).set_checked(wanted)
        areas.append(settled(page, "generated")[..., 3].mean())
    three, two, one, none = areas
    assert three > two > one > none == 0
    for i in range(3):
        boxes.nth(i).set_checked(True)
    whole = settled(page, "generated")
    boxes.nth(3).set_checked(True)
    cut = settled(page, "generated")
    assert np.array_equal(whole[..., 3] > 0.5, cut[..., 3] > 0.5)
    assert np.abs(whole - cut).mean() > 0.002


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_are_those_of_the_labels(visit, report, evaluation, axis):
    page = live(visit(report))
    place = SHAPE[axis] - 2
    page.locator("#slices input[type=range]").nth(axis).fill(str(place))
    assert f"{place + 1} of {SHAPE[axis]}" in page.locator("#slices output").nth(axis).inner_text()
    colours = phase_colours(phases_of(evaluation.generated), evaluation.phases[0])
    pixels = picture(page, f'#slices [data-side="generated"] .plane:nth-child({axis + 1}) canvas')
    labels = np.full(pixels.shape[:2], -1)
    for label, colour in colours.items():
        labels[(pixels[..., :3] == np.round(255 * np.array(rgb(colour.fill)))).all(axis=-1)] = label
    assert np.array_equal(labels, evaluation.generated.values[0].take(place, axis=axis))


def test_a_click_moves_the_other_slices(visit, report):
    page = live(visit(report))
    before = page.locator("#slices input").first.input_value()
    hover(page, '#slices [data-side="real"] .plane:nth-child(1) canvas', 0.99, 0.01)
    page.mouse.down()
    page.mouse.up()
    values = [page.locator("#slices input").nth(i).input_value() for i in range(3)]
    assert values == [before, "0", str(SHAPE[2] - 1)]
    heading = page.locator(".tip b").inner_text()
    assert heading in NAMES


def brightness(colour):
    """Return the relative luminance of a computed colour, as WCAG defines it."""
    channels = np.array([float(c) for c in re.findall(r"[\d.]+", colour)[:3]]) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


COLOURS = """() => {
  const colour = (selector) => getComputedStyle(document.querySelector(selector)).color;
  const drawn = (selector, kind) => [
    ...new Set(
      [...document.querySelectorAll(selector)].map((part) => getComputedStyle(part)[kind]),
    ),
  ];
  return {
    paper: getComputedStyle(document.body).backgroundColor,
    text: ["h1", ".headline", ".subline", "figcaption", ".contents a", "a", ".defs dd"].map(colour),
    labels: drawn("figure svg text", "fill"),
    lines: drawn("figure svg path", "stroke").filter((stroke) => stroke.startsWith("rgb(")),
  };
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_is_legible_in_both_themes(visit, report, theme):
    page = visit(report, theme=theme)
    colours = page.evaluate(COLOURS)
    paper = brightness(colours["paper"])
    assert (paper < 0.05) == (theme == "dark")

    def contrast(colour):
        low, high = sorted([paper, brightness(colour)])
        return (high + 0.05) / (low + 0.05)

    assert min(map(contrast, colours["text"])) >= 4.5
    assert min(map(contrast, colours["labels"])) >= 4.5
    assert len(colours["lines"]) >= 6
    assert max(map(contrast, colours["lines"])) > 8
    page.get_by_role("button", name="Light" if theme == "dark" else "Dark").click()
    assert (brightness(page.evaluate(COLOURS)["paper"]) < 0.05) == (theme == "light")


@pytest.mark.parametrize("width", [420, 1400])
def test_nothing_is_wider_than_the_screen_and_the_verdict_comes_first(
    visit, report, numbers, width
):
    page = live(visit(report, width=width))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    headline = page.locator(".headline")
    assert headline.inner_text() == numbers["verdict"]["sentence"]
    box = headline.bounding_box()
    assert box["y"] + box["height"] < 900
    figures = page.locator("figure, table, .contents li").all()
    later = [part.bounding_box() for part in figures if part.is_visible()]
    if width == 420:
        assert min(part["y"] for part in later) > box["y"]
    cards = page.locator(".cards tr").nth(1)
    assert cards.locator(".verdict").bounding_box()["x"] < width - 60


def test_a_figure_is_saved_as_it_is_shown(visit, report, numbers):
    page = live(visit(report))
    figure = page.locator("figure", has=page.locator('svg[aria-label^="S2, active material, all"]'))
    name, text = saved(page, figure.get_by_role("button", name="CSV"))
    assert re.fullmatch(r"report-figure-\d+\.csv", name)
    rows = list(csv.DictReader(io.StringIO(text)))
    curve = numbers["comparison"]["two_point"][1]
    values = [
        float(row["y"])
        for row in rows
        if row["panel"] == "active material, all directions" and row["curve"] == "real, mean"
    ]
    assert np.allclose(values, curve["real_mean"], rtol=1e-6)
    assert {row["y is"] for row in rows} == {"S₂(r)"}
    name, text = saved(page, figure.get_by_role("button", name="SVG"))
    picture = ElementTree.fromstring(text)
    assert name.endswith(".svg")
    assert len(picture.findall("{http://www.w3.org/2000/svg}svg")) == 3
    assert "var(" not in text
    assert "active material, all directions" in "".join(picture.itertext())


def test_the_view_of_a_volume_is_saved(visit, report):
    page = live(visit(report, width=420))
    _, text = saved(page, page.locator("#volumes").get_by_role("button", name="SVG"))
    images = ElementTree.fromstring(text).findall("{http://www.w3.org/2000/svg}image")
    assert len(images) == 2
    assert all(image.get("href").startswith("data:image/png") for image in images)


def test_numbers_tables_and_references_are_saved(visit, report, numbers):
    page = visit(report)
    name, text = saved(page, page.get_by_role("button", name="JSON"))
    assert name == "report.json"
    assert json.loads(text) == numbers
    _, text = saved(page, page.locator("#verdict .caption + .tools button").first)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(numbers["verdict"]["tests"])
    assert [row["answer"] for row in rows][:3] == [
        test["answer"] for test in numbers["verdict"]["tests"]
    ][:3]
    _, text = saved(page, page.locator("#methods").get_by_role("button", name="BibTeX"))
    assert "@book{torquato2002random," in text


def test_without_scripts_the_page_is_a_document(visit, report):
    page = visit(report, java_script_enabled=False)
    assert page.locator('svg[aria-label="planes, real"]').is_visible()
    assert page.locator("button, input, canvas").count() == 0
    assert not page.locator("figcaption .live").first.is_visible()


WITHOUT_WEBGL = """
const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind === "webgl2" ? null : get.call(this, kind, ...rest);
};
"""


def test_without_webgl_the_still_pictures_stay(visit, report):
    page = live(visit(report, before=WITHOUT_WEBGL))
    assert page.locator("#volumes .still svg").first.is_visible()
    assert page.locator("#volumes .view").count() == 0
    assert page.locator("#slices canvas").first.is_visible()


def test_the_page_is_small_and_lets_nothing_in(report):
    text = report.read_text(encoding="utf-8")
    assert len(text.encode()) < LIMIT
    assert "default-src 'none'" in html.unescape(text)


def test_noise_that_is_too_large_for_the_page_is_thinned_and_not_averaged():
    noise = np.random.default_rng(0).integers(0, 6, (128, 128, 120)).astype(np.uint8)
    volume = as_microstructure(noise, phases={i: f"phase {i}" for i in range(6)})
    data, stride = packed_pair(volume, volume, 0)
    assert stride == 2
    assert len(data) < LIMIT / 2
    packed = json.loads(re.search(r">(\{.*\})<", data)[1])["real"]
    labels = np.frombuffer(gzip.decompress(base64.b64decode(packed["labels"])), np.uint8)
    assert np.array_equal(labels.reshape(packed["shape"]), noise[::2, ::2, ::2])


def test_the_page_of_a_sweep_is_read_and_saved(visit, tmp_path):
    file, numbers = write_sweep_report(tmp_path / "sweep.html", evaluate_sweep(series()))
    page = visit(file, width=420)
    hover(page, 'svg[aria-label$="against the fraction of pore"]')
    assert "fraction of pore" in tip_values(page)[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    _, text = saved(page, page.get_by_role("button", name="JSON"))
    assert text == numbers.read_text(encoding="utf-8")
