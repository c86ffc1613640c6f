"""The U-Net behind every network, in 2D or 3D, local, for boxes of any size; and the potential.

Nothing in it depends on the size of the box: features are normalised over the channels of each
voxel, never over space, and there is no attention. What it learned on small windows therefore
holds in large boxes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from microdsd.networks.convolution import Convolution3d
from microdsd.networks.own_evidence import OwnEvidence, own_evidence
from microdsd.networks.padding import Edges, extend, extension
from microdsd.networks.stages import Stages, tile_sites
from microdsd.networks.tile_inputs import BoxInputs
from microdsd.networks.tiles import MapTiles, Tile, in_turn, sites_of
from microdsd.networks.walls import free_share
from microdsd.process.blocks import site_volumes
from microdsd.process.kernel import TransitionKernel
from microdsd.process.lattice import Boundary, Lattice


@dataclass(frozen=True)
class UNetConfig:
    """Hold the size of the network.

    Attributes
    ----------
    ndim : int
        Space axes, 2 or 3.
    species : int
        Conserved species: phases less the background.
    widths : tuple of int
        Channels per resolution, finest first; each further entry halves the resolution.
    blocks : tuple of int
        Residual blocks per resolution, on the way down and again on the way up.
    embedding : int
        Width of the embedding of noise level and phase fractions.
    read_out : bool
        Whether the potential's network also predicts the phase of every voxel.
    top : int
        Largest occupation number: the network sees occupations and fractions in units of it.
    classes : int
        Number of classes that the network can be conditioned on.
    own_evidence : bool
        Whether the phases' prediction starts from what a voxel's own walkers say.
    properties : int
        Number of properties of the material that the network can be conditioned on.
    """

    ndim: int
    species: int
    widths: tuple[int, ...] = (32, 64, 96, 128)
    blocks: tuple[int, ...] = (1, 1, 1, 1)
    embedding: int = 64
    read_out: bool = False
    top: int = 1
    classes: int = 0
    own_evidence: bool = False
    properties: int = 0


class _Conv(nn.Module):
    """Apply a 3^ndim convolution that continues the box at its edges."""

    def __init__(
        self, ndim: int, channels_in: int, channels_out: int, *, bias: bool = True
    ) -> None:
        super().__init__()
        convolution = nn.Conv2d if ndim == 2 else Convolution3d
        self.conv = convolution(channels_in, channels_out, 3, bias=bias)

    def forward(self, x: Tensor, edges: Edges) -> Tensor:
        y: Tensor = self.conv(edges.extended(x))
        return y

    def scaled(self, x: Tensor, edges: Edges, scale: Tensor, shift: Tensor) -> Tensor:
        """Return the convolution, scaled and shifted per channel; that costs nothing more."""
        weight, bias = self.conv.weight, self.conv.bias
        assert bias is not None
        weight = weight * scale[(...,) + (None,) * (weight.ndim - 1)]
        y: Tensor = self.conv._conv_forward(edges.extended(x), weight, bias * scale + shift)
        return y


class _ChannelNorm(nn.LayerNorm):
    """Normalise the channels of each voxel of (batch, channels, *space)."""

    def forward(self, x: Tensor) -> Tensor:
        normal: Tensor = super().forward(x.movedim(1, -1))
        return normal.movedim(-1, 1)


class _ResidualBlock(nn.Module):
    """Add conv(silu(film(conv(silu(norm(x)))))) to x, starting as the identity."""

    def __init__(self, ndim: int, width: int, embedding: int) -> None:
        super().__init__()
        self.norm = _ChannelNorm(width)
        self.conv1 = _Conv(ndim, width, width)
        self.conv2 = _Conv(ndim, width, width)
        self.film = nn.Linear(embedding, 2 * width)
        nn.init.zeros_(self.conv2.conv.weight)
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)

    def forward(self, x: Tensor, condition: Tensor, edges: Edges) -> Tensor:
        y: Tensor = F.silu(self.norm(x))
        if condition.ndim == 1:
            scale, shift = self.film(condition).float().chunk(2)
            y = self.conv1.scaled(y, edges, 1 + scale, shift)
        else:
            of_channels = self.film(condition)[(...,) + (None,) * (x.ndim - 2)]
            scale, shift = of_channels.chunk(2, dim=1)
            y = self.conv1(y, edges) * (1 + scale) + shift
        y = self.conv2(F.silu(y), edges)
        return edges.cropped(x, _CONVOLUTIONS) + y


_CONVOLUTIONS = 2
"""Of a residual block."""


class _Stage(nn.ModuleList):
    """Apply residual blocks at one resolution.

    The condition is (batch, embedding), or (embedding,) of a single sample.
    """

    def __init__(self, ndim: int, width: int, embedding: int, blocks: int) -> None:
        super().__init__(_ResidualBlock(ndim, width, embedding) for _ in range(blocks))

    @property
    def reach(self) -> int:
        """Return the sites at open edges that are used up."""
        return _CONVOLUTIONS * len(self)

    def forward(self, x: Tensor, condition: Tensor, edges: Edges) -> Tensor:
        for block in self:
            x = block(x, condition, edges)
        return x


class UNet(nn.Module):
    """Map occupation numbers to channels per voxel by a U-Net, for boxes of any size.

    The input holds, per species, the occupation numbers and their smoothing K_t n_t: the
    density as far as the noise level lets it be known, at any range, for a few small matrix
    products. One more channel says where the walls are (`free_share`): padding by mirror images
    hides them, and the material does not mirror itself there, only the walkers do.

    Parameters
    ----------
    config : UNetConfig
    channels : int
        Channels of the output, all zero in an untrained network.
    inputs : int, optional
        Channels of the input; by default those described above.

    Attributes
    ----------
    map_tiles : callable
        Calls `on_tile` for every tile of a large box; by default in turn.
    last_draw : LastDrawUNet or None
        By which phases are drawn in passes, see `microdsd.networks.last_draw`.
    """

    last_draw: nn.Module | None

    def __init__(self, config: UNetConfig, channels: int, inputs: int | None = None) -> None:
        super().__init__()
        self.config = config
        self.last_draw = None
        self.map_tiles: MapTiles = in_turn
        ndim, widths, blocks = config.ndim, config.widths, config.blocks
        numbers = 2 * _FREQUENCIES + 2 * config.species + config.classes + 2 * config.properties
        self.embed = nn.Sequential(
            nn.Linear(numbers, config.embedding),
            nn.SiLU(),
            nn.Linear(config.embedding, config.embedding),
            nn.SiLU(),
        )
        self.stem = _Conv(ndim, inputs or 2 * config.species + 1, widths[0])
        convolution = nn.Conv2d if ndim == 2 else Convolution3d

        stages = [
            (ndim, width, config.embedding, count)
            for width, count in zip(widths, blocks, strict=True)
        ]
        self.down = nn.ModuleList(_Stage(*stage) for stage in stages)
        self.up = nn.ModuleList(_Stage(*stage) for stage in stages[:-1])
        self.coarsen = nn.ModuleList(
            convolution(fine, coarse, 2, stride=2) for fine, coarse in itertools.pairwise(widths)
        )
        self.refine = nn.ModuleList(
            convolution(coarse, fine, 1) for fine, coarse in itertools.pairwise(widths)
        )
        self.norm = _ChannelNorm(widths[0])
        self.head = _Conv(ndim, widths[0], channels, bias=False)
        nn.init.zeros_(self.head.conv.weight)

    @property
    def octaves(self) -> Sequence[UNet]:
        """Return the networks by octave: this one alone, for the lattice of voxels."""
        return (self,)

    @property
    def memory_format(self) -> torch.memory_format:
        """Return the layout in which convolutions are fastest: channels last."""
        return torch.channels_last if self.config.ndim == 2 else torch.channels_last_3d

    @property
    def coarsest(self) -> int:
        """Return the number of the coarsest resolution; the finest has 0."""
        return len(self.config.widths) - 1

    def output(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
        properties: Tensor | None = None,
    ) -> Tensor:
        """Return (batch, channels, *space), float32; parameters as of `PotentialNetwork`.

        Classes are int64 (batch,); -1 in a row, or None, hides the class. Properties are normal
        scores (batch, properties); NaN, or None, hides a property.
        """
        lattice = kernel.lattice
        top = self.config.top
        if top > 1:
            occupation = occupation / top
        densities = torch.cat([occupation, kernel.carry(occupation, t)], dim=1)
        if lattice.block > 1:  # walkers per voxel, whatever the block
            densities = densities / site_volumes(lattice, densities.device)
        x = torch.cat([densities, free_share(lattice, t, occupation)], dim=1)
        if top > 1 and fractions is not None:
            fractions = fractions / top
        in_sites = t / lattice.block**2 if lattice.block > 1 else t
        condition = self.embedded(occupation, in_sites, fractions, classes, properties)
        return self.on_lattice(x, condition, lattice)

    def on_lattice(self, x: Tensor, condition: Tensor, lattice: Lattice) -> Tensor:
        """Return the output for an input (batch, channels, *space) and embedded conditions."""
        inside = list(lattice.boundary)
        crop: list[slice] = []
        for axis, (length, kind) in enumerate(zip(lattice.shape, lattice.boundary, strict=True)):
            before, after = extension(length, 1 << self.coarsest, kind)
            x = extend(x, axis, before, after, kind)
            crop.append(slice(before, before + length))
            if before:
                inside[axis] = "no-flux"
        y = self._on_box(x, condition, tuple(inside))
        return y[(slice(None), slice(None), *crop)]

    def _on_box(self, x: Tensor, condition: Tensor, boundary: tuple[Boundary, ...]) -> Tensor:
        """Return the output on the extended box; a large one is processed tile by tile."""
        if torch.is_grad_enabled() or math.prod(x.shape[2:]) <= tile_sites(x.device):
            return self._on(x, condition, boundary)
        y = x.new_empty(len(x), self.head.conv.out_channels, *x.shape[2:])
        for one, result, embedded in zip(torch.split(x, 1), y, condition, strict=True):
            part_of = partial(sites_of, one)
            for tile, part in Stages(self, embedded).outputs(0, part_of, x.shape[2:], boundary):
                result[(slice(None), *tile.inner)] = part[0]
        return y

    def parts(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
        properties: Tensor | None = None,
    ) -> Iterator[tuple[tuple[slice, ...], Tensor]]:
        """Yield the output of a large box tile by tile; no other field of the box is held.

        The parameters are those of `output`, of a single sample; occupation numbers may be of any
        type.

        Yields
        ------
        sites : tuple of slice
            Sites of the box.
        output : Tensor, shape (1, channels, *sites), float32
        """
        top = self.config.top
        box = BoxInputs(occupation, t, kernel, top, 1 << self.coarsest)
        if fractions is not None:
            fractions = fractions / top
        in_sites = t / kernel.lattice.block**2
        no_walkers = t.new_empty(occupation.shape[:2])
        condition = self.embedded(no_walkers, in_sites, fractions, classes, properties)
        stages = Stages(self, condition[0])
        for chunk in box.chunks(self.reach):
            if math.prod(chunk.shape) <= tile_sites(occupation.device):
                every = tuple(range(length) for length in chunk.shape)
                whole = Tile(tuple(slice(0, length) for length in chunk.shape), every)
                output = self._on(chunk.part(every), condition, chunk.boundary)
                outputs: Iterable[tuple[Tile, Tensor]] = [(whole, output)]
            else:
                outputs = stages.outputs(0, chunk.part, chunk.shape, chunk.boundary, chunk.inside)
            for tile, part in outputs:
                sites, within = chunk.sites(tile)
                yield sites, part[(slice(None), slice(None), *within)]

    def tiles_of(self, lattice: Lattice) -> int:
        """Count the tiles in which a box is evaluated, at its finest resolution."""
        multiple = 1 << self.coarsest
        extended = [-(-length // multiple) * multiple for length in lattice.shape]
        stages = Stages(self, next(self.parameters()))
        return len(stages.tiles_of(0, extended, lattice.boundary))

    def halo(self, level: int, *, down: bool = False) -> int:
        """Return the sites around a tile that a resolution has to see, or its way down alone."""
        first = 1 if level == 0 else 0
        way_down = first + cast(_Stage, self.down[level]).reach
        if down:
            return way_down
        way_up = cast(_Stage, self.up[level]).reach if level < self.coarsest else 0
        return way_down + way_up + first

    def encode(
        self,
        level: int,
        x: Tensor,
        condition: Tensor,
        edges: Edges,
        inside: tuple[slice, ...],
    ) -> Tensor:
        """Make the input of the next coarser resolution for a tile: a pure function.

        Parameters
        ----------
        level : int
            Resolution, 0 for the finest.
        x : Tensor, shape (1, channels, *outer)
            Input of the resolution on the tile and its surroundings.
        condition : Tensor, shape (embedding,)
        edges : Edges
            Of the outer part.
        inside : tuple of slice
            Where the tile lies once the sites at open ends are used up.
        """
        x = self._way_down(level, x, condition, edges)
        features: Tensor = self.coarsen[level](x[(slice(None), slice(None), *inside)])
        return features

    def decode(
        self,
        level: int,
        x: Tensor,
        below: Tensor | None,
        condition: Tensor,
        edges: Edges,
        inside: tuple[slice, ...],
        within: tuple[slice, ...],
    ) -> Tensor:
        """Make what a resolution gives to the next finer one for a tile, or the output.

        The parameters are those of `encode`, and

        Parameters
        ----------
        below : Tensor, shape (1, channels, *half)
            What the next coarser resolution gives.
        within : tuple of slice
            Where in it, on the sites of this resolution, the way down has its features.
        """
        x = self._way_down(level, x, condition, edges)
        if below is not None:
            x = x + F.interpolate(below, scale_factor=2.0)[(slice(None), slice(None), *within)]
            x = self.up[level](x, condition, edges)
        if level:
            refined: Tensor = self.refine[level - 1](x[(slice(None), slice(None), *inside)])
            return refined
        return self._read(x, edges)[(slice(None), slice(None), *inside)]

    def _way_down(self, level: int, x: Tensor, condition: Tensor, edges: Edges) -> Tensor:
        x = x.contiguous(memory_format=self.memory_format)
        if level == 0:
            x = self.stem(x, edges)
        features: Tensor = self.down[level](x, condition, edges)
        return features

    def _read(self, x: Tensor, edges: Edges) -> Tensor:
        """Return the output of the finest features, float32."""
        features: Tensor = F.silu(self.norm(x))
        # What is left of log h after its free factor is taken out is small beside it, so the
        # last convolution is not left to bfloat16.
        with torch.autocast(x.device.type, enabled=False):
            y: Tensor = self.head(features.float(), edges)
        return y

    @property
    def reach(self) -> int:
        """Return the distance in sites from which on the input does not affect the output."""
        blocks = self.config.blocks
        down = sum(2 * count << level for level, count in enumerate(blocks))
        up = sum(2 * count << level for level, count in enumerate(blocks[:-1]))
        # The first and the last convolution, and that a site is averaged with its whole block.
        return 1 + down + up + 1 + (1 << (len(blocks) - 1)) - 1

    def embedded(
        self,
        occupation: Tensor,
        t: Tensor,
        fractions: Tensor | None,
        classes: Tensor | None,
        properties: Tensor | None = None,
    ) -> Tensor:
        """Embed the noise level, in sites, and, where given, fractions, class and properties."""
        log_sigma = 0.5 * torch.log(2 * t.to(occupation.device, torch.float32))
        octave = 2.0 ** torch.arange(_FREQUENCIES, device=occupation.device) * (math.pi / 16)
        angle = log_sigma[:, None] * octave
        if fractions is None:
            fractions = occupation.new_full(occupation.shape[:2], math.nan)
        known = ~fractions.isnan()
        centred = torch.where(known, 4 * fractions - 1, 0.0)
        features = torch.cat([angle.sin(), angle.cos(), centred, known.float()], dim=1)
        if self.config.classes:
            one_hot = features.new_zeros(len(features), self.config.classes)
            if classes is not None:
                every = torch.arange(self.config.classes, device=features.device)
                one_hot = (classes.to(features.device)[:, None] == every).float()
            features = torch.cat([features, one_hot], dim=1)
        if self.config.properties:
            if properties is None:
                properties = features.new_full((len(features), self.config.properties), math.nan)
            given = ~properties.isnan()
            features = torch.cat([features, properties.nan_to_num(0.0), given.float()], dim=1)
        embedded: Tensor = self.embed(features)
        return embedded

    def _on(self, x: Tensor, condition: Tensor, boundary: tuple[Boundary, ...]) -> Tensor:
        """Evaluate the network on whole boxes, (batch, channels, *space)."""
        edges = Edges.of_box(boundary)
        skips: list[Tensor] = []
        for level in range(self.coarsest):
            skips.append(self._way_down(level, x, condition, edges))
            x = self.coarsen[level](skips[-1])
        x = self._way_down(self.coarsest, x, condition, edges)
        for level in reversed(range(self.coarsest)):
            x = skips.pop() + F.interpolate(self.refine[level](x), scale_factor=2.0)
            x = self.up[level](x, condition, edges)
        return self._read(x, edges)


class PotentialUNet(UNet):
    """Map occupation numbers to log h by a U-Net; see `PotentialNetwork` for the call.

    Parameters
    ----------
    config : UNetConfig

    Examples
    --------
    >>> from microdsd.process import Lattice, TransitionKernel
    >>> network = PotentialUNet(UNetConfig(ndim=2, species=1, widths=(8, 16), blocks=(1, 1)))
    >>> kernel = TransitionKernel(Lattice.box((13, 10), "no-flux"))
    >>> n_t = torch.ones(1, 1, 13, 10)
    >>> network(n_t, torch.tensor([0.5]), kernel).shape
    torch.Size([1, 1, 13, 10])
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config, config.species * (2 if config.read_out else 1))

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
        output = self.output(occupation, t, kernel, fractions, classes, properties)
        return _without_factor(output[:, : self.config.species])

    def joint(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
        properties: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return log h and the log probability (batch, phases, *space) of every phase.

        The background comes first; for networks whose configuration has ``read_out``. Of a block,
        the logarithm of the expected share of every phase.
        """
        output = self.output(occupation, t, kernel, fractions, classes, properties)
        log_h, log_odds = output.chunk(2, dim=1)
        if self.config.own_evidence and kernel.lattice.block == 1:
            log_odds = log_odds + own_evidence(occupation, t, kernel)
        background = torch.zeros_like(log_odds[:, :1])
        return _without_factor(log_h), torch.cat([background, log_odds], 1).log_softmax(1)

    def joint_parts(
        self,
        occupation: Tensor,
        t: Tensor,
        kernel: TransitionKernel,
        fractions: Tensor | None = None,
        classes: Tensor | None = None,
        properties: Tensor | None = None,
    ) -> Iterator[tuple[tuple[slice, ...], Tensor, Tensor]]:
        """Yield log h and log odds of the phases against the background by tiles; see `parts`.

        Log h is left with its free factor, which is the same on all tiles.

        Yields
        ------
        sites : tuple of slice
            Sites of the box.
        log_h, log_odds : Tensor, shape (1, species, *sites), float32
        """
        own = None
        if self.config.own_evidence and kernel.lattice.block == 1:
            own = OwnEvidence(occupation, t, kernel)
        for sites, output in self.parts(occupation, t, kernel, fractions, classes, properties):
            log_h, log_odds = output.chunk(2, dim=1)
            yield sites, log_h, log_odds if own is None else log_odds + own(sites)


def _without_factor(log_h: Tensor) -> Tensor:
    """Return log h with mean 0 over space.

    h matters only up to a factor. Nothing in the objective holds that factor, so it is taken out:
    left alone it drifted to e^500, where bfloat16 rounds log h to even numbers.
    """
    return log_h - log_h.mean(dim=tuple(range(2, log_h.ndim)), keepdim=True)


_FREQUENCIES = 4


def n_parameters(network: nn.Module) -> int:
    """Count the trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
