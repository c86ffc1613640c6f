"""What ``microdsd export`` does where the output is a mesh."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import xarray as xr

from microdsd.cli.live import STDERR
from microdsd.cli.output import print_json
from microdsd.cli.parsing import phases_of
from microdsd.errors import InputError
from microdsd.meshes import MESH_SUFFIXES, ensure_meshes_writable, save_meshes
from microdsd.meshes.surface import SMOOTHING, volume_record


def is_mesh(output: Path) -> bool:
    """Return whether the name of the output asks for a mesh."""
    return output.suffix.lower() in MESH_SUFFIXES


def refuse_mesh_options(output: Path, **options: object) -> None:
    """Refuse options that other outputs have no use for.

    Raises
    ------
    InputError
    """
    for name, value in options.items():
        if value not in (None, True, []):
            raise InputError(
                f"{name}: {output} is no mesh; leave the option out, or write one of "
                f"{', '.join(MESH_SUFFIXES)}"
            )


def export_meshes(
    output: Path,
    ms: xr.DataArray,
    *,
    inputs: Iterable[str | Path],
    phase: Sequence[str] | None,
    smoothing: int | None,
    caps: bool,
    unit: str | None,
    overwrite: bool,
    json: bool,
) -> None:
    """Write meshes of one sample; print what they hold and what became of the volumes."""
    if "sample" in ms.dims and ms.sizes["sample"] == 1:
        ms = ms.isel(sample=0)
    if "sample" in ms.dims:
        raise InputError(f"sample: {ms.sizes['sample']} samples; name one for a mesh, --sample 0")
    if smoothing is not None and output.suffix.lower() in (".inp", ".vtu"):
        raise InputError(f"smoothing: elements of {output} are voxels; leave it out")
    phases = phases_of(phase)
    ensure_meshes_writable(output, ms, phases, overwrite=overwrite, inputs=inputs)
    written = save_meshes(
        output,
        ms,
        phases,
        smoothing=SMOOTHING if smoothing is None else smoothing,
        caps=caps,
        unit=unit,
        overwrite=overwrite,
    )
    if json:
        print_json(
            [
                {
                    "file": str(mesh.path),
                    **mesh.counts,
                    "unit": mesh.unit,
                    **({"volumes": volume_record(mesh.volumes, mesh.unit)} if mesh.volumes else {}),
                }
                for mesh in written
            ]
        )
        return
    for mesh in written:
        counts = ", ".join(f"{number} {name}" for name, number in mesh.counts.items())
        what = counts if mesh.volumes else f"elements: {counts}"
        STDERR.print(f"{mesh.path}: {what}, lengths in {mesh.unit}", soft_wrap=True)
        for volume in mesh.volumes:
            STDERR.print(f"  {volume.sentence(mesh.unit)}", soft_wrap=True)
