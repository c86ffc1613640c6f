"""The paper's tau-leaping and our bridges: fidelity against evaluations and seconds.

    python workflows/benchmarks/method_fidelity.py train bridges --steps 500
    python workflows/benchmarks/method_fidelity.py train tau-leaping --steps 500
    python workflows/benchmarks/method_fidelity.py measure bridges 4 8 16 32 64
    python workflows/benchmarks/method_fidelity.py measure tau-leaping 32 64 128 256 1000
    python workflows/benchmarks/method_fidelity.py measure tau-leaping sqrt:128 epsilon:0.8
    python workflows/benchmarks/method_fidelity.py measure bridges-leaping 32 128
    python workflows/benchmarks/method_fidelity.py gains
    python workflows/benchmarks/method_fidelity.py picture

Same data (out/berea/berea2x.h5 of workflows/01_train_berea.sh, windows of 64 x 64), same trunk,
same number of training steps (or the same minutes, both at once). Every row is kept in
out/method-fidelity/figures.json and not measured again; `measure --samples 8` measures fewer
windows where a row would take too long. Seconds are CPU seconds of one thread, network included.
"bridges-leaping" steps the bridges' network by tau-leaping, with the rates that its potential
implies: what was learned, told apart from how it is stepped. `gains` judges both networks by
the paper's likelihood on test windows. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from berea_fidelity import (
    LAGS,
    PORE,
    SAMPLES,
    TEST_BLOCK,
    block_windows,
    figures,
    pore_curves,
    porosities,
    real_spread,
)
from record import add_record_option, record

from microdsd import MicrostructureModel, fit
from microdsd.encoding import PhaseEncoding
from microdsd.generation.request import GenerationRequest
from microdsd.generation.samples import with_record
from microdsd.metrics import describe
from microdsd.metrics.registry import compared_groups
from microdsd.models.walk_back import WalkBack
from microdsd.networks import PotentialRates
from microdsd.process import Lattice
from microdsd.process.octaves import Octaves
from microdsd.process.time_schedule import leap_grid
from microdsd.report.pictures.style import (
    ACCENT,
    INK,
    REAL,
    REAL_BAND,
    blank_figure,
    figure_png,
    figure_style,
    phase_colours,
    rgb,
)
from microdsd.training import RateObjective, TrainingConfig, Validation

FOLDER = Path("out/method-fidelity")
SCAN = Path("out/berea/berea2x.h5")
WINDOW, LAG = (64, 64), LAGS[2]
GAIN_WINDOWS = 16
HELD_BACK = 0.235  # share of the layers before the test block
METHODS = {"bridges": ACCENT, "tau-leaping": "#bb4a27"}
COLOURS = {**METHODS, "bridges-leaping": "#8d5a86"}
WIDTH, HEIGHT = 9.4, 7.2
QUANTITIES = {
    "S2 error": "S2 error",
    "specific surface": "surface, times real",
    "pore components": "pore components",
}


def train(method: str, minutes: float | None, steps: int | None) -> None:
    """On the training block; the block behind it is for the bridges' calibration."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    config = TrainingConfig(minutes=minutes, steps=steps, batch=16)
    model = fit(
        str(SCAN),
        config,
        window=WINDOW,
        symmetry="isotropic",
        validation=HELD_BACK,
        region={"z": slice(0, TEST_BLOCK[0])},
        network_size={"widths": (32, 64, 96), "blocks": (1, 1, 1)},
        method=method,
    )
    print(method, model.card.provenance["steps"], model.card.provenance["minutes"])
    model.save(model_path(method), overwrite=True)


def model_path(method: str) -> Path:
    return FOLDER / f"{method}.model"


def load(method: str) -> MicrostructureModel:
    """Model of a method; the bridges' network stepped by tau-leaping counts as one."""
    if method != "bridges-leaping":
        return MicrostructureModel.load(model_path(method))
    model = MicrostructureModel.load(model_path("bridges"))
    card = model.card
    leaps = WalkBack(card.evaluations, card.sigma_max, card.sigma_min)
    card = replace(card, method="tau-leaping", walks=(leaps,))
    return MicrostructureModel(PotentialRates(model.network), card)


def stored() -> dict[str, dict[str, object]]:
    path = FOLDER / "figures.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def store(key: str, row: dict[str, object], labels: np.ndarray) -> None:
    """Read again before writing: two measurements may run side by side."""
    np.save(FOLDER / f"{key.replace(' ', '-').replace(':', '-')}.npy", labels)
    (FOLDER / "figures.json").write_text(
        json.dumps({**stored(), key: row}, indent=2), encoding="utf-8"
    )


def real_windows() -> xr.DataArray:
    return block_windows(TEST_BLOCK, WINDOW, 2 * SAMPLES[2])


