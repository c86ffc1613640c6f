#!/usr/bin/env bash
# A greyscale scan (snow, X-ray tomography) at 8 grey levels: images whose total intensity is exactly the one asked for.
# Ten minutes of training on one core. Needs the scan: MICRODSD_DATA/snow_xct/snow.tif.
set -euo pipefail
mkdir -p out/snow
cd out/snow
[ -f snow.h5 ] || microdsd images "${MICRODSD_DATA:?set it to the folder of the scans}/snow_xct/snow.tif" --grey-levels 8 -o snow.h5
[ -f snow.model ] || microdsd train snow.h5 -o snow.model --window 32 32 --minutes 10 --widths 24 48 72 --batch 8 \
    --learning-rate 2e-3 --symmetry isotropic --seed 0
microdsd generate snow.model --intensity grey=3.7478 -n 8 --seed 1 -o new.h5 --force
microdsd verify new.h5
