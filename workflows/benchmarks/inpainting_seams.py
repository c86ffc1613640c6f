"""Seams of inpainted Berea sandstone in numbers: completed windows against what was there.

From windows of the test block the middle is taken away and made anew, at each window's own counts.
Measured on pairs of neighbours in a band of 4 voxels around the seam, on pairs that straddle it,
and on S2 of the whole window. The spread is that between two sets of as many real windows.

    python workflows/benchmarks/inpainting_seams.py [berea-2d|berea-3d] [windows]
"""

from __future__ import annotations

import sys

import numpy as np

import microdsd
from microdsd.microstructure import crop

HALF = 2
"""Voxels of the band on either side of the seam."""


def shares(pores: np.ndarray, near: np.ndarray, lag: int = 1, kind: str = "differ") -> np.ndarray:
    """Per window: share of pairs `lag` apart, along any axis, that differ (or are both pore)."""
    hits, pairs = np.zeros(len(pores)), 0
    for axis in range(near.ndim):
        n = near.shape[axis]
        a, b = ([slice(None)] * axis + [slice(start, n - lag + start)] for start in (0, lag))
        a, b = tuple(a), tuple(b)
        chosen = near[a] & near[b] if near.dtype == bool else near[a] != near[b]
        first, second = pores[(slice(None), *a)][:, chosen], pores[(slice(None), *b)][:, chosen]
        hits += (first != second if kind == "differ" else first & second).sum(1)
        pairs += int(chosen.sum())
    return hits / pairs


def spread(values: np.ndarray, n: int) -> float:
    """Median difference between the means of two disjoint sets of n real windows."""
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(400):
        order = rng.permutation(len(values))
        differences.append(abs(values[order[:n]].mean() - values[order[n : 2 * n]].mean()))
    return float(np.median(differences))


def main(name: str = "berea-2d", n: int = 48) -> None:
    model = microdsd.MicrostructureModel.load(name)
    window = model.card.window
    test = crop(microdsd.coarsen(microdsd.load_dataset("berea_sandstone"), 2), z=(136, 200))
    real = microdsd.cut_windows(test, window, n=2 * n, rng=0, disjoint=False)
    hole = np.zeros(window, dtype=bool)
    hole[tuple(slice(w // 4, w - w // 4) for w in window)] = True

    made = []
    for i in range(n):
        fraction = float((real[i] == 0).mean())
        new = model.inpaint(real[i].values, hole, phase_fraction={"pore": fraction}, rng=i)
        made.append(new.values[0])
        assert (made[-1] == real[i].values)[~hole].all()
        assert (made[-1] == 0).sum() == (real[i].values == 0).sum()

    pores, truth = np.stack(made) == 0, real.values == 0
    inner = np.zeros_like(hole)
    inner[tuple(slice(w // 4 + HALF, w - w // 4 - HALF) for w in window)] = True
    outer = np.zeros_like(hole)
    outer[tuple(slice(w // 4 - HALF, w - w // 4 + HALF) for w in window)] = True
    band = outer & ~inner
    figures = {
        "interface across the seam": lambda p: shares(p, hole.astype(int)),
        "interface in the band": lambda p: shares(p, band),
        "interface inside the hole": lambda p: shares(p, inner),
        **{
            f"S2 across the seam, lag {lag}": lambda p, lag=lag: shares(
                p, hole.astype(int), lag, "both"
            )
            for lag in (1, 2, 4, 8)
        },
    }
    print(f"{name}: {n} windows of {window}, hole of {tuple(w // 2 for w in window)}")
    print(f"{'':28s} completed  original  difference  real-real")
    for what, measure in figures.items():
        new, old = measure(pores), measure(truth)
        print(
            f"{what:28s} {new.mean():9.4f} {old[:n].mean():9.4f} "
            f"{new.mean() - old[:n].mean():+11.4f} {spread(old, n):10.4f}"
        )
    completed = microdsd.as_microstructure(
        np.stack(made), phases=dict(model.card.phases), ensemble=True
    )
    compared = microdsd.compare(completed, real, periodic=False, rng=0)
    for curve in compared.two_point:
        print(f"S2 error, {curve.phase}: {curve.error:.3f}, real-real {curve.real_real_median:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
