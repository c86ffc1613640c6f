"""Bayesian optimisation of a composition against random search, at equal numbers of candidates.

The hypervolume is the area of objectives that a front is better than, up to a fixed corner; both
searches are repeated with several seeds. Without measurement noise left in it: the area is of the
means over the samples of each candidate, as both searches see them.

    python workflows/18_design_against_random.py --repeats 5
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import microdsd

OBJECTIVES = ("tortuosity_factor:solid:x", "specific_surface_area")
CORNER = np.array([3.0, 0.10])
RANGE = {"pore": (0.15, 0.30)}, {"pore:x": (-0.2, 0.2)}


def hypervolume(front: np.ndarray) -> float:
    """Area between a front, first objective small and second large, and the corner."""
    inside = front[(front[:, 0] < CORNER[0]) & (front[:, 1] > CORNER[1])]
    area, highest = 0.0, CORNER[1]
    for cost, gain in inside[np.argsort(inside[:, 0])]:
        if gain > highest:
            area += (CORNER[0] - cost) * (gain - highest)
            highest = gain
    return area


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="berea-2d")
    parser.add_argument("--evaluations", type=int, default=40)
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--shape", type=int, default=64)
    parser.add_argument("--network-evaluations", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/design-against-random.json"))
    options = parser.parse_args()
    model = microdsd.MicrostructureModel.load(options.model)
    areas: dict[str, list[list[float]]] = {"bayesian": [], "random": []}
    for seed in range(options.repeats):
        for search, kept in areas.items():
            result = microdsd.design(
                model,
                RANGE[0],
                gradient=RANGE[1],
                minimise=OBJECTIVES[0],
                maximise=OBJECTIVES[1],
                evaluations=options.evaluations,
                samples=options.samples,
                shape=options.shape,
                network_evaluations=options.network_evaluations,
                search=search,
                rng=seed,
            )
            tried = np.array([[c.means[name] for name in OBJECTIVES] for c in result.candidates])
            kept.append([hypervolume(tried[: n + 1]) for n in range(len(tried))])
            print(f"seed {seed}, {search}: {kept[-1][-1]:.5f}", flush=True)
    for number in (10, 20, options.evaluations):
        words = [
            f"{search} {np.mean(column):.5f} +- {np.std(column, ddof=1) / len(column) ** 0.5:.5f}"
            for search, column in (
                (name, [run[number - 1] for run in runs]) for name, runs in areas.items()
            )
        ]
        print(f"after {number} candidates: {', '.join(words)}")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(areas))


if __name__ == "__main__":
    main()
