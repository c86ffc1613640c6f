#!/usr/bin/env bash
# The networks that combine what slices say (microdsd/networks/slice_fusion.py), learned from scans whose volumes are known.
# Of two phases: porous-2d is asked about slices of two of them (120 volumes of each, 18 minutes of learning; what ships learned before phases
# exchanged what they came to). Of more: two more 2D models are trained for other scans, 15 and 10 minutes of a core, and a synthetic electrode of
# three phases is among the six; 26 minutes of half a core. Berea sandstone and the NMC cathode with binder, on which they are judged
# (workflows/benchmarks/slice_fusion.py, volumes_from_slices.py), are not among them.
#
#   bash workflows/22_slice_fusion.sh two microdsd/networks/slice_fusion_two_phases.safetensors --volumes 120 --minutes 18 --force
#   bash workflows/22_slice_fusion.sh more microdsd/networks/slice_fusion_more_phases.safetensors --minutes 26 --force
set -euo pipefail
mkdir -p out/fusion

if [ "$1" = more ]; then
# Slices in three directions as pictures; of three scans pores and all else.
python - <<'PYTHON'
import numpy as np

from microdsd import save_microstructures
from microdsd.datasets import load_dataset
from microdsd.microstructure import as_microstructure, phases_of


def save_cuts(path, labels, phases):
    cuts = np.concatenate([labels, labels.transpose(1, 0, 2), labels.transpose(2, 0, 1)])
    pictures = as_microstructure(cuts, phases=phases, voxel_size=3.98e-7, ensemble=True)
    save_microstructures(path, pictures, overwrite=True)


electrode = load_dataset("nmc_electrode_generated")
save_cuts("out/fusion/electrode.h5", electrode.values, phases_of(electrode))
for name in ("fontainebleau_sandstone", "cathode_particles", "nmc_electrode_generated"):
    corner = load_dataset(name).values[:240, :240, :240]
    save_cuts(f"out/fusion/{name}.h5", np.minimum(corner, 1), {0: "pore", 1: "solid"})
PYTHON

model() {
    [ -f "$1" ] || microdsd train "${@:2}" -o "$1" --symmetry isotropic --validation 0 --batch 8 --learning-rate 1e-3 --seed 0
}
model out/fusion/electrode.model out/fusion/electrode.h5 --start-from sofc-2d --window 64 --minutes 15
model out/fusion/others.model out/fusion/{fontainebleau_sandstone,cathode_particles,nmc_electrode_generated}.h5 \
    --class fontainebleau-full --class particles --class electrode --start-from porous-2d --window 48 --minutes 10
fi

python workflows/22_slice_fusion.py "$@"
