"""What the verdict says of real sets, and of sets that are wrong in a known way.

    python workflows/benchmarks/verdict_calibration.py false-alarms --runs 100
    python workflows/benchmarks/verdict_calibration.py intervals --runs 300
    python workflows/benchmarks/verdict_calibration.py power --runs 20
    python workflows/benchmarks/verdict_calibration.py files a.h5 b.h5 --medium berea-2d
    python workflows/benchmarks/verdict_calibration.py models berea-2d --medium berea-2d

Berea sandstone coarsened 2x, the test block that no model saw: 2D windows of 64^2 on slices 5
voxels apart, 3D windows of 32^3, all disjoint; and a Gaussian medium, windows of 64^2 of one large
plane, of which there are as many as one wants. "Samples" are windows drawn at random ("windows'
own" fractions), or those whose fraction is closest to the median ("one" fraction), against the
others. "false-alarms" leaves them as they are, "intervals" asks for the answer "within" alone, also
of descriptors made wrong by just their margin, "power" spoils them. "files" judges samples against
all windows, "models" samples that are generated at their fractions. The sandstone needs the scan
(MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import xarray as xr
from berea_fidelity import TEST_BLOCK, block_windows
from record import add_record_option, record

from microdsd import MicrostructureModel
from microdsd.baselines import GaussianField, YeongTorquato
from microdsd.evaluation.comparison import last_judged_lag
from microdsd.evaluation.verdict import DIFFERS, WITHIN, default_margins, judge
from microdsd.evaluation.verdict.adjusted import Adjusted, Setting
from microdsd.evaluation.verdict.features import Block, feature_blocks
from microdsd.io import load_microstructures
from microdsd.metrics import describe
from microdsd.metrics.registry import judged_groups
from microdsd.microstructure import as_microstructure, blobs, cut_windows, phase_fractions
from microdsd.report import verdict_sentence

MEDIA = {
    "berea-2d": ((64, 64), 117, (24, 48)),
    "berea-3d": ((32, 32, 32), 72, (24, 36)),
    "gaussian": ((64, 64), 600, (24, 48, 96, 200)),
}
WAYS = ("windows' own", "one")

Spoil = Callable[[xr.DataArray, np.random.Generator], np.ndarray]


def nothing(real: xr.DataArray, rng: np.random.Generator) -> np.ndarray:
    return real.values


def gaussian_blobs(real: xr.DataArray, rng: np.random.Generator) -> np.ndarray:
    """Level cuts of a Gaussian field with the fractions of the windows."""
    fractions = phase_fractions(real).values
    return np.stack(
        [blobs(real.shape[1:], fractions=f, scale=2, rng=rng).values for f in fractions]
    )


def matched_s2(real: xr.DataArray, rng: np.random.Generator) -> np.ndarray:
    """Level cuts of a Gaussian field with the S2 and the fractions of the windows."""
    field = GaussianField.fit(real, symmetry="isotropic", periodic=False)
    fractions = {"pore": phase_fractions(real).sel(phase=0).values.tolist()}
    return field.sample(len(real), phase_fraction=fractions, rng=rng).values


def matched_s2_and_lineal_path(real: xr.DataArray, rng: np.random.Generator) -> np.ndarray:
    """Yeong-Torquato swaps with the S2, the lineal path and the fractions of the windows."""
    field = YeongTorquato.fit(real, symmetry="isotropic", periodic=False)
    fractions = {"pore": phase_fractions(real).sel(phase=0).values.tolist()}
    return field.sample(len(real), phase_fraction=fractions, rng=rng).values


def exchanged(share: float) -> Spoil:
    """A share of the voxels exchanges its phase, as many of each: fractions are kept."""

    def spoil(real: xr.DataArray, rng: np.random.Generator) -> np.ndarray:
        labels = real.values.reshape(len(real), -1).copy()
        for sample in labels:
            number = min(round(share * sample.size / 2), int((sample == 0).sum()))
            pores, solids = (rng.choice(np.flatnonzero(sample == k), number, False) for k in (0, 1))
            sample[pores], sample[solids] = 1, 0
        return labels.reshape(real.shape)

    return spoil


def stretched(*factors: float) -> Spoil:
    """The first part of a window, stretched over all of it, axis by axis."""

    def spoil(real: xr.DataArray, rng: np.random.Generator) -> np.ndarray:
        labels = real.values
        last = (1.0,) * (labels.ndim - 1 - len(factors)) + factors
        if len(factors) == 1:
            last = factors * (labels.ndim - 1)
        for axis, factor in enumerate(last, start=1):
            n = labels.shape[axis]
            labels = labels.take((np.arange(n) / factor).astype(int), axis=axis)
        return labels

    return spoil


def few(number: int) -> Spoil:
    """The same few windows again and again: a collapsed generator."""
    return lambda real, rng: real.values[rng.integers(number, size=len(real))]


def speckled(rougher: float) -> Spoil:
    """Voxels exchanged until the interface density has grown by a share."""

    def spoil(real: xr.DataArray, rng: np.random.Generator) -> np.ndarray:
        def faces(labels: np.ndarray) -> int:
            axes = range(1, labels.ndim)
            return sum(int((np.diff(labels.astype(np.int8), axis=a) != 0).sum()) for a in axes)

        share, labels = 0.0, real.values
        while faces(labels) < (1 + rougher) * faces(real.values):
            share += 0.002
            labels = exchanged(share)(real, rng)
        return labels

    return spoil


SPOILS: dict[str, Spoil] = {
    "nothing": nothing,
    "speckle, 33 % more surface": speckled(0.33),
    "Gaussian blobs, same fractions": gaussian_blobs,
    "Gaussian field, matched S2": matched_s2,
    "Yeong-Torquato, S2 and lineal path": matched_s2_and_lineal_path,
    "1 % of the voxels exchanged": exchanged(0.01),
    "2 % of the voxels exchanged": exchanged(0.02),
    "10 % too coarse": stretched(1.1),
    "20 % too coarse": stretched(1.2),
    "20 % too long along x": stretched(1.0, 1.2),
    "40 % too long along x": stretched(1.0, 1.4),
    "6 windows, repeated": few(6),
}


def medium_windows(medium: str) -> xr.DataArray:
    window, number, _ = MEDIA[medium]
    if medium != "gaussian":
        return block_windows(TEST_BLOCK, window, number)
    edge = window[0] * int(np.ceil(np.sqrt(number)))
    plane = blobs((edge, edge), fractions=(0.2, 0.8), scale=2.5, rng=0)
    named = as_microstructure(plane, phases={0: "pore", 1: "solid"})
    return cut_windows(named, window, n=number, rng=0)


def drawn(
    pores: np.ndarray, pairs: int, way: str, most: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the windows that play the samples, and of those that stay real."""
    order = rng.permutation(len(pores))
    if way == "one":
        # Of the windows closest to the median, as many again as are needed, a random half.
        close = order[np.argsort(np.abs(pores - np.median(pores))[order])][: 2 * pairs]
        new = rng.permutation(close)[:pairs]
    else:
        new = order[:pairs]
    rest = np.setdiff1d(order, new)
    return np.sort(new), np.sort(rng.permutation(rest)[:most])


