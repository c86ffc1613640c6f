"""What networks and guides return is checked: one number that is none would never come to rest."""

from __future__ import annotations

import torch
from torch import Tensor

from microdsd.errors import InputError, MicrodsdError


class NonFiniteNetworkError(MicrodsdError, ArithmeticError):
    """Report a network that returned what is not a finite number."""


def require_finite_output(field: Tensor, what: str, sigma: float) -> None:
    """Refuse what a network returned at a noise level, voxels, if not all of it is finite.

    Raises
    ------
    NonFiniteNetworkError

    Examples
    --------
    >>> require_finite_output(torch.tensor([0.0, float("nan")]), "potential", 2.0)
    Traceback (most recent call last):
    ...
    microdsd.sampling.finite.NonFiniteNetworkError: network: 1 of 2 values of its potential are \
not finite numbers at noise level 2 voxels; its weights are damaged or its training has \
diverged, take an earlier model; if it was run in bfloat16, try float32
    """
    if bool(torch.isfinite(field).all()):
        return
    wrong = int((~torch.isfinite(field)).sum())
    raise NonFiniteNetworkError(
        f"network: {wrong} of {field.numel()} values of its {what} are not finite numbers at noise "
        f"level {sigma:.3g} voxels; its weights are damaged or its training has diverged, take an "
        "earlier model; if it was run in bfloat16, try float32"
    )


def require_guide_weights(weight: Tensor, expected: Tensor, sigma: float) -> None:
    """Refuse weights of a guide that are NaN, or not one per phase and voxel.

    Infinite weights have a meaning, "nowhere" and "surely": they are clamped.

    Raises
    ------
    InputError

    Examples
    --------
    >>> expected = torch.full((1, 2, 3), 0.5)
    >>> require_guide_weights(expected / 0 - expected / 0, expected, 2.0)
    Traceback (most recent call last):
    ...
    microdsd.errors.InputError: guide: 6 of its 6 weights are NaN at noise level 2 voxels; let it \
return log-weights, 0 where it has nothing to say
    """
    if not isinstance(weight, Tensor):
        raise InputError(f"guide: returned a {type(weight).__name__}; let it return a Tensor")
    if weight.shape != expected.shape:
        raise InputError(
            f"guide: returned weights of shape {tuple(weight.shape)} at noise level {sigma:.3g} "
            f"voxels; one per phase and voxel is needed, {tuple(expected.shape)}"
        )
    if bool(weight.isnan().any()):
        raise InputError(
            f"guide: {int(weight.isnan().sum())} of its {weight.numel()} weights are NaN at noise "
            f"level {sigma:.3g} voxels; let it return log-weights, 0 where it has nothing to say"
        )
