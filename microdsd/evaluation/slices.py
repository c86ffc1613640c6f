"""Evaluation of generated volumes against pictures: slices against windows, per direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.evaluation.comparison import compare
from microdsd.evaluation.directional import axis_curves
from microdsd.evaluation.evaluation import Evaluation, chosen_phases, measurement_record, sentence
from microdsd.evaluation.recount import PhaseComposition, composition
from microdsd.evaluation.reference import (
    FEWEST_WANTED,
    MOST_WINDOWS,
    same_phases,
    same_voxel_size,
    sizes,
)
from microdsd.evaluation.training_scan import FLATTERS, without_training
from microdsd.evaluation.verdict import (
    DIFFERS,
    WITHIN,
    DescriptorDifference,
    Verdict,
    judge,
    margins_with,
)
from microdsd.evaluation.verdict.judging import fewest_for
from microdsd.metrics import describe
from microdsd.metrics.registry import judged_groups
from microdsd.metrics.two_point import two_point_probability
from microdsd.microstructure import (
    LabelsLike,
    as_ensemble,
    as_microstructure,
    cut_windows,
    phases_of,
    provenance_of,
    spatial_dims,
    voxel_size_of,
)
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.microstructure.seeds import resolve_seed
from microdsd.microstructure.windows import disjoint_windows
from microdsd.progress import Progress, Stage, part_of, stage

UNCORRELATED = 0.1
"""Correlation of the phases below which two slices count as independent: what varies with the
square of the field, as surfaces do, then correlates by a hundredth."""
SMALLEST_WINDOW = 8
_STEPS = 4
"""Of the progress, per direction: slices and windows measured, compared, judged."""


@dataclass(frozen=True)
class SliceDirection:
    """Hold the comparison of the slices of one direction.

    Attributes
    ----------
    axis : str
        The slices are normal to it.
    spacing : int or None
        Voxels between two slices of one volume, over which the correlation has decayed; None
        where it has not within half the volume: each volume then gives its middle slice alone.
    slices : int
        Independent slices that there are.
    evaluation : Evaluation
        Of windows of slices ("generated") against windows of the picture; it knows of no request.
    """

    axis: str
    spacing: int | None
    slices: int
    evaluation: Evaluation

    @property
    def verdict(self) -> Verdict:
        """Return the verdict on this direction."""
        return self.evaluation.verdict

    def to_dict(self) -> dict[str, Any]:
        """Convert everything but the arrays of labels to what JSON can hold."""
        document = self.evaluation.to_dict()
        for key in ("composition", "flatters", "provenance"):
            del document[key]
        return {"spacing": self.spacing, "independent_slices": self.slices, **document}


@dataclass(frozen=True)
class SliceEvaluation:
    """Hold all measurements of the slices of generated volumes and of windows of pictures.

    Attributes
    ----------
    generated : DataArray, dims (sample, z, y, x)
    phases : tuple of int
        Labels of the phases compared, the one in focus first.
    composition : tuple of PhaseComposition
        Requested and achieved counts of every phase, of the volumes.
    directions : tuple of SliceDirection
        In the order z, y, x; those that there is a picture of.
    notes : tuple of str
    flatters : str or None
        Warning where a picture is what the model was trained on.
    record : dict
        Provenance.
    """

    generated: xr.DataArray
    phases: tuple[int, ...]
    composition: tuple[PhaseComposition, ...]
    directions: tuple[SliceDirection, ...]
    notes: tuple[str, ...]
    flatters: str | None
    record: dict[str, Any]

    @property
    def exact(self) -> bool | None:
        """Tell whether all counts are the requested ones; None where no request is recorded."""
        known = [phase.exact for phase in self.composition if phase.exact is not None]
        return all(bool(exact.all()) for exact in known) if known else None

    @property
    def indistinguishable(self) -> bool | None:
        """Tell whether all directions are within the margins; None if one was not compared."""
        answers = [direction.verdict.indistinguishable for direction in self.directions]
        return None if None in answers else all(answers)

    @property
    def worst(self) -> tuple[SliceDirection, DescriptorDifference] | None:
        """Return the direction and descriptor furthest off in margins.

        Of those that differ, if any does; else of those that are not within the margin.
        """
        open_ones = [
            (direction, difference)
            for direction in self.directions
            for difference in direction.verdict.descriptors
            if direction.verdict.test(difference.descriptor).answer != WITHIN
        ]
        differing = [
            (direction, difference)
            for direction, difference in open_ones
            if direction.verdict.test(difference.descriptor).answer == DIFFERS
        ]

        def off(found: tuple[SliceDirection, DescriptorDifference]) -> float:
            part = found[1].largest
            return abs(part.relative or 0.0) / part.margin if differing else part.bound

        return max(differing or open_ones, key=off, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Convert everything but the arrays of labels to what JSON can hold."""
        names = phases_of(self.generated)
        worst = self.worst
        return {
            "judged": "slices",
            "samples": self.generated.sizes["sample"],
            "shape": list(self.generated.shape[1:]),
            "voxel_size": voxel_size_of(self.generated)._asdict(),
            "phases": {str(label): name for label, name in names.items()},
            "compared_phases": list(self.phases),
            "indistinguishable": self.indistinguishable,
            "worst": worst and {"axis": worst[0].axis, "descriptor": worst[1].descriptor},
            "not_judged": [
                axis
                for axis in SPATIAL_DIMS
                if axis not in {direction.axis for direction in self.directions}
            ],
            "composition": {
                "exact": self.exact,
                "phases": [phase.to_dict() for phase in self.composition],
            },
            "directions": {direction.axis: direction.to_dict() for direction in self.directions},
            "notes": list(self.notes),
            "flatters": self.flatters,
            "provenance": self.record,
        }


