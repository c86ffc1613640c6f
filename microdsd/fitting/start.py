"""Starting from a trained model's weights instead of from nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from microdsd.errors import InputError
from microdsd.models.card import ModelCard
from microdsd.models.contents import Contents
from microdsd.networks import Method, UNetConfig
from microdsd.networks.build import Network, without_last_draw

_OF_THE_DATA = {"ndim": "space axes", "species": "conserved species", "top": "levels"}
"""What the data decide of a network, and how to call it."""


def network_of_start(
    start: ModelCard,
    contents: Contents,
    wanted: UNetConfig,
    method: Method,
) -> UNetConfig:
    """Return the configuration of a trained network that is to continue with other windows.

    Parameters
    ----------
    start : ModelCard
        Card of the model that training starts from.
    contents : Phases or Channels
        Contents of the windows to go on with.
    wanted : UNetConfig
        Network that would be trained on them from nothing.
    method : {"bridges", "tau-leaping"}

    Raises
    ------
    InputError
        If the network is not one for these windows.
    """
    if start.method != method:
        raise InputError(
            f"start_from: that model is for method={start.method!r}; train it on with that method"
        )
    differing = [
        f"{old} {name}, the data have {new}"
        for field, name in _OF_THE_DATA.items()
        if (old := getattr(start.network, field)) != (new := getattr(wanted, field))
    ]
    if start.contents.noun != contents.noun:
        differing.append(f"{start.contents.noun}, the data have {contents.noun}")
    if start.network.classes != wanted.classes:
        differing.append(f"{start.network.classes} classes, the data have {wanted.classes}")
    if differing:
        raise InputError(
            f"start_from: that model has {'; '.join(differing)}; start from another, or from none"
        )
    _require_same_order(start.contents, contents)
    known = start.network.properties
    if known and start.properties is not None and known != wanted.properties:
        raise InputError(
            f"start_from: that model is told of {', '.join(start.properties.names)}; give the same "
            "conditions, or start from a model without any"
        )
    return replace(start.network, properties=wanted.properties)


def start_octaves(start: Network, networks: Network) -> None:
    """Give the networks of all octaves the weights that a trained model has for them.

    Octaves that it has not begin with those of its coarsest one: seen in sites of their own
    lattices, noise poses them nearly the same task.

    Parameters
    ----------
    start : Network
        Networks of the trained model.
    networks : Network
        New ones, of the same configuration but for properties, which are changed.
    """
    coarsest = len(start.octaves) - 1
    for octave, network in enumerate(networks.octaves):
        trained = start.octaves[min(octave, coarsest)].state_dict()
        network.load_state_dict(_weights(without_last_draw(trained), network.state_dict()))


def _weights(start: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a trained network for one that is told of properties, too.

    Their inputs have weight 0, so that the network begins with what it knew.
    """
    weights = dict(start)
    for name, tensor in start.items():
        new = wanted[name]
        if new.shape != tensor.shape:  # the columns of the embedding's first layer
            weights[name] = new.new_zeros(new.shape)
            weights[name][:, : tensor.shape[1]] = tensor
    return weights


def _require_same_order(start: Contents, contents: Contents) -> None:
    """Require species of the same names in the same order; other names say nothing."""
    before, now = ([one.phases[k] for k in one.species] for one in (start, contents))
    if before != now and {*start.names} == {*contents.names}:
        raise InputError(
            f"start_from: that model's walkers are of {', '.join(before)}, here they would be of "
            f"{', '.join(now)} (the most frequent phase has none); start from none"
        )


def record_of_start(start: ModelCard, digest: str) -> dict[str, Any]:
    """Return what a model card says of the model that training started from."""
    keep = ("data", "data_sha256", "steps", "minutes")
    known = {key: start.provenance[key] for key in (*keep, "start") if key in start.provenance}
    return {"digest": digest, **known}
