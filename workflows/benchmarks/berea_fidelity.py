"""How close generated Berea sandstone is to a test block that training never saw.

    python workflows/benchmarks/berea_fidelity.py berea-2d --evaluations 32
    python workflows/benchmarks/berea_fidelity.py berea-3d --evaluations 16

Two disjoint sets of real windows are cut from the test block. Samples are generated at the
first set's own porosities and compared with it; "real-real" compares the second set with the
first. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import xarray as xr

from microdsd import MicrostructureModel
from microdsd.datasets import load_dataset
from microdsd.metrics import describe
from microdsd.metrics.comparison import two_point_error
from microdsd.microstructure import coarsen, crop, cut_windows

TEST_BLOCK = (136, 200)  # layers along axis 0 of the scan coarsened 2x; training ends at 136
SLICE_SPACING = 5
SAMPLES = {2: 48, 3: 24}
LAGS = {2: 23, 3: 15}
PORE = 0


def real_sets(window: tuple[int, ...], n: int) -> tuple[xr.DataArray, xr.DataArray]:
    """Two disjoint sets of n test windows."""
    block = crop(coarsen(load_dataset("berea_sandstone"), 2), z=TEST_BLOCK)
    if len(window) == 2:
        block = block.isel(z=slice(None, None, SLICE_SPACING))
    cut = cut_windows(block, window, n=2 * n, rng=0)
    return cut[:n], cut[n:]


def figures(made: xr.Dataset, real: xr.Dataset, lags: int) -> dict[str, float]:
    """Measure one set against the real set whose porosities it shares."""

    def curve(described: xr.Dataset) -> np.ndarray:
        return described.two_point_probability.sel(phase=PORE).mean("sample").values[: lags + 1]

    of_pore = made.sel(phase=PORE)
    return {
        "S2 error": two_point_error(curve(made), curve(real)),
        "specific surface": float(of_pore.specific_surface_area.mean()),
        "interface density": float(made.interface_density.mean()),
        "pore bodies": float(of_pore.body_count.mean()),
        "solid bodies": float(made.body_count.sel(phase=1).mean()),
        "Euler number": float(of_pore.euler_characteristic.mean()),
        **{
            f"percolating {axis}": float(of_pore.percolates.sel(axis=axis).mean())
            for axis in made.axis.values
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--evaluations", type=int, nargs="+", default=[16])
    parser.add_argument("--sigma-last", type=float, nargs="+", default=[None])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model)
    window = model.card.window
    n, lags = SAMPLES[len(window)], LAGS[len(window)]
    first, second = real_sets(window, n)
    real, other = describe(first, periodic=False), describe(second, periodic=False)
    porosity = real.phase_fraction.sel(phase=PORE).values

    rows = {"real": figures(real, real, lags), "real-real": figures(other, real, lags)}
    for evaluations in options.evaluations:
        for sigma_last in options.sigma_last:
            start = time.perf_counter()
            made = model.sample(
                n,
                phase_fraction={"pore": porosity.tolist()},
                evaluations=evaluations,
                sigma_last=sigma_last,
                rng=options.seed,
            )
            seconds = time.perf_counter() - start
            exact = bool(
                ((made == PORE).sum(made.dims[1:]) == (first == PORE).sum(made.dims[1:])).all()
            )
            level = model.card.sigma_last if sigma_last is None else sigma_last
            row = figures(describe(made, periodic=False), real, lags)
            rows[f"{evaluations} evaluations, last at {level:g}"] = {
                **row,
                "exact": exact,
                "seconds": round(seconds, 1),
            }
    print(f"{options.model}: {n} windows of {window}, lags 0..{lags}")
    for label, row in rows.items():
        cells = ", ".join(
            f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in row.items()
        )
        print(f"{label:36} {cells}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
