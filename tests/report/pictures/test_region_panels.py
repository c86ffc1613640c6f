import io

import matplotlib.image
import numpy as np
import pytest

from microdsd.errors import InputError
from microdsd.microstructure import as_microstructure
from microdsd.report.pictures.region_panels import region_panels
from microdsd.report.pictures.style import figure_png


def plane(shape, region=None):
    ms = as_microstructure(np.zeros(shape, int), phases={0: "pore", 1: "solid"})
    return ms if region is None else ms.assign_coords(region=(ms.dims, region))


def red(figure):
    """Places of the pixels that are more red than blue by far: neither phase, text nor paper."""
    pixels = matplotlib.image.imread(io.BytesIO(figure_png(figure, dpi=200)))
    return np.nonzero(pixels[..., 0] - pixels[..., 2] > 0.2)


def test_borders_run_between_regions_and_nowhere_else():
    region = np.zeros((10, 20), int)
    region[:, 10:] = -1
    rows, columns = red(region_panels({"a": plane((10, 20), region)}))
    assert len(np.unique(rows)) > 700
    assert abs(columns.mean() / 1440 - 0.5) < 0.01
    assert np.ptp(columns) <= 4
    assert not len(red(region_panels({"a": plane((10, 20))}))[0])


def test_tiles_share_a_scale():
    figure = region_panels({"small": plane((8, 8)), "large": plane((16, 24))})
    small, large = (axes.get_position() for axes in figure.axes)
    assert small.width * 3 == pytest.approx(large.width)
    assert small.height * 2 == pytest.approx(large.height)


@pytest.mark.parametrize("tiles", [{}, {"a": plane((4, 4, 4))}])
def test_planes_alone(tiles):
    with pytest.raises(InputError, match="planes alone"):
        region_panels(tiles)
