"""``microdsd doctor``: check this installation, and how fast it is here."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from typing import Any

import typer

from microdsd.cli.live import show_progress
from microdsd.cli.options import Device, JsonDocument
from microdsd.cli.output import print_json
from microdsd.cli.terminal import say
from microdsd.progress import stage

_PACKAGES = (
    "microdsd",
    "torch",
    "numpy",
    "scipy",
    "scikit-image",
    "h5py",
    "h5netcdf",
    "xarray",
    "porespy",
    "safetensors",
    "matplotlib",
    "rich",
    "typer",
    "pydantic",
    "taufactor",
)
EXIT_UNSOUND = 1


def command(
    device: Device = None,
    json: JsonDocument = False,
) -> None:
    """Check versions and device, generate a small sample with every model, recount it.

    Exit code 1 says that a check failed.
    """
    import torch

    from microdsd.device import resolve_device

    chosen = resolve_device(device)
    document: dict[str, Any] = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "device": str(chosen),
        "device_name": torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else _cpu(),
        "cpus": os.cpu_count(),
        "MICRODSD_DATA": os.environ.get("MICRODSD_DATA"),
    }
    with show_progress(), stage("trying the models", total=len(_models())) as trying:
        document["models"] = []
        for name in _models():
            trying.update(len(document["models"]), status=name)
            document["models"].append(_try_model(name, chosen))
    document["sound"] = all(entry["exact"] for entry in document["models"])
    if json:
        print_json(document)
    else:
        _print(document)
    if not document["sound"]:
        raise typer.Exit(EXIT_UNSOUND)


def _models() -> list[str]:
    from microdsd.models import shipped_models

    return shipped_models()


def _try_model(name: str, device: Any) -> dict[str, Any]:
    """Generate one training-window sized sample and recount it."""
    from microdsd.encoding import encoding_of
    from microdsd.generation.microstructure_model import MicrostructureModel
    from microdsd.generation.request import GenerationRequest

    model = MicrostructureModel.load(name, device)
    request = GenerationRequest.resolve(model.card, 1, rng=0)
    model.sample(rng=0, evaluations=2)  # threads are measured on the first call
    start = time.perf_counter()
    sample = model.sample(rng=0)
    seconds = time.perf_counter() - start
    counts = encoding_of(model.card.contents).counted(sample)
    return {
        "name": name,
        "shape": list(request.lattice.shape),
        "precision": model.precision,
        "evaluations": request.plan.evaluations,
        "seconds": round(seconds, 3),
        "exact": bool((counts == request.composition.whole).all()),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    import torch

    return f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"


def _print(document: dict[str, Any]) -> None:
    say(f"python {document['python']} on {document['platform']}")
    for name, version in document["packages"].items():
        say(f"  {name:14} {version or 'not installed'}")
    say(f"device {document['device']} ({document['device_name']}), {document['cpus']} CPUs")
    say(f"MICRODSD_DATA {document['MICRODSD_DATA'] or 'not set: data sets are downloaded'}")
    for entry in document["models"]:
        shape = "x".join(map(str, entry["shape"]))
        verdict = "counts exact" if entry["exact"] else "COUNTS DIFFER: this is a bug, report it"
        say(
            f"model {entry['name']}: {shape} in {entry['seconds']:.2f} s "
            f"({entry['evaluations']} evaluations, {entry['precision']}), {verdict}"
        )
