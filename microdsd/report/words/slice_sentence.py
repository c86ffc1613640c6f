"""The verdict on slices of volumes in sentences."""

from __future__ import annotations

from microdsd.evaluation.slice_result import SliceDirection, SliceEvaluation
from microdsd.evaluation.verdict.answers import DIFFERS
from microdsd.microstructure.axes import SPATIAL_DIMS
from microdsd.report.words.names import label_of
from microdsd.report.words.verdict_sentence import amount_of, difference_words, verdict_sentence

INFERRED = (
    "Slices were judged, not volumes: what is connected in 3D (percolation, components, "
    "tortuosity, permeability) is inferred from the pictures, and no picture can confirm it."
)


def slice_sentence(evaluation: SliceEvaluation) -> str:
    """State the verdict on all directions in one line that stands alone."""
    directions = evaluation.directions
    where = _listed([direction.axis for direction in directions])
    if evaluation.indistinguishable:
        return f"Slices normal to {where} are indistinguishable from windows of the picture."
    compared = [direction for direction in directions if direction.verdict.status == "compared"]
    if not compared:
        return " ".join(direction_sentence(direction) for direction in directions)
    differing = [direction.axis for direction in compared if direction.verdict.differing]
    first = (
        f"Slices normal to {_listed(differing)} differ from windows of the picture."
        if differing
        else f"No difference was found between slices normal to {where} and windows of the "
        "picture, and not everything was shown to be within the margin."
    )
    worst = evaluation.worst
    if worst is None:
        return first
    direction, difference = worst
    margin = amount_of(difference.descriptor, difference.largest.margin)
    answer = direction.verdict.test(difference.descriptor).answer
    words = (
        f"{difference_words(difference)} (margin {margin})"
        if answer == DIFFERS
        else f"{label_of(difference.descriptor)} is undecided (margin {margin})"
    )
    return f"{first} Worst, normal to {direction.axis}: {words}."


def direction_sentence(direction: SliceDirection) -> str:
    """State the verdict on one direction, and on how many slices it rests."""
    verdict = direction.verdict
    pieces = "1 slice" if direction.slices == 1 else f"{direction.slices} slices"
    return (
        f"Normal to {direction.axis} ({verdict.n_generated} windows of {pieces} against "
        f"{verdict.n_real} of the picture): {verdict_sentence(verdict)}"
    )


def slice_remarks(evaluation: SliceEvaluation) -> list[str]:
    """Return what a reader has to know: what was not judged, and how slices were chosen."""
    judged = {direction.axis for direction in evaluation.directions}
    remarks = [INFERRED]
    if left := [axis for axis in SPATIAL_DIMS if axis not in judged]:
        remarks.append(f"No picture was given of slices normal to {_listed(left)}.")
    remarks += [
        f"Along {direction.axis} the phases are correlated over more than half of a volume: each "
        "counts as one independent slice."
        for direction in evaluation.directions
        if direction.spacing is None
    ]
    return [*remarks, *evaluation.notes]


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
