"""One training by several processes, each on its share of every batch, as `torchrun` starts them.

Every rank holds the whole network and takes the same steps. Gradients are averaged by one
all-reduce per step, and not by torch's wrapper DistributedDataParallel: that hooks into `forward`,
whereas losses also ask `joint`, and it expects a gradient of every weight, whereas a step is for
the network of one octave.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from microdsd.errors import InputError, MicrodsdError

T = TypeVar("T")

_PATIENCE = timedelta(hours=12)
"""How long ranks wait for one another: the first one validates and calibrates meanwhile."""


class LostRankError(MicrodsdError):
    """Report that another process of the training does not answer any more."""


@dataclass(frozen=True)
class Ranks:
    """Represent the processes of a training in one of them; it is alone by default.

    Attributes
    ----------
    rank : int
        Of this process, from 0.
    size : int
        Number of processes.

    Examples
    --------
    >>> Ranks(rank=1, size=4).share(8)
    slice(2, 4, None)
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Return whether this rank validates, decides, calibrates, writes and speaks."""
        return self.rank == 0

    def share(self, batch: int) -> slice:
        """Return which windows of a batch this rank takes.

        Raises
        ------
        InputError
            If the batch cannot be dealt out evenly.
        """
        if batch % self.size:
            raise InputError(
                f"batch={batch}: cannot be dealt out evenly to {self.size} ranks; give a multiple "
                f"of {self.size}, or start another number of processes"
            )
        each = batch // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def average(self, weights: Iterable[nn.Parameter], loss: Tensor) -> Tensor:
        """Average the gradients over all ranks, in place, and the loss, which is returned."""
        if self.size == 1:
            return loss
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        mean = torch.cat([*(gradient.flatten() for gradient in gradients), loss.reshape(1)])
        with self._answered():
            dist.all_reduce(mean)
        mean /= self.size
        parts = torch.split(mean[:-1], [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return mean[-1]

    def decided(self, value: T) -> T:
        """Return what the first rank says; other ranks' values are of no account."""
        if self.size == 1:
            return value
        values = [value]
        with self._answered():
            dist.broadcast_object_list(values, src=0, device=torch.device("cpu"))
        return values[0]

    def interrupt_together(self, release: Callable[[], None]) -> None:
        """Raise KeyboardInterrupt on all ranks, after the same step, if `release` does on one."""
        if self.size == 1:
            release()
            return
        interrupted = False
        try:
            release()
        except KeyboardInterrupt:
            interrupted = True
        if any(self._gathered(interrupted)):
            raise KeyboardInterrupt

    @contextmanager
    def together(self) -> Iterator[None]:
        """Bind ranks: all get through the block, or none; they must not exchange values in it.

        Raises
        ------
        MicrodsdError
            On every rank, the error of the lowest one that has failed.
        """
        error: MicrodsdError | None = None
        try:
            yield
        except MicrodsdError as raised:
            error = raised
        if self.size == 1:
            if error is not None:
                raise error
            return
        texts = self._gathered(None if error is None else str(error))
        failed = [(rank, text) for rank, text in enumerate(texts) if text is not None]
        if not failed:
            return
        rank, text = failed[0]
        if error is not None and rank == self.rank:
            raise error
        raise MicrodsdError(f"rank {rank}: {text}")

    def require_same(self, run: dict[str, Any]) -> None:
        """Refuse to train together what is not the same run.

        Raises
        ------
        InputError
            On every rank; names what differs.
        """
        if self.size == 1:
            return
        runs = self._gathered(run)
        for rank, other in enumerate(runs):
            differing = [key for key in runs[0] if other.get(key) != runs[0][key]]
            if differing:
                raise InputError(
                    f"rank {rank}: trains with other settings than rank 0: "
                    + "; ".join(f"{k}={other.get(k)}, not {runs[0][k]}" for k in differing)
                    + "; all ranks need the same command, data, state and versions"
                )

    def _gathered(self, value: T) -> list[T]:
        values: list[Any] = [None] * self.size
        with self._answered():
            dist.all_gather_object(values, value)
        return values

    @contextmanager
    def _answered(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise LostRankError(
                f"training: another of the {self.size} ranks has ended, or cannot be reached; the "
                "same command with --resume goes on from what was last saved"
            ) from error


@contextmanager
def joined_ranks(device: str | torch.device | None = None) -> Iterator[Ranks]:
    """Join the processes that torchrun has started; elsewhere, this process is alone.

    They speak by gloo, and of what is on GPUs by NCCL; every rank of a machine then has a GPU of
    its own. A process group that is there already is used, and left as it is.

    Parameters
    ----------
    device : str or torch.device, optional
        What is to be trained on; by default a GPU where there is one.

    Raises
    ------
    InputError
        If a machine has fewer GPUs than ranks, or one is named for all of them.
    """
    if dist.is_available() and dist.is_initialized():
        yield Ranks(dist.get_rank(), dist.get_world_size())
        return
    if not dist.is_torchelastic_launched() or os.environ["WORLD_SIZE"] == "1":
        yield Ranks()
        return
    on_gpus = _take_gpu(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpus else "gloo", timeout=_PATIENCE)
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def _take_gpu(device: str | torch.device | None) -> bool:
    """Return whether ranks are on GPUs; "cuda" then means the one of this rank."""
    asked = torch.device("cuda" if device is None else device)
    if asked.type != "cuda" or not torch.cuda.is_available():
        return False
    if asked.index is not None:
        raise InputError(f"device={device}: each rank takes a GPU of its own; leave the number out")
    own, number = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if own >= number:
        raise InputError(
            f"device: {os.environ['LOCAL_WORLD_SIZE']} ranks on a machine with {number} GPUs; "
            f"start torchrun with --nproc-per-node {number}, or train with --device cpu"
        )
    torch.cuda.set_device(own)
    return True
