"""What is left to tell samples from rock at the scale of the voxel, model by model.

    python workflows/benchmarks/last_draw.py before.model berea-3d --coarsen 2 --layers 136 200

Windows are cut from two halves of layers that training never saw; samples have their compositions,
one each. What learned on one half judges the other: a linear discriminant on the shares of the
configurations of 2^d voxels, up to turns and mirrors, and `microdsd.NetworkJudge`, with two seeds.
Half right is a guess. Real windows against other real ones say what chance is. Needs the scan
(MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import replace
from functools import cache

import numpy as np
import xarray as xr
from berea_fidelity import figures, pore_curves
from network_judge import add_block_options, samples_like, unseen_block
from record import add_record_option, record

from microdsd import MicrostructureModel, NetworkJudge, cut_windows
from microdsd.metrics import describe
from microdsd.metrics.registry import compared_groups
from microdsd.microstructure import as_microstructure, crop, phases_of

JUDGE_SEEDS = (0, 1)
EPOCHS = 24
RIDGE = 1e-2


@cache
def classes(axes: int) -> np.ndarray:
    """To which class every configuration of 2^axes voxels belongs, as indicators."""
    place = np.arange(2**axes).reshape((2,) * axes)
    symmetries = [
        np.flip(place.transpose(order), axis=tuple(np.flatnonzero(flips))).ravel()
        for order in itertools.permutations(range(axes))
        for flips in itertools.product((0, 1), repeat=axes)
    ]
    configurations = np.arange(2**2**axes)
    images = [
        sum(((configurations >> int(source)) & 1) << bit for bit, source in enumerate(symmetry))
        for symmetry in symmetries
    ]
    _, number = np.unique(np.min(images, axis=0), return_inverse=True)
    return np.eye(number.max() + 1)[number]


def configuration_shares(pores: np.ndarray) -> np.ndarray:
    """Shares (windows, classes) of the configurations of neighbouring voxels."""
    axes = pores.ndim - 1
    code = sum(
        pores[
            (slice(None), *[slice(k, n - 1 + k) for k, n in zip(at, pores.shape[1:], strict=True)])
        ].astype(np.int64)
        << bit
        for bit, at in enumerate(itertools.product((0, 1), repeat=axes))
    )
    counts = [np.bincount(window.ravel(), minlength=2**2**axes) for window in code]
    return np.stack(counts) / code[0].size @ classes(axes)


def discriminant(made: np.ndarray, real: np.ndarray) -> float:
    """Share of windows that a linear discriminant gets right on the half it has not seen."""
    sides = np.log(np.concatenate([made, real]) + 1e-4)
    sides = (sides - sides.mean(0)) / (sides.std(0) + 1e-9)
    is_real = np.repeat([False, True], len(made))
    second = np.tile(np.arange(len(made)) >= len(made) // 2, 2)
    right = 0
    for seen in (second, ~second):
        a, b = sides[seen & ~is_real], sides[seen & is_real]
        spread = np.cov(a.T) + np.cov(b.T) + RIDGE * np.eye(sides.shape[1])
        normal = np.linalg.solve(spread, b.mean(0) - a.mean(0))
        above = sides @ normal > normal @ (a.mean(0) + b.mean(0)) / 2
        right += int((above == is_real)[~seen].sum())
    return right / len(sides)


def row(made: xr.DataArray, real: xr.DataArray, described: xr.Dataset) -> dict[str, float | str]:
    of_made = describe(made, periodic=False, descriptors=compared_groups())
    shares = [configuration_shares(side.values == 0) for side in (made, real)]
    contacts = [float(d.edge_contacts.sel(phase=0).mean()) for d in (of_made, described)]
    lags = real.shape[-1] // 2 - 1
    assert pore_curves(described, lags).shape[1] == lags + 1
    off = (shares[0].mean(0) - shares[1].mean(0))[1:-1]
    judged = [
        NetworkJudge(folds=2, epochs=EPOCHS, seed=seed)(made, real).accuracy for seed in JUDGE_SEEDS
    ]
    return {
        "discriminant right": discriminant(*shares),
        "network judge right": " and ".join(f"{share:.3f}" for share in judged),
        "configurations off": float(np.sqrt((off**2).sum()) / shares[1].mean(0)[1:-1].sum()),
        "edge contacts / real": contacts[0] / contacts[1],
        **figures(of_made, described, lags),
    }


def windows_of_halves(
    unseen: xr.DataArray, window: tuple[int, ...], n: int, seed: int
) -> xr.DataArray:
    """Windows of both halves of a block, n of each, those of the first half first."""
    edge = unseen.sizes["y"] // 2
    cut = [
        cut_windows(
            crop(unseen, y=(edge * half, edge * (half + 1))),
            window,
            n=n,
            rng=seed + half,
            disjoint=False,
        ).values
        for half in (0, 1)
    ]
    return as_microstructure(np.concatenate(cut), phases=phases_of(unseen), ensemble=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    add_block_options(parser)
    parser.add_argument("-n", type=int, default=70, help="real windows of each half")
    parser.add_argument("--evaluations", type=int)
    parser.add_argument("--temperature", type=float, help="of the first model, once more")
    parser.add_argument("--seed", type=int, default=0)
    add_record_option(parser)
    options = parser.parse_args()

    models = {name: MicrostructureModel.load(name) for name in options.models}
    first = models[options.models[0]]
    if options.temperature is not None:
        walk = first.card.walk(options.evaluations or first.card.evaluations)
        walk = replace(walk, temperature=options.temperature)
        label = f"{options.models[0]}, temperature {options.temperature:g}"
        models[label] = first.with_walk(walk)
    window = first.card.window
    unseen = unseen_block(options)
    real = windows_of_halves(unseen, window, options.n, options.seed)
    described = describe(real, periodic=False, descriptors=compared_groups())
    rows: dict[str, dict[str, float | str]] = {
        "the real windows": {**figures(described, described, real.shape[-1] // 2 - 1)},
        "other real windows": row(
            windows_of_halves(unseen, window, options.n, options.seed + 100), real, described
        ),
    }
    for name, model in models.items():
        begun = time.perf_counter()
        made = samples_like(model, real, None, options.evaluations, options.seed)
        seconds = (time.perf_counter() - begun) / len(real)
        rows[name] = {**row(made, real, described), "seconds per sample": round(seconds, 2)}
        print(name, rows[name], flush=True)
    print(rows["other real windows"])
    record("last-draw", options.record, rows)


if __name__ == "__main__":
    main()
