"""What the verdict says of real sets, and of sets that are wrong in a known way.

    python workflows/benchmarks/verdict_calibration.py false-alarms --runs 400
    python workflows/benchmarks/verdict_calibration.py power --runs 20
    python workflows/benchmarks/verdict_calibration.py files a.h5 b.h5 --axes 2
    python workflows/benchmarks/verdict_calibration.py models berea-2d --axes 2

Berea sandstone coarsened 2x, the test block that no model saw: 2D windows of 64^2 on slices 5
voxels apart, 3D windows of 32^3, all disjoint. "false-alarms" splits them at random into two
sets. "power" spoils one of two sets, for more and more pairs. "files" judges samples against
them, "models" samples that are generated at their fractions. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import collections
from collections.abc import Callable

import numpy as np
import xarray as xr
from berea_fidelity import TEST_BLOCK, block_windows

from microdsd import MicrostructureModel
from microdsd.baselines import GaussianField, YeongTorquato
from microdsd.evaluation import judge
from microdsd.io import load_microstructures
from microdsd.metrics import describe
from microdsd.metrics.descriptors import JUDGED
from microdsd.microstructure import blobs, phase_fractions
from microdsd.report import verdict_sentence

WINDOWS = {2: ((64, 64), 117), 3: ((32, 32, 32), 72)}
PAIRS = {2: (12, 24, 48), 3: (12, 24, 36)}

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
    field = GaussianField.fit(real, symmetry="isotropic")
    fractions = {"pore": phase_fractions(real).sel(phase=0).values.tolist()}
    return field.sample(len(real), phase_fraction=fractions, rng=rng).values


def matched_s2_and_lineal_path(real: xr.DataArray, rng: np.random.Generator) -> np.ndarray:
    """Yeong-Torquato swaps with the S2, the lineal path and the fractions of the windows."""
    field = YeongTorquato.fit(real, symmetry="isotropic")
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


SPOILS: dict[str, Spoil] = {
    "nothing (false alarms)": nothing,
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


def false_alarms(axes: int, runs: int) -> None:
    window, number = WINDOWS[axes]
    real = block_windows(TEST_BLOCK, window, number)
    described = describe(real, periodic=False, descriptors=JUDGED)
    rng = np.random.default_rng(0)
    for pairs in PAIRS[axes]:
        counts: collections.Counter[str] = collections.Counter()
        for _ in range(runs):
            order = rng.permutation(number)
            one, other = np.sort(order[:pairs]), np.sort(order[pairs:])
            found = judge(
                real[one],
                real[other],
                periodic=False,
                rng=rng,
                described=(described.isel(sample=one), described.isel(sample=other)),
            )
            counts["family"] += bool(found.failed)
            counts["fractions differ"] += not found.same_fractions
            counts.update(test.name for test in found.tests if test.p_value <= found.alpha)
        rates = ", ".join(f"{name} {count / runs:.3f}" for name, count in counts.items())
        print(f"{axes}D, {pairs} pairs of {number} windows, {runs} splits: {rates}", flush=True)


def power(axes: int, runs: int, only: str | None) -> None:
    window, number = WINDOWS[axes]
    real = block_windows(TEST_BLOCK, window, number)
    described = describe(real, periodic=False, descriptors=JUDGED)
    rng = np.random.default_rng(0)
    for name, spoil in SPOILS.items():
        if only not in (None, name):
            continue
        for pairs in PAIRS[axes]:
            failed, reasons = 0, collections.Counter()
            for _ in range(runs):
                order = rng.permutation(number)
                new, other = real[np.sort(order[:pairs])].copy(), np.sort(order[pairs:])
                new.values = spoil(new, rng)
                sides = (
                    describe(new, periodic=False, descriptors=JUDGED),
                    described.isel(sample=other),
                )
                found = judge(new, real[other], periodic=False, rng=rng, described=sides)
                failed += bool(found.failed)
                reasons.update(test.name for test in found.failed)
            why = ", ".join(f"{test} {n / runs:.0%}" for test, n in reasons.most_common(5))
            print(f"{axes}D {name:32} {pairs:3} pairs: {failed / runs:4.0%}  {why}", flush=True)


def files(axes: int, paths: list[str]) -> None:
    window, number = WINDOWS[axes]
    real = block_windows(TEST_BLOCK, window, number)
    for path in paths:
        found = judge(load_microstructures(path), real, periodic=False, rng=0)
        print(f"{path}: {verdict_sentence(found)}")


def models(axes: int, names: list[str]) -> None:
    window, number = WINDOWS[axes]
    real = block_windows(TEST_BLOCK, window, number)
    fractions = phase_fractions(real)
    asked = {int(k): fractions.sel(phase=k).values.tolist() for k in fractions.phase}
    for name in names:
        model = MicrostructureModel.load(name)
        made = model.sample(number, phase_fraction=asked, shape=window, rng=0)
        for pairs in (PAIRS[axes][-1 if axes == 2 else 1], number):
            found = judge(made[:pairs], real, periodic=False, rng=0)
            print(f"{name}, {pairs} pairs: {verdict_sentence(found)}")
            reasons = (f"{test.name} {test.adjusted_p_value:.2g}" for test in found.tests)
            print(f"  corrected p: {', '.join(reasons)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("false-alarms", "power", "files", "models"))
    parser.add_argument("paths", nargs="*", help="Files of samples, or names of models.")
    parser.add_argument("--axes", type=int, choices=(2, 3), help="Default: both.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--only", choices=SPOILS, help="For 'power': one kind of wrong sets.")
    options = parser.parse_args()
    for axes in [options.axes] if options.axes else [2, 3]:
        if options.what == "files":
            files(axes, options.paths)
        elif options.what == "models":
            models(axes, options.paths)
        elif options.what == "power":
            power(axes, options.runs, options.only)
        else:
            false_alarms(axes, options.runs)


if __name__ == "__main__":
    main()
