"""Samples of a request in batches that fit the device, each from random numbers of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from microdsd.device.precision import AUTO, Precision, fastest_threads, resolve_dtype
from microdsd.encoding import PhaseEncoding, encoding_of
from microdsd.generation.memory import require_memory_for_work
from microdsd.generation.request import GenerationRequest
from microdsd.models.card import ModelCard
from microdsd.networks import PotentialUNet
from microdsd.networks.build import Network
from microdsd.networks.classes import ClassGuidance
from microdsd.networks.octaves import OctaveUNets
from microdsd.process import Lattice, TransitionKernel
from microdsd.process.octaves import Octaves
from microdsd.sampling import (
    AdaptiveLeaps,
    ConditionedNetwork,
    Generated,
    GridLeaps,
    Leap,
    Visit,
    sample_bridges,
    sample_images,
    sample_tau_leaping,
)
from microdsd.sampling.finite import require_guide_weights
from microdsd.sampling.guidance import Guide
from microdsd.sampling.origins import Regions

BATCH_VOXELS = {"cpu": 1 << 15, "cuda": 1 << 22}
"""Voxels of a batch: what keeps a device busy without holding more than it must."""

_REHEARSED = 64
"""Longest axis of the box that threads are measured with, voxels."""

Observer = Callable[[Visit | Leap], None]


class BatchedSampler:
    """A network, and how the samples of its method are made with it.

    Parameters
    ----------
    network : UNet or OctaveUNets
        On the device, ready for inference.
    card : ModelCard
    device : torch.device
    precision : {"auto", "float32", "bfloat16"}
        See `microdsd.device.precision.resolve_dtype`.
    """

    def __init__(
        self, network: Network, card: ModelCard, device: torch.device, precision: str = AUTO
    ) -> None:
        self.encoding = encoding_of(card)
        self._network = network
        self._card = card
        self._device = device
        self.dtype = resolve_dtype(precision, device)

    @cached_property
    def precision(self) -> Precision:
        """How the network is run; the threads, on which no sample depends, are measured.

        Measured is one training window's worth of work, or part of a large one.
        """
        shape = [min(length, _REHEARSED) for length in self._card.window]
        lattice = Lattice.box(shape, "no-flux")
        kernel = TransitionKernel(lattice, self._device)
        state = torch.zeros(1, self._card.network.species, *lattice.shape, device=self._device)
        t = torch.ones(1, device=self._device)
        with torch.inference_mode():
            threads = fastest_threads(
                lambda: self._network(state, t, kernel), self._device, self.dtype
            )
        return Precision(self.dtype, threads)

    def batches(self, request: GenerationRequest, start: int = 0) -> Iterator[range]:
        """Members of a request from ``start`` on, as many at a time as fit the device."""
        size = self._batch_size(request)
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
        require_memory_for_work(
            min(self._batch_size(request), len(request)),
            request.lattice.shape,
            self._card.network,
            self._device,
            known_material=layout is not None
            and not layout.walled
            and bool((layout.index < 0).any()),
        )

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
            made = self._walk(request, members, observe)
        if isinstance(made, Generated):
            assert isinstance(self.encoding, PhaseEncoding)
            return self.encoding.decode(made.phase), made.reassigned.tolist()
        above = (made - self.encoding.top).clamp_min(0).flatten(1).sum(1)
        return self.encoding.decode(made), above.long().tolist()

    def _walk(
        self, request: GenerationRequest, members: range, observe: Observer | None
    ) -> Generated | Tensor:
        """Phases of some members; of images, their intensities."""
        kernel = TransitionKernel(request.lattice, self._device)
        generators = [stream(request.seed, request.streams[i], self._device) for i in members]
        whole = torch.from_numpy(request.composition.whole[members.start : members.stop])
        counts = self.encoding.walkers(whole)
        fractions = (counts / request.lattice.n_sites).float().to(self._device)
        counts = counts.to(self._device)
        if self._card.method == "tau-leaping":
            return sample_tau_leaping(
                self._network,
                kernel,
                counts,
                GridLeaps(request.plan.levels)
                if request.plan.epsilon is None
                else AdaptiveLeaps(self._card.sigma_max, request.plan.epsilon),
                generators,
                fractions=fractions,
                observe=observe,
            )
        network = self._conditioned(request, members, fractions, observe)
        box = Octaves(request.lattice, self._card.octaves, self._device)
        if self._card.grey_levels:
            return sample_images(network, box, counts, request.plan, generators)
        origins = self._regions(request, members) or counts
        return sample_bridges(network, box, origins, request.plan, generators)

    def _regions(self, request: GenerationRequest, members: range) -> Regions | None:
        if request.layout is None:
            return None
        assert isinstance(self.encoding, PhaseEncoding)
        layout = request.layout
        counts = torch.tensor(request.composition.counts[members.start : members.stop])
        index = torch.tensor(layout.index, dtype=torch.int64)
        tables = index, self.encoding.to_species(counts), self.encoding.numbered(layout.known)
        return Regions(*(table.to(self._device) for table in tables), walled=layout.walled)

    def _guide(self, request: GenerationRequest) -> Guide | None:
        """The request's guide, for phases in the order of the sampler."""
        guide, encoding = request.guide, self.encoding
        if guide is None:
            return None
        assert isinstance(encoding, PhaseEncoding)

        def ordered(expected: Tensor, sigma: float) -> Tensor:
            weight = guide(encoding.from_species(expected, 1), sigma)
            require_guide_weights(weight, expected, sigma)
            return encoding.to_species(weight, 1)

        return ordered

    def _conditioned(
        self,
        request: GenerationRequest,
        members: range,
        fractions: Tensor,
        observe: Observer | None,
    ) -> ConditionedNetwork:
        """The network of potentials with what some members of a request are conditioned on."""
        network = self._network
        assert isinstance(network, PotentialUNet | OctaveUNets)
        steered: PotentialUNet | OctaveUNets | ClassGuidance = network
        if request.classes:
            known = list(self._card.classes)
            classes = [known.index(request.classes[i]) for i in members]
            steered = ClassGuidance(
                network, torch.tensor(classes, device=self._device), request.guidance
            )
        read_out = steered.joint if network.config.read_out else None
        return ConditionedNetwork(steered, read_out, fractions, self._guide(request), observe)


def stream(seed: int, number: int, device: torch.device) -> torch.Generator:
    """Generator of one stream of random numbers: a function of (seed, number) alone."""
    state = np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state >> np.uint64(1)))
