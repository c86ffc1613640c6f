"""Names and explanations of descriptors and tests for readers."""

from __future__ import annotations

from microdsd.evaluation.evaluation import sentence
from microdsd.metrics.registry import Descriptor, find

_TESTS = {
    "joint": "all descriptors together",
    "classifier": "classifier",
    "network": "network",
    "voxel_diversity": "diversity, voxel by voxel",
    "descriptor_diversity": "diversity of the descriptors",
    "memorisation": "nearest training window",
}
"""Tests that are no descriptors."""


def label_of(name: str) -> str:
    """Return the name of a descriptor or test for readers.

    Examples
    --------
    >>> label_of("euler_density"), label_of("joint")
    ('Euler characteristic per volume', 'all descriptors together')
    """
    record = find(name)
    return _TESTS.get(name, name.replace("_", " ")) if record is None else record.label


def explanation_of(record: Descriptor) -> str:
    """Explain a descriptor to the reader of a report: at least its definition, as a sentence.

    Examples
    --------
    >>> explanation_of(find("mean_local_thickness"))[:22]
    'Mean over the phase of'
    """
    return record.explanation or sentence(record.definition)