def run(medium: str, spoil: Spoil, pairs: int, way: str, runs: int, name: str) -> dict[str, float]:
    """Judge many splits, print the shares of the answers, and return them."""
    real, described = measured(medium)
    pores = phase_fractions(real).values[:, 0]
    rng = np.random.default_rng(0)
    most = len(real) if medium != "gaussian" else 2 * pairs
    reached: collections.Counter[str] = collections.Counter()
    answers: dict[str, collections.Counter[str]] = {
        kind: collections.Counter() for kind in ("within", "differs", "p")
    }
    for _ in range(runs):
        one, other = drawn(pores, pairs, way, most, rng)
        new, mine = real[one].copy(), described.isel(sample=one)
        if spoil is not nothing:
            new.values = spoil(new, rng)
            mine = describe(new, periodic=False, descriptors=judged_groups())
        sides = mine, described.isel(sample=other)
        found = judge(new, real[other], periodic=False, rng=rng, described=sides)
        reached[found.status] += 1
        reached["differs"] += bool(found.differing)
        reached["all within"] += bool(found.indistinguishable)
        reached["descriptors within"] += found.counts()[WITHIN] if found.tests else 0
        for test in found.tests:
            answers["within"][test.name] += test.answer == WITHIN
            answers["differs"][test.name] += test.answer == DIFFERS
            answers["p"][test.name] += test.p_value <= found.alpha
    shares = {key: round(count / runs, 3) for key, count in reached.items()}
    print(f"{medium} | {name} | {pairs} samples | fractions: {way} | {runs} runs | {shares}")
    for kind, counts in answers.items():
        listed = ", ".join(f"{test} {n / runs:.2f}" for test, n in counts.items() if n)
        print(f"    {kind}: {listed}", flush=True)
    each = {
        f"{kind}: {test}": n / runs
        for kind, counts in answers.items()
        for test, n in counts.items()
    }
    return {**shares, **each}


