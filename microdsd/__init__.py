"""Materials microstructures with exactly the composition you ask for."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "GaussianField": "microdsd.baselines",
    "MicrostructureModel": "microdsd.generation",
    "NetworkJudge": "microdsd.network_judge",
    "TrainingConfig": "microdsd.training.config",
    "YeongTorquato": "microdsd.baselines",
    "as_microstructure": "microdsd.microstructure",
    "coarsen": "microdsd.microstructure",
    "compare": "microdsd.evaluation",
    "cut_windows": "microdsd.microstructure",
    "describe": "microdsd.metrics",
    "describe_transport": "microdsd.transport",
    "evaluate": "microdsd.evaluation",
    "fit": "microdsd.fitting",
    "judge": "microdsd.evaluation",
    "list_models": "microdsd.models",
    "load_dataset": "microdsd.datasets",
    "load_microstructures": "microdsd.io",
    "measure_ensemble": "microdsd.ensembles",
    "phase_fractions": "microdsd.microstructure",
    "save_microstructures": "microdsd.io",
    "show_progress": "microdsd.progress",
    "write_report": "microdsd.report",
}

__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> Any:
    """Load a public name, and the package it needs, when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'microdsd' has no attribute {name!r}")
    importlib.import_module("microdsd.io")  # what takes labels takes the name of their file, too
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
