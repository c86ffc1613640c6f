"""Exact counts of what samples are to hold: per sample, region and phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microdsd.encoding.intensity import IntensityEncoding
from microdsd.encoding.occupation import PhaseEncoding
from microdsd.errors import InputError
from microdsd.models.contents import Channels, Contents, Phases

Counts = NDArray[np.int64]
Encoding = PhaseEncoding | IntensityEncoding


def encoding_of(contents: Contents) -> Encoding:
    """Return the encoding of what a model generates."""
    match contents:
        case Phases(phases, background):
            return PhaseEncoding(phases, background)
        case Channels(names, levels):
            return IntensityEncoding(names, levels)


@dataclass(frozen=True, eq=False)
class Composition:
    """Hold the voxels of every phase, or the intensity of every channel, that samples must have.

    Attributes
    ----------
    fractions : dict of str to tuple of float
        What was asked for: of the whole box, by name, one entry per sample.
    names : tuple of str
        Phases or channels, in the order of the encoding; all counts are in this order.
    counts : ndarray of int64, shape (samples, regions, phases)
        What is to be made in each region; one region where the box is not divided.
    known : ndarray of int64, shape (phases,), or 0
        Voxels of the box that are known already, beside those of the regions.

    Examples
    --------
    >>> encoding = PhaseEncoding({0: "pore", 1: "solid"}, background=1)
    >>> whole = Composition.from_fractions(encoding, {"pore": (0.2, 0.3)}, 100, n=2)
    >>> whole.counts.tolist()
    [[[20, 80]], [[30, 70]]]
    >>> whole.completing(np.array([5, 40])).counts.tolist()
    [[[15, 40]], [[25, 30]]]
    """

    fractions: Mapping[str, tuple[float, ...]]
    names: tuple[str, ...]
    counts: Counts
    known: Counts | int = 0

    @classmethod
    def from_fractions(
        cls, encoding: Encoding, fractions: Mapping[str, tuple[float, ...]], n_sites: int, n: int
    ) -> Composition:
        """Return the counts nearest to fractions, of n boxes of one region.

        Parameters
        ----------
        encoding : PhaseEncoding or IntensityEncoding
        fractions : dict of str to tuple of float
            Fraction of every phase but at most one, or mean of every channel: one per sample.
        n_sites : int
            Voxels of the box.
        n : int
            Samples.

        Raises
        ------
        InputError
            For fractions or means that no box can have.
        """
        rows = ({name: column[i] for name, column in fractions.items()} for i in range(n))
        counts = [encoding.counts(row, n_sites) for row in rows]
        return cls(fractions, encoding.names, np.array(counts)[:, None])

    @classmethod
    def from_regions(
        cls, encoding: PhaseEncoding, fractions: Mapping[int | str, Any], sizes: Counts, n: int
    ) -> Composition:
        """Return the counts nearest to fractions in every region, the same in n samples.

        Parameters
        ----------
        encoding : PhaseEncoding
        fractions : dict of phase to sequence of float
            Fractions of every phase but at most one, by label or name: one per region.
        sizes : ndarray of int
            Voxels of every region.
        n : int
            Samples.

        Raises
        ------
        InputError
            For fractions that no region can have; says which one.
        """
        counts = np.empty((len(sizes), len(encoding.names)), np.int64)
        for region, size in enumerate(sizes.tolist()):
            wanted = {phase: float(column[region]) for phase, column in fractions.items()}
            try:
                counts[region] = encoding.counts(wanted, size)
            except InputError as error:
                raise InputError(f"region {region}: {error}") from error
        shares = (counts.sum(0) / sizes.sum()).tolist()
        whole = {name: (share,) * n for name, share in zip(encoding.names, shares, strict=True)}
        return cls(whole, encoding.names, np.broadcast_to(counts, (n, *counts.shape)))

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def whole(self) -> Counts:
        """Return the counts of the whole box with its known part, shape (samples, phases)."""
        whole: Counts = self.counts.sum(1) + self.known
        return whole

    def part(self, chosen: Sequence[int]) -> Composition:
        """Return the composition of some samples."""
        fractions = {
            name: tuple(column[i] for i in chosen) for name, column in self.fractions.items()
        }
        return replace(self, fractions=fractions, counts=self.counts[list(chosen)])

    def completing(self, known: Counts) -> Composition:
        """Return what is left to generate where some voxels of the box are known already.

        Parameters
        ----------
        known : ndarray of int64, shape (phases,)
            Known voxels of every phase.

        Raises
        ------
        InputError
            If more voxels of a phase are known than the box is to have; says what it can have.
        """
        left = self.counts - known
        size = int(self.whole[0].sum())
        free = size - int(known.sum())
        for k, name in enumerate(self.names):
            if (left[..., k] < 0).any():
                possible = ", ".join(
                    f"{held / size:.4g} to {(held + free) / size:.4g} of {phase}"
                    for held, phase in zip(known, self.names, strict=True)
                )
                raise InputError(
                    f"phase_fraction: {self.whole[:, k].min()} voxels of {name} in the whole box, "
                    f"and the known part alone holds {known[k]}; the box can have {possible}"
                )
        return replace(self, counts=left, known=self.known + known)

    def record(self, *, regions: bool = False) -> dict[str, Any]:
        """Return the composition as JSON can hold it, on demand with the counts of every region."""

        def by_name(counts: Counts) -> dict[str, Any]:
            return {name: counts[..., k].tolist() for k, name in enumerate(self.names)}

        return {
            "requested_fractions": {k: list(v) for k, v in self.fractions.items()},
            "requested_counts": by_name(self.whole),
            **({"requested_region_counts": by_name(self.counts)} if regions else {}),
        }
