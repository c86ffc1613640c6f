"""What is asked of a model: checked and resolved before any work."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

import numpy as np

from microdsd.encoding import Composition, encoding_of
from microdsd.errors import ExtrapolationWarning, InputError, MicrodsdWarning
from microdsd.generation.memory import LARGE_BOX, require_memory_for_results
from microdsd.generation.options import SHARED_OPTIONS, SharedOptions
from microdsd.generation.targets import (
    Range,
    Reach,
    Targets,
    check_ranges,
    is_conditioned,
    targets_per_sample,
)
from microdsd.generation.uncertain import by_named_phase, draw_fractions, is_uncertain
from microdsd.microstructure.arguments import box_shape, one_seed, refuse_unknown, whole_number
from microdsd.microstructure.composition import Fractions, fractions_per_sample
from microdsd.microstructure.layout import Layout
from microdsd.microstructure.uncertain import RequestedFractions
from microdsd.models.card import ModelCard
from microdsd.models.methods import METHODS
from microdsd.models.plan import WalkPlan
from microdsd.models.volume_walk import uncalibrated
from microdsd.notebooks import facts
from microdsd.process import Boundary, Lattice
from microdsd.process.lattice import MIN_LENGTH
from microdsd.sampling.guidance import Guide

OPTIONS = ("n", "phase_fraction", "intensity", "shape", "epsilon", *SHARED_OPTIONS)


_VOLUME_REMARK = (
    "the volume is made of what a 2D model expects of its slices: its counts are exact, its slices "
    "are like those of the training, and how it is connected in 3D is inferred"
)
_UNCALIBRATED_REMARK = (
    f"{_VOLUME_REMARK}; the model is not calibrated for volumes, train with --for-volumes"
)


@dataclass(frozen=True, repr=False)
class GenerationRequest:
    """Request samples, down to the last voxel of their composition.

    Attributes
    ----------
    lattice : Lattice
        The box.
    composition : Composition
        Exact counts of every sample.
    plan : WalkPlan
        How every sample is walked back.
    seed : int
    streams : tuple of int
        Sample k depends on (seed, streams[k]) alone. Samples of one stream start from the same
        walkers and move them by the same numbers, whatever their compositions.
    remarks : tuple of str
        Plain sentences on what the request means for the samples.
    layout : Layout or None
        Regions of the box and known material, where there are any.
    guide : callable or None
        Weighs the potential, phases in ascending order of the labels; see
        `microdsd.sampling.guidance`.
    classes : tuple of str
        Class of every sample; empty where none is asked for.
    guidance : float
        How strongly the walk is steered to class and targets; see `microdsd.networks.Steered`.
    targets : dict of str to tuple of float
        Properties that samples are to have, by name.
    particles : int
        Walks made for every sample; see `microdsd.sampling.particles`.
    extrapolate : bool
        Whether targets may be beyond what is attainable.
    usual : dict of str to tuple of (float, float)
        Per property that there is a target for, and per sample, between which values nine in ten
        lie; where it is known.
    cautions : tuple of MicrodsdWarning
        What to warn of: compositions that training windows never had, a class that is not named.
    uncertain : dict
        Of phases whose fractions were drawn: mean and standard deviation, see `draw_fractions`.
    """

    lattice: Lattice
    composition: Composition
    plan: WalkPlan
    seed: int
    streams: tuple[int, ...]
    remarks: tuple[str, ...] = ()
    layout: Layout | None = None
    guide: Guide | None = None
    classes: tuple[str, ...] = ()
    guidance: float = 1.0
    targets: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    particles: int = 1
    extrapolate: bool = False
    usual: Mapping[str, tuple[Range, ...]] = field(default_factory=dict)
    cautions: tuple[MicrodsdWarning, ...] = ()
    uncertain: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.composition)

    def __repr__(self) -> str:
        entries = self.summary()
        return (
            f"<request: {entries['samples']} samples of {entries['shape']}; "
            f"{entries['composition']}; seed {self.seed}>"
        )

    def _repr_html_(self) -> str:
        return facts("microdsd request", self.summary())

    def summary(self) -> dict[str, str]:
        """Return what is asked for, in a few words each; of counts, those of the first sample."""
        counts = self.composition.counts[0].sum(axis=0) + self.composition.known
        entries = {
            "samples": str(len(self)),
            "shape": " x ".join(map(str, self.lattice.shape)),
            "boundary": ", ".join(dict.fromkeys(self.lattice.boundary)),
            "composition": ", ".join(
                f"{name} {count:,}"
                for name, count in zip(self.composition.names, counts.tolist(), strict=True)
            ),
            "network calls": str(self.network_calls or "not known beforehand"),
            "seed": str(self.seed),
        }
        if len(np.unique(self.composition.counts, axis=0)) > 1:
            entries["composition"] += " in the first sample; others differ"
        if self.classes:
            entries["classes"] = ", ".join(dict.fromkeys(self.classes))
        if self.targets:
            entries["targets"] = ", ".join(
                f"{name} {' '.join(f'{value:.4g}' for value in dict.fromkeys(values))}"
                for name, values in self.targets.items()
            )
        if self.notes:
            entries["notes"] = " ".join(self.notes)
        return entries

    @classmethod
    def resolve(
        cls,
        card: ModelCard,
        n: int,
        *,
        phase_fraction: RequestedFractions | float | str | Sequence[float] | None = None,
        intensity: Fractions | None = None,
        shape: int | Sequence[int] | None = None,
        epsilon: float | None = None,
        streams: Sequence[int] | None = None,
        **options: Unpack[SharedOptions],
    ) -> GenerationRequest:
        """Check a request against a model's card; see `MicrostructureModel.sample`.

        Raises
        ------
        InputError
            For a request that cannot be met; says what can.
        """
        refuse_unknown(options, OPTIONS)
        n, shape = number_of_samples(n), box_of(card, shape)
        require_memory(card, n, shape, options)
        encoding = encoding_of(card.contents)
        wanted = encoding.requested(by_named_phase(phase_fraction, card), intensity)
        drawn = None
        if wanted is None or is_uncertain(wanted):
            classes = _classes_per_sample(card, options.get("class_name"), n)
            if wanted is None:
                wanted = _usual_fractions(card, classes)
            else:
                seed = one_seed(options.pop("rng", None), options.get("seed"))
                options["seed"] = seed
                numbers = range(n) if streams is None else streams
                drawn = draw_fractions(card, wanted, classes, seed, numbers)
        fractions = drawn.fractions if drawn else fractions_per_sample(wanted, card.phases, n)
        composition = Composition.from_fractions(encoding, fractions, math.prod(shape), n)
        request = cls.of(card, composition, shape, epsilon=epsilon, streams=streams, **options)
        if drawn is None:
            return request
        remarks = (drawn.remark, *request.remarks)
        return replace(request, remarks=remarks, uncertain=drawn.record)

    @classmethod
    def of(
        cls,
        card: ModelCard,
        composition: Composition,
        shape: Sequence[int],
        *,
        layout: Layout | None = None,
        class_name: str | Sequence[str] | None = None,
        guidance: float = 1.0,
        targets: Targets | None = None,
        particles: int = 1,
        extrapolate: bool = False,
        boundary: Boundary | Sequence[Boundary] = "no-flux",
        evaluations: int | None = None,
        sigma_last: float | None = None,
        epsilon: float | None = None,
        streams: Sequence[int] | None = None,
        guide: Guide | None = None,
        rng: int | np.random.Generator | None = None,
        seed: int | None = None,
    ) -> GenerationRequest:
        """Check how samples of a composition are to be made; see `MicrostructureModel.sample`.

        Raises
        ------
        InputError
            For a walk that the model cannot make.
        """
        n = len(composition)
        lattice = Lattice.box(shape, _boundaries(boundary))
        method = METHODS[card.method]
        if epsilon is not None:
            method.check_epsilon(epsilon, evaluations)
        number = card.evaluations if evaluations is None else evaluations
        _check_sigma_last(card, sigma_last)
        number = whole_number(number, "evaluations", least=1)
        spectral = not (layout or guide or targets) and _may_start_with_spectrum(card, shape)
        plan = WalkPlan.of(card, number, sigma_last, epsilon, spectral=spectral)
        remarks = _size_remarks(card, shape, spectral=plan.spectral)
        if guide is not None:
            if not callable(guide):
                raise InputError(
                    f"guide={guide!r}: give a function; see microdsd.sampling.guidance"
                )
            method.require_potential("guides")
            card.contents.require_phases("guide", "guides")
        classes = _classes_per_sample(card, class_name, n)
        particles = whole_number(particles, "particles", least=1)
        aims = targets_per_sample(card, targets, n, particles)
        _check_guidance(guidance, steered=bool(classes) or is_conditioned(card, aims))
        if particles > 1 and not aims:
            raise InputError(f"particles={particles}: find targets; give targets with them")
        reach = check_ranges(
            card, aims, composition, lattice.shape, particles, extrapolate=extrapolate
        )
        return cls(
            lattice,
            composition,
            plan,
            one_seed(rng, seed),
            tuple(range(n) if streams is None else streams),
            (*remarks, *reach.remarks),
            layout=layout,
            guide=guide,
            classes=classes,
            guidance=guidance,
            targets=aims,
            particles=particles,
            extrapolate=extrapolate,
            usual=reach.usual,
            cautions=(
                *_class_cautions(card, classes),
                *_fraction_cautions(card, composition.fractions, classes),
                *reach.cautions,
            ),
        )

    def part(self, members: Sequence[int]) -> GenerationRequest:
        """Return the request for some of its samples, which come out the same."""

        def chosen(column: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(column[i] for i in members)

        return replace(
            self,
            composition=self.composition.part(members),
            streams=chosen(self.streams),
            classes=chosen(self.classes) if self.classes else (),
            targets={name: chosen(values) for name, values in self.targets.items()},
            usual={name: chosen(ranges) for name, ranges in self.usual.items()},
        )

    def within(self, reaches: Sequence[Reach]) -> GenerationRequest:
        """Return the request with what pilot walks say of each sample, or of all alike."""
        every = list(reaches) if len(reaches) == len(self) else [reaches[0]] * len(self)
        cautions = {str(one): one for reach in reaches for one in reach.cautions}
        return replace(
            self,
            remarks=tuple(dict.fromkeys([*self.remarks, *(r for x in reaches for r in x.remarks)])),
            cautions=(*self.cautions, *cautions.values()),
            usual={
                **self.usual,
                **{name: tuple(x.usual[name][0] for x in every) for name in reaches[0].usual},
            },
        )

    @property
    def network_calls(self) -> int | None:
        """Return how often a sample evaluates the network; None where ``epsilon`` decides."""
        calls = self.plan.network_calls
        return None if calls is None else calls * self.particles

    @property
    def notes(self) -> tuple[str, ...]:
        """Return cautions and remarks, as plain sentences."""
        return (*map(str, self.cautions), *self.remarks)

    def record(self, card: ModelCard) -> dict[str, Any]:
        """Return the request as JSON can hold it."""
        return {
            "samples": len(self),
            "shape": list(self.lattice.shape),
            "boundary": list(self.lattice.boundary),
            "seed": self.seed,
            "streams": list(self.streams),
            "method": card.method,
            **self.plan.record(),
            **({"classes": list(self.classes)} if self.classes else {}),
            **({"targets": {k: list(v) for k, v in self.targets.items()}} if self.targets else {}),
            **({"guidance": self.guidance} if self.classes or self.targets else {}),
            **({"particles": self.particles} if self.particles > 1 else {}),
            **(
                {"usual_ranges": {k: list(map(list, v)) for k, v in self.usual.items()}}
                if self.usual
                else {}
            ),
            **self.composition.record(regions=self.layout is not None),
            **({"uncertain_fractions": dict(self.uncertain)} if self.uncertain else {}),
            "trained_fractions": {k: list(v) for k, v in card.fraction_range.items()},
            "notes": list(self.notes),
            **({} if self.layout is None else self.layout.record()),
            **({} if self.guide is None else {"guide": str(self.guide)}),
        }


def number_of_samples(n: int) -> int:
    """Return the number of samples, checked."""
    n = whole_number(n, "n", least=0)
    if n < 1:
        raise InputError(f"n={n}: ask for at least one sample")
    return n


def box_of(card: ModelCard, shape: int | Sequence[int] | None) -> tuple[int, ...]:
    """Return the voxels per axis of the box, by default those of the training window."""
    shape = box_shape(shape, card.window)
    if min(shape) < MIN_LENGTH:
        raise InputError(f"shape={shape}: every axis needs at least {MIN_LENGTH} voxels")
    block = 2 ** len(card.octaves)
    if card.octaves and min(shape) <= block:
        raise InputError(
            f"shape={shape}: the walk of this model begins on blocks of {block} voxels, and every "
            f"axis needs more than one; give at least {block + 1}, or train with fewer octaves"
        )
    return shape


def require_memory(card: ModelCard, n: int, shape: Sequence[int], options: SharedOptions) -> None:
    """Refuse more samples than fit the memory, before anything grows with their number.

    Raises
    ------
    InputError
        Says how many fit, or which box.
    """
    walks = whole_number(options.get("particles", 1), "particles", least=1)
    in_memory = options.get("guide") is not None
    require_memory_for_results(n, shape, card, walks=walks, in_memory=in_memory)


def _may_start_with_spectrum(card: ModelCard, shape: Sequence[int]) -> bool:
    """Tell whether a box is of the material's own axes, and its first lattice not too large."""
    blocks = math.prod(shape) >> (len(card.octaves) * len(card.window))
    return len(shape) == len(card.window) and blocks <= LARGE_BOX


