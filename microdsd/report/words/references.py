"""The papers and books behind the measurements, as text, BibTeX and links.

They are kept in ``references.bib``; the registry of descriptors names them by DOI, or by author
and year where there is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_ENTRY = re.compile(r"@\w+\{(?P<key>\w+),\n(?P<fields>.*?)\n\}", re.DOTALL)
_FIELD = re.compile(r"(\w+)\s*=\s*\{(.*?)\}(?=,\n|\Z)", re.DOTALL)
_MOST_AUTHORS = 5


@dataclass(frozen=True)
class Reference:
    """Hold one entry of a bibliography.

    Attributes
    ----------
    key, bibtex : str
        As LaTeX cites it, and its whole entry.
    text : str
        As a list of references prints it.
    short : str
        Author and year.
    link : str or None
        Address of the DOI or the preprint.
    """

    key: str
    bibtex: str
    text: str
    short: str
    link: str | None


def parse_bibtex(text: str) -> list[Reference]:
    """Read the entries of a bibliography.

    Examples
    --------
    >>> from microdsd.citation import citation
    >>> parse_bibtex(citation("yeong-torquato"))[0].text.partition(". R")[2]
    'econstructing random media. Physical Review E 57, 495–506 (1998).'
    """
    return [_reference(entry) for entry in _ENTRY.finditer(text)]


def reference_of(source: str) -> Reference | None:
    """Find the entry that a descriptor's record names; None if there is none.

    Examples
    --------
    >>> reference_of("doi:10.1103/PhysRevA.45.922").short
    'Lu and Torquato 1992'
    """
    if source.startswith("doi:"):
        return _by_link().get(_address(source))
    author, year = source.partition(",")[0], re.search(r"\((\d{4})\)", source)
    short = f"{author} {year[1]}" if year else author
    return next((entry for entry in known() if entry.short == short), None)


@cache
def known() -> tuple[Reference, ...]:
    """Return all entries that come with the package."""
    text = (files("microdsd.report.words") / "references.bib").read_text(encoding="utf-8")
    return tuple(parse_bibtex(text))


def _by_link() -> dict[str, Reference]:
    return {entry.link: entry for entry in known() if entry.link}


def _address(source: str) -> str:
    return f"https://doi.org/{source.removeprefix('doi:')}"


def _reference(entry: re.Match[str]) -> Reference:
    fields = {name: " ".join(value.split()) for name, value in _FIELD.findall(entry["fields"])}
    authors = [_author(name) for name in fields["author"].split(" and ")]
    year = fields["year"]
    place = fields.get("journal") or fields.get("publisher", "")
    if "volume" in fields:
        place += f" {fields['volume']}, {fields['pages'].replace('--', '–')}"
    listed = ", ".join(authors if len(authors) <= _MOST_AUTHORS else [authors[0], "et al."])
    preprint = re.search(r"arXiv:(\S+)", place)
    link = _address(fields["doi"]) if "doi" in fields else None
    if preprint:
        link = f"https://arxiv.org/abs/{preprint[1]}"
    return Reference(
        key=entry["key"],
        bibtex=entry[0],
        text=f"{listed}. {fields['title']}. {place} ({year}).",
        short=f"{_short(fields['author'].split(' and '))} {year}",
        link=link,
    )


def _author(name: str) -> str:
    """Write a name with initials in front.

    Examples
    --------
    >>> _author("Santos, Javier E."), _author("others")
    ('J. E. Santos', 'et al.')
    """
    if name == "others":
        return "et al."
    family, _, given = name.partition(", ")
    return " ".join([*(f"{part[0]}." for part in given.split()), family])


def _short(names: list[str]) -> str:
    families = [name.partition(",")[0] for name in names]
    if len(families) > 2 or "others" in families:
        return f"{families[0]} et al."
    return " and ".join(families)
