"""From a three-phase cathode to discharge curves: real electrodes against other ones.

Without an argument the two sets are windows of two parts of the real scan that share no voxel:
how far real is from real. With a file, its samples are set against windows of the real part.

    microdsd import dataset:nmc_cathode_cbd -o out/electrodes/nmc.h5
    python workflows/06_discharge_curves.py
    python workflows/06_discharge_curves.py --generated out/electrodes/generated.h5

Writes out/discharge/discharge.png and the numbers beside it. Needs microdsd[battery].
"""

from __future__ import annotations

import argparse
from pathlib import Path

import microdsd
from microdsd.io import atomic_write, open_labels
from microdsd.report.discharge_picture import discharge_picture
from microdsd.report.style import figure_png
from microdsd.transport import electrode_parameters, rate_capability

PARTS = {"active": "active material", "pore": "pore", "binder": "carbon-binder domain"}
TRAINING, TEST = {"z": slice(0, 142)}, {"z": slice(190, 251)}
SHOWN = ("porosity", "active_fraction", "particle_radius", "tortuosity_factor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scan", default="out/electrodes/nmc.h5")
    parser.add_argument("--generated", help="samples to compare, FILE or FILE:/path")
    parser.add_argument("--window", type=int, default=60, help="voxels per side of real windows")
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--thickness", type=float, default=100e-6, help="of the electrode, m")
    parser.add_argument("-o", "--output", type=Path, default=Path("out/discharge"))
    options = parser.parse_args()

    def windows(region: dict[str, slice]) -> object:
        with open_labels(options.scan, region=region) as scan:
            box = (options.window,) * 3
            return microdsd.cut_windows(scan.load(), box, n=options.samples, rng=0)

    sets = {"real": windows(TEST)}
    if options.generated:
        sets["generated"] = microdsd.load_microstructures(options.generated)
    else:
        sets["real, other part"] = windows(TRAINING)
    options.output.mkdir(parents=True, exist_ok=True)
    discharges = {}
    for name, samples in sets.items():
        measured = electrode_parameters(samples, **PARTS)
        discharges[name] = rate_capability(measured, thickness=options.thickness)
        print(f"{name}:")
        for key in SHOWN:
            values = measured[key]
            print(f"  {key} {float(values.mean()):.4g} +- {float(values.std()):.2g}")
        capacity = discharges[name].capacity.mean("sample") * 0.1
        for rate, value in zip(capacity.rate.values, capacity.values, strict=True):
            print(f"  {value:.2f} mA h/cm^2 at {rate:g} C")
        file = options.output / f"{name.replace(', ', '-').replace(' ', '-')}.nc"
        with atomic_write(file, overwrite=True) as temporary:
            discharges[name].to_netcdf(temporary, engine="h5netcdf")
    with atomic_write(options.output / "discharge.png", overwrite=True) as temporary:
        temporary.write_bytes(figure_png(discharge_picture(discharges)))


if __name__ == "__main__":
    main()
