"""When is DSD worth it: Gaussian fields, Yeong-Torquato and a model on one unseen test block.

    python workflows/benchmarks/baselines.py berea-2d --picture docs/images/baselines-berea-2d.png
    python workflows/benchmarks/baselines.py berea-3d --sweeps 30
    python workflows/benchmarks/baselines.py nmc-3d --samples 12 --sweeps 15 --curves cross-s2.png

All three know the training block alone and generate at the fractions of the same test windows.
The second set of test windows ("real-real") gives the scale. Needs the scans (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import xarray as xr
from berea_fidelity import SAMPLES, TEST_BLOCK, TRAINING_BLOCK, block_windows
from electrode_fidelity import ELECTRODES
from record import add_record_option, record

from microdsd import GaussianField, MicrostructureModel, YeongTorquato, describe, judge
from microdsd.evaluation import two_point_error
from microdsd.microstructure import as_microstructure, phases_of, voxel_size_of
from microdsd.report import figure_png, slice_panels
from microdsd.report.pictures.style import (
    ACCENT,
    REAL,
    REAL_BAND,
    LengthScale,
    blank_figure,
    figure_style,
)

TRAINING_WINDOWS = {2: 256, 3: 128}
MEASURED = (
    "fractions", "two_point", "cross_two_point", "lineal_path", "surface", "euler", "components",
    "percolation",
)  # fmt: skip
STYLES = {
    "Gaussian field": ("#b23a16", ":"),
    "Yeong-Torquato": ("#94742f", "--"),
    "DSD": (ACCENT, "-"),
}


def windows(name: str, n: int | None) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Windows of the training block, and two disjoint sets of the test block."""
    ndim = 2 if name.endswith("2d") else 3
    if name.startswith("berea"):
        window, number = {2: (64, 64), 3: (32, 32, 32)}[ndim], n or SAMPLES[ndim]
        test = block_windows(TEST_BLOCK, window, 2 * SAMPLES[ndim])
        train = block_windows(TRAINING_BLOCK, window, TRAINING_WINDOWS[ndim], disjoint=False)
    else:
        electrode = ELECTRODES[ndim]
        number = n or electrode.n
        test = electrode.windows(electrode.test, 2 * electrode.n)
        train = electrode.windows(electrode.training, 48, disjoint=False)
    half = len(test) // 2
    return train, test[:number], test[half : half + number]


def figures(made: xr.Dataset, real: xr.Dataset) -> dict[str, float]:
    """Errors of mean curves, summed over phases, and scalars of the first phase."""
    lags = made.sizes["distance"] * 3 // 4

    def error(curve: str) -> float:
        found, expected = (
            d[curve].mean("sample").transpose("phase", ...).values[..., :lags] for d in (made, real)
        )
        pairs = zip(found, expected, strict=True)
        return float(np.mean([two_point_error(a, b) for a, b in pairs]))

    row = {"S2 error": error("two_point_probability"), "L error": error("lineal_path")}
    if "cross_two_point_probability" in real:
        pairs = real.pair.values.tolist()
        curves = [
            [d.cross_two_point_probability.sel(pair=p).mean("sample").values[:lags] for p in pairs]
            for d in (made, real)
        ]
        errors = [two_point_error(a, b) for a, b in zip(*curves, strict=True)]
        row["cross-S2 error"] = float(np.mean(errors))
    for k, phase in zip(made.phase.values, made.phase_name.values.tolist(), strict=True):
        of = made.sel(phase=k).mean("sample")
        row[f"surface {phase}"] = float(of.specific_surface_area)
        row[f"components {phase}"] = float(of.component_count)
        row[f"Euler {phase}"] = float(of.euler_characteristic)
        row[f"percolates {phase}"] = float(of.percolates.mean())
    return row


