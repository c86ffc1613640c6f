"""S2 of a volume: time of microdsd against porespy, same shells, same result.

    python workflows/benchmarks/metrics_vs_porespy.py --side 128

Both run in this process on the same volume, porespy after a warm-up that compiles its loops and
with the threads it chooses, microdsd with one. Exits with 1 when the results differ.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from microdsd.metrics import _porespy
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure import blobs

T = TypeVar("T")


def best_of(repeats: int, call: Callable[[], T]) -> tuple[dict[str, float], T]:
    """Least wall and processor time; on a busy machine only the second means something."""
    wall, processor = [], []
    for _ in range(repeats):
        start = time.perf_counter(), time.process_time()
        result = call()
        wall.append(time.perf_counter() - start[0])
        processor.append(time.process_time() - start[1])
    return {"wall_s": round(min(wall), 4), "processor_s": round(min(processor), 4)}, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=128, help="voxels per side of the volume")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    ms = blobs((options.side,) * 3, fractions=(0.6, 0.4), scale=3, rng=1)
    mask = ms.values == 1
    reach = options.side // 2 - 1
    edges = np.arange(reach + 2)  # porespy's own default for this volume

    _porespy.two_point_correlation(mask[:16, :16, :16], np.arange(8))
    theirs, expected = best_of(options.repeats, lambda: _porespy.two_point_correlation(mask, edges))
    ours, s2 = best_of(
        options.repeats,
        lambda: two_point_probability(ms, phase=1, periodic=False, max_distance=reach),
    )
    difference = float(np.abs(s2.values[0] - expected).max())
    print(
        json.dumps(
            {
                "side": options.side,
                "shells": reach + 1,
                "porespy": theirs,
                "microdsd": ours,
                "ratio": {key: round(theirs[key] / ours[key], 1) for key in ours},
                "largest_difference": difference,
                "load_and_cores": [round(os.getloadavg()[0], 2), os.cpu_count()],
            },
            indent=2,
        )
    )
    raise SystemExit(difference > 1e-12)


if __name__ == "__main__":
    main()
