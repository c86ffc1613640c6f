"""Measurements of single samples, kept until all are there."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from microdsd.errors import DataFileError
from microdsd.io import atomic_write
from microdsd.metrics.joining import concat_curves

HEADER = "header"


class Parts:
    """A folder with the record of a run, and one npz file per sample that is measured.

    (netCDF takes twenty times as long for the dozens of small arrays of a sample.)

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record = folder / "record.json"

    def open(self, record: dict[str, Any]) -> None:
        """Begin, or go on with what is there.

        Raises
        ------
        DataFileError
            What is there was measured otherwise.
        """
        if not self.numbers():
            self.remove()
            self.folder.mkdir()
            with atomic_write(self._record, overwrite=True) as temporary:
                temporary.write_text(json.dumps(record))
            return
        earlier = json.loads(self._record.read_text())
        names = dict.fromkeys([*record, *earlier])
        differing = [name for name in names if record.get(name) != earlier.get(name)]
        if differing:
            raise DataFileError(
                f"{self.folder}: holds measurements of a stopped run with another "
                f"{', '.join(differing)}; repeat the command of that run to go on, or pass "
                "overwrite=True (--force) to measure all anew"
            )

    def numbers(self) -> list[int]:
        """Numbers of the samples that are measured, in order."""
        if not self._record.is_file():
            return []
        names = (re.fullmatch(r"(\d+)\.npz", path.name) for path in self.folder.iterdir())
        return sorted(int(name[1]) for name in names if name)

    def add(self, number: int, found: xr.Dataset, sha256: str) -> None:
        """Keep the measurements of one sample, whole or not at all."""
        layout = found.to_dict(data="array")
        arrays = {
            f"{kind}/{name}": np.asarray(entry.pop("data"))
            for kind in ("coords", "data_vars")
            for name, entry in layout[kind].items()
        }
        header = json.dumps({"sha256": sha256, "layout": layout})
        texts = {name: values.astype(str) for name, values in arrays.items() if values.dtype == "O"}
        with (
            atomic_write(self._part(number), overwrite=True) as temporary,
            temporary.open("wb") as file,
        ):
            np.savez(file, **{HEADER: np.array(header)}, **{**arrays, **texts})  # type: ignore[arg-type]

    def sha256(self, number: int) -> str:
        """Fingerprint of the sample as it was when it was measured."""
        with np.load(self._part(number), allow_pickle=False) as stored:
            return str(_header(stored)["sha256"])

    def joined(self) -> xr.Dataset:
        """All samples that are measured, in order."""
        return concat_curves([self._read(number) for number in self.numbers()], "sample")

    def remove(self) -> None:
        """Forget the run."""
        if self.folder.is_dir():
            shutil.rmtree(self.folder)

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npz"

    def _read(self, number: int) -> xr.Dataset:
        with np.load(self._part(number), allow_pickle=False) as stored:
            layout = _header(stored)["layout"]
            for kind in ("coords", "data_vars"):
                for name, entry in layout[kind].items():
                    entry["data"] = stored[f"{kind}/{name}"]
        return xr.Dataset.from_dict(layout)


def _header(stored: Mapping[str, Any]) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(str(stored[HEADER]))
    return header