def _boundaries(boundary: Any) -> Any:
    """Return one boundary, or one per axis, as `Lattice` takes and checks them."""
    if isinstance(boundary, str) or (
        isinstance(boundary, Sequence) and all(isinstance(one, str) for one in boundary)
    ):
        return boundary
    raise InputError(f"boundary={boundary!r}: choose 'no-flux' or 'periodic', or one per axis")


def _check_sigma_last(card: ModelCard, sigma_last: float | None) -> None:
    if sigma_last is not None and not isinstance(sigma_last, int | float | np.number):
        raise InputError(
            f"sigma_last={sigma_last!r}: give a noise level between 0 and the horizon of "
            f"{card.sigma_max:.3g} voxels"
        )


def _classes_per_sample(
    card: ModelCard, asked: str | Sequence[str] | None, n: int
) -> tuple[str, ...]:
    """Return one class per sample; none where none is asked for."""
    if asked is None:
        return ()
    if not isinstance(asked, str | Sequence):
        raise InputError(f"class_name={asked!r}: give a name, or one per sample")
    names = (asked,) if isinstance(asked, str) else tuple(asked)
    if not card.classes:
        raise InputError(f"class_name={asked!r}: the model was trained on one material, no classes")
    for name in names:
        if name not in card.classes:
            raise InputError(f"class_name={name!r}: the model knows {', '.join(card.classes)}")
    if len(names) not in (1, n):
        raise InputError(f"class_name: {len(names)} classes for {n} samples; give one, or {n}")
    return names * n if len(names) == 1 else names


