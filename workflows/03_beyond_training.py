"""Generate at porosities beyond those of the training windows, and see where it breaks.

Writes one picture per model (columns: porosity; rows: samples) and prints how descriptors move.

    python workflows/03_beyond_training.py
"""

from __future__ import annotations

from pathlib import Path

import microdsd
from microdsd.io import atomic_write
from microdsd.metrics.registry import compared_groups
from microdsd.report.pictures.figures import sweep_grid
from microdsd.report.pictures.style import figure_png

OUT = Path("out/beyond")
POROSITIES = (0.10, 0.15, 0.20, 0.25, 0.35)


def main(n: int = 6) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for name in ("berea-2d", "berea-3d"):
        model = microdsd.MicrostructureModel.load(name)
        low, high = model.card.fraction_range["pore"]
        print(f"{name}: training windows span porosity {low:.3f} to {high:.3f}")
        columns = {}
        for porosity in POROSITIES:
            new = model.sample(n, phase_fraction={"pore": porosity}, rng=0)
            columns[f"porosity {porosity:.2f}"] = new
            pore = (
                microdsd.describe(new, periodic=False, descriptors=compared_groups())
                .sel(phase=0)
                .mean("sample")
            )
            print(
                f"  {porosity:.2f}: surface {float(pore.specific_surface_area):.4f} per voxel, "
                f"components {float(pore.component_count):.1f}, "
                f"largest component {float(pore.largest_component_share):.2f}, "
                f"percolating {float(pore.percolates.mean()):.2f}"
            )
        with atomic_write(OUT / f"{name}.png", overwrite=True) as temporary:
            temporary.write_bytes(figure_png(sweep_grid(columns, phase="pore")))


if __name__ == "__main__":
    main()
