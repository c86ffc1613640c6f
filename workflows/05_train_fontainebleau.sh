#!/usr/bin/env bash
# Fontainebleau sandstone in 3D, 8.6 % porosity and barely connected. `octaves` is the model that ships: 88 minutes of half a core.
# Layers 0 to 96 of the scan (coarsened 2x) train, 96 to 160 validate; layers 160 to 240 are never seen. `one-lattice` is the model that
# workflows/benchmarks/fontainebleau_fidelity.py was measured with, 40 minutes of a core: layers 0 to 128 train, 128 to 160 validate.
#
#   bash workflows/05_train_fontainebleau.sh octaves
set -euo pipefail
mkdir -p out/fontainebleau
cd out/fontainebleau
[ -f fontainebleau2x.h5 ] || microdsd import dataset:fontainebleau_sandstone --coarsen 2 -o fontainebleau2x.h5

fontainebleau() {
    microdsd train fontainebleau2x.h5 --region z=0:160 --symmetry isotropic --batch 4 --learning-rate 2e-3 --seed 0 "$@"
}

case "${1:?give octaves or one-lattice}" in
    octaves) fontainebleau -o fontainebleau-3d.model --window 64 --validation 0.4 --minutes 88 "${@:2}" ;;
    one-lattice) fontainebleau -o fontainebleau-one-3d.model --window 32 --validation 0.2 --minutes 40 --sigma-min 0.08 --octaves 1 "${@:2}" ;;
esac
