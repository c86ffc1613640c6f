"""Series of microstructures over one phase fraction."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Never, Unpack

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.generation.options import SHARED_OPTIONS, SharedOptions
from microdsd.generation.request import GenerationRequest, require_memory
from microdsd.generation.samples import carry_out
from microdsd.generation.targets import Targets
from microdsd.microstructure.arguments import box_shape, by_phase, refuse_unknown, whole_number
from microdsd.microstructure.composition import Fractions
from microdsd.microstructure.labels import find_phase
from microdsd.microstructure.uncertain import refuse_uncertain
from microdsd.models.card import ModelCard
from microdsd.process import Boundary
from microdsd.progress import Progress
from microdsd.sampling.guidance import Guide


def sample_sweep(
    model: MicrostructureModel,
    phase_fraction: Fractions | Sequence[float],
    n: int = 1,
    *,
    paired: bool = False,
    shape: int | Sequence[int] | None = None,
    class_name: str | Sequence[str] | None = None,
    guidance: float = 1.0,
    targets: Targets | None = None,
    particles: int = 1,
    extrapolate: bool = False,
    boundary: Boundary | Sequence[Boundary] = "no-flux",
    evaluations: int | None = None,
    sigma_last: float | None = None,
    epsilon: float | None = None,
    guide: Guide | None = None,
    rng: int | np.random.Generator | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    **misspelt: Never,
) -> xr.DataArray:
    """Generate n microstructures at each of several fractions of one phase.

    Parameters
    ----------
    model : MicrostructureModel
    phase_fraction : mapping of phase to floats
        By label or name: one phase with the series of its fractions, others with one number.
        Phases that are not named share the rest as they do in the training windows.
    n : int
        Samples per fraction.
    paired : bool
        Sample i of every fraction starts from the same walkers and moves them by the same
        numbers: walkers are added or removed, and the rest changes as little as it can.
    shape : int or sequence of int, optional
        Voxels per axis, one number for all of them; the training window's by default.
    class_name : str or one per sample, optional
        Which of its classes (`ModelCard.classes`) the model is to make.
    guidance : float
        How strongly the walk is steered to class and targets; 1 is as in training.
    targets : mapping of str to float or to one per sample, optional
        Properties that samples are to have besides their composition, as
        ``{"specific_surface_area": 0.15}``: those that the model was trained with
        (`microdsd.fit`, ``conditions``), and with several particles any.
    particles : int
        Walks made for every sample, of which those are continued that come nearest to the
        targets, and one is returned.
    extrapolate : bool
        Try targets beyond what is attainable at the composition, which are refused else.
    boundary : {"no-flux", "periodic"} or one per axis
    evaluations : int, optional
        Network evaluations per sample; more is slower and closer to the data.
    sigma_last : float, optional
        Noise level, voxels, at which walkers are assigned to voxels; by default the one
        that the model was calibrated to.
    epsilon : float, optional
        For tau-leaping, in place of ``evaluations``: the paper's rule, leaps in which at
        most this share of a voxel's walkers leaves.
    guide : callable, optional
        Steers the walk without touching a count; see `microdsd.sampling.guidance`.
    rng : int or Generator, optional
        Sample i depends on the seed and i alone; of paired samples, i counts within a fraction.
    seed : int, optional
        Another name of ``rng``.
    progress : Progress, optional
        Receives how many network evaluations are made, and of how many.

    Returns
    -------
    DataArray, dims (sample, [z,] y, x)
        The n samples of the first fraction, then those of the second, and so on.

    Raises
    ------
    InputError
        For a series that cannot be made; says what can.

    Examples
    --------
    >>> model = MicrostructureModel.load("berea-2d")
    >>> series = sample_sweep(
    ...     model, {"pore": [0.2, 0.3]}, paired=True, shape=(16, 16), evaluations=4, rng=0
    ... )
    >>> (series == 0).sum(("y", "x")).values
    array([51, 77])
    """
    model = model if shape is None else model.of_axes(np.size(np.asarray(shape)))
    request = sweep_request(
        model.card,
        phase_fraction,
        n,
        paired=paired,
        shape=shape,
        epsilon=epsilon,
        class_name=class_name,
        guidance=guidance,
        targets=targets,
        particles=particles,
        extrapolate=extrapolate,
        boundary=boundary,
        evaluations=evaluations,
        sigma_last=sigma_last,
        guide=guide,
        rng=rng,
        seed=seed,
        **misspelt,
    )
    return carry_out(model, request, progress)


def sweep_request(
    card: ModelCard,
    phase_fraction: Fractions | Sequence[float],
    n: int = 1,
    *,
    paired: bool = False,
    shape: int | Sequence[int] | None = None,
    epsilon: float | None = None,
    **options: Unpack[SharedOptions],
) -> GenerationRequest:
    """Check and resolve a sweep into one request; see `sample_sweep`.

    The swept phase comes first among the fractions of the request.
    """
    refuse_unknown(options, ("n", "phase_fraction", "paired", "shape", "epsilon", *SHARED_OPTIONS))
    if whole_number(n, "n", least=0) < 1:
        raise InputError(f"n={n}: ask for at least one sample of each fraction")
    refuse_uncertain(phase_fraction, "a sweep names the fraction of every sample")
    phase_fraction = by_phase(phase_fraction, card.phases)
    swept = [phase for phase, value in phase_fraction.items() if np.ndim(value) == 1]
    if len(swept) != 1:
        raise InputError(
            f"phase_fraction={dict(phase_fraction)}: give one phase a series of fractions, "
            "the others one number each or none"
        )
    try:
        values = np.asarray(phase_fraction[swept[0]], dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"phase_fraction[{swept[0]!r}]: give numbers ({error})") from error
    if not values.size:
        raise InputError(f"phase_fraction[{swept[0]!r}]: give at least one fraction")
    shape = box_shape(shape, card.window)
    require_memory(card, len(values) * n, shape, options)
    fractions = {
        phase: np.repeat(np.broadcast_to(np.asarray(value, dtype=float), len(values)), n)
        for phase, value in {swept[0]: values, **phase_fraction}.items()
    }
    rest = _shared_rest(card, fractions)
    request = GenerationRequest.resolve(
        card,
        len(values) * n,
        phase_fraction={phase: v.tolist() for phase, v in (fractions | rest).items()},
        streams=list(range(n)) * len(values) if paired else None,
        shape=shape,
        epsilon=epsilon,
        **options,
    )
    if not rest:
        return request
    shared = f"{' and '.join(map(str, rest))} share the rest as they do in the training windows"
    return dataclasses.replace(request, remarks=(*request.remarks, shared))


def _shared_rest(
    card: ModelCard, fractions: Mapping[int | str, np.ndarray]
) -> dict[int | str, np.ndarray]:
    """Return fractions of the phases that are not named, if they are more than one."""
    named = {find_phase(card.phases, phase) for phase in fractions}
    means = {
        name: card.fraction_mean[name] for label, name in card.phases.items() if label not in named
    }
    if len(means) < 2:
        return {}
    rest = 1 - np.sum(list(fractions.values()), axis=0)
    return {name: rest * mean / sum(means.values()) for name, mean in means.items()}
