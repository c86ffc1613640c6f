"""From a request to samples: what a model makes, with the record of how it was made."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import xarray as xr

import microdsd
from microdsd.generation.labels import dress
from microdsd.generation.properties import achieved, remarks_at_the_end
from microdsd.generation.request import GenerationRequest
from microdsd.models.card import ModelCard
from microdsd.progress import Progress, stage


class Model(Protocol):
    """Define what makes samples: a `MicrostructureModel`."""

    card: ModelCard

    @property
    def precision(self) -> str:
        """Return the type of the network's convolutions."""

    def digest(self) -> str:
        """Return the fingerprint of card and weights."""

    def within_reach(self, request: GenerationRequest) -> GenerationRequest:
        """Say what samples can have; see `MicrostructureModel.within_reach`."""

    def generate(
        self, request: GenerationRequest, *, start: int = 0, progress: Progress | None = None
    ) -> Iterator[tuple[np.ndarray, int]]:
        """Generate samples one after the other; see `MicrostructureModel.generate`."""


def carry_out(
    model: Model, request: GenerationRequest, progress: Progress | None = None
) -> xr.DataArray:
    """Make all samples of a request, and warn of what it cautions against."""
    request = model.within_reach(request)
    for caution in request.cautions:
        warnings.warn(caution, stacklevel=3)
    calls = request.network_calls
    total = None if calls is None else calls * len(request)
    with stage("generating", total, progress) as generating:
        generated = list(model.generate(request, progress=generating.update))
    return with_record(
        model, request, [labels for labels, _ in generated], [moved for _, moved in generated]
    )


def with_record(
    model: Model,
    request: GenerationRequest,
    labels: Sequence[np.ndarray],
    reassigned: Sequence[int],
) -> xr.DataArray:
    """Put samples into the array contract, with the request and the model as provenance.

    Parameters
    ----------
    model : MicrostructureModel
    request : GenerationRequest
    labels, reassigned : sequence
        As `MicrostructureModel.generate` yields them.
    """
    properties = achieved(model.card, request, labels)
    record = {
        "generator": f"microdsd {microdsd.__version__}",
        "model_digest": model.digest(),
        **request.record(model.card),
        "notes": [*request.notes, *remarks_at_the_end(request, properties)],
        model.card.contents.moved: list(reassigned),
        **({"achieved": properties} if properties else {}),
        "precision": model.precision,
        "training": dict(model.card.provenance),
    }
    return dress(model.card, request, labels, record)
