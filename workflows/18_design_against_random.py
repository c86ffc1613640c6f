"""Bayesian optimisation of a composition against random search, at equal numbers of candidates.

The hypervolume is the area of objectives that a front is better than, up to a fixed corner. As
measured it is that of lucky samples, too: of many noisy means the best are too good. So the means
of all candidates of all runs are fitted by a cubic polynomial of the variables, and the fitted
values stand for what the compositions of a front really have.

    python workflows/18_design_against_random.py --repeats 8
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

import numpy as np

import microdsd
from microdsd.inverse.search import pareto_front

OBJECTIVES = {"tortuosity_factor:solid:x": "minimise", "specific_surface_area": "maximise"}
CORNER = np.array([3.0, 0.10])
FRACTION, GRADIENT = {"pore": (0.15, 0.30)}, {"pore:x": (-0.2, 0.2)}


def hypervolume(points: np.ndarray) -> float:
    """Area between points, first objective small and second large, and the corner."""
    inside = points[(points[:, 0] < CORNER[0]) & (points[:, 1] > CORNER[1])]
    area, highest = 0.0, CORNER[1]
    for cost, gain in inside[np.argsort(inside[:, 0])]:
        if gain > highest:
            area += (CORNER[0] - cost) * (gain - highest)
            highest = gain
    return area


def smooth(places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the values of a cubic polynomial fitted to finite values, at all places."""
    scaled = (places - places.mean(0)) / places.std(0)
    powers = [p for p in itertools.product(range(4), repeat=places.shape[1]) if sum(p) <= 3]
    terms = np.stack([np.prod(scaled**p, axis=1) for p in powers], axis=1)
    finite = np.isfinite(values).all(1)
    coefficients, *_ = np.linalg.lstsq(terms[finite], values[finite], rcond=None)
    return terms @ coefficients


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="berea-2d")
    parser.add_argument("--candidates", type=int, default=30)
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--shape", type=int, default=64)
    parser.add_argument("--evaluations", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/design-against-random.json"))
    options = parser.parse_args()
    model = microdsd.MicrostructureModel.load(options.model)
    runs = []
    for seed, search in itertools.product(range(options.repeats), ("bayesian", "random")):
        result = microdsd.design(
            model,
            FRACTION,
            gradient=GRADIENT,
            minimise=[name for name, word in OBJECTIVES.items() if word == "minimise"],
            maximise=[name for name, word in OBJECTIVES.items() if word == "maximise"],
            candidates=options.candidates,
            samples=options.samples,
            shape=options.shape,
            evaluations=options.evaluations,
            search=search,
            rng=seed,
        )
        places = [list(one.variables.values()) for one in result.candidates]
        means = [[one.means[name] for name in OBJECTIVES] for one in result.candidates]
        runs.append({"seed": seed, "search": search, "places": places, "means": means})
        print(f"seed {seed}, {search}: {len(result.front)} on the front", flush=True)
    places = np.array([run["places"] for run in runs])
    means = np.array([run["means"] for run in runs], dtype=float)
    fitted = smooth(places.reshape(-1, places.shape[2]), means.reshape(-1, 2)).reshape(means.shape)
    for number in (10, 20, options.candidates):
        for kind, values in (("as measured", means), ("without noise", fitted)):
            areas: dict[str, list[float]] = {"bayesian": [], "random": []}
            for run, measured, judged in zip(runs, means, values, strict=True):
                everyone = np.ones(number, dtype=bool)
                front = pareto_front(measured[:number], list(OBJECTIVES.values()), everyone)
                areas[run["search"]].append(1e3 * hypervolume(judged[:number][front]))
            better = np.subtract(areas["bayesian"], areas["random"])
            error = better.std(ddof=1) / len(better) ** 0.5
            words = ", ".join(f"{name} {np.mean(column):.1f}" for name, column in areas.items())
            print(f"{number} candidates, {kind}: {words}; {better.mean():+.1f} +- {error:.1f}")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(runs), encoding="utf-8")


if __name__ == "__main__":
    main()
