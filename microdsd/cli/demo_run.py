"""The whole path on a laptop: three porosities, in 2D and 3D, generated, verified, evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from microdsd.datasets import load_dataset
from microdsd.errors import DataFileError
from microdsd.evaluation import evaluate
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.io import atomic_write, load_microstructures, save_microstructures
from microdsd.microstructure import coarsen, crop
from microdsd.microstructure.recount import recount
from microdsd.progress import Progress, Stage, stage
from microdsd.report import write_report
from microdsd.report.pictures.figures import sweep_grid
from microdsd.report.pictures.style import figure_png

POROSITIES = (0.15, 0.20, 0.25)
EVALUATED = 0.20  # Berea's own porosity
SAMPLES = {"berea-2d": 48, "berea-3d": 12}
TEST_LAYERS = (136, 200)  # of the scan coarsened 2x; the models were trained on layers 0 to 136
SLICE_SPACING = 5  # layers between slices that are worth counting as different


@dataclass(frozen=True)
class Demonstration:
    """Describe what one model contributed.

    Attributes
    ----------
    model : str
    files : dict of float to Path
        Generated samples by porosity.
    exact : bool
        Whether a recount of every file gave the counts requested.
    picture : Path
        Samples side by side.
    report : Path or None
        None where the scan is not at hand.
    """

    model: str
    files: dict[float, Path]
    exact: bool
    picture: Path
    report: Path | None


def run_demo(
    folder: Path, *, seed: int = 0, progress: Progress | None = None
) -> Iterator[Demonstration]:
    """Run the demonstration, one model after the other.

    Parameters
    ----------
    folder : Path
        Where all files go; made if missing.
    seed : int
    progress : Progress, optional
        Receives in a few words what comes next, after how many of the models.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with stage("demonstrating", len(SAMPLES), progress) as demonstrating:
        yield from _demonstrated(folder, seed, demonstrating)


def _demonstrated(folder: Path, seed: int, demonstrating: Stage) -> Iterator[Demonstration]:
    demonstrating.update(0, status="reading the Berea scan to compare with")
    try:
        scan = coarsen(load_dataset("berea_sandstone"), 2)
    except DataFileError as error:
        demonstrating.update(0, status=f"no scan, so no comparison: {error}")
        scan = None
    for done, (name, number) in enumerate(SAMPLES.items()):

        def tell(words: str, done: int = done, name: str = name) -> None:
            demonstrating.update(done, status=f"{name}: {words}")

        model = MicrostructureModel.load(name)
        samples: dict[float, xr.DataArray] = {}
        exact = True
        for porosity in POROSITIES:
            tell(f"generating {number} samples of porosity {porosity}")
            samples[porosity] = model.sample(number, phase_fraction={"pore": porosity}, rng=seed)
        files = {p: folder / f"{name}-porosity-{p:.2f}.h5" for p in POROSITIES}
        for porosity, path in files.items():
            save_microstructures(path, samples[porosity], overwrite=True)
            exact &= bool(recount(load_microstructures(path)).exact)
        tell("drawing")
        picture = folder / f"{name}.png"
        columns = {f"porosity {p:.2f}": ensemble for p, ensemble in samples.items()}
        with atomic_write(picture, overwrite=True) as temporary:
            temporary.write_bytes(figure_png(sweep_grid(columns, phase="pore")))
        report = None
        if scan is not None:
            tell(f"comparing porosity {EVALUATED} with the test block of the scan")
            test = crop(scan, z=TEST_LAYERS)
            if len(model.card.window) == 2:
                test = test.isel(z=slice(None, None, SLICE_SPACING))
            report, _ = write_report(
                folder / f"{name}.html",
                evaluate(samples[EVALUATED], test, rng=seed),
                overwrite=True,
            )
        yield Demonstration(name, files, exact, picture, report)
