"""How well slices know the voxels of a noised volume, together and beside a network of volumes.

    python workflows/benchmarks/slice_fusion.py

Boxes of Berea sandstone that no network has seen are noised; berea-2d is asked about their slices,
and what the three through a voxel say is combined by one weight, the likeliest there is, by the
weights of decision 24, and by the network that ships. berea-3d is asked about the box itself. Loss
is the mean of minus the logarithm of the true phase's probability, in nats per voxel. Needs the
scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from long_range import block_of, boxes_of
from record import add_record_option, record
from torch import Tensor

from microdsd import MicrostructureModel
from microdsd.networks.own_evidence import own_evidence
from microdsd.networks.slice_fusion import learned_fusion
from microdsd.networks.slices import SliceNetworks, SliceReading
from microdsd.process.lattice import Lattice
from microdsd.process.noise import time_of
from microdsd.process.octaves import Octaves
from microdsd.process.walk import Walkers

EDGE, PORE = 64, 0
WEIGHTS = np.linspace(0.2, 0.8, 25)


def loss(log_odds: Tensor, truth: Tensor) -> float:
    """Loss per voxel of the log odds of pores against solid."""
    return F.binary_cross_entropy_with_logits(log_odds.float(), truth.float()).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", default="berea-2d")
    parser.add_argument("--volumes", default="berea-3d")
    parser.add_argument("--layers", type=int, nargs=2, default=(136, 200))
    parser.add_argument("--boxes", type=int, default=3)
    parser.add_argument(
        "--levels", type=float, nargs="+", default=[0.9, 1.5, 2.5, 4.0, 6.0, 9.0, 14.0, 22.0]
    )
    add_record_option(parser)
    options = parser.parse_args()

    slices = MicrostructureModel.load(options.slices, "cpu")
    volumes = MicrostructureModel.load(options.volumes, "cpu")
    reading = SliceReading()
    networks = SliceNetworks([slices.network] * 3, reading, slices.card.sigma_max)
    box = Octaves(Lattice.box((EDGE,) * 3, "no-flux"))
    kernel = box.kernels[0]
    block = block_of("berea_sandstone", 2, z=tuple(options.layers))
    truth = torch.tensor(boxes_of(block, EDGE).values[: options.boxes] == PORE)
    fractions = truth.float().mean((1, 2, 3))[:, None]
    generators = [torch.Generator().manual_seed(k) for k in range(len(truth))]
    start = Walkers.of(truth[:, None].long(), box.voxels)
    rows = {}
    for sigma in options.levels:
        walkers = box.sample_forward(
            start, box.moment(0.0), box.moment(sigma), generators, by_place=True
        )
        occupation, t = walkers.occupation().float(), time_of(sigma).expand(len(truth))
        own = own_evidence(occupation, t, kernel)
        with torch.inference_mode():
            by_slice = networks.of_slices(occupation, t, kernel, None)
            fused = learned_fusion()(
                by_slice, own, torch.full((len(truth),), sigma), ("no-flux",) * 3
            )
            log_p = volumes.network.joint(occupation, t, kernel, fractions)[1]
        added = (by_slice - own[:, None]).sum(1)
        by_weight = [loss((own + w * added)[:, 0], truth) for w in WEIGHTS]
        rows[f"{sigma:g}"] = {
            "likeliest weight": float(WEIGHTS[np.argmin(by_weight)]),
            "loss with it": min(by_weight),
            "with the weights of decision 24": loss(
                (own + reading.weight(sigma) * added)[:, 0], truth
            ),
            "slices, by the network": loss(fused[:, 0], truth),
            "3D model": loss(log_p[:, 1] - log_p[:, 0], truth),
        }
        print(sigma, {name: round(value, 4) for name, value in rows[f"{sigma:g}"].items()})
    notes = [
        f"{len(truth)} boxes of {EDGE}^3 of layers {options.layers[0]} to {options.layers[1]}; "
        "rows are noise levels in voxels, losses are nats per voxel."
    ]
    record("slice-fusion", options.record, rows, notes=notes)


if __name__ == "__main__":
    main()
