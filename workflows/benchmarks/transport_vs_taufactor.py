"""Tortuosity factor of a volume: time and result of microdsd's reference against taufactor.

    python workflows/benchmarks/transport_vs_taufactor.py --sides 32 64 96
    python workflows/benchmarks/transport_vs_taufactor.py --scan out/berea/berea2x.h5 --phase pore

Both run in this process with the threads it has, taufactor after a warm-up. Exits with 1 when a
relative diffusivity differs by more than 1e-3.
"""

import argparse
import json
import os
import time
from typing import Any

from record import add_record_option, record

from microdsd import cut_windows, load_microstructures
from microdsd.microstructure import blobs
from microdsd.transport import diffusivity


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 64, 96])
    parser.add_argument("--scan", help="HDF5 file to cut windows from; default: synthetic blobs")
    parser.add_argument("--phase", default="1", help="label or name")
    parser.add_argument("--device", default="cpu", help="of taufactor")
    add_record_option(parser)
    options = parser.parse_args()
    phase = int(options.phase) if options.phase.isdecimal() else options.phase
    scan = load_microstructures(options.scan) if options.scan else None

    warm = blobs((8, 8, 8), fractions=(0.5, 0.5), scale=2, rng=0)
    for solver in ("finite-volume", "taufactor"):
        diffusivity(warm, phase=1, solver=solver, device=options.device)
    rows = []
    for side in options.sides:
        box = (side,) * 3
        if scan is None:
            ms = blobs(box, fractions=(0.5, 0.5), scale=3, rng=1)
        else:
            ms = cut_windows(scan, box, n=1, rng=0)
        row: dict[str, Any] = {"side": side}
        found = {}
        for solver in ("finite-volume", "taufactor"):
            start = time.perf_counter(), time.process_time()
            result = diffusivity(ms, phase=phase, axes=["z"], solver=solver, device=options.device)
            row[solver] = {
                "wall_s": round(time.perf_counter() - start[0], 3),
                "processor_s": round(time.process_time() - start[1], 3),
                "iterations": result.iterations.item(),
                "relative_diffusivity": found.setdefault(
                    solver, result.relative_diffusivity.item()
                ),
                "tortuosity_factor": round(result.tortuosity_factor.item(), 6),
            }
        ours, theirs = found.values()
        row["relative_difference"] = abs(theirs - ours) / max(ours, 1e-300)
        rows.append(row)
    load = [round(os.getloadavg()[0], 2), os.cpu_count()]
    print(json.dumps({"load_and_cores": load, "volumes": rows}, indent=2))
    kept = {
        f"{row['side']}^3": {
            **{f"{solver}, processor s": row[solver]["processor_s"] for solver in found},
            **{f"{solver}, iterations": row[solver]["iterations"] for solver in found},
            "relative difference": row["relative_difference"],
        }
        for row in rows
    }
    record("transport-speed", options.record, kept)
    raise SystemExit(any(row["relative_difference"] > 1e-3 for row in rows))


if __name__ == "__main__":
    main()
