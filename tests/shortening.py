"""How snippets of the documentation are made short enough to run in every test run.

The snippets run as they stand, in this process, with four stand-ins below them:

- training ends after two steps, of a small network, on windows of at most 8 voxels per axis, for
  4 evaluations;
- the models that ship keep their cards, but their networks are small and know nothing, their 3D
  windows have at most 16 voxels per axis, and they take 4 evaluations;
- 3D boxes of more than 500,000 voxels are cut to 16 per axis;
- public scans are synthetic ones of the same phases.

Names, options, files, counts and units are those of the page.
"""

import functools
from dataclasses import replace

import numpy as np
import torch

import microdsd
from microdsd.datasets import dataset_info
from microdsd.fitting import TrainingRun
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.generation.request import GenerationRequest
from microdsd.microstructure import as_microstructure, blobs
from microdsd.networks import build_network
from microdsd.training import TrainingConfig

EVALUATIONS = 4
LARGEST_WINDOW = 8
LARGEST_EDGE = 16
LARGEST_BOX = 500_000


def shorten(patch, folder):
    """Put the stand-ins in place.

    Parameters
    ----------
    patch : MonkeyPatch
    folder : Path
        Where `small_models` has written the models.
    """
    patch.setattr("microdsd.models.shipped._FOLDER", folder)
    patch.setattr("microdsd.datasets.load_dataset", scan_like)
    patch.setattr("microdsd.load_dataset", scan_like)
    _before(patch, TrainingConfig, "__init__", _short_budget)
    _before(patch, TrainingRun, "__init__", _small_run)
    original = GenerationRequest.resolve.__func__

    def resolve(cls, card, n, **options):
        if (shape := options.get("shape")) is not None:
            edges = (shape,) * len(card.window) if isinstance(shape, int) else shape
            if np.prod(edges) > LARGEST_BOX:
                options["shape"] = _cut(edges, LARGEST_EDGE)
        return original(cls, card, n, **options)

    patch.setattr(GenerationRequest, "resolve", classmethod(resolve))


def small_models(folder):
    """Write a stand-in for every model that ships."""
    for name in microdsd.models.shipped_models():
        card = MicrostructureModel.load(name, "cpu").card
        network = replace(card.network, widths=(4, 8), blocks=(1, 1), embedding=8)
        walks = [walk for walk in card.walks if walk.evaluations == card.evaluations]
        card = replace(
            card,
            network=network,
            window=_cut(card.window, LARGEST_EDGE),
            evaluations=EVALUATIONS,
            walks=tuple(
                replace(walk, evaluations=EVALUATIONS, passes=0, temperature=0.0)
                for walk in walks[:1]
            ),
            last_draw=None,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            small = MicrostructureModel(build_network(card.method, network), card, "cpu")
        small.save(folder / f"{name}.model")


@functools.cache
def scan_like(name):
    """Blobs with the names and the voxel size of a public scan."""
    info = dataset_info(name)
    phases = dict(enumerate(info.labels.values()))
    shape = (64, 48, 48)[-len(info.shape) :]
    share = [1 / len(phases)] * len(phases)
    labels = blobs(shape, fractions=share, scale=3, rng=0)
    return as_microstructure(labels, phases=phases, voxel_size=info.voxel_size)


def _short_budget(settings):
    return {**settings, "minutes": None, "steps": 2}


def _small_run(settings):
    window = np.ravel(settings["window"]).tolist()
    small = [min(n, LARGEST_WINDOW) for n in window]
    settings["window"] = small[0] if len(small) == 1 else small
    settings["evaluations"] = settings.get("evaluations") or EVALUATIONS
    if settings.get("start_from") is None:
        settings["network_size"] = {"widths": (4,), "blocks": (1,)}
    return settings


def _cut(shape, largest):
    return tuple(min(n, largest) for n in shape) if len(shape) == 3 else tuple(shape)


def _before(patch, owner, method, change):
    """Change the keyword arguments of a method before it is called."""
    original = getattr(owner, method)

    @functools.wraps(original)
    def changed(self, *args, **settings):
        original(self, *args, **change(settings))

    patch.setattr(owner, method, changed)
