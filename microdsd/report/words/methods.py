"""What was done, as a paragraph for a paper, with its references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from microdsd.citation import PAPERS, methods_of
from microdsd.evaluation.evaluation import Evaluation
from microdsd.evaluation.reference import sizes
from microdsd.evaluation.verdict import Verdict
from microdsd.metrics.registry import Descriptor, descriptors
from microdsd.microstructure import phases_of, provenance_of, voxel_size_of
from microdsd.report.pictures.style import LengthScale
from microdsd.report.words.findings import two_point_curves
from microdsd.report.words.references import Reference, known, parse_bibtex, reference_of
from microdsd.report.words.verdict_sentence import verdict_sentence
from microdsd.report.words.wording import phase_words

_HOW = {
    "bridges": "Discrete Spatial Diffusion, with learned potentials and exact bridges",
    "tau-leaping": "Discrete Spatial Diffusion, by tau-leaping",
    "gaussian-field": "level cuts of a Gaussian random field",
    "yeong-torquato": "simulated annealing to the two-point probability",
}
"""Name of every method of the package in a sentence."""


@dataclass(frozen=True)
class Methods:
    """Hold a paragraph on what was done.

    Attributes
    ----------
    text : str
        References are numbered in brackets.
    references : tuple of Reference
        In the order of their numbers.
    """

    text: str
    references: tuple[Reference, ...]

    @property
    def bibtex(self) -> str:
        """Return all references as BibTeX."""
        return "\n\n".join(reference.bibtex for reference in self.references)


@dataclass
class _Bibliography:
    """List references in the order in which they are cited."""

    cited: list[Reference] = field(default_factory=list)

    def cite(self, *references: Reference | None) -> str:
        numbers = []
        for reference in filter(None, references):
            if reference not in self.cited:
                self.cited.append(reference)
            numbers.append(self.cited.index(reference) + 1)
        return f" [{', '.join(map(str, sorted(set(numbers))))}]" if numbers else ""


def methods_paragraph(evaluation: Evaluation) -> Methods:
    """Say how samples were made, what they were compared with, and by which tests."""
    bibliography = _Bibliography()
    sentences = [
        _generation(evaluation, bibliography),
        _composition(evaluation),
        _reference(evaluation),
        _measurement(evaluation, bibliography),
        _tests(evaluation.verdict, bibliography),
        _two_point(evaluation),
    ]
    return Methods(" ".join(filter(None, sentences)), tuple(bibliography.cited))


def _generation(evaluation: Evaluation, bibliography: _Bibliography) -> str:
    samples = evaluation.generated
    record = evaluation.record.get("generated") or {}
    voxel = voxel_size_of(samples)
    edges = dict.fromkeys(LengthScale.fitting(edge, voxel.unit).text(edge) for edge in voxel.size)
    size = f", voxel edge {' × '.join(edges)}" if voxel.unit == "m" else ""
    number = samples.sizes["sample"]
    what = (
        f"{'One microstructure' if number == 1 else f'A set of {number} microstructures'} of "
        f"{sizes(samples.shape[1:])} voxels{size}, with the phases "
        f"{_listed(list(phases_of(samples).values()))},"
    )
    ways = [
        _HOW[method] + bibliography.cite(*parse_bibtex(PAPERS[method]))
        for method in methods_of(evaluation)
        if method in _HOW
    ]
    if not ways:
        return f"{what} was examined."
    details = [
        f"{name} {record[key]}"
        for key, name in (
            ("model_digest", "model"),
            ("evaluations", "network evaluations"),
            ("seed", "seed"),
        )
        if record.get(key) is not None
    ]
    listed = f" ({', '.join(details)})" if details else ""
    generator = f" with {record['generator']}" if "generator" in record else ""
    return f"{what} was generated{generator} by {_listed(ways)}{listed}."


def _composition(evaluation: Evaluation) -> str:
    if not evaluation.exact:
        return ""
    return "A recount found exactly the requested number of voxels of every phase in every sample."


def _reference(evaluation: Evaluation) -> str:
    windows = evaluation.windows
    origin = next(_datasets(provenance_of(windows)), {})
    doi = f" (doi:{origin['doi']})" if origin.get("doi") else ""
    source = f" of the data set {origin['dataset']}{doi}" if origin else " of the real material"
    compared = "It was" if evaluation.generated.sizes["sample"] == 1 else "They were"
    return f"{compared} compared with {windows.sizes['sample']} windows of the same shape{source}."


def _datasets(record: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the data sets that a record names, and those that it was derived from."""
    if isinstance(record, Mapping):
        if "dataset" in record:
            yield record
        yield from _datasets(record.get("source"))


def _measurement(evaluation: Evaluation, bibliography: _Bibliography) -> str:
    names = {result.descriptor for result in evaluation.comparison.descriptors}
    names |= {result.descriptor for result in evaluation.verdict.descriptors}
    names.add("two_point_probability")
    measured: list[Descriptor] = [record for record in descriptors() if record.name in names]
    listed = [
        record.label + bibliography.cite(reference_of(record.references)) for record in measured
    ]
    faces = "wrapped" if evaluation.periodic else "not wrapped"
    return f"Measured on both sides, with boxes {faces} at their faces: {_listed(listed)}."


def _tests(verdict: Verdict, bibliography: _Bibliography) -> str:
    if verdict.status != "compared":
        return f"No test was made. {verdict_sentence(verdict)}"
    by_key = {reference.key: reference for reference in known()}
    schuirmann = bibliography.cite(by_key["schuirmann1987comparison"])
    holm = bibliography.cite(by_key["holm1979simple"])
    margins = [100 * difference.largest.margin for difference in verdict.descriptors]
    span = dict.fromkeys(f"{margin:g}" for margin in (min(margins), max(margins)))
    counts = ", ".join(f"{answer}: {count}" for answer, count in verdict.counts().items())
    return (
        f"For each of {len(verdict.descriptors)} descriptors the means at equal phase fractions "
        f"were compared by two one-sided tests for equivalence{schuirmann} at "
        f"{100 * verdict.alpha:g} %, with margins of {' to '.join(span)} % (of shares: points), "
        "and by a permutation test for a difference, with p-values corrected for "
        f"{len(verdict.tests)} tests by Holm's method{holm}. The answers were {counts}."
    )


def _two_point(evaluation: Evaluation) -> str:
    if evaluation.verdict.status == "not comparable":
        return ""
    curve = two_point_curves(evaluation)[0]
    if curve.error is None:
        return ""
    real = (
        ""
        if curve.real_real_median is None
        else f"; between two disjoint sets of real windows it was {curve.real_real_median:.3f}"
    )
    return (
        f"The error of the radial two-point probability of {phase_words(curve.phase)}, relative to "
        f"its fall, was {curve.error:.3f}{real}."
    )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
