"""Ten layers, each with exactly its composition: a porosity log along Berea, a graded NMC cathode.

python workflows/09_graded.py
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import xarray as xr

import microdsd
from microdsd.io import atomic_write
from microdsd.microstructure import phases_of
from microdsd.report.pictures.region_panels import region_panels
from microdsd.report.pictures.style import figure_png

OUT = Path("out/graded")
LAYERS, LAYER = 10, 8


def layered(
    name: str, porosity: np.ndarray, shape: tuple[int, ...], n: int, solids: dict[str, float]
) -> xr.DataArray:
    """Samples whose layers have these porosities; solids share what is left as given."""
    model = microdsd.MicrostructureModel.load(name)
    fractions = {"pore": porosity} | {s: share * (1 - porosity) for s, share in solids.items()}
    columns = {phase: column[:, None, None] for phase, column in fractions.items()}
    new = model.sample_regions(columns, n, shape=shape, rng=0)
    for i, asked in enumerate(porosity):
        layer = new.values[:, i * LAYER : (i + 1) * LAYER]
        counts = [np.unique((layer == k).sum((1, 2, 3))).tolist() for k in phases_of(new)]
        print(f"{name}, layer {i}: porosity {asked:.4f} asked, counts {counts}")
    microdsd.save_microstructures(OUT / f"{name}.h5", new, overwrite=True)
    with atomic_write(OUT / f"{name}.png", overwrite=True) as temporary:
        tiles = {f"sample {i + 1}": new[i, :, new.shape[2] // 2].T for i in range(n)}
        temporary.write_bytes(figure_png(region_panels(tiles)))
    return new


def faces(new: xr.DataArray) -> None:
    """Share of neighbours along z that are of two phases, at the faces of layers and elsewhere."""
    phases, values = phases_of(new), new.values
    face = np.arange(LAYER, LAYER * LAYERS, LAYER) - 1
    differ = values[:, :-1] != values[:, 1:]
    planes = {"all phases": differ.mean((2, 3))}
    for a, b in combinations(phases, 2) if len(phases) > 2 else ():
        both = np.isin(values, [a, b])
        of_pair = differ & both[:, :-1] & both[:, 1:]
        planes[f"{phases[a]} - {phases[b]}"] = of_pair.mean((2, 3))
    for name, plane in planes.items():
        at, inside = plane[:, face], np.delete(plane, face, axis=1)
        error = np.sqrt(sum(part.var(ddof=1) / part.size for part in (at, inside)))
        print(
            f"interface, {name}: {at.mean():.4f} at faces, {inside.mean():.4f} elsewhere, "
            f"{at.mean() / inside.mean() - 1:+.1%} +- {error / inside.mean():.1%}"
        )


def main(n: int = 2) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    faces(layered("berea-3d", np.linspace(0.12, 0.30, LAYERS), (80, 32, 32), n, {}))
    solids = {"active material": 0.838}
    faces(layered("nmc-3d", np.linspace(0.25, 0.50, LAYERS), (80, 48, 48), n, solids))


if __name__ == "__main__":
    main()
