"""How close generated three-phase electrodes are to test blocks that training never saw.

    python workflows/benchmarks/electrode_fidelity.py nmc-3d.model --evaluations 16 --seeds 3
    python workflows/benchmarks/electrode_fidelity.py sofc-2d.model --evaluations 16 32

A 3D model is set against the NMC cathode, a 2D model against the SOFC anode. Two disjoint sets of
real windows are cut from the test block. Samples are generated at the first set's own fractions
of all phases and compared with it; so are, for scale, the second set ("real-real") and windows of
the training block picked to have the first set's fractions. Over many pairs of disjoint sets of
test windows the same errors have the median and 90 % quantile printed last. Needs the scans
(MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from record import add_record_option, record

from microdsd import MicrostructureModel
from microdsd.cli.parsing import region_of
from microdsd.datasets import load_dataset
from microdsd.evaluation import two_point_error
from microdsd.metrics import describe
from microdsd.metrics.registry import compared_groups
from microdsd.microstructure import crop, cut_windows

SPLITS = 200
Figures = dict[str, float]


@dataclass(frozen=True)
class Electrode:
    """A scan, its two blocks, and the windows to compare."""

    dataset: str
    training: dict[str, tuple[int, int]]
    test: dict[str, tuple[int, int]]
    window: tuple[int, ...]
    n: int
    lags: int

    def windows(
        self, block: dict[str, tuple[int, int]], n: int, *, disjoint: bool = True
    ) -> xr.DataArray:
        """Cut n windows of a block."""
        scan = crop(load_dataset(self.dataset), **block)
        return cut_windows(scan, self.window, n=n, rng=0, disjoint=disjoint)


# The anode's crop leaves out the crack on its right.
ELECTRODES = {
    3: Electrode("nmc_cathode_cbd", {"z": (0, 190)}, {"z": (190, 251)}, (48, 48, 48), 18, 23),
    2: Electrode(
        "sofc_anode_2d",
        {"y": (0, 1300), "x": (0, 1250)},
        {"y": (1300, 1697), "x": (0, 1250)},
        (96, 96),
        24,
        35,
    ),
}


def figures(made: xr.Dataset, real: xr.Dataset, lags: int) -> Figures:
    """Errors of mean curves against the real set, and means of the scalars."""

    def error(variable: str, **one: object) -> float:
        curves = (d[variable].sel(one).mean("sample").values[: lags + 1] for d in (made, real))
        return two_point_error(*curves)

    mean = made.mean("sample")
    names = dict(zip(made.phase.values.tolist(), made.phase_name.values.tolist(), strict=True))
    found = {
        f"S2 error {name}": error("two_point_probability", phase=k) for k, name in names.items()
    }
    for pair in made.pair.values.tolist():
        found[f"S2 error {pair}"] = error("cross_two_point_probability", pair=pair)
    for pair in made.pair.values.tolist():
        found[f"area {pair}"] = float(mean.pair_surface_area.sel(pair=pair))
    found["triple-phase boundary"] = float(mean.triple_phase_boundary)
    found["interface density"] = float(mean.interface_density)
    for k, name in names.items():
        found[f"components {name}"] = float(mean.component_count.sel(phase=k))
        found[f"largest component {name}"] = float(mean.largest_component_share.sel(phase=k))
        found[f"percolating {name}"] = float(mean.percolates.sel(phase=k).mean())
    return found


def deviations(row: Figures, real: Figures) -> Figures:
    """Errors as they are; of shares the difference, of other scalars the relative one."""
    shares = ("S2 error", "largest component", "percolating")
    return {
        name: value - real[name] if name.startswith(shares) else value / real[name] - 1
        for name, value in row.items()
    }


def real_spread(described: xr.Dataset, n: int, lags: int) -> dict[str, Figures]:
    """Size of the deviations between two disjoint sets of n real windows, over many pairs."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(SPLITS):
        order = rng.permutation(described.sizes["sample"])
        first, second = (described.isel(sample=chosen) for chosen in (order[:n], order[n : 2 * n]))
        row = deviations(figures(second, first, lags), figures(first, first, lags))
        rows.append([abs(value) for value in row.values()])
    median, high = np.quantile(rows, (0.5, 0.9), axis=0).tolist()
    return {
        "median": dict(zip(row, median, strict=True)),
        "90 %": dict(zip(row, high, strict=True)),
    }


