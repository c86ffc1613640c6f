"""The network of the last draw: phases given the walkers, and the voxels that are drawn already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from microdsd.networks.stages import tile_sites
from microdsd.networks.tiles import Tile, sites_of, tiles
from microdsd.networks.unet import UNet, UNetConfig
from microdsd.networks.walls import free_share
from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Boundary, Lattice

HIGHEST_LEVEL = 1.3
"""Noise level, voxels, up to which networks of the last draw are trained, and walks end."""

SIZE: dict[int, dict[str, Any]] = {
    2: {"widths": (32, 48), "blocks": (2, 2), "embedding": 32},
    3: {"widths": (16, 32), "blocks": (2, 1), "embedding": 32},
}
"""Of `UNetConfig`, by the number of space axes: what is far away is in the read-out already."""

TILES = 4
"""How much larger tiles are than those of other networks: few features, and a far reach."""

_SURE, _SCALE = 12.0, 4.0
"""Log odds beyond which a read-out counts as certain, and what is 1 as an input."""


Given = Callable[[Tensor, Tensor], Tensor]
"""Log probabilities of the phases, the background first, given those that are drawn.

The arguments are phases (batch, *space), read where they are drawn (0 is the background, c + 1
species c), and where that is, bool of the same shape. Of drawn voxels it returns anything."""


class LastDraw(Protocol):
    """Predict the phases of the voxels that are not drawn yet, for some walkers."""

    def __call__(
        self,
        log_p: Tensor,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> Given:
        """Return what predicts them in every pass.

        Parameters
        ----------
        log_p : Tensor, shape (batch, phases, *space)
            What the walkers alone say, see `ReadOut`.
        occupation, t, kernel, fractions, classes
            As of `PotentialNetwork`.
        """
        ...


def last_draw_config(walk: UNetConfig) -> UNetConfig:
    """Return the configuration of the last draw's network that goes with a walk's.

    Examples
    --------
    >>> last_draw_config(UNetConfig(ndim=3, species=2)).widths
    (16, 32)
    """
    return UNetConfig(walk.ndim, walk.species, **SIZE[walk.ndim], classes=walk.classes)


class LastDrawUNet(UNet):
    """Predict phases given walkers and the voxels already drawn.

    The read-out says of every voxel by itself what the walkers say of its phase. This network adds
    what neighbours that are drawn already say, in whatever order they were drawn, so that voxels
    drawn one after another follow the joint law of all. It scales the read-out's log odds, too:
    draws are spoilt by small probabilities of many voxels that are not as small as they should be.
    Untrained it is the read-out.

    Parameters
    ----------
    config : UNetConfig

    References
    ----------
    Hoogeboom et al., Autoregressive diffusion models, ICLR 2022, arXiv:2110.02037.

    Examples
    --------
    >>> from microdsd.process import Lattice
    >>> network = LastDrawUNet(UNetConfig(ndim=2, species=1, widths=(8, 16), blocks=(1, 1)))
    >>> kernel = TransitionKernel(Lattice.box((6, 5), "no-flux"))
    >>> log_p = torch.full((1, 2, 6, 5), 0.5).log()
    >>> phase = torch.zeros(1, 6, 5, dtype=torch.int64)
    >>> walkers, t = torch.ones(1, 1, 6, 5), torch.tensor([0.1])
    >>> network(log_p, phase, phase == 1, walkers, t, kernel).exp().unique()
    tensor([0.5000], grad_fn=<Unique2Backward0>)
    """

    def __init__(self, config: UNetConfig) -> None:
        species = config.species
        inputs = 2 * species + (1 + species) + 1
        super().__init__(config, 2 * species, inputs)

    def forward(
        self,
        log_p: Tensor,
        phase: Tensor,
        drawn: Tensor,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> Tensor:
        """Return log probabilities of the phases; see `LastDraw` and `Given` for the parameters."""
        log_odds = log_p[:, 1:] - log_p[:, :1]
        walls = free_share(kernel.lattice, t, occupation)
        condition = self.embedded(occupation, t, fractions, classes)
        given = self._log_odds(log_odds, phase, drawn, occupation, walls, condition, kernel.lattice)
        return torch.cat([torch.zeros_like(log_p[:, :1]), given], 1).log_softmax(1)

    def given(
        self,
        log_p: Tensor,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> Given:
        """Return what predicts the phases in every pass; see `LastDraw`."""

        def log_p_given(phase: Tensor, drawn: Tensor) -> Tensor:
            log_p_phases: Tensor = self(
                log_p, phase, drawn, occupation, t, kernel, fractions, classes
            )
            return log_p_phases

        return log_p_given

    def remaining_parts(
        self,
        log_odds: Tensor,
        phase: Tensor,
        drawn: Tensor,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> Iterator[tuple[tuple[slice, ...], Tensor]]:
        """Yield log odds against the background of a large box, tile by tile.

        The parameters are those of the call, of a single sample, with the log odds that the walkers
        alone give, (1, species, *space), in place of the probabilities. Phases and occupation
        numbers may be of any type.

        Yields
        ------
        sites : tuple of slice
            Sites of the box.
        log_odds : Tensor, shape (1, species, *sites), float32
        """
        lattice = kernel.lattice
        condition = self.embedded(log_odds.new_empty(log_odds.shape[:2]), t, fractions, classes)
        multiple = 1 << self.coarsest
        halo = -(-self.reach // multiple) * multiple
        whole = [-(-length // multiple) * multiple for length in lattice.shape]
        most = TILES * tile_sites(log_odds.device)
        for tile in tiles(whole, lattice.boundary, halo, multiple, most):
            box, at = _cut(tile, whole, lattice)
            odds, walkers = sites_of(log_odds, at), sites_of(occupation, at).float()
            phases, known = (sites_of(field[:, None], at)[:, 0] for field in (phase, drawn))
            walls = free_share(lattice, t, odds, at)
            given = self._log_odds(odds, phases, known, walkers, walls, condition, box)
            sites = tuple(
                slice(inner.start, min(inner.stop, length))
                for inner, length in zip(tile.inner, lattice.shape, strict=True)
            )
            within = tuple(
                slice(inner.start - along.start, inner.stop - along.start)
                for inner, along in zip(sites, at, strict=True)
            )
            yield sites, given[(slice(None), slice(None), *within)]

    def _log_odds(
        self,
        log_odds: Tensor,
        phase: Tensor,
        drawn: Tensor,
        occupation: Tensor,
        walls: Tensor,
        condition: Tensor,
        lattice: Lattice,
    ) -> Tensor:
        marks = _marks(phase, drawn, 1 + self.config.species)
        clipped = log_odds.clamp(-_SURE, _SURE) / _SCALE
        x = torch.cat([clipped, occupation, marks.float(), walls], dim=1)
        scale, shift = self.on_lattice(x, condition, lattice).chunk(2, dim=1)
        return (1 + scale) * log_odds + shift


def _cut(tile: Tile, whole: Sequence[int], box: Lattice) -> tuple[Lattice, list[range]]:
    """Return a tile as a box, and its sites; only an axis that it holds whole stays periodic."""
    at: list[range] = []
    kinds: list[Boundary] = []
    for sites, length, full, kind in zip(tile.outer, box.shape, whole, box.boundary, strict=True):
        entire = len(sites) == full
        cut = kind == "periodic" and not entire
        at.append(sites if cut else range(sites.start, min(sites.stop, length)))
        kinds.append(kind if entire else "no-flux")
    return Lattice.box([len(sites) for sites in at], kinds), at


def _marks(phase: Tensor, drawn: Tensor, phases: int) -> Tensor:
    """Mark the phases of drawn voxels, (batch, phases, *space)."""
    marks: Sequence[Tensor] = [(phase == k) & drawn for k in range(phases)]
    return torch.stack(list(marks), dim=1)
