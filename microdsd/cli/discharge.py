"""``microdsd discharge``: electrodes as PyBaMM functions, and their discharge curves."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microdsd.cli.live import STDERR, note, show_progress
from microdsd.cli.options import JsonNumbers, Overwrite, PhaseNames, VoxelSize
from microdsd.cli.output import counted, print_json
from microdsd.cli.terminal import say
from microdsd.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

RATES = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
_TO_CELL = 0.1  # from A h/m^2 to mA h/cm^2


def command(
    source: Annotated[
        list[str],
        typer.Argument(
            help="Electrodes, FILE or FILE:/path; several are discharged as sets to compare.",
            metavar="FILE[:/path]",
        ),
    ],
    c_rate: Annotated[
        list[float] | None,
        typer.Option(help="C-rates, as 1 3; default: 0.1 0.2 0.5 1 2 4."),
    ] = None,
    active: Annotated[
        str | None, typer.Option(help="Phase of active material; default: by its name.")
    ] = None,
    pore: Annotated[
        str | None, typer.Option(help="Phase full of electrolyte; default: by its name.")
    ] = None,
    binder: Annotated[
        str | None, typer.Option(help="Phase of carbon and binder, if any; default: by its name.")
    ] = None,
    axis: Annotated[
        str, typer.Option(help="z, y or x, from separator to current collector.")
    ] = "z",
    layers: Annotated[
        int | None,
        typer.Option(
            help="Layers whose composition is kept through the thickness; 1 for a homogeneous "
            "electrode. Default: those that it was generated with, else 1."
        ),
    ] = None,
    layer_transport: Annotated[
        bool,
        typer.Option(
            "--layer-transport", help="Solve for diffusion in every layer, too; for --functions."
        ),
    ] = False,
    thickness: Annotated[
        str, typer.Option(help="Of the electrode, to which samples are stretched, as 100um.")
    ] = "100um",
    functions: Annotated[
        Path | None,
        typer.Option(
            help="Python file of the volume fractions as functions of depth, for PyBaMM. Given "
            "alone, nothing is discharged, and PyBaMM is not needed."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Curves as a table, .csv, or as netCDF, .nc."),
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG file for the curves.")] = None,
    labels: PhaseNames = None,
    voxel_size: VoxelSize = None,
    force: Overwrite = False,
    json: JsonNumbers = False,
) -> None:
    """Discharge electrodes in a Doyle-Fuller-Newman half cell; write them as functions of depth."""
    from microdsd.cli.parsing import lengths_of, names_of, paths_of
    from microdsd.io import ensure_writable, load_microstructures
    from microdsd.microstructure.voxels import as_voxel_size
    from microdsd.transport.discharge import require_pybamm

    only_functions = functions is not None and not (output or picture or c_rate or json)
    rates = tuple(c_rate or RATES)
    (thick,) = as_voxel_size(thickness, 1).size
    _check_outputs(functions, output, picture, source)
    if min(rates) <= 0:
        raise InputError(f"c_rate={min(rates):g}: give rates above 0")
    for path in (functions, output, picture):
        if path is not None:
            ensure_writable(path, overwrite=force, inputs=paths_of(*source))
    if not only_functions:
        require_pybamm()
    sets = {
        spec: load_microstructures(spec, phases=names_of(labels), voxel_size=lengths_of(voxel_size))
        for spec in dict.fromkeys(source)
    }
    parts = {
        spec: _parts({"active": active, "pore": pore, "binder": binder}, ms)
        for spec, ms in sets.items()
    }
    with show_progress():
        profiles, measured = _measured(sets, parts, axis, layers, layer_transport)
        if functions is not None:
            _write_functions(functions, profiles, measured, thick, force)
        if only_functions:
            return
        from microdsd.transport import rate_capability

        discharges = {
            spec: rate_capability(measured[spec], profiles[spec], rates=rates, thickness=thick)
            for spec in sets
        }
    names = _short_names(list(sets))
    if output is not None:
        _write_curves(output, {names[spec]: curves for spec, curves in discharges.items()}, force)
    if picture is not None:
        from microdsd.io import atomic_write
        from microdsd.report.pictures.discharge_picture import discharge_picture
        from microdsd.report.pictures.style import figure_png

        drawn = discharge_picture({names[spec]: curves for spec, curves in discharges.items()})
        with atomic_write(picture, overwrite=force) as temporary:
            temporary.write_bytes(figure_png(drawn))
    if json:
        print_json([_document(s, profiles[s], measured[s], discharges[s]) for s in sets])
    else:
        for spec in sets:
            _say_set(spec, profiles[spec], measured[spec], discharges[spec])
    written = [str(path) for path in (output, picture) if path is not None]
    if written:
        STDERR.print(f"{', '.join(written)} written", soft_wrap=True)


def _check_outputs(
    functions: Path | None, output: Path | None, picture: Path | None, source: list[str]
) -> None:
    for path, name, suffixes in (
        (functions, "functions", (".py",)),
        (output, "output", (".csv", ".nc")),
        (picture, "picture", (".png",)),
    ):
        if path is not None and path.suffix.lower() not in suffixes:
            raise InputError(f"{name}: {path} does not end in {' or '.join(suffixes)}; name it so")
    several = len(dict.fromkeys(source)) > 1
    if functions is not None and several:
        raise InputError("functions: are those of one set; give one file")
    if functions is not None and not functions.stem.isidentifier():
        raise InputError(f"functions: {functions.stem!r} is no name of a Python module; rename it")
    if output is not None and several and output.suffix.lower() != ".csv":
        raise InputError(f"output: {output}: netCDF holds one set; name a .csv for several")


def _parts(named: Mapping[str, str | None], ms: xr.DataArray) -> dict[str, int | str | None]:
    """Return the phase of every part: the one that is named, or whose name says what it is."""
    from microdsd.cli.parsing import phases_of as labels_or_names
    from microdsd.microstructure import phases_of
    from microdsd.microstructure.labels import named_pores

    phases = phases_of(ms)
    parts: dict[str, int | str | None] = {
        part: (labels_or_names([name]) or [name])[0] if name else None
        for part, name in named.items()
    }
    pores = named_pores(phases)
    if parts["pore"] is None and len(pores) == 1:
        parts["pore"] = pores[0]
    for part, words in (("active", ("active", "nmc", "lfp", "graphite")), ("binder", ("binder",))):
        matching = [k for k, name in phases.items() if any(word in name.lower() for word in words)]
        if parts[part] is None and len(matching) == 1:
            parts[part] = matching[0]
    for part in ("pore", "active"):
        if parts[part] is None:
            raise InputError(
                f"{part}: none of the phases {', '.join(phases.values())} says by its name that it "
                f"is that; name it with --{part}"
            )
    return parts


def _measured(
    sets: Mapping[str, xr.DataArray],
    parts: Mapping[str, dict[str, Any]],
    axis: str,
    layers: int | None,
    transport: bool,
) -> tuple[dict[str, xr.Dataset], dict[str, xr.Dataset]]:
    from microdsd.transport import electrode_parameters
    from microdsd.transport.electrode_profiles import electrode_profiles

    profiles = {
        spec: electrode_profiles(ms, **parts[spec], axis=axis, layers=layers, transport=transport)
        for spec, ms in sets.items()
    }
    measured = {
        spec: electrode_parameters(ms, **parts[spec], axis=axis) for spec, ms in sets.items()
    }
    for spec, electrode in measured.items():
        missed = int((~electrode.converged).sum())
        if missed:
            note(f"{spec}: transport through {missed} samples did not converge")
    return profiles, measured


def _write_functions(
    path: Path,
    profiles: Mapping[str, xr.Dataset],
    measured: Mapping[str, xr.Dataset],
    thickness: float,
    force: bool,
) -> None:
    from microdsd.io import atomic_write
    from microdsd.transport.electrode_functions import electrode_functions

    (spec,) = profiles
    text = electrode_functions(
        profiles[spec], measured[spec], thickness=thickness, source=spec, module=path.stem
    )
    with atomic_write(path, overwrite=force) as temporary:
        temporary.write_text(text, encoding="utf-8")
    layers, samples = profiles[spec].sizes["layer"], profiles[spec].sizes["sample"]
    STDERR.print(
        f"{path} written: {counted(samples, 'electrode')} of {counted(layers, 'layer')}, "
        "counts of every layer exact",
        soft_wrap=True,
    )


def _write_curves(path: Path, sets: Mapping[str, xr.Dataset], force: bool) -> None:
    from microdsd.io import atomic_write

    with atomic_write(path, overwrite=force) as temporary:
        if path.suffix.lower() == ".csv":
            temporary.write_text(_table(sets), encoding="utf-8")
        else:
            (curves,) = sets.values()
            curves.to_netcdf(temporary, engine="h5netcdf")


def _table(sets: Mapping[str, xr.Dataset]) -> str:
    """Return one line for every point of every curve."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["set", "sample", "c_rate_per_h", "discharged_Ah_per_m2", "voltage_V"])
    for name, curves in sets.items():
        for i in range(curves.sizes["sample"]):
            for k, rate in enumerate(curves["rate"].values):
                points = zip(
                    curves.discharged.values[i, k], curves.voltage.values[i, k], strict=True
                )
                writer.writerows(
                    [name, i, f"{rate:g}", f"{charge:.6g}", f"{voltage:.6g}"]
                    for charge, voltage in points
                )
    return text.getvalue()


