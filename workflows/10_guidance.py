"""Steer Berea sandstone without touching a count: its surface in 2D, percolation along z in 3D.

python workflows/10_guidance.py [samples in 2D] [samples in 3D]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage, sparse

import microdsd
from microdsd.metrics import specific_surface_area
from microdsd.sampling.guidance import Guide, descend

OUT = Path("out/guidance")
POROSITY = {"berea-2d": 0.2, "berea-3d": 0.06}
STRENGTHS = (-0.12, 0.0, 0.26)


def interface(expected: torch.Tensor) -> torch.Tensor:
    """Neighbours expected to differ, per sample, of pores (phase 0) as if voxels were independent.

    The sum over pairs of p (1 - q) + q (1 - p); its slope is what a voxel's neighbours vote for.
    """
    pore = expected[:, 0]
    total = pore.new_zeros(len(pore))
    for axis in range(1, pore.ndim):
        p, q = (
            pore.narrow(axis, 1, pore.shape[axis] - 1),
            pore.narrow(axis, 0, pore.shape[axis] - 1),
        )
        total = total + (p + q - 2 * p * q).flatten(1).sum(1)
    return total


def percolate(strength: float, *, below: float) -> Guide:
    """Guide that favours pores on the likeliest path from the first layer to the last.

    The path that maximises the product of the pore probabilities is the shortest one for the
    lengths -log p (Dijkstra), found anew at every level.
    """

    def guide(expected: torch.Tensor, sigma: float) -> torch.Tensor:
        weight = torch.zeros_like(expected)
        if sigma <= below:
            for i, pore in enumerate(expected[:, 0].float().cpu().numpy()):
                weight[i, 0] = strength * torch.from_numpy(likeliest_path(pore)).to(weight)
        return weight

    return guide


def likeliest_path(pore: np.ndarray) -> np.ndarray:
    """True on the voxels of the likeliest path along the first axis, through faces."""
    cost = -np.log(np.clip(pore, 1e-6, 1.0)) + 1e-3
    voxel = np.arange(pore.size).reshape(pore.shape)
    pairs = [
        (np.delete(voxel, -1, axis).ravel(), np.delete(voxel, 0, axis).ravel())
        for axis in range(pore.ndim)
    ]
    a, b = np.concatenate([p for p, _ in pairs]), np.concatenate([q for _, q in pairs])
    source = np.full(voxel[0].size, pore.size)
    start = np.concatenate([source, a, b])
    end = np.concatenate([voxel[0].ravel(), b, a])
    graph = sparse.csr_array((cost.ravel()[end], (start, end)), shape=(pore.size + 1,) * 2)
    distance, before = sparse.csgraph.dijkstra(graph, indices=pore.size, return_predecessors=True)
    at = voxel[-1].ravel()[distance[voxel[-1].ravel()].argmin()]
    path = np.zeros(pore.size, dtype=bool)
    while at != pore.size:
        path[at], at = True, before[at]
    return path.reshape(pore.shape)


def percolates(pores: np.ndarray) -> bool:
    """Whether a component of pores, connected through faces, reaches from first to last layer."""
    components, _ = ndimage.label(pores)
    return bool(np.intersect1d(components[0][pores[0]], components[-1][pores[-1]]).size)


def main(planes: int = 12, volumes: int = 6) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    model = microdsd.MicrostructureModel.load("berea-2d")
    fraction = {"pore": POROSITY["berea-2d"]}
    plain = None
    areas = {}
    for strength in (0.0, *(s for s in STRENGTHS if s)):
        guide = descend(interface, strength, below=3.0) if strength else None
        new = model.sample(planes, phase_fraction=fraction, guide=guide, rng=0)
        counts = np.unique((new == 0).sum(("y", "x")).values).tolist()
        area = specific_surface_area(new, phase="pore", periodic=False).values.mean()
        areas[strength] = area
        plain = area if plain is None else plain
        print(
            f"strength {strength:+.2f}: surface {area / plain - 1:+.1%}, counts {counts}",
            flush=True,
        )
        microdsd.save_microstructures(OUT / f"surface{strength:+.1f}.h5", new, overwrite=True)

    model = microdsd.MicrostructureModel.load("berea-3d")
    fraction = {"pore": POROSITY["berea-3d"]}
    for name, guide in (("guided", percolate(3.0, below=6.0)), ("unguided", None)):
        new = model.sample(volumes, phase_fraction=fraction, guide=guide, rng=0)
        pores = new.values == 0
        through = sum(map(percolates, pores))
        area = specific_surface_area(new, phase="pore", periodic=False).values.mean()
        counts = np.unique(pores.sum((1, 2, 3))).tolist()
        print(
            f"{name}: {through} of {volumes} percolate along z, "
            f"surface {area:.4g}, counts {counts}",
            flush=True,
        )
        microdsd.save_microstructures(OUT / f"percolation-{name}.h5", new, overwrite=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
