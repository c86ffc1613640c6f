"""Complete Berea sandstone: a hole, a slice grown to a larger box, and between every 4th slice.

python workflows/08_inpaint.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import microdsd
from microdsd.io import atomic_write
from microdsd.microstructure import crop
from microdsd.microstructure.canvas import between_slices, place_in
from microdsd.report.pictures.region_panels import region_panels
from microdsd.report.pictures.style import figure_png

OUT = Path("out/inpaint")


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    scan = microdsd.coarsen(microdsd.load_dataset("berea_sandstone"), 2)
    test = crop(scan, z=(136, 200))  # the models saw layers 0 to 136

    original = test[0, :64, :64]
    hole = np.zeros(original.shape, dtype=bool)
    hole[16:48, 16:48] = True
    model = microdsd.MicrostructureModel.load("berea-2d")
    porosity = float((original == 0).mean())
    new = model.inpaint(original.values, hole, 4, phase_fraction={"pore": porosity}, rng=0)
    print("known voxels as they were:", (new.values[:, ~hole] == original.values[~hole]).all())
    microdsd.save_microstructures(OUT / "hole.h5", new, overwrite=True)
    draw("hole", {"the rock": original} | {f"completion {i + 1}": new[i] for i in range(3)})

    box, unknown = place_in(original.values[:48, :48], (96, 96))
    grown = model.inpaint(box, unknown, 2, rng=0)
    microdsd.save_microstructures(OUT / "grown.h5", grown, overwrite=True)
    draw("grown", {"48 x 48 grown to 96 x 96": grown[0], "and again": grown[1]})

    volume = test[:33, :32, :32]
    unknown = between_slices(volume.shape, 4)
    model = microdsd.MicrostructureModel.load("berea-3d")
    new = model.inpaint(volume.values, unknown, rng=0)
    right = (new.values[0] == volume.values)[unknown].mean()
    share = np.bincount(volume.values.ravel()) / volume.size
    print(
        f"between slices: {right:.3f} of the unknown voxels as in the rock, "
        f"by chance {(share**2).sum():.3f}"
    )
    sheets = lone_layers(new.values[0] == 0), lone_layers(volume.values == 0)
    print("pore voxels without a pore above or below: made {:.4f}, rock {:.4f}".format(*sheets))
    microdsd.save_microstructures(OUT / "between.h5", new, overwrite=True)
    draw(
        "between", {"the rock, x = 16": volume[:, :, 16], "every 4th slice kept": new[0, :, :, 16]}
    )


def lone_layers(pores: np.ndarray) -> float:
    """Share of the voxels that are pores while both their neighbours along z are solid."""
    return float((pores[1:-1] & ~pores[:-2] & ~pores[2:]).mean())


def draw(name: str, tiles: dict) -> None:
    with atomic_write(OUT / f"{name}.png", overwrite=True) as temporary:
        temporary.write_bytes(figure_png(region_panels(tiles)))


if __name__ == "__main__":
    main()
