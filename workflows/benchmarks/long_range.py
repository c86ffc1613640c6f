"""Structure over long distances: generated boxes of 128^3 against rock that was never seen.

    python workflows/benchmarks/long_range.py berea128.model --scan berea_sandstone --layers 272 400

Boxes have the fractions of disjoint real ones. Reported are S2 out to half a box, the standard
deviation of the porosity of its parts, the integral range that follows from it, interfaces,
connected components, percolation and the share of the largest component, in whole boxes and in
parts of half the length. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import itertools
import time

import numpy as np
import xarray as xr
from record import add_record_option, record

from microdsd import MicrostructureModel, coarsen, load_dataset, load_microstructures
from microdsd.cli.parsing import region_of
from microdsd.metrics import (
    connected_components,
    euler_characteristic,
    interface_density,
    percolates,
    two_point_probability,
)
from microdsd.microstructure import as_microstructure, crop, phases_of

PORE = 0
PARTS = (16, 32, 64)


def boxes_of(block: xr.DataArray, length: int) -> xr.DataArray:
    """All disjoint cubes of a block."""
    starts = itertools.product(*(range(0, n - length + 1, length) for n in block.shape))
    cubes = [block.values[tuple(slice(k, k + length) for k in corner)] for corner in starts]
    return as_microstructure(np.stack(cubes), phases=phases_of(block), ensemble=True)


def add_block_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `wanted_block`, and of boxes of it."""
    parser.add_argument("--scan", default="berea_sandstone")
    parser.add_argument("--coarsen", type=int, default=1)
    parser.add_argument("--layers", type=int, nargs=2, default=(272, 400))
    parser.add_argument("--region", action="append", help="of the other axes, as y=200:301")
    parser.add_argument("--length", type=int, default=128, help="of the boxes")
    parser.add_argument("--evaluations", type=int)
    parser.add_argument("--seed", type=int, default=0)


def block_of(dataset: str, factor: int, **region: tuple[int, int] | slice) -> xr.DataArray:
    """Part of a scan averaged over blocks of factor voxels per axis; lengths are voxels."""
    block = crop(coarsen(load_dataset(dataset), factor), **region)
    return as_microstructure(block.values, phases=phases_of(block))


def wanted_block(options: argparse.Namespace) -> xr.DataArray:
    """The part of a scan that boxes are cut from."""
    region = {"z": tuple(options.layers), **region_of(options.region)}
    return block_of(options.scan, options.coarsen, **region)


def add_box_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `real_and_generated`."""
    parser.add_argument("model")
    parser.add_argument("--samples", help="file of boxes that the model made; by default it does")
    add_block_options(parser)


def real_and_generated(options: argparse.Namespace) -> tuple[xr.DataArray, xr.DataArray]:
    """All disjoint boxes of some layers, and as many that a model makes of their fractions."""
    real = boxes_of(wanted_block(options), options.length)
    if options.samples:
        return real, load_microstructures(options.samples)
    model = MicrostructureModel.load(options.model)
    return real, boxes_like(real, model, options.evaluations, options.seed)


def boxes_like(
    real: xr.DataArray, model: MicrostructureModel, evaluations: int | None, seed: int
) -> xr.DataArray:
    """Boxes that a model makes of the fractions of real ones."""
    walking = list(phases_of(real))[:-1]
    return model.sample(
        len(real),
        phase_fraction={k: (real == k).mean(("z", "y", "x")).values.tolist() for k in walking},
        shape=real.shape[1:],
        evaluations=evaluations,
        rng=seed,
    )


def parts_of(boxes: xr.DataArray, length: int) -> np.ndarray:
    """Disjoint parts of boxes, shape (boxes, parts, length, length, length)."""
    n, edge = len(boxes), boxes.shape[1] // length
    cut = boxes.values[(slice(None), *(slice(0, edge * length),) * 3)]
    cut = cut.reshape(n, edge, length, edge, length, edge, length)
    return cut.transpose(0, 1, 3, 5, 2, 4, 6).reshape(n, edge**3, length, length, length)


def spread_of_parts(boxes: xr.DataArray, length: int) -> float:
    """Standard deviation of the porosity of parts within their box."""
    porosity = (parts_of(boxes, length) == PORE).mean((2, 3, 4))
    return float(np.sqrt(porosity.var(1, ddof=1).mean()))


def mean_s2(boxes: xr.DataArray) -> dict[str, np.ndarray]:
    """Mean S2 of the phases, of all but the last of two."""
    names = phases_of(boxes)
    told = list(names)[: -1 if len(names) == 2 else None]
    return {
        names[k]: two_point_probability(boxes, phase=k, periodic=False).mean("sample").values
        for k in told
    }


def figures(boxes: xr.DataArray, real_s2: dict[str, np.ndarray] | None = None) -> dict[str, float]:
    """Figures of boxes."""
    names = phases_of(boxes)
    two = len(names) == 2
    row: dict[str, float] = {}
    curves = mean_s2(boxes) if real_s2 else {}
    for name, real in (real_s2 or {}).items():
        off = np.abs(curves[name] - real).sum() / np.abs(real - real[-1]).sum()
        row["S2 error to half a box" + ("" if two else f", {name}")] = float(off)
    for one, other in itertools.combinations(names, 2):
        label = "interface density" if two else f"interface {names[one]}-{names[other]}"
        row[label] = float(interface_density(boxes, phase=one, phase2=other, periodic=False).mean())
    porosity = float((boxes == PORE).mean())
    for length in PARTS:
        if 2 * length <= boxes.shape[1]:
            spread = spread_of_parts(boxes, length)
            row[f"sd of porosity in {length}^3"] = spread
            integral_range = length**3 * spread**2 / (porosity * (1 - porosity))
            row[f"integral range by parts of {length}^3, voxels"] = integral_range
    half = boxes.shape[1] // 2
    small = as_microstructure(
        parts_of(boxes, half).reshape(-1, half, half, half), phases=names, ensemble=True
    )
    for cubes in (small, boxes):
        size = f"{cubes.shape[1]}^3"
        for k, name in names.items():
            components = connected_components(cubes, phase=k, periodic=False)
            row[f"{name} components in {size}"] = float(components.number.mean())
            if k == PORE or not two:
                share = float(components.largest_share.mean())
                row[f"largest {name} component in {size}"] = share
        euler = euler_characteristic(cubes, phase=PORE, periodic=False)
        row[f"Euler number in {size}"] = float(euler.mean())
        row[f"percolates in {size}"] = float(percolates(cubes, phase=PORE).mean())
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    add_block_options(parser)
    parser.add_argument("--boxes", type=int, default=9)
    add_record_option(parser)
    options = parser.parse_args()

    real = boxes_of(wanted_block(options), options.length)[: options.boxes]
    half = len(real) // 2
    rows = {"real": figures(real)}
    rows["real, half against the other half"] = figures(real[half:], mean_s2(real[:half]))
    s2 = mean_s2(real)
    for path in options.models:
        model = MicrostructureModel.load(path)
        begun = time.process_time()
        made = boxes_like(real, model, options.evaluations, options.seed)
        seconds = (time.process_time() - begun) / len(real)
        row = {**figures(made, s2), "processor seconds a box": seconds}
        rows[model.card.provenance.get("name", path)] = row
    for name in dict.fromkeys(key for row in rows.values() for key in row):
        print(f"{name:44}", *(f"{row.get(name, float('nan')):12.4g}" for row in rows.values()))
    record("long-range", options.record, rows, notes=[f"{len(real)} boxes; columns of the scan."])


if __name__ == "__main__":
    main()
