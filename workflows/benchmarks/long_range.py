"""Structure over long distances: generated boxes of 128^3 against rock that was never seen.

    python workflows/benchmarks/long_range.py berea128.model --scan berea_sandstone --layers 272 400

Boxes have the porosities of disjoint real ones. Reported are S2 out to half a box, the standard
deviation of the porosity of its parts, the integral range that follows from it, interfaces,
connected components, percolation and the share of the largest component, in whole boxes and in
parts of half the length. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import xarray as xr
from record import add_record_option, record

from microdsd import MicrostructureModel, coarsen, load_dataset, load_microstructures
from microdsd.metrics import (
    connected_components,
    euler_characteristic,
    interface_density,
    percolates,
    two_point_probability,
)
from microdsd.microstructure import as_microstructure, crop

PORE, SOLID = 0, 1
PARTS = (16, 32, 64)


def boxes_of(block: xr.DataArray, length: int) -> xr.DataArray:
    """All disjoint cubes of a block."""
    starts = [range(0, n - length + 1, length) for n in block.shape]
    cubes = [
        block.values[z : z + length, y : y + length, x : x + length]
        for z in starts[0]
        for y in starts[1]
        for x in starts[2]
    ]
    return as_microstructure(np.stack(cubes), phases={0: "pore", 1: "solid"}, ensemble=True)


def add_box_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `real_and_generated`."""
    parser.add_argument("model")
    parser.add_argument("--samples", help="file of boxes that the model made; by default it does")
    parser.add_argument("--scan", default="berea_sandstone")
    parser.add_argument("--coarsen", type=int, default=1)
    parser.add_argument("--layers", type=int, nargs=2, default=(272, 400))
    parser.add_argument("--length", type=int, default=128, help="of the boxes")
    parser.add_argument("--evaluations", type=int)
    parser.add_argument("--seed", type=int, default=0)


def real_and_generated(options: argparse.Namespace) -> tuple[xr.DataArray, xr.DataArray]:
    """All disjoint boxes of some layers, and as many that a model makes of their porosities."""
    rock = load_dataset(options.scan)
    rock = coarsen(rock, options.coarsen) if options.coarsen > 1 else rock
    real = boxes_of(crop(rock, z=tuple(options.layers)), options.length)
    if options.samples:
        return real, load_microstructures(options.samples)
    model = MicrostructureModel.load(options.model)
    return real, boxes_like(real, model, options.evaluations, options.seed)


def boxes_like(
    real: xr.DataArray, model: MicrostructureModel, evaluations: int | None, seed: int
) -> xr.DataArray:
    """Boxes that a model makes of the porosities of real ones."""
    return model.sample(
        len(real),
        phase_fraction={"pore": (real == PORE).mean(("z", "y", "x")).values.tolist()},
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


def figures(boxes: xr.DataArray, real_s2: np.ndarray | None) -> tuple[dict[str, float], np.ndarray]:
    """Figures of boxes, and their mean S2."""
    curve = two_point_probability(boxes, phase=PORE, periodic=False).mean("sample").values
    row: dict[str, float] = {}
    if real_s2 is not None:
        height = np.abs(real_s2 - real_s2[-1]).sum()
        row["S2 error to half a box"] = float(np.abs(curve - real_s2).sum() / height)
    row["interface density"] = float(
        interface_density(boxes, phase=PORE, phase2=SOLID, periodic=False).mean()
    )
    for length in PARTS:
        if length < boxes.shape[1]:
            row[f"sd of porosity in {length}^3"] = spread_of_parts(boxes, length)
    half = boxes.shape[1] // 2
    small = as_microstructure(
        parts_of(boxes, half).reshape(-1, half, half, half),
        phases={0: "pore", 1: "solid"},
        ensemble=True,
    )
    for cubes in (small, boxes):
        name = f"{cubes.shape[1]}^3"
        pores = connected_components(cubes, phase=PORE, periodic=False)
        solids = connected_components(cubes, phase=SOLID, periodic=False)
        row[f"pore components in {name}"] = float(pores.number.mean())
        row[f"solid components in {name}"] = float(solids.number.mean())
        row[f"largest pore component in {name}"] = float(pores.largest_share.mean())
        row[f"Euler number in {name}"] = float(
            euler_characteristic(cubes, phase=PORE, periodic=False).mean()
        )
        row[f"percolates in {name}"] = float(percolates(cubes, phase=PORE).mean())
    return row, curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--scan", default="berea_sandstone")
    parser.add_argument("--layers", type=int, nargs=2, default=(272, 400))
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--boxes", type=int, default=9)
    parser.add_argument("--evaluations", type=int)
    parser.add_argument("--seed", type=int, default=0)
    add_record_option(parser)
    options = parser.parse_args()

    block = crop(load_dataset(options.scan), z=tuple(options.layers))
    real = boxes_of(block, options.length)[: options.boxes]
    half = len(real) // 2
    rows = {}
    rows["real"], s2 = figures(real, None)
    first = two_point_probability(real[:half], phase=PORE, periodic=False).mean("sample").values
    rows["real, half against the other half"], _ = figures(real[half:], first)
    for path in options.models:
        model = MicrostructureModel.load(path)
        begun = time.perf_counter()
        made = boxes_like(real, model, options.evaluations, options.seed)
        seconds = (time.perf_counter() - begun) / len(real)
        row, _ = figures(made, s2)
        rows[model.card.provenance.get("name", path)] = {**row, "seconds a box": seconds}
    for name in dict.fromkeys(key for row in rows.values() for key in row):
        print(f"{name:36}", *(f"{row.get(name, float('nan')):12.4g}" for row in rows.values()))
    record("long-range", options.record, rows, notes=[f"{len(real)} boxes; columns of the rock."])


if __name__ == "__main__":
    main()
