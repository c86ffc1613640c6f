"""What is asked of a reader, and the choice among several arrays in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from microdsd.errors import DataFileError, InputError
from microdsd.io.expansion import MAX_RATIO, check_expansion


@dataclass(frozen=True)
class ReadRequest:
    """Name a file to read, and how to read it.

    Attributes
    ----------
    path : Path
        Where the bytes lie.
    name : str
        As the user gave it, for messages.
    member : str, optional
        Which array, page or member of the file.
    shape, dtype : optional
        Shape and type of a raw file.
    ensemble : bool
        Whether single images are samples of their own.
    max_ratio : float
        How far packed data may expand.
    """

    path: Path
    name: str
    member: str | None = None
    shape: Sequence[int] | None = None
    dtype: str | None = None
    ensemble: bool = False
    max_ratio: float = MAX_RATIO

    def check_expansion(self, expanded: int, stored: int | None = None) -> None:
        """Refuse to expand the file beyond the limit."""
        stored = self.path.stat().st_size if stored is None else stored
        check_expansion(self.name, stored, expanded, self.max_ratio)

    def choose(self, candidates: Mapping[str, str], kind: str = "array") -> str:
        """Choose the one that the user named, or the only one.

        Parameters
        ----------
        candidates : mapping of str to str
            Name and description of each.
        kind : str
            What they are.

        Raises
        ------
        DataFileError
            None is there, or none of that name.
        InputError
            Several are there.
        """
        listing = "; ".join(f"{name}: {text}" for name, text in list(candidates.items())[:20])
        if len(candidates) > 20:
            listing += f"; and {len(candidates) - 20} more"
        if self.member is not None:
            wanted = self.member.strip("/")
            if wanted in candidates:
                return wanted
            raise DataFileError(
                f"{self.name}: there is no {kind} {wanted!r}; in the file: {listing or 'none'}"
            )
        if len(candidates) == 1:
            return next(iter(candidates))
        if not candidates:
            raise DataFileError(f"{self.name}: holds no {kind} that could be labels")
        first = next(iter(candidates))
        raise InputError(
            f"{self.name}: holds {len(candidates)} of them ({listing}); "
            f"name one {kind}, as in {self.name}:/{first}"
        )
