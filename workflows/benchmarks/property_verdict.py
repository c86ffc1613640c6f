"""Samples that are asked for the properties of real windows, judged against these windows.

    python workflows/benchmarks/property_verdict.py told.model -n 96

Windows are of a block of Berea sandstone that training never saw (averaged over 2^3 voxels). Every
sample has the porosity of one of them; of the told ones each is asked for its properties, too.
Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse

import numpy as np
import xarray as xr
from berea_fidelity import LAGS, PORE, TEST_BLOCK, block_windows
from record import add_record_option, record

from microdsd import MicrostructureModel, describe, judge
from microdsd.evaluation import two_point_error
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


def row_of(samples: xr.DataArray, real: xr.DataArray, names: tuple[str, ...]) -> dict:
    """Return what the verdict says, the error of S2, and how well targets were met."""
    verdict = judge(samples, real, periodic=False)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("-n", type=int, default=96)
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
    ways = {
        "real windows": lambda: others,
        "free": lambda: model.sample(len(real), **common),
        "told": lambda: model.sample(len(real), targets=targets, **common),
        "told, guidance 2": lambda: model.sample(
            len(real), targets=targets, guidance=2.0, **common
        ),
    }
    rows = {}
    for way, make in ways.items():
        rows[way] = row_of(make(), real, model.card.properties.names)
        print(way, rows[way], flush=True)
    record("property-verdict", options.record, rows)


if __name__ == "__main__":
    with show_progress():
        main()
