"""Figures leave no trace in matplotlib, repeat to the byte, and refuse what they cannot draw."""

import subprocess
import sys
import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.microstructure import as_microstructure, blobs
from microdsd.report import (
    curve_bands,
    figure_png,
    figure_svg,
    isosurface_picture,
    orthogonal_slices,
    slice_panels,
    sweep_grid,
    training_curves,
)
from microdsd.report.pictures.style import LengthScale, phase_colours


@pytest.fixture(scope="module")
def plane():
    return blobs((20, 30), fractions=(0.3, 0.4, 0.3), scale=2, rng=0)


@pytest.fixture(scope="module")
def stack():
    samples = [blobs((12, 12), fractions=(0.3, 0.7), scale=2, rng=i).values for i in range(5)]
    return as_microstructure(np.stack(samples), ensemble=True, voxel_size=2e-6)


@pytest.fixture(scope="module")
def volume():
    return blobs((8, 10, 12), fractions=(0.3, 0.7), scale=2, rng=0)


def test_figures_leave_pyplot_and_the_settings_alone(plane):
    before = dict(mpl.rcParams)
    figure_svg(slice_panels(plane), name="a", label="b")
    assert dict(mpl.rcParams) == before
    code = (
        "import numpy, sys, microdsd.report as r;"
        "assert 'matplotlib' not in sys.modules;"
        "r.figure_png(r.slice_panels(numpy.eye(4, dtype=int)));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_equal_figures_are_equal_bytes(stack):
    svg = [figure_svg(slice_panels(stack), name="x", label="y") for _ in range(2)]
    png = [figure_png(slice_panels(stack), dpi=50) for _ in range(2)]
    assert svg[0] == svg[1]
    assert png[0] == png[1]


def test_svg_is_xml_with_its_own_identifiers_and_a_label(plane):
    root = ET.fromstring(figure_svg(slice_panels(plane), name="first", label='a "b" & <c>'))
    assert root.get("aria-label") == 'a "b" & <c>'
    named = [element.get("id") for element in root.iter() if element.get("id")]
    assert named
    assert all(name.startswith("first-") for name in named)
    assert len(named) == len(set(named))


def test_the_number_of_tiles_is_that_asked_for(stack):
    assert len(slice_panels(stack, count=4).axes) == 4
    assert len(slice_panels(stack, count=40).axes) == 5


def test_tiles_hold_the_labels_in_the_colours_of_the_phases(plane):
    axes = slice_panels(plane).axes[0]
    picture = np.asarray(axes.images[0].get_array())
    assert picture.shape[0] % plane.shape[0] == 0
    shown = picture[:: picture.shape[0] // 20, :: picture.shape[1] // 30]
    for label, colour in phase_colours({0: "phase 0", 1: "phase 1", 2: "phase 2"}).items():
        expected = mpl.colors.to_rgb(colour.fill)
        assert np.allclose(shown[plane.values == label], expected)


def test_the_scale_bar_has_the_length_it_states(stack):
    figure = slice_panels(stack, count=1)  # 24 µm wide
    (bar,) = figure.artists
    (text,) = (t.get_text() for t in figure.texts)
    assert text == "5 µm"
    width = float(np.ptp(bar.get_xdata())) * figure.get_figwidth()
    tile = figure.axes[0].get_position().width * figure.get_figwidth()
    assert width / tile == pytest.approx(5 / 24, abs=0.01)


def test_orthogonal_slices_keep_one_scale_in_all_three(volume):
    figure = orthogonal_slices(volume)
    sizes = [axes.get_position().size * figure.get_size_inches() for axes in figure.axes]
    shapes = [(12, 10), (12, 8), (10, 8)]
    scales = [size / shape for size, shape in zip(sizes, shapes, strict=True)]
    assert np.allclose(scales, scales[0][0])


def test_the_surface_picture_names_the_edges(volume):
    figure = isosurface_picture(volume, phase="phase 1")
    assert {t.get_text() for t in figure.axes[0].texts} == {
        "x = 12 voxels",
        "y = 10 voxels",
        "z = 8 voxels",
    }


def test_surface_pictures_need_one_volume(plane, stack):
    for wrong in (plane, stack):
        with pytest.raises(InputError, match="one sample in three"):
            isosurface_picture(wrong)


def test_a_series_has_a_column_per_composition(stack):
    figure = sweep_grid({"0.1": stack, "0.2": stack}, rows=3)
    assert len(figure.axes) == 6
    assert {"0.1", "0.2"} <= {t.get_text() for t in figure.texts}


def test_a_series_of_mixed_dimensions_is_refused(stack, volume):
    with pytest.raises(InputError, match="dimensions"):
        sweep_grid({"a": stack, "b": volume})
    with pytest.raises(InputError, match="at least one column"):
        sweep_grid({})


def test_curves_are_drawn_from_the_numbers_given():
    x, real = np.arange(4.0), np.array([0.4, 0.3, 0.2, 0.16])
    figure = curve_bands(
        x,
        real=real,
        generated=real + 0.01,
        real_band=(real - 0.1, real + 0.1),
        generated_band=(real - 0.05, real + 0.05),
        colour=phase_colours({0: "pore"})[0],
        xlabel="r",
        ylabel="S2",
        level=0.16,
    )
    drawn = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    assert np.array_equal(drawn["real, mean"], real)
    assert np.array_equal(drawn["generated, mean"], real + 0.01)
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend[:2] == ["real, mean", "generated, mean"]


def test_training_curves_bridge_what_was_not_measured():
    figure = training_curves([0, 1, 2], {"a": [0.1, np.nan, 0.3]}, ylabel="gain")
    assert figure.axes[0].lines[0].get_xdata().tolist() == [0, 2]


@pytest.mark.parametrize(
    ("extent", "text"),
    [(384e-6, "384 µm"), (2.5e-3, "2.5 mm"), (4e-7, "400 nm"), (1.0, "1 m")],
)
def test_lengths_read_well(extent, text):
    assert LengthScale.fitting(extent, "m").text(extent) == text
