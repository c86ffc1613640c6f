"""Volumes made from slices alone, against true volumes of layers that were never seen.

    python workflows/benchmarks/volumes_from_slices.py berea --slices berea-2d --volumes berea-3d
    python workflows/benchmarks/volumes_from_slices.py nmc --slices z=top.model y=side.model \
        x=side.model --volumes nmc-3d --transport
    python workflows/benchmarks/volumes_from_slices.py berea --validation --edge 32 --boxes 24 \
        --slices berea-2d --weights 0.47 0.55

Models of slices (2D) and of volumes (3D), and the Gaussian field with the S2 of slices, make boxes
of the compositions of disjoint real ones. Needs the scans (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from long_range import block_of, boxes_of, parts_of
from record import add_record_option, record
from transport_fidelity import geometric

from microdsd import MicrostructureModel, plot
from microdsd.baselines import GaussianField
from microdsd.evaluation import two_point_error
from microdsd.generation.request import GenerationRequest
from microdsd.metrics import describe, interface_density
from microdsd.microstructure import as_microstructure, cut_windows, phases_of
from microdsd.microstructure.symmetry import Symmetry
from microdsd.transport import diffusivity, permeability

MEASURED = (
    "fractions",
    "two_point",
    "cross_two_point",
    "euler",
    "components",
    "percolation",
    "triple_lines",
)
PORE = 0
SPLITS = 30
FLOW_EDGE = 32
"""Of the parts of boxes that flow is solved in, voxels: in a whole box it takes minutes."""

Figures = dict[str, float]
Layers = tuple[int, int]


@dataclass(frozen=True)
class Material:
    """A scan, its blocks of layers, and the boxes to compare."""

    dataset: str
    coarsen: int
    symmetry: Symmetry
    training: Layers
    validation: Layers
    test: Layers
    edge: int
    flow: bool = False

    def block(self, layers: Layers) -> xr.DataArray:
        """Return some layers, lengths in voxels."""
        return block_of(self.dataset, self.coarsen, z=layers)

    @property
    def axes(self) -> list[str]:
        """Return axes that differ from one another."""
        return ["z"] if self.symmetry == "isotropic" else ["z", "y"]


MATERIALS = {
    "berea": Material(
        "berea_sandstone", 2, "isotropic", (0, 104), (104, 136), (136, 200), 64, flow=True
    ),
    "fontainebleau": Material(
        "fontainebleau_sandstone", 2, "isotropic", (0, 128), (128, 160), (160, 240), 48
    ),
    # What porous-2d has learned from, and what was held back from it.
    "fontainebleau-end": Material(
        "fontainebleau_sandstone", 2, "isotropic", (0, 204), (0, 204), (204, 240), 36
    ),
    "nmc": Material("nmc_cathode_cbd", 1, "transverse", (0, 142), (142, 190), (190, 251), 60),
}


def measured(boxes: xr.DataArray) -> xr.Dataset:
    """Descriptors of boxes; the interface of two phases is the density of unlike faces."""
    made = describe(boxes, periodic=False, descriptors=MEASURED)
    names = dict(zip(made.phase.values.tolist(), made.phase_name.values.tolist(), strict=True))
    faces = {
        f"{names[a]}-{names[b]}": interface_density(boxes, phase=a, phase2=b, periodic=False)
        for a, b in itertools.combinations(names, 2)
    }
    by_pair = xr.concat(list(faces.values()), "pair").assign_coords(pair=list(faces))
    return made.assign(interface=by_pair)


def figures(made: xr.Dataset, real: xr.Dataset, lags: int) -> Figures:
    """S2 errors against real boxes, and means of what one box has."""

    def error(variable: str, **one: object) -> float:
        curves = (d[variable].sel(one).mean("sample").values[: lags + 1] for d in (made, real))
        return two_point_error(*curves)

    mean = made.mean("sample")
    names = dict(zip(made.phase.values.tolist(), made.phase_name.values.tolist(), strict=True))
    distinct = list(names) if len(names) > 2 else [PORE]  # two phases have one S2 and one surface
    pairs = made.pair.values.tolist()
    row = {f"S2 error, {names[k]}": error("two_point_probability", phase=k) for k in distinct}
    if len(names) > 2:
        row |= {f"S2 error, {p}": error("cross_two_point_probability", pair=p) for p in pairs}
    row |= {f"interface, {p}": float(mean.interface.sel(pair=p)) for p in pairs}
    if len(names) > 2:
        row["triple lines"] = float(mean.triple_phase_boundary)
    for k, name in names.items():
        row[f"components, {name}"] = float(mean.component_count.sel(phase=k))
        row[f"largest component, {name}"] = float(mean.largest_component_share.sel(phase=k))
    for k in distinct:
        row[f"Euler number, {names[k]}"] = float(mean.euler_characteristic.sel(phase=k))
        row[f"percolates, {names[k]}"] = float(mean.percolates.sel(phase=k).mean())
    return row


def halves(real: xr.Dataset, lags: int) -> Figures:
    """What halves of the real boxes differ by: medians over many ways to part them."""
    rng = np.random.default_rng(0)
    n = real.sizes["sample"] // 2
    rows = []
    for _ in range(SPLITS):
        order = rng.permutation(real.sizes["sample"])
        one, other = (real.isel(sample=chosen) for chosen in (order[:n], order[n : 2 * n]))
        there, here = figures(one, one, lags), figures(other, one, lags)
        rows.append({key: abs(value - there[key]) for key, value in here.items()})
    return {key: float(np.median([row[key] for row in rows])) for key in rows[0]}


def transport(boxes: xr.DataArray, material: Material) -> Figures:
    """Tortuosity factors of the pores, and the permeability of parts, along distinct axes.

    A box that nothing leads through has an infinite factor; means would hide it, medians do not.
    """
    solved = diffusivity(boxes, phase=PORE, axes=material.axes)
    row = {}
    for axis in material.axes:
        factors = solved.tortuosity_factor.sel(axis=axis).fillna(np.inf).values
        row[f"tortuosity factor along {axis}"] = float(np.median(factors))
        row[f"diffusivity along {axis}"] = float(solved.relative_diffusivity.sel(axis=axis).mean())
    if material.flow:
        parts = parts_of(boxes, FLOW_EDGE)[:, ::4]
        stack = parts.reshape(-1, *parts.shape[2:])
        windows = as_microstructure(stack, phases=phases_of(boxes), ensemble=True)
        flow = permeability(windows, phase=PORE, axes=["z"]).permeability.values.ravel()
        row["permeability, geometric mean"] = geometric(flow)
        row["permeability, mean"] = float(flow.mean())
    return row


def models_of(slices: Sequence[str]) -> dict[str, MicrostructureModel]:
    """Models of the slices normal to every axis: one for all, or z=MODEL y=MODEL x=MODEL."""
    named = dict(one.split("=") for one in slices) if "=" in slices[0] else {}
    loaded = cache(MicrostructureModel.load)
    return {axis: loaded(named.get(axis, slices[0])) for axis in "zyx"}


def volumes_of(slices: Sequence[str], options: argparse.Namespace) -> MicrostructureModel:
    """Model of volumes by that of slices, or those of all three directions."""
    models = models_of(slices)
    classes = dict.fromkeys("zyx", options.class_name) if options.class_name else None
    volumes = MicrostructureModel.from_slices(models, classes)
    walk = volumes.card.volumes
    assert walk is not None
    reading = replace(
        walk.reading,
        weights=tuple(options.weights or walk.reading.weights),
        level=options.level or walk.reading.level,
        fused=walk.reading.fused and not options.weights,
    )
    walk = replace(
        walk,
        reading=reading,
        last=options.last or walk.last,
        sharpness=tuple(options.sharpness or walk.sharpness),
        evaluations=options.evaluations or walk.evaluations,
    )
    return MicrostructureModel.from_slices(models, classes, walk)


def field_of(material: Material) -> GaussianField:
    """Field in 3D with the S2 of windows of slices of the training layers."""
    block = material.block(material.training)
    turned = {"z": block.values, "y": block.values.transpose(1, 0, 2)}
    chosen = ["z"] if material.symmetry == "isotropic" else ["z", "y"]
    windows = {}
    for axis in chosen:
        stack = as_microstructure(turned[axis], phases=phases_of(block), ensemble=True)
        windows[axis] = cut_windows(stack, (64, 64), n=128, rng=0, disjoint=False)
    planes = windows["z"] if material.symmetry == "isotropic" else windows
    return GaussianField.from_planes(planes, symmetry=material.symmetry, periodic=False)


def made_boxes(
    make: Callable[[], MicrostructureModel | GaussianField],
    asked: dict[int, list[float]],
    shape: tuple[int, ...],
    seed: int,
    kept: Path | None,
) -> list[np.ndarray]:
    """Boxes of the compositions asked for; those in a folder are read, new ones are kept there."""
    n, *box = shape
    files = [] if kept is None else [kept / f"{k}.npy" for k in range(n)]
    done = [np.load(path) for path in itertools.takewhile(Path.exists, files)]
    if len(done) == n:
        return done
    maker = make()
    if isinstance(maker, GaussianField):
        new = iter(maker.sample(n, phase_fraction=asked, shape=box, rng=seed).values[len(done) :])
    else:
        request = GenerationRequest.resolve(
            maker.card, n, phase_fraction=asked, shape=box, rng=seed
        )
        new = (labels for labels, _ in maker.generate(request, start=len(done)))
    begun = time.process_time()
    for number, labels in enumerate(new, 1):
        done.append(labels)
        if kept is not None:
            kept.mkdir(parents=True, exist_ok=True)
            np.save(files[len(done) - 1], labels)
        seconds = (time.process_time() - begun) / number
        print(f"{kept or ''} box {len(done)} of {n}: {seconds:.1f} s of CPU a box", flush=True)
    return done


def draw(sets: dict[str, xr.DataArray], material: Material, path: Path) -> None:
    """Draw slices through the middle of four boxes of every set, normal to distinct axes."""
    rows, columns = len(material.axes), len(sets)
    figure, axes = plt.subplots(
        rows, columns, figsize=(4 * columns, 5 * rows), squeeze=False, layout="constrained"
    )
    for (row, axis), (column, (name, boxes)) in itertools.product(
        enumerate(material.axes), enumerate(sets.items())
    ):
        ax = plot.slices(boxes, count=4, columns=2, axis=axis, ax=axes[row, column])
        ax.set_title(f"{name}, normal to {axis}", loc="left", fontsize=10, pad=24)
    figure.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("material", choices=MATERIALS)
    parser.add_argument("--slices", nargs="+", help="2D model, or z=MODEL y=MODEL x=MODEL.")
    parser.add_argument("--class", dest="class_name", help="Of the 2D model.")
    parser.add_argument("--volumes", help="Model of volumes.")
    parser.add_argument("--field", action="store_true", help="The Gaussian field too.")
    parser.add_argument("--validation", action="store_true", help="In place of the test layers.")
    parser.add_argument("--edge", type=int)
    parser.add_argument("--boxes", type=int, help="The first so many real ones.")
    parser.add_argument("--seeds", type=int, default=1, help="Boxes made of every real one.")
    parser.add_argument("--transport", action="store_true")
    walk = parser.add_argument_group("in place of the calibrated walk of slices")
    walk.add_argument("--weights", type=float, nargs=2, help="One sum, and no network.")
    walk.add_argument("--level", type=float)
    walk.add_argument("--last", type=float)
    walk.add_argument("--sharpness", type=float, nargs="+")
    walk.add_argument("--evaluations", type=int)
    parser.add_argument("--keep", type=Path, help="Folder of the boxes, made but once.")
    parser.add_argument("--picture", type=Path, help="PNG of slices, one column per method.")
    add_record_option(parser)
    options = parser.parse_args()

    material = MATERIALS[options.material]
    edge = options.edge or material.edge
    block = material.block(material.validation if options.validation else material.test)
    real = boxes_of(block, edge)[: options.boxes]
    described = measured(real)
    fractions = described.phase_fraction
    asked = {int(k): fractions.sel(phase=k).values.tolist() for k in fractions.phase}
    shape, lags = (edge,) * 3, edge // 3

    makers: dict[str, Callable[[], MicrostructureModel | GaussianField]] = {}
    if options.slices:
        makers["from slices"] = lambda: volumes_of(options.slices, options)
    if options.volumes:
        makers["3D model"] = lambda: MicrostructureModel.load(options.volumes)
    if options.field:
        makers["Gaussian field"] = lambda: field_of(material)

    def boxes(name: str, make: Callable[[], MicrostructureModel | GaussianField]) -> xr.DataArray:
        stacks = []
        for seed in range(options.seeds):
            kept = options.keep / f"{name.replace(' ', '-')}-{seed}" if options.keep else None
            stacks += made_boxes(make, asked, (len(real), *shape), seed, kept)
        return as_microstructure(np.stack(stacks), phases=phases_of(real), ensemble=True)

    columns = {
        "real": figures(described, described, lags),
        "halves of the real ones differ by": halves(described, lags),
    }
    sets = {"real": real} | {name: boxes(name, make) for name, make in makers.items()}
    if options.picture:
        draw(sets, material, options.picture)
    for name in makers:
        of_made = measured(sets[name])
        columns[name] = figures(of_made, described, lags)
        met = of_made.phase_fraction.values == np.tile(fractions.values, (options.seeds, 1))
        columns[name]["share of boxes with exact counts"] = float(met.all(axis=1).mean())
    for name, column in columns.items():
        print(name, {key: float(f"{value:.4g}") for key, value in column.items()}, flush=True)
    if options.transport:
        for name, one in sets.items():
            columns[name] |= transport(one, material)
            print(name, columns[name], flush=True)
    rows = {
        name: {label: column[name] for label, column in columns.items() if name in column}
        for name in dict.fromkeys(name for column in columns.values() for name in column)
    }
    print(f"{'':44}" + "".join(f"{label[:14]:>16}" for label in columns))
    for name, row in rows.items():
        cells = (f"{row.get(label, float('nan')):16.4g}" for label in columns)
        print(f"{name:44}" + "".join(cells))
    layers = material.validation if options.validation else material.test
    notes = [
        f"{len(real)} real boxes of {edge}^3, all disjoint ones of layers {layers[0]} to "
        f"{layers[1]}, and {options.seeds} boxes of the composition of each by every method. S2 "
        f"is compared up to {lags} voxels; lengths are voxels. Halves: S2 errors, and differences "
        f"of means, between halves of the real boxes, medians over {SPLITS} ways to part them."
    ]
    if options.transport and material.flow:
        notes.append(f"Permeability along z, of every fourth part of {FLOW_EDGE}^3, voxels^2.")
    record("volumes-from-slices", options.record, rows, notes=notes)


if __name__ == "__main__":
    main()
