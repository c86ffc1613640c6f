"""Series of microstructures over one phase fraction."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.generation.memory import require_memory_for_results
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.generation.request import SHARED_OPTIONS, GenerationRequest
from microdsd.microstructure.arguments import box_shape, by_phase, refuse_unknown, whole_number
from microdsd.microstructure.composition import Fractions
from microdsd.microstructure.labels import find_phase
from microdsd.models.card import ModelCard


def sample_sweep(
    model: MicrostructureModel,
    phase_fraction: Fractions | Sequence[float],
    n: int = 1,
    *,
    paired: bool = False,
    **options: Any,
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
    **options
        Of `MicrostructureModel.sample`: ``shape``, ``boundary``, ``evaluations``,
        ``sigma_last``, ``rng``.

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
    return model.carry_out(sweep_request(model.card, phase_fraction, n, paired=paired, **options))


def sweep_request(
    card: ModelCard,
    phase_fraction: Fractions | Sequence[float],
    n: int = 1,
    *,
    paired: bool = False,
    **options: Any,
) -> GenerationRequest:
    """Check and resolve a sweep into one request; see `sample_sweep`.

    The swept phase comes first among the fractions of the request.
    """
    refuse_unknown(options, ("n", "phase_fraction", "paired", "shape", "epsilon", *SHARED_OPTIONS))
    if whole_number(n, "n", least=0) < 1:
        raise InputError(f"n={n}: ask for at least one sample of each fraction")
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
    shape = box_shape(options.get("shape"), card.window)
    require_memory_for_results(len(values) * n, shape, card.network)
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
        **options,
    )
    if not rest:
        return request
    shared = f"{' and '.join(map(str, rest))} share the rest as they do in the training windows"
    return dataclasses.replace(request, remarks=(*request.remarks, shared))


def _shared_rest(
    card: ModelCard, fractions: Mapping[int | str, np.ndarray]
) -> dict[int | str, np.ndarray]:
    """Fractions of the phases that are not named, if they are more than one."""
    named = {find_phase(card.phases, phase) for phase in fractions}
    means = {
        name: card.fraction_mean[name] for label, name in card.phases.items() if label not in named
    }
    if len(means) < 2:
        return {}
    rest = 1 - np.sum(list(fractions.values()), axis=0)
    return {name: rest * mean / sum(means.values()) for name, mean in means.items()}
