"""Evaluation of generated volumes against pictures: slices against windows, per direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.evaluation.comparison import compare
from microdsd.evaluation.directional import axis_curves
from microdsd.evaluation.evaluation import Evaluation, chosen_phases, measurement_record, sentence
from microdsd.evaluation.recount import composition
from microdsd.evaluation.reference import MOST_WINDOWS
from microdsd.evaluation.slice_cutting import (
    independent_slices,
    independent_spacing,
    windows_of_slices,
)
from microdsd.evaluation.slice_reference import common_window, match_pictures, unseen_part
from microdsd.evaluation.slice_result import SliceDirection, SliceEvaluation
from microdsd.evaluation.verdict import judge, margins_with
from microdsd.metrics import describe
from microdsd.metrics.registry import judged_groups
from microdsd.microstructure import (
    LabelsLike,
    as_ensemble,
    cut_windows,
    provenance_of,
    spatial_dims,
)
from microdsd.microstructure.seeds import resolve_seed
from microdsd.microstructure.windows import disjoint_windows
from microdsd.progress import Progress, Stage, part_of, stage

_STEPS = 4
"""Of the progress, per direction: slices and windows measured, compared, judged."""


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
    (['z', 'y', 'x'], 8)
    """
    seed = resolve_seed(rng)
    generator = np.random.default_rng(seed)
    limits = margins_with(margins)
    volumes = as_ensemble(generated)
    if len(spatial_dims(volumes)) != 3:
        raise InputError("generated: is plane, and so are the pictures; compare them with evaluate")
    matched = match_pictures(volumes, reference)
    shape = common_window(window, matched)
    provenance = provenance_of(volumes) or {}
    phases = chosen_phases(volumes, phase)
    directions: list[SliceDirection] = []
    notes = [*provenance.get("notes", ()), *matched.notes]
    flatters: str | None = None
    described: dict[Any, tuple[xr.DataArray, xr.Dataset]] = {}
    with stage("evaluating", _STEPS * len(matched.slices), progress) as evaluating:
        for i, (axis, planes) in enumerate(matched.slices.items()):
            measure = partial(_described, evaluating=evaluating, done=_STEPS * i)
            edges = shape or planes.shape[-2:]
            # One picture for all directions is measured once.
            same = id(matched.given[axis]), edges
            if same not in described:
                part, note, warning = unseen_part(
                    provenance.get("training") or {}, matched.pictures[axis], edges
                )
                notes += [note] if note else []
                flatters = flatters or warning
                fit = min(disjoint_windows(part, edges), windows or MOST_WINDOWS)
                cut = cut_windows(part, edges, n=fit, rng=generator)
                described[same] = cut, measure(cut, what=f"{fit} windows of the picture")
            real, of_real = described[same]
            spacing = independent_spacing(volumes, axis)
            new = windows_of_slices(planes, spacing, edges, 2 * len(real), generator)
            both = (measure(new, what=f"{len(new)} slices normal to {axis}", step=1), of_real)
            judging = part_of(evaluating, _STEPS * i + 2, f"judging slices normal to {axis}")
            comparison = compare(new, real, periodic=False, rng=generator, described=both)
            evaluation = Evaluation(
                generated=new,
                windows=real,
                phases=phases,
                composition=(),
                comparison=comparison,
                verdict=judge(
                    new,
                    real,
                    periodic=False,
                    rng=generator,
                    margins={name: margin.value for name, margin in limits.items()},
                    described=both,
                    comparisons=len(matched.slices),
                    progress=judging,
                ),
                along_axes=axis_curves(new, real, phases=phases, periodic=False),
                periodic=False,
                notes=tuple(map(sentence, comparison.notes)),
                flatters=None,
                record={},
            )
            directions.append(
                SliceDirection(axis, spacing, independent_slices(planes, spacing), evaluation)
            )
    facts = measurement_record(volumes, None, seed)
    facts["sha256"] |= {
        f"picture normal to {axis}" if isinstance(reference, Mapping) else "picture": digest
        for axis, picture in matched.given.items()
        for digest in measurement_record(as_ensemble(picture), None, seed)["sha256"].values()
    }
    return SliceEvaluation(
        generated=volumes,
        phases=phases,
        composition=composition(volumes),
        directions=tuple(directions),
        notes=tuple(map(sentence, notes)),
        flatters=flatters,
        record={**facts, **(record or {})},
    )


def _described(
    ms: xr.DataArray, *, evaluating: Stage, done: int, what: str, step: int = 0
) -> xr.Dataset:
    progress = part_of(evaluating, done + step, f"measuring {what}")
    return describe(ms, periodic=False, descriptors=judged_groups(), progress=progress)
