"""From a scan to a model in one call."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Never

import torch

from microdsd.device.precision import AUTO
from microdsd.encoding.scan import Source
from microdsd.encoding.windows import Symmetry
from microdsd.fitting.run import TrainingRun
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.io.windows import Region
from microdsd.microstructure import PhaseNames, VoxelSizeLike
from microdsd.microstructure.arguments import refuse_unknown
from microdsd.networks import Method
from microdsd.process import Boundary
from microdsd.progress import Progress, stage
from microdsd.training import TrainingConfig
from microdsd.training.distributed import joined_ranks
from microdsd.training.rate_objective import RateLoss


def fit(
    source: Source | Mapping[str, Source],
    config: TrainingConfig,
    *,
    window: int | Sequence[int] | None = None,
    symmetry: Symmetry = "none",
    validation: float = 0.15,
    boundary: Boundary = "no-flux",
    phases: PhaseNames | None = None,
    voxel_size: VoxelSizeLike | None = None,
    region: Region | None = None,
    network_size: Mapping[str, Any] | None = None,
    sigma_max: float | None = None,
    octaves: int | None = None,
    evaluations: int | None = None,
    conditions: Sequence[str] = (),
    start_from: MicrostructureModel | str | Path | None = None,
    method: Method = "bridges",
    loss: RateLoss | None = None,
    time_schedule: str | None = None,
    device: str | torch.device | None = None,
    precision: str = AUTO,
    for_volumes: bool = False,
    progress: Progress | None = None,
    **misspelt: Never,
) -> MicrostructureModel:
    """Train a model on a scan.

    In a script that `torchrun` starts, all its processes train one model, each on its share of
    every batch.

    Parameters
    ----------
    source : str, DataArray, ndarray, LabelSource, or dict of str to these
        Labels: ``"scan.h5:/path"``, or an array; a dict of several materials by name makes one
        model that can be told which. Or images: a file or array of `as_images`; their classes,
        if they have any, are learned along.
    config : TrainingConfig
        Budget and settings. `microdsd.show_progress` shows how far it is.
    window : int or sequence of int
        Needed. Voxels per axis; one number stands for all axes of the scan. With one entry fewer
        than the scan has axes, the model learns slices and is 2D.
    symmetry : {"none", "orthotropic", "transverse", "isotropic"}
        Symmetries of the material: windows are turned and mirrored accordingly.
    validation : float
        Share of the scan, at the far end of axis 0 (or the last samples of an ensemble), that
        is held back to validate on; 0 for none.
    boundary : {"no-flux", "periodic"}
        Boundary of the windows; "periodic" only for windows that are whole periodic boxes.
    phases : dict of int to str, optional
        Names of the labels; by default those of the source.
    voxel_size : float, dict or sequence, optional
        Metres per voxel, one number or one per axis; by default that of the source.
    region : dict of str to slice, optional
        Part of the scan to read, by axis.
    network_size : dict, optional
        ``widths``, ``blocks``, ``embedding`` of `UNetConfig`, where they differ from the default.
    sigma_max : float, optional
        Horizon, voxels; by default the one that `microdsd.schedule` recommends.
    octaves : int, optional
        Lattices of the walk, each of sites twice as long as those before; by default what window
        and horizon have room for, see `microdsd.schedule`, or those of ``start_from``. 1 is the
        lattice of voxels alone.
    evaluations : int, optional
        Network evaluations of a sample unless asked otherwise, at least 4; default: 24 in 2D, 16 in
        3D, 64 of images, 256 of tau-leaping. The walk back is calibrated for them.
    conditions : sequence of str
        Properties that samples can then be asked for with ``targets``: any number of `describe`
        or `describe_transport`, as ``"tortuosity_factor:pore:z"``; see
        `microdsd.properties.Property`. They are measured in some thousand training windows.
    start_from : MicrostructureModel, str or Path, optional
        Model whose weights to start from, itself, its file or its name: fine-tuning, for which a
        fraction of the time will do. Its network is kept. With more ``octaves`` than it has it
        learns structure longer than its windows were: coarser lattices begin with the weights of
        its coarsest one.
    method : {"bridges", "tau-leaping"}
        What to learn: the potential of long exact steps, or the hop rates of the paper.
    loss : {"likelihood", "l1", "l2"}, optional
        Loss of tau-leaping; by default the likelihood.
    time_schedule : str, optional
        Times of tau-leaping, see `microdsd.process.time_schedule`; the paper's settings are in
        `microdsd.training.paper.PAPER_SETTINGS`.
    device : str or torch.device, optional
        By default a CUDA device where there is one, else the CPU.
    precision : {"auto", "float32", "bfloat16"}
        Type of the convolutions; by default bfloat16 where the device has it in hardware.
    for_volumes : bool
        Of a picture of an isotropic material: also calibrate how volumes are made of slices, on the
        held-back part of the picture.
    progress : Progress, optional
        Receives after every step the share of the training that is done, and in words how it goes.

    Returns
    -------
    MicrostructureModel
        Its walk back is calibrated on the held-back windows.

    Raises
    ------
    InputError
        For labels, windows or options that cannot be used, before any training.

    Examples
    --------
    >>> from microdsd.microstructure import blobs
    >>> scan = blobs((64, 48), fractions=(0.3, 0.7), scale=2, rng=0)
    >>> model = fit(
    ...     scan, TrainingConfig(steps=2, batch=2), window=8, validation=0, device="cpu"
    ... )
    >>> model.sample(3, shape=12, rng=0).shape
    (3, 12, 12)
    """
    known = inspect.signature(fit).parameters.values()
    refuse_unknown(misspelt, [p.name for p in known if p.kind is not p.VAR_KEYWORD])
    with joined_ranks(device) as ranks:
        with ranks.together():
            run = TrainingRun(
                source,
                config,
                window=window,
                symmetry=symmetry,
                validation=validation,
                boundary=boundary,
                phases=phases,
                voxel_size=voxel_size,
                region=region,
                network_size=network_size,
                sigma_max=sigma_max,
                octaves=octaves,
                evaluations=evaluations,
                conditions=conditions,
                start_from=start_from,
                method=method,
                loss=loss,
                time_schedule=time_schedule,
                device=device,
                precision=precision,
                for_volumes=for_volumes,
                ranks=ranks,
            )
        with stage("training", 1.0, progress) as training:
            for record in run.records():
                training.update(record.progress, status=run.status(record))
        return run.finish()
