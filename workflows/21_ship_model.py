"""Make the file of a model that ships: weights in half precision, and walks as they are to be.

    python workflows/21_ship_model.py out/berea/berea-2d.model --walk 24:last=1.0 \
        -o microdsd/models/berea-2d.model

Rounding changes a weight by at most one part in two thousand, less than bfloat16 does, in which
networks are evaluated where the processor can.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from microdsd import MicrostructureModel
from microdsd.models.walk_back import WalkBack

SETTINGS = ("first", "last", "temperature")


def changed(walks: tuple[WalkBack, ...], changes: list[str]) -> tuple[WalkBack, ...]:
    """Apply changes such as 24:last=1.0 to the walk of that many evaluations."""
    by_number = {walk.evaluations: walk for walk in walks}
    for change in changes:
        number, setting = change.split(":")
        name, value = setting.split("=")
        if name not in SETTINGS:
            raise SystemExit(f"{change}: set one of {', '.join(SETTINGS)}")
        by_number[int(number)] = replace(by_number[int(number)], **{name: float(value)})
    return tuple(by_number[number] for number in sorted(by_number))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--walk", action="append", default=[], metavar="N:SETTING=VALUE")
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model, device="cpu")
    weights = model.network.state_dict()
    model.network.load_state_dict({name: weight.half().float() for name, weight in weights.items()})
    card = replace(model.card, walks=changed(model.card.walks, options.walk))
    MicrostructureModel(model.network, card, "cpu").save(options.output, overwrite=True)


if __name__ == "__main__":
    main()
