r"""Train the last draw of a model that has none, or on; the networks of its walk stay as they are.

    python workflows/17_last_draw.py berea-3d out/berea/berea2x.h5 --region z=0:136 \
        --validation 0.235 --minutes 30 --batch 4 -o out/berea/berea-3d.model

The walks are calibrated anew on the held-back part, for as many evaluations as before, or stay as
they are with --keep-walks. `microdsd train` does all this by itself; this is for models from before
it did.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from microdsd import MicrostructureModel, show_progress
from microdsd.cli.parsing import region_of
from microdsd.encoding.scan import number_of_windows
from microdsd.fitting.calibration import calibrated_walks
from microdsd.fitting.last_draw import LastDrawTraining
from microdsd.fitting.material import open_material
from microdsd.models.walk_back import JOINT_TEMPERATURE
from microdsd.networks.build import joined
from microdsd.process import Lattice
from microdsd.process.octaves import Octaves
from microdsd.progress import stage
from microdsd.training import TrainingConfig
from microdsd.training.distributed import Ranks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("scan")
    parser.add_argument("--region", action="append")
    parser.add_argument("--validation", type=float, default=0.15)
    parser.add_argument("--minutes", type=float, default=10.0, help="of training, without the rest")
    parser.add_argument("--window", type=int, help="voxels per axis; default: the model's")
    parser.add_argument("--keep-walks", action="store_true")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model)
    card = model.card
    region = region_of(options.region)
    material = open_material(
        options.scan, card.window, card.symmetry, options.validation, region=region
    )
    window = card.window if options.window is None else (options.window,) * len(card.window)
    training = LastDrawTraining(
        model.network,
        material,
        Octaves(Lattice.box(window, card.boundary), (), model.device),
        (card.sigma_min, (*card.octaves, card.sigma_max)[0]),
        TrainingConfig(
            minutes=options.minutes,
            batch=options.batch,
            learning_rate=options.learning_rate,
            sigma_min=card.sigma_min,
            seed=options.seed,
        ),
        "auto",
        Ranks(),
        model.network.last_draw,
    )
    with show_progress(), stage("training", total=1.0) as work:
        for record in training.records():
            work.update(record.progress, status=f"loss {record.loss:.4f}, step {record.step}")
    print(training.record())

    walks = tuple(
        replace(walk, passes=1 << len(card.window), temperature=JOINT_TEMPERATURE)
        for walk in card.walks
    )
    provenance = {**card.provenance, "last_draw": training.record()}
    card = replace(card, walks=walks, last_draw=training.config, provenance=provenance)
    network = joined(model.network, training.network)
    drawing = MicrostructureModel(network, card, model.device)
    drawing.save(options.output, overwrite=True)
    if options.keep_walks:
        return

    rng = np.random.default_rng([options.seed, 2])
    real, _ = material.held_back.evenly(number_of_windows(card.window), rng)
    with show_progress():
        found = calibrated_walks(card, drawing.generate, real)
    for walk in found.walks:
        print(walk)
    MicrostructureModel(network, replace(card, walks=found.walks), model.device).save(
        options.output, overwrite=True
    )


if __name__ == "__main__":
    main()
