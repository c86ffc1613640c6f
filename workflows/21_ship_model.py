"""Make the file of a model that ships: weights in half precision, and walks as they are to be.

    python workflows/21_ship_model.py out/berea/berea-2d.model --walk 24:last=1.0 \
        --spectrum out/berea/berea2x.h5 --region z=0:136 --validation 0.235 \
        -o microdsd/models/berea-2d.model

    python workflows/21_ship_model.py steel-2d --calibrate 4 8 \
        --scan 3h=steel-3h.h5 8h=steel-8h.h5 24h=steel-24h.h5 --region x=0:430 --validation 0.25 \
        -o steel-2d.model

With --calibrate walks of other numbers of evaluations are calibrated on held-back windows, as
training does where it has the time. With --spectrum the power spectrum of the training windows is
measured, which models trained before they had one lack (`microdsd train` measures it by itself).

Rounding changes a weight by at most one part in two thousand, less than bfloat16 does, in which
networks are evaluated where the processor can.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np

from microdsd import MicrostructureModel
from microdsd.cli.parsing import region_of
from microdsd.fitting.calibration import calibrate
from microdsd.fitting.material import Material, open_material
from microdsd.fitting.spectrum import spectrum_of
from microdsd.models.card import ModelCard
from microdsd.models.walk_back import WalkBack

WINDOWS = {2: 60, 3: 16}
"""That are calibrated on, by the number of axes."""

SETTINGS = ("first", "last", "temperature", "sharpness")


def changed(walks: tuple[WalkBack, ...], changes: list[str]) -> tuple[WalkBack, ...]:
    """Apply changes such as 24:last=1.0 to the walk of that many evaluations; add it if need be."""
    by_number = {walk.evaluations: walk for walk in walks}
    for change in changes:
        number, text = change.split(":")
        name, value = text.split("=")
        if name not in SETTINGS:
            raise SystemExit(f"{change}: set one of {', '.join(SETTINGS)}")
        walk = WalkBack.between([by_number[n] for n in sorted(by_number)], int(number))
        numbers = tuple(map(float, value.split(",")))
        setting: dict[str, Any] = {name: numbers if name == "sharpness" else numbers[0]}
        by_number[int(number)] = replace(walk, **setting)
    return tuple(by_number[number] for number in sorted(by_number))


def calibrated(
    model: MicrostructureModel, material: Material, options: argparse.Namespace
) -> ModelCard:
    """Return the card with walks of further numbers of evaluations, calibrated."""
    if material.held_back is None:
        raise SystemExit("--validation: nothing is held back to calibrate on")
    card = model.card
    real, numbers = material.held_back.evenly(WINDOWS[len(card.window)], np.random.default_rng(0))
    names = [list(card.classes)[k] for k in numbers] if card.classes else None
    walks = {walk.evaluations: walk for walk in card.walks}
    for number in options.calibrate:
        walks[number] = calibrate(card, model.generate, real, number, names)
        print(walks[number], flush=True)
    return replace(card, walks=tuple(walks[number] for number in sorted(walks)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--walk", action="append", default=[], metavar="N:SETTING=VALUE")
    parser.add_argument("--spectrum", metavar="SCAN")
    parser.add_argument("--calibrate", type=int, nargs="+", default=[], metavar="N")
    parser.add_argument("--scan", nargs="+", help="to calibrate on, as CLASS=FILE of classes")
    parser.add_argument("--region", action="append", help="of the scan, as in the training")
    parser.add_argument("--validation", type=float, default=0.15)
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model, device="cpu")
    weights = model.network.state_dict()
    model.network.load_state_dict({name: weight.half().float() for name, weight in weights.items()})
    card = replace(model.card, walks=changed(model.card.walks, options.walk))
    region = region_of(options.region)
    if options.calibrate:
        named = dict(one.split("=") for one in options.scan) if card.classes else {}
        material = open_material(
            named or options.scan[0], card.window, card.symmetry, options.validation, region=region
        )
        card = calibrated(MicrostructureModel(model.network, card, "cpu"), material, options)
    if options.spectrum:
        material = open_material(
            options.spectrum, card.window, card.symmetry, options.validation, region=region
        )
        card = replace(card, spectrum=spectrum_of(material, card.boundary, card.symmetry))
    MicrostructureModel(model.network, card, "cpu").save(options.output, overwrite=True)


if __name__ == "__main__":
    main()
