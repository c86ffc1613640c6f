"""How well slices know the voxels of a noised volume, together and beside a network of volumes.

    python workflows/benchmarks/slice_fusion.py
    python workflows/benchmarks/slice_fusion.py nmc --slices z=top.model y=side.model x=side.model \
        --volumes nmc-3d

Boxes that no network has seen are noised; the 2D models are asked about their slices, and what the
three through a voxel say is combined by one weight, the likeliest there is, by the weights of
decision 24, and by the network that ships. The 3D model is asked about the box itself. Loss is the
mean of minus the logarithm of the true phase's probability, in nats per voxel. Needs the scans
(MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from long_range import boxes_of
from record import add_record_option, record
from torch import Tensor
from volumes_from_slices import MATERIALS, models_of

from microdsd import MicrostructureModel
from microdsd.encoding.composition import encoding_of
from microdsd.encoding.occupation import PhaseEncoding
from microdsd.networks.own_evidence import own_evidence
from microdsd.networks.slice_fusion import learned_fusion
from microdsd.networks.slices import SliceNetworks, SliceReading
from microdsd.process.lattice import Lattice
from microdsd.process.noise import time_of
from microdsd.process.octaves import Octaves
from microdsd.process.walk import Walkers

WEIGHTS = np.linspace(0.2, 0.8, 25)


def loss(log_odds: Tensor, truth: Tensor) -> float:
    """Loss per voxel of the log odds of phases against the background."""
    of_all = torch.cat([torch.zeros_like(log_odds[:, :1]), log_odds], 1)
    return F.cross_entropy(of_all.float(), truth).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("material", nargs="?", default="berea", choices=MATERIALS)
    parser.add_argument("--slices", nargs="+", default=["berea-2d"])
    parser.add_argument("--volumes", default="berea-3d")
    parser.add_argument("--boxes", type=int, default=3)
    parser.add_argument(
        "--levels", type=float, nargs="+", default=[0.9, 1.5, 2.5, 4.0, 6.0, 9.0, 14.0, 22.0]
    )
    add_record_option(parser)
    options = parser.parse_args()

    material, reading = MATERIALS[options.material], SliceReading()
    slices = MicrostructureModel.from_slices(models_of(options.slices))
    networks = cast("SliceNetworks", slices.network)
    volumes = MicrostructureModel.load(options.volumes, "cpu")
    labels = boxes_of(material.block(material.test), material.edge).values[: options.boxes]
    box = Octaves(Lattice.box(labels.shape[1:], "no-flux"))
    kernel = box.kernels[0]
    encoding = cast("PhaseEncoding", encoding_of(slices.card.contents))
    truth, at_first = encoding.numbered(labels).long(), encoding.encode(labels)
    fractions = at_first.mean((2, 3, 4))
    generators = [torch.Generator().manual_seed(k) for k in range(len(truth))]
    start = Walkers.of(at_first.long(), box.voxels)
    rows = {}
    for sigma in options.levels:
        walkers = box.sample_forward(
            start, box.moment(0.0), box.moment(sigma), generators, by_place=True
        )
        occupation, t = walkers.occupation().float(), time_of(sigma).expand(len(truth))
        own = own_evidence(occupation, t, kernel)
        with torch.inference_mode():
            by_slice = networks.of_slices(occupation, t, kernel, None)
            fused = learned_fusion(at_first.shape[1])(
                by_slice, own, torch.full((len(truth),), sigma), ("no-flux",) * 3
            )
            log_p = volumes.network.joint(occupation, t, kernel, fractions)[1]
        added = (by_slice - own[:, None]).sum(1)
        by_weight = [loss(own + w * added, truth) for w in WEIGHTS]
        rows[f"{sigma:g}"] = {
            "likeliest weight": float(WEIGHTS[np.argmin(by_weight)]),
            "loss with it": min(by_weight),
            "with the weights of decision 24": loss(own + reading.weight(sigma) * added, truth),
            "slices, by the network": loss(fused, truth),
            "3D model": loss(log_p[:, 1:] - log_p[:, :1], truth),
        }
        print(sigma, {name: round(value, 4) for name, value in rows[f"{sigma:g}"].items()})
    first, last = material.test
    notes = [
        f"{len(truth)} boxes of {material.edge}^3 of layers {first} to {last}; rows are noise "
        "levels in voxels, losses are nats per voxel."
    ]
    record("slice-fusion", options.record, rows, notes=notes)


if __name__ == "__main__":
    main()
