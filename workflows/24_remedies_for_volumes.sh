#!/usr/bin/env bash
# What makes volumes of slices better, twenty minutes of a core each: sums with calibrated weights, the network that combines slices with a
# calibrated walk, and a network of volumes that learns from volumes made of slices. All ask berea-2d, which has seen slices alone, and
# none sees a volume of Berea sandstone; layers 104 to 136 are for calibration, 136 to 200 judge. Figures are in
# docs/explanation/volumes-from-pictures.md.
#
#   bash workflows/24_remedies_for_volumes.sh
set -euo pipefail
mkdir -p out/remedies
cd out/remedies
judge() { python ../../workflows/benchmarks/volumes_from_slices.py berea --transport "$@"; }

cat > pictures.py <<'PYTHON'
"""Windows of cuts of layers that nothing here has learned from."""

from microdsd import coarsen, crop, cut_windows, load_dataset

cuts = crop(coarsen(load_dataset("berea_sandstone"), 2), z=(104, 136)).isel(z=slice(None, None, 5))
pictures = dict.fromkeys("zyx", cut_windows(cuts, (64, 64), n=36, rng=0).values)
PYTHON

# Sums of what slices say, and the network that combines them, each with a walk that is calibrated on pictures.
python - <<'PYTHON'
import time
from dataclasses import replace

from pictures import pictures

from microdsd import MicrostructureModel, show_progress
from microdsd.fitting.volume_calibration import calibrated_volumes
from microdsd.models.volume_walk import uncalibrated
from microdsd.networks.slices import SliceReading

model = MicrostructureModel.load("berea-2d")
network = uncalibrated(last_draw=True)
for name, begin in {"weights": replace(network, reading=SliceReading()), "network": network}.items():
    end = time.monotonic() + 20 * 60
    with show_progress():
        found = calibrated_volumes(
            dict.fromkeys("zyx", model), pictures, begin, left=lambda end=end: end - time.monotonic()
        )
    print(name, found)
    card = replace(model.card, volumes=found.walk)
    MicrostructureModel(model.network, card).save(f"{name}.model", overwrite=True)
PYTHON
judge --slices weights.model
judge --slices network.model

# Volumes by slices, and a network of volumes that learns from them. It starts from that of another rock.
[ -f volumes.h5 ] || microdsd generate berea-2d -n 12 --shape 64 64 64 --fraction pore=0.197 --seed 5 -o volumes.h5
microdsd train volumes.h5 --window 64 --symmetry isotropic --minutes 12 --batch 4 --learning-rate 1e-3 \
    --start-from fontainebleau-3d --seed 0 -o volumes.model
judge --volumes volumes.model

# The same network, its walk calibrated on pictures and not on the volumes that it learned from: five minutes more.
python - <<'PYTHON'
from pictures import pictures

from microdsd import MicrostructureModel, show_progress
from microdsd.fitting.volume_calibration import calibrated_on_pictures

model = MicrostructureModel.load("volumes.model")
with show_progress():
    walk = calibrated_on_pictures(model, pictures)
print(walk)
model.with_walk(walk).save("volumes-on-pictures.model", overwrite=True)
PYTHON
judge --volumes volumes-on-pictures.model
