"""Requests that fix material, or the composition of every region, resolved before any work."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from microdsd.encoding import Composition, PhaseEncoding, encoding_of
from microdsd.errors import ExtrapolationWarning, InputError, MicrodsdWarning
from microdsd.generation.memory import require_memory_for_results
from microdsd.generation.options import SHARED_OPTIONS, SharedOptions
from microdsd.generation.request import GenerationRequest, box_of, number_of_samples
from microdsd.microstructure import LabelsLike
from microdsd.microstructure.arguments import box_shape, by_phase, refuse_unknown, whole_number
from microdsd.microstructure.canvas import fills_a_box, grid_regions
from microdsd.microstructure.layout import KNOWN, Layout
from microdsd.microstructure.uncertain import RequestedFractions, refuse_uncertain
from microdsd.models.card import ModelCard
from microdsd.models.methods import METHODS

_ARGUMENTS = ("n", "phase_fraction")


def inpainting_request(
    card: ModelCard,
    n: int,
    known: LabelsLike,
    unknown: ArrayLike,
    *,
    phase_fraction: RequestedFractions | float | str | Sequence[float] | None = None,
    repeats: int = 2,
    walls: bool = False,
    **options: Unpack[SharedOptions],
) -> GenerationRequest:
    """Request for completions; see `MicrostructureModel.inpaint`.

    Raises
    ------
    InputError
        If the known part holds more of a phase than the whole is to have; says what is possible.
    """
    refuse_unknown(options, (*_ARGUMENTS, "repeats", "walls", *SHARED_OPTIONS))
    encoding = _phases_by_bridges(card, "known")
    labels, mask = np.asarray(known), np.asarray(unknown)
    if mask.shape != labels.shape:
        raise InputError(f"unknown: its shape is {mask.shape}, that of the material {labels.shape}")
    if mask.dtype != bool:
        raise InputError(f"unknown: expected True where material is to be made, got {mask.dtype}")
    if not mask.any():
        raise InputError("unknown: no voxel is True, there is nothing to make")
    if labels.dtype.kind not in "iub":
        raise InputError(f"known: expected integer labels, got {labels.dtype}")
    repeats = whole_number(repeats, "repeats", least=1)
    if walls and not fills_a_box(mask):
        raise InputError(
            "walls: the law of walkers behind walls is known for one box, and the unknown part is "
            "none; make it one, or leave out the walls"
        )
    require_memory_for_results(
        number_of_samples(n), labels.shape, card, in_memory=True, known_material=not walls
    )
    fixed = labels[~mask]
    foreign = sorted(set(np.unique(fixed).tolist()) - set(card.phases))
    if foreign:
        raise InputError(
            f"known: holds the labels {foreign}, the model knows {dict(card.phases)}; relabel "
            "them, on the command line name them with --labels, or mark them as unknown"
        )
    held = np.array([(fixed == label).sum() for label in encoding.phases])
    if phase_fraction is None and len(fixed):
        phase_fraction = dict(zip(encoding.names, (held / len(fixed)).tolist(), strict=True))
    request = GenerationRequest.resolve(
        card, n, phase_fraction=phase_fraction, shape=labels.shape, **options
    )
    return replace(
        request,
        composition=request.composition.completing(held),
        layout=Layout(np.where(mask, 0, KNOWN), np.where(mask, 0, labels), walls),
        plan=replace(request.plan, repeats=repeats),
    )


def regional_request(
    card: ModelCard,
    n: int,
    phase_fraction: Mapping[int | str, ArrayLike] | ArrayLike,
    *,
    region_map: ArrayLike | None = None,
    shape: int | Sequence[int] | None = None,
    **options: Unpack[SharedOptions],
) -> GenerationRequest:
    """Request for samples with a composition per region; see `MicrostructureModel.sample_regions`.

    Raises
    ------
    InputError
        For fractions that do not fit the regions, or that no whole voxels can meet.
    """
    refuse_unknown(options, (*_ARGUMENTS, "region_map", "shape", *SHARED_OPTIONS))
    encoding = _phases_by_bridges(card, "phase_fraction")
    n = number_of_samples(n)
    refuse_uncertain(phase_fraction, "every region has a fraction of its own")
    try:
        columns = {
            key: np.asarray(value, dtype=float)
            for key, value in by_phase(phase_fraction, card.phases).items()
        }
    except (TypeError, ValueError) as error:
        raise InputError(f"phase_fraction: every fraction must be a number ({error})") from error
    if not columns:
        raise InputError("phase_fraction: give the fractions of all phases but one")
    grids = {column.shape for column in columns.values() if column.ndim}
    if len(grids) > 1:
        raise InputError(f"phase_fraction: arrays of one shape are needed, got {sorted(grids)}")
    if region_map is None:
        if not grids:
            raise InputError("phase_fraction: give an array of fractions, one per block of a grid")
        shape = box_of(card, shape)
        require_memory_for_results(n, shape, card, in_memory=True)
        index = grid_regions(shape, *grids)
        number = math.prod(*grids)
    else:
        labels = np.asarray(region_map)
        if labels.dtype.kind not in "iu":
            raise InputError(f"region_map: expected integers, got {labels.dtype}")
        if shape is not None and box_shape(shape, labels.shape) != labels.shape:
            raise InputError(
                f"shape={shape}: the map of regions is of {labels.shape}; leave shape out"
            )
        present, index = np.unique(labels, return_inverse=True)
        shape, index, number = box_of(card, labels.shape), index.reshape(labels.shape), len(present)
        require_memory_for_results(n, shape, card, in_memory=True)
        if grids not in (set(), {(number,)}):
            raise InputError(
                f"phase_fraction: the map has {number} regions, got arrays of shape "
                f"{grids.pop()}; give one fraction for each region, in ascending order"
            )
    table = {key: np.broadcast_to(c.ravel(), number) for key, c in columns.items()}
    sizes = np.bincount(index.ravel(), minlength=number)
    composition = Composition.from_regions(encoding, table, sizes, n)
    layout = Layout(index, np.zeros(shape, np.int64))
    request = GenerationRequest.of(card, composition, shape, layout=layout, **options)
    cautions = _regional_cautions(card, composition.counts[0] / sizes[:, None])
    return replace(request, cautions=(*request.cautions, *cautions))


def _regional_cautions(card: ModelCard, fractions: np.ndarray) -> list[MicrodsdWarning]:
    """Return what training windows were never like."""
    cautions: list[MicrodsdWarning] = []
    for k, name in enumerate(card.contents.names):
        low, high = card.fraction_range[name]
        outside = int(((fractions[:, k] < low) | (fractions[:, k] > high)).sum())
        if outside:
            cautions.append(
                ExtrapolationWarning(
                    f"{name}: {outside} of {len(fractions)} regions lie outside the {low:.3g} to "
                    f"{high:.3g} of the training windows: their counts will be exact, but their "
                    "structure is an extrapolation"
                )
            )
    return cautions


def _phases_by_bridges(card: ModelCard, argument: str) -> PhaseEncoding:
    """Return the encoding of a model that can complete material."""
    what = "known material and regions"
    METHODS[card.method].require_potential(what)
    return encoding_of(card.contents).require_phases(argument, what)
