"""One sample at a time: what is done in this process or in that of a worker."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import xarray as xr

from microdsd import __version__
from microdsd.ensembles.stored import StoredEnsemble
from microdsd.errors import InputError, MicrodsdError
from microdsd.progress import Stage, part_of

Measure = Callable[..., xr.Dataset]


class UnreadableSampleError(MicrodsdError):
    """Report a sample that is damaged or holds what is no phase, whatever is to be measured."""


class Finding(NamedTuple):
    """Hold the measurements of one sample, and the fingerprint of what was measured."""

    measurements: xr.Dataset
    sha256: str


class Outcome(NamedTuple):
    """Hold what became of one sample: a finding or an error."""

    number: int
    result: Finding | Exception


@dataclass(frozen=True)
class Work:
    """Describe what is to be measured of which ensemble; small, and made to be sent to workers.

    Attributes
    ----------
    ensemble : StoredEnsemble
    measure : callable
        From one sample, dims ``(sample, [z,] y, x)``, to a Dataset.
    version : str
        Version of this package where the work was given out.
    """

    ensemble: StoredEnsemble
    measure: Measure
    version: str = __version__

    def do(self, number: int, **extra: Any) -> Finding:
        """Measure one sample.

        Raises
        ------
        UnreadableSampleError
            It cannot be read.
        Exception
            Whatever measuring it raises.
        """
        try:
            sample = self.ensemble.read(number)
        except MicrodsdError as error:
            raise UnreadableSampleError(str(error)) from error
        if sample.mask is not None:
            extra["mask"] = sample.mask
        measurements = self.measure(sample.labels, **extra)
        if "sample" not in measurements.dims:
            measurements = measurements.expand_dims("sample")
        return Finding(measurements.assign_coords(sample=[number]), sample.sha256)

    def do_here(
        self, numbers: Iterable[int], measuring: Stage, done: int = 0
    ) -> Generator[Outcome, None, None]:
        """Measure samples one after the other in this process; `done` are done already."""
        tells = "progress" in inspect.signature(self.measure).parameters
        for place, number in enumerate(numbers, start=done):
            extra = {"progress": part_of(measuring, place)} if tells else {}
            try:
                yield Outcome(number, self.do(number, **extra))
            except Exception as error:
                yield Outcome(number, error)

    def record(self) -> dict[str, Any]:
        """Return what results depend on beside the labels themselves."""
        function: Callable[..., Any] = self.measure
        options: dict[str, Any] = {}
        if isinstance(self.measure, partial):
            if self.measure.args:
                raise InputError("measure: give the options of a partial by name")
            function, options = self.measure.func, self.measure.keywords
        name = f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}"
        return {
            "version of microdsd": self.version,
            "measure": name,
            **self.ensemble.record(),
            **{f"option {name}": value for name, value in options.items()},
        }
