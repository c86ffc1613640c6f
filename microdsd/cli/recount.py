"""What ``microdsd verify`` says of images: totals of every channel against the request."""

from __future__ import annotations

from typing import Any

import numpy as np

from microdsd.errors import InputError
from microdsd.io import load_images
from microdsd.microstructure import intensity_totals, provenance_of


def recount_images(file: str) -> dict[str, Any]:
    """Recount the intensity of every channel of every image, as JSON can hold it.

    Raises
    ------
    InputError
        If the file is only a part of what was generated.
    """
    images = load_images(file)
    totals = intensity_totals(images)
    recorded = (provenance_of(images) or {}).get("requested_counts") or {}
    samples = totals.sizes["sample"]
    differences = []
    for name, wanted in recorded.items():
        if len(wanted) != samples:
            raise InputError(
                f"requested_counts: the file records {len(wanted)} totals of {name} for {samples} "
                "images; verify the file as it was generated, not a part of it"
            )
        found = totals.sel(channel=name).values
        differences += [
            {"sample": int(i), "channel": name, "requested": int(wanted[i]), "found": int(found[i])}
            for i in np.flatnonzero(found != np.array(wanted))
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


def image_lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    lines = [f"{found['samples']} image(s) of {found['pixels_per_sample']} pixels"]
    for channel in found["channels"]:
        low, high = min(channel["totals"]), max(channel["totals"])
        span = f"{low}" if low == high else f"{low} .. {high}"
        lines.append(f"  {channel['name']}: total intensity {span}")
    if not any(channel["requested_totals"] for channel in found["channels"]):
        return [*lines, "the file records no request to compare with"]
    if found["exact"]:
        return [*lines, "exact: every total is as requested"]
    lines.append(f"DIFFERENT: {len(found['differences'])} total(s) are not as requested")
    return lines + [
        f"  image {d['sample']}, {d['channel']}: requested {d['requested']}, found {d['found']}"
        for d in found["differences"][:10]
    ]
