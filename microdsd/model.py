"""The facade: train, sample, save and load a model of a microstructure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr

import microdsd
from microdsd.device import resolve_device
from microdsd.encoding import PhaseEncoding
from microdsd.errors import CheckpointError
from microdsd.io import atomic_write
from microdsd.microstructure import as_microstructure
from microdsd.microstructure.composition import Fractions
from microdsd.models import model_path
from microdsd.networks import PotentialUNet, UNet, build_network
from microdsd.networks.base import ReadOut
from microdsd.process import Boundary, Lattice, TransitionKernel
from microdsd.request import GenerationRequest
from microdsd.sampling import (
    AdaptiveLeaps,
    Generated,
    GridLeaps,
    Leap,
    Visit,
    sample_bridges,
    sample_tau_leaping,
)
from microdsd.training.checkpoint import ModelCard, pack_model, read_model
from microdsd.training.precision import Precision, measure_precision

if TYPE_CHECKING:
    from microdsd.schedule import Source
    from microdsd.training import StepRecord, TrainingConfig

_BATCH_VOXELS = {"cpu": 1 << 15, "cuda": 1 << 22}
"""Voxels of a batch: what keeps a device busy without holding more than it must."""


class MicrostructureModel:
    """A trained model that generates microstructures with exact phase counts.

    Make one with `fit` or `load`.

    Parameters
    ----------
    network : UNet
    card : ModelCard
    device : str or torch.device, optional
        By default a CUDA device where there is one, else the CPU.

    Examples
    --------
    >>> model = MicrostructureModel.load("berea-2d")
    >>> new = model.sample(2, phase_fraction={"pore": 0.22}, shape=(32, 32), rng=0)
    >>> (new == 0).sum(("y", "x")).values  # 0.22 * 1024, to the nearest voxel
    array([225, 225])
    """

    def __init__(
        self,
        network: UNet,
        card: ModelCard,
        device: str | torch.device | None = None,
    ) -> None:
        self.device = resolve_device(device)
        self.network = network.to(self.device).eval().requires_grad_(False)
        self.network.to(memory_format=network.memory_format)  # type: ignore[call-overload]
        self.card = card
        self._encoding = PhaseEncoding(card.phases, card.background)
        self._precision: Precision | None = None

    @classmethod
    def fit(
        cls,
        source: Source,
        config: TrainingConfig,
        *,
        device: str | torch.device | None = None,
        on_step: Callable[[StepRecord], None] | None = None,
        **options: Any,
    ) -> MicrostructureModel:
        """Train a model on a scan.

        Parameters
        ----------
        source : str, DataArray or ndarray
            Labels: ``"scan.h5:/path"``, or an array.
        config : TrainingConfig
            Budget and settings.
        device : str or torch.device, optional
        on_step : callable, optional
            Told of every step.
        **options
            Passed to `microdsd.fitting.TrainingRun`: ``window``, ``symmetry``, ``validation``,
            ``phases``, ``voxel_size``, ``region``, ``boundary``, ``network_size``, ``sigma_max``;
            ``method="tau-leaping"`` with ``loss`` and ``schedule`` for the paper's own method.

        Raises
        ------
        InputError
            For labels, windows or options that cannot be used, before any training.
        """
        from microdsd.fitting import TrainingRun

        run = TrainingRun(source, config, device=device, **options)
        for record in run.records():
            if on_step is not None:
                on_step(record)
        return run.finish()

    @classmethod
    def load(
        cls, path: str | Path, device: str | torch.device | None = None
    ) -> MicrostructureModel:
        """Load a model file, or a model that ships with the package by its name.

        Raises
        ------
        CheckpointError
            If the file is damaged, foreign, or of another version.
        DataFileError
            If there is no such file and no such shipped model.
        """
        weights, card = read_model(model_path(path))
        network = build_network(card.method, card.network)
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(
                f"{path}: its weights are not those of the network that its card describes; "
                "the file is damaged, or of another microdsd"
            ) from error
        return cls(network, card, device)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the model to one file, atomically.

        Raises
        ------
        DataFileError
            If the file exists and ``overwrite`` is false, or cannot be written.
        """
        with atomic_write(path, overwrite=overwrite) as temporary:
            temporary.write_bytes(pack_model(self.network.state_dict(), self.card))

    def sample(
        self,
        n: int = 1,
        *,
        phase_fraction: Fractions | None = None,
        shape: Sequence[int] | None = None,
        boundary: Boundary | Sequence[Boundary] = "no-flux",
        evaluations: int | None = None,
        sigma_last: float | None = None,
        epsilon: float | None = None,
        rng: int | np.random.Generator | None = None,
    ) -> xr.DataArray:
        """Generate microstructures with exactly the composition asked for.

        Parameters
        ----------
        n : int
            Number of samples.
        phase_fraction : mapping of phase to float or to n floats, optional
            Fractions by label or name; one phase may be left out and takes the rest. By
            default the mean of the training windows.
        shape : sequence of int, optional
            Voxels per axis; the training window's by default. Larger boxes start from the
            training window's horizon.
        boundary : {"no-flux", "periodic"} or one per axis
        evaluations : int, optional
            Network evaluations per sample; more is slower and closer to the data.
        sigma_last : float, optional
            Noise level, voxels, at which walkers are assigned to voxels; by default the one
            that the model was calibrated to. For tau-leaping, the level of the last leap.
        epsilon : float, optional
            For tau-leaping, in place of ``evaluations``: the paper's rule, leaps in which at
            most this share of a voxel's walkers leaves. Takes tens of thousands of evaluations.
        rng : int or Generator, optional
            Sample i depends on the seed and i alone.

        Returns
        -------
        DataArray, dims (sample, [z,] y, x)
            Labels. The attribute ``provenance`` (JSON) holds the request, the exact counts, and
            per sample the number of voxels reassigned to meet them.

        Raises
        ------
        InputError
            For a request that cannot be met; says what can.
        """
        request = GenerationRequest.resolve(
            self.card,
            n,
            phase_fraction=phase_fraction,
            shape=shape,
            boundary=boundary,
            evaluations=evaluations,
            sigma_last=sigma_last,
            epsilon=epsilon,
            rng=rng,
        )
        made = list(self.generate(request))
        return self.dress(request, [labels for labels, _ in made], [moved for _, moved in made])

    def generate(
        self,
        request: GenerationRequest,
        *,
        start: int = 0,
        on_evaluation: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[np.ndarray, int]]:
        """Generate the samples of a request one after the other.

        Parameters
        ----------
        request : GenerationRequest
        start : int
            Index of the first sample, to go on with an interrupted run.
        on_evaluation : callable, optional
            Told after every network evaluation for how many samples it was.

        Yields
        ------
        labels : ndarray, shape ``request.lattice.shape``
        reassigned : int
            Voxels whose phase is not the one most probable there: what exact counts cost.
        """
        for members in self._batches(request, start):
            observe = None if on_evaluation is None else _tell(on_evaluation)
            made = self._sample_batch(request, members, observe)
            labels = self._encoding.decode(made.phase)
            yield from zip(labels, made.reassigned.tolist(), strict=True)

    def walk(
        self, request: GenerationRequest, index: int = 0
    ) -> tuple[list[tuple[float, np.ndarray]], np.ndarray]:
        """Generate one sample and keep its intermediate states, for pictures of the walk.

        Returns
        -------
        states : list of (sigma, ndarray)
            Occupation numbers (species, *shape) at every noise level, from the horizon down.
        labels : ndarray, shape ``request.lattice.shape``
        """
        states: list[tuple[float, np.ndarray]] = []

        def keep(visit: Visit | Leap) -> None:
            states.append((float(visit.sigma), visit.occupation[0].cpu().numpy().astype(np.uint16)))

        made = self._sample_batch(request, range(index, index + 1), keep)
        return states, self._encoding.decode(made.phase)[0]

    def dress(
        self,
        request: GenerationRequest,
        labels: Sequence[np.ndarray],
        reassigned: Sequence[int],
    ) -> xr.DataArray:
        """Samples in the array contract, with the request and the model as provenance."""
        record = {
            "generator": f"microdsd {microdsd.__version__}",
            "model_digest": self.digest(),
            **request.record(self.card),
            "reassigned": list(reassigned),
            "precision": self._sampling_precision().dtype,
            "training": dict(self.card.provenance),
        }
        return as_microstructure(
            np.stack(labels),
            phases=dict(self.card.phases),
            voxel_size=None if self.card.unit == "voxel" else list(self.card.voxel_size),
            ensemble=True,
            provenance=record,
        )

    def digest(self) -> str:
        """First 16 hex digits of the sha256 of card and weights."""
        return hashlib.sha256(pack_model(self.network.state_dict(), self.card)).hexdigest()[:16]

    def _kernel(self, request: GenerationRequest) -> TransitionKernel:
        return TransitionKernel(request.lattice, self.device)

    def _batches(self, request: GenerationRequest, start: int) -> Iterator[range]:
        size = max(1, _BATCH_VOXELS.get(self.device.type, 1) // request.lattice.n_sites)
        for first in range(start, len(request), size):
            yield range(first, min(first + size, len(request)))

    def _sample_batch(
        self,
        request: GenerationRequest,
        members: range,
        observe: Callable[[Visit | Leap], None] | None,
    ) -> Generated:
        labels = sorted(self.card.phases)
        columns = [labels.index(label) for label in self._encoding.species]
        counts = torch.from_numpy(request.counts[members.start : members.stop, columns])
        generators = [_generator(request.seed, request.streams[i], self.device) for i in members]
        fractions = (counts / request.lattice.n_sites).float().to(self.device)
        counts, kernel = counts.to(self.device), self._kernel(request)
        with self._sampling_precision().applied(self.device), torch.inference_mode():
            if self.card.method == "bridges":
                return sample_bridges(
                    self.network,
                    kernel,
                    counts,
                    request.levels,
                    generators,
                    fractions=fractions,
                    read_out=self._read_out(),
                    observe=observe,
                )
            return sample_tau_leaping(
                self.network,
                kernel,
                counts,
                GridLeaps(request.levels)
                if request.epsilon is None
                else AdaptiveLeaps(self.card.sigma_max, request.epsilon),
                generators,
                fractions=fractions,
                observe=observe,
            )

    def _read_out(self) -> ReadOut | None:
        network = self.network
        if isinstance(network, PotentialUNet) and network.config.read_out:
            return network.joint
        return None

    def _sampling_precision(self) -> Precision:
        """Measured once, on one training window's worth of work."""
        if self._precision is None:
            lattice = Lattice.box(self.card.window, "no-flux")
            kernel = TransitionKernel(lattice, self.device)
            state = torch.zeros(1, self.card.network.species, *lattice.shape, device=self.device)
            t = torch.ones(1, device=self.device)
            with torch.inference_mode():
                self._precision = measure_precision(
                    lambda: self.network(state, t, kernel), self.device
                )
        return self._precision


def _generator(seed: int, stream: int, device: torch.device) -> torch.Generator:
    """Generator of one stream of random numbers: a function of (seed, stream) alone."""
    state = np.random.SeedSequence(seed, spawn_key=(stream,)).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state >> np.uint64(1)))


def _tell(on_evaluation: Callable[[int], None]) -> Callable[[Visit | Leap], None]:
    return lambda visit: on_evaluation(len(visit.occupation))
