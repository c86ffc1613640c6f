"""Seams of inpainted Berea sandstone in numbers: completed windows against what was there.

From windows of the test block the middle is taken away and made anew, at each window's own counts.
Measured on pairs of neighbours in a band of 4 voxels around the seam, on pairs that straddle it,
and on S2 of the whole window. The spread is that between two sets of as many real windows.

    python workflows/benchmarks/inpainting_seams.py berea-2d --windows 48 --repeats 2
    python workflows/benchmarks/inpainting_seams.py berea-3d --windows 24 --record "3D"
"""

from __future__ import annotations

import argparse

import numpy as np
from record import add_record_option, record

import microdsd
from microdsd.metrics import two_point_probability
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


def s2_error(curves: np.ndarray, reference: np.ndarray) -> float:
    """Error of a mean S2 curve as in the report: summed over lags, relative to the real decay."""
    decay = np.abs(reference - reference[-1]).sum()
    return float(np.abs(curves - reference).sum() / decay)


def s2(pores: np.ndarray) -> np.ndarray:
    """S2 of the pores of every window to 3/8 of its length."""
    labels = microdsd.as_microstructure((~pores).astype(np.uint8), ensemble=True)
    last = 3 * pores.shape[1] // 8 - 1
    return two_point_probability(labels, phase=0, periodic=False, max_distance=last).values


def s2_spread(curves: np.ndarray, n: int) -> float:
    """Median S2 error between two disjoint sets of n real windows."""
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(curves)) for _ in range(400)]
    return float(
        np.median([s2_error(curves[o[:n]].mean(0), curves[o[n : 2 * n]].mean(0)) for o in orders])
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="berea-2d")
    parser.add_argument("--windows", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--walls", action="store_true")
    add_record_option(parser)
    options = parser.parse_args()
    name, n, repeats, walls = options.model, options.windows, options.repeats, options.walls

    model = microdsd.MicrostructureModel.load(name)
    window = model.card.window
    test = crop(microdsd.coarsen(microdsd.load_dataset("berea_sandstone"), 2), z=(136, 200))
    real = microdsd.cut_windows(test, window, n=2 * n, rng=0, disjoint=False)
    hole = np.zeros(window, dtype=bool)
    hole[tuple(slice(w // 4, w - w // 4) for w in window)] = True

    made = []
    for i in range(n):
        fraction = float((real[i] == 0).mean())
        new = model.inpaint(
            real[i].values,
            hole,
            phase_fraction={"pore": fraction},
            repeats=repeats,
            walls=walls,
            rng=i,
        )
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
    print(f"repeats {repeats}, walls {walls}")
    print(f"{'':28s} completed  original  difference          real-real")
    rows = {}
    for what, measure in figures.items():
        new, old = measure(pores), measure(truth)
        change = new - old[:n]
        print(
            f"{what:28s} {new.mean():9.4f} {old[:n].mean():9.4f} {change.mean():+11.4f} "
            f"+- {change.std(ddof=1) / np.sqrt(n):.4f} {spread(old, n):8.4f}"
        )
        rows[what] = {
            "completed": float(new.mean()),
            "original": float(old[:n].mean()),
            "difference": float(change.mean()),
            "standard error": float(change.std(ddof=1) / np.sqrt(n)),
            "real-real": spread(old, n),
        }
    curves, reference = s2(pores), s2(truth)
    error = s2_error(curves.mean(0), reference[:n].mean(0))
    real_error = s2_spread(reference, n)
    print(
        f"S2 of whole windows against the originals: error {error:.3f}, real-real {real_error:.3f}"
    )
    rows["S2 error of whole windows"] = {"difference": error, "real-real": real_error}
    record("inpainting-seams", options.record, rows)


if __name__ == "__main__":
    main()
