"""Labels to occupation numbers and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from microdsd.errors import InputError
from microdsd.microstructure.counting import label_counts


@dataclass(frozen=True)
class PhaseEncoding:
    """Which phase is the empty background, and which species is which phase.

    Parameters
    ----------
    phases : dict of int to str
        Label and name of every phase.
    background : int
        Label of the phase that no walker stands for, normally the largest.

    Examples
    --------
    >>> encoding = PhaseEncoding({0: "pore", 1: "solid"}, background=1)
    >>> encoding.encode(np.array([[[0, 1, 1]]])).tolist()
    [[[[1.0, 0.0, 0.0]]]]
    >>> encoding.decode(torch.tensor([[[1, 0, 0]]])).tolist()
    [[[0, 1, 1]]]
    """

    phases: Mapping[int, str]
    background: int

    def __post_init__(self) -> None:
        if self.background not in self.phases:
            raise InputError(
                f"background={self.background}: not one of the labels {sorted(self.phases)}"
            )
        if len(self.phases) < 2:
            raise InputError(f"phases={dict(self.phases)}: at least two phases are needed")

    @property
    def species(self) -> tuple[int, ...]:
        """Labels of the conserved species, in channel order."""
        return tuple(label for label in sorted(self.phases) if label != self.background)

    @property
    def top(self) -> int:
        """Largest occupation number: a voxel has one phase."""
        return 1

    def encode(self, labels: np.ndarray) -> Tensor:
        """Occupation numbers (batch, species, *space), float32, of labels (batch, *space).

        Raises
        ------
        InputError
            If a label is not one of the phases.
        """
        unknown = sorted(set(label_counts(labels)) - set(self.phases))
        if unknown:
            raise InputError(
                f"labels={unknown}: the phases known here are {dict(self.phases)}; "
                "relabel the data or name the label among the phases"
            )
        stacked = np.stack([labels == label for label in self.species], axis=1)
        return torch.from_numpy(stacked).float()

    def decode(self, phase: Tensor) -> np.ndarray:
        """Labels of assigned phases (0 is the background, c + 1 species c)."""
        order = np.array(
            [self.background, *self.species], dtype=np.min_scalar_type(max(self.phases))
        )
        labels: np.ndarray = order[phase.cpu().numpy()]
        return labels
