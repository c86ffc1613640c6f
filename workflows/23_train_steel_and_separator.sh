#!/usr/bin/env bash
# The recipes of a steel in 2D, one class per time of annealing, and of a battery separator, whose three axes all differ.
# Columns 430 to 645 of the micrographs and layers 116 to 156 of the separator are never seen (workflows/benchmarks/model_verdict.py).
#
#   bash workflows/23_train_steel_and_separator.sh steel-2d        # 49 minutes of a core
#   bash workflows/23_train_steel_and_separator.sh separator-3d    # 68 minutes of a core
set -euo pipefail
mkdir -p out/steel-and-separator
cd out/steel-and-separator

case "${1:?give steel-2d or separator-3d}" in
    # Rows 0 to 356 train, 356 to 475 validate.
    steel-2d)
        for hours in 3 8 24; do
            [ -f "steel-${hours}h.h5" ] || microdsd import "dataset:uhcs_spheroidite_${hours}h_2d" -o "steel-${hours}h.h5"
        done
        microdsd train steel-3h.h5 steel-8h.h5 steel-24h.h5 --class 3h --class 8h --class 24h -o steel-2d.model --region x=0:430 --validation 0.25 \
            --window 96 --symmetry isotropic --minutes 50 --widths 32 64 96 128 --batch 8 --learning-rate 2e-3 --seed 0 "${@:2}" ;;
    # Layers 0 to 76 train, 76 to 116 validate. Fibrils lie along y and stand in sheets along z.
    separator-3d)
        [ -f separator.h5 ] || microdsd import dataset:battery_separator -o separator.h5
        microdsd train separator.h5 -o separator-3d.model --region z=0:116 --validation 0.345 --window 40 --symmetry orthotropic \
            --minutes 70 --batch 4 --learning-rate 2e-3 --seed 0 "${@:2}" ;;
esac
