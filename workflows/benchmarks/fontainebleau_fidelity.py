"""How connected generated Fontainebleau sandstone is, against a test block never seen.

    python workflows/benchmarks/fontainebleau_fidelity.py out/fontainebleau/fontainebleau-3d.model

At 8.6 % porosity the pore space is barely connected: the share of its largest component is what a
model gets wrong first. Samples have the porosities of the real windows, 24 of the model's own size
and 6 of twice its length. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse

import xarray as xr
from berea_fidelity import PORE, figures, pore_curves, porosities, real_spread
from record import add_record_option, record

from microdsd import MicrostructureModel
from microdsd.datasets import load_dataset
from microdsd.metrics import describe
from microdsd.metrics.registry import compared_groups
from microdsd.microstructure import coarsen, crop, cut_windows

TEST_BLOCK = (160, 240)  # layers of the scan coarsened 2x
SAMPLES, LARGE_SAMPLES, LAGS = 24, 6, 15


def row(made: xr.Dataset, real: xr.Dataset) -> dict[str, float]:
    of_pore = made.sel(phase=PORE)
    return {
        **figures(made, real, LAGS),
        "share of the largest pore component": float(of_pore.largest_component_share.mean()),
        "porosity": float(of_pore.phase_fraction.mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--seeds", type=int, default=1)
    add_record_option(parser)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model)
    pore = model.card.phases[PORE]
    block = crop(coarsen(load_dataset("fontainebleau_sandstone"), 2), z=TEST_BLOCK)
    windows = cut_windows(block, model.card.window, n=2 * SAMPLES, rng=0)
    described = describe(windows, periodic=False, descriptors=compared_groups())
    first = described.isel(sample=slice(0, SAMPLES))
    double = tuple(2 * length for length in model.card.window)
    large = describe(
        cut_windows(block, double, n=LARGE_SAMPLES, rng=0),
        periodic=False,
        descriptors=compared_groups(),
    )

    spread = real_spread(pore_curves(described, LAGS), SAMPLES)
    print(f"S2 error of two real sets: {spread}")
    rows = {
        "real": row(first, first),
        "real-real": row(described.isel(sample=slice(SAMPLES, None)), first),
        "real, large": row(large, large),
    }
    for seed in range(options.seeds):
        for label, real, shape in (("", first, model.card.window), (", large", large, double)):
            made = model.sample(
                real.sizes["sample"],
                phase_fraction={pore: porosities(real).tolist()},
                shape=shape,
                rng=seed,
            )
            rows[f"generated{label}, seed {seed}"] = row(
                describe(made, periodic=False, descriptors=compared_groups()), real
            )
    for label, cells in rows.items():
        print(f"{label:28}", ", ".join(f"{name} {value:.4g}" for name, value in cells.items()))
    note = f"S2 error of two real sets: {spread}."
    record("fontainebleau-fidelity", options.record, rows, notes=[note])


if __name__ == "__main__":
    main()
