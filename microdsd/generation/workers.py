"""Samples and tiles made by the workers of a dask scheduler: the same voxels as in this process.

Of several samples each is a task, for it depends on the seed and its number alone. A single box
is led by this process, and its network is evaluated by the workers, tile by tile.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from microdsd import __version__
from microdsd.device.precision import Precision
from microdsd.ensembles.cluster import (
    ClusterOfWorkers,
    KilledWorkersError,
    connected,
    require_version,
    require_visible,
)
from microdsd.errors import MicrodsdError
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.generation.request import GenerationRequest
from microdsd.generation.volumes import model_for
from microdsd.models import model_path
from microdsd.networks.slices import SliceNetworks
from microdsd.networks.unet import UNet
from microdsd.progress import Progress
from microdsd.sampling.large_boxes import Bookmark

Sample = tuple[int, np.ndarray, int]
"""Number of a sample, its labels, and the voxels reassigned."""

_GOES_ON = "the same command goes on with the samples that were made before"
_GOES_ON_WITHIN = "the same command goes on with the network evaluation at which it was stopped"
_BEGINS_AGAIN = "the same command begins again"


@dataclass(frozen=True)
class ModelOfWorkers:
    """Describe the model of this process to workers; small, and made to be sent about.

    Attributes
    ----------
    path : str
        File, or the name of a model that ships.
    digest : str
    device, precision : str
        Samples are the same voxel by voxel only on one kind of device and in one precision.
    version : str
        Version of this package where the work was given out.
    axes : int
        Of the box.
    slices : tuple of (str, str)
        Models or classes by the axis of slices, of a volume; see `model_for`.
    """

    path: str
    digest: str
    device: str
    precision: str
    version: str = __version__
    axes: int = 0
    slices: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        model: MicrostructureModel,
        path: str | Path,
        slices: Mapping[str, str] | None = None,
    ) -> ModelOfWorkers:
        """Describe the model that was loaded from a path, or from those of slices."""
        cuts = tuple((axis, _place(name)) for axis, name in (slices or {}).items())
        axes = len(model.card.window)
        kind = model.device.type
        return cls(_place(path), model.digest(), kind, model.precision, axes=axes, slices=cuts)

    def load(self) -> MicrostructureModel:
        """Load the model, on a worker; it is kept from one task to the next.

        Raises
        ------
        MicrodsdError
            The worker has another version of this package, no such model, another one of this
            name, or no such device.
        """
        require_version(self.version)
        for path in (self.path, *(name for _, name in self.slices)):
            if Path(path).is_absolute():
                require_visible(path)
        return _loaded(self)


def _place(path: str | Path) -> str:
    """Return where any process on this machine finds a file; other names are as they are."""
    file = Path(path)
    return str(file.absolute()) if file.exists() else str(path)


@lru_cache(maxsize=1)
def _loaded(wanted: ModelOfWorkers) -> MicrostructureModel:
    model = model_for(
        wanted.path, wanted.axes, dict(wanted.slices), wanted.device, wanted.precision
    )
    if model.digest() != wanted.digest:
        raise MicrodsdError(
            f"{model_path(wanted.path)}: a worker finds the model {model.digest()} here, and not "
            f"{wanted.digest}; give all machines the same file"
        )
    return model


def generate_by_workers(
    model: MicrostructureModel,
    path: str | Path,
    request: GenerationRequest,
    numbers: Sequence[int],
    scheduler: str,
    workers: int | None = None,
    progress: Progress | None = None,
    bookmark: Callable[[int], Bookmark] | None = None,
    slices: Mapping[str, str] | None = None,
) -> Generator[Sample, None, None]:
    """Make samples of a request by the workers of a scheduler, as they are ready.

    A worker that dies costs the time of its task only. Tiles are given out where there is one
    sample, larger than a tile; nothing is where it is smaller.

    Parameters
    ----------
    model : MicrostructureModel
        Loaded from ``path``, where workers find it as well.
    path : str or Path
    request : GenerationRequest
    numbers : sequence of int
        Of the samples to make.
    scheduler, workers
        As `microdsd.ensembles.cluster.check_scheduler` lets them pass.
    progress : Progress, optional
        Told as `MicrostructureModel.generate` tells.
    bookmark : callable, optional
        See `MicrostructureModel.generate`; a single large box is kept in it on the way.
    slices : mapping of str to str, optional
        As of `model_for`, by which the model was loaded.

    Raises
    ------
    MicrodsdError
        The scheduler cannot be reached or is lost, or a worker cannot do what it is to do.
    """
    file = ModelOfWorkers.of(model, path, slices)
    if not numbers:
        return
    if len(request) == 1:
        tiles = number_of_tiles(model, request)
        kept = bookmark is not None and model.keeps_bookmarks(request)
        goes_on = _GOES_ON_WITHIN if kept else _BEGINS_AGAIN
        with (
            _tiles_by_workers(model, file, scheduler, workers, tiles, goes_on)
            if tiles > 1
            else nullcontext()
        ):
            ((labels, moved),) = model.generate(request, progress=progress, bookmark=bookmark)
        yield 0, labels, moved
        return
    done, calls = len(request) - len(numbers), request.network_calls or 1
    total = len(request) * calls
    with connected(scheduler, workers, len(numbers), _GOES_ON) as cluster:
        tasks = ((number, (file, request.part(range(number, number + 1)))) for number in numbers)
        for number, result in cluster.results(make_sample, tasks):
            if isinstance(result, Exception):
                raise _of_sample(number, result)
            done += 1
            if progress is not None:
                progress(done * calls, total, "")
            yield number, *result


def number_of_tiles(model: MicrostructureModel, request: GenerationRequest) -> int:
    """Count the tiles in which the network goes through the voxels of a request's box."""
    if isinstance(model.network, SliceNetworks):
        return 1  # which go to the network many at a time
    return _networks(model)[0].tiles_of(request.lattice)


