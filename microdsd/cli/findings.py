"""What describe and transport have measured, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr
    from rich.table import Table


def description_tables(described: xr.Dataset) -> Iterator[Table]:
    """Yield numbers of every phase, then of pairs and of all phases.

    Of ensembles, the tables hold mean and spread.
    """
    n = described.sizes.get("sample", 1)
    spread = f", mean ± standard deviation of {n} samples" if n > 1 else ""
    boundary = "periodic" if described.attrs["periodic"] else "not periodic"
    numbers = [
        variable
        for variable in described.data_vars.values()
        if set(variable.dims) <= {"sample", "phase", "pair", "axis"}
    ]
    of_phases = [variable for variable in numbers if "phase" in variable.dims]
    of_others = [variable for variable in numbers if "phase" not in variable.dims]
    if of_phases:
        names = [str(name) for name in described["phase_name"].values]
        yield _table(f"{boundary}{spread}", names, of_phases)
    if of_others:
        yield _table("between phases", [""], of_others)


def description_document(described: xr.Dataset) -> dict[str, Any]:
    """Return all numbers as JSON can hold them; what is infinite or does not exist is null."""
    document: dict[str, Any] = _finite(described.to_dict())
    return document


def _table(title: str, columns: list[str], variables: list[xr.DataArray]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("descriptor", no_wrap=True)
    table.add_column("unit", style="dim", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for variable in variables:
        title = str(variable.attrs["long_name"])
        unit = str(variable.attrs["units"])
        part = next((dim for dim in ("axis", "pair") if dim in variable.dims), None)
        for i in range(variable.sizes[part] if part else 1):
            row = variable.isel({part: i}) if part else variable
            name = f"{title}, {row[part].item()}" if part else title
            cells = row.transpose("phase", "sample") if "phase" in row.dims else [row]
            table.add_row(name, unit if unit != "1" else "", *map(_number, cells))
    return table


def _number(values: xr.DataArray) -> str:
    """Return the mean over the samples, and their standard deviation."""
    if values.dtype == bool and values.size == 1:
        return "yes" if values.item() else "no"
    known = values.astype(float).dropna("sample")
    if not known.size:
        return "-"
    mean = f"{float(known.mean()):.4g}"
    return mean if values.size == 1 else f"{mean} ± {float(known.std()):.2g}"


def transport_document(results: xr.Dataset) -> dict[str, Any]:
    """Return the Dataset as JSON can hold it; what is infinite or does not exist is null."""
    document: dict[str, Any] = results.to_dict(data=False)
    for part in ("coords", "data_vars"):
        for name, entry in document[part].items():
            document[part][name] = {
                "dims": list(entry["dims"]),
                "units": entry["attrs"].get("units"),
                "values": _finite(results[name].values.tolist()),
            }
    return {**document["attrs"], "coords": document["coords"], "data": document["data_vars"]}


def transport_lines(results: xr.Dataset) -> list[str]:
    """Return one line per result: of several samples the mean and the extremes."""
    lines = []
    if "relative_diffusivity" in results:
        lines += [
            f"{results.phase_name[p].item()}, {axis}: "
            f"relative diffusivity {_spread(results.relative_diffusivity[:, p, a])}, "
            f"tortuosity factor {_spread(results.tortuosity_factor[:, p, a])}"
            for p in range(results.sizes["phase"])
            for a, axis in enumerate(results.axis.values)
        ]
    if "permeability" in results:
        unit = results.permeability.attrs.get("units", "")
        lines += [
            f"{results.phase_name[p].item()}, {axis}: "
            f"permeability {_spread(results.permeability[:, p, a])} {unit}".rstrip()
            + f", pores {_spread(results.pore_width[:, p, a])} voxels wide"
            for p in range(results.sizes["phase"])
            for a, axis in enumerate(results.axis.values)
        ]
        if caution := results.attrs.get("permeability_caution"):
            lines.append(f"caution: {caution}")
    if "conductivity" in results:
        lines += [
            f"conductivity, {axis}: {_spread(results.conductivity[:, a, a])}"
            for a, axis in enumerate(results.flux.values)
        ]
    lines += [
        f"{name.replace('_', ' ')}: {_spread(results[name])}"
        for name in ("young_modulus", "poisson_ratio", "bulk_modulus", "shear_modulus")
        if name in results
    ]
    return lines


def _spread(values: xr.DataArray) -> str:
    middle = f"{float(values.mean()):.4g}"
    if values.size == 1:
        return middle
    return f"{middle} ({float(values.min()):.4g} to {float(values.max()):.4g})"


def _finite(value: Any) -> Any:
    """Replace numbers that are not finite, which JSON cannot hold, by null."""
    if isinstance(value, dict):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return None
    return value