def cross_curves(real: xr.Dataset, made: dict[str, xr.Dataset]) -> bytes:
    """Picture of the cross-S2 of every pair of phases: real band and mean, one line per method."""
    scale = LengthScale.fitting(float(real.distance[-1]), str(real.attrs["unit"]))
    x = real.distance.values * scale.factor
    pairs = real.pair.values.tolist()
    titles = [" and ".join(two) for two in combinations(real.phase_name.values.tolist(), 2)]
    with figure_style():
        figure = blank_figure(3.1 * len(pairs), 2.7)
        panels = figure.subplots(1, len(pairs))
        for axes, pair, title in zip(panels, pairs, titles, strict=True):
            of_real = real.cross_two_point_probability.sel(pair=pair)
            band = of_real.quantile((0.05, 0.95), "sample").values
            axes.fill_between(x, *band, color=REAL_BAND, lw=0, label="real, 5–95 % of windows")
            axes.plot(x, of_real.mean("sample"), color=REAL, lw=2.4, label="real, mean")
            for name, described in made.items():
                curve = described.cross_two_point_probability.sel(pair=pair).mean("sample")
                colour, dashes = STYLES[name]
                axes.plot(x, curve, color=colour, ls=dashes, label=name)
            axes.set(title=title, xlabel=f"distance / {scale.symbol}", xlim=(0, x[-1]))
            axes.set_ylim(bottom=0)
        figure.axes[0].set(ylabel="S2 of two phases")
        figure.axes[0].legend(loc="lower right")
        figure.tight_layout()
        return figure_png(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="berea-2d, berea-3d, sofc-2d or nmc-3d")
    parser.add_argument("--samples", type=int)
    parser.add_argument("--sweeps", type=float, default=100)
    add_record_option(parser)
    parser.add_argument("--picture", type=Path, help="slices of the first samples of each")
    parser.add_argument("--curves", type=Path, help="cross-S2, of three phases and more")
    parser.add_argument("--methods", nargs="+", choices=("real-real", *STYLES), help="not all")
    options = parser.parse_args()

    train, first, second = windows(options.model, options.samples)
    real = describe(first, periodic=False, descriptors=MEASURED)
    asked = {int(k): real.phase_fraction.sel(phase=k).values.tolist() for k in real.phase}
    n = len(first)

    def gaussian_field() -> xr.DataArray:
        return GaussianField.fit(train, symmetry="isotropic", periodic=False).sample(
            n, phase_fraction=asked, rng=0
        )

    def yeong_torquato() -> xr.DataArray:
        return YeongTorquato.fit(train, symmetry="isotropic", periodic=False).sample(
            n, phase_fraction=asked, sweeps=options.sweeps, rng=0
        )

    def dsd() -> xr.DataArray:
        model = MicrostructureModel.load(options.model)
        return model.sample(n, phase_fraction=asked, shape=first.shape[1:], rng=0)

    methods: dict[str, Callable[[], xr.DataArray]] = {
        "real-real": lambda: second,
        "Gaussian field": gaussian_field,
        "Yeong-Torquato": yeong_torquato,
        "DSD": dsd,
    }
    methods = {k: make for k, make in methods.items() if k in (options.methods or methods)}
    rows, shown = {"real": figures(real, real)}, [first.values[:4]]
    described: dict[str, xr.Dataset] = {}
    print(f"{options.model}: {n} windows of {first.shape[1:]}")
    print("real", rows["real"], flush=True)
    for name, make in methods.items():
        wall, cpu = time.perf_counter(), time.process_time()
        made = make()
        seconds = [(time.perf_counter() - wall) / n, (time.process_time() - cpu) / n]
        described[name] = describe(made, periodic=False, descriptors=MEASURED)
        rows[name] = figures(described[name], real)
        rows[name] |= {"seconds": seconds[0], "CPU seconds": seconds[1]}
        verdict = judge(made, first, periodic=False, rng=0)
        rows[name] |= verdict.counts()
        print(name, rows[name], [test.name for test in verdict.differing], flush=True)
        if name != "real-real":
            shown.append(made.values[:4])
    if options.curves:
        described.pop("real-real", None)
        options.curves.write_bytes(cross_curves(real, described))
    record("baselines", options.record, rows)
    if options.picture:
        grid = as_microstructure(
            np.concatenate(shown),
            phases=phases_of(first),
            voxel_size=voxel_size_of(first).size,
            ensemble=True,
        )
        options.picture.write_bytes(figure_png(slice_panels(grid, count=16, columns=4)))


if __name__ == "__main__":
    main()
