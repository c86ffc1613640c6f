"""How probable a model takes every phase to be on every voxel of material that is there."""

from __future__ import annotations

import math

import numpy as np
import torch
import xarray as xr

from microdsd.encoding import PhaseEncoding
from microdsd.errors import InputError
from microdsd.generation.batches import BatchedSampler
from microdsd.generation.memory import require_memory_for_work
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.microstructure import LabelsLike, as_ensemble, phases_of
from microdsd.microstructure.seeds import resolve_seed
from microdsd.models.methods import METHODS
from microdsd.networks import PotentialUNet
from microdsd.networks.octaves import OctaveUNets
from microdsd.process import Boundary, Lattice
from microdsd.process.octaves import Octaves
from microdsd.process.streams import stream
from microdsd.process.walk import Walkers
from microdsd.progress import stage
from microdsd.sampling import ConditionedNetwork
from microdsd.sampling.lattices import Lattices
from microdsd.sampling.origins import Anywhere
from microdsd.sampling.walk_back import state_of

SIGMA = 1.0
"""Noise level, voxels, from which the model is asked: below, it takes walkers where they stand at
their word; specks are told from material only where walkers have left their voxels."""

DRAWS = 8
"""Noisy states of each sample over which the probabilities are averaged."""

_FLOOR = 1e-6
"""Smallest probability."""


def log_probability(
    model: MicrostructureModel,
    ms: LabelsLike,
    *,
    sigma: float | None = None,
    draws: int = DRAWS,
    boundary: Boundary = "no-flux",
    rng: int | np.random.Generator | None = None,
) -> xr.DataArray:
    """Return the log probability of every phase on every voxel, as a model sees it in little noise.

    Walkers of the sample walk forward to a low noise level, and the model reads out the phases
    that it would assign there; the mean over several such walks is taken.

    Parameters
    ----------
    model : MicrostructureModel
        A model of phases, by bridges.
    ms : DataArray or ndarray
        Labels of the model's phases, dims ``([sample,] [z,] y, x)``; any size.
    sigma : float, optional
        Noise level, voxels; by default 1, or what the model knows next to it.
    draws : int
        Walks of each sample.
    boundary : {"no-flux", "periodic"}
    rng : int or Generator, optional

    Returns
    -------
    DataArray, dims (sample, phase, [z,] y, x)
        float32; the coordinate ``phase`` holds the labels.

    Raises
    ------
    InputError
        If the phases, the number of axes or the noise level are not those of the model, or the box
        does not fit the memory.

    Examples
    --------
    >>> model = MicrostructureModel.load("berea-2d")
    >>> new = model.sample(shape=(32, 32), evaluations=8, rng=0)
    >>> log_p = log_probability(model, new, rng=0)
    >>> log_p.dims, bool((log_p.argmax("phase") == new).mean() > 0.9)
    (('sample', 'phase', 'y', 'x'), True)
    """
    card, ensemble = model.card, as_ensemble(ms)
    METHODS[card.method].require_potential("log probabilities")
    contents = card.contents.require_phases("model", "log probabilities")
    shape = ensemble.shape[1:]
    if len(shape) != len(card.window):
        raise InputError(f"ms: has {len(shape)} axes, and the model is of {len(card.window)}")
    names = phases_of(ensemble)
    if names != dict(contents.phases):
        raise InputError(f"ms: the model is of {dict(contents.phases)}, and the phases are {names}")
    if draws < 1:
        raise InputError(f"draws: must be at least 1, got {draws}")
    level = min(max(SIGMA, card.sigma_min), card.sigma_max) if sigma is None else sigma
    if not card.sigma_min <= level <= card.sigma_max:
        raise InputError(
            f"sigma={level:g}: the model knows levels from {card.sigma_min:g} to {card.sigma_max:g}"
        )
    require_memory_for_work(1, shape, card.network, model.device, known_material=False)
    sampler = BatchedSampler(model.network, card, model.device, model.precision)
    encoding = PhaseEncoding(contents.phases, contents.background)
    order = [encoding.background, *encoding.species]
    seed = resolve_seed(rng)
    log_p = np.empty((len(ensemble), len(order), *shape), dtype=np.float32)
    with (
        stage("reading out", total=len(ensemble) * draws) as progress,
        sampler.precision.applied(model.device),
        torch.inference_mode(),
    ):
        for i, labels in enumerate(ensemble.values):
            mean = torch.zeros(len(order), *shape, device=model.device)
            for draw in range(draws):
                generator = stream(seed, i * draws + draw, model.device)
                mean += _read_out(model, encoding, labels, level, boundary, generator).exp()
                progress.advance(1)
            log_p[i] = (mean / draws).clamp_min(_FLOOR).log().cpu().numpy()
    return xr.DataArray(
        log_p,
        dims=("sample", "phase", *ensemble.dims[1:]),
        coords={"phase": order},
        name="log_p",
        attrs={"source": f"model {model.digest()}", "sigma": level, "draws": draws, "seed": seed},
    ).sortby("phase")


def _read_out(
    model: MicrostructureModel,
    encoding: PhaseEncoding,
    labels: np.ndarray,
    sigma: float,
    boundary: Boundary,
    generator: torch.Generator,
) -> torch.Tensor:
    """Return log probabilities (phase, *space), the background first, from one walk."""
    box = Octaves(Lattice.box(labels.shape, boundary), model.card.octaves, model.device)
    lattices = Lattices(box, box)
    occupation = encoding.encode(labels[None]).to(model.device)
    counts = occupation.flatten(2).sum(2).long()
    origins = Anywhere(counts)
    potential = model.network
    assert isinstance(potential, PotentialUNet | OctaveUNets)
    read_out = potential.joint if potential.config.read_out else None
    fractions = (counts / math.prod(labels.shape)).float()
    network = ConditionedNetwork(potential, read_out, fractions)
    walkers = Walkers.of(occupation, lattices.voxels)
    walkers = lattices.forward(walkers, 0.0, sigma, [generator], by_place=True)
    state = state_of(walkers.occupation(), sigma, lattices, origins, [generator])
    return network.scores(state, lattices)[0].log_softmax(0)