def measure_real() -> None:
    if "real" in stored():
        return
    windows = real_windows()
    described, n = describe(windows, periodic=False, descriptors=compared_groups()), SAMPLES[2]
    row = figures(described.isel(sample=slice(0, n)), described.isel(sample=slice(0, n)), LAG)
    for size in (8, 24, n):
        row[f"real-real {size}"] = real_spread(pore_curves(described, LAG), size)
    store("real", row, windows.values[0])


def request_of(model: MicrostructureModel, rule: str, fractions: list[float]) -> GenerationRequest:
    """A request by its rule: "32", "sqrt:32" or "epsilon:0.8"."""
    kind, _, value = rule.rpartition(":")
    options = {"epsilon": float(value)} if kind == "epsilon" else {"evaluations": int(value)}
    request = GenerationRequest.resolve(
        model.card, len(fractions), phase_fraction={"pore": fractions}, rng=0, **options
    )
    if kind == "sqrt":
        card = model.card
        levels = leap_grid(card.sigma_max, card.walks[-1].last, int(value), "sqrt")
        request = replace(request, plan=replace(request.plan, levels=tuple(levels)))
    return request


def measure(method: str, rules: list[str], n: int) -> None:
    measure_real()
    model = load(method)
    real = describe(real_windows()[:n], periodic=False, descriptors=compared_groups())
    for rule in rules:
        key = f"{method} {rule}"
        if key in stored():
            continue
        counted: list[float] = []
        request = request_of(model, rule, porosities(real).tolist())
        start, busy = time.perf_counter(), time.process_time()
        made = list(
            model.generate(request, progress=lambda *state, kept=counted: kept.append(state[0]))
        )
        seconds = time.process_time() - busy
        labels = with_record(model, request, [x for x, _ in made], [moved for _, moved in made])
        row = {
            **figures(describe(labels, periodic=False, descriptors=compared_groups()), real, LAG),
            "real surface": float(real.specific_surface_area.sel(phase=PORE).mean()),
            "samples": n,
            "evaluations": counted[-1] / n,
            "seconds per sample": seconds / n,
            "wall seconds per sample": (time.perf_counter() - start) / n,
            "reassigned": float(np.mean([moved for _, moved in made])),
            "steps of training": model.card.provenance["steps"],
            "minutes of training": model.card.provenance["minutes"],
        }
        store(key, row, labels.values[0])
        print(key, {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()})


