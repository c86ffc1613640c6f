"""Octaves: one walk over several lattices, each of blocks twice as long as those before.

A walker hops on the voxels until a first noise level; then its place within its block of two
voxels per axis is forgotten, and it goes on hopping on the lattice of blocks; at a later level the
next halving, and so on. Along one axis the law from a site of octave i at time s to one of octave
j at time t is a product of small matrices,

    F = k_i(t_{i+1} - s) c_{i+1} k_{i+1}(t_{i+2} - t_{i+1}) ... c_j k_j(t - t_j),

with c[x, X] = 1 where block X holds x. The walk leaves occupation in proportion to volume, and so
it is reversible: B[X, x] = volume(x) F[x, X] / volume(X) is where a walker on X came from, with
nothing known of the material. B is the same product in the opposite order, with volume(x) /
volume(X) in place of c. A bridge through a change of lattice is then law (2) of
`microdsd.process.bridge`, with matrices that are not square.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from microdsd.errors import InputError
from microdsd.process.blocks import axis_volumes
from microdsd.process.bridge import draw_back, expected_occupation, potential
from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Lattice
from microdsd.process.noise import time_of
from microdsd.process.walk import Walkers, draw_forward, uniforms
from microdsd.process.walls import WalledKernel


@dataclass(frozen=True)
class Moment:
    """Describe a time of the walk, and the octave on whose lattice the walk is at that time.

    At the very time of a change the walk can be described on either lattice; at an earlier time, on
    a lattice that is coarser than its own: `Moment(2, 0.0)` are the data in blocks of 4.

    Attributes
    ----------
    octave : int
        0 for voxels, j for blocks of 2^j voxels per axis.
    t : Tensor or float
        Time since the data, one for all samples or one each.
    """

    octave: int
    t: Tensor | float


class Octaves:
    """Describe the walk of a box over lattices of blocks of 1, 2, 4, ... voxels per axis.

    Parameters
    ----------
    lattice : Lattice
        The lattice of voxels.
    levels : sequence of float
        Noise levels, voxels, at which the next lattice is entered; ascending. None: one lattice.
    device : torch.device or str

    Raises
    ------
    InputError
        Levels that do not ascend, or a box that is shorter than two blocks of the coarsest lattice.

    Examples
    --------
    >>> octaves = Octaves(Lattice.box((12, 7), "no-flux"), levels=(4.0, 8.0))
    >>> [kernel.lattice.shape for kernel in octaves.kernels]
    [(12, 7), (6, 4), (3, 2)]
    >>> octaves.octave_at(5.0)
    1
    """

    def __init__(
        self, lattice: Lattice, levels: Sequence[float] = (), device: torch.device | str = "cpu"
    ) -> None:
        if any(not 0 < low < high for low, high in zip((1e-9, *levels), levels, strict=False)):
            raise InputError(f"levels={tuple(levels)}: give positive noise levels that ascend")
        coarsest = 2 ** len(levels)
        if levels and min(lattice.voxels) <= coarsest:
            raise InputError(
                f"levels={tuple(levels)}: the box {lattice.voxels} is not longer than one block of "
                f"{coarsest} voxels, those of octave {len(levels)}; take fewer octaves"
            )
        self.levels = tuple(levels)
        self.kernels = tuple(
            TransitionKernel(lattice.coarsened(2**j), device) for j in range(len(levels) + 1)
        )

    def within(self, inside: Sequence[slice]) -> Octaves:
        """Return the same walk with no-flux walls around a part of the box; see `WalledKernel`.

        Parameters
        ----------
        inside : sequence of slice
            Extent of that part, voxels, one slice with start and stop per axis.
        """
        walled = copy.copy(self)
        walled.kernels = tuple(WalledKernel(kernel, inside) for kernel in self.kernels)
        return walled

    def moment(self, sigma: float) -> Moment:
        """Return the moment of a noise level, on the finer lattice at a change."""
        return Moment(self.octave_at(sigma), float(time_of(sigma)))

    @property
    def device(self) -> torch.device:
        """Return where the matrices live."""
        return self.kernels[0].device

    @property
    def voxels(self) -> Lattice:
        """Return the lattice of voxels."""
        return self.kernels[0].lattice

    @cached_property
    def entered(self) -> tuple[float, ...]:
        """Return the time at which every octave is entered; 0 for that of the voxels."""
        return (0.0, *(float(time_of(sigma)) for sigma in self.levels))

    def octave_at(self, sigma: float) -> int:
        """Return the octave on whose lattice a noise level is, the finer one at a change."""
        return sum(sigma > level for level in self.levels)

    def forward_matrix(self, axis: int, start: Moment, end: Moment) -> Tensor:
        """Return law F of one axis: rows are sites at the start, columns sites at the end.

        Parameters
        ----------
        axis : int
        start, end : Moment
            The end is the later one, of the same octave or a higher one.

        Returns
        -------
        Tensor, shape (..., sites at the start, sites at the end), float32
            Rows sum to one.
        """
        t, octave = start.t, start.octave
        matrix: Tensor | None = None
        while octave < end.octave:
            on_it = self._walk(axis, octave, t, self.entered[octave + 1])
            on_it = self._product(on_it, self._holds(axis, octave))
            matrix = on_it if matrix is None else self._product(matrix, on_it)
            octave += 1
            t = self.entered[octave]
        last = self._walk(axis, octave, t, end.t)
        return last if matrix is None else self._product(matrix, last)

    def backward_matrix(self, axis: int, end: Moment, start: Moment) -> Tensor:
        """Return law B of one axis: rows are sites at the end, columns where walkers came from.

        Parameters
        ----------
        axis : int
        end, start : Moment
            The end is the later one, as for `forward_matrix`; the start may be looked at on a
            lattice that is coarser than the one the walk is on.

        Returns
        -------
        Tensor, shape (..., sites at the end, sites at the start), float32
            Rows sum to one.
        """
        octave = start.octave
        while octave > 0 and start.t < self.entered[octave]:
            octave -= 1
        forward = self.forward_matrix(axis, Moment(octave, start.t), end)
        if octave == end.octave:
            back = forward  # on one lattice the walk back is the walk itself
        else:
            back = forward.mT * self._volumes(axis, octave)
            back = back / back.sum(-1, keepdim=True)
        for finer in range(octave, start.octave):
            back = self._product(back, self._holds(axis, finer))
        return back

    def smoothed(self, h: Tensor, now: Moment) -> Tensor:
        """Average a field h over where walkers on every site came from: K h.

        Parameters
        ----------
        h : Tensor, shape (batch, species, *blocks)
            On the lattice of the same octave, at the time of the data.
        now : Moment
            Its times may differ between samples, shape (batch,).
        """
        for axis, law in enumerate(self._to_origins(now)):
            h = self.kernels[now.octave].apply_axis(h, axis, law)
        return h

    def expected_origins(self, occupation: Tensor, log_h: Tensor, now: Moment) -> Tensor:
        """Return the expected number of walkers that came from every block, given the potential.

        rho(y) = sum_x n(x) P(y | x) = h(y) K^T [n / (K h)](y), on the lattice of the same octave;
        the shapes are those of `smoothed`.
        """
        kernel = self.kernels[now.octave]
        if now.octave == 0:
            return expected_occupation(occupation, log_h, kernel, now.t)
        h, laws = potential(log_h), self._to_origins(now)
        smoothed = h
        for axis, law in enumerate(laws):
            smoothed = kernel.apply_axis(smoothed, axis, law)
        share = occupation / smoothed
        for axis, law in enumerate(laws):
            share = kernel.apply_axis(share, axis, law.mT)
        return h * share

    def _to_origins(self, now: Moment) -> list[Tensor]:
        """Return the laws back to the data, in the blocks of the same octave, of every axis."""
        origins = Moment(now.octave, 0.0)
        return [self.backward_matrix(axis, now, origins) for axis in range(self.voxels.ndim)]

    def _product(self, first: Tensor, second: Tensor) -> Tensor:
        # The networks' bfloat16 must not reach the laws that are said to be exact.
        with torch.autocast(self.device.type, enabled=False):
            return first @ second

    def _walk(self, axis: int, octave: int, s: Tensor | float, t: Tensor | float) -> Tensor:
        return self.kernels[octave].axis_matrix(axis, t - s)

    def _holds(self, axis: int, octave: int) -> Tensor:
        """Return c[x, X]: 1 where block X of the next octave holds block x."""
        sites, blocks = (self.kernels[octave + k].lattice.shape[axis] for k in (0, 1))
        block = torch.arange(sites, device=self.kernels[0].device) // 2
        return torch.nn.functional.one_hot(block, blocks).float()

    def _volumes(self, axis: int, octave: int) -> Tensor:
        kernel = self.kernels[octave]
        return axis_volumes(kernel.volumes(axis), kernel.device).float()

    def sample_forward(
        self,
        walkers: Walkers,
        start: Moment,
        end: Moment,
        generators: Sequence[torch.Generator],
        *,
        by_place: bool = False,
    ) -> Walkers:
        """Walk every walker on, over as many lattices as lie between: one draw per axis.

        Parameters
        ----------
        walkers : Walkers
            On the lattice of the start.
        start, end : Moment
            Times of the end may differ between samples, shape (batch,).
        generators : sequence of torch.Generator
            One per sample.
        by_place : bool
            As for `microdsd.process.walk.sample_forward`.

        Returns
        -------
        Walkers
            On the lattice of the end.
        """
        steps = [
            self.forward_matrix(axis, start, end).expand(walkers.batch, -1, -1)
            for axis in range(walkers.lattice.ndim)
        ]
        lattice = self.kernels[end.octave].lattice
        u = uniforms(walkers, generators, walkers.site() if by_place else None)
        return draw_forward(walkers, steps, lattice, u)

    def sample_back(
        self,
        walkers: Walkers,
        log_h: Tensor,
        now: Moment,
        earlier: Moment,
        origins: Moment,
        generators: Sequence[torch.Generator],
    ) -> Walkers:
        """Move every walker back, to an earlier time and perhaps to a finer lattice.

        The law is (2) of `microdsd.process.bridge`: P(z | x) = B(x, z) h(z) / sum, with h at the
        earlier time the average of the potential over the origins.

        Parameters
        ----------
        walkers : Walkers
            On the lattice of now.
        log_h : Tensor, shape (batch, species, *space)
            Logarithm of the potential, on the lattice of the origins.
        now, earlier, origins : Moment
            In descending order; times are one for all samples.
        generators : sequence of torch.Generator
            One per sample.

        Returns
        -------
        Walkers
            On the lattice of the earlier time, as many of every species as before.
        """
        axes = range(walkers.lattice.ndim)
        return draw_back(
            walkers,
            log_h,
            self.kernels[earlier.octave],
            [self.backward_matrix(axis, earlier, origins) for axis in axes],
            [self.backward_matrix(axis, now, earlier) for axis in axes],
            uniforms(walkers, generators),
        )
