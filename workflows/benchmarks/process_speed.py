"""Speed of the process itself: walk with training target, and reverse step, against the network.

Processor seconds of one thread, so that other work on the machine matters less; the mean over the
levels of a grid. Small boxes come in batches, as `generate` makes them. Every case runs in a
process of its own, so that its peak memory is its own.

    python workflows/benchmarks/process_speed.py --record "All cases"
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable

from record import add_record_option, record

SHAPES = ("64x64", "64x64x64", "128x128x128")
SPECIES = (1, 2, 4)
FILLED = 0.2
LEVELS = 8
BATCH_VOXELS = 1 << 15  # of a batch on a CPU


def seconds(work: Callable[[], object], least: float = 0.5) -> float:
    """Processor seconds of one call: the least of several, after one to warm up."""
    work()
    taken: list[float] = []
    while len(taken) < 3 or (sum(taken) < least and len(taken) < 20):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def measure(shape: tuple[int, ...], species: int, batch: int, *, network: bool) -> dict[str, float]:
    """Time a batch of boxes of one composition in this process."""
    import torch

    from microdsd.networks.build import DEFAULT_SIZE
    from microdsd.networks.unet import PotentialUNet, UNetConfig
    from microdsd.process import (
        Lattice,
        TransitionKernel,
        Walkers,
        level_grid,
        sample_bridge_step,
        sample_forward,
        sample_uniform,
        time_of,
    )
    from microdsd.process.octaves import Moment, Octaves
    from microdsd.training import origin_loss

    torch.set_num_threads(1)
    lattice = Lattice.box(shape, "no-flux")
    kernel, walk = TransitionKernel(lattice), Octaves(lattice)
    generators = [torch.Generator().manual_seed(i) for i in range(batch)]
    counts = torch.full((batch, species), round(FILLED * lattice.n_sites))
    walkers = sample_uniform(counts, lattice, generators)
    n_0 = walkers.occupation()
    log_h = kernel.apply(n_0, 0.5).add(0.01).log()
    levels = level_grid(kernel.mixed_level(), 0.67, LEVELS)
    times = [float(time_of(sigma)) for sigma in levels]
    small = Lattice.box((8,) * len(shape), "no-flux")  # loads what the first call loads
    few = sample_uniform(torch.full((batch, species), 100), small, generators)
    sample_bridge_step(few, few.occupation(), TransitionKernel(small), 2.0, 1.0, generators)
    at_rest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def forward() -> None:
        for t in times:
            batch_t = torch.full((batch,), t, dtype=torch.float64)
            n_t = sample_forward(Walkers.of(n_0, lattice), kernel, batch_t, generators).occupation()
            origin_loss(log_h, n_0, n_t, walk, Moment(0, batch_t))

    def reverse() -> None:
        for t, s in itertools.pairwise(times):
            sample_bridge_step(walkers, log_h, kernel, t, s, generators).occupation()

    with torch.inference_mode():
        found = {
            "forward": seconds(forward) / len(times),
            "reverse": seconds(reverse) / (len(times) - 1),
        }
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found["bytes_per_voxel"] = 1024 * (peak - at_rest) / (batch * lattice.n_sites)
        if network:
            unet = PotentialUNet(UNetConfig(len(shape), species, **DEFAULT_SIZE[len(shape)]))
            unet = unet.to(memory_format=unet.memory_format)
            t_2 = torch.full((batch,), 2.0)
            network_seconds = []
            for in_bfloat16 in (True, False):  # as generate does: whichever is faster here
                with torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16):
                    network_seconds.append(seconds(lambda: unet(n_0, t_2, kernel), 0.1))
            found["network"] = min(network_seconds)
            found["share"] = found["reverse"] / (found["reverse"] + found["network"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_record_option(parser)
    parser.add_argument("--shapes", nargs="*", default=SHAPES)
    parser.add_argument("--species", nargs="*", type=int, default=SPECIES)
    parser.add_argument("--batch", type=int, help="boxes at a time; default: as generate does")
    parser.add_argument("--no-network", action="store_true")
    parser.add_argument("--one", action="store_true", help="measure in this process, print JSON")
    options = parser.parse_args()
    cases = list(itertools.product(options.shapes, options.species))
    if options.one:
        shape = tuple(int(n) for n in cases[0][0].split("x"))
        network = not options.no_network
        print(json.dumps(measure(shape, cases[0][1], options.batch, network=network)))
        return
    print("batch x shape, species: Mvoxel/s forward with target, reverse step;")
    print("share of a sampling step; peak bytes per voxel beyond the state")
    rows = {}
    for shape, species in cases:
        voxels = math.prod(map(int, shape.split("x")))
        batch = options.batch or max(1, BATCH_VOXELS // voxels)
        command = [sys.executable, __file__, "--one", "--shapes", shape, "--species", str(species)]
        command += ["--batch", str(batch)] + ["--no-network"] * options.no_network
        found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        rows[f"{batch} x {shape}, {species} species"] = found
        speed = {k: batch * voxels / found[k] for k in ("forward", "reverse")}
        share = f"{found['share']:4.0%}" if "share" in found else "   –"
        print(
            f"{batch} x {shape:>11}, {species}: "
            f"{speed['forward'] / 1e6:6.2f} {speed['reverse'] / 1e6:6.2f}   "
            f"{share}   {found['bytes_per_voxel']:4.0f}",
            flush=True,
        )
    record("process-speed", options.record, rows)


if __name__ == "__main__":
    main()
