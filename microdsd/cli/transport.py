"""``microdsd transport``: diffusivity, permeability, conductivity, stiffness."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microdsd.cli.live import STDERR, progress_bar
from microdsd.cli.output import print_json
from microdsd.cli.parsing import names_of, numbers_of, region_of
from microdsd.errors import InputError
from microdsd.io import ensure_writable, open_labels

if TYPE_CHECKING:
    import xarray as xr


def command(
    source: Annotated[
        str, typer.Argument(help="Labels: scan.h5:/path, or a TIFF or npy file.", metavar="SOURCE")
    ],
    property_: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            help="diffusivity (the default), permeability, conductivity or stiffness; repeat for "
            "several.",
        ),
    ] = None,
    phase: Annotated[
        list[str] | None,
        typer.Option(help="Phases in which matter diffuses or flows; default: all."),
    ] = None,
    axis: Annotated[
        list[str] | None, typer.Option(help="z, y or x; repeat for several; default: all.")
    ] = None,
    conductivity: Annotated[
        list[str] | None,
        typer.Option(help="Of every phase, as pore=0.6 solid=3; the result is in the same unit."),
    ] = None,
    young: Annotated[
        list[str] | None, typer.Option(help="Young's modulus of every phase, as pore=0 solid=95e9.")
    ] = None,
    poisson: Annotated[
        list[str] | None, typer.Option(help="Poisson ratio of every phase that has a modulus.")
    ] = None,
    sides: Annotated[
        str, typer.Option(help="Sides parallel to diffusion: no-flux or periodic.")
    ] = "no-flux",
    solver: Annotated[
        str, typer.Option(help="Of diffusion: finite-volume, or taufactor (single precision).")
    ] = "finite-volume",
    crop: Annotated[
        list[str] | None, typer.Option(help="Part of the scan to use, e.g. z=0:260.")
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(help="Phase names where the file has none, as 0=pore 255=solid."),
    ] = None,
    voxel_size: Annotated[
        list[float] | None, typer.Option(help="In metres, where the file does not say.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; default: a GPU.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="netCDF file to write.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Solve for transport through every sample; print it, or write all of it as netCDF."""
    if output is not None:
        ensure_writable(output, overwrite=force)
    moduli = _moduli(young, poisson)
    with open_labels(
        source, phases=names_of(labels), voxel_size=voxel_size, region=region_of(crop)
    ) as opened:
        samples = opened.load()

    from microdsd.transport import describe_transport

    with progress_bar() as bar:
        task = bar.add_task("solving", total=None)
        found = describe_transport(
            samples,
            properties=property_ or ["diffusivity"],  # type: ignore[arg-type]
            phases=[int(word) if word.isdecimal() else word for word in phase] if phase else None,
            axes=axis or None,
            conductivity=numbers_of(conductivity, "conductivity"),
            moduli=moduli,
            sides=sides,  # type: ignore[arg-type]
            solver=solver,  # type: ignore[arg-type]
            device=device,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if output is not None:
        _write(found, output, force)
    if json:
        print_json({"source": source, "output": output and str(output), **_document(found)})
        return
    for line in _lines(found):
        typer.echo(line)
    for name, converged in found.data_vars.items():
        if str(name).endswith("_converged") and not converged.all():
            missed = int((~converged).sum())
            STDERR.print(f"note: {missed} of {converged.size} solutions of {name} did not converge")
    if output is not None:
        STDERR.print(f"{output} written")


def _moduli(
    young: list[str] | None, poisson: list[str] | None
) -> dict[int | str, tuple[float, float]] | None:
    """Young's modulus and Poisson ratio of each phase; the ratio of a pore does not matter."""
    if not young:
        return None
    ratios = numbers_of(poisson, "poisson") or {}
    modulus = numbers_of(young, "young") or {}
    missing = [phase for phase, value in modulus.items() if value and phase not in ratios]
    if missing:
        raise InputError(f"poisson: give a Poisson ratio for {missing}, as {missing[0]}=0.2")
    return {phase: (value, ratios.get(phase, 0.0)) for phase, value in modulus.items()}


def _write(found: xr.Dataset, output: Path, force: bool) -> None:
    from microdsd.io import atomic_write

    with atomic_write(output, overwrite=force) as temporary:
        found.to_netcdf(temporary, engine="h5netcdf")


def _document(found: xr.Dataset) -> dict[str, Any]:
    """The Dataset as JSON knows it; what is infinite or does not exist is null."""
    import numpy as np

    document: dict[str, Any] = found.to_dict(data=False)
    for part in ("coords", "data_vars"):
        for name, entry in document[part].items():
            values = found[name].values
            if values.dtype.kind == "f":
                values = np.where(np.isfinite(values), values, None)
            document[part][name] = {
                "dims": list(entry["dims"]),
                "units": entry["attrs"].get("units"),
                "values": values.tolist(),
            }
    return {**document["attrs"], "coords": document["coords"], "data": document["data_vars"]}


def _lines(found: xr.Dataset) -> list[str]:
    """One line per result: of several samples the mean and the extremes."""
    lines = []
    if "relative_diffusivity" in found:
        lines += [
            f"{found.phase_name[p].item()}, {axis}: "
            f"relative diffusivity {_spread(found.relative_diffusivity[:, p, a])}, "
            f"tortuosity factor {_spread(found.tortuosity_factor[:, p, a])}"
            for p in range(found.sizes["phase"])
            for a, axis in enumerate(found.axis.values)
        ]
    if "permeability" in found:
        unit = found.permeability.attrs.get("units", "")
        lines += [
            f"{found.phase_name[p].item()}, {axis}: "
            f"permeability {_spread(found.permeability[:, p, a])} {unit}".rstrip()
            for p in range(found.sizes["phase"])
            for a, axis in enumerate(found.axis.values)
        ]
    if "conductivity" in found:
        lines += [
            f"conductivity, {axis}: {_spread(found.conductivity[:, a, a])}"
            for a, axis in enumerate(found.flux.values)
        ]
    lines += [
        f"{name.replace('_', ' ')}: {_spread(found[name])}"
        for name in ("young_modulus", "poisson_ratio", "bulk_modulus", "shear_modulus")
        if name in found
    ]
    return lines


def _spread(values: xr.DataArray) -> str:
    middle = f"{float(values.mean()):.4g}"
    if values.size == 1:
        return middle
    return f"{middle} ({float(values.min()):.4g} to {float(values.max()):.4g})"
