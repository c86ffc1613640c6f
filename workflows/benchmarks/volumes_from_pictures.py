"""How near classical volumes from one picture come to the rock in 3D.

    python workflows/benchmarks/volumes_from_pictures.py --samples 9
    python workflows/benchmarks/volumes_from_pictures.py --edge 32 --samples 12 --sweeps 20

A slice of the training block of Berea sandstone (averaged 2x) is written as a PNG file and read
again: it is all that the baselines know. They generate at the porosities of windows of the test
block. For scale: the same field from windows of the whole training block. Needs the scan
(MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
from berea_fidelity import TEST_BLOCK, TRAINING_BLOCK, block_windows
from PIL import Image
from record import add_record_option, record

from microdsd import GaussianField, YeongTorquato, describe
from microdsd.datasets import load_dataset
from microdsd.evaluation import two_point_error
from microdsd.io import open_labels
from microdsd.microstructure import coarsen, cut_windows

LAYER = 52
MEASURED = ("fractions", "two_point", "surface", "euler", "components", "percolation")
WINDOWS = 128


def picture() -> xr.DataArray:
    """One slice of the training block, by way of a PNG file."""
    scan = coarsen(load_dataset("berea_sandstone"), 2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "micrograph.png"
        Image.fromarray((scan.values[LAYER] > 0).astype(np.uint8) * 255).save(path)
        with open_labels(path, phases={0: "pore", 255: "solid"}) as source:
            return source.load()


def figures(made: xr.Dataset, real: xr.Dataset) -> dict[str, float]:
    """Descriptors of the pores, and the error of S2 up to half the window."""
    pores = made.sel(phase=0).mean("sample")
    lags = made.sizes["distance"]
    curves = [
        one.two_point_probability.sel(phase=0).mean("sample").values[:lags] for one in (made, real)
    ]
    return {
        "S2 error": two_point_error(*curves),
        "surface": float(pores.specific_surface_area),
        "pore components": float(pores.component_count),
        "Euler number": float(pores.euler_characteristic),
        "largest component": float(pores.largest_component_share),
        **{f"percolates {a}": float(pores.percolates.sel(axis=a)) for a in "zyx"},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edge", type=int, default=64, help="voxels per axis of the volumes")
    parser.add_argument("--samples", type=int, default=9)
    parser.add_argument("--sweeps", type=float, help="Yeong-Torquato too, at so many swaps a voxel")
    add_record_option(parser)
    options = parser.parse_args()

    n, shape = options.samples, (options.edge,) * 3
    real = describe(block_windows(TEST_BLOCK, shape, n), periodic=False, descriptors=MEASURED)
    asked = {0: real.phase_fraction.sel(phase=0).values.tolist()}
    rows = {"rock": figures(real, real)}
    print("rock", rows["rock"], flush=True)
    flat = cut_windows(picture(), shape[:2], n=WINDOWS, rng=0, disjoint=False)

    def from_volumes() -> xr.DataArray:
        windows = block_windows(TRAINING_BLOCK, shape, 12, disjoint=False)
        field = GaussianField.fit(windows, symmetry="isotropic", periodic=False)
        return field.sample(n, phase_fraction=asked, rng=0)

    def from_picture() -> xr.DataArray:
        field = GaussianField.from_planes(flat, periodic=False)
        return field.sample(n, phase_fraction=asked, shape=shape, rng=0)

    def annealed() -> xr.DataArray:
        model = YeongTorquato.from_planes(flat, periodic=False)
        return model.sample(n, phase_fraction=asked, shape=shape, sweeps=options.sweeps, rng=0)

    methods: dict[str, Callable[[], xr.DataArray]] = {
        "Gaussian field, one picture": from_picture,
        "Gaussian field, volumes": from_volumes,
    }
    if options.sweeps is not None:
        methods["Yeong-Torquato, one picture"] = annealed
    for name, make in methods.items():
        start = time.process_time()
        made = make()
        seconds = (time.process_time() - start) / n
        described = describe(made, periodic=False, descriptors=MEASURED)
        rows[name] = figures(described, real) | {"CPU seconds": seconds}
        print(name, rows[name], flush=True)
    notes = [
        f"{n} volumes of {options.edge}^3 at the porosities of {n} disjoint windows of the test "
        f"block (layers {TEST_BLOCK[0]} to {TEST_BLOCK[1]}). The picture is layer {LAYER}, 200 x "
        f"200 pixels; of it {WINDOWS} windows were cut."
    ]
    record("volumes-from-pictures", options.record, rows, notes=notes)


if __name__ == "__main__":
    main()
