"""Where to look next: a Gaussian process and its expected improvement, by Optuna."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from microdsd.errors import MicrodsdError
from microdsd.inverse.questions import Direction
from microdsd.inverse.variables import Variable

Search = Literal["bayesian", "random"]


@dataclass(frozen=True)
class History:
    """Hold what is known of all candidates so far.

    Attributes
    ----------
    points : ndarray, shape (candidates, variables)
    values : ndarray, shape (candidates, objectives)
        Finite or not: what is not counts as the worst of the others.
    excesses : ndarray, shape (candidates, requirements)
        By how much each requirement is broken; above 0 where it is.
    """

    points: NDArray[np.float64]
    values: NDArray[np.float64]
    excesses: NDArray[np.float64]


def require_optuna() -> None:
    """Refuse to begin where Optuna is not installed.

    Raises
    ------
    MicrodsdError
        Names the extra.
    """
    _optuna()


def _optuna() -> Any:
    """Import Optuna, whose logger otherwise prints a line for every study."""
    try:
        import optuna
    except ImportError as error:
        raise MicrodsdError('design needs Optuna: pip install "microdsd[design]"') from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def starting_points(variables: int) -> int:
    """Return how many candidates are spread evenly before anything is learned from them."""
    return 4 + 2 * variables


def propose(
    variables: Sequence[Variable],
    directions: Sequence[Direction],
    history: History,
    search: Search,
    seed: int,
) -> list[float]:
    """Return the point of the next candidate; it depends on the seed and the history alone.

    The first points are those of a scrambled Sobol sequence. Each later one maximises the expected
    improvement, of several objectives that of the hypervolume, times the probability that
    requirements are kept.
    """
    number = len(history.points)
    low = np.array([one.low for one in variables])
    high = np.array([one.high for one in variables])
    if search == "random":
        unit = np.random.default_rng([seed, number]).random(len(variables))
        return [float(x) for x in low + unit * (high - low)]
    if number < starting_points(len(variables)):
        rng = np.random.default_rng(seed)
        sequence = qmc.Sobol(len(variables), scramble=True, rng=rng)
        unit = sequence.random_base2(int(np.ceil(np.log2(starting_points(len(variables))))))
        return [float(x) for x in low + unit[number] * (high - low)]
    return _by_gaussian_process(variables, directions, history, seed)


def _by_gaussian_process(
    variables: Sequence[Variable],
    directions: Sequence[Direction],
    history: History,
    seed: int,
) -> list[float]:
    optuna = _optuna()
    # A sampler of its own for every candidate: what one remembers of its earlier fits would be lost
    # when a stopped run goes on.
    chosen = int(np.random.default_rng([seed, len(history.points)]).integers(1 << 31))
    study = optuna.create_study(
        directions=[word.replace("ise", "ize") for word in directions],
        sampler=optuna.samplers.GPSampler(seed=chosen, n_startup_trials=0),
    )
    space = {
        str(one): optuna.distributions.FloatDistribution(one.low, one.high) for one in variables
    }
    signs = np.array([1.0 if word == "minimise" else -1.0 for word in directions])
    values = signs * _with_worst(signs * history.values)
    excesses = _with_worst(history.excesses)
    study.add_trials(
        [
            optuna.trial.create_trial(
                params=dict(zip(space, map(float, point), strict=True)),
                distributions=space,
                values=row.tolist(),
                constraints={str(k): float(excess) for k, excess in enumerate(broken)},
            )
            for point, row, broken in zip(history.points, values, excesses, strict=True)
        ]
    )
    trial = study.ask(space)
    return [float(trial.params[str(one)]) for one in variables]


def _with_worst(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace what is not finite by the largest number of its column; 1 where there is none.

    Examples
    --------
    >>> _with_worst(np.array([[1.0], [np.inf], [3.0]])).tolist()
    [[1.0], [3.0], [3.0]]
    """
    filled = columns.copy()
    for column in filled.T:
        finite = np.isfinite(column)
        column[~finite] = column[finite].max() if finite.any() else 1.0
    return filled


def pareto_front(
    values: NDArray[np.float64], directions: Sequence[Direction], allowed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mark the allowed candidates that no other beats in one objective and equals in the rest.

    Parameters
    ----------
    values : ndarray, shape (candidates, objectives)
    directions : sequence of {"minimise", "maximise"}
    allowed : ndarray of bool, shape (candidates,)
        Candidates that keep the requirements; those with an objective that is not finite do not
        count, either.

    Examples
    --------
    >>> values = np.array([[1.0, 5.0], [2.0, 6.0], [2.0, 5.0], [0.0, np.nan]])
    >>> pareto_front(values, ["minimise", "maximise"], np.ones(4, bool)).tolist()
    [True, True, False, False]
    """
    signs = np.array([1.0 if word == "minimise" else -1.0 for word in directions])
    costs = signs * values
    counted = allowed & np.isfinite(costs).all(1)
    front = counted.copy()
    for i in np.flatnonzero(counted):
        others = costs[counted]
        dominated = (others <= costs[i]).all(1) & (others < costs[i]).any(1)
        front[i] = not dominated.any()
    return front
