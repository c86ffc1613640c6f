"""Generate at the composition of real material, save, recount, compare, write the report.

python workflows/02_generate_and_evaluate.py            # 2D
python workflows/02_generate_and_evaluate.py berea-3d   # 3D
"""

from __future__ import annotations

import sys
from pathlib import Path

import microdsd
from microdsd.microstructure import crop

OUT = Path("out/evaluate")


def main(name: str = "berea-2d", n: int = 24) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    scan = microdsd.coarsen(microdsd.load_dataset("berea_sandstone"), 2)
    test = crop(scan, z=(136, 200))  # the models saw layers 0 to 136
    model = microdsd.MicrostructureModel.load(name)
    if len(model.card.window) == 2:
        test = test.isel(z=slice(None, None, 5))

    porosity = microdsd.phase_fractions(test).sel(phase=0).mean().item()
    new = model.sample(n, phase_fraction={"pore": porosity}, rng=0)
    microdsd.save_microstructures(OUT / f"{name}.h5", new, overwrite=True)
    print(microdsd.phase_fractions(new).sel(phase=0).values)

    result = microdsd.evaluate(new, test)
    html, _ = microdsd.write_report(result, OUT / f"{name}.html", overwrite=True)
    print(html)


if __name__ == "__main__":
    main(*sys.argv[1:2])
