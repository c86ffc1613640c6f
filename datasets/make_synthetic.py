"""Write datasets/synthetic.h5, the small seeded set that ships with the package.

Run from the root of the repository: python datasets/make_synthetic.py [FILE]
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import xarray as xr

from microdsd.io import save_microstructures
from microdsd.microstructure import as_microstructure, blobs, layers, overlapping_spheres

VOXEL_SIZE = 1e-6
SOLID = {0: "pore", 1: "solid"}
ELECTRODE = {0: "pore", 1: "active material", 2: "binder"}


def media() -> Iterator[tuple[str, xr.DataArray]]:
    """Yield (group, microstructure): periodic media whose fractions are known."""
    isotropic = blobs((64, 64, 64), fractions=(0.3, 0.7), scale=3.0, rng=1)
    yield "blobs", as_microstructure(isotropic, phases=SOLID, voxel_size=VOXEL_SIZE)
    three = blobs((64, 64, 64), fractions=(0.4, 0.5, 0.1), scale=3.0, rng=2)
    yield "three_phases", as_microstructure(three, phases=ELECTRODE, voxel_size=VOXEL_SIZE)
    stretched = blobs((256, 256), fractions=(0.35, 0.65), scale=(2.0, 6.0), rng=3)
    yield "anisotropic_2d", as_microstructure(stretched, phases=SOLID, voxel_size=VOXEL_SIZE)
    spheres = overlapping_spheres((64, 64, 64), radius=8, number=60, rng=4)
    yield "spheres", as_microstructure(spheres, phases=SOLID, voxel_size=VOXEL_SIZE)
    flat = layers((64, 64, 64), widths=(8, 24), axis=0)
    yield "layers", as_microstructure(flat, phases=SOLID, voxel_size=VOXEL_SIZE)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("synthetic.h5")
    for group, ms in media():
        save_microstructures(target, ms, group=group, overwrite=True)
