"""Bayesian optimisation of a composition: the loop over candidates."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.generation.request import GenerationRequest
from microdsd.generation.samples import with_record
from microdsd.inverse.questions import Question
from microdsd.inverse.result import Candidate, DesignResult
from microdsd.inverse.search import (
    History,
    Search,
    pareto_front,
    propose,
    require_optuna,
)
from microdsd.inverse.variables import DesignSpace, Range
from microdsd.io.partial import Parts
from microdsd.microstructure.arguments import one_seed, whole_number
from microdsd.process import Boundary
from microdsd.progress import Progress, stage
from microdsd.properties import measure


def design(
    model: MicrostructureModel | str | Path,
    fraction: Mapping[int | str, Range] | Range | None = None,
    *,
    gradient: Mapping[str, Sequence[float]] | None = None,
    target: Mapping[str, Sequence[float]] | None = None,
    minimise: str | Sequence[str] = (),
    maximise: str | Sequence[str] = (),
    require: str | Sequence[str] = (),
    candidates: int = 40,
    samples: int = 2,
    search: Search = "bayesian",
    shape: int | Sequence[int] | None = None,
    class_name: str | None = None,
    guidance: float = 1.0,
    particles: int = 1,
    boundary: Boundary | Sequence[Boundary] = "no-flux",
    evaluations: int | None = None,
    rng: int | np.random.Generator | None = None,
    force: bool = False,
    unfinished: str | Path | None = None,
    progress: Progress | None = None,
) -> DesignResult:
    """Search the composition whose samples have the best properties; every sample is exact.

    Parameters
    ----------
    model : MicrostructureModel, str or Path
        The model, its file, or the name of one that ships.
    fraction : mapping of phase to (float, float) or float, optional
        By label or name, the range in which a fraction may vary, or the number that it is. Phases
        that are not named share the rest as they do in the training windows.
    gradient : mapping of str to (float, float), optional
        By phase and axis, as "pore:z": the range of the change of the fraction from one face of the
        box to the other, in layers of exactly their own counts.
    target : mapping of str to (float, float), optional
        By property, of a model that was trained with conditions, the range in which its target may
        vary; see `MicrostructureModel.sample`.
    minimise, maximise : str or sequence of str
        Names of properties, see `microdsd.properties.Property`: any descriptor that is one number
        of a sample, and relative_diffusivity, tortuosity_factor, formation_factor, permeability.
        With phase and axis where a property has them, as "tortuosity_factor:pore:z".
    require : str or sequence of str
        Bounds on properties, as "tortuosity_factor:z<=3".
    candidates : int
        How many to try.
    samples : int
        Samples of each; its properties are the means.
    search : {"bayesian", "random"}
        A Gaussian process and its expected improvement (extra ``design``), or random points.
    shape, class_name, guidance, particles, boundary
        Of the samples, as of `MicrostructureModel.sample`.
    evaluations : int, optional
        Of the network, per sample; more is slower and closer to the data.
    rng : int or Generator, optional
        Samples of candidate i depend on the seed and i alone.
    force : bool
        Allow fractions that training windows never had.
    unfinished : str or Path, optional
        Folder that keeps finished candidates: a stopped design goes on from there, with the same
        outcome. By default nothing is kept.
    progress : Progress, optional
        Receives how many candidates are done, and of how many.

    Returns
    -------
    DesignResult
        All candidates, the Pareto front, and its samples.

    Raises
    ------
    InputError
        Before any work: for unknown properties, those that samples of the model cannot have, and
        ranges that it cannot make.

    Examples
    --------
    >>> result = design(
    ...     "porous-2d",
    ...     {"pore": (0.1, 0.3)},
    ...     maximise="specific_surface_area",
    ...     class_name="berea",
    ...     candidates=3,
    ...     shape=16,
    ...     evaluations=4,
    ...     search="random",
    ...     rng=0,
    ... )
    >>> len(result.candidates), len(result.front)
    (3, 1)
    """
    if not isinstance(model, MicrostructureModel):
        model = MicrostructureModel.load(model)
    if shape is not None:
        model = model.of_axes(np.size(np.asarray(shape)))
    if search not in get_args(Search):
        raise InputError(f"search={search!r}: choose one of {', '.join(get_args(Search))}")
    candidates = whole_number(candidates, "candidates", least=1)
    samples = whole_number(samples, "samples", least=1)
    space = DesignSpace.of(
        model.card,
        fraction,
        gradient,
        target,
        shape,
        force,
        class_name=class_name,
        guidance=guidance,
        boundary=boundary,
        evaluations=evaluations,
        particles=particles,
    )
    periodic = _is_periodic(boundary)
    question = Question.read(model.card, minimise, maximise, require, periodic)
    if search == "bayesian":
        require_optuna()
    run = _Run(model, space, question, periodic, samples, search, one_seed(rng, None))
    run.require_possible()
    folder = tempfile.TemporaryDirectory() if unfinished is None else nullcontext(str(unfinished))
    with folder as place:
        parts = Parts(Path(place))
        parts.open(run.record())
        done = len([k for i, k in enumerate(parts.numbers()) if i == k])
        with stage("designing", candidates, progress) as designing:
            designing.update(min(done, candidates))
            for number in range(candidates):
                if number < done:
                    run.recall(parts.read(number, ["point", "values"]))
                    continue
                run.recall(candidate := run.try_next())
                parts.add(number, candidate)
                designing.update(number + 1, status=run.status())
        return run.result(parts)


def _is_periodic(boundary: Boundary | Sequence[Boundary]) -> bool:
    """Tell whether samples wrap along all axes."""
    named = {boundary} if isinstance(boundary, str) else {*boundary}
    if len(named) > 1:
        raise InputError(f"boundary={boundary!r}: properties are measured with one for all axes")
    return named == {"periodic"}


class _Run:
    """Make candidates one after the other; what is next depends on those before alone."""

    def __init__(
        self,
        model: MicrostructureModel,
        space: DesignSpace,
        question: Question,
        periodic: bool,
        samples: int,
        search: Search,
        seed: int,
    ) -> None:
        self._model, self._space, self._question = model, space, question
        self._periodic, self._samples, self._search, self._seed = periodic, samples, search, seed
        self._points: list[NDArray[np.float64]] = []
        self._values: list[NDArray[np.float64]] = []  # (properties, samples)

    def record(self) -> dict[str, Any]:
        """Record all that candidates depend on."""
        return {
            "model": self._model.digest(),
            "precision": self._model.precision,
            "seed": self._seed,
            "samples": self._samples,
            "search": self._search,
            "periodic": self._periodic,
            **self._space.record(),
            "objectives": {str(one): word for one, word in self._question.objectives.items()},
            "requirements": [str(one) for one in self._question.requirements],
        }

    def require_possible(self) -> None:
        """Refuse what no candidate can be, before the first: all corners of the space."""
        bounds = [(one.low, one.high) for one in self._space.variables]
        for corner in (tuple(low for low, _ in bounds), tuple(high for _, high in bounds)):
            self._model.require_memory(self._request(0, corner))

    def _streams(self, number: int) -> tuple[int, ...]:
        return tuple(range(number * self._samples, (number + 1) * self._samples))

    def _request(self, number: int, point: Sequence[float]) -> GenerationRequest:
        return self._space.request(point, self._seed, self._streams(number))

    def try_next(self) -> dict[str, NDArray[Any]]:
        """Generate and measure the next candidate."""
        point = propose(
            self._space.variables,
            self._question.directions,
            self._history(),
            self._search,
            self._seed,
        )
        request = self._request(len(self._points), point)
        drawn = list(self._model.generate(request))
        labels = [one for one, _ in drawn]
        moved = [count for _, count in drawn]
        samples = with_record(self._model, request, labels, moved)
        measured = measure(samples, self._question.properties, periodic=self._periodic)
        return {
            "point": np.array(point),
            "values": measured.T,
            "labels": np.stack(labels),
            "reassigned": np.array(moved),
        }

    def recall(self, candidate: Mapping[str, NDArray[Any]]) -> None:
        """Take a finished candidate into account."""
        self._points.append(candidate["point"])
        self._values.append(candidate["values"])

    def _means(self) -> NDArray[np.float64]:
        """Return the means (candidates, properties) over samples."""
        empty = np.empty((0, len(self._question.properties)))
        return np.array([values.mean(1) for values in self._values]) if self._values else empty

    def _history(self) -> History:
        means = self._means()
        points = np.array(self._points).reshape(len(means), len(self._space.variables))
        return History(points, means[:, : len(self._question.objectives)], self._excesses(means))

    def _excesses(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        places = {one: k for k, one in enumerate(self._question.properties)}
        columns = [
            [rule.excess(value) for value in means[:, places[rule.property]]]
            for rule in self._question.requirements
        ]
        return np.array(columns).reshape(len(columns), len(means)).T

    def _judged(self) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the means, and which candidates are feasible and on the front."""
        means = self._means()
        broken = [(row > 0).any() for row in self._excesses(means)]
        feasible: NDArray[np.bool_] = np.logical_not(np.array(broken, dtype=bool))
        objectives = means[:, : len(self._question.objectives)]
        return means, feasible, pareto_front(objectives, self._question.directions, feasible)

    def status(self) -> str:
        """Say in words how the design goes."""
        means, _, front = self._judged()
        if len(self._question.objectives) > 1 or not front.any():
            return f"{int(front.sum())} on the front"
        return f"best {means[front][0, 0]:.4g}"

    def result(self, parts: Parts) -> DesignResult:
        """Return all candidates, and the samples of the front."""
        means, feasible, front = self._judged()
        names = [str(one) for one in self._question.properties]
        requests = [self._request(k, point.tolist()) for k, point in enumerate(self._points)]
        candidates = tuple(
            Candidate(
                k,
                request.streams,
                dict(zip(map(str, self._space.variables), point.tolist(), strict=True)),
                _fractions(request),
                dict(zip(names, means[k].tolist(), strict=True)),
                dict(zip(names, _standard_errors(values), strict=True)),
                bool(feasible[k]),
                bool(front[k]),
            )
            for k, (request, point, values) in enumerate(
                zip(requests, self._points, self._values, strict=True)
            )
        )
        notes = requests[0].remarks if requests else ()  # ranges differ, and would be many
        result = DesignResult(
            candidates,
            {str(one): word for one, word in self._question.objectives.items()},
            self._question.requirements,
            None,
            self.record(),
            notes,
        )
        return replace(result, samples=self._samples_of([c.number for c in result.front], parts))

    def _samples_of(self, numbers: Sequence[int], parts: Parts) -> xr.DataArray | None:
        """Return the samples of some candidates as one ensemble, with their joint record."""
        if not numbers:
            return None
        kept = [parts.read(number, ["labels", "reassigned"]) for number in numbers]
        requests = [self._request(k, self._points[k].tolist()) for k in numbers]
        joined = _joined(requests)
        labels = [sample for part in kept for sample in part["labels"]]
        moved = [int(count) for part in kept for count in part["reassigned"]]
        samples = with_record(self._model, joined, labels, moved)
        owner = np.repeat(numbers, self._samples)
        return samples.assign_coords(candidate=("sample", owner))


