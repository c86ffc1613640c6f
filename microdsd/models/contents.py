"""What a model is of: the phases of a material, or the channels of an image.

Both answer alike, so that nothing behind a model card asks which of the two it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NoReturn, Self

from pydantic import ConfigDict, Field

from microdsd.errors import InputError

CONFIG = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
"""No text for numbers, no fields that nobody knows, no NaN."""


@dataclass(frozen=True)
class Phases:
    """Name the phases of a material: walkers stand for the voxels of all but the background.

    Attributes
    ----------
    phases : dict of int to str
        Label and name of every phase; kept in ascending order of the labels.
    background : int
        Label of the phase that no walker stands for, normally the largest.
    """

    __pydantic_config__: ClassVar = CONFIG
    noun: ClassVar[str] = "phases"
    conserved: ClassVar[str] = "counts"
    moved: ClassVar[str] = "reassigned"
    assigned: ClassVar[bool] = True
    top: ClassVar[int] = 1

    phases: Mapping[int, str]
    background: int

    def __post_init__(self) -> None:
        if self.background not in self.phases:
            raise InputError(
                f"background={self.background}: not one of the labels {sorted(self.phases)}"
            )
        if len(self.phases) < 2:
            raise InputError(f"phases={dict(self.phases)}: at least two phases are needed")
        object.__setattr__(self, "phases", dict(sorted(self.phases.items())))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the phases, in the order of the labels."""
        return tuple(self.phases.values())

    @property
    def species(self) -> tuple[int, ...]:
        """Return the labels of the conserved species, in channel order."""
        return tuple(label for label in self.phases if label != self.background)

    def require_phases(self, argument: str, what: str) -> Self:
        """Return these phases: an operation that needs phases has them."""
        return self

    def means(self, values: Mapping[str, float]) -> str:
        """Return mean fractions in words."""
        return ", ".join(f"{name} {mean:.1%}" for name, mean in values.items())

    def entries(self) -> dict[str, Any]:
        """Return the entries of the card of a model file."""
        return {"phases": self.phases, "background": self.background, "grey_levels": 0}


@dataclass(frozen=True)
class Channels:
    """Name the channels of images: every unit of intensity is a walker, without a background.

    Attributes
    ----------
    names : tuple of str
        Names, in the order of the channel axis.
    levels : int
        Number of grey levels: intensities are 0 to ``levels - 1``.
    """

    __pydantic_config__: ClassVar = CONFIG
    noun: ClassVar[str] = "grey levels"
    conserved: ClassVar[str] = "total"
    moved: ClassVar[str] = "above_top_level"
    assigned: ClassVar[bool] = False

    names: tuple[str, ...]
    levels: Annotated[int, Field(le=1 << 16)]

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) < len(self.names):
            raise InputError(f"channels={self.names}: give every channel a name of its own")
        if self.levels < 2:
            raise InputError(f"levels={self.levels}: an image needs at least two")

    @property
    def phases(self) -> dict[int, str]:
        """Return the number and the name of every channel."""
        return dict(enumerate(self.names))

    @property
    def species(self) -> tuple[int, ...]:
        """Return the numbers of the channels."""
        return tuple(self.phases)

    @property
    def top(self) -> int:
        """Return the largest intensity."""
        return self.levels - 1

    def require_phases(self, argument: str, what: str) -> NoReturn:
        """Refuse what needs phases.

        Raises
        ------
        InputError
        """
        raise InputError(
            f"{argument}: the model makes images of {self.levels} grey levels; {what} need a model "
            "of phases, trained on labels"
        )

    def means(self, values: Mapping[str, float]) -> str:
        """Return mean intensities in words."""
        each = ", ".join(f"{name} {mean:.3g}" for name, mean in values.items())
        return f"{each} of {self.top} on average"

    def entries(self) -> dict[str, Any]:
        """Return the entries of the card of a model file."""
        return {"phases": self.phases, "background": -1, "grey_levels": self.levels}


Contents = Phases | Channels
