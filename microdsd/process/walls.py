"""No-flux walls around a part of the box: the exact kernel of walkers that never leave it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.process.kernel import TransitionKernel, axis_law


class WalledKernel(TransitionKernel):
    """Represent the law of walkers inside a box within the lattice, with walls on its faces.

    Walls on whole planes leave the kernel a product over axes, so steps under it are as exact as
    without them. An axis that the inner box spans keeps its own boundary. Only walkers inside
    have a meaning.

    Parameters
    ----------
    kernel : TransitionKernel
        Law of the whole box.
    inside : sequence of slice
        Extent of the inner box in voxels, one slice with start and stop per axis. On a lattice of
        blocks the walls may cut through some of these; what is left of them inside is a site.

    Examples
    --------
    >>> from microdsd.process import Lattice
    >>> whole = TransitionKernel(Lattice.box((6,), "no-flux"))
    >>> walled = WalledKernel(whole, [slice(1, 3)])
    >>> walled.apply(torch.tensor([[[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]]]), 100.0)
    tensor([[[0.0000, 0.5000, 0.5000, 0.0000, 0.0000, 0.0000]]])
    """

    def __init__(self, kernel: TransitionKernel, inside: Sequence[slice]) -> None:
        super().__init__(kernel.lattice, kernel.device)
        self._inside = tuple(inside)

    def volumes(self, axis: int) -> tuple[int, ...]:
        """Return the voxels within the walls, in every site along one axis.

        Sites outside the walls count as without walls.
        """
        whole, inside, block = super().volumes(axis), self._inside[axis], self.lattice.block
        within = [
            min((site + 1) * block, inside.stop) - max(site * block, inside.start)
            for site in range(len(whole))
        ]
        return tuple(n if n > 0 else m for n, m in zip(within, whole, strict=True))

    def axis_matrix(self, axis: int, t: Tensor | float) -> Tensor:
        """Return the matrices of one axis; outside the walls nobody moves."""
        inside, block = self._inside[axis], self.lattice.block
        if inside == slice(0, self.lattice.voxels[axis]):
            return super().axis_matrix(axis, t)
        sites = slice(inside.start // block, -(-inside.stop // block))
        moving = axis_law(self.volumes(axis)[sites], "no-flux", t, self.device)
        matrix = torch.eye(self.lattice.shape[axis], device=self.device)
        matrix = matrix.repeat(*moving.shape[:-2], 1, 1)
        matrix[..., sites, sites] = moving
        return matrix