def _fractions(request: GenerationRequest) -> dict[str, float]:
    """Return the exact shares of every phase, which all samples of a candidate have."""
    counts = request.composition.whole[0]
    shares = (counts / counts.sum()).tolist()
    return dict(zip(request.composition.names, shares, strict=True))


def _standard_errors(values: NDArray[np.float64]) -> list[float | None]:
    """Return the standard errors of means over samples; None of what cannot be told."""
    number = values.shape[1]
    if number < 2:
        return [None] * len(values)
    finite = np.array([np.isfinite(row).all() for row in values], dtype=bool)
    spread = np.where(finite[:, None], values, 0.0).std(1, ddof=1) / np.sqrt(number)
    return [float(s) if known else None for s, known in zip(spread, finite, strict=True)]


def _joined(requests: Sequence[GenerationRequest]) -> GenerationRequest:
    """Join requests that differ in their compositions and streams."""
    first = requests[0]
    every = [request.composition for request in requests]
    fractions = {
        name: tuple(value for one in every for value in one.fractions[name])
        for name in first.composition.fractions
    }
    counts = np.concatenate([one.counts for one in every])
    return replace(
        first,
        composition=replace(first.composition, fractions=fractions, counts=counts),
        streams=tuple(stream for request in requests for stream in request.streams),
        classes=tuple(name for request in requests for name in request.classes),
        targets={
            name: tuple(value for request in requests for value in request.targets[name])
            for name in first.targets
        },
        usual={
            name: tuple(one for request in requests for one in request.usual[name])
            for name in first.usual
            if all(name in request.usual for request in requests)
        },
        cautions=tuple({str(c): c for r in requests for c in r.cautions}.values()),
    )
