"""Capacity against rate of several sets in one figure."""

import numpy as np
import pytest
import xarray as xr

from microdsd.report.pictures.discharge_picture import discharge_picture
from microdsd.report.pictures.style import figure_png


def discharges(samples, capacity):
    """Two rates; discharge curves are straight lines from 4 to 3 V."""
    full = np.broadcast_to(np.array(capacity, dtype=float), (samples, 2))
    share = np.linspace(0, 1, 11)
    return xr.Dataset(
        {
            "capacity": (("sample", "rate"), full),
            "discharged": (("sample", "rate", "step"), full[..., None] * share),
            "voltage": (
                ("sample", "rate", "step"),
                np.where(full[..., None] > 0, 4 - share, np.nan),
            ),
        },
        coords={"rate": [0.1, 2.0]},
    )


@pytest.fixture(scope="module")
def figure():
    return discharge_picture({"real": discharges(3, [50, 40]), "generated": discharges(1, [45, 0])})


def test_capacity_of_every_set_in_milliampere_hours(figure):
    capacity, _ = figure.axes
    real, generated = capacity.get_lines()
    assert real.get_ydata().tolist() == pytest.approx([5, 4])
    assert generated.get_ydata().tolist() == pytest.approx([4.5, 0])
    labels = [text.get_text() for text in capacity.get_legend().get_texts()]
    assert labels == ["real, 3 samples", "generated, 1 sample"]
    assert real.get_color() != generated.get_color()


def test_no_curve_of_what_does_not_discharge(figure):
    _, voltage = figure.axes
    ends = [float(line.get_xdata()[-1]) for line in voltage.get_lines()]
    assert ends == pytest.approx([5, 4, 4.5])


def test_it_can_be_written(figure):
    assert figure_png(figure, dpi=50).startswith(b"\x89PNG")


def test_a_set_that_failed_throughout_leaves_a_gap():
    broken = discharges(2, [np.nan, np.nan])
    figure = discharge_picture({"real": discharges(2, [50, 40]), "broken": broken})
    assert np.isnan(figure.axes[0].get_lines()[1].get_ydata()).all()
