"""Seconds and memory of one generated volume: 64^3 and 128^3, and the shares of a step.

Each size runs in a process of its own, so that its peak memory is its own.

    python workflows/benchmarks/generation_speed.py berea-3d --evaluations 16
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import wraps

from record import add_record_option, record

SIZES = (32, 64, 96, 128)


def measure(name: str, edge: int, evaluations: int) -> dict[str, float]:
    """Time one sample, and its network alone, in this process."""
    from microdsd import MicrostructureModel
    from microdsd.networks.unet import UNet

    model = MicrostructureModel.load(name)
    model.sample(rng=0, evaluations=2)  # threads are measured on the first call
    at_rest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    network_seconds = 0.0

    def timed(function: Callable[..., object]) -> Callable[..., object]:
        @wraps(function)
        def call(*args: object, **kwargs: object) -> object:
            nonlocal network_seconds
            start = time.perf_counter()
            result = function(*args, **kwargs)
            network_seconds += time.perf_counter() - start
            return result

        return call

    # Every network of a model, that of the last draw too, does its work in one of these.
    for name_of_part in ("_on_box", "encode", "decode"):
        setattr(UNet, name_of_part, timed(getattr(UNet, name_of_part)))
    start = time.perf_counter()
    model.sample(shape=(edge,) * 3, phase_fraction={"pore": 0.2}, evaluations=evaluations, rng=0)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": seconds,
        "network_share": network_seconds / seconds,
        "bytes_per_voxel": 1024 * (peak - at_rest) / edge**3,
    }


def measure_alone(name: str, edge: int, evaluations: int) -> dict[str, float]:
    """Do the same in a process of its own."""
    command = [sys.executable, __file__, name]
    command += ["--evaluations", str(evaluations), "--edge", str(edge)]
    done = subprocess.run(command, check=True, capture_output=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="berea-3d")
    parser.add_argument("--evaluations", type=int, default=16)
    parser.add_argument("--edge", type=int, help="this size only, as JSON")
    add_record_option(parser)
    options = parser.parse_args()
    if options.edge:
        print(json.dumps(measure(options.model, options.edge, options.evaluations)))
        return
    print(f"{options.model}, {options.evaluations} evaluations")
    rows = {}
    for edge in SIZES:
        found = rows[f"{edge}^3"] = measure_alone(options.model, edge, options.evaluations)
        print(
            f"{edge:4}^3: {found['seconds']:6.1f} s, network {found['network_share']:.0%}, "
            f"peak memory {found['bytes_per_voxel']:.0f} bytes per voxel"
        )
    record("generation-speed", options.record, rows)


if __name__ == "__main__":
    main()
