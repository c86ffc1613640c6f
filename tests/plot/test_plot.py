"""Figures of `microdsd.plot`: what they hold, where they are drawn, and what they refuse."""

import os
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

import microdsd
from microdsd.errors import InputError
from microdsd.microstructure import as_microstructure, blobs
from microdsd.report.pictures.style import phase_colours

mpl.use("agg")

NAMES = {0: "pore", 1: "solid"}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def planes():
    samples = [blobs((16, 24), fractions=(0.3, 0.7), scale=2, rng=i).values for i in range(14)]
    return as_microstructure(np.stack(samples), ensemble=True, phases=NAMES, voxel_size=2e-6)


@pytest.fixture(scope="module")
def volume():
    labels = blobs((8, 10, 12), fractions=(0.3, 0.5, 0.2), scale=2, rng=0).values
    return as_microstructure(labels, phases={0: "pore", 1: "grain", 2: "binder"}, voxel_size=1e-6)


@pytest.fixture(scope="module")
def evaluation(planes):
    return microdsd.evaluate(planes[:12], planes, windows=14)


def test_slices_show_every_label_in_its_colour(planes):
    colours = phase_colours(NAMES)
    picture = microdsd.plot.slices(planes, count=1).images[0].get_array()
    for label in NAMES:
        there = picture[planes.values[0] == label]
        assert (there == to_rgb(colours[label].fill)).all()


@pytest.mark.parametrize(
    ("count", "columns", "shape"), [(1, 3, (1, 1)), (5, 3, (2, 3)), (99, 4, (4, 4))]
)
def test_slices_lie_in_rows(planes, count, columns, shape):
    axes = microdsd.plot.slices(planes, count=count, columns=columns)
    right, bottom = axes.images[0].get_extent()[1:3]
    gap = 2e-6 if min(count, len(planes)) > 1 else 0  # of one voxel
    assert right == pytest.approx(shape[1] * (24 * 2e-6 + gap) - gap)
    assert bottom == pytest.approx(shape[0] * (16 * 2e-6 + gap) - gap)


@pytest.mark.parametrize(
    ("axis", "cut"), [("z", np.s_[4]), ("y", np.s_[:, 5]), ("x", np.s_[..., 6])]
)
def test_slices_of_a_volume_are_normal_to_the_axis(volume, axis, cut):
    picture = microdsd.plot.slices(volume, axis=axis).images[0].get_array()
    pore = to_rgb(phase_colours({0: "pore", 1: "grain", 2: "binder"})[0].fill)
    np.testing.assert_array_equal((picture == pore).all(-1), volume.values[cut] == 0)


def test_a_voxel_twice_as_high_is_drawn_so():
    ms = as_microstructure(np.eye(4, dtype=int), voxel_size=(2e-6, 1e-6))
    left, right, bottom, top = microdsd.plot.slices(ms).images[0].get_extent()
    assert (right - left, bottom - top) == pytest.approx((4e-6, 8e-6))


def test_all_draw_into_given_axes(planes, volume, evaluation):
    described = microdsd.describe(planes, periodic=False, descriptors=["two_point"])
    drawers = [
        lambda ax: microdsd.plot.slices(planes, ax=ax),
        lambda ax: microdsd.plot.phases(volume, ax=ax),
        lambda ax: microdsd.plot.curves(described, ax=ax),
        lambda ax: microdsd.plot.two_point(evaluation, ax=ax),
        lambda ax: microdsd.plot.comparison(evaluation, ax=ax),
        lambda ax: planes.microdsd.plot(ax=ax),
    ]
    figure, grid = plt.subplots(2, 3)
    before = dict(mpl.rcParams)
    assert [draw(ax) is ax for draw, ax in zip(drawers, grid.ravel(), strict=True)] == [True] * 6
    assert plt.get_fignums() == [figure.number]
    assert dict(mpl.rcParams) == before
    assert all(ax.has_data() for ax in grid.ravel())


