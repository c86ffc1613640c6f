"""Transport through generated material against rock that was never seen, window by window.

    python workflows/benchmarks/transport_fidelity.py berea-full-3d --samples boxes.h5 --window 64

Windows are parts of disjoint boxes of the rock and of generated boxes of the same porosities.
Ratios are those of means (of permeability also of geometric means, for its law is skew), with
intervals of 95 % by resampling boxes, not windows: windows of one box are alike. Needs the scan
(MICRODSD_DATA).
"""

from __future__ import annotations

import argparse

import numpy as np
import xarray as xr
from long_range import add_box_options, parts_of, real_and_generated
from record import add_record_option, record
from scipy import stats

from microdsd import describe_transport
from microdsd.microstructure import as_microstructure
from microdsd.progress import show_progress

PHASES = {0: "pore", 1: "solid"}
VARIABLES = {"diffusivity": "relative_diffusivity", "permeability": "permeability"}
MODULI = {"pore": (0.0, 0.0), "solid": (1.0, 0.2)}
"""Young's modulus, in units of the solid's, and Poisson ratio; C11 of the whole, voids in it."""


def columns(
    boxes: xr.DataArray, window: int, per_box: int, name: str, axes: list[str]
) -> np.ndarray:
    """One property of windows, shape (boxes, windows); the mean over the axes."""
    parts = parts_of(boxes, window)
    chosen = np.linspace(0, parts.shape[1] - 1, per_box).round().astype(int)
    parts = parts[:, chosen]
    shape = parts.shape[:2]
    stack = as_microstructure(parts.reshape(-1, *parts.shape[2:]), phases=PHASES, ensemble=True)
    if name == "stiffness":
        moduli = describe_transport(stack, properties=[name], moduli=MODULI)["stiffness"].values
        return np.mean([moduli[:, k, k] for k in range(3)], axis=0).reshape(shape)
    solved = describe_transport(stack, properties=[name], phase="pore", axes=axes)
    return solved[VARIABLES[name]].mean("axis").values.reshape(shape)


def ratio(real: np.ndarray, new: np.ndarray, mean: object, rng: np.random.Generator) -> tuple:
    """Ratio of means over all windows, and its interval of 95 % by resampling boxes."""
    draws = []
    for _ in range(4000):
        numerator = new[rng.integers(len(new), size=len(new))]
        denominator = real[rng.integers(len(real), size=len(real))]
        draws.append(mean(numerator) / mean(denominator))
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(mean(new) / mean(real)), float(low), float(high)


def geometric(values: np.ndarray) -> float:
    """Geometric mean; windows through which nothing flows count as a thousandth of the mean."""
    return float(np.exp(np.log(np.maximum(values, 1e-3 * values.mean())).mean()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_box_options(parser)
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--per-box", type=int, default=4, help="windows of a box")
    parser.add_argument("--property", action="append", help="default: all three")
    parser.add_argument("--axis", action="append", help="of the flow; default: all")
    add_record_option(parser)
    options = parser.parse_args()

    real, new = real_and_generated(options)
    axes = options.axis or ["z", "y", "x"]
    rng = np.random.default_rng(0)
    rows = {}
    for name in options.property or ["diffusivity", "permeability", "stiffness"]:
        measured, generated = (
            columns(boxes, options.window, options.per_box, name, axes) for boxes in (real, new)
        )
        means = {"": np.mean} | ({", geometric mean": geometric} if name == "permeability" else {})
        for words, mean in means.items():
            over, low, high = ratio(measured, generated, mean, rng)
            rows[f"{name}{words}"] = {
                "real": float(mean(measured)),
                "generated": float(mean(generated)),
                "ratio": over,
                "from": low,
                "to": high,
                "KS p": float(stats.ks_2samp(measured.ravel(), generated.ravel()).pvalue),
                "windows": measured.size,
            }
            print(name + words, rows[f"{name}{words}"], flush=True)
    note = (
        f"Windows of {options.window}^3, {options.per_box} of each of {len(real)} real and "
        f"{len(new)} generated boxes of {options.length}^3; KS p takes windows as independent."
    )
    record("transport-fidelity", options.record, rows, notes=[note])


if __name__ == "__main__":
    with show_progress():
        main()
