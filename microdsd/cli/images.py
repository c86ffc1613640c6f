"""``microdsd images``: grey or colour images with few levels, into HDF5."""

from __future__ import annotations

from typing import Annotated

import typer

from microdsd.cli.options import JsonDocument, OutputHdf5, ReplaceGroup
from microdsd.cli.output import print_json
from microdsd.cli.terminal import say
from microdsd.errors import InputError

DATASET = "dataset:"


def command(
    source: Annotated[
        str,
        typer.Argument(
            help="Greyscale TIFF, PNG or npy file, a volume as slices; or dataset:NAME with "
            "digits, mnist, cifar-10 or celeba.",
            metavar="SOURCE",
        ),
    ],
    output: OutputHdf5,
    grey_levels: Annotated[
        int | None,
        typer.Option(help="Number of grey levels; default: 8 for files, as published for sets."),
    ] = None,
    limits: Annotated[
        list[float] | None,
        typer.Option(
            help="Grey values that become the first and the last level; default: extremes."
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Of celeba: pixels that the square images are shrunk to.")
    ] = None,
    attribute: Annotated[
        str | None, typer.Option(help="Of celeba: the attribute whose presence is the class.")
    ] = None,
    force: ReplaceGroup = False,
    json: JsonDocument = False,
) -> None:
    """Bring images into the HDF5 layout, with as few grey levels as will do.

    Cost grows with the intensity: every unit of it is a walker.
    """
    from microdsd.cli.parsing import paths_of
    from microdsd.image_sets import load_image_set
    from microdsd.io import check_format, ensure_writable, read_image_stack, save_images
    from microdsd.microstructure import as_images, quantise
    from microdsd.microstructure.intensity import channels_of, classes_of

    if limits and len(limits) != 2:
        raise InputError(f"limits={limits}: give two grey values")
    check_format(output, ensembles=True)
    # A group is added to a file that is there; only its own group needs --force.
    ensure_writable(output, overwrite=True, inputs=paths_of(source))
    if source.startswith(DATASET):
        name = source.removeprefix(DATASET)
        images = load_image_set(name, grey_levels=grey_levels, size=size, attribute=attribute)
    else:
        array = read_image_stack(source)
        bounds = (limits[0], limits[1]) if limits else None
        few = quantise(array, grey_levels or 8, limits=bounds)
        images = as_images(
            few if few.ndim == 3 else few[None],
            grey_levels=grey_levels or 8,
            provenance={"source": source, "levels": grey_levels or 8, "limits": limits},
        )
    save_images(output, images, overwrite=force)
    summary = {
        "file": str(output),
        "images": images.sizes["sample"],
        "shape": [images.sizes["y"], images.sizes["x"]],
        "channels": list(channels_of(images)),
        "levels": int(images.attrs["levels"]),
        "mean_level": round(float(images.mean()), 4),
        "classes": sorted(set(classes_of(images))),
    }
    if json:
        print_json(summary)
        return
    say(
        f"{output}: {summary['images']} images of {images.sizes['y']} x {images.sizes['x']}, "
        f"{summary['levels']} levels, channels {', '.join(channels_of(images))}, "
        f"mean level {summary['mean_level']}, {len(set(classes_of(images)))} classes"
    )
