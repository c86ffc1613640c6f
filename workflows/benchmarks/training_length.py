"""What is left to learn: the same judges on networks that learned longer, or that are larger.

    python workflows/benchmarks/training_length.py 3min.model 10min.model 36min.model \
        --coarsen 2 --layers 136 200 --evaluations 16 64

Every model is judged with its own number of evaluations, the last one with others too. The windows
and the judges are those of `last_draw.py`. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import xarray as xr
from last_draw import row, windows_of_halves
from network_judge import add_block_options, samples_like, unseen_block
from record import add_record_option, record

from microdsd import MicrostructureModel
from microdsd.metrics import describe
from microdsd.metrics.registry import compared_groups

KEPT = (
    "network judge right",
    "discriminant right",
    "configurations off",
    "S2 error",
    "interface density",
    "pore components",
    "solid components",
    "Euler number",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    add_block_options(parser)
    parser.add_argument("-n", type=int, default=100, help="real windows of each half")
    parser.add_argument("--evaluations", type=int, nargs="*", default=[], help="of the last model")
    parser.add_argument("--seed", type=int, default=0)
    add_record_option(parser)
    options = parser.parse_args()

    models = {path: MicrostructureModel.load(path) for path in options.models}
    last = options.models[-1]
    unseen = unseen_block(options)
    window = models[last].card.window
    real = windows_of_halves(unseen, window, options.n, options.seed)
    others = windows_of_halves(unseen, window, options.n, options.seed + 100)
    described = describe(real, periodic=False, descriptors=compared_groups())

    def judged(windows: xr.DataArray) -> dict[str, float | str]:
        figures = row(windows, real, described)
        return {name: figures[name] for name in KEPT}

    rows: dict[str, dict[str, float | str]] = {"other real windows": judged(others)}
    runs = [(path, None) for path in models] + [(last, n) for n in options.evaluations]
    for path, evaluations in runs:
        model = models[path]
        card = model.card
        begun = time.process_time()
        made = samples_like(model, real, None, evaluations, options.seed)
        seconds = (time.process_time() - begun) / len(real)
        number = evaluations or card.evaluations
        rows[f"{path}, {number} evaluations"] = {
            "minutes": float(card.provenance["minutes"]),
            "weights": f"{card.provenance['parameters'] / 1e6:.2f} million",
            "gain": float(np.mean(card.validation_gains)),
            **judged(made),
            "processor seconds a sample": round(seconds, 2),
        }
        print(path, number, rows[f"{path}, {number} evaluations"], flush=True)
    print(rows["other real windows"])
    record("what-is-left", options.record, rows)


if __name__ == "__main__":
    main()