def evaluate_slices(
    generated: LabelsLike,
    reference: LabelsLike | Mapping[str, LabelsLike],
    *,
    window: int | Sequence[int] | None = None,
    phase: int | str | Sequence[int | str] | None = None,
    windows: int | None = None,
    rng: int | np.random.Generator | None = 0,
    margins: Mapping[str, float] | None = None,
    record: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> SliceEvaluation:
    """Recount generated volumes and compare their slices with windows of pictures.

    Parameters
    ----------
    generated : DataArray or ndarray
        One volume or an ensemble. The request is read from its provenance.
    reference : DataArray or ndarray, or mapping of "z", "y", "x" to these
        Pictures, dims ``([sample,] y, x)``: one for all directions, or one for each direction that
        they are normal to; its rows run along the first of the two axes left, in the order z, y,
        x. Directions without a picture are not judged.
    window : int or sequence of two int, optional
        Voxels per axis of the windows that are cut from slices and from pictures alike; by
        default a whole slice, if the picture holds enough of them.
    phase : int or str, or sequence of them, optional
        Phase or phases to compare, the one to show first; by default all.
    windows : int, optional
        Windows of a picture at most; by default all that fit without overlap, at most 256.
    rng : None, int or numpy Generator
    margins : mapping of str to float, optional
        Changes of the default margins; see `judge`.
    record : mapping, optional
        Further facts for the provenance.
    progress : Progress, optional

    Returns
    -------
    SliceEvaluation

    Raises
    ------
    InputError
        Pixels of another size, phases that do not match, or a picture that holds no window, or by
        default too few; says which window fits.

    Notes
    -----
    Slices of one volume are taken so far apart that the correlation of every phase between them is
    below 0.1: only these count as slices. The directions share the chance of a false alarm.
    What is connected in 3D is not seen in slices, and not judged.

    Examples
    --------
    >>> from microdsd.microstructure import blobs
    >>> new = blobs((24, 24, 24), fractions=(0.3, 0.7), scale=1, rng=0)
    >>> picture = blobs((96, 96), fractions=(0.3, 0.7), scale=1, rng=1)
    >>> result = evaluate_slices(new, picture)
    >>> [direction.axis for direction in result.directions], result.directions[0].slices
    (['z', 'y', 'x'], 4)
    """
    seed = resolve_seed(rng)
    generator = np.random.default_rng(seed)
    limits = margins_with(margins)
    volumes = as_ensemble(generated)
    if len(spatial_dims(volumes)) != 3:
        raise InputError("generated: is plane, and so are the pictures; compare them with evaluate")
    pictures = _pictures(reference)
    slices, reals, notes = _matched(volumes, pictures)
    shape = _window(window, slices, reals)
    training = (provenance_of(volumes) or {}).get("training") or {}
    phases = chosen_phases(next(iter(slices.values())), phase)
    flatters: str | None = None
    directions: list[SliceDirection] = []
    described: dict[Any, tuple[xr.DataArray, xr.Dataset]] = {}
    with stage("evaluating", _STEPS * len(slices), progress) as evaluating:
        for i, (axis, planes) in enumerate(slices.items()):
            step = _STEPS * i
            what = f"slices normal to {axis}"
            edges = shape or planes.shape[-2:]
            given = id(pictures[axis]), edges
            if given not in described:
                part, flattering = _unseen(training, reals[axis], edges)
                flatters = flatters or flattering
                fit = min(disjoint_windows(part, edges), windows or MOST_WINDOWS)
                real = cut_windows(part, edges, n=fit, rng=generator)
                described[given] = (
                    real,
                    _described(real, evaluating, step, f"{len(real)} windows of the picture"),
                )
            real, real_described = described[given]
            spacing = independent_spacing(volumes, axis)
            new = _cut(planes, spacing, edges, 2 * len(real), generator)
            new_described = _described(new, evaluating, step + 1, f"{len(new)} {what}")
            both = (new_described, real_described)
            evaluating.update(step + 2, status=f"comparing {what}")
            comparison = compare(new, real, periodic=False, rng=generator, described=both)
            verdict = judge(
                new,
                real,
                periodic=False,
                rng=generator,
                margins={name: margin.value for name, margin in limits.items()},
                described=both,
                comparisons=len(slices),
                progress=part_of(evaluating, step + 3, f"judging {what}"),
            )
            evaluation = Evaluation(
                generated=new,
                windows=real,
                phases=phases,
                composition=(),
                comparison=comparison,
                verdict=verdict,
                along_axes=axis_curves(new, real, phases=phases, periodic=False),
                periodic=False,
                notes=tuple(map(sentence, comparison.notes)),
                flatters=None,
                record={},
            )
            directions.append(
                SliceDirection(axis, spacing, _independent(planes, spacing), evaluation)
            )
    facts = measurement_record(volumes, None, seed)
    facts["sha256"] |= {
        f"picture normal to {axis}" if isinstance(reference, Mapping) else "picture": digest
        for axis, picture in pictures.items()
        for digest in measurement_record(as_ensemble(picture), None, seed)["sha256"].values()
    }
    return SliceEvaluation(
        generated=volumes,
        phases=phases,
        composition=composition(volumes),
        directions=tuple(directions),
        notes=tuple(map(sentence, [*(provenance_of(volumes) or {}).get("notes", ()), *notes])),
        flatters=flatters,
        record={**facts, **(record or {})},
    )


def independent_spacing(volumes: xr.DataArray, axis: str) -> int | None:
    """Return the distance in voxels at which slices of a volume are nearly independent.

    Parameters
    ----------
    volumes : DataArray, dims (sample, z, y, x)
    axis : {"z", "y", "x"}
        The slices are normal to it.

    Returns
    -------
    int or None
        The first lag at which the correlation of every phase has fallen to 0.1; None where it has
        not within half the volume.

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 2, (1, 16, 16, 16))
    >>> independent_spacing(as_microstructure(noise, ensemble=True), "z")
    1
    """
    distances = []
    for label in phases_of(volumes):
        s2 = two_point_probability(volumes, phase=label, periodic=False, axis=axis)
        curve = s2.mean("sample").values
        variance = curve[0] - curve[0] ** 2
        if variance > 0:
            decayed = np.flatnonzero((curve - curve[0] ** 2) / variance <= UNCORRELATED)
            distances.append(int(decayed[0]) if len(decayed) else None)
    return None if None in distances else max((d for d in distances if d), default=1)


def slices_of(volumes: xr.DataArray, axis: str) -> xr.DataArray:
    """Return all slices normal to an axis, dims ``(sample, slice, y, x)``, of pixels.

    Rows run along the first of the two axes left.
    """
    first, second = (dim for dim in SPATIAL_DIMS if dim != axis)
    turned = volumes.transpose("sample", axis, first, second)
    return xr.DataArray(
        turned.values,
        dims=("sample", "slice", "y", "x"),
        coords={
            dim: (dim, turned[old].values, turned[old].attrs)
            for dim, old in (("y", first), ("x", second))
            if old in turned.coords
        },
        attrs={key: value for key, value in volumes.attrs.items() if key == "phases"},
    )


def _pictures(reference: LabelsLike | Mapping[str, LabelsLike]) -> dict[str, xr.DataArray]:
    if isinstance(reference, Mapping):
        if not reference or not set(reference) <= set(SPATIAL_DIMS):
            raise InputError(f"reference: name the axes z, y or x, got {list(reference)}")
        pictures = {
            axis: as_microstructure(reference[axis]) for axis in SPATIAL_DIMS if axis in reference
        }
    else:
        pictures = dict.fromkeys(SPATIAL_DIMS, as_microstructure(reference))
    for axis, picture in pictures.items():
        if len(spatial_dims(picture)) != 2:
            raise InputError(
                f"reference: that of {axis} is a volume; compare volumes with evaluate, or give a "
                "picture of every direction"
            )
    return pictures


def _matched(
    volumes: xr.DataArray, pictures: Mapping[str, xr.DataArray]
) -> tuple[dict[str, xr.DataArray], dict[str, xr.DataArray], list[str]]:
    """Give slices and pictures the same phases and pixel size, by direction."""
    slices, reals, notes = {}, {}, []
    for axis, picture in pictures.items():
        stacked = slices_of(volumes, axis)
        plane = stacked.isel(slice=0, drop=True)
        plane, real, said = same_voxel_size(as_microstructure(plane), picture)
        plane, reals[axis] = same_phases(plane, real)
        stacked = stacked.assign_coords(
            {dim: plane[dim] for dim in ("y", "x") if dim in plane.coords}
        )
        slices[axis] = stacked.assign_attrs(phases=plane.attrs["phases"])
        notes += [note for note in said if note not in notes]
    return slices, reals, notes


def _window(
    window: int | Sequence[int] | None,
    slices: Mapping[str, xr.DataArray],
    pictures: Mapping[str, xr.DataArray],
) -> tuple[int, int] | None:
    """Return the window asked for, or None for whole slices, if pictures hold enough of it."""
    if window is not None:
        edges = [window] * 2 if isinstance(window, int) else [int(edge) for edge in window]
        edges = edges * 2 if len(edges) == 1 else edges
        if len(edges) != 2 or min(edges) < 1:
            raise InputError(f"window={window}: give one number, or one per axis of a slice")
    for axis, planes in slices.items():
        slice_shape, picture = planes.shape[-2:], pictures[axis]
        shape = slice_shape if window is None else tuple(edges)
        extent = tuple(picture.sizes[dim] for dim in spatial_dims(picture))
        if any(edge > length for edge, length in zip(shape, slice_shape, strict=True)):
            raise InputError(
                f"window={sizes(shape)}: larger than the slices normal to {axis}, of "
                f"{sizes(slice_shape)} voxels; take a smaller one"
            )
        fits = all(edge <= length for edge, length in zip(shape, extent, strict=True))
        number = disjoint_windows(picture, shape) if fits else 0
        fewest = fewest_for(phases_of(picture)).windows
        if number >= (fewest if window is None else 1):
            continue
        what = (
            f"the picture of {sizes(extent)} pixels is smaller than the slices normal to {axis}, "
            f"of {sizes(shape)} voxels"
            if not fits and window is None
            else f"the picture of {sizes(extent)} pixels holds {number} windows of "
            f"{sizes(shape)} without overlap, and a verdict needs {fewest}"
        )
        raise InputError(f"reference: {what}; {_remedy(slices, pictures)}")
    return None if window is None else (edges[0], edges[1])


def _remedy(slices: Mapping[str, xr.DataArray], pictures: Mapping[str, xr.DataArray]) -> str:
    """Say which window fits often enough into every picture."""
    edge = min(min(planes.shape[-2:]) for planes in slices.values())
    for axis, picture in pictures.items():
        fewest = fewest_for(phases_of(picture)).windows
        extent = [picture.sizes[dim] for dim in spatial_dims(picture)]
        while edge >= SMALLEST_WINDOW and (
            edge > min(extent) or disjoint_windows(picture, (edge, edge)) < fewest
        ):
            edge -= 1
        if edge < SMALLEST_WINDOW:
            return (
                f"nor does that of {axis} hold {fewest} windows of "
                f"{sizes((SMALLEST_WINDOW,) * 2)}; take a larger picture"
            )
    return f"compare windows of {edge} x {edge}, window={edge} (--window {edge})"


def _unseen(
    training: Mapping[str, Any], picture: xr.DataArray, edges: tuple[int, ...]
) -> tuple[xr.DataArray, str | None]:
    """Return what training has not seen of a picture, if that is enough; else all, warning."""
    part, _, flatters = without_training(training, picture, edges[0])
    if flatters is None and part.shape != picture.shape:
        fewest = fewest_for(phases_of(picture)).windows
        if min(part.shape[-2:]) < min(edges) or disjoint_windows(part, edges) < fewest:
            return picture, FLATTERS
    return part, flatters


def _cut(
    planes: xr.DataArray,
    spacing: int | None,
    edges: tuple[int, ...],
    most: int,
    rng: np.random.Generator,
) -> xr.DataArray:
    """Cut windows of independent slices, evenly spread over volumes and places."""
    chosen = planes.isel(slice=_places(planes.sizes["slice"], spacing))
    flat = as_microstructure(
        xr.DataArray(
            chosen.values.reshape(-1, *chosen.shape[-2:]),
            dims=("sample", "y", "x"),
            coords={dim: chosen[dim] for dim in ("y", "x") if dim in chosen.coords},
            attrs=chosen.attrs,
        )
    )
    wanted = min(disjoint_windows(flat, edges), max(FEWEST_WANTED, most))
    per_slice = -(-wanted // len(flat))
    kept = np.unique(np.linspace(0, len(flat) - 1, -(-wanted // per_slice)).round().astype(int))
    flat = flat.isel(sample=kept)
    number = min(wanted, disjoint_windows(flat, edges))
    return cut_windows(flat, edges, n=number, rng=rng)


def _places(layers: int, spacing: int | None) -> list[int]:
    """Return the layers of a volume that are one spacing apart, in its middle."""
    if spacing is None:
        return [layers // 2]
    number = 1 + (layers - 1) // spacing
    first = (layers - 1 - (number - 1) * spacing) // 2
    return [first + spacing * k for k in range(number)]


def _independent(planes: xr.DataArray, spacing: int | None) -> int:
    return planes.sizes["sample"] * len(_places(planes.sizes["slice"], spacing))


def _described(ms: xr.DataArray, evaluating: Stage, step: int, what: str) -> xr.Dataset:
    return describe(
        ms,
        periodic=False,
        descriptors=judged_groups(),
        progress=part_of(evaluating, step, f"measuring {what}"),
    )
