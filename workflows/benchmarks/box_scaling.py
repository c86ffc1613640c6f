"""Processor time and peak memory of generated boxes, against their number of voxels.

    python workflows/benchmarks/box_scaling.py berea-full-3d --edges 64 96 128 192 256 \
        --picture docs/images/box-scaling.png

Each box is made by the command, in a process of its own, on as many threads as the environment
allows (OMP_NUM_THREADS). Processor time changes little when other programs run. The lines of the
picture are least squares of a constant, which is what it takes to start, and a slope per voxel.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from record import add_record_option, record

Figures = dict[str, float]
GIB = 2**30


def generate(model: str, edge: int, evaluations: int) -> Figures:
    """Make one box by the command; its time, processor time and peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "microdsd", "generate", model]
        command += ["--shape", *[str(edge)] * 3, "--evaluations", str(evaluations)]
        command += ["--seed", "0", "-o", str(Path(folder) / "box.h5")]
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
    if status:
        raise SystemExit(f"{' '.join(command)}: failed")
    return {
        "seconds": seconds,
        "processor seconds": used.ru_utime + used.ru_stime,
        "peak GiB": used.ru_maxrss * 1024 / GIB,
    }


def line(voxels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Constant and slope, of relative errors: a small box counts as much as a large one."""
    basis = np.stack([np.ones(len(voxels)), voxels], 1) / values[:, None]
    solution: np.ndarray = np.linalg.lstsq(basis, np.ones(len(values)), rcond=None)[0]
    return solution


def draw(voxels: np.ndarray, rows: list[Figures], path: str) -> None:
    """Draw processor time and memory against voxels, with the lines."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    along = np.geomspace(voxels.min(), voxels.max(), 100)
    for ax, name in zip(axes, ("processor seconds", "peak GiB"), strict=True):
        values = np.array([row[name] for row in rows])
        start, slope = line(voxels, values)
        ax.loglog(along, start + slope * along, color="0.7")
        ax.loglog(voxels, values, "o", color="C0")
        ax.set(xlabel="voxels", ylabel=name)
        ax.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="berea-full-3d")
    parser.add_argument("--edges", type=int, nargs="+", default=[64, 96, 128, 192, 256])
    parser.add_argument("--evaluations", type=int, default=16)
    parser.add_argument("--picture", metavar="FILE.png")
    add_record_option(parser)
    options = parser.parse_args()

    rows = []
    for edge in options.edges:
        rows.append(generate(options.model, edge, options.evaluations))
        print(edge, {name: round(value, 3) for name, value in rows[-1].items()}, flush=True)
    voxels = np.array(options.edges, dtype=float) ** 3
    notes = []
    for name, unit, scale in (
        ("processor seconds", "microseconds", 1e6),
        ("peak GiB", "bytes", GIB),
    ):
        values = np.array([row[name] for row in rows])
        start, slope = line(voxels, values)
        off = (start + slope * voxels) / values - 1
        at = ", ".join(
            f"{edge}^3 {100 * one:+.0f} %" for edge, one in zip(options.edges, off, strict=True)
        )
        notes.append(
            f"Of {name} {start:.3g} to start and {slope * scale:.3g} {unit} per voxel. The line "
            f"is off at {at}."
        )
    print(*notes, sep="\n")
    if options.picture:
        draw(voxels, rows, options.picture)
    table = {f"{edge}^3": row for edge, row in zip(options.edges, rows, strict=True)}
    record("box-scaling", options.record, table, notes=notes)


if __name__ == "__main__":
    main()
