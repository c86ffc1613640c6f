"""Gradient, divergence and preconditioned conjugate gradients on a periodic grid of voxels.

The potential or displacement lives on the corners of the voxels, its gradient at their centres:
the rotated scheme. Tensors are torch, the grid axes come last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

MAX_ITERATIONS = 2000


def gradient(field: Tensor, spacing: Sequence[float]) -> Tensor:
    r"""Compute the gradient at voxel centres of a field on corners.

    The difference along one axis, averaged over the other axes of the :math:`2^D` corners.

    References
    ----------
    Willot, C. R. Mécanique 343 (2015) 232, doi:10.1016/j.crme.2014.12.005.

    Examples
    --------
    >>> ramp = torch.tensor([[0.0, 1.0, 2.0]] * 2)
    >>> gradient(ramp, (1, 1))[:, 0, :2].tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    mean, parts = field, list[torch.Tensor]()
    for axis, edge in enumerate(spacing, start=-len(spacing)):
        parts = [_mean(part, axis, -1) for part in parts]
        ahead = mean.roll(-1, axis)
        parts.append((ahead - mean) / edge)
        mean = (ahead + mean) / 2
    return torch.stack(parts, dim=-len(spacing) - 1)


def divergence(field: Tensor, spacing: Sequence[float]) -> Tensor:
    """Compute the divergence at corners of a field at centres: minus the adjoint of `gradient`."""
    parts = list(field.unbind(-len(spacing) - 1))
    total = torch.zeros_like(parts[0])
    for axis, edge in reversed(list(enumerate(spacing, start=-len(spacing)))):
        part = parts.pop()
        total = _mean(total, axis, 1) + (part - part.roll(1, axis)) / edge
        parts = [_mean(rest, axis, 1) for rest in parts]
    return total


def _mean(field: Tensor, axis: int, shift: int) -> Tensor:
    return (field + field.roll(shift, axis)) / 2


def symbol(shape: Sequence[int], spacing: Sequence[float], device: torch.device) -> Tensor:
    """Return the Fourier symbol of `gradient` on frequencies of `torch.fft.rfftn`, (D, ...)."""
    point = torch.zeros(tuple(shape), dtype=torch.float64, device=device)
    point[(0,) * len(shape)] = 1.0
    transform: Tensor = torch.fft.rfftn(gradient(point, spacing), dim=tuple(range(-len(shape), 0)))
    return transform


class Solution(NamedTuple):
    """Hold the field that solves the equations, and its residual.

    Attributes
    ----------
    field : Tensor
    residual : float
        Square root of the energy that the preconditioner sees in what is left over `scale`.
    iterations : int
    converged : bool
    """

    field: Tensor
    residual: float
    iterations: int
    converged: bool


def conjugate_gradients(
    apply: Callable[[Tensor], Tensor],
    precondition: Callable[[Tensor], Tensor],
    right: Tensor,
    *,
    scale: float,
    tolerance: float,
) -> Solution:
    """Solve ``apply(u) = right`` with a symmetric positive semi-definite operator.

    Parameters
    ----------
    apply, precondition : callable
    right : Tensor
    scale : float
        Energy of the load; where it is 0 nothing conducts, and zero is the solution.
    tolerance : float
        Residual at which to stop.

    References
    ----------
    Hestenes and Stiefel, J. Res. Natl. Bur. Stand. 49 (1952) 409, doi:10.6028/jres.049.044.
    """
    solution, remainder = torch.zeros_like(right), right.clone()
    direction = torch.zeros_like(right)
    iteration, previous = 0, torch.inf
    while True:
        image = precondition(remainder)
        energy = float(torch.sum(remainder * image))
        residual = (energy / scale) ** 0.5 if scale > 0 else 0.0
        if residual <= tolerance or iteration == MAX_ITERATIONS:
            return Solution(solution, residual, iteration, residual <= tolerance)
        direction = image + energy / previous * direction
        response = apply(direction)
        step = energy / float(torch.sum(direction * response))
        solution += step * direction
        remainder -= step * response
        iteration, previous = iteration + 1, energy
