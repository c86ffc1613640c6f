"""How close generated Berea sandstone is to a test block that training never saw.

    python workflows/benchmarks/berea_fidelity.py berea-2d --evaluations 16 32 --seeds 3
    python workflows/benchmarks/berea_fidelity.py berea-3d --evaluations 8 16 --seeds 3

Two disjoint sets of real windows are cut from the test block. Samples are generated at the
first set's own porosities and compared with it, and so are, for scale: the second set
("real-real"), many other pairs of disjoint sets of test windows (median and 90 % quantile), and
windows of the training block picked to have the first set's porosities: what a model that knew
its training block perfectly would get. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import xarray as xr
from record import add_record_option, record

from microdsd import MicrostructureModel
from microdsd.datasets import load_dataset
from microdsd.evaluation import two_point_error
from microdsd.metrics import describe
from microdsd.metrics.registry import compared_groups
from microdsd.microstructure import coarsen, crop, cut_windows

TRAINING_BLOCK, TEST_BLOCK = (0, 104), (136, 200)  # layers of the scan coarsened 2x
SLICE_SPACING = 5
SAMPLES = {2: 48, 3: 24}
LAGS = {2: 23, 3: 15}
PORE = 0
SPLITS = 100


def block_windows(
    layers: tuple[int, int], window: tuple[int, ...], n: int, *, disjoint: bool = True
) -> xr.DataArray:
    """Windows of some layers of the scan; 2D ones from slices far enough apart to differ."""
    block = crop(coarsen(load_dataset("berea_sandstone"), 2), z=layers)
    if len(window) == 2:
        block = block.isel(z=slice(None, None, SLICE_SPACING))
    return cut_windows(block, window, n=n, rng=0, disjoint=disjoint)


def pore_curves(described: xr.Dataset, lags: int) -> np.ndarray:
    """S2 of the pores (windows, lags)."""
    return described.two_point_probability.sel(phase=PORE).values[:, : lags + 1]


def porosities(described: xr.Dataset) -> np.ndarray:
    return described.phase_fraction.sel(phase=PORE).values


def figures(made: xr.Dataset, real: xr.Dataset, lags: int) -> dict[str, float]:
    """Measure one set against the real set whose porosities it shares."""
    of_pore = made.sel(phase=PORE)
    return {
        "S2 error": two_point_error(
            pore_curves(made, lags).mean(0), pore_curves(real, lags).mean(0)
        ),
        "specific surface": float(of_pore.specific_surface_area.mean()),
        "interface density": float(made.interface_density.mean()),
        "pore components": float(of_pore.component_count.mean()),
        "solid components": float(made.component_count.sel(phase=1).mean()),
        "Euler number": float(of_pore.euler_characteristic.mean()),
        **{
            f"percolating {axis}": float(of_pore.percolates.sel(axis=axis).mean())
            for axis in made.axis.values
        },
    }


def real_spread(curves: np.ndarray, n: int) -> dict[str, float]:
    """S2 error between two disjoint sets of n real windows, over many pairs of sets."""
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(SPLITS):
        order = rng.permutation(len(curves))
        errors.append(two_point_error(curves[order[:n]].mean(0), curves[order[n : 2 * n]].mean(0)))
    return {"median": float(np.median(errors)), "90 %": float(np.quantile(errors, 0.9))}


def nearest_porosity(of: np.ndarray, among: np.ndarray) -> list[int]:
    """Index of an unused window of nearly the same porosity for each of some porosities."""
    left = list(range(len(among)))
    chosen = []
    for porosity in of:
        best = min(left, key=lambda i: abs(among[i] - porosity))
        left.remove(best)
        chosen.append(best)
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--evaluations", type=int, nargs="+", default=[16])
    parser.add_argument("--sigma-last", type=float, nargs="+", default=[None])
    parser.add_argument("--seeds", type=int, default=1, help="Independent sets to generate.")
    add_record_option(parser)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model)
    window = model.card.window
    n, lags = SAMPLES[len(window)], LAGS[len(window)]
    test = block_windows(TEST_BLOCK, window, 2 * n)
    described = describe(test, periodic=False, descriptors=compared_groups())
    first, real = test[:n], described.isel(sample=slice(0, n))
    seen = describe(
        block_windows(TRAINING_BLOCK, window, 20 * n, disjoint=False),
        periodic=False,
        descriptors=compared_groups(),
    )
    alike = seen.isel(sample=nearest_porosity(porosities(real), porosities(seen)))

    spread = real_spread(pore_curves(described, lags), n)
    rows = {
        "real": figures(real, real, lags),
        "real-real": figures(described.isel(sample=slice(n, None)), real, lags),
        "training block, same porosities": figures(alike, real, lags),
    }
    for evaluations in options.evaluations:
        for sigma_last in options.sigma_last:
            for seed in range(options.seeds):
                start = time.perf_counter()
                made = model.sample(
                    n,
                    phase_fraction={"pore": porosities(real).tolist()},
                    evaluations=evaluations,
                    sigma_last=sigma_last,
                    rng=seed,
                )
                seconds = time.perf_counter() - start
                exact = bool(
                    ((made == PORE).sum(made.dims[1:]) == (first == PORE).sum(made.dims[1:])).all()
                )
                level = model.card.walk(evaluations, sigma_last).last
                rows[f"{evaluations} evaluations, last at {level:g}, seed {seed}"] = {
                    **figures(
                        describe(made, periodic=False, descriptors=compared_groups()), real, lags
                    ),
                    "exact": exact,
                    "seconds": round(seconds, 1),
                }
    print(f"{options.model}: {n} windows of {window}, lags 0..{lags}")
    print(
        f"S2 error between two sets of {n} test windows, {SPLITS} pairs: "
        f"median {spread['median']:.3f}, 90 % below {spread['90 %']:.3f}"
    )
    for label, row in rows.items():
        cells = ", ".join(
            f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in row.items()
        )
        print(f"{label:44} {cells}")
    note = f"S2 error between two sets of {n} test windows, {SPLITS} pairs: {spread}."
    record("berea-fidelity", options.record, rows, notes=[note])


if __name__ == "__main__":
    main()
