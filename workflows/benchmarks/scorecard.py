"""The quantities of a published scorecard of pore space, on rock that was never seen.

    python workflows/benchmarks/scorecard.py berea-full-3d --layers 272 400 --length 128

They are those of PoreDiT (arXiv:2604.10171, its table for Bentheimer in windows of 256^3): S2 is
the periodic correlation of windows that are not, the mean of three axes up to half a window, and
its mismatch the root mean square difference from the mean of the real windows over the root mean
square of that; of a real window, from the mean of the others. Before surface, Euler number and pore
networks, components of fewer than 34 voxels are removed. Networks are those of SNOW2. Unlike there,
the surface is by Crofton's formula without the faces of the box (there by marching cubes with
them), components and Euler numbers join voxels across faces alone (there across edges and corners
too), real windows are disjoint and of a block that training never saw, and porosities are exact.
docs/reference/models.md has the published values beside ours. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse

import numpy as np
import xarray as xr
from long_range import PORE, add_box_options, real_and_generated
from record import add_record_option, record
from scipy import ndimage, stats

from microdsd.metrics import euler_characteristic, specific_surface_area
from microdsd.metrics.pore_network import pore_networks
from microdsd.microstructure import as_microstructure
from microdsd.progress import show_progress, stage

SMALLEST = 34


def periodic_s2(pores: np.ndarray) -> np.ndarray:
    """S2 of every box (boxes, lags), as if it were periodic; the mean of the axes."""
    space = tuple(range(1, pores.ndim))
    spectrum = np.abs(np.fft.fftn(pores, axes=space)) ** 2
    correlation = np.fft.ifftn(spectrum, axes=space).real / pores[0].size
    half = pores.shape[1] // 2
    first = [correlation[:, :half, 0, 0], correlation[:, 0, :half, 0], correlation[:, 0, 0, :half]]
    return np.mean(first, axis=0)


def mismatch(curve: np.ndarray, reference: np.ndarray) -> float:
    """Root mean square difference over the root mean square, per cent."""
    return float(100 * np.sqrt(((curve - reference) ** 2).mean() / (reference**2).mean()))


def without_specks(boxes: xr.DataArray) -> xr.DataArray:
    """Boxes without pore components of fewer than 34 voxels."""
    cleaned = boxes.values.copy()
    for box in cleaned:
        labels, _ = ndimage.label(box == PORE)
        size = np.bincount(labels.ravel())
        box[(size < SMALLEST)[labels] & (labels > 0)] = 1
    return as_microstructure(cleaned, phases={0: "pore", 1: "solid"}, ensemble=True)


def columns(boxes: xr.DataArray) -> dict[str, np.ndarray]:
    """Every quantity, one value per box."""
    cleaned = without_specks(boxes)
    volume = boxes[0].size
    result: dict[str, list[float]] = {
        name: []
        for name in ("SNOW2 pores", "SNOW2 throats", "coordination", "isolated pores, share")
    }
    with stage("pore networks", len(cleaned)) as extracting:
        for box in cleaned:
            (network,) = pore_networks(box, phase=PORE)
            number, throats = len(network["pore.coords"]), network["throat.conns"]
            degree = np.bincount(throats.ravel(), minlength=number)
            result["SNOW2 pores"].append(number)
            result["SNOW2 throats"].append(len(throats))
            result["coordination"].append(degree.mean())
            result["isolated pores, share"].append((degree == 0).mean())
            extracting.advance(1)
    surface = specific_surface_area(cleaned, phase=PORE, periodic=False).values
    euler = euler_characteristic(cleaned, phase=PORE, periodic=False).values / volume
    return {
        "surface, 1/voxel": surface,
        "Euler density, 1e-6/voxel": 1e6 * euler,
        **{name: np.array(values, dtype=float) for name, values in result.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_box_options(parser)
    add_record_option(parser)
    options = parser.parse_args()

    real, new = real_and_generated(options)
    s2_real, s2_new = (periodic_s2(boxes.values == PORE) for boxes in (real, new))
    total = s2_real.sum(axis=0)
    alone = [mismatch(one, (total - one) / (len(real) - 1)) for one in s2_real]
    both = {
        "S2 mismatch, %": (
            np.array(alone),
            np.array([mismatch(one, total / len(real)) for one in s2_new]),
        ),
    }
    of_real, of_new = columns(real), columns(new)
    both |= {name: (of_real[name], of_new[name]) for name in of_real}
    rows = {}
    for name, (measured, generated) in both.items():
        rows[name] = {
            "real": float(measured.mean()),
            "real, sd": float(measured.std(ddof=1)),
            "generated": float(generated.mean()),
            "generated, sd": float(generated.std(ddof=1)),
            "difference, %": float(100 * (generated.mean() / measured.mean() - 1)),
            "KS p": float(stats.ks_2samp(measured, generated).pvalue),
        }
        print(name, rows[name], flush=True)
    note = (
        f"{len(real)} disjoint real boxes of {options.length}^3 never seen, {len(new)} generated."
    )
    record("scorecard", options.record, rows, notes=[note])


if __name__ == "__main__":
    with show_progress():
        main()
