"""Does berea-2d copy its scan? The nearest training slice to each sample, over places and turns.

Samples are made at the pore fractions of real windows of the test block, which are searched for
in the same way. Needs the Berea scan (MICRODSD_DATA).

    python workflows/benchmarks/berea_memorisation.py berea-2d -n 24
"""

from __future__ import annotations

import argparse
import json

from record import add_record_option, record

from microdsd import (
    MicrostructureModel,
    coarsen,
    cut_windows,
    load_dataset,
    phase_fractions,
)
from microdsd.evaluation.memorisation import memorisation
from microdsd.report import memorisation_sentence

TRAINED = slice(0, 104)
"""Layers whose windows the shipped models were shown."""

UNSEEN = slice(136, 200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="berea-2d")
    parser.add_argument("-n", type=int, default=24)
    parser.add_argument("--symmetry", default="isotropic", help="as in training")
    add_record_option(parser)
    options = parser.parse_args()
    rock = coarsen(load_dataset("berea_sandstone"), 2)
    model = MicrostructureModel.load(options.model)
    window = model.card.window
    unseen = cut_windows(rock.isel(z=UNSEEN), window, n=options.n, rng=0)
    pores = phase_fractions(unseen).sel(phase=0).values.tolist()
    samples = model.sample(options.n, phase_fraction={"pore": pores}, rng=0)
    scan = rock.isel(z=TRAINED)
    found = memorisation(samples, scan, unseen, symmetry=options.symmetry)
    # The same question asked of copies: real windows of the training block itself.
    copies = cut_windows(scan, window, n=options.n, rng=1)
    caught = memorisation(copies, scan, unseen, symmetry="none")
    print(f"samples: {memorisation_sentence(found)}")
    print(f"copies:  {memorisation_sentence(caught)}")
    rows = {"samples": found.to_dict(), "copies": caught.to_dict()}
    print(json.dumps(rows))
    numbers = {
        label: {name: x for name, x in row.items() if isinstance(x, int | float | str)}
        for label, row in rows.items()
    }
    record("memorisation", options.record, numbers)


if __name__ == "__main__":
    main()
