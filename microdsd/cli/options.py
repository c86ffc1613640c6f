"""Options and arguments that several verbs have, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

# The same as the types of the rooms that use them, which are slow to import for a line of help.
# Options given several times stay text: typer takes no list of choices.
Boundary = Literal["no-flux", "periodic"]
Symmetry = Literal["isotropic", "transverse", "orthotropic", "none"]
Method = Literal["bridges", "tau-leaping"]
RateLoss = Literal["likelihood", "l1", "l2"]
CoarseningRule = Literal["majority", "exact"]
DiffusionSolver = Literal["finite-volume", "taufactor"]
Precision = Literal["auto", "float32", "bfloat16"]

FileSpec = Annotated[str, typer.Argument(help="FILE or FILE:/path", metavar="FILE[:/path]")]
Scan = Annotated[str, typer.Argument(help="Labels: scan.h5:/path, or any file that import reads.")]
ModelFile = Annotated[str, typer.Argument(help="Model file, or the name of one that ships.")]

SlicesByAxis = Annotated[
    list[str] | None,
    typer.Option(
        "--slices",
        help="For a volume from 2D models: by the axis that slices are normal to, another model or "
        "a class of MODEL, as y=side.model x=side.model; MODEL itself for axes not named.",
    ),
]

KnownPlanes = Annotated[
    list[str] | None,
    typer.Option(
        "--plane",
        help="A measured plane that a volume keeps as it is, AXIS=PLACE:FILE, as z=0:top.png; "
        "several may be given.",
    ),
]

Ensemble = Annotated[
    list[str],
    typer.Argument(
        help="FILE or FILE:/path, with * for any text, or any file that import reads. Samples of "
        "several are numbered through.",
        metavar="FILE[:/path]",
    ),
]

OutputHdf5 = Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")]
OutputSamples = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        help="File to write: .h5; or .tif, .vti, .nrrd, .npy, .raw, of several samples one each, "
        "numbered.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--force", help="Overwrite the output.")]
OverwriteAndExtrapolate = Annotated[
    bool,
    typer.Option("--force", help="Overwrite the output; try targets beyond what is attainable."),
]
ReplaceGroup = Annotated[bool, typer.Option("--force", help="Replace an existing group.")]
JsonDocument = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
JsonNumbers = Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")]
JsonSummary = Annotated[bool, typer.Option("--json", help="Print a JSON summary.")]

PhaseNames = Annotated[
    list[str] | None,
    typer.Option(help="Phase names where the file has none, as 0=pore 255=solid."),
]
NamesOfKnown = Annotated[
    list[str] | None,
    typer.Option(
        "--labels",
        help="Phase names of what is known where its file has none, as 0=pore 255=solid; they are "
        "the model's phases of these names.",
    ),
]
VoxelSize = Annotated[
    list[str] | None,
    typer.Option(
        help="Voxel edge where the file does not say, as 0.398um or 398 nm; bare numbers are "
        "metres. One for all axes, or one per axis (z y x)."
    ),
]
PartOfScan = Annotated[
    list[str] | None, typer.Option(help="Part of the scan to use, e.g. z=0:260.")
]

TrainingWindow = Annotated[
    list[int],
    typer.Option(
        help="Voxels per axis of the training windows; one number for all axes, or one fewer than "
        "the scan has axes for a 2D model of slices."
    ),
]
WindowBoundary = Annotated[
    Boundary, typer.Option(help="Of the windows: no-flux, or periodic for whole periodic boxes.")
]

PhaseFractions = Annotated[
    list[str] | None,
    typer.Option(
        help="Phase fraction, as pore=0.22; for all phases but one. pore=measured draws it for "
        "every sample from the scan's own uncertainty, pore=0.196~0.004 from a mean and a standard "
        "deviation. Default: the mean of the training windows."
    ),
]
TargetValues = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        help="Property that samples are to have besides their composition, as "
        "specific_surface_area=0.15; repeat for several. Beyond what is attainable: with --force.",
    ),
]
Particles = Annotated[
    int,
    typer.Option(
        help="Walks made for every sample, of which those are continued that come nearest to the "
        "targets."
    ),
]
Guidance = Annotated[
    float,
    typer.Option(help="How strongly to steer to class and targets; 1 is as in training."),
]
Number = Annotated[int, typer.Option("-n", "--number", help="Number of samples.")]
Shape = Annotated[
    list[int] | None,
    typer.Option(help="Voxels per axis, as 128 128 128; default: the training window."),
]
BoxBoundary = Annotated[
    list[str] | None, typer.Option(help="no-flux or periodic, for all axes or one each.")
]
Evaluations = Annotated[
    int | None, typer.Option(help="Network evaluations; more is slower and closer.")
]
SeedOfSamples = Annotated[int, typer.Option(help="Sample i depends on (seed, i) alone.")]
NetworkPrecision = Annotated[
    Precision,
    typer.Option(
        "--precision",
        help="float32, bfloat16, or auto: bfloat16 where the device has it in hardware. Another "
        "precision gives other samples.",
    ),
]
Device = Annotated[
    str | None,
    typer.Option(help="cpu, cuda, cuda:1; default: a GPU if there is one, otherwise the CPU."),
]

ReferencePart = Annotated[
    list[str] | None,
    typer.Option(help="Part of the reference, e.g. z=160:200: what training has not seen."),
]
ReferenceWindows = Annotated[
    int | None, typer.Option(min=1, help="Number of reference windows; default: enough.")
]

SchedulerAddress = Annotated[
    str | None,
    typer.Option(help="local, or tcp://HOST:PORT of a dask scheduler; default: none."),
]
Workers = Annotated[
    int | None, typer.Option(help="Processes of the local scheduler; default: one per CPU.")
]
GoOn = Annotated[bool, typer.Option("--resume", help="Go on with a stopped run.")]
OverwriteAnew = Annotated[
    bool, typer.Option("--force", help="Overwrite the output, and start anew.")
]
