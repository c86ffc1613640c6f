"""Models too small to be good, for tests of everything around them."""

from dataclasses import replace

import numpy as np
import torch

from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.models.card import ModelCard
from microdsd.models.contents import Phases
from microdsd.models.properties import TrainedProperties
from microdsd.models.walk_back import WalkBack
from microdsd.networks import PotentialUNet, RateUNet, UNetConfig
from microdsd.networks.build import joined
from microdsd.networks.last_draw import LastDrawUNet
from microdsd.networks.octaves import OctaveUNets

NAMES = ("pore", "solid", "clay", "metal")


def tiny_network(ndim=2, species=1, widths=(4, 8), seed=0, config=None):
    """An untrained network whose every weight matters: nothing is left at zero."""
    config = config or UNetConfig(ndim, species, widths, (1,) * len(widths), 8, read_out=True)
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        network = PotentialUNet(config)
        with torch.no_grad():
            for weight in network.parameters():
                if not weight.any():
                    weight.normal_(0, 0.3)
    return network


def tiny_card(ndim=2, phases=2, background=1, **changes):
    """A card; ``phases`` is their number, or label and name of each."""
    if isinstance(phases, int):
        phases = dict(enumerate(NAMES[:phases]))
    names = phases.values()
    settings = {
        "network": UNetConfig(ndim, len(phases) - 1, (4, 8), (1, 1), 8, read_out=True),
        "contents": Phases(phases, background),
        "window": (12, 10) if ndim == 2 else (6, 8, 7),
        "boundary": "no-flux",
        "sigma_min": 0.3,
        "sigma_max": 13.0,
        "walks": (WalkBack(3, 13.0, 0.6),),
        "evaluations": 3,
        "symmetry": "none",
        "voxel_size": (2e-6,) * ndim,
        "unit": "m",
        "fraction_mean": dict.fromkeys(names, 1 / len(phases)),
        "fraction_range": dict.fromkeys(names, (0.2, 0.6)),
        "validation_levels": (0.3, 1.0, 13.0),
        "validation_gains": (0.5, 0.2, 0.0),
        "provenance": {"data": "nothing", "steps": 0},
    }
    return ModelCard(**{**settings, **changes})


def tiny_model(ndim=2, phases=2, background=1, **changes):
    """An untrained model; its precision is set, so that no test depends on the machine."""
    card = tiny_card(ndim, phases, background, **changes)
    network = tiny_network(ndim, card.network.species)
    return MicrostructureModel(network, card, device="cpu", precision="float32")


def told_model(names=("specific_surface_area", "euler_density:pore"), seed=0, **changes):
    """An untrained model that is told of properties, with a table of what they were."""
    rng = np.random.default_rng(seed)
    porosity = rng.uniform(0.2, 0.6, 200)
    fractions = np.stack([porosity, 1 - porosity], axis=1)
    values = np.stack(
        [(k + 1) * porosity + 0.1 * rng.uniform(-1, 1, 200) for k in range(len(names))], axis=1
    )
    config = UNetConfig(2, 1, (4, 8), (1, 1), 8, read_out=True, properties=len(names))
    properties = TrainedProperties.of(names, fractions, values)
    card = tiny_card(network=config, properties=properties, unit="voxel", **changes)
    return MicrostructureModel(tiny_network(config=config), card, "cpu", "float32")


def tiny_last_draw(ndim=2, species=1, seed=5, classes=0):
    """An untrained network of the last draw whose every weight matters."""
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        network = LastDrawUNet(UNetConfig(ndim, species, (4, 8), (1, 1), 8, classes=classes))
        with torch.no_grad():
            for weight in network.parameters():
                if not weight.any():
                    weight.normal_(0, 0.3)
    return network


def in_passes(model):
    """The model with an untrained network of the last draw, used in 6 evaluations."""
    of_walk = model.network.config
    last_draw = tiny_last_draw(of_walk.ndim, of_walk.species, classes=of_walk.classes)
    passes = 1 << of_walk.ndim
    walks = tuple(
        replace(walk, evaluations=6, passes=passes, temperature=1.0) for walk in model.card.walks
    )
    card = replace(model.card, last_draw=last_draw.config, walks=walks, evaluations=6)
    return MicrostructureModel(joined(model.network, last_draw), card, "cpu", "float32")


def octave_model(ndim=2, phases=2, classes=(), octaves=(4.0,), **changes):
    """An untrained model of a walk over voxels and blocks of 2, whose every weight matters."""
    species = (phases if isinstance(phases, int) else len(phases)) - 1
    mean = 1 / (species + 1)
    spans = dict.fromkeys(NAMES[: species + 1], (mean, 0.1, 0.9))
    config = UNetConfig(ndim, species, (4, 8), (1, 1), 8, read_out=True, classes=len(classes))
    card = tiny_card(
        ndim,
        phases,
        network=config,
        octaves=octaves,
        window=(24, 20) if ndim == 2 else (12, 16, 14),
        sigma_max=26.0,
        walks=(WalkBack(8, 26.0, 0.6, (1.0,) * species),),
        evaluations=8,
        classes=dict.fromkeys(classes, spans),
        **changes,
    )
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        network = OctaveUNets(config, 1 + len(octaves))
        with torch.no_grad():
            for weight in network.parameters():
                if not weight.any():
                    weight.normal_(0, 0.3)
    return MicrostructureModel(network, card, device="cpu", precision="float32")


def tau_model(ndim=2, phases=2, **changes):
    """An untrained rate network whose every weight matters."""
    card = tiny_card(ndim, phases, method="tau-leaping", **changes)
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        network = RateUNet(card.network)
        with torch.no_grad():
            for weight in network.parameters():
                if not weight.any():
                    weight.normal_(0, 0.3)
    return MicrostructureModel(network, card, device="cpu", precision="float32")
