#!/usr/bin/env bash
# The recipes of the models of Berea sandstone that ship: 2D and 3D averaged 2x, 22 and 120 minutes on one core, and
# 3D at full resolution, 3.7 hours.
# Layers 0 to 104 of the scan (coarsened 2x) train, 104 to 136 validate, 136 to 200 are never seen: they are the
# test block of workflows/benchmarks/berea_fidelity.py. A run stopped by Ctrl-C goes on with --resume.
#
#   bash workflows/01_train_berea.sh 2d
#   bash workflows/01_train_berea.sh 2d-properties
#   bash workflows/01_train_berea.sh 3d-first && bash workflows/01_train_berea.sh 3d
#   bash workflows/01_train_berea.sh full-first && bash workflows/01_train_berea.sh full
#
# At full resolution layers 0 to 144 train, 144 to 272 validate, 272 to 400 are never seen.
set -euo pipefail
mkdir -p out/berea
[ -f out/berea/berea2x.h5 ] || microdsd import dataset:berea_sandstone --coarsen 2 -o out/berea/berea2x.h5

berea() {
    microdsd train out/berea/berea2x.h5 --region z=0:136 --validation 0.235 --symmetry isotropic "$@"
}

full() {
    [ -f out/berea/berea.h5 ] || microdsd import dataset:berea_sandstone -o out/berea/berea.h5
    microdsd train out/berea/berea.h5 --region z=0:272 --validation 0.47 --symmetry isotropic --window 128 --batch 4 "$@"
}

case "${1:?give 2d, 2d-properties, or 3d-first and then 3d, 3d-properties, or full-first and then full}" in
    # What ships has its walks of 8 and 24 evaluations set by hand (docs/reference/models.md).
    2d) berea -o out/berea/berea-2d.model --window 64 64 --minutes 22 --widths 32 64 96 128 --batch 16 --learning-rate 2e-3 \
            --seed 0 "${@:2}" ;;
    2d-properties) berea -o out/berea/berea-2d-properties.model --start-from berea-2d --window 64 64 --minutes 55 \
            --batch 16 --learning-rate 1.5e-3 --seed 3 --condition specific_surface_area --condition mean_chord_length:pore \
            --condition euler_density:pore --condition tortuosity_factor:solid:x "${@:2}" ;;
    # What ships has its walks of 8 and 16 evaluations set by hand.
    3d-first) berea -o out/berea/berea-3d-first.model --window 32 32 32 --minutes 50 --widths 16 48 96 --batch 4 \
            --learning-rate 2e-3 --seed 0 "${@:2}" ;;
    3d) berea -o out/berea/berea-3d.model --start-from out/berea/berea-3d-first.model --window 32 32 32 --minutes 70 --batch 4 \
            --learning-rate 1.5e-3 --seed 1 "${@:2}" ;;
    3d-properties) berea -o out/berea/berea-3d-properties.model --start-from berea-3d --window 32 32 32 --minutes 42 --batch 4 \
            --learning-rate 5e-4 --condition specific_surface_area --condition mean_chord_length:pore --condition euler_density:pore \
            --condition tortuosity_factor:pore:z "${@:2}" ;;
    # What ships has its walk of 24 evaluations set by hand.
    full-first) full -o out/berea/berea-full-first.model --minutes 104 --seed 0 "${@:2}" ;;
    full) full -o out/berea/berea-full-3d.model --start-from out/berea/berea-full-first.model --minutes 118 --seed 1 "${@:2}" ;;
esac
