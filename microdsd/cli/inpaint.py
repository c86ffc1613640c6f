"""``microdsd inpaint``: complete a scan that is known in part, without touching what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from microdsd.cli.options import (
    Device,
    Evaluations,
    FileSpec,
    Guidance,
    JsonSummary,
    ModelFile,
    NamesOfKnown,
    NetworkPrecision,
    OutputSamples,
    OverwriteAndExtrapolate,
    Particles,
    SeedOfSamples,
    SlicesByAxis,
    TargetValues,
)
from microdsd.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


def command(
    model: ModelFile,
    scan: FileSpec,
    output: OutputSamples,
    region: Annotated[
        list[str] | None, typer.Option(help="Part of the scan to work on, as z=0:64 y=0:64.")
    ] = None,
    sample: Annotated[int, typer.Option(help="Which microstructure of an ensemble.")] = 0,
    labels: NamesOfKnown = None,
    hole: Annotated[
        list[str] | None, typer.Option(help="Box to make anew, as y=16:48 x=16:48.")
    ] = None,
    mask: Annotated[
        str | None, typer.Option(help="FILE or FILE:/path: make anew where it is not 0.")
    ] = None,
    damaged: Annotated[
        int | None, typer.Option(help="Label that marks voxels to make anew.")
    ] = None,
    every: Annotated[
        int | None, typer.Option(help="Keep every n-th slice normal to the first axis alone.")
    ] = None,
    grow: Annotated[
        list[int] | None,
        typer.Option(help="Voxels per axis of a larger box; the scan goes in its middle."),
    ] = None,
    fraction: Annotated[
        list[str] | None,
        typer.Option(
            help="Of the whole box, known part included, as pore=0.22. Default: as in the known "
            "part."
        ),
    ] = None,
    walls: Annotated[
        bool,
        typer.Option(
            "--walls",
            help="No-flux walls around the unknown part, a box; what is known stands still.",
        ),
    ] = False,
    slices: SlicesByAxis = None,
    target: TargetValues = None,
    particles: Particles = 1,
    guidance: Guidance = 1.0,
    number: Annotated[int, typer.Option("-n", "--number", help="Completions.")] = 1,
    evaluations: Evaluations = None,
    seed: SeedOfSamples = 0,
    device: Device = None,
    precision: NetworkPrecision = "auto",
    force: OverwriteAndExtrapolate = False,
    json: JsonSummary = False,
) -> None:
    """Complete a scan: damaged places, a larger box, or the volume between slices.

    Say what is unknown by exactly one of --hole, --mask, --damaged, --every and --grow.
    """
    ways = {"hole": hole, "mask": mask, "damaged": damaged, "every": every, "grow": grow}
    given = [f"--{name}" for name, value in ways.items() if value is not None]
    if len(given) != 1:
        raise InputError(
            f"{' '.join(given) or 'unknown part'}: give exactly one of "
            + ", ".join(f"--{name}" for name in ways)
        )

    import numpy as np

    from microdsd.cli.parsing import (
        chosen_sample,
        names_of,
        paths_of,
        region_of,
        requested_fractions_of,
        slices_of,
    )
    from microdsd.io import check_format, load_microstructures
    from microdsd.microstructure.canvas import between_slices, place_in

    check_format(output)
    names = names_of(labels)
    material = chosen_sample(load_microstructures(scan, phases=names), sample)
    kept = region_of(region)
    material = _part(material, kept, "region")
    stored: np.ndarray = material.values
    if grow is not None:
        stored, unknown = place_in(stored, grow)
    elif every is not None:
        unknown = between_slices(stored.shape, every)
    elif damaged is not None:
        unknown = stored == damaged
        if not unknown.any():
            raise InputError(
                f"damaged={damaged}: no voxel has that label, only {np.unique(stored).tolist()}"
            )
    elif mask is not None:
        unknown = _mask(mask, material.shape, kept)
    else:
        unknown = _box(material, hole or [])

    from microdsd.cli.outcome import deliver
    from microdsd.cli.targets import steering
    from microdsd.cli.unfinished import unfinished_samples
    from microdsd.generation.regional import inpainting_request
    from microdsd.generation.volumes import model_for
    from microdsd.microstructure import phases_of
    from microdsd.microstructure.phases import labels_by_name

    cuts = slices_of(slices)

    with unfinished_samples(output, force=force) as unfinished:
        unfinished.check_outputs(number, paths_of(model, scan, mask, *cuts.values()))
        loaded = model_for(model, stored.ndim, cuts, device, precision)
        kept_as_is = labels_by_name(
            stored[~unknown], phases_of(material), loaded.card.phases, required=names is not None
        )
        known = np.zeros(stored.shape, kept_as_is.dtype)
        known[~unknown] = kept_as_is
        request = inpainting_request(
            loaded.card,
            number,
            known,
            unknown,
            phase_fraction=requested_fractions_of(fraction),
            walls=walls,
            evaluations=evaluations,
            rng=seed,
            **steering(target, particles, guidance, force=force),
        )
        deliver(loaded, request, unfinished, output, json=json)


def _part(material: xr.DataArray, ranges: dict[str, slice], argument: str) -> xr.DataArray:
    """Return ranges of a microstructure, checked."""
    for dim, span in ranges.items():
        if dim not in material.dims:
            raise InputError(f"{argument}: there is no axis {dim}; the axes are {material.dims}")
        start, stop, _ = span.indices(material.sizes[dim])
        if stop <= start:
            raise InputError(
                f"{argument}: {dim} from {span.start} to {span.stop} is empty; give a range "
                f"inside 0:{material.sizes[dim]}"
            )
    return material.isel(ranges)


def _mask(spec: str, shape: tuple[int, ...], kept: dict[str, slice]) -> np.ndarray:
    """Mask from a file: of the part of the scan, or of the whole of it, cut as the scan is."""
    from microdsd.io import load_microstructures

    mask = load_microstructures(spec)
    if mask.shape != shape:
        mask = _part(mask, kept, "region")
    if mask.shape != shape:
        raise InputError(f"mask={spec}: its shape is {mask.shape}, that of the material {shape}")
    unknown: np.ndarray = mask.values != 0
    return unknown


def _box(material: xr.DataArray, words: list[str]) -> np.ndarray:
    import numpy as np

    from microdsd.cli.parsing import region_of

    ranges = region_of(words, "hole")
    _part(material, ranges, "hole")
    unknown = np.zeros(material.shape, dtype=bool)
    unknown[tuple(ranges.get(str(dim), slice(None)) for dim in material.dims)] = True
    return unknown
