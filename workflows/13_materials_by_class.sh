#!/usr/bin/env bash
# One 2D model of three materials by name: the recipe of porous-2d (12 minutes on one shared core).
set -euo pipefail

microdsd import dataset:berea_sandstone --labels 0=pore 1=solid --coarsen 2 -o berea.h5 --force
microdsd import dataset:fontainebleau_sandstone --labels 0=pore 1=solid --coarsen 2 -o fontainebleau.h5 --force
microdsd import dataset:nmc_cathode_lowres --labels 0=pore 1=solid -o nmc.h5 --force

microdsd train berea.h5 fontainebleau.h5 nmc.h5 --class berea --class fontainebleau --class nmc -o porous-2d.model \
    --window 48 48 --minutes 12 --widths 24 48 72 --batch 8 --symmetry isotropic --force

microdsd generate porous-2d.model --class fontainebleau --fraction pore=0.10 -n 16 -o f.h5 --force
microdsd verify f.h5
