"""Complete Berea sandstone: a hole made anew four times, and a volume between every 4th slice.

python workflows/08_inpaint.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import microdsd
from microdsd.microstructure import crop
from microdsd.microstructure.canvas import between_slices

OUT = Path("out/inpaint")


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    scan = microdsd.coarsen(microdsd.load_dataset("berea_sandstone"), 2)
    test = crop(scan, z=(136, 200)).values  # the models saw layers 0 to 136

    slice_ = test[0, :64, :64]
    hole = np.zeros(slice_.shape, dtype=bool)
    hole[16:48, 16:48] = True
    model = microdsd.MicrostructureModel.load("berea-2d")
    new = model.inpaint(slice_, hole, 4, phase_fraction={"pore": (slice_ == 0).mean()}, rng=0)
    print("known voxels as they were:", (new.values[:, ~hole] == slice_[~hole]).all())
    microdsd.save_microstructures(OUT / "hole.h5", new, overwrite=True)

    volume = test[:33, :32, :32]
    unknown = between_slices(volume.shape, 4)
    model = microdsd.MicrostructureModel.load("berea-3d")
    new = model.inpaint(volume, unknown, rng=0)
    right = (new.values[0] == volume)[unknown].mean()
    chance = (volume == 0).mean() ** 2 + (volume == 1).mean() ** 2
    print(
        f"between slices: {right:.3f} of the unknown voxels as in the rock, by chance {chance:.3f}"
    )
    microdsd.save_microstructures(OUT / "between.h5", new, overwrite=True)


if __name__ == "__main__":
    main()
