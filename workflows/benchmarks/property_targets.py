"""Properties asked for at one fixed fraction, against what was made.

    python workflows/benchmarks/property_targets.py berea-told-2d --fraction 0.2

Targets are spread over the range in which nine in ten real windows of that fraction lie. Ways that
are compared: the network as it is told (guidance 1), guidance 2, particles, and as many walks
without choices on the way, of which the nearest is taken: the same network evaluations. R2 is that
of requested against achieved, over all samples; errors are in per cent of the range.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from record import add_record_option, record

from microdsd import MicrostructureModel
from microdsd.generation.targets import attainable
from microdsd.progress import show_progress
from microdsd.properties import measure


def nearest(
    model: MicrostructureModel, name: str, targets: np.ndarray, walks: int, **options: object
) -> np.ndarray:
    """Return the properties of the nearest of several independent samples per target."""
    repeated = np.repeat(targets, walks)
    made = model.sample(len(repeated), targets={name: repeated.tolist()}, **options)
    values = measure(made, [name])[:, 0].reshape(len(targets), walks)
    miss = np.where(np.isfinite(values), np.abs(values - targets[:, None]), np.inf)
    return values[np.arange(len(targets)), miss.argmin(axis=1)]


def row_of(requested: np.ndarray, values: np.ndarray, span: float, seconds: float) -> dict:
    """Return the figures of one way."""
    miss = values - requested
    made = np.isfinite(miss)
    miss, wanted = miss[made], requested[made]
    return {
        "R2": float(1 - (miss**2).sum() / ((wanted - wanted.mean()) ** 2).sum()),
        "mean error, %": float(100 * np.abs(miss).mean() / span),
        "samples": int(made.sum()),
        "without the property": int((~made).sum()),
        "seconds per sample": seconds / len(requested),
    }


def ways_to_ask(model: MicrostructureModel, name: str, options: argparse.Namespace) -> dict:
    """Return the figures of every way to ask for one property."""
    first = next(iter(model.card.phases.values()))
    span = attainable(model.card, name, (options.fraction, 1 - options.fraction))["real windows"]
    low, high = span.usual
    targets = np.linspace(low, high, options.targets)
    many, few = np.repeat(targets, options.n), np.repeat(targets, max(1, options.n // 3))
    common = {"phase_fraction": {first: options.fraction}, "rng": options.seed, "extrapolate": True}

    def asked(wanted: np.ndarray, **how: object) -> np.ndarray:
        made = model.sample(len(wanted), targets={name: wanted.tolist()}, **common, **how)
        return measure(made, [name])[:, 0]

    walks = options.particles
    half = max(2, walks // 2)  # guidance 2 asks the network twice
    ways = {
        "guidance 1": (many, lambda: asked(many)),
        "guidance 2": (many, lambda: asked(many, guidance=2.0)),
        f"nearest of {walks}": (few, lambda: nearest(model, name, few, walks, **common)),
        f"{walks} particles": (few, lambda: asked(few, particles=walks)),
        f"guidance 2, {half} particles": (few, lambda: asked(few, particles=half, guidance=2.0)),
    }
    rows = {}
    for way, (wanted, make) in ways.items():
        begun = time.perf_counter()
        values = make()
        row = row_of(wanted, values, high - low, time.perf_counter() - begun)
        rows[f"{name}, {way}"] = row
        print(name, way, row, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--fraction", type=float, default=0.2, help="of the first phase")
    parser.add_argument("--property", action="append", help="default: all that the model knows")
    parser.add_argument("--targets", type=int, default=9)
    parser.add_argument("-n", type=int, default=6, help="samples per target")
    parser.add_argument("--particles", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    add_record_option(parser)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model)
    card = model.card
    assert card.properties is not None, "train it with --condition"
    rows = {}
    for name in options.property or card.properties.names:
        rows |= ways_to_ask(model, name, options)
    record("property-targets", options.record, rows)


if __name__ == "__main__":
    with show_progress():
        main()
