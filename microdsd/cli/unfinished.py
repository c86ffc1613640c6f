"""Samples of a run that is not finished, kept beside the output so that it can go on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from microdsd.errors import DataFileError
from microdsd.io import atomic_write


class UnfinishedSamples:
    """Folder ``<output>.partial``: the request, and one file per finished sample.

    Parameters
    ----------
    output : Path
    start_anew : bool
        Discard what an earlier run left.
    """

    def __init__(self, output: Path, *, start_anew: bool) -> None:
        self._folder = output.with_name(output.name + ".partial")
        self._request = self._folder / "request.json"
        if start_anew:
            self.remove()

    def seed(self) -> int | None:
        """Seed of an earlier run, which a run without one of its own goes on with."""
        if not self._request.is_file():
            return None
        return int(json.loads(self._request.read_text())["seed"])

    def precision(self) -> str | None:
        """Precision of an earlier run, which its other samples must have too."""
        if not self._request.is_file():
            return None
        return str(json.loads(self._request.read_text())["precision"])

    def open(self, request: dict[str, Any]) -> int:
        """Begin, or go on; number of samples that are there already.

        Raises
        ------
        DataFileError
            If what is there was made by another request.
        """
        if self._request.is_file():
            earlier = json.loads(self._request.read_text())
            differing = [key for key in request if request[key] != earlier.get(key)]
            if differing:
                raise DataFileError(
                    f"{self._folder}: holds a stopped run with another "
                    f"{', '.join(differing)}; repeat its command to go on, or --force to discard it"
                )
            return self.count()
        self._folder.mkdir(exist_ok=True)
        with atomic_write(self._request, overwrite=True) as temporary:
            temporary.write_text(json.dumps(request))
        return 0

    def count(self) -> int:
        """Number of finished samples without a gap before them."""
        n = 0
        while self._sample(n).is_file():
            n += 1
        return n

    def add(self, index: int, labels: np.ndarray, reassigned: int) -> None:
        """Keep one finished sample."""
        with (
            atomic_write(self._sample(index), overwrite=True) as temporary,
            temporary.open("wb") as file,
        ):
            np.savez_compressed(file, labels=labels, reassigned=reassigned)

    def read(self) -> tuple[list[np.ndarray], list[int]]:
        """All finished samples: labels, and voxels reassigned."""
        labels, reassigned = [], []
        for i in range(self.count()):
            with np.load(self._sample(i), allow_pickle=False) as stored:
                labels.append(stored["labels"])
                reassigned.append(int(stored["reassigned"]))
        return labels, reassigned

    def remove(self) -> None:
        """Forget the run."""
        if self._folder.is_dir():
            shutil.rmtree(self._folder)

    def _sample(self, index: int) -> Path:
        return self._folder / f"{index:06d}.npz"
