"""No-flux walls around a part of the box: the exact kernel of walkers that never leave it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Lattice


class WalledKernel(TransitionKernel):
    """The law of walkers inside a box within the lattice, with walls on its faces.

    Walls on whole planes leave the kernel a product over axes, so steps under it are as exact as
    without them. An axis that the inner box spans keeps its own boundary. Only walkers inside
    have a meaning.

    Parameters
    ----------
    kernel : TransitionKernel
        Of the whole box.
    inside : sequence of slice
        Extent of the inner box, one slice with start and stop per axis.

    Examples
    --------
    >>> whole = TransitionKernel(Lattice.box((6,), "no-flux"))
    >>> walled = WalledKernel(whole, [slice(1, 3)])
    >>> walled.apply(torch.tensor([[[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]]]), 100.0)
    tensor([[[0.0000, 0.5000, 0.5000, 0.0000, 0.0000, 0.0000]]])
    """

    def __init__(self, kernel: TransitionKernel, inside: Sequence[slice]) -> None:
        super().__init__(kernel.lattice, kernel.device)
        self._inside = tuple(inside)

    def axis_matrix(self, axis: int, t: Tensor | float) -> Tensor:
        """Matrices of one axis; outside the walls nobody moves."""
        length, inside = self.lattice.shape[axis], self._inside[axis]
        if inside == slice(0, length):
            return super().axis_matrix(axis, t)
        segment = Lattice.box((inside.stop - inside.start,), "no-flux")
        moving = TransitionKernel(segment, self.device).axis_matrix(0, t)
        matrix = torch.eye(length, device=self.device).repeat(*moving.shape[:-2], 1, 1)
        matrix[..., inside, inside] = moving
        return matrix