def make_sample(file: ModelOfWorkers, request: GenerationRequest) -> tuple[np.ndarray, int]:
    """Make the only sample of a request, on a worker."""
    ((labels, moved),) = file.load().generate(request)
    return labels, moved


def evaluate_tile(file: ModelOfWorkers, octave: int, stage: str, *arguments: Any) -> Packed:
    """Evaluate a stage of an octave's network on a tile, on a worker.

    Parameters
    ----------
    file : ModelOfWorkers
    octave : int
    stage : {"encode", "decode"}
        See `UNet.encode` and `UNet.decode`.
    *arguments
        Tensors as `Packed`.
    """
    model = file.load()
    evaluate = getattr(_networks(model)[octave], stage)
    unpacked = (a.tensor(model.device) if isinstance(a, Packed) else a for a in arguments)
    precision = Precision(file.precision, torch.get_num_threads())
    with precision.applied(model.device), torch.inference_mode():
        return Packed.of(evaluate(*unpacked))


@contextmanager
def _tiles_by_workers(
    model: MicrostructureModel,
    file: ModelOfWorkers,
    scheduler: str,
    workers: int | None,
    tiles: int,
    goes_on: str,
) -> Iterator[None]:
    """Spread the tiles of a box over workers while the block lasts."""
    networks = _networks(model)
    before = [network.map_tiles for network in networks]
    with connected(scheduler, workers, tiles, goes_on) as cluster:
        try:
            for octave, network in enumerate(networks):
                network.map_tiles = partial(_outputs, cluster, file, octave)
            yield
        finally:
            for network, usual in zip(networks, before, strict=True):
                network.map_tiles = usual


def _outputs(
    cluster: ClusterOfWorkers,
    file: ModelOfWorkers,
    octave: int,
    function: Callable[..., Tensor],
    arguments: Iterable[tuple[Any, ...]],
) -> Iterator[Tensor]:
    """Yield outputs on tiles, in order; ``function`` is what workers call of their own model."""
    device = torch.device(file.device)
    tasks = (
        (
            file,
            octave,
            function.__name__,
            *(Packed.of(a) if isinstance(a, Tensor) else a for a in of_tile),
        )
        for of_tile in arguments
    )
    for result in cluster.in_order(evaluate_tile, tasks):
        if isinstance(result, Exception):
            raise result
        yield result.tensor(device)


def _networks(model: MicrostructureModel) -> list[UNet]:
    """List the networks by octave."""
    return cast(list[UNet], list(model.network.octaves))


@dataclass(frozen=True)
class Packed:
    """Hold a tensor on its way between processes; numpy has no bfloat16.

    Attributes
    ----------
    values : ndarray
        In the type of the tensor, or the bits of bfloat16 as int16.
    bfloat16 : bool
    """

    values: np.ndarray
    bfloat16: bool

    @classmethod
    def of(cls, tensor: Tensor) -> Packed:
        """Pack a tensor of any device."""
        bfloat16 = tensor.dtype == torch.bfloat16
        bits = tensor.detach().cpu().contiguous()
        return cls((bits.view(torch.int16) if bfloat16 else bits).numpy(), bfloat16)

    def tensor(self, device: torch.device) -> Tensor:
        """Return the tensor on a device."""
        values = torch.from_numpy(self.values)
        return (values.view(torch.bfloat16) if self.bfloat16 else values).to(device)


def _of_sample(number: int, error: Exception) -> Exception:
    """Name the sample in its error, unless it is of all samples."""
    if isinstance(error, KilledWorkersError):
        return MicrodsdError(f"sample {number}: {error}")
    return error
