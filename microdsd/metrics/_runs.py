"""Runs: the longest unbroken rows of voxels of a phase along the lines of one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Histogram = NDArray[np.int64]


class Runs(NamedTuple):
    """Hold the runs of one sample along one axis.

    Attributes
    ----------
    voxels : int
        Voxels per line.
    lengths, complete : ndarray of int64, shape (voxels + 1,)
        Number of runs of each length: all, as far as they lie in the box, and those of which both
        ends are seen, a voxel that is not of the phase beyond each.
    endless : int
        Lines of a periodic box that are in the phase all around; they are in no histogram.
    """

    voxels: int
    lengths: Histogram
    complete: Histogram
    endless: int

    @classmethod
    def along(cls, mask: Mask, axis: int, *, periodic: bool, inside: Mask | None = None) -> Runs:
        """Find the runs of `mask`, one sample, along `axis`; voxels not `inside` are ignored."""
        n = mask.shape[axis]
        lines = _lines(mask, axis)
        visible = _lines(np.ones_like(mask) if inside is None else inside, axis)
        flat = lines.ravel()
        ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        starts, ends = (ends[1::2], ends[::2]) if flat[0] else (ends[::2], ends[1::2])
        if flat[0]:
            starts = np.concatenate([[0], starts])
        lengths = ends - starts
        at_first, at_last = starts % (n + 1) == 0, ends % (n + 1) == n

        def histogram(lengths: NDArray[np.intp]) -> Histogram:
            return np.bincount(lengths, minlength=n + 1).astype(np.int64)

        row, period = starts // (n + 1), n if periodic else n + 1
        before = visible[row, (starts % (n + 1) - 1) % period]
        after = visible[row, ends % (n + 1) % period]
        if not periodic:
            return cls(n, histogram(lengths), histogram(lengths[before & after]), 0)
        endless = at_first & at_last
        wraps = (lines[:, 0] & lines[:, n - 1])[row] & ~endless
        end, start = at_first & wraps, at_last & wraps
        joined, whole = lengths[end] + lengths[start], before[start] & after[end]
        untouched = ~endless & ~end & ~start
        return cls(
            n,
            histogram(lengths[untouched]) + histogram(joined),
            histogram(lengths[untouched & before & after]) + histogram(joined[whole]),
            int(np.count_nonzero(endless)),
        )

    def segments(self, max_lag: int) -> Histogram:
        """Count the places in the phase for segments that join voxels 0 ... `max_lag` apart."""
        longer = self.lengths[::-1].cumsum()[::-1]
        covered = longer[::-1].cumsum()[::-1]
        # A run of l voxels holds l - k segments of lag k.
        return np.asarray(covered[1:] + self.endless * self.voxels)[: max_lag + 1]


def _lines(mask: Mask, axis: int) -> Mask:
    """Return the lines along an axis, each with an empty voxel after it to separate their runs."""
    n = mask.shape[axis]
    lines = np.zeros((mask.size // n, n + 1), dtype=bool)
    lines[:, :n] = np.moveaxis(mask, axis, -1).reshape(-1, n)
    return lines
