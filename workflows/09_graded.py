"""A porosity log imposed on Berea sandstone: ten layers, each with exactly its count.

python workflows/09_graded.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import microdsd

OUT = Path("out/graded")
LAYER = 8


def main(n: int = 2) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    model = microdsd.MicrostructureModel.load("berea-3d")
    log = np.linspace(0.12, 0.30, 10)
    new = model.sample_regions(
        {"pore": log[:, None, None]}, n, shape=(LAYER * len(log), 32, 32), rng=0
    )
    pores = new.values == 0
    for i, asked in enumerate(log):
        layer = pores[:, i * LAYER : (i + 1) * LAYER]
        print(f"layer {i}: asked {asked:.4f}, counts {layer.sum((1, 2, 3)).tolist()}")
    differ = (pores[:, 1:] != pores[:, :-1]).mean((0, 2, 3))
    face = np.arange(LAYER - 1, len(differ), LAYER)
    print(
        f"interface at faces {differ[face].mean():.4f}, else {np.delete(differ, face).mean():.4f}"
    )
    microdsd.save_microstructures(OUT / "graded.h5", new, overwrite=True)


if __name__ == "__main__":
    main()
