"""The verdict on a model: its samples, and other real windows, against windows never seen.

    python workflows/benchmarks/model_verdict.py berea-3d --coarsen 2 --region z=136:200 -n 48

Windows are of a block that training never saw, and may overlap; half of them play the samples,
which says what this many windows can show. Samples have the compositions of the other half, one
each. With --trained-on z=0:136 windows of the block that training saw play the samples, too, each
of nearly the composition of one of the other half: a model cannot be expected to be nearer to the
unseen block than the material it learned from. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse

import numpy as np
import xarray as xr
from network_judge import block_of, samples_like
from record import add_record_option, record
from scipy.optimize import linear_sum_assignment

from microdsd import MicrostructureModel, cut_windows, judge
from microdsd.cli.parsing import region_of
from microdsd.evaluation.verdict import Verdict

_CANDIDATES = 20
"""Windows of the block that training saw, per window of the unseen one."""


def alike(pool: xr.DataArray, real: xr.DataArray) -> xr.DataArray:
    """Choose windows of a pool, each of nearly the composition of one of the real windows."""
    phases = np.unique(real.values)[1:]

    def fractions(windows: xr.DataArray) -> np.ndarray:
        flat = windows.values.reshape(len(windows), -1)
        return np.stack([(flat == phase).mean(1) for phase in phases], axis=1)

    apart = np.abs(fractions(pool)[:, None] - fractions(real)).sum(-1)
    return pool.isel(sample=linear_sum_assignment(apart.T)[1])


def answers(verdict: Verdict) -> dict[str, str]:
    """Return the answer on every test, with the difference that may be the largest."""
    return {
        test.name: test.answer
        + ("" if test.difference is None else f" ({100 * test.difference:+.1f})")
        for test in verdict.tests
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--scan", default="berea_sandstone")
    parser.add_argument("--coarsen", type=int, default=1)
    parser.add_argument("--region", action="append", required=True, help="of the unseen block")
    parser.add_argument("--trained-on", action="append", help="region that training saw")
    parser.add_argument("--class", dest="class_name", help="of the model")
    parser.add_argument("-n", type=int, default=96, help="samples, and windows")
    parser.add_argument("--window", type=int, help="voxels per axis; default: the model's")
    parser.add_argument("--evaluations", type=int)
    parser.add_argument("--seed", type=int, default=0)
    add_record_option(parser)
    options = parser.parse_args()

    models = {name: MicrostructureModel.load(name) for name in options.models}
    card = next(iter(models.values())).card
    window = card.window if options.window is None else (options.window,) * len(card.window)
    block = block_of(options.scan, options.coarsen, region_of(options.region))
    windows = cut_windows(block, window, n=2 * options.n, rng=options.seed, disjoint=False)
    order = np.random.default_rng(options.seed).permutation(2 * options.n)
    real, others = (windows.isel(sample=np.sort(half)) for half in np.split(order, 2))

    verdicts = {"other real windows": judge(others, real, periodic=False)}
    if options.trained_on:
        seen = block_of(options.scan, options.coarsen, region_of(options.trained_on))
        pool = cut_windows(
            seen, window, n=_CANDIDATES * options.n, rng=options.seed, disjoint=False
        )
        verdicts["block that training saw"] = judge(alike(pool, real), real, periodic=False)
    for name, model in models.items():
        made = samples_like(
            model, real, None, options.evaluations, options.seed, options.class_name
        )
        verdicts[name] = judge(made, real, periodic=False)
    columns = {name: {**verdict.counts(), **answers(verdict)} for name, verdict in verdicts.items()}
    rows = {
        label: {name: column.get(label, "") for name, column in columns.items()}
        for label in next(iter(columns.values()))
    }
    for label, row in rows.items():
        print(f"{label:36}", *(f"{value!s:28}" for value in row.values()), flush=True)
    notes = [
        f"{options.n} samples and {options.n} windows; differences in % of the margin's scale."
    ]
    record("model-verdict", options.record, rows, notes=notes)


if __name__ == "__main__":
    main()
