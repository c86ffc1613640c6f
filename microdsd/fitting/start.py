"""Starting from a trained model's weights instead of from nothing."""

from __future__ import annotations

from typing import Any

from microdsd.encoding import IntensityEncoding, PhaseEncoding
from microdsd.errors import InputError
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.networks import Method, UNetConfig

_OF_THE_DATA = {"ndim": "space axes", "species": "conserved species", "top": "levels"}
"""What the data decide of a network, and how to call it."""


def network_of_start(
    start: MicrostructureModel,
    encoding: PhaseEncoding | IntensityEncoding,
    wanted: UNetConfig,
    method: Method,
) -> UNetConfig:
    """Configuration of a trained network that is to go on with other windows.

    Parameters
    ----------
    start : MicrostructureModel
    encoding : PhaseEncoding or IntensityEncoding
        Of the windows to go on with.
    wanted : UNetConfig
        Network that would be trained on them from nothing.
    method : {"bridges", "tau-leaping"}

    Raises
    ------
    InputError
        If the network is not one for these windows.
    """
    card = start.card
    if card.method != method:
        raise InputError(
            f"start_from: that model is for method={card.method!r}; train it on with that method"
        )
    differing = [
        f"{theirs} {name}, the data have {ours}"
        for field, name in _OF_THE_DATA.items()
        if (theirs := getattr(card.network, field)) != (ours := getattr(wanted, field))
    ]
    if bool(card.grey_levels) != isinstance(encoding, IntensityEncoding):
        differing.append(f"{'grey levels' if card.grey_levels else 'phases'}, the data have not")
    if card.network.classes != wanted.classes:
        differing.append(f"{card.network.classes} classes, the data have {wanted.classes}")
    if differing:
        raise InputError(
            f"start_from: that model has {'; '.join(differing)}; start from another, or from none"
        )
    if isinstance(encoding, PhaseEncoding):
        _require_same_order(start, encoding)
    return card.network


def _require_same_order(start: MicrostructureModel, encoding: PhaseEncoding) -> None:
    """Phases of the same names must be the same species; other names say nothing."""
    card = start.card
    theirs = [card.phases[k] for k in PhaseEncoding(card.phases, card.background).species]
    ours = [encoding.phases[k] for k in encoding.species]
    if ours != theirs and {*card.phases.values()} == {*encoding.phases.values()}:
        raise InputError(
            f"start_from: that model's walkers are of {', '.join(theirs)}, here they would be of "
            f"{', '.join(ours)} (the most frequent phase has none); start from none"
        )


def record_of_start(start: MicrostructureModel | None) -> dict[str, Any]:
    """What a model card says of where training started; nothing where it started from nothing."""
    if start is None:
        return {}
    keep = ("data", "data_sha256", "steps", "minutes")
    provenance = start.card.provenance
    known = {key: provenance[key] for key in (*keep, "start") if key in provenance}
    return {"start": {"digest": start.digest(), **known}}
