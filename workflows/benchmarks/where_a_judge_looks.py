"""Where does a network look that tells samples from rock? Occlusion maps, and what they cover.

    python workflows/benchmarks/where_a_judge_looks.py berea-2d --coarsen 2 --layers 136 200 \
        -n 400 --picture docs/images/where-a-judge-looks.png

Samples have the compositions of real windows, one each, of two halves of layers that training never
saw; the network of `microdsd.NetworkJudge` that has learned on one half is asked about the other.
Every patch of a window is then covered with the mean composition: by how much the log odds of
having been generated fall says how much the patch gave away. Patches that gave away most are
compared with all patches of the samples, and with those of the rock. Other real windows say what
chance is, and the same with their axes exchanged at random what a perfect model of a material that
is taken for isotropic would be told by. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from last_draw import EPOCHS, windows_of_halves
from network_judge import add_block_options, samples_like, unseen_block
from record import add_record_option, record
from skimage.measure import label as components_of
from torch import nn

from microdsd import MicrostructureModel, NetworkJudge
from microdsd.network_judge import one_hot, scores
from microdsd.progress import stage

PHASES = [0, 1]
PATCH, STEP = 8, {2: 4, 3: 8}
"""Voxels of patches, and from one to the next by the number of axes."""
MOST = 0.05
"""Share of the patches of samples that gave away most."""
SMALL = 16
"""Voxels of components that count as small."""
ROWS, COLUMNS = 2, 5


def places_of(shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Return the patches of a window."""
    starts = [range(0, length - PATCH + 1, STEP[len(shape)]) for length in shape]
    return [tuple(slice(k, k + PATCH) for k in corner) for corner in itertools.product(*starts)]


def given_away(network: nn.Module, windows: np.ndarray) -> np.ndarray:
    """Return by how much covering each patch lowers the log odds, (windows, patches)."""
    inputs = one_hot(windows, PHASES)
    mean = inputs.mean(dim=tuple(d for d in range(inputs.ndim) if d != 1), keepdim=True)
    whole = scores(network, inputs)
    columns = []
    for place in places_of(windows.shape[1:]):
        covered = inputs.clone()
        at = (slice(None), slice(None), *place)
        covered[at] = mean.expand_as(covered[at])
        columns.append(whole - scores(network, covered))
    return torch.stack(columns, dim=1).numpy()


def content(window: np.ndarray) -> np.ndarray:
    """Return what is in every patch of a window, (patches, features)."""
    lengths = np.array(window.shape)
    small = np.zeros(window.shape, bool)
    for phase in PHASES:
        parts = components_of(window == phase, connectivity=1)
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        small |= ((sizes > 0) & (sizes <= SMALL))[parts]
    rows = []
    for place in places_of(window.shape):
        part = window[place]
        steps = (np.diff(part.astype(np.int8), axis=axis) for axis in range(part.ndim))
        faces = sum(map(np.count_nonzero, steps))
        walls = sum(s.start == 0 or s.stop == n for s, n in zip(place, lengths, strict=True))
        rows.append(((part == 0).mean(), faces / part.size, small[place].mean(), walls > 0))
    return np.array(rows, float)


FEATURES = ("pore", "interface", f"in components of up to {SMALL} voxels", "at a wall")


def turned(windows: np.ndarray, seed: int) -> np.ndarray:
    """Exchange the axes of every window at random, as the training of isotropic material does."""
    rng = np.random.default_rng(seed)
    return np.stack([window.transpose(rng.permutation(window.ndim)) for window in windows])


def maps_of(
    judge: NetworkJudge, made: np.ndarray, real: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the share of right answers, scores of samples, and what their patches give away."""
    half = len(real) // 2
    right, of_made, away = 0, [], []
    with stage("training judges", 2 * judge.epochs) as work:
        for fold, asked in enumerate((slice(0, half), slice(half, None))):
            seen = slice(half, None) if fold == 0 else slice(0, half)
            sides = (one_hot(side[seen], PHASES) for side in (made, real))
            network = judge.trained(*sides, fold, work)
            found = scores(network, one_hot(made[asked], PHASES))
            right += int((found > 0).sum())
            right += int((scores(network, one_hot(real[asked], PHASES)) <= 0).sum())
            of_made.append(found.numpy())
            away.append(given_away(network, made[asked]))
    return right / (2 * len(real)), np.concatenate(of_made), np.concatenate(away)


def draw(path: Path, windows: np.ndarray, away: np.ndarray, chosen: np.ndarray) -> None:
    """Draw windows, pores dark, under what their patches gave away: red most, blue against it."""
    size = (2.2 * COLUMNS, 2.2 * ROWS)
    figure, axes = plt.subplots(ROWS, COLUMNS, figsize=size, layout="constrained")
    scale = np.quantile(np.abs(away), 0.99)
    for ax, k in zip(axes.ravel(), chosen, strict=True):
        window = windows[k]
        total, times = np.zeros(window.shape), np.zeros(window.shape)
        for place, value in zip(places_of(window.shape), away[k], strict=True):
            total[place] += value
            times[place] += 1
        shown = total / np.maximum(times, 1)
        middle = (window.shape[0] // 2,) if window.ndim == 3 else ()
        ax.imshow(window[middle], cmap="gray", vmin=-0.6, vmax=1.1)
        ax.imshow(shown[middle], cmap="bwr", alpha=0.45, vmin=-scale, vmax=scale)
        ax.set_axis_off()
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    add_block_options(parser)
    parser.add_argument("-n", type=int, default=400, help="real windows, and samples")
    parser.add_argument("--evaluations", type=int)
    parser.add_argument("--seeds", type=int, default=2, help="networks that are trained")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=Path)
    add_record_option(parser)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model)
    unseen = unseen_block(options)
    window = model.card.window
    real = windows_of_halves(unseen, window, options.n // 2, options.seed)
    others = windows_of_halves(unseen, window, options.n // 2, options.seed + 100)
    made = samples_like(model, real, None, options.evaluations, options.seed)

    sides = {
        options.model: made.values,
        "other real windows": others.values,
        "other real windows, turned at random": turned(others.values, options.seed),
    }
    rows: dict[str, dict[str, float | str]] = {}
    for name, side in sides.items():
        found = [
            maps_of(NetworkJudge(epochs=EPOCHS, seed=seed), side, real.values)
            for seed in range(options.seeds)
        ]
        away = np.mean([one[2] for one in found], axis=0)
        within = np.stack([content(each) for each in side])
        most = away >= np.quantile(away, 1 - MOST)
        rows[f"{name}: all patches"] = {
            "network judge right": " and ".join(f"{one[0]:.3f}" for one in found),
            "log odds given away": float(away.mean()),
            **dict(zip(FEATURES, within.mean((0, 1)).tolist(), strict=True)),
        }
        rows[f"{name}: patches that gave away most"] = {
            "log odds given away": float(away[most].mean()),
            **dict(zip(FEATURES, within[most].mean(0).tolist(), strict=True)),
        }
        if options.picture and name == options.model:
            surest = np.argsort(-np.mean([one[1] for one in found], axis=0))[: ROWS * COLUMNS]
            draw(options.picture, side, away, surest)
    within = np.stack([content(each) for each in real.values])
    rows["the real windows: all patches"] = dict(
        zip(FEATURES, within.mean((0, 1)).tolist(), strict=True)
    )
    for name, row in rows.items():
        print(name, row, flush=True)
    notes = [f"{options.n} windows of {window} voxels and as many samples; patches of {PATCH}."]
    record("what-is-left", options.record, rows, notes=notes)


if __name__ == "__main__":
    main()
