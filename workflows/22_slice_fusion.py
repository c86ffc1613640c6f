"""Learn how slices make a volume: the networks that ship with microdsd.

    bash workflows/22_slice_fusion.sh two microdsd/networks/slice_fusion_two_phases.safetensors
    bash workflows/22_slice_fusion.sh more microdsd/networks/slice_fusion_more_phases.safetensors

2D models are asked about slices of noised volumes of scans. A small 3D network
(microdsd/networks/slice_fusion.py) learns to predict the voxels from what they say. It sees no
volume of any other material; benchmarks/slice_fusion.py and benchmarks/volumes_from_slices.py show
whether what it has learned holds elsewhere. Needs the scans (MICRODSD_DATA).
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
from microdsd.encoding.composition import encoding_of
from microdsd.encoding.occupation import PhaseEncoding
from microdsd.io.atomic import atomic_write
from microdsd.microstructure.coarsening import coarsen
from microdsd.networks.own_evidence import own_evidence
from microdsd.networks.slice_fusion import LEVELS, SliceFusion
from microdsd.networks.slices import SliceNetworks, SliceReading
from microdsd.networks.slicing import AXES
from microdsd.process.lattice import Lattice
from microdsd.process.noise import time_of
from microdsd.process.octaves import Octaves
from microdsd.process.walk import Walkers

EDGE, PART, PARTS = 64, 28, 4
"""Voxels of volumes that are noised, and of parts that are learned from; parts per step."""

LAYERS = 240
"""Of a scan that are learned from, at most."""

RATE, DECAY, WARM_UP = 2e-3, 1e-3, 50


@dataclass(frozen=True)
class Material:
    """A scan, and the 2D model of its slices."""

    dataset: str
    model: str
    class_name: str = ""
    coarsening: int = 1

    def labels(self) -> np.ndarray:
        """Return labels of the model: those of the scan, or of pores and all else."""
        scan = coarsen(load_dataset(self.dataset), self.coarsening).values[:LAYERS]
        return np.minimum(scan, 1) if self.class_name else scan


OF_TWO = (
    Material("fontainebleau_sandstone", "porous-2d", "fontainebleau", 2),
    Material("nmc_cathode_lowres", "porous-2d", "nmc"),
)
OTHERS = "out/fusion/others.model"
ELECTRODE = Material("nmc_electrode_generated", "out/fusion/electrode.model")
OF_MORE = (  # twice as much of the only one that has three phases
    *OF_TWO,
    ELECTRODE,
    Material("fontainebleau_sandstone", OTHERS, "fontainebleau-full"),
    Material("cathode_particles", OTHERS, "particles"),
    Material("nmc_electrode_generated", OTHERS, "electrode"),
    ELECTRODE,
)
LEARNED = {"two": OF_TWO, "more": OF_MORE}


@dataclass(frozen=True)
class Noised:
    """What the slices of a noised volume say, and the phases that it was made of.

    Answers are log odds (4, species, *space): of slices normal to every axis, and of the voxel's
    own walkers.
    """

    sigma: float
    answers: Tensor
    truth: Tensor


def noised_volumes(material: Material, number: int, seed: int) -> list[Noised]:
    """Ask a 2D model about the slices of noised parts of a scan."""
    model = MicrostructureModel.load(material.model)
    classes = model.card.classes
    numbers = [list(classes).index(material.class_name)] * AXES if classes else None
    networks = SliceNetworks(
        [model.network] * AXES, SliceReading(), model.card.sigma_max, classes=numbers
    )
    encoding, labels = encoding_of(model.card.contents), material.labels()
    assert isinstance(encoding, PhaseEncoding)
    box = Octaves(Lattice.box((EDGE,) * AXES, "no-flux"))
    kernel = box.kernels[0]
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    made = []
    for _ in range(number):
        corner = [int(rng.integers(n - EDGE + 1)) for n in labels.shape]
        part = labels[tuple(slice(a, a + EDGE) for a in corner)]
        sigma = float(np.exp(rng.uniform(*np.log(LEVELS))))
        walkers = Walkers.of(encoding.encode(part[None]).long(), box.voxels)
        walkers = box.sample_forward(
            walkers, box.moment(0.0), box.moment(sigma), [generator], by_place=True
        )
        occupation, t = walkers.occupation().float(), time_of(sigma).view(1)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            log_odds = networks.of_slices(occupation, t, kernel, None)
        own = own_evidence(occupation, t, kernel)
        answers = torch.cat([log_odds, own[:, None]], 1)[0]
        made.append(Noised(sigma, answers.half(), encoding.numbered(part)))
    return made


def parts(volumes: list[Noised], rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw parts of volumes, turned and mirrored: answers, levels, and the truth in the insides."""
    drawn: list[tuple[Tensor, Tensor]] = []
    levels = []
    for _ in range(PARTS):
        one = volumes[rng.integers(len(volumes))]
        corner = rng.integers(EDGE - PART + 1, size=AXES)
        here = (..., *(slice(a, a + PART) for a in corner))
        order = [int(k) for k in rng.permutation(AXES)]
        flips = [k - AXES for k in range(AXES) if rng.random() < 0.5]
        turned = one.answers[here][[*order, AXES]].permute(0, 1, *(2 + k for k in order))
        truth = one.truth[here].permute(order)
        drawn.append((turned.flip(flips).float(), truth.flip(flips).long()))
        levels.append(one.sigma)
    answers, truth = (torch.stack(fields) for fields in zip(*drawn, strict=True))
    inner = (..., *[slice(SliceFusion.reach, -SliceFusion.reach)] * AXES)
    return answers, torch.tensor(levels), truth[inner]


def loss_of(fusion: SliceFusion, answers: Tensor, sigma: Tensor, truth: Tensor) -> Tensor:
    """Return the mean of minus the logarithm of the true phase's probability."""
    log_odds = fusion(answers[:, :AXES], answers[:, AXES], sigma, None)
    return F.cross_entropy(torch.cat([torch.zeros_like(log_odds[:, :1]), log_odds], 1), truth)


def learned(materials: list[list[Noised]], minutes: float, seed: int) -> SliceFusion:
    """Learn for some minutes, of one material in every step."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    fusion = SliceFusion()
    optimiser = torch.optim.AdamW(fusion.parameters(), RATE, weight_decay=DECAY)
    begun, step, losses = time.monotonic(), 0, []
    while (share := (time.monotonic() - begun) / (60 * minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, step / WARM_UP) * (1.02 - share)
        loss = loss_of(fusion, *parts(materials[step % len(materials)], rng))
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
    parser.add_argument("phases", choices=LEARNED)
    parser.add_argument("output", type=Path)
    parser.add_argument("--volumes", type=int, default=60, help="Of every material.")
    parser.add_argument("--minutes", type=float, default=18)
    parser.add_argument("--without", nargs="*", default=[], help="Data sets not to learn from.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--force", action="store_true")
    options = parser.parse_args()
    materials = [
        noised_volumes(material, options.volumes, options.seed + number)
        for number, material in enumerate(LEARNED[options.phases])
        if material.dataset not in options.without
    ]
    fusion = learned(materials, options.minutes, options.seed)
    with atomic_write(options.output, overwrite=options.force) as path:
        save_file(fusion.state_dict(), path)


if __name__ == "__main__":
    main()
