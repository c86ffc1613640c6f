"""Add to a model what its scan knows of its fractions, for `--fraction pore=measured`.

For models that were trained before `microdsd train` wrote this itself. The weights stay as they
are; a scan that is not the one of the training is refused by its fingerprint.

    microdsd import dataset:berea_sandstone --coarsen 2 -o berea2x.h5
    python workflows/19_measured_fractions.py berea-2d berea2x.h5 --region z=0:136 -o berea-2d.model

Of a model with classes give one scan for each, as berea=berea.h5 nmc=nmc.h5.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

from microdsd.cli.parsing import region_of
from microdsd.io import atomic_write, open_labels
from microdsd.metrics.scan_fractions import scan_fractions
from microdsd.models import model_path
from microdsd.models.files import pack_model, read_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="file, or name of a model that ships")
    parser.add_argument("scan", nargs="+", help="FILE, FILE:/path, or one for each class")
    parser.add_argument("--region", nargs="*", help="part of the scan, as z=0:136")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--force", action="store_true", help="overwrite the output")
    options = parser.parse_args()

    weights, card = read_model(model_path(options.model))
    named = dict(one.split("=", 1) for one in options.scan) if card.classes else {}
    specs = [named[name] for name in card.classes] if card.classes else options.scan[:1]
    prints, measured = [], {}
    for name, spec in zip(card.classes or ("",), specs, strict=True):
        with open_labels(spec, region=region_of(options.region)) as scan:
            prints.append(scan.sha256())
            measured[name] = scan_fractions(scan)
        for phase, (mean, error) in measured[name].items():
            print(f"{name or spec}: {phase} {mean:.4f} +- {error:.4f}")
    joint = hashlib.sha256("\n".join(prints).encode()).hexdigest() if card.classes else prints[0]
    if joint != card.provenance["data_sha256"]:
        parser.error(f"{' '.join(options.scan)}: not what {options.model} was trained on")
    card = replace(card, scan_fractions=measured)
    with atomic_write(options.output, overwrite=options.force) as temporary:
        temporary.write_bytes(pack_model(weights, card))


if __name__ == "__main__":
    main()
