"""Samples that are asked for the properties of real windows, judged against these windows.

    python workflows/benchmarks/property_verdict.py told.model -n 96

Windows are of a block of Berea sandstone that training never saw (averaged over 2^3 voxels). Every
sample has the porosity of one of them; with targets, each is asked for its properties, too. For
scale: other windows of the same block, and windows of the training block that were selected to have
the same porosities and properties. A second table says by how much each descriptor is off. Needs
the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse

import numpy as np
import xarray as xr
from berea_fidelity import LAGS, PORE, TEST_BLOCK, TRAINING_BLOCK, block_windows
from record import add_record_option, record
from scipy.optimize import linear_sum_assignment

from microdsd import MicrostructureModel, describe, judge
from microdsd.evaluation import Verdict, two_point_error
from microdsd.models.card import ModelCard
from microdsd.progress import show_progress
from microdsd.properties import measure


def targets_of(card: ModelCard, real: xr.DataArray) -> dict[str, list[float]]:
    """Properties of real windows; of those without one, the middle of the training windows."""
    assert card.properties is not None, "train the model with --condition"
    names, table = card.properties.names, measure(real, card.properties.names)
    middle = [quantiles[len(quantiles) // 2] for quantiles in card.properties.quantiles]
    return {
        name: np.where(np.isfinite(column), column, instead).tolist()
        for name, column, instead in zip(names, table.T, middle, strict=True)
    }


def selected(real: xr.DataArray, among: xr.DataArray, names: tuple[str, ...]) -> xr.DataArray:
    """Return as many other windows, of nearly the same porosities and properties."""
    table, others = (
        np.column_stack([(boxes == PORE).mean(boxes.dims[1:]), measure(boxes, names)])
        for boxes in (real, among)
    )
    middle, spread = np.nanmedian(others, axis=0), np.nanstd(others, axis=0)
    table, others = (
        (np.where(np.isfinite(one), one, middle) - middle) / spread for one in (table, others)
    )
    off = np.linalg.norm(table[:, None] - others, axis=2)
    return among.isel(sample=linear_sum_assignment(off)[1])


def row_of(
    samples: xr.DataArray, verdict: Verdict, real: xr.DataArray, names: tuple[str, ...]
) -> dict:
    """Return what the verdict says, the error of S2, and how well targets were met."""
    curves = [
        describe(boxes, periodic=False, descriptors=["two_point"])
        .two_point_probability.sel(phase=PORE)
        .values[:, : LAGS[real.ndim - 1] + 1]
        for boxes in (samples, real)
    ]
    wanted, values = (measure(boxes, names) for boxes in (real, samples))
    agreement = {}
    for name, asked, column in zip(names, wanted.T, values.T, strict=True):
        both = np.isfinite(asked) & np.isfinite(column)
        agreement[f"correlation, {name}"] = float(np.corrcoef(asked[both], column[both])[0, 1])
    return {
        **verdict.counts(),
        "S2 error": two_point_error(*(curve.mean(0) for curve in curves)),
        **agreement,
    }


def differences(verdict: Verdict) -> dict[str, str]:
    """Return by how much each descriptor is off, in per cent of its scale, and what is said."""
    return {
        test.name: f"{100 * test.difference:+.1f} ({100 * test.interval[0]:+.1f} to "
        f"{100 * test.interval[1]:+.1f}; margin {100 * test.margin:.0f}), {test.answer}"
        for test in verdict.tests
        if test.difference is not None and test.interval is not None and test.margin is not None
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("-n", type=int, default=96)
    parser.add_argument("--way", action="append", help="default: all, see the script")
    parser.add_argument("--seed", type=int, default=0)
    add_record_option(parser)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model)
    real = block_windows(TEST_BLOCK, model.card.window, 2 * options.n, disjoint=False)
    order = np.random.default_rng(options.seed).permutation(len(real))
    real, others = (real.isel(sample=np.sort(half)) for half in np.split(order, 2))
    common = {
        "phase_fraction": {"pore": (real == PORE).mean(real.dims[1:]).values.tolist()},
        "rng": options.seed,
        "extrapolate": True,
    }
    targets = targets_of(model.card, real)
    names = model.card.properties.names
    pool = block_windows(TRAINING_BLOCK, model.card.window, 10 * options.n, disjoint=False)
    ways = {
        "real windows": lambda: others,
        "real windows, selected": lambda: selected(real, pool, names),
        "free": lambda: model.sample(len(real), **common),
        "targets": lambda: model.sample(len(real), targets=targets, **common),
        "targets, guidance 2": lambda: model.sample(
            len(real), targets=targets, guidance=2.0, **common
        ),
    }
    rows, details = {}, {}
    for way in options.way or ways:
        made = ways[way]()
        verdict = judge(made, real, periodic=False)
        rows[way], details[way] = row_of(made, verdict, real, names), differences(verdict)
        print(way, rows[way], *details[way].items(), sep="\n  ", flush=True)
    record("property-verdict", options.record, rows)
    by_descriptor = {
        name: {way: details[way].get(name, "") for way in details}
        for name in next(iter(details.values()))
    }
    title = options.record and f"{options.record}: how far each descriptor is off, per cent"
    record("property-verdict", title, by_descriptor)


if __name__ == "__main__":
    with show_progress():
        main()