def test_two_point_starts_at_the_fraction(planes, evaluation):
    described = microdsd.describe(planes, periodic=False, descriptors=["two_point"])
    pore, solid = microdsd.plot.curves(described).lines
    assert (pore.get_ydata()[0], solid.get_ydata()[0]) == pytest.approx((0.3, 0.7), abs=0.003)
    axes = microdsd.plot.two_point(evaluation, "solid")
    means = [line for line in axes.lines if "mean" in str(line.get_label())]
    assert [line.get_ydata()[0] for line in means] == pytest.approx([0.7, 0.7], abs=0.003)
    assert axes.get_xlabel() == "distance r (µm)"


def test_several_phases_are_drawn_at_once(volume):
    pytest.importorskip("pyvista")
    axes = microdsd.plot.phases(volume, ["pore", "binder"])
    assert [text.get_text() for text in axes.get_legend().texts] == ["pore", "binder"]
    picture = np.asarray(axes.images[0].get_array()).astype(int)
    coloured = picture.reshape(-1, 3)[np.ptp(picture.reshape(-1, 3), axis=1) > 60]
    blue = coloured[:, 2] > coloured[:, 0]
    assert 0.02 < blue.mean() < 0.98


def test_what_cannot_be_drawn_is_refused(planes, volume, evaluation):
    plot = microdsd.plot
    for wrong, message in [
        (lambda: plot.slices(planes, count=0), "at least one"),
        (lambda: plot.slices(volume, axis="w"), "choose one of z, y, x"),
        (lambda: plot.phases(planes), "draw it with plot.slices"),
        (lambda: plot.phases(volume, sample=1), "there are samples 0 to 0"),
        (lambda: plot.phases(volume, "glass"), "glass"),
        (lambda: plot.two_point(evaluation, "glass"), "there are: pore, solid"),
        (lambda: plot.comparison(microdsd.judge(planes[:2], planes, periodic=False)), "Too few"),
        (lambda: planes.microdsd.plot("curves"), "choose one of slices, phases"),
    ]:
        with pytest.raises(InputError, match=message):
            wrong()
    described = microdsd.describe(planes, periodic=False, descriptors=["surface"])
    with pytest.raises(InputError, match=r"measure e\.g\. the group"):
        plot.curves(described)


def test_the_accessor_measures_and_writes(volume, tmp_path):
    fractions = volume.microdsd.phase_fractions()
    np.testing.assert_array_equal(fractions, microdsd.phase_fractions(volume))
    surface = volume.microdsd.describe(periodic=False, descriptors=["surface"])
    assert "specific_surface_area" in surface
    volume.microdsd.to_vti(tmp_path / "a.vti")
    assert (tmp_path / "a.vti").stat().st_size > 100


def test_a_backend_that_makes_pyplot_interactive_stays_so(tmp_path):
    """That of notebooks does when it is loaded, and shows figures only while it is."""
    (tmp_path / "notebook_backend.py").write_text(
        "import matplotlib\n"
        "from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas\n"
        "matplotlib.interactive(True)\n"
    )
    code = (
        "import numpy, matplotlib, microdsd\n"
        "microdsd.plot.slices(numpy.eye(4, dtype=int))\n"
        "assert matplotlib.is_interactive()"
    )
    environment = {
        **os.environ,
        "MPLBACKEND": "module://notebook_backend",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
    }
    subprocess.run([sys.executable, "-c", code], env=environment, timeout=120, check=True)


@pytest.mark.parametrize(
    ("function", "remedy"),
    [
        (lambda ms: microdsd.plot.curves(ms), "microdsd.describe"),
        (lambda ms: microdsd.plot.two_point(ms, "pore"), "plot.curves"),
        (lambda ms: microdsd.plot.comparison(ms), "microdsd.evaluate"),
        (lambda ms: microdsd.plot.sweep(ms), "microdsd.evaluate_sweep"),
        (lambda ms: microdsd.write_report("a.html", ms), "microdsd.evaluate"),
        (lambda ms: microdsd.write_slice_report("a.html", ms), "microdsd.evaluate_slices"),
        (lambda ms: microdsd.write_sweep_report("a.html", ms), "microdsd.evaluate_sweep"),
    ],
)
def test_labels_in_place_of_results_are_refused_with_the_way_there(
    function, remedy, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    ms = microdsd.as_microstructure(np.eye(8, dtype=np.uint8), phases={0: "pore", 1: "solid"})
    with pytest.raises(microdsd.InputError, match=remedy):
        function(ms)
    assert not any(tmp_path.iterdir())
