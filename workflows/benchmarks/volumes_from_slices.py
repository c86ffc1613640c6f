"""Volumes made from slices alone, against true volumes that were never seen.

    python workflows/benchmarks/volumes_from_slices.py berea-2d rock.model --weights 0.47 0.55
    python workflows/benchmarks/volumes_from_slices.py berea-2d --volumes berea-3d --field

Models of slices (2D) and of volumes (3D), and the Gaussian field with the S2 of slices, make boxes
of the porosities of disjoint real ones of a test block: layers 136 to 200 of Berea sandstone,
coarsened 2x. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import xarray as xr
from long_range import boxes_of
from record import add_record_option, record

from microdsd import MicrostructureModel
from microdsd.baselines import GaussianField
from microdsd.datasets import load_dataset
from microdsd.evaluation import two_point_error
from microdsd.metrics import (
    connected_components,
    euler_characteristic,
    interface_density,
    percolates,
    two_point_probability,
)
from microdsd.microstructure import as_microstructure, coarsen, crop, cut_windows
from microdsd.models.volume_walk import UNCALIBRATED, VolumeWalk
from microdsd.networks.slices import SliceReading
from microdsd.transport import diffusivity, permeability

PORE, SOLID = 0, 1
PHASES = {PORE: "pore", SOLID: "solid"}


def figures(boxes: xr.DataArray, real: xr.DataArray, *, transport: bool) -> dict[str, float]:
    """Means over boxes; S2 is compared with real boxes up to a third of an edge."""
    lags = boxes.shape[1] // 3
    curve, true = (
        two_point_probability(one, phase=PORE, periodic=False).mean("sample").values[: lags + 1]
        for one in (boxes, real)
    )
    pores = connected_components(boxes, phase=PORE, periodic=False)
    solids = connected_components(boxes, phase=SOLID, periodic=False)
    row = {
        "S2 error": two_point_error(curve, true),
        "interface density": float(
            interface_density(boxes, phase=PORE, phase2=SOLID, periodic=False).mean()
        ),
        "pore components": float(pores.number.mean()),
        "solid components": float(solids.number.mean()),
        "Euler number": float(euler_characteristic(boxes, phase=PORE, periodic=False).mean()),
        "largest pore component": float(pores.largest_share.mean()),
        "percolates": float(percolates(boxes, phase=PORE).mean()),
    }
    if transport:
        flow = permeability(boxes, phase=PORE, axes=["z"]).permeability.values.ravel()
        row["permeability, voxels^2"] = float(np.exp(np.log(flow[flow > 0]).mean()))
        tau = diffusivity(boxes, phase=PORE).tortuosity_factor.values.ravel()
        row["tortuosity factor"] = float(np.median(tau[np.isfinite(tau)]))
    return row


def like(template: VolumeWalk, weights: tuple[float, float], level: float) -> VolumeWalk:
    """Return settings of volumes with other weights and another level of the slices."""
    return VolumeWalk(
        template.evaluations,
        template.first,
        template.last,
        template.sharpness,
        SliceReading(weights, level),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="Models of slices.")
    parser.add_argument("--volumes", nargs="*", default=[], help="Models of volumes.")
    parser.add_argument("--field", action="store_true", help="The Gaussian field too.")
    parser.add_argument("--weights", type=float, nargs=2, help="In place of the calibrated ones.")
    parser.add_argument("--level", type=float, default=UNCALIBRATED.reading.level)
    parser.add_argument("--edge", type=int, default=64)
    parser.add_argument("--boxes", type=int, default=9)
    parser.add_argument("--transport", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    add_record_option(parser)
    options = parser.parse_args()

    scan = coarsen(load_dataset("berea_sandstone"), 2)
    scan = as_microstructure((scan.values != 0).astype(np.uint8), phases=PHASES)
    real = boxes_of(crop(scan, z=(136, 200)), options.edge)[: options.boxes]
    fractions = {"pore": (real == PORE).mean(("z", "y", "x")).values.tolist()}
    shape = (options.edge,) * 3
    made: dict[str, tuple[xr.DataArray, float]] = {"real": (real, 0.0)}

    for path in (*options.models, *options.volumes):
        model = MicrostructureModel.load(path)
        if len(model.card.window) == 2:
            walk = None
            if options.weights:
                template = model.card.volumes or UNCALIBRATED
                walk = like(template, tuple(options.weights), options.level)
            model = MicrostructureModel.from_slices(dict.fromkeys("zyx", model), walk=walk)
        begun = time.perf_counter()
        new = model.sample(len(real), phase_fraction=fractions, shape=shape, rng=options.seed)
        made[path] = new, (time.perf_counter() - begun) / len(real)
    if options.field:
        windows = cut_windows(crop(scan, z=(0, 136)), (48, 48, 48), n=12, rng=0)
        field = GaussianField.fit(windows, symmetry="isotropic", periodic=False)
        begun = time.perf_counter()
        new = field.sample(len(real), phase_fraction=fractions, shape=shape, rng=options.seed)
        made["Gaussian field"] = new, (time.perf_counter() - begun) / len(real)

    rows = {}
    for name, (boxes, seconds) in made.items():
        rows[name] = figures(boxes, real, transport=options.transport)
        if seconds:
            rows[name]["seconds a box"] = seconds
        print(f"{name:28}", *(f"{key} {value:.4g};" for key, value in rows[name].items()))
    notes = [f"{len(real)} boxes of {options.edge}^3 with the porosities of the real ones."]
    record("volumes-from-slices", options.record, rows, notes=notes)


if __name__ == "__main__":
    main()