def nearest_composition(of: np.ndarray, among: np.ndarray) -> list[int]:
    """Index of an unused window of nearly the same fractions (windows, phases) for each row."""
    left = list(range(len(among)))
    chosen = []
    for fractions in of:
        best = min(left, key=lambda i: float(np.abs(among[i] - fractions).max()))
        left.remove(best)
        chosen.append(best)
    return chosen


def print_table(rows: dict[str, Figures], spread: dict[str, Figures]) -> None:
    """One line per figure: real mean, deviation of each set, and what two real sets differ by."""
    real = rows["real"]
    columns = {label: deviations(row, real) for label, row in rows.items() if label != "real"}
    columns |= {f"|real-real| {label}": row for label, row in spread.items()}
    for number, label in enumerate(columns):
        print(f"  [{number}] {label}")
    print(f"{'':44}{'real':>10}" + "".join(f"{f'[{i}]':>9}" for i in range(len(columns))))
    for name, value in real.items():
        cells = "".join(f"{100 * column[name]:9.1f}" for column in columns.values())
        print(f"{name:44}{value:10.4g}{cells}")
    print("Deviations from real in per cent; of shares in points.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--evaluations", type=int, nargs="+", default=[16])
    parser.add_argument("--sigma-last", type=float, nargs="+", default=[None])
    parser.add_argument("--seeds", type=int, default=1, help="Independent sets to generate.")
    parser.add_argument("--test", action="append", help="Block in place of the usual one, as z=0:9")
    parser.add_argument("--windows", type=int, help="Of a set.")
    add_record_option(parser)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model)
    electrode = ELECTRODES[len(model.card.window)]
    if options.test:
        block = {axis: (part.start, part.stop) for axis, part in region_of(options.test).items()}
        electrode = replace(electrode, test=block)
    n, lags = options.windows or electrode.n, electrode.lags
    test = electrode.windows(electrode.test, 2 * n)
    described = describe(test, periodic=False, descriptors=compared_groups())
    real = described.isel(sample=slice(0, n))
    fractions = real.phase_fraction
    seen = describe(
        electrode.windows(electrode.training, 10 * n, disjoint=False),
        periodic=False,
        descriptors=compared_groups(),
    )
    alike = seen.isel(sample=nearest_composition(fractions.values, seen.phase_fraction.values))

    rows = {
        "real": figures(real, real, lags),
        "real-real": figures(described.isel(sample=slice(n, None)), real, lags),
        "training block, same fractions": figures(alike, real, lags),
    }
    exact, seconds = {}, {}
    for evaluations in options.evaluations:
        for sigma_last in options.sigma_last:
            for seed in range(options.seeds):
                start = time.perf_counter()
                made = model.sample(
                    n,
                    phase_fraction={
                        int(k): fractions.sel(phase=k).values.tolist() for k in fractions.phase
                    },
                    shape=electrode.window,
                    evaluations=evaluations,
                    sigma_last=sigma_last,
                    rng=seed,
                )
                level = model.card.walk(evaluations, sigma_last).last
                label = f"{evaluations} evaluations, last at {level:g}, seed {seed}"
                seconds[label] = round(time.perf_counter() - start, 1)
                of_made = describe(made, periodic=False, descriptors=compared_groups())
                exact[label] = bool((of_made.phase_fraction.values == fractions.values).all())
                rows[label] = figures(
                    of_made.assign_coords(pair=real.pair, phase_name=real.phase_name), real, lags
                )
    spread = real_spread(described, n, lags)

    print(
        f"{options.model} against {electrode.dataset}: {n} windows of {electrode.window}, "
        f"lags 0..{lags}; two real sets over {SPLITS} pairs of {n}"
    )
    for label in exact:
        print(f"{label}: fractions {'exact' if exact[label] else 'NOT exact'}, {seconds[label]} s")
    print_table(rows, spread)
    kept = rows | {f"difference of two real sets, {name}": row for name, row in spread.items()}
    notes = [f"{name}: {seconds[name]} s, fractions exact: {exact[name]}." for name in exact]
    record("electrode-fidelity", options.record, kept, notes=notes)


if __name__ == "__main__":
    main()
