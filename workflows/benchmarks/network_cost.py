"""What a voxel costs: operations of the network, the share of the machine's rate, the walkers.

    python workflows/benchmarks/network_cost.py berea-3d sofc-2d

Operations are those of convolutions and matrix products, two for each multiplication and addition.
The machine's rate is that of a large matrix product and of a convolution of many channels in the
same precision, on as many threads. One evaluation is the fastest of several, of a whole box; the
share of the walkers is what is left of a sample's time besides the network's.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from generation_speed import measure_alone
from record import add_record_option, record
from torch.utils.flop_counter import FlopCounterMode

from microdsd import MicrostructureModel
from microdsd.process.lattice import Lattice
from microdsd.process.noise import time_of
from microdsd.process.octaves import Octaves

EDGES = {2: 256, 3: 64}
REPEATS, LEVEL = 5, 2.0
CHANNELS = 256


def fastest(work: Callable[[], object]) -> float:
    """Seconds of the fastest of several calls."""
    work()
    seconds = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def rates(precision: torch.dtype) -> dict[str, float]:
    """Operations per second of a matrix product and of a convolution of many channels."""
    one = torch.randn(2048, 2048, dtype=precision)
    box = torch.randn(1, CHANNELS, 24, 24, 24, dtype=precision).to(
        memory_format=torch.channels_last_3d
    )
    kernel = torch.randn(CHANNELS, CHANNELS, 3, 3, 3, dtype=precision)
    products = {"product": 2 * 2048**3, "convolution": 2 * 27 * CHANNELS**2 * 22**3}
    seconds = {
        "product": fastest(lambda: one @ one),
        "convolution": fastest(lambda: F.conv3d(box, kernel)),
    }
    return {name: products[name] / seconds[name] for name in products}


def cost(name: str, of_machine: dict[str, float]) -> dict[str, float | str]:
    """Operations and seconds per voxel of one evaluation of a model."""
    model = MicrostructureModel.load(name, "cpu")
    card = model.card
    ndim, species = len(card.window), card.network.species
    shape = (EDGES[ndim],) * ndim
    kernel = Octaves(Lattice.box(shape, card.boundary)).kernels[0]
    occupation = torch.poisson(torch.full((1, species, *shape), 0.2))
    fractions = torch.full((1, species), 0.2)
    classes = torch.zeros(1, dtype=torch.long) if card.classes else None
    asked = (occupation, time_of(LEVEL).view(1), kernel, fractions, classes)

    def evaluation() -> object:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            return model.network(*asked)

    with FlopCounterMode(display=False) as counter:
        evaluation()
    operations, seconds = counter.get_total_flops(), fastest(evaluation)
    row: dict[str, float | str] = {
        "box": " x ".join(map(str, shape)),
        "operations per voxel": operations / math.prod(shape),
        "us per voxel": 1e6 * seconds / math.prod(shape),
        "1e9 operations per second": operations / seconds / 1e9,
    }
    for kind, rate in of_machine.items():
        row[f"share of the rate of a {kind}"] = operations / seconds / rate
    if ndim == 3 and species == 1:
        sample = measure_alone(name, EDGES[3], card.evaluations)
        row["share of the walkers"] = 1 - sample["network_share"]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["berea-3d", "berea-full-3d", "nmc-3d"])
    add_record_option(parser)
    options = parser.parse_args()
    of_machine = rates(torch.bfloat16)
    print({kind: f"{rate / 1e9:.0f}e9 per second" for kind, rate in of_machine.items()})
    rows = {name: cost(name, of_machine) for name in options.models}
    for name, row in rows.items():
        print(name, row)
    notes = [
        f"bfloat16, {torch.get_num_threads()} threads; 1e9 operations per second of a product of "
        f"2048 x 2048: {of_machine['product'] / 1e9:.0f}, of a convolution of {CHANNELS} channels: "
        f"{of_machine['convolution'] / 1e9:.0f}."
    ]
    record("network-cost", options.record, rows, notes=notes)


if __name__ == "__main__":
    main()
