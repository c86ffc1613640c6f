"""Targets in the commands that generate: their options, and what is said of them at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microdsd.cli.live import STDERR, note

if TYPE_CHECKING:
    from microdsd.generation.request import GenerationRequest
    from microdsd.models.card import ModelCard


def steering(
    target: list[str] | None, particles: int, guidance: float, *, force: bool
) -> dict[str, Any]:
    """Return the options of `MicrostructureModel.sample` that steer samples to targets."""
    from microdsd.cli.parsing import numbers_of

    return {
        "targets": numbers_of(target, "target"),
        "particles": particles,
        "guidance": guidance,
        "extrapolate": force,
    }


def say_what_targets_met(
    card: ModelCard, request: GenerationRequest, record: dict[str, Any]
) -> None:
    """Say per property what was asked for and what was made, and what to know of it.

    Parameters
    ----------
    card : ModelCard
    request : GenerationRequest
        As it was carried out.
    record : dict
        Of the samples.
    """
    for line in _targets_met(card, record):
        STDERR.print(line, soft_wrap=True)
    for text in record.get("notes", [])[len(request.notes) :]:
        note(text)


def _targets_met(card: ModelCard, record: dict[str, Any]) -> list[str]:
    from microdsd.properties import Property

    lines, ndim = [], len(record["shape"])
    for name, column in record.get("achieved", {}).items():
        values = sorted(value for value in column if value is not None)
        asked = " ".join(f"{value:.4g}" for value in dict.fromkeys(record["targets"][name]))
        unit = Property.parse(name, card.contents.phases, ndim).unit(card.unit, ndim)
        title = name if unit == "1" else f"{name} in {unit}"
        if not values:
            lines.append(f"{title}: {asked} asked for, no sample has one")
            continue
        mean = sum(values) / len(values)
        span = f" ({values[0]:.4g} to {values[-1]:.4g})" if len(values) > 1 else ""
        lines.append(f"{title}: {asked} asked for, {mean:.4g} made{span}")
    return lines