def _check_guidance(guidance: float, *, steered: bool) -> None:
    number = isinstance(guidance, int | float | np.number)
    if not (number and math.isfinite(guidance) and guidance >= 0):
        raise InputError(f"guidance={guidance!r}: give a number of at least 0; 1 is no guidance")
    if guidance != 1 and not steered:
        raise InputError(
            f"guidance={guidance}: steers to a class, or to properties that the model was trained "
            "with; give class_name or targets with it"
        )


def _usual_fractions(card: ModelCard, classes: tuple[str, ...]) -> Fractions:
    """Return the mean of the training windows, of each sample's own class where there is one."""
    if not classes:
        return dict(card.fraction_mean.items())
    return {
        phase: [card.classes[name][phase][0] for name in classes] for phase in card.phases.values()
    }


def _fraction_cautions(
    card: ModelCard, fractions: Mapping[str, tuple[float, ...]], classes: tuple[str, ...]
) -> list[MicrodsdWarning]:
    """Return per phase, and per class asked for, what lies outside the training windows."""
    exact = card.contents.conserved
    cautions: list[MicrodsdWarning] = []
    for name, column in fractions.items():
        by_class: dict[str, list[float]] = {}
        for class_name, fraction in zip(classes or ("",) * len(column), column, strict=True):
            by_class.setdefault(class_name, []).append(fraction)
        for class_name, asked in sorted(by_class.items()):
            spans = card.classes.get(class_name)
            low, high = spans[name][1:] if spans else card.fraction_range[name]
            least, most = min(asked), max(asked)
            if low <= least and most <= high:
                continue
            span = f"{least:.4g}" + (f" to {most:.4g}" if most > least else "")
            windows = f"training windows of {class_name}" if spans else "training windows"
            cautions.append(
                ExtrapolationWarning(
                    f"{name} = {span} lies outside the {low:.3g} to {high:.3g} of the {windows}: "
                    f"{exact} will be exact, but the structure is an extrapolation"
                )
            )
    return cautions


def _class_cautions(card: ModelCard, classes: tuple[str, ...]) -> list[MicrodsdWarning]:
    if not card.classes or classes:
        return []
    return [
        MicrodsdWarning(
            f"class_name: the model knows the classes {', '.join(card.classes)} and is told none: "
            "samples may be of any of them, or of none; name one with class_name (--class)"
        )
    ]


def _size_remarks(card: ModelCard, shape: Sequence[int], *, spectral: bool) -> list[str]:
    remarks = []
    if card.volumes is not None and len(shape) == 3:
        usual = card.volumes == uncalibrated(last_draw=card.last_draw is not None)
        remarks.append(_UNCALIBRATED_REMARK if usual else _VOLUME_REMARK)
    if all(n <= w for n, w in zip(shape, card.window, strict=True)):
        return remarks
    if spectral:
        return [
            *remarks,
            f"the box is larger than the training window {card.window}: on longer scales its "
            "composition varies as if parts of the size of the window were independent",
        ]
    return [
        *remarks,
        f"the box is larger than the training window {card.window}: sampling starts from the "
        f"window's horizon of {card.sigma_max:.3g} voxels, and nothing varies on longer scales",
    ]