def _short_names(specs: list[str]) -> dict[str, str]:
    """Name sets by their files, where those differ."""
    from microdsd.io import split_spec

    stems = {spec: split_spec(spec)[0].stem for spec in specs}
    return stems if len({*stems.values()}) == len(stems) else {spec: spec for spec in specs}


def _document(
    spec: str, profiles: xr.Dataset, measured: xr.Dataset, curves: xr.Dataset
) -> dict[str, Any]:
    return {
        "source": spec,
        "layers": profiles.sizes["layer"],
        "porosity": profiles.porosity.values.tolist(),
        "active_fraction": profiles.active_fraction.values.tolist(),
        "binder_fraction": profiles.binder_fraction.values.tolist(),
        **{
            name: measured[name].values.tolist()
            for name in ("tortuosity_factor", "particle_radius", "electronic_conductivity")
        },
        "c_rates": curves["rate"].values.tolist(),
        "capacity_Ah_per_m2": curves.capacity.values.tolist(),
        "equilibrium_capacity_Ah_per_m2": curves.equilibrium_capacity.values.tolist(),
        "converged": curves.converged.values.tolist(),
    }


def _say_set(spec: str, profiles: xr.Dataset, measured: xr.Dataset, curves: xr.Dataset) -> None:
    import numpy as np

    samples, layers = profiles.sizes["sample"], profiles.sizes["layer"]
    graded = f"{layers} layers" if layers > 1 else "homogeneous"
    say(
        f"{spec}: {counted(samples, 'electrode')}, {graded}; porosity "
        f"{float(measured.porosity.mean()):.4f}, active material "
        f"{float(measured.active_fraction.mean()):.4f}, tortuosity factor "
        f"{float(measured.tortuosity_factor.mean()):.3g}"
    )
    for rate, values in zip(curves["rate"].values, curves.capacity.values.T, strict=True):
        known = values[np.isfinite(values)] * _TO_CELL
        if not len(known):
            say(f"  {rate:g} C: not solved")
            continue
        spread = f" +- {known.std(ddof=1):.2g}" if len(known) > 1 else ""
        say(f"  {rate:g} C: {known.mean():.3f}{spread} mA h/cm^2")
    failed = int((~curves.converged).sum())
    if failed:
        note(f"{spec}: {failed} of {curves.converged.size} discharges did not converge")
