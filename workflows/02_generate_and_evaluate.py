"""Generate at the composition of real material, save, recount, compare, write the report.

python workflows/02_generate_and_evaluate.py            # 2D
python workflows/02_generate_and_evaluate.py berea-3d   # 3D
"""

from __future__ import annotations

import sys
from pathlib import Path

import microdsd
from microdsd.microstructure import crop
from microdsd.report import verdict_sentence

OUT = Path("out/evaluate")


def main(name: str = "berea-2d", n: int = 24) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    scan = microdsd.coarsen(microdsd.load_dataset("berea_sandstone"), 2)
    test = crop(scan, z=(136, 200))  # the models saw layers 0 to 136
    model = microdsd.MicrostructureModel.load(name)
    if len(model.card.window) == 2:
        test = test.isel(z=slice(None, None, 5))

    windows = microdsd.cut_windows(test, model.card.window, n=2 * n, rng=0)
    porosities = microdsd.phase_fractions(windows).sel(phase=0).values[:n].tolist()
    new = model.sample(n, phase_fraction={"pore": porosities}, rng=0)
    microdsd.save_microstructures(OUT / f"{name}.h5", new, overwrite=True)

    result = microdsd.evaluate(new, windows)
    print(verdict_sentence(result.verdict))
    html, _ = microdsd.write_report(OUT / f"{name}.html", result, overwrite=True)
    print(html)


if __name__ == "__main__":
    main(*sys.argv[1:2])
