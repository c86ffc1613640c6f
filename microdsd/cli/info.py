"""`microdsd info`: what a file holds, the models that ship, the data sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from microdsd.cli.options import JsonDocument
from microdsd.cli.output import exponents, print_json
from microdsd.cli.terminal import say
from microdsd.errors import DataFileError, InputError
from microdsd.io import (
    ArrayInfo,
    is_volume,
    links_to_other_files,
    list_microstructures,
    read_volume,
    split_spec,
)
from microdsd.microstructure import label_counts
from microdsd.microstructure.labels import MAX_UNNAMED_PHASES
from microdsd.microstructure.voxels import as_voxel_size

MODEL_SUFFIX = ".model"


def command(
    file: Annotated[
        str | None, typer.Argument(help="FILE or FILE:/path", metavar="FILE[:/path]")
    ] = None,
    models: Annotated[bool, typer.Option("--models", help="List the models that ship.")] = False,
    datasets: Annotated[bool, typer.Option("--datasets", help="List the known data sets.")] = False,
    external: Annotated[
        bool, typer.Option("--external", help="Follow links of an HDF5 file into other files.")
    ] = False,
    json: JsonDocument = False,
) -> None:
    """Show the label arrays of a file, a model, the models that ship, or the known data sets."""
    if (file is not None) + models + datasets != 1:
        raise InputError("info: give a file, --models or --datasets, and one of them only")
    if models:
        from microdsd.models import list_models

        _print([info.to_dict() for info in list_models()], _show_brief, json)
    elif datasets:
        from microdsd.datasets import list_datasets

        _print([asdict(info) for info in list_datasets()], _show_dataset, json)
    elif _is_model(str(file)):
        from microdsd.cli.training_words import what_is_left
        from microdsd.models import model_info

        info = model_info(str(file))
        left = what_is_left(info.convergence, str(file))
        _print([info.to_dict()], lambda model: _show_model(model, left), json)
    else:
        _print([_array(info) for info in _arrays(str(file), external)], _show_array, json)


def _is_model(name: str) -> bool:
    from microdsd.models import shipped_models

    return name.endswith(MODEL_SUFFIX) or (name in shipped_models() and not Path(name).exists())


def _print(listing: list[Any], show: Callable[[dict[str, Any]], str], json: bool) -> None:
    if json:
        print_json(listing)
    else:
        for item in listing:
            say(show(item))


def _arrays(spec: str, external: bool) -> list[ArrayInfo]:
    path, inner = split_spec(spec)
    if is_volume(spec):
        return [_volume(spec)]
    arrays = list_microstructures(path, external=external)
    for link, target in ({} if external else links_to_other_files(path)).items():
        say(f"not followed: {link}, a link to {target} (--external)", err=True)
    chosen = [info for info in arrays if inner is None or f"{info.path}/".startswith(f"{inner}/")]
    if not chosen:
        listing = ", ".join(info.path for info in arrays) or "none"
        raise DataFileError(f"{spec}: no integer array there; integer arrays in it: {listing}")
    return chosen


def _volume(spec: str) -> ArrayInfo:
    volume = read_volume(spec)
    notes = list(volume.notes)
    counts = {} if volume.array.dtype.kind == "f" else label_counts(volume.array)
    if not 1 <= len(counts) <= MAX_UNNAMED_PHASES:
        notes.append("greyscale or grain numbers, not phases: segment it first")
        counts = {}
    total = sum(counts.values())
    size = volume.voxel_size
    return ArrayInfo(
        path="",
        kind="plain",
        n_samples=None,
        shape=volume.array.shape,
        dtype=str(volume.array.dtype),
        labels=tuple(counts),
        fractions=tuple(number / total for number in counts.values()),
        phases=volume.phases,
        voxel_size=None if size is None else as_voxel_size(size, len(size)),
        note="; ".join(notes),
    )


def _array(info: ArrayInfo) -> dict[str, Any]:
    record = asdict(info)
    record["voxel_size"] = list(info.voxel_size.size) if info.voxel_size else None
    record["unit"] = info.voxel_size.unit if info.voxel_size else None
    return record


def _show_array(array: dict[str, Any]) -> str:
    if array["problem"]:
        return f"{array['path']}  cannot be read\n  {array['problem']}"
    shape = " x ".join(map(str, array["shape"]))
    samples = f"{array['n_samples']} samples of " if array["n_samples"] is not None else ""
    lines = [
        f"{array['path'] or 'image'}  ({array['kind']})",
        f"  {samples}{shape} {array['dtype']}",
    ]
    if array["voxel_size"]:
        size = " x ".join(f"{edge:g}" for edge in array["voxel_size"])
        lines.append(f"  voxel size {size} {array['unit']}")
    else:
        lines.append("  voxel size not stated")
    names = array["phases"] or {}
    lines += [
        f"  label {label}{f' = {names[label]}' if label in names else ''}: fraction {fraction:.4f}"
        for label, fraction in zip(array["labels"], array["fractions"], strict=True)
    ]
    return "\n".join(lines + ([f"  {array['note']}"] if array["note"] else []))


def _show_brief(model: dict[str, Any]) -> str:
    """Say in a few lines what a model makes, from what, and how well."""
    name = f"{model['name']}  ({model['ndim']}D, {model['file_size'] / 1e6:.1f} MB)"
    window = " x ".join(map(str, model["window"]))
    phases = [
        f"{phase} {'{:.3g} to {:.3g}'.format(*model['fraction_range'][phase])}"
        if phase in model["fraction_range"]
        else phase
        for phase in model["phases"]
    ]
    facts = {
        "material": model["material"],
        "trained on": ", ".join(phases),
        "window": f"{window} voxels; {_voxel(model)}",
        "quality": model["quality"],
        "evaluations": f"{model['evaluations']}; walks for "
        + ", ".join(str(walk["evaluations"]) for walk in model["walks"]),
    }
    return "\n".join([name, *(f"  {key:<12} {value}" for key, value in facts.items() if value)])


def _voxel(model: dict[str, Any]) -> str:
    """Say how large the voxels are."""
    if model["unit"] != "m":
        return "voxel size not stated"
    size = [f"{edge:g}" for edge in model["voxel_size"]]
    return f"voxel size {size[0] if len(set(size)) == 1 else ' x '.join(size)} m"


def _show_model(model: dict[str, Any], left: list[str]) -> str:
    """Say what a model is, and what is left to learn for it."""
    lines = [f"{model['name']}  ({model['ndim']}D)"]
    for phase in model["phases"]:
        bounds = model["fraction_range"].get(phase)
        span = f": trained on fractions {bounds[0]:.3f} to {bounds[1]:.3f}" if bounds else ""
        lines.append(f"  {phase}{span}{_of_scan(model, phase)}")
    window = " x ".join(map(str, model["window"]))
    size = " x ".join(f"{edge:g}" for edge in model["voxel_size"])
    lines += [
        f"  windows of {window}, voxel size {size} {model['unit']}, symmetry {model['symmetry']}",
        *([f"  conditioned on {', '.join(model['conditions'])}"] if model["conditions"] else []),
        *_lattices(model),
        *_volumes(model),
        f"  {model['evaluations']} evaluations unless asked otherwise; calibrated for",
        *(
            f"    {walk['evaluations']} evaluations from noise level {walk['first']:.3g} to "
            f"{walk['last']:.3g} voxels, sharpness {exponents(walk['sharpness'])}"
            for walk in model["walks"]
        ),
        *(["  walkers start with the power spectrum of the material"] if model["spectral"] else []),
        *_last_draw(model),
        f"  trained on {model['data']}, {model['steps']} steps in {model['minutes']} min",
    ]
    if start := model["start"]:
        lines.append(
            f"  from the weights of {start['digest']}: {start.get('data')}, "
            f"{start.get('steps')} steps in {start.get('minutes')} min"
        )
    return "\n".join(lines + [f"  {line}" for line in left])


def _of_scan(model: dict[str, Any], phase: str) -> str:
    """Say how accurately the training scan knows a fraction."""
    known = {
        name: "{:.4f} +- {:.4f}".format(*of_class[phase])
        for name, of_class in model["scan_fractions"].items()
        if phase in of_class
    }
    return "".join(
        f"; of the scan{f' of {name}' if name else ''} {words}" for name, words in known.items()
    )


def _last_draw(model: dict[str, Any]) -> list[str]:
    """Say that phases are drawn in passes, and by what, where they are."""
    passes, record = max(walk["passes"] for walk in model["walks"]), model["last_draw"]
    if not passes or record is None:
        return []
    return [
        f"  at the end phases are drawn in {passes} passes, each given those drawn before, by a "
        f"network trained {record['steps']} steps in {record['minutes']} min"
    ]


def _lattices(model: dict[str, Any]) -> list[str]:
    """Say which lattices a walk visits, where there are several."""
    blocks = [
        f"blocks of {2 ** (octave + 1)} above {level:g}"
        for octave, level in enumerate(model["octaves"])
    ]
    return [f"  walks on voxels, {', '.join(blocks)} voxels of noise"] if blocks else []


def _volumes(model: dict[str, Any]) -> list[str]:
    """Say how volumes are made of slices, where the model was trained for that."""
    walk = model["volumes"]
    if walk is None:
        return []
    fine, coarse = walk["reading"]["weights"]
    return [
        f"  trained for volumes: {walk['evaluations']} evaluations from noise level "
        f"{walk['first']:.3g} to {walk['last']:.3g} voxels, slices weighed {fine:.2f} below 1 "
        f"voxel of noise and {coarse:.2f} above 8"
    ]


def _show_dataset(entry: dict[str, Any]) -> str:
    shape = " x ".join(map(str, entry["shape"]))
    phases = ", ".join(
        f"{name} {entry['fractions'][label]:.4f}" for label, name in entry["labels"].items()
    )
    return (
        f"{entry['name']}\n  {entry['title']}\n  {shape}; {phases}\n  licence: {entry['licence']}"
    )
