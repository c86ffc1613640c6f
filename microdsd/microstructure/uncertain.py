"""Fractions that are known to some accuracy only, and drawn anew for every sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.microstructure.notation import number_remedy

MEASURED = "measured"
"""Asks for the fraction of the training scan, drawn with its own standard error."""

SEPARATOR = "~"

RequestedFractions = Mapping[int | str, "float | str | Sequence[float]"]
"""Phase to its fraction: a number, one per sample, "measured", or "MEAN~STANDARD_DEVIATION"."""

_TRIALS = 1000


@dataclass(frozen=True)
class UncertainFraction:
    """Describe a fraction as a normal distribution, of which only possible values are drawn.

    Attributes
    ----------
    mean, standard_deviation : float

    Examples
    --------
    >>> UncertainFraction.parse("0.196~0.004")
    UncertainFraction(mean=0.196, standard_deviation=0.004)
    """

    mean: float
    standard_deviation: float

    @classmethod
    def parse(cls, text: str, argument: str = "fraction") -> UncertainFraction | None:
        """Read "MEAN~STANDARD_DEVIATION"; None stands for "measured".

        Raises
        ------
        InputError
            For any other text, or numbers that no fraction has.
        """
        if text.strip() == MEASURED:
            return None
        mean, _, deviation = text.partition(SEPARATOR)
        try:
            law = cls(float(mean), float(deviation))
        except ValueError:
            raise InputError(
                f"{argument}={text!r}: give a number, {MEASURED!r}, or mean and standard "
                f"deviation, as 0.196~0.004{number_remedy(text)}"
            ) from None
        if not (0 <= law.mean <= 1 and 0 <= law.standard_deviation < 1):
            raise InputError(
                f"{argument}={text!r}: give a mean from 0 to 1 and a standard deviation below 1"
            )
        return law


def refuse_uncertain(fractions: Any, what: str) -> None:
    """Refuse fractions that are drawn, where every sample's must be named.

    Raises
    ------
    InputError
        Says what has no place for them.
    """
    values = fractions.values() if isinstance(fractions, Mapping) else [fractions]
    for value in values:
        if isinstance(value, str) and (value.strip() == MEASURED or SEPARATOR in value):
            raise InputError(
                f"phase_fraction={value!r}: {what}; give numbers, and draw uncertain fractions "
                "with generate"
            )


def joint_covariance(deviations: Sequence[float]) -> NDArray[np.float64]:
    """Return the covariance of all fractions of a material, which add to one.

    Two or three standard deviations determine it. Of more phases, all deviate independently, but
    for what makes their sum vanish.

    Parameters
    ----------
    deviations : sequence of float
        Standard deviation of every phase. They are kept, where fractions that add to one can have
        them: none is larger than the sum of the others.

    Examples
    --------
    >>> joint_covariance([0.03, 0.03]).round(6).tolist()
    [[0.0009, -0.0009], [-0.0009, 0.0009]]
    >>> three = joint_covariance([0.03, 0.02, 0.04])
    >>> np.sqrt(np.diag(three)).round(6).tolist(), bool(abs(three.sum(0)).max() < 1e-12)
    ([0.03, 0.02, 0.04], True)
    """
    variances = np.square(np.asarray(deviations, dtype=float))
    n = len(variances)
    if n == 2:
        opposite: NDArray[np.float64] = np.array([[1.0, -1.0], [-1.0, 1.0]]) * variances.mean()
        return opposite
    # The diagonal of P D P, with P the projection on deviations without a sum, is `variances`.
    total = variances.sum() * n / (n - 1)
    own = (variances - total / n**2) / (1 - 2 / n)
    projection = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(projection @ np.diag(own) @ projection)
    covariance: NDArray[np.float64] = (vectors * np.clip(values, 0, None)) @ vectors.T
    return covariance


def draw_possible(
    means: NDArray[np.float64],
    covariance: NDArray[np.float64],
    most: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw fractions from a normal distribution, again until they are possible.

    Parameters
    ----------
    means, covariance : ndarray, shapes (k,) and (k, k)
    most : float
        What they may add to.
    rng : Generator

    Raises
    ------
    InputError
        If next to no draw is possible.
    """
    values, vectors = np.linalg.eigh(covariance)
    roots = vectors * np.sqrt(np.clip(values, 0, None))
    for _ in range(_TRIALS):
        drawn: NDArray[np.float64] = means + roots @ rng.standard_normal(len(means))
        if (drawn >= 0).all() and (drawn <= 1).all() and drawn.sum() <= most + 1e-9:
            return drawn
    raise InputError(
        f"phase_fraction: of {_TRIALS} draws with the means {means.round(4).tolist()} none was "
        f"from 0 to 1 and left room for the other phases ({most:.4g}); lower means or deviations"
    )


def spread_words(values: Iterable[float], most: int = 12) -> str:
    """List numbers, or of many their range.

    Examples
    --------
    >>> spread_words([0.19613, 0.2]), spread_words([0.1, 0.3], most=1)
    ('0.1961, 0.2000', '0.1000 to 0.3000')
    """
    numbers = list(values)
    if len(numbers) > most:
        return f"{min(numbers):.4f} to {max(numbers):.4f}"
    return ", ".join(f"{number:.4f}" for number in numbers)
