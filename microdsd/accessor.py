"""The accessor of labelled arrays, ``ms.microdsd``; registered as soon as xarray is imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import xarray as xr

from microdsd.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["slices", "phases"]


@xr.register_dataarray_accessor("microdsd")  # type: ignore[no-untyped-call]
class MicrostructureAccessor:
    """Measure, draw and write a microstructure from the array itself, as ``ms.microdsd``.

    Parameters
    ----------
    ms : DataArray of int, dims ``([sample,] [z,] y, x)``

    Examples
    --------
    >>> import microdsd
    >>> from microdsd.microstructure import blobs
    >>> rock = blobs((24, 32, 32), fractions=(0.3, 0.7), scale=3, rng=0)
    >>> rock.microdsd.phase_fractions().values.round(3).tolist()
    [[0.3, 0.7]]
    >>> described = rock.microdsd.describe(periodic=True, descriptors=["surface"])
    >>> rock.microdsd.to_vti("rock.vti")
    """

    def __init__(self, ms: xr.DataArray) -> None:
        self._ms = ms

    def __repr__(self) -> str:
        return "<microdsd: phase_fractions(), describe(), plot(), to_vti() of this array>"

    def phase_fractions(self) -> xr.DataArray:
        """Count the phases; see `microdsd.phase_fractions`."""
        from microdsd.microstructure import phase_fractions

        return phase_fractions(self._ms)

    def describe(
        self, *, periodic: bool, descriptors: Sequence[str] | None = None, **options: Any
    ) -> xr.Dataset:
        """Measure the descriptors of the array; see `microdsd.describe`."""
        from microdsd.metrics import describe

        return describe(self._ms, periodic=periodic, descriptors=descriptors, **options)

    def plot(self, kind: Kind = "slices", *, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw slices, or phases as solids; see `microdsd.plot`.

        Parameters
        ----------
        kind : {"slices", "phases"}
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default in a new figure.
        **options
            Of `microdsd.plot.slices` or `microdsd.plot.phases`.

        Raises
        ------
        InputError
            For another kind.
        """
        from microdsd import plot

        drawers: dict[str, Callable[..., Axes]] = {"slices": plot.slices, "phases": plot.phases}
        if kind not in drawers:
            raise InputError(f"kind={kind!r}: choose one of {', '.join(drawers)}")
        return drawers[kind](self._ms, ax=ax, **options)

    def to_vti(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write one sample for ParaView; see `microdsd.io.save_vti`."""
        from microdsd.io import save_vti

        save_vti(path, self._ms, overwrite=overwrite)
