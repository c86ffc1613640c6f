"""Samples of a run that is not finished, kept beside the output so that it can go on."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from microdsd.errors import DataFileError
from microdsd.io import (
    ensure_samples_writable,
    ensure_writable,
    output_lock,
    place_of_parts,
)
from microdsd.io.partial import Parts


@contextmanager
def unfinished_samples(output: Path, *, force: bool) -> Iterator[UnfinishedSamples]:
    """Yield the samples of an output, on which no other process works meanwhile.

    A run that ends before it has kept anything leaves nothing behind.
    """
    with output_lock(output):
        unfinished = UnfinishedSamples(output, force=force)
        try:
            yield unfinished
        finally:
            unfinished.remove_if_empty()


class UnfinishedSamples:
    """Keep the request and one file per finished sample in the folder ``<output>.partial``.

    Parameters
    ----------
    output : Path
    force : bool
        Whether files may be overwritten, and what another request has left be discarded.
    """

    def __init__(self, output: Path, *, force: bool) -> None:
        self._output = output
        self._parts = Parts(place_of_parts(output))
        self._force = force
        self._outputs: tuple[Path, ...] = ()
        self._opened = False

    @property
    def overwrite(self) -> bool:
        """Return whether outputs may be replaced: on request, or if this run may have written them.

        A run that was stopped while it wrote its outputs goes on over them.
        """
        return self._force or self._parts.delivering

    def check_outputs(
        self, n: int, inputs: Iterable[str | Path] = (), *others: Path | None
    ) -> None:
        """Refuse outputs that cannot be written, before any work.

        Parameters
        ----------
        n : int
            Number of samples, which may go into as many files.
        inputs : iterable of str or Path
            Files that are read.
        *others : Path or None
            Files that are written beside the samples.
        """
        inputs = list(inputs)
        files = ensure_samples_writable(self._output, n, overwrite=self.overwrite, inputs=inputs)
        beside = [path for path in others if path is not None]
        for path in beside:
            ensure_writable(path, overwrite=self.overwrite, inputs=inputs)
        self._outputs = (*files, *beside)

    def precision(self) -> str | None:
        """Return the precision of an earlier run, which its other samples must have too."""
        return self._earlier().get("precision")

    def record_of(
        self, request: Mapping[str, Any], but_for: Collection[str]
    ) -> dict[str, Any] | None:
        """Return the record of an earlier run of the same request, but for some entries of it."""
        earlier, wanted = self._earlier(), json.loads(json.dumps(request))
        for name in but_for:
            wanted[name] = earlier.get(name)
        return earlier if wanted == {**dict.fromkeys(but_for), **earlier} else None

    def open(self, request: dict[str, Any]) -> int:
        """Start or continue; return the number of samples that are finished already.

        Raises
        ------
        DataFileError
            If what is there was made by another request, or is damaged.
        """
        self._parts.open(request, discard_other=self._force)
        self._opened = True
        return self.count()

    def count(self) -> int:
        """Return the number of finished samples without a gap before them."""
        numbers = self._parts.numbers()
        return next((i for i, number in enumerate(numbers) if i != number), len(numbers))

    def missing(self, n: int) -> list[int]:
        """List the numbers of those of the first n samples that are not finished, gaps included."""
        return sorted(set(range(n)) - set(self._parts.numbers()))

    def add(self, index: int, labels: np.ndarray, reassigned: int) -> None:
        """Keep one finished sample."""
        self._parts.add(index, {"labels": labels, "reassigned": np.array(reassigned)})

    def bookmark(self, index: int) -> PutAside:
        """Return what keeps the state of a sample while it is made."""
        return PutAside(self._parts, index)

    def evaluations(self) -> int:
        """Return the network evaluations of the sample in work, if it is one of a large box."""
        state = self._parts.aside(["sample", "evaluations"])
        of_next_sample = state is not None and int(state["sample"]) == self.count()
        return int(state["evaluations"]) if state is not None and of_next_sample else 0

    def done(self) -> str:
        """Say in words what is done so far."""
        samples, evaluations = self.count(), self.evaluations()
        begun = f" and {evaluations} network evaluations of the next" if evaluations else ""
        return f"{samples} samples{begun}"

    def read(self, n: int) -> tuple[list[np.ndarray], list[int]]:
        """Read labels of the first n samples, and voxels reassigned."""
        parts = [self._parts.read(i, ["labels", "reassigned"]) for i in range(n)]
        return [part["labels"] for part in parts], [int(part["reassigned"]) for part in parts]

    def begin_delivery(self) -> None:
        """Say that all samples are made, and that outputs are written from here on."""
        for path in self._outputs:
            ensure_writable(path, overwrite=self.overwrite)
        self._parts.begin_delivery()

    def remove(self) -> None:
        """Forget the run: its outputs are written."""
        self._parts.remove()

    def remove_if_empty(self) -> None:
        """Forget a run that has begun, and of which neither a sample nor a state is kept."""
        if self._opened:
            self._parts.remove_if_empty()

    def _earlier(self) -> dict[str, Any]:
        try:
            return self._parts.record() or {}
        except DataFileError:
            if not self._force:
                raise
            return {}


class PutAside:
    """Keep the state of the sample in work; see `microdsd.sampling.large_boxes.Bookmark`.

    Parameters
    ----------
    parts : Parts
    index : int
        Number of the sample.
    """

    def __init__(self, parts: Parts, index: int) -> None:
        self._parts, self._index = parts, index

    def read(self) -> dict[str, np.ndarray] | None:
        """Return the state that was kept last; None where there is none of this sample."""
        state = self._parts.aside()
        return state if state is not None and int(state.pop("sample")) == self._index else None

    def keep(self, state: Mapping[str, np.ndarray]) -> None:
        """Keep a state in place of the last one."""
        self._parts.put_aside({"sample": np.array(self._index), **state})
