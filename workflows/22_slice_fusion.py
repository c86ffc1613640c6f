"""Learn how slices make a volume: the network that ships with microdsd.

    python workflows/22_slice_fusion.py microdsd/networks/slice_fusion.safetensors --force

A 2D model (porous-2d) is asked about slices of noised volumes of Fontainebleau sandstone and of a
coarse NMC cathode. A small 3D network (microdsd/networks/slice_fusion.py) learns to predict the
voxels from what it says. It sees no volume of any other material; benchmarks/slice_fusion.py shows
on Berea sandstone whether what it has learned holds elsewhere. Needs the scans (MICRODSD_DATA); ten
minutes of a core for the volumes, and eighteen for learning.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from microdsd import MicrostructureModel
from microdsd.datasets import load_dataset
from microdsd.io.atomic import atomic_write
from microdsd.microstructure import crop
from microdsd.microstructure.coarsening import coarsen
from microdsd.networks.own_evidence import own_evidence
from microdsd.networks.slice_fusion import LEVELS, SliceFusion
from microdsd.networks.slices import SliceNetworks, SliceReading
from microdsd.process.lattice import Lattice
from microdsd.process.noise import time_of
from microdsd.process.octaves import Octaves
from microdsd.process.walk import Walkers

EDGE, PART, PARTS = 64, 28, 4
"""Voxels of volumes that are noised, and of parts that are learned from; parts per step."""

RATE, DECAY, WARM_UP = 2e-3, 1e-3, 50


@dataclass(frozen=True)
class Material:
    """A scan, and the 2D model of its slices."""

    dataset: str
    coarsening: int
    layers: tuple[int, int]
    model: str
    class_name: str


LEARNED = (
    Material("fontainebleau_sandstone", 2, (0, 240), "porous-2d", "fontainebleau"),
    Material("nmc_cathode_lowres", 1, (0, 128), "porous-2d", "nmc"),
)


@dataclass(frozen=True)
class Noised:
    """What the slices of a noised volume say, and what it was: fields of 3 axes."""

    sigma: float
    log_odds: Tensor
    own: Tensor
    truth: Tensor


def noised_volumes(material: Material, number: int, seed: int) -> list[Noised]:
    """Ask a 2D model about the slices of noised parts of a scan."""
    model = MicrostructureModel.load(material.model)
    (pore,) = (label for label, name in model.card.phases.items() if name == "pore")
    numbers = [list(model.card.classes).index(material.class_name)] * 3
    networks = SliceNetworks(
        [model.network] * 3, SliceReading(), model.card.sigma_max, classes=numbers
    )
    scan = crop(
        coarsen(load_dataset(material.dataset), material.coarsening), z=material.layers
    ).values
    box = Octaves(Lattice.box((EDGE,) * 3, "no-flux"))
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    made = []
    for _ in range(number):
        corner = [int(rng.integers(n - EDGE + 1)) for n in scan.shape]
        truth = torch.tensor(scan[tuple(slice(a, a + EDGE) for a in corner)] == pore)
        sigma = float(np.exp(rng.uniform(*np.log(LEVELS))))
        walkers = Walkers.of(truth[None, None].long(), box.voxels)
        walkers = box.sample_forward(
            walkers, box.moment(0.0), box.moment(sigma), [generator], by_place=True
        )
        occupation, t = walkers.occupation().float(), time_of(sigma).view(1)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            log_odds = networks.of_slices(occupation, t, box.kernels[0], None)
        own = own_evidence(occupation, t, box.kernels[0])
        made.append(Noised(sigma, log_odds[0, :, 0].half(), own[0, 0].half(), truth))
    return made


def parts(volumes: list[Noised], rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw parts of volumes, turned and mirrored: what is asked, and the truth in their insides."""
    drawn: list[tuple[Tensor, Tensor, Tensor]] = []
    levels = []
    for _ in range(PARTS):
        one = volumes[rng.integers(len(volumes))]
        corner = rng.integers(EDGE - PART + 1, size=3)
        here = tuple(slice(a, a + PART) for a in corner)
        order = [int(k) for k in rng.permutation(3)]
        flips = [k for k in range(3) if rng.random() < 0.5]
        own, truth = (field[here].permute(order).flip(flips) for field in (one.own, one.truth))
        log_odds = torch.stack([one.log_odds[(k, *here)].permute(order).flip(flips) for k in order])
        drawn.append((log_odds.float(), own.float(), truth.float()))
        levels.append(one.sigma)
    log_odds, own, truth = (torch.stack(fields) for fields in zip(*drawn, strict=True))
    inner = (..., *[slice(SliceFusion.reach, -SliceFusion.reach)] * 3)
    return log_odds[:, :, None], own[:, None], torch.tensor(levels), truth[inner]


def learned(volumes: list[Noised], minutes: float, seed: int) -> SliceFusion:
    """Learn for some minutes."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    fusion = SliceFusion()
    optimiser = torch.optim.AdamW(fusion.parameters(), RATE, weight_decay=DECAY)
    begun, step, losses = time.monotonic(), 0, []
    while (share := (time.monotonic() - begun) / (60 * minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, step / WARM_UP) * (1.02 - share)
        log_odds, own, sigma, truth = parts(volumes, rng)
        loss = F.binary_cross_entropy_with_logits(fusion(log_odds, own, sigma, None)[:, 0], truth)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(fusion.parameters(), 1.0)
        optimiser.step()
        step += 1
        losses.append(loss.item())
        if step % 200 == 0:
            print(
                f"step {step}, {60 * minutes * share:.0f} s: loss {np.mean(losses[-200:]):.4f}",
                flush=True,
            )
    return fusion.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--volumes", type=int, default=120, help="Of every material.")
    parser.add_argument("--minutes", type=float, default=18)
    parser.add_argument("--without", default="", help="Data set that it is not to learn from.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--force", action="store_true")
    options = parser.parse_args()
    volumes = [
        one
        for number, material in enumerate(LEARNED)
        if material.dataset != options.without
        for one in noised_volumes(material, options.volumes, options.seed + number)
    ]
    fusion = learned(volumes, options.minutes, options.seed)
    with atomic_write(options.output, overwrite=options.force) as path:
        save_file(fusion.state_dict(), path)


if __name__ == "__main__":
    main()
