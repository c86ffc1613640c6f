"""Samples of a request in batches that fit the device, each from random numbers of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property, partial
from typing import cast

import numpy as np
import torch
from torch import Tensor

from microdsd.device.precision import AUTO, Precision, fastest_threads, resolve_dtype
from microdsd.encoding import encoding_of
from microdsd.generation.memory import (
    LARGE_BOX,
    makes_large_boxes,
    require_memory_for_large_box,
    require_memory_for_volume,
    require_memory_for_work,
)
from microdsd.generation.particle_walks import Observer, ParticleWalks
from microdsd.generation.request import GenerationRequest
from microdsd.generation.targets import Reach, scores_of_targets
from microdsd.models.card import ModelCard
from microdsd.models.contents import Channels, Phases
from microdsd.networks import PotentialUNet
from microdsd.networks.build import Network
from microdsd.networks.last_draw import LastDrawUNet
from microdsd.networks.octaves import OctaveUNets
from microdsd.networks.slice_last_draw import SliceLastDraw
from microdsd.networks.slices import SliceNetworks
from microdsd.networks.steering import Aims, Steered
from microdsd.process import Lattice, TransitionKernel
from microdsd.process.octaves import Octaves
from microdsd.process.slabs import slabs
from microdsd.process.streams import stream
from microdsd.sampling import (
    AdaptiveLeaps,
    ConditionedNetwork,
    GridLeaps,
    sample_bridges,
    sample_images,
    sample_tau_leaping,
)
from microdsd.sampling.finite import require_guide_weights
from microdsd.sampling.guidance import Guide
from microdsd.sampling.large_boxes import Bookmark, LargeBoxSampler
from microdsd.sampling.origins import Anywhere, Regions
from microdsd.sampling.particles import Chooser
from microdsd.sampling.spectral_start import SpectralStart
from microdsd.sampling.tiled_network import TiledNetwork

BATCH_VOXELS = {"cpu": 1 << 15, "cuda": 1 << 22}
"""Voxels of a batch: what keeps a device busy without holding more than it must."""

_REHEARSED = 64
"""Longest axis of the box that threads are measured with, voxels."""

Drawn = tuple[Tensor, Tensor]
"""Phases or intensities of samples, and what of each was moved to keep the counts."""


class BatchedSampler:
    """Sample batches with a network, in the way of its method.

    Parameters
    ----------
    network : UNet, OctaveUNets or SliceNetworks
        On the device, ready for inference.
    card : ModelCard
    device : torch.device
    precision : {"auto", "float32", "bfloat16"}
        See `microdsd.device.precision.resolve_dtype`.
    """

    def __init__(
        self, network: Network, card: ModelCard, device: torch.device, precision: str = AUTO
    ) -> None:
        self.encoding = encoding_of(card.contents)
        self._network = network
        self._card = card
        self._device = device
        self.dtype = resolve_dtype(precision, device)
        self._sample = {
            (Phases, "bridges"): self._phases,
            (Phases, "tau-leaping"): self._leaps,
            (Channels, "bridges"): self._channels,
        }[type(card.contents), card.method]

    @cached_property
    def _particle_walks(self) -> ParticleWalks:
        encoding = self.encoding.require_phases("targets", "targets")
        return ParticleWalks(self._card, encoding, self._device, self._chosen, self._batch_size)

    @cached_property
    def precision(self) -> Precision:
        """Return how the network is run; the threads, on which no sample depends, are measured.

        The threads are measured on one training window's worth of work, or part of a large one.
        """
        shape = [min(length, _REHEARSED) for length in self._card.window]
        network = self._network
        if isinstance(network, SliceNetworks):
            network, shape = network.normal_to(0), shape[1:]
        lattice = Lattice.box(shape, "no-flux")
        kernel = TransitionKernel(lattice, self._device)
        state = torch.zeros(1, self._card.network.species, *lattice.shape, device=self._device)
        t = torch.ones(1, device=self._device)
        with torch.inference_mode():
            threads = fastest_threads(lambda: network(state, t, kernel), self._device, self.dtype)
        return Precision(self.dtype, threads)

    def within_reach(self, request: GenerationRequest) -> GenerationRequest:
        """Return a request of particles with what pilot walks say of its targets.

        Pilots are kept for the samples. Where every sample has a composition of its own, drawn
        from a law, only those of the first walk beforehand.

        Raises
        ------
        InputError
            For targets out of reach.
        """
        known: dict[str, Reach] = {}
        reaches = []
        with self.precision.applied(self._device), torch.inference_mode():
            for i in range(1 if request.uncertain else len(request)):
                one = request.part([i])
                key = str((one.composition.counts.tolist(), one.classes, one.targets))
                if key not in known:
                    known[key] = self._particle_walks.reach(one, self._aims(one))
                reaches.append(known[key])
        return request.within(reaches)

    def batches(self, request: GenerationRequest, start: int = 0) -> Iterator[range]:
        """Yield members of a request from ``start`` on, as many at a time as fit the device."""
        size = 1 if request.particles > 1 else self._batch_size(request)
        for first in range(start, len(request), size):
            yield range(first, min(first + size, len(request)))

    def require_memory(self, request: GenerationRequest) -> None:
        """Refuse a request whose batches do not fit the memory of the device.

        Raises
        ------
        InputError
            Says what box fits.
        """
        layout = request.layout
        known = layout is not None and not layout.walled and bool((layout.index < 0).any())
        if isinstance(self._network, SliceNetworks):
            require_memory_for_volume(
                max(request.particles, min(self._batch_size(request), len(request))),
                request.lattice.shape,
                self._card.network,
                self._device,
                known_material=known,
                particles=request.particles,
            )
            return
        if self.alone(request):
            require_memory_for_large_box(
                request.lattice.shape,
                self._card.network,
                self._device,
                self.dtype,
                passes=bool(request.plan.passes),
            )
            return
        require_memory_for_work(
            max(request.particles, min(self._batch_size(request), len(request))),
            request.lattice.shape,
            self._card.network,
            self._device,
            known_material=known,
            particles=request.particles,
        )

    def alone(self, request: GenerationRequest) -> bool:
        """Return whether every sample is made by itself, as that of a large box.

        That is for models that make large boxes so, from anywhere in the box.
        """
        card = self._card
        return (
            request.lattice.n_sites > LARGE_BOX
            and makes_large_boxes(card)
            and request.layout is None
            and request.guide is None
            and request.particles == 1
            and request.plan.levels[-1] <= card.octaves[0]
        )

    def draw_alone(
        self,
        request: GenerationRequest,
        member: int,
        progress: Callable[[float], None],
        bookmark: Bookmark | None = None,
    ) -> tuple[np.ndarray, int]:
        """Make one member of a request of a large box, or go on with it.

        Parameters
        ----------
        request : GenerationRequest
        member : int
        progress : callable
            Receives which share of the work is done, after every tile and slab.
        bookmark : Bookmark, optional
            Given the state of the walk after every evaluation.

        Returns
        -------
        labels : ndarray, shape (*space)
        moved : int
            Voxels reassigned to meet the counts.
        """
        part = request.part(range(member, member + 1))
        (generator,), (counts,) = self._generators(part), self._walkers(part)
        network = TiledNetwork(self._network, self._fractions(part), self._aims(part))
        sampler = LargeBoxSampler(
            network, self._box(part), counts, part.plan, generator, self._start(part)
        )
        done = 0.0

        def advance(amount: float) -> None:
            nonlocal done
            done += amount
            progress(done / sampler.work)

        with self.precision.applied(self._device), torch.inference_mode():
            generated = sampler.sample(advance, bookmark)
        phase = generated.phase[0]
        layers = slabs(len(phase), phase[0].numel())
        labels = [self.encoding.decode(phase[part].cpu()) for part in layers]
        return np.concatenate(labels), int(generated.reassigned)

    def _batch_size(self, request: GenerationRequest) -> int:
        return max(1, BATCH_VOXELS.get(self._device.type, 1) // request.lattice.n_sites)

    def draw(
        self, request: GenerationRequest, members: range, observe: Observer | None = None
    ) -> tuple[np.ndarray, list[int]]:
        """Make some members of a request.

        Parameters
        ----------
        request : GenerationRequest
        members : range
        observe : callable, optional
            Shown every level after its network evaluation.

        Returns
        -------
        labels : ndarray, shape (members, *space)
            Of images, intensities with a channel axis before those of space.
        moved : list of int
            Per member the voxels reassigned to meet the counts; of images, the intensity above
            the highest level.
        """
        with self.precision.applied(self._device), torch.inference_mode():
            generated, moved = self._sample(request.part(members), observe)
        return self.encoding.decode(generated), moved.tolist()

    def _phases(self, request: GenerationRequest, observe: Observer | None) -> Drawn:
        """Sample phases by bridges, and count the voxels reassigned."""
        if request.particles > 1:
            each = (request.part([i]) for i in range(len(request)))
            walks = self._particle_walks
            aimed = [walks.sample(one, self._aims(one), observe) for one in each]
            phases, reassigned = zip(*aimed, strict=True)
            return torch.cat(phases), torch.cat(reassigned)
        return self._bridges(request, self._conditioned(request, observe))

    def _bridges(
        self,
        request: GenerationRequest,
        network: ConditionedNetwork,
        generators: list[torch.Generator] | None = None,
    ) -> Drawn:
        origins = self._regions(request) or Anywhere(self._walkers(request), self._start(request))
        generators = generators or self._generators(request)
        generated = sample_bridges(network, self._box(request), origins, request.plan, generators)
        return generated.phase, generated.reassigned

    def _chosen(
        self,
        walks: GenerationRequest,
        generators: list[torch.Generator],
        choose: Chooser,
        aims: Aims,
        observe: Observer | None,
    ) -> Drawn:
        """Sample phases by bridges, where walks are chosen to go on."""
        network = replace(self._conditioned(walks, observe, aims), choose=choose)
        return self._bridges(walks, network, generators)

    def _channels(self, request: GenerationRequest, observe: Observer | None) -> Drawn:
        """Sample intensities by bridges, and count what of them is above the highest level."""
        walkers, network = self._walkers(request), self._conditioned(request, observe)
        generators = self._generators(request)
        intensities = sample_images(network, self._box(request), walkers, request.plan, generators)
        return intensities, (intensities - self.encoding.top).clamp_min(0).flatten(1).sum(1).long()

    def _leaps(self, request: GenerationRequest, observe: Observer | None) -> Drawn:
        """Sample phases by tau-leaping, and count the voxels reassigned."""
        plan = request.plan
        generated = sample_tau_leaping(
            self._network,
            TransitionKernel(request.lattice, self._device),
            self._walkers(request),
            GridLeaps(plan.levels)
            if plan.epsilon is None
            else AdaptiveLeaps(self._card.sigma_max, plan.epsilon),
            self._generators(request),
            fractions=self._fractions(request),
            observe=observe,
        )
        return generated.phase, generated.reassigned

    def _box(self, request: GenerationRequest) -> Octaves:
        return Octaves(request.lattice, self._card.octaves, self._device)

    def _generators(self, request: GenerationRequest) -> list[torch.Generator]:
        return [stream(request.seed, number, self._device) for number in request.streams]

    def _walkers(self, request: GenerationRequest) -> Tensor:
        """Return the walkers of the whole box, (samples, species)."""
        return self.encoding.walkers(torch.tensor(request.composition.whole)).to(self._device)

    def _fractions(self, request: GenerationRequest) -> Tensor:
        """Return the walkers per voxel, (samples, species), for the network."""
        # Divided on the CPU: other devices multiply by the inverse, which rounds otherwise.
        walkers = self._walkers(request).cpu()
        return (walkers / request.lattice.n_sites).float().to(self._device)

    def _regions(self, request: GenerationRequest) -> Regions | None:
        layout = request.layout
        if layout is None:
            return None
        encoding = self.encoding.require_phases("layout", "regions")
        counts = torch.tensor(request.composition.counts)
        index = torch.tensor(layout.index, dtype=torch.int64)
        tables = index, encoding.to_species(counts), encoding.numbered(layout.known)
        return Regions(*(table.to(self._device) for table in tables), walled=layout.walled)

    def _start(self, request: GenerationRequest) -> SpectralStart | None:
        """Return what draws the densities of the walkers' start, where they are not uniform."""
        spectrum = self._card.spectrum
        return SpectralStart(spectrum) if request.plan.spectral and spectrum else None

    def _classes(self, request: GenerationRequest) -> Tensor | None:
        """Return the number of every sample's class."""
        if not request.classes:
            return None
        known = list(self._card.classes)
        return torch.tensor([known.index(name) for name in request.classes], device=self._device)

    def _aims(self, request: GenerationRequest) -> Aims:
        """Return class and properties that samples are steered to."""
        scores = scores_of_targets(self._card, request.targets, len(request))
        properties = None if scores is None else torch.from_numpy(scores).to(self._device)
        return Aims(self._classes(request), properties, request.guidance)

    def _guide(self, request: GenerationRequest) -> Guide | None:
        """Return the request's guide, for phases in the order of the sampler."""
        guide = request.guide
        if guide is None:
            return None
        encoding = self.encoding.require_phases("guide", "guides")

        def ordered(expected: Tensor, sigma: float) -> Tensor:
            weight = guide(encoding.from_species(expected, 1), sigma)
            require_guide_weights(weight, expected, sigma)
            return encoding.to_species(weight, 1)

        return ordered

    def _conditioned(
        self, request: GenerationRequest, observe: Observer | None, aims: Aims | None = None
    ) -> ConditionedNetwork:
        """Return the network of potentials with what samples are conditioned on."""
        network = self._network
        assert isinstance(network, PotentialUNet | OctaveUNets | SliceNetworks)
        aims = aims or self._aims(request)
        steered = Steered(network, aims) if aims.given else network
        read_out = steered.joint if network.config.read_out else None
        fractions, guide = self._fractions(request), self._guide(request)
        last_draw = None
        if request.plan.passes:
            drawing = cast("LastDrawUNet | SliceLastDraw", network.last_draw)
            last_draw = partial(drawing.given, classes=self._classes(request))
        return ConditionedNetwork(steered, read_out, fractions, guide, observe, last_draw)
