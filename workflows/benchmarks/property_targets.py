"""Properties asked for at one fixed composition, against what was made.

    python workflows/benchmarks/property_targets.py sofc-2d --property euler_density:pore
    python workflows/benchmarks/property_targets.py berea-2d-properties --fraction pore=0.16

Targets are spread over the range in which nine in ten real windows of that composition lie; the
windows are of a block that training never saw. Ways that are compared: free samples, of which the
nearest of several is taken; particles; and, where the network is conditioned on the property, the
network alone, with guidance 1 and 2, the nearest of several of its samples, and particles of it.
Every row says how many walks of the network a sample has taken (a walk with guidance other than 1
counts twice), pilot walks included; the nearest is taken of as many. R2 is that of requested
against achieved, over all samples; errors are in per cent of the range.
Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from berea_fidelity import TEST_BLOCK, block_windows
from electrode_fidelity import ELECTRODES
from record import add_record_option, record

from microdsd import MicrostructureModel
from microdsd.cli.parsing import numbers_of
from microdsd.generation.particle_walks import PILOTS
from microdsd.models.card import ModelCard
from microdsd.models.properties import PropertySamples
from microdsd.progress import show_progress
from microdsd.properties import measure


def held_back_windows(card: ModelCard, n: int) -> xr.DataArray:
    """Cut windows of the block of a model's scan that is kept for tests."""
    if len(card.phases) == 2:
        return block_windows(TEST_BLOCK, card.window, n, disjoint=False)
    electrode = ELECTRODES[len(card.window)]
    return electrode.windows(electrode.test, n, disjoint=False)


class Question:
    """Ask a model for one property of several values, at one composition."""

    def __init__(
        self,
        model: MicrostructureModel,
        name: str,
        usual: tuple[float, float],
        options: argparse.Namespace,
    ) -> None:
        self.model, self.name, self.span = model, name, usual[1] - usual[0]
        self.targets = np.repeat(np.linspace(*usual, options.targets), options.n)
        self.common: dict[str, Any] = {
            "phase_fraction": options.fractions,
            "rng": options.seed,
            "evaluations": options.evaluations,
        }
        known = model.card.properties
        self.conditioned = known is not None and name in known.names

    def ask(self, **how: object) -> np.ndarray:
        """Return the property of every sample."""
        asked = {self.name: self.targets.tolist()}
        options = {**self.common, **how}
        made = self.model.sample(len(self.targets), targets=asked, extrapolate=True, **options)
        return measure(made, [self.name])[:, 0]

    def walks(self, particles: int) -> float:
        """Return the walks per sample, with its share of the pilots."""
        return particles + PILOTS / len(self.targets)

    def nearest_guided(self, walks: int) -> np.ndarray:
        """Return the nearest of some samples of the conditioned network to every target."""
        made = [self.ask(rng=self.common["rng"] + 1 + k) for k in range(walks)]
        return self.nearest(np.stack(made, axis=1).ravel(), walks)

    def nearest(self, free: np.ndarray, walks: int) -> np.ndarray:
        """Return the nearest of some samples to every target, each of samples of its own."""
        values = free[: walks * len(self.targets)].reshape(len(self.targets), walks)
        miss = np.abs(values - self.targets[:, None])
        miss[~np.isfinite(miss)] = math.inf
        return values[np.arange(len(values)), miss.argmin(axis=1)]

    def figures(self, values: np.ndarray) -> dict[str, float]:
        """Compare what was made with what was asked for."""
        made = np.isfinite(values)
        miss, wanted = (values - self.targets)[made], self.targets[made]
        return {
            "R2": float(1 - (miss**2).sum() / ((wanted - wanted.mean()) ** 2).sum()),
            "mean error, %": float(100 * np.abs(miss).mean() / self.span),
            "samples": int(made.sum()),
            "without the property": int((~made).sum()),
        }


def answers(
    question: Question, free: np.ndarray, options: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Return the figures of every way to ask."""
    k = options.particles
    as_many = math.ceil(question.walks(k))
    ways: dict[str, tuple[float, Callable[[], np.ndarray]]] = {
        "free samples": (1, lambda: question.nearest(free, 1)),
        f"nearest of {as_many}": (as_many, lambda: question.nearest(free, as_many)),
    }
    if question.conditioned:
        ways["guidance 1"] = (1, question.ask)
        ways["guidance 2"] = (2, lambda: question.ask(guidance=2.0))
        name = f"guidance 1, nearest of {as_many}"
        ways[name] = (as_many, lambda: question.nearest_guided(as_many))
    ways[f"{k} particles"] = (question.walks(k), lambda: question.ask(particles=k))
    rows = {}
    for way, (walks, make) in ways.items():
        begun = time.perf_counter()
        rows[way] = {**question.figures(make()), "walks per sample": float(walks)}
        seconds = time.perf_counter() - begun
        print(question.name, way, rows[way], f"{seconds:.0f} s", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument(
        "--fraction", action="append", metavar="PHASE=", help="default: the mean of real windows"
    )
    parser.add_argument("--property", action="append", help="default: all that the model knows")
    parser.add_argument("--targets", type=int, default=9)
    parser.add_argument("-n", type=int, default=2, help="samples per target")
    parser.add_argument("--particles", type=int, default=16)
    parser.add_argument("--evaluations", type=int)
    parser.add_argument(
        "--windows", type=int, default=256, help="real ones; the 48 nearest give the range"
    )
    parser.add_argument("--seed", type=int, default=0)
    add_record_option(parser)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model)
    card = model.card
    properties = options.property or (card.properties.names if card.properties else ())
    assert properties, "name a --property"
    windows = held_back_windows(card, options.windows)
    shares = np.stack([(windows == k).mean(windows.dims[1:]) for k in card.phases], axis=1)
    options.fractions = numbers_of(options.fraction, "fraction") or {
        name: round(float(share), 2)
        for name, share in zip([*card.phases.values()][:-1], shares.mean(0)[:-1], strict=True)
    }
    asked = list(options.fractions.values())
    real = PropertySamples.of(shares, measure(windows, properties))
    ranges = [real.attainable(k, [*asked, 1 - sum(asked)]) for k in range(len(properties))]

    asked_for = options.targets * options.n
    many = asked_for * math.ceil(options.particles + PILOTS / asked_for)
    free = model.sample(
        many,
        phase_fraction=options.fractions,
        rng=options.seed + 1,
        evaluations=options.evaluations,
    )
    rows, notes = {}, [f"Composition: {options.fractions}."]
    for name, values, one in zip(properties, measure(free, properties).T, ranges, strict=True):
        assert one is not None
        question = Question(model, name, one.usual, options)
        for way, row in answers(question, values, options).items():
            rows[f"{name}, {way}"] = row
        made = np.nanquantile(values, [0.05, 0.95])
        note = "{}: nine in ten real windows have {:.4g} to {:.4g}, free samples {:.4g} to {:.4g}."
        notes.append(note.format(name, *one.usual, *made))
        print(notes[-1], flush=True)
        record("property-targets", options.record, rows, notes=notes)


if __name__ == "__main__":
    with show_progress():
        main()
