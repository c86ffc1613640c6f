"""Effective tensors of one periodic box of local coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from microdsd.device import resolve_device
from microdsd.transport.rotated_scheme import (
    Solution,
    conjugate_gradients,
    divergence,
    gradient,
    symbol,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Field = NDArray[np.float64]


class Effective(NamedTuple):
    """Hold an effective tensor, and for each load how well its equations are solved."""

    tensor: Field
    residual: list[float]
    iterations: list[int]
    converged: list[bool]


def conductivity_tensor(
    local: Field,
    *,
    spacing: Sequence[float],
    tolerance: float = 1e-4,
    device: str | None = None,
) -> Effective:
    """Compute the effective conductivity of one box, ``(D, D)``.

    Parameters
    ----------
    local : ndarray, 2D or 3D
        Conductivity of every voxel.
    spacing : sequence of float
        Voxel edges per axis.
    tolerance, device
        As in `effective_conductivity`.
    """
    k = torch.as_tensor(local, dtype=torch.float64, device=resolve_device(device))
    edges = _relative(spacing)
    frequencies = symbol(k.shape, edges, k.device)
    inverse = _inverse(_reference(k) * (frequencies.abs() ** 2).sum(0))
    axes = tuple(range(-k.ndim, 0))

    def apply(u: Tensor) -> Tensor:
        return -divergence(k * gradient(u, edges), edges)

    def precondition(r: Tensor) -> Tensor:
        f = inverse * torch.fft.rfftn(r, dim=axes)
        return _back(f, k.shape)

    columns, solutions = [], []
    for axis in range(k.ndim):
        load = torch.zeros((k.ndim, *[1] * k.ndim), dtype=k.dtype, device=k.device)
        load[axis] = 1.0
        solution = conjugate_gradients(
            apply,
            precondition,
            divergence(k * load, edges),
            scale=float(k.sum()),
            tolerance=tolerance,
        )
        columns.append((k * (load + gradient(solution.field, edges))).mean(axes))
        solutions.append(solution)
    return _effective(columns, solutions)


def stiffness_tensor(
    lame: Field,
    shear: Field,
    *,
    spacing: Sequence[float],
    tolerance: float = 1e-4,
    device: str | None = None,
) -> Effective:
    """Compute the effective stiffness of one box in Voigt's notation.

    Parameters
    ----------
    lame, shear : ndarray, 2D or 3D
        Lamé's first parameter and the shear modulus of every voxel.
    spacing, tolerance, device
        As in `conductivity_tensor`.
    """
    place = resolve_device(device)
    lam, mu = (torch.as_tensor(a, dtype=torch.float64, device=place) for a in (lame, shear))
    edges, ndim = _relative(spacing), mu.ndim
    axes = tuple(range(-ndim, 0))
    g = symbol(mu.shape, edges, place)
    lam_0, mu_0 = _reference(lam), _reference(mu)
    square = (g.abs() ** 2).sum(0)
    inverse = _inverse(mu_0 * square)
    along = g * ((lam_0 + mu_0) / max(lam_0 + 2 * mu_0, 1e-300) * _inverse(square))

    def stress(strain: Tensor) -> Tensor:
        """Return the stress of a displacement gradient, symmetric or not."""
        trace = lam * strain.diagonal(dim1=0, dim2=1).sum(-1)
        total = mu * (strain + strain.transpose(0, 1))
        for axis in range(ndim):
            total[axis, axis] += trace
        return total

    def apply(u: Tensor) -> Tensor:
        return -divergence(stress(gradient(u, edges)), edges)

    def precondition(r: Tensor) -> Tensor:
        f = torch.fft.rfftn(r, dim=axes)
        f = inverse * (f - along * (g.conj() * f).sum(0))
        return _back(f, mu.shape)

    pairs = _voigt_pairs(ndim)
    columns, solutions = [], []
    for i, j in pairs:
        load = torch.zeros((ndim, ndim, *mu.shape), dtype=mu.dtype, device=place)
        load[i, j] += 0.5
        load[j, i] += 0.5
        answer = stress(load)
        solution = conjugate_gradients(
            apply,
            precondition,
            divergence(answer, edges),
            scale=float((load * answer).sum()),
            tolerance=tolerance,
        )
        mean = (answer + stress(gradient(solution.field, edges))).mean(axes)
        columns.append(torch.stack([mean[a, b] for a, b in pairs]))
        solutions.append(solution)
    return _effective(columns, solutions)


def _back(frequencies: Tensor, shape: torch.Size) -> Tensor:
    """Transform Fourier coefficients to a field on a grid of the given shape."""
    field: Tensor = torch.fft.irfftn(frequencies, s=shape, dim=tuple(range(-len(shape), 0)))
    return field


def _voigt_pairs(ndim: int) -> list[tuple[int, int]]:
    shears = [(1, 2), (0, 2), (0, 1)] if ndim == 3 else [(0, 1)]
    return [(axis, axis) for axis in range(ndim)] + shears


def _relative(spacing: Sequence[float]) -> list[float]:
    """Return voxel edges over the first edge, which removes the unit of length."""
    return [edge / spacing[0] for edge in spacing]


def _reference(local: Tensor) -> float:
    """Return the coefficient of the uniform medium that preconditions."""
    return float(local.min() + local.max()) / 2


def _inverse(values: Tensor) -> Tensor:
    """Return the inverse; 0 for the modes that the gradient does not see."""
    nonzero = values > 1e-12 * values.max()
    return torch.where(nonzero, 1 / torch.where(nonzero, values, 1.0), 0.0)


def _effective(columns: list[Tensor], solutions: list[Solution]) -> Effective:
    _, residual, iterations, converged = zip(*solutions, strict=True)
    tensor = torch.stack(columns, dim=1).cpu().numpy()
    return Effective(tensor, list(residual), list(iterations), list(converged))
