"""BibTeX of the papers behind the methods that made a model or its samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from microdsd.errors import InputError
from microdsd.microstructure import provenance_of

SANTOS_2025 = """\
@article{santos2025discrete,
  title   = {Discrete Spatial Diffusion: Intensity-Preserving Diffusion Modeling},
  author  = {Santos, Javier E. and Marcato, Agnese and Colman, Roman and Lubbers, Nicholas
             and Lin, Yen Ting},
  journal = {arXiv preprint arXiv:2505.01917},
  year    = {2025}
}"""
QUIBLIER_1984 = """\
@article{quiblier1984new,
  title   = {A new three-dimensional modeling technique for studying porous media},
  author  = {Quiblier, Joseph A.},
  journal = {Journal of Colloid and Interface Science},
  volume  = {98},
  number  = {1},
  pages   = {84--102},
  year    = {1984},
  doi     = {10.1016/0021-9797(84)90481-8}
}"""
YEONG_TORQUATO_1998 = """\
@article{yeong1998reconstructing,
  title   = {Reconstructing random media},
  author  = {Yeong, C. L. Y. and Torquato, S.},
  journal = {Physical Review E},
  volume  = {57},
  number  = {1},
  pages   = {495--506},
  year    = {1998},
  doi     = {10.1103/PhysRevE.57.495}
}"""
PAPERS: Mapping[str, str] = {
    "bridges": SANTOS_2025,
    "tau-leaping": SANTOS_2025,
    "gaussian-field": QUIBLIER_1984,
    "yeong-torquato": YEONG_TORQUATO_1998,
}
"""Paper of every method, by the name that model cards and provenance records have for it."""


def citation(source: Any) -> str:
    """Return BibTeX of the papers whose methods made a model, samples or an evaluation.

    Parameters
    ----------
    source : MicrostructureModel, DataArray, Evaluation, or str
        A model, samples with their provenance record, an evaluation of such samples, or the name
        of a method: bridges, tau-leaping, gaussian-field or yeong-torquato.

    Returns
    -------
    str
        One entry per paper.

    Raises
    ------
    InputError
        If nothing says which method was used.

    Examples
    --------
    >>> print(citation("bridges").splitlines()[0])
    @article{santos2025discrete,
    """
    methods = methods_of(source)
    if unknown := [method for method in methods if method not in PAPERS]:
        raise InputError(f"source: unknown method {unknown[0]!r}; known: {', '.join(PAPERS)}")
    if not methods:
        raise InputError(
            f"source={source!r:.80}: no record says which method made it; give a model, samples of "
            f"this package, or the name of a method: {', '.join(PAPERS)}"
        )
    return "\n\n".join(dict.fromkeys(PAPERS[method] for method in methods))


def methods_of(source: Any) -> tuple[str, ...]:
    """Return the methods that a source of `citation` names, without repetition.

    Examples
    --------
    >>> methods_of("bridges")
    ('bridges',)
    """
    return tuple(dict.fromkeys(_methods(source)))


def _methods(source: Any) -> Iterator[str]:
    """Yield the methods that a source names."""
    if isinstance(source, str):
        yield source
    elif hasattr(source, "card"):
        yield source.card.method
    elif isinstance(record := getattr(source, "record", None), Mapping):
        yield from _recorded(record.get("generated"))
    else:
        yield from _recorded(provenance_of(source))


def _recorded(record: Any) -> Iterator[str]:
    """Yield the methods in a provenance record, and in those that it was derived from."""
    if isinstance(record, Mapping):
        if isinstance(method := record.get("method"), str):
            yield method
        yield from _recorded(record.get("source"))
