#!/usr/bin/env bash
# Volumes of a layered material of three phases from slices alone: one model of the cuts along the layers of an NMC cathode, one of those across.
# Layers 0 to 142 of the scan train; 142 to 190 are for settings of volumes, 190 to 251 are the test layers of
# workflows/benchmarks/volumes_from_slices.py. Both start from the model of another electrode, which has seen no slice of this one.
# 32, 18 and 10 minutes of a core; figures are in docs/explanation/volumes-from-pictures.md. Not shipped.
#
#   bash workflows/20_volumes_from_cuts.sh
set -euo pipefail
mkdir -p out/cuts
cd out/cuts

# Slices as pictures: those normal to z (rows along y), and those normal to y and to x (rows along z).
python - <<'PYTHON'
import numpy as np

from microdsd import save_microstructures
from microdsd.datasets import load_dataset
from microdsd.microstructure import as_microstructure, crop, phases_of

scan = crop(load_dataset("nmc_cathode_cbd"), z=(0, 142))
labels = scan.values
across = np.concatenate([labels.transpose(1, 0, 2), labels.transpose(2, 0, 1)])
for name, pictures in {"top": labels, "side": across}.items():
    cuts = as_microstructure(pictures, phases=phases_of(scan), voxel_size=3.98e-7, ensemble=True)
    save_microstructures(f"nmc-{name}.h5", cuts, overwrite=True)
PYTHON

cuts() {
    microdsd train "$@" --window 64 --validation 0 --batch 8 --learning-rate 1e-3 --sigma-min 0.08 --seed 0
}
cuts nmc-side.h5 -o side.model --symmetry transverse --start-from sofc-2d --minutes 32 "$@"
cuts nmc-top.h5 -o top.model --symmetry isotropic --start-from side.model --minutes 18 "$@"

# How volumes walk back, so that their slices measure as the pictures: ten minutes of a core.
python - <<'PYTHON'
from dataclasses import replace

from microdsd import MicrostructureModel, cut_windows, load_microstructures, show_progress
from microdsd.fitting.volume_calibration import calibrated_volumes

models = {name: MicrostructureModel.load(f"{name}.model") for name in ("top", "side")}
windows = {
    name: cut_windows(load_microstructures(f"nmc-{name}.h5"), (48, 48), n=96, rng=0).values
    for name in models
}
normal_to = {"z": "top", "y": "side", "x": "side"}
with show_progress():
    found = calibrated_volumes(
        {axis: models[name] for axis, name in normal_to.items()},
        {axis: windows[name] for axis, name in normal_to.items()},
    )
print(found)
for name, model in models.items():
    card = replace(model.card, volumes=found.walk)
    MicrostructureModel(model.network, card).save(f"{name}.model", overwrite=True)
PYTHON

microdsd generate top.model --slices z=top.model y=side.model x=side.model --shape 60 60 60 \
    --fraction pore=0.4 --fraction "carbon-binder domain=0.1" -o nmc.h5
microdsd verify nmc.h5