@functools.cache
def measured(medium: str) -> tuple[xr.DataArray, xr.Dataset]:
    real = medium_windows(medium)
    return real, describe(real, periodic=False, descriptors=judged_groups())


def at_the_edge(block: Block) -> Block:
    """The same descriptor, wrong by its margin."""
    margin, values = default_margins()[block.descriptor], block.values
    mean = np.nanmean(values, axis=0)
    if margin.kind == "mean":
        return dataclasses.replace(block, values=values * (1 + margin.value))
    scale = {
        "size": np.nanmean(np.abs(values), axis=0),
        "fall": np.ptp(mean, axis=-1)[..., np.newaxis],
        "points": 1.0,
    }[margin.kind]
    return dataclasses.replace(block, values=values + margin.value * scale)


def intervals(medium: str, pairs: int, way: str, runs: int) -> dict[str, float]:
    """Return how often a descriptor is within: as it is, and if it is wrong by its margin."""
    real, described = measured(medium)
    phi = phase_fractions(real).values
    rng = np.random.default_rng(0)
    lag = last_judged_lag(real.shape[1:])
    blocks = feature_blocks(described, last_lag=lag)
    counts: dict[str, collections.Counter[str]] = {
        "within": collections.Counter(),
        "false within": collections.Counter(),
    }
    most = len(real) if medium != "gaussian" else 2 * pairs
    for _ in range(runs):
        one, other = drawn(phi[:, 0], pairs, way, most, rng)
        setting = Setting.of(
            phi[one], phi[other], alpha=0.05, tests=16, rng=np.random.default_rng(0), shuffles=1
        )
        for block in blocks:
            made, kept = (
                dataclasses.replace(block, values=block.values[chosen]) for chosen in (one, other)
            )
            for kind, new in (("within", made), ("false within", at_the_edge(made))):
                found = Adjusted(setting, new, kept, default_margins()[block.descriptor])
                counts[kind][block.descriptor] += found.inside
    for kind, number in counts.items():
        rates = ", ".join(f"{name} {n / runs:.3f}" for name, n in number.items())
        print(f"{medium} | {kind} | {pairs} samples | fractions: {way} | {runs} runs | {rates}")
    return {
        f"{kind}: {name}": n / runs for kind, number in counts.items() for name, n in number.items()
    }


def files(medium: str, paths: list[str]) -> None:
    real = medium_windows(medium)
    for path in paths:
        found = judge(load_microstructures(path), real, periodic=False, rng=0)
        print(f"{path}: {verdict_sentence(found)}")


def models(medium: str, names: list[str]) -> None:
    window, number, sizes = MEDIA[medium]
    real = medium_windows(medium)
    fractions = phase_fractions(real)
    asked = {int(k): fractions.sel(phase=k).values.tolist() for k in fractions.phase}
    for name in names:
        model = MicrostructureModel.load(name)
        made = model.sample(number, phase_fraction=asked, shape=window, rng=0)
        for pairs in (sizes[-1], number):
            found = judge(made[:pairs], real, periodic=False, rng=0)
            print(f"{name}, {pairs} samples: {verdict_sentence(found)}")
            answers = (f"{t.name} {t.answer}" for t in found.tests)
            print(f"  {', '.join(answers)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("false-alarms", "intervals", "power", "files", "models"))
    parser.add_argument("paths", nargs="*", help="Files of samples, or names of models.")
    parser.add_argument("--medium", choices=MEDIA, action="append", help="Default: all.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--pairs", type=int, nargs="+", help="Numbers of samples.")
    parser.add_argument("--only", choices=SPOILS, nargs="+", help="For 'power': kinds of wrong.")
    add_record_option(parser)
    options = parser.parse_args()
    rows: dict[str, dict[str, float]] = {}
    for medium in options.medium or MEDIA:
        if options.what == "files":
            files(medium, options.paths)
            continue
        if options.what == "models":
            models(medium, options.paths)
            continue
        for pairs in options.pairs or MEDIA[medium][-1]:
            for way in WAYS:
                label = f"{medium}, {pairs} samples, fractions: {way}"
                if options.what == "false-alarms":
                    rows[label] = run(medium, nothing, pairs, way, options.runs, "nothing")
                elif options.what == "intervals":
                    rows[label] = intervals(medium, pairs, way, options.runs)
                else:
                    for name in options.only or [name for name in SPOILS if name != "nothing"]:
                        rows[f"{label}, {name}"] = run(
                            medium, SPOILS[name], pairs, way, options.runs, name
                        )
    record("verdict-calibration", options.record, rows)


if __name__ == "__main__":
    main()
