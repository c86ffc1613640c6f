#!/usr/bin/env bash
# Fontainebleau sandstone in 3D, 8.6 % porosity and barely connected: 40 minutes on one core. Not shipped.
# Layers 0 to 128 of the scan (coarsened 2x) train, 128 to 160 validate, 160 to 240 are the test block of
# workflows/benchmarks/fontainebleau_fidelity.py.
set -euo pipefail
mkdir -p out/fontainebleau
cd out/fontainebleau
[ -f fontainebleau2x.h5 ] || microdsd import dataset:fontainebleau_sandstone --coarsen 2 -o fontainebleau2x.h5
microdsd train fontainebleau2x.h5 -o fontainebleau-3d.model --region z=0:160 --validation 0.2 --window 32 32 32 --symmetry isotropic \
    --minutes 40 --batch 4 --learning-rate 2e-3 --sigma-min 0.08 --seed 0 "$@"
