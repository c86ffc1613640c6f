"""Measurements of single samples, kept until all are there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from microdsd.io import partial
from microdsd.metrics.joining import concat_curves

HEADER = "header"


class Parts:
    """Keep the record of a run in a folder, and one npz file per measured sample.

    (netCDF takes twenty times as long for the dozens of small arrays of a sample.)

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self._stored = partial.Parts(folder)
        self.folder = folder

    def open(self, record: dict[str, Any]) -> None:
        """Start a run, or continue the one in the folder.

        Raises
        ------
        DataFileError
            What is there was measured otherwise, or is damaged.
        """
        self._stored.open(record)

    def numbers(self) -> list[int]:
        """Return the numbers of the measured samples, in order."""
        return self._stored.numbers()

    def add(self, number: int, measurements: xr.Dataset, sha256: str) -> None:
        """Keep the measurements of one sample, whole or not at all."""
        layout = measurements.to_dict(data="array")
        arrays = {
            f"{kind}/{name}": np.asarray(entry.pop("data"))
            for kind in ("coords", "data_vars")
            for name, entry in layout[kind].items()
        }
        header = json.dumps({"sha256": sha256, "layout": layout})
        texts = {name: values.astype(str) for name, values in arrays.items() if values.dtype == "O"}
        self._stored.add(number, {HEADER: np.array(header), **arrays, **texts}, compressed=False)

    def sha256(self, number: int) -> str:
        """Return the fingerprint of the sample as it was when it was measured."""
        return str(_header(self._stored.read(number, [HEADER]))["sha256"])

    def joined(self) -> xr.Dataset:
        """Join all measured samples, in order."""
        return concat_curves([self._read(number) for number in self.numbers()], "sample")

    def remove(self) -> None:
        """Forget the run."""
        self._stored.remove()

    def _read(self, number: int) -> xr.Dataset:
        arrays = self._stored.read(number)
        layout = _header(arrays)["layout"]
        for kind in ("coords", "data_vars"):
            for name, entry in layout[kind].items():
                entry["data"] = arrays[f"{kind}/{name}"]
        return xr.Dataset.from_dict(layout)


def _header(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(str(arrays[HEADER]))
    return header
