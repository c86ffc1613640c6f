"""Files recounted: what generating verbs say of theirs, and ``microdsd verify`` of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from microdsd.cli.output import counted
from microdsd.errors import InputError, MicrodsdError
from microdsd.io import LabelSource, iterate_samples, load_images, open_labels
from microdsd.io.export import HDF5_SUFFIXES
from microdsd.io.hdf5 import DEFAULT_GROUP
from microdsd.microstructure import intensity_totals, provenance_of
from microdsd.microstructure.labels import name_phases
from microdsd.microstructure.layout import layout_differences
from microdsd.microstructure.outside import material_phases
from microdsd.microstructure.recount import Recount, compare_counts, recount

LAYOUT = {"requested_region_counts", "known"}
"""Entries of a record that are checked voxel by voxel."""


def recounted(output: Path, samples: xr.DataArray, *, images: bool = False) -> str:
    """Count what was written: "pore 307, solid 205", of images the totals.

    What is called exact is this, never what was asked for. HDF5 is read again; of other formats,
    some of which hold no names, the labels that were handed to the writer are counted.

    Parameters
    ----------
    output : Path
        Name of the file that was just written.
    samples : DataArray
        Its content, with the request in its provenance.
    images : bool
        Whether they are images.

    Raises
    ------
    MicrodsdError
        If they are not what was requested.
    """
    record = provenance_of(samples) or {}
    if images:
        channels = recount_images(str(output), record)
        differences, low_high = channels["differences"], _channel_spans(channels)
    else:
        if output.suffix.lower() in HDF5_SUFFIXES:
            comparison, _ = recount_file(f"{output}:/{DEFAULT_GROUP}", record)
        else:
            comparison = recount(samples, record)
        differences, low_high = comparison.differences, comparison.spans()
    if differences:
        raise MicrodsdError(
            f"{output}: was recounted, and {len(differences)} counts are not as requested, the "
            f"first of them {differences[0]}; this is a fault of microdsd, please report it"
        )
    return ", ".join(
        f"{name} {low}" + (f" to {high}" if high > low else "")
        for name, (low, high) in low_high.items()
    )


def recount_file(
    file: str, record: Mapping[str, Any] | None = None
) -> tuple[Recount, dict[int, str]]:
    """Recount a file sample by sample, and name its phases by label.

    Parameters
    ----------
    file : str
        ``new.h5``, or what else `open_labels` reads.
    record : mapping, optional
        Holds the request; by default the file's provenance.

    Raises
    ------
    InputError
        If the file is only a part of what was generated.
    """
    with open_labels(file) as source:
        counts, phases = _counts(source), material_phases(source.phases)
        record = (source.provenance or {}) if record is None else record
    comparison = compare_counts(counts, record)
    differences = list(comparison.differences)
    if LAYOUT & set(record):
        for number, sample in enumerate(iterate_samples(file)):
            differences += layout_differences(sample, record, first=number)
    return replace(comparison, differences=differences), phases


def _counts(source: LabelSource) -> xr.DataArray:
    """Count the phases of every sample, dims (sample, phase), one sample after the other."""
    counts = [source.counts(sample) for sample in range(source.n_samples)]
    name_phases({label for sample_counts in counts for label in sample_counts}, source.phases)
    phases = material_phases(source.phases)
    table = [[sample_counts.get(label, 0) for label in phases] for sample_counts in counts]
    return xr.DataArray(
        np.array(table, dtype=np.int64),
        dims=("sample", "phase"),
        coords={"phase": list(phases), "phase_name": ("phase", list(phases.values()))},
    )


def _channel_spans(recounting: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    return {c["name"]: (min(c["totals"]), max(c["totals"])) for c in recounting["channels"]}


def recount_images(file: str, record: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Recount the intensity of every channel of every image, as JSON can hold it.

    Raises
    ------
    InputError
        If the file is only a part of what was generated.
    """
    images = load_images(file)
    totals = intensity_totals(images)
    record = provenance_of(images) if record is None else record
    recorded = (record or {}).get("requested_counts") or {}
    samples = totals.sizes["sample"]
    differences = []
    for name, wanted in recorded.items():
        if len(wanted) != samples:
            raise InputError(
                f"requested_counts: the file records {len(wanted)} totals of {name} for {samples} "
                "images; verify the file as it was generated, not a part of it"
            )
        channel_totals = totals.sel(channel=name).values
        differences += [
            {
                "sample": int(i),
                "channel": name,
                "requested": int(wanted[i]),
                "found": int(channel_totals[i]),
            }
            for i in np.flatnonzero(channel_totals != np.array(wanted))
        ]
    return {
        "file": file,
        "samples": samples,
        "pixels_per_sample": images.sizes["y"] * images.sizes["x"],
        "channels": [
            {
                "name": str(name),
                "totals": totals.sel(channel=name).values.tolist(),
                "requested_totals": recorded.get(str(name)),
            }
            for name in totals["channel"].values
        ],
        "differences": differences,
        "exact": not differences,
    }


def image_lines(recounting: dict[str, Any]) -> list[str]:
    """Describe recounted images in lines for people."""
    lines = [
        f"{counted(recounting['samples'], 'image')} of {recounting['pixels_per_sample']} pixels"
    ]
    for channel in recounting["channels"]:
        low, high = min(channel["totals"]), max(channel["totals"])
        span = f"{low}" if low == high else f"{low} .. {high}"
        lines.append(f"  {channel['name']}: total intensity {span}")
    if not any(channel["requested_totals"] for channel in recounting["channels"]):
        return [*lines, "the file records no request to compare with"]
    if recounting["exact"]:
        return [*lines, "exact: every total is as requested"]
    wrong = len(recounting["differences"])
    are = "is" if wrong == 1 else "are"
    lines.append(f"DIFFERENT: {counted(wrong, 'total')} {are} not as requested")
    return lines + [
        f"  image {d['sample']}, {d['channel']}: requested {d['requested']}, found {d['found']}"
        for d in recounting["differences"][:10]
    ]
