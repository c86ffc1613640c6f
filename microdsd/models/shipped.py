"""Models that ship with the package."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from microdsd.errors import DataFileError
from microdsd.models.files import read_model

SUFFIX = ".model"
_FOLDER = Path(__file__).parent


def model_path(name: str | Path) -> Path:
    """File of a model: a path that exists, or the name of a shipped model.

    Raises
    ------
    DataFileError
        If there is neither.

    Examples
    --------
    >>> model_path("berea-2d").name
    'berea-2d.model'
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = _FOLDER / f"{name}{SUFFIX}"
    if path.name == str(name) and shipped.is_file():
        return shipped
    names = ", ".join(shipped_models())
    raise DataFileError(f"model {str(name)!r}: no such file; models that ship: {names}")


def shipped_models() -> list[str]:
    """Names of the models that ship, in order."""
    return sorted(path.stem for path in _FOLDER.glob(f"*{SUFFIX}"))


def list_models() -> list[dict[str, object]]:
    """Models that ship, as `model_summary` tells of each.

    Examples
    --------
    >>> [m["name"] for m in list_models()][:2]
    ['berea-2d', 'berea-3d']
    """
    return [model_summary(name) for name in shipped_models()]


def model_summary(path: str | Path) -> dict[str, object]:
    """What a model file is, in a few entries that JSON can hold.

    Raises
    ------
    CheckpointError
        If the file is damaged, foreign, or of another version.
    DataFileError
        If there is no such file and no such shipped model.
    """
    path = model_path(path)
    _, card = read_model(path)
    return {
        "name": path.stem,
        "ndim": len(card.window),
        "phases": list(card.contents.names),
        "fraction_range": {k: list(v) for k, v in card.fraction_range.items()},
        "window": list(card.window),
        "voxel_size": list(card.voxel_size),
        "unit": card.unit,
        "symmetry": card.symmetry,
        "evaluations": card.evaluations,
        "walks": [asdict(walk) for walk in card.walks],
        "validation_gains": dict(
            zip(map(str, card.validation_levels), card.validation_gains, strict=False)
        ),
        "data": card.provenance.get("data"),
        "steps": card.provenance.get("steps"),
        "minutes": card.provenance.get("minutes"),
        "start": card.provenance.get("start"),
    }
