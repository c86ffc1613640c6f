"""Models that ship with the package."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from microdsd.errors import DataFileError
from microdsd.models.card import voxel_words, window_words
from microdsd.models.convergence import Convergence
from microdsd.models.files import read_model
from microdsd.models.volume_walk import VolumeWalk
from microdsd.models.walk_back import WalkBack
from microdsd.notebooks import Listing

SUFFIX = ".model"
_FOLDER = Path(__file__).parent
_FACTS = _FOLDER / "shipped_facts.toml"


@dataclass(frozen=True, repr=False)
class ModelInfo:
    """Describe a model file in a few entries; its card (`MicrostructureModel.card`) says all.

    Attributes
    ----------
    name : str
        Name of the file, or the name under which the model ships.
    phases : tuple of str
        In ascending order of their labels.
    fraction_range : dict of str to (float, float)
        Smallest and largest fraction of every phase in the training windows.
    scan_fractions : dict of str to dict of str to (float, float)
        By class, "" where there are none, and phase: the fraction of the training scan and its
        standard error, where they are known.
    window : tuple of int
        Voxels per axis of the training windows.
    voxel_size : tuple of float
        Edges in `unit`.
    unit : {"m", "voxel"}
    symmetry : {"none", "orthotropic", "transverse", "isotropic"}
    conditions : tuple of str
        Properties that the network is conditioned on, as targets name them.
    octaves : tuple of float
        Noise levels, voxels, above which walkers are on blocks of 2, 4, ... voxels per axis.
    volumes : VolumeWalk or None
        How the model makes volumes of its slices, where it was trained for them.
    spectral : bool
        Whether walkers start with the power spectrum of the material.
    evaluations : int
        Network evaluations per sample, unless others are asked for.
    walks : tuple of WalkBack
        Calibrated walks.
    validation_gains : dict of float to float
        Nats per walker gained on held-back windows, by noise level.
    data : str or None
        What the model was trained on.
    steps, minutes : float or None
        Steps and minutes of its training.
    start : dict or None
        Record of the model whose weights the training started from.
    last_draw : dict or None
        Record of the training of the last draw's network, where there is one.
    convergence : Convergence
        How far the training came.
    file_size : int
        Bytes.
    material, quality : str or None
        Of a model that ships: what it makes, and how good its samples are.
    """

    name: str
    phases: tuple[str, ...]
    fraction_range: dict[str, tuple[float, float]]
    scan_fractions: dict[str, dict[str, tuple[float, float]]]
    window: tuple[int, ...]
    voxel_size: tuple[float, ...]
    unit: str
    symmetry: str
    conditions: tuple[str, ...]
    octaves: tuple[float, ...]
    volumes: VolumeWalk | None
    spectral: bool
    evaluations: int
    walks: tuple[WalkBack, ...]
    validation_gains: dict[float, float]
    data: str | None
    steps: int | None
    minutes: float | None
    start: dict[str, Any] | None
    last_draw: dict[str, Any] | None
    convergence: Convergence
    file_size: int = 0
    material: str | None = None
    quality: str | None = None

    @property
    def ndim(self) -> int:
        """Return the number of axes of its samples."""
        return len(self.window)

    def to_dict(self) -> dict[str, Any]:
        """Give all entries as JSON can hold them."""
        gains = {str(level): gain for level, gain in self.validation_gains.items()}
        entries = {**asdict(self), "ndim": self.ndim, "validation_gains": gains}
        return entries | {"convergence": self.convergence.to_dict()}

    def summary(self) -> dict[str, str]:
        """Return the row of the model in the table of `list_models`."""
        return {
            "name": self.name,
            "material": self.material or self.data or "",
            "phases": ", ".join(self.phases),
            "window": window_words(self.window),
            "voxel size": voxel_words(self.voxel_size, self.unit),
            "quality": self.quality or "",
            "MB": f"{self.file_size / 1e6:.1f}",
        }

    def __repr__(self) -> str:
        window = window_words(self.window)
        return f"<model {self.name!r}: {self.ndim}D, {', '.join(self.phases)}; window {window}>"


def model_path(name: str | Path) -> Path:
    """Return the file of a model: a path that exists, or the name of a shipped model.

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
    """List the names of the models that ship, in order."""
    return sorted(path.stem for path in _FOLDER.glob(f"*{SUFFIX}"))


def list_models() -> Listing[ModelInfo]:
    """List the models that ship, as `model_info` describes each; the list shows as a table.

    Examples
    --------
    >>> list_models()[0]
    <model 'berea-2d': 2D, pore, solid; window 64 x 64>
    """
    return Listing(model_info(name) for name in shipped_models())


def model_info(path: str | Path) -> ModelInfo:
    """Say what a model file, or a model that ships, is.

    Raises
    ------
    CheckpointError
        If the file is damaged, foreign, or of another version.
    DataFileError
        If there is no such file and no such shipped model.

    Examples
    --------
    >>> model_info("berea-2d").fraction_range["pore"]
    (0.095458984375, 0.338623046875)
    """
    path = model_path(path)
    _, card = read_model(path)
    return ModelInfo(
        name=path.stem,
        phases=tuple(card.contents.names),
        fraction_range=dict(card.fraction_range),
        scan_fractions={name: dict(known) for name, known in card.scan_fractions.items()},
        window=card.window,
        voxel_size=card.voxel_size,
        unit=card.unit,
        symmetry=card.symmetry,
        conditions=card.properties.names if card.properties else (),
        octaves=card.octaves,
        volumes=card.volumes,
        spectral=card.spectrum is not None,
        evaluations=card.evaluations,
        walks=card.walks,
        validation_gains=dict(zip(card.validation_levels, card.validation_gains, strict=False)),
        data=card.provenance.get("data"),
        steps=card.provenance.get("steps"),
        minutes=card.provenance.get("minutes"),
        start=card.provenance.get("start"),
        last_draw=card.provenance.get("last_draw"),
        convergence=Convergence.of(card),
        file_size=path.stat().st_size,
        **_facts(path),
    )


def _facts(path: Path) -> dict[str, str]:
    """Look up the material and the quality of a model that ships."""
    if path.parent != _FOLDER:
        return {}
    facts: dict[str, dict[str, str]] = tomllib.loads(_FACTS.read_text(encoding="utf-8"))
    return facts.get(path.stem, {})