def gains() -> None:
    """Information by the paper's likelihood, nats per walker and e-fold of sigma, per level."""
    encoding = PhaseEncoding({0: "pore", 1: "solid"}, background=1)
    occupation = encoding.encode(real_windows().values[:GAIN_WINDOWS])
    found: dict[str, list[float]] = {}
    for name in ("bridges-leaping", "tau-leaping"):
        model = load(name)
        sigma_max = model.card.sigma_max
        walk = Octaves(Lattice.box(WINDOW, "no-flux"))
        judge = Validation(occupation, walk, 0.3, sigma_max, 0, RateObjective(sigma_max))
        found["sigma"] = list(judge.levels)
        found[name.removesuffix("-leaping") if "bridges" in name else name] = judge.gains(
            model.network
        )
    (FOLDER / "gains.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    for row in zip(*found.values(), strict=True):
        print("| " + " | ".join(f"{value:.3g}" for value in row) + " |")


def picture(path: Path) -> None:
    """Fidelity against evaluations and seconds, and one sample of each kind."""
    rows = stored()
    real = rows["real"]
    most = max(row["samples"] for key, row in rows.items() if key != "real")
    spread = real[f"real-real {most}"]
    with figure_style():
        figure = blank_figure(WIDTH, HEIGHT)
        for line, horizontal in enumerate(("evaluations", "seconds per sample")):
            for column, (quantity, name) in enumerate(QUANTITIES.items()):
                axes = figure.add_axes((0.075 + 0.325 * column, 0.725 - 0.34 * line, 0.25, 0.25))
                if quantity == "S2 error":
                    axes.axhspan(0, spread["90 %"], color=REAL_BAND, lw=0)
                    axes.axhline(spread["median"], color=REAL, lw=0.8, ls=(0, (4, 2)))
                else:
                    level = 1.0 if quantity == "specific surface" else real[quantity]
                    axes.axhline(level, color=REAL, lw=0.8, ls=(0, (4, 2)))
                for method, colour in COLOURS.items():
                    draw_method(axes, rows, method, horizontal, quantity, colour)
                axes.set(xscale="log", xlabel=horizontal.replace("seconds", "CPU seconds"))
                axes.xaxis.set_major_formatter("{x:g}")
                axes.xaxis.set_minor_formatter("")
                axes.set_ylabel(name)
                axes.set_ylim(bottom=0)
                if quantity == "pore components":
                    axes.set(yscale="log", ylim=(10, 1000))
        # Clear of all curves, between panels and samples.
        figure.legend(*axes.get_legend_handles_labels(), loc=(0.06, 0.26), ncols=4)
        draw_samples(figure, rows)
    path.write_bytes(figure_png(figure, dpi=150))


def draw_method(axes, rows, method, horizontal, quantity, colour) -> None:  # noqa: ANN001
    """Grids as a line, other rules as open markers."""

    def points(keys: list[str]) -> tuple[list[float], list[float]]:
        mine = sorted((rows[key] for key in keys), key=lambda row: row["evaluations"])
        scale = [row["real surface"] if quantity == "specific surface" else 1.0 for row in mine]
        return (
            [row[horizontal] for row in mine],
            [row[quantity] / unit for row, unit in zip(mine, scale, strict=True)],
        )

    keys = [key for key in rows if key.startswith(method + " ")]
    if not keys:
        return
    name = "bridges' network, leaping" if method == "bridges-leaping" else method
    axes.plot(*points([k for k in keys if ":" not in k]), "o-", ms=3.5, color=colour, label=name)
    for kind, marker in (("sqrt", "s"), ("epsilon", "D")):
        others = [k for k in keys if f" {kind}:" in k]
        if others:
            label = {"sqrt": "same, sqrt grid", "epsilon": "same, the paper's step"}[kind]
            axes.plot(*points(others), marker, ms=4.5, mfc="white", color=colour, label=label)


def draw_samples(figure, rows) -> None:  # noqa: ANN001
    """First window of each of some rows."""
    colours = {label: rgb(c.fill) for label, c in phase_colours({0: "pore", 1: "solid"}).items()}
    wanted = ["real", "bridges 8", "bridges 32", "tau-leaping 32", "tau-leaping 256"]
    slow = [key for key in rows if "epsilon:" in key] or ["tau-leaping 1000"]
    shown = [key for key in (*wanted, slow[0]) if key in rows]
    for k, key in enumerate(shown):
        labels = np.load(FOLDER / f"{key.replace(' ', '-').replace(':', '-')}.npy")
        axes = figure.add_axes((0.03 + 0.162 * k, 0.02, 0.145, 0.145 * WIDTH / HEIGHT))
        axes.imshow(np.array([colours[0], colours[1]])[labels], interpolation="none")
        axes.set(xticks=[], yticks=[])
        title = key.replace("epsilon:", r"$\epsilon$ = ").replace(" ", ", ", 1)
        axes.set_title(title, pad=4, color=INK, fontsize=8)


def table() -> None:
    rows = stored()
    columns = ["", "evaluations", "CPU s per sample", "S2 error", "surface"]
    columns += ["pore components", "solid components", "reassigned"]
    print("|", " | ".join(columns), "|")
    print("|---|---|---|---|---|---|---|---|")
    for key, row in rows.items():
        if key == "real":
            pores, solids = row["pore components"], row["solid components"]
            print(f"| real | | | | 1 | {pores:.1f} | {solids:.1f} | |")
            continue
        print(
            f"| {key} ({row['samples']}) | {row['evaluations']:.0f} | "
            f"{row['seconds per sample']:.2f} | {row['S2 error']:.3f} | "
            f"{row['specific surface'] / row['real surface']:.2f} | {row['pore components']:.1f} | "
            f"{row['solid components']:.1f} | {row['reassigned']:.0f} |"
        )
    print({k: v for k, v in rows["real"].items() if "real-real" in k})


def numbers() -> dict[str, dict[str, float]]:
    """Return all rows that are numbers, in the order in which they were measured."""
    return {
        key: {name: x for name, x in row.items() if isinstance(x, int | float)}
        for key, row in stored().items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    tasks = parser.add_subparsers(dest="task", required=True)
    training = tasks.add_parser("train")
    training.add_argument("method", choices=list(METHODS))
    training.add_argument("--minutes", type=float)
    training.add_argument("--steps", type=int)
    measuring = tasks.add_parser("measure")
    measuring.add_argument("method", choices=list(COLOURS))
    measuring.add_argument("rules", nargs="+")
    measuring.add_argument("--samples", type=int, default=SAMPLES[2])
    tasks.add_parser("gains")
    drawing = tasks.add_parser("picture")
    drawing.add_argument("--output", type=Path, default=FOLDER / "method-fidelity.png")
    add_record_option(drawing)
    options = parser.parse_args()
    if options.task == "train":
        train(options.method, options.minutes, options.steps)
    elif options.task == "measure":
        measure(options.method, options.rules, options.samples)
    elif options.task == "gains":
        gains()
    else:
        picture(options.output)
        table()
        record("method-fidelity", options.record, numbers())


if __name__ == "__main__":
    main()
