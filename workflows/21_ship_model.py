"""Make the file of a model that ships: weights in half precision, and walks as they are to be.

    python workflows/21_ship_model.py out/berea/berea-2d.model --walk 24:last=1.0 \
        --spectrum out/berea/berea2x.h5 --region z=0:136 --validation 0.235 \
        -o microdsd/models/berea-2d.model

With --spectrum the power spectrum of the training windows is measured, which models trained before
they had one lack (`microdsd train` measures it by itself).

Rounding changes a weight by at most one part in two thousand, less than bfloat16 does, in which
networks are evaluated where the processor can.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from microdsd import MicrostructureModel
from microdsd.cli.parsing import region_of
from microdsd.fitting.material import open_material
from microdsd.fitting.spectrum import spectrum_of
from microdsd.models.walk_back import WalkBack

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--walk", action="append", default=[], metavar="N:SETTING=VALUE")
    parser.add_argument("--spectrum", metavar="SCAN")
    parser.add_argument("--region", action="append", help="of the scan, as in the training")
    parser.add_argument("--validation", type=float, default=0.15)
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model, device="cpu")
    weights = model.network.state_dict()
    model.network.load_state_dict({name: weight.half().float() for name, weight in weights.items()})
    card = replace(model.card, walks=changed(model.card.walks, options.walk))
    if options.spectrum:
        region = region_of(options.region)
        material = open_material(
            options.spectrum, card.window, card.symmetry, options.validation, region=region
        )
        card = replace(card, spectrum=spectrum_of(material, card.boundary, card.symmetry))
    MicrostructureModel(model.network, card, "cpu").save(options.output, overwrite=True)


if __name__ == "__main__":
    main()
