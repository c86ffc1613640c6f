"""Values that a page reads from its figures: those that the lines were drawn from."""

import numpy as np

from microdsd.report.pictures.curves import curve_bands
from microdsd.report.pictures.differences import intervals_in_margins
from microdsd.report.pictures.readings import readings
from microdsd.report.pictures.style import ACCENT_COLOUR, blank_figure

X = np.linspace(0, 8, 9)


def test_bands_are_read_with_their_curves():
    real = np.exp(-X)
    figure = curve_bands(
        X,
        real=real,
        generated=0.9 * real,
        real_band=(0.8 * real, 1.2 * real),
        generated_band=(0.7 * real, 1.1 * real),
        colour=ACCENT_COLOUR,
        xlabel="r",
        ylabel="S",
        level=0.1,
    )
    (plot,) = readings(figure)
    assert plot["shared"]
    factors = {
        "real, mean": 1.0,
        "generated, mean": 0.9,
        "real, 5 %": 0.8,
        "real, 95 %": 1.2,
        "generated, 5 %": 0.7,
        "generated, 95 %": 1.1,
    }
    curves = {curve["name"]: curve for curve in plot["curves"]}
    assert set(curves) == set(factors)
    for name, factor in factors.items():
        assert np.allclose(curves[name]["y"], factor * real, rtol=1e-6)
        assert np.allclose(curves[name]["x"], X)


def test_the_place_of_the_axes_is_that_of_the_drawing():
    figure = blank_figure(4, 2)
    axes = figure.add_axes((0.25, 0.1, 0.5, 0.8))
    axes.plot([1, 10, 100], [1, np.nan, 3], label="loss")
    axes.plot([1, 100], [0, 0])  # no label: a guide, not data
    axes.set(xscale="log", xlim=(1, 100), ylim=(0, 4), xlabel="minutes")
    (plot,) = readings(figure)
    assert plot["box"] == [72.0, 14.4, 216.0, 129.6]
    assert plot["x"] == {"label": "minutes", "limits": [1.0, 100.0], "log": True}
    (curve,) = plot["curves"]
    assert curve["y"] == [1.0, None, 3.0]


def test_intervals_beyond_the_frame_keep_their_values():
    for width in (7.4, 3.7):
        figure = intervals_in_margins(
            ["a", "b"], [5.5, None], [(2.0, 9.0), None], ["differs", "cannot tell"], width=width
        )
        (plot,) = readings(figure)
        assert plot["y"]["names"] == ["a", "b"]
        values = {curve["name"]: curve["x"] for curve in plot["curves"]}
        assert values == {"interval": [2.0, 9.0], "difference": [5.5]}


def test_a_figure_without_curves_has_nothing_to_read():
    figure = blank_figure(2, 2)
    figure.add_axes((0, 0, 1, 1)).imshow(np.zeros((4, 4)))
    assert readings(figure) == []
