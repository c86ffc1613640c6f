"""From a three-phase cathode to discharge curves: real electrodes against other ones.

Without an argument the two sets are windows of two parts of the real scan that share no voxel:
how far real is from real. With a model, samples at the fractions of the real windows, one for each,
are set against these; with a file, the samples in it.

    microdsd import dataset:nmc_cathode_cbd -o out/electrodes/nmc.h5
    python workflows/06_discharge_curves.py
    python workflows/06_discharge_curves.py --model nmc-3d
    python workflows/06_discharge_curves.py --generated out/electrodes/generated.h5

Writes out/discharge/discharge.png, and beside it the numbers and the samples of the model. Needs
microdsd[battery].
"""

from __future__ import annotations

import argparse
from pathlib import Path

import xarray as xr

import microdsd
from microdsd.io import atomic_write, open_labels
from microdsd.report.pictures.discharge_picture import discharge_picture
from microdsd.report.pictures.style import figure_png
from microdsd.transport import electrode_parameters, rate_capability

PARTS = {"active": "active material", "pore": "pore", "binder": "carbon-binder domain"}
TRAINING, TEST = {"z": slice(0, 142)}, {"z": slice(190, 251)}
SHOWN = ("porosity", "active_fraction", "particle_radius", "tortuosity_factor")


def generated_like(real: xr.DataArray, model: str) -> xr.DataArray:
    """One sample for each real window, with its fractions and its shape."""
    fractions = microdsd.phase_fractions(real)
    return microdsd.MicrostructureModel.load(model).sample(
        len(real),
        phase_fraction={int(k): fractions.sel(phase=k).values.tolist() for k in fractions.phase},
        shape=real.shape[1:],
        rng=0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scan", default="out/electrodes/nmc.h5")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--model", help="generates what is compared: name or file")
    other.add_argument("--generated", help="samples to compare, FILE or FILE:/path")
    parser.add_argument("--window", type=int, default=60, help="voxels per side of real windows")
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--thickness", type=float, default=100e-6, help="of the electrode, m")
    parser.add_argument("-o", "--output", type=Path, default=Path("out/discharge"))
    options = parser.parse_args()

    def windows(region: dict[str, slice]) -> xr.DataArray:
        with open_labels(options.scan, region=region) as scan:
            box = (options.window,) * 3
            return microdsd.cut_windows(scan.load(), box, n=options.samples, rng=0)

    options.output.mkdir(parents=True, exist_ok=True)
    sets = {"real": windows(TEST)}
    if options.model:
        sets["generated"] = generated_like(sets["real"], options.model)
        file = options.output / "generated.h5"
        microdsd.save_microstructures(file, sets["generated"], overwrite=True)
    elif options.generated:
        sets["generated"] = microdsd.load_microstructures(options.generated)
    else:
        sets["real, other part"] = windows(TRAINING)
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
