"""What a walk loses by its start: uniform walkers, or walkers with the spectrum of the material.

    python workflows/benchmarks/walk_start.py berea-3d --coarsen 2 --region z=0:136 \
        --uniform 31:16 20:16 --spectrum 14:16 12:8

Samples have the compositions of real windows, one each; 31:16 are 16 evaluations from a noise level
of 31 voxels. Other real windows say what so many windows can show. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import xarray as xr
from network_judge import block_of, samples_like
from record import add_record_option, record

from microdsd import MicrostructureModel, cut_windows
from microdsd.cli.parsing import region_of
from microdsd.metrics import (
    connected_components,
    euler_characteristic,
    lineal_path,
    local_thickness,
    specific_surface_area,
)
from microdsd.models import ModelCard

LAGS, PATHS = (2, 4, 8, 12), (4, 8, 12)


def along_axes(pores: np.ndarray, lag: int) -> float:
    """Share of pairs of voxels some voxels apart along an axis that are both pores."""
    pairs = [
        np.moveaxis(pores, axis, 0)[lag:] & np.moveaxis(pores, axis, 0)[:-lag]
        for axis in range(1, pores.ndim)
    ]
    return float(np.mean([both.mean() for both in pairs]))


def figures(windows: xr.DataArray, phase: int) -> dict[str, float]:
    """Measure what shows a wrong start, and what else might change with it."""
    options = {"phase": phase, "periodic": False}
    pores = windows.values == phase
    path = lineal_path(windows, **options).mean("sample")
    thickness = local_thickness(windows, phase=phase)["mean"]
    return {
        **{f"S2({lag})": round(along_axes(pores, lag), 4) for lag in LAGS},
        **{f"L({lag})": round(float(path[lag]), 4) for lag in PATHS},
        "thickness": round(float(thickness.mean()), 2),
        "surface": round(float(specific_surface_area(windows, **options).mean()), 4),
        "components": round(float(connected_components(windows, **options).number.mean()), 1),
        "Euler": round(float(euler_characteristic(windows, **options).mean()), 1),
    }


def started(model: MicrostructureModel, card: ModelCard, start: str) -> MicrostructureModel:
    """Return the model whose walk starts at LEVEL:EVALUATIONS, and ends as it did."""
    level, number = start.split(":")
    first = min(float(level), card.sigma_max)
    walk = replace(card.walk(int(number)), evaluations=int(number), first=first)
    return MicrostructureModel(model.network, card.with_walk(walk), model.device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--scan", default="berea_sandstone")
    parser.add_argument("--coarsen", type=int, default=1)
    parser.add_argument("--region", action="append", required=True)
    parser.add_argument("--uniform", nargs="*", default=[], metavar="LEVEL:EVALUATIONS")
    parser.add_argument("--spectrum", nargs="*", default=[], metavar="LEVEL:EVALUATIONS")
    parser.add_argument("-n", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    add_record_option(parser)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model)
    (phase,) = model.card.contents.species
    block = block_of(options.scan, options.coarsen, region_of(options.region))
    seeds = np.random.default_rng(options.seed).spawn(2)
    real, others = (
        cut_windows(block, model.card.window, n=options.n, rng=rng, disjoint=False) for rng in seeds
    )
    rows: dict[str, dict[str, float]] = {}

    def show(name: str, windows: xr.DataArray, seconds: float = 0.0) -> None:
        rows[name] = {**figures(windows, phase), "seconds per sample": round(seconds, 2)}
        print(f"{name:28}", *rows[name].values(), flush=True)

    show("rock", real)
    show("other rock", others)
    plain = replace(model.card, spectrum=None)
    for kind, card, starts in (
        ("uniform", plain, options.uniform),
        ("spectrum", model.card, options.spectrum),
    ):
        for start in starts:
            begun = time.process_time()
            number = int(start.split(":")[1])
            made = samples_like(started(model, card, start), real, None, number, options.seed)
            seconds = (time.process_time() - begun) / options.n
            show(f"{kind}, from {start.replace(':', ' in ')}", made, seconds)
    record("walk-start", options.record, rows, notes=[f"{options.n} windows and samples."])


if __name__ == "__main__":
    main()
