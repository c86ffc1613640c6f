"""One network of potentials for every octave of the walk."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from microdsd.networks.unet import PotentialUNet, UNetConfig
from microdsd.process.kernel import TransitionKernel


class OctaveUNets(nn.Module):
    """Hold the networks of the octaves; each is evaluated for states on its own lattice.

    They are called as `PotentialUNet` is; the lattice of the kernel says which one answers.

    Parameters
    ----------
    config : UNetConfig
        Configuration of every one of them.
    octaves : int
        Lattices of the walk: of voxels, of blocks of 2 voxels per axis, of 4, ...

    Attributes
    ----------
    last_draw : LastDrawUNet or None
        As of `microdsd.networks.unet.UNet`, on voxels.

    Examples
    --------
    >>> from microdsd.process import Lattice, TransitionKernel
    >>> networks = OctaveUNets(UNetConfig(ndim=2, species=1, widths=(8,), blocks=(1,)), octaves=2)
    >>> coarse = TransitionKernel(Lattice.box((16, 12), "no-flux").coarsened(2))
    >>> networks(torch.ones(1, 1, 8, 6), torch.tensor([8.0]), coarse).shape
    torch.Size([1, 1, 8, 6])
    """

    last_draw: nn.Module | None

    def __init__(self, config: UNetConfig, octaves: int) -> None:
        super().__init__()
        self.config = config
        self.last_draw = None
        self.octaves = nn.ModuleList(PotentialUNet(config) for _ in range(octaves))

    @property
    def memory_format(self) -> torch.memory_format:
        """Return the layout in which convolutions are fastest."""
        return cast(PotentialUNet, self.octaves[0]).memory_format

    def _for(self, kernel: TransitionKernel) -> PotentialUNet:
        octave = kernel.lattice.block.bit_length() - 1
        return cast(PotentialUNet, self.octaves[octave])

    def forward(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
        properties: Tensor | None = None,
    ) -> Tensor:
        """Return log h; the parameters are those of `PotentialNetwork`."""
        network = self._for(kernel)
        log_h: Tensor = network(occupation, t, kernel, fractions, classes, properties)
        return log_h

    def joint(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
        properties: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return log h and log probabilities of the phases; see `PotentialUNet.joint`."""
        return self._for(kernel).joint(occupation, t, kernel, fractions, classes, properties)
