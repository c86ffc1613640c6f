"""Access to taufactor: no global state, nothing printed, no invalid numbers."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import numpy as np

from microdsd.errors import InputError, MicrodsdError
from microdsd.transport.finite_volume import BLOCKED, Conduction, on_paths

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPREAD = 1e-4
"""Of the flow between layers, at which the solver may stop."""
MAX_ITERATIONS = 20_000


def conduct_by_relaxation(
    conducting: NDArray[np.bool_], axis: int, *, periodic_sides: bool, device: str
) -> Conduction:
    """Solve like `finite_volume.conduct`, in one phase of cubic voxels and single precision.

    Successive over-relaxation on the same discrete equations; ``flux_mismatch`` is the spread of
    the flow between the layers, and there is no ``residual``.
    """
    import taufactor

    if not on_paths(conducting, axis, periodic_sides=periodic_sides).any():
        return BLOCKED
    if conducting.ndim == 2:
        conducting = conducting[..., None]
    image = np.ascontiguousarray(np.moveaxis(conducting, axis, 0), dtype=np.uint8)
    kind = taufactor.PeriodicSolver if periodic_sides else taufactor.Solver
    solver = kind(image, device=device)
    with contextlib.redirect_stdout(io.StringIO()):
        solver.solve(iter_limit=MAX_ITERATIONS, verbose=False, conv_crit=SPREAD)
    flow = solver.flux_1d[0]
    return Conduction(
        effective=float(solver.D_rel[0]),
        residual=np.nan,
        flux_mismatch=float((flow.max() - flow.min()) / flow.max()),
        iterations=int(solver.iter),
        converged=bool(solver.converged),
    )


def check_installed() -> None:
    """Raise unless taufactor is installed."""
    try:
        import taufactor  # noqa: F401
    except ImportError as error:
        raise MicrodsdError(
            "solver='taufactor' needs the package: pip install \"microdsd[transport]\""
        ) from error


def check_cubic(size: tuple[float, ...]) -> None:
    """Raise unless the voxels are cubes."""
    if not np.allclose(size, size[0], rtol=1e-6):
        raise InputError(
            f"solver='taufactor' needs cubic voxels, got edges {size}; use 'finite-volume'"
        )
