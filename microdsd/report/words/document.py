"""An evaluation as one JSON document, its sentences included."""

from __future__ import annotations

from typing import Any

from microdsd.evaluation.evaluation import Evaluation
from microdsd.evaluation.memorisation import Memorisation
from microdsd.report.words.memorisation_sentence import memorisation_sentence
from microdsd.report.words.verdict_sentence import verdict_sentence


def evaluation_document(
    evaluation: Evaluation, memorisation: Memorisation | None = None
) -> dict[str, Any]:
    """Return everything that was measured and judged, as JSON can hold it."""
    document = evaluation.to_dict()
    document["verdict"]["sentence"] = verdict_sentence(evaluation.verdict)
    if memorisation is not None:
        document["memorisation"] = {
            "verdict": memorisation_sentence(memorisation),
            **memorisation.to_dict(),
        }
    return document
