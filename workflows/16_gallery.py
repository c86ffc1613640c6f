"""One sample of every model that ships, as the picture of the README: docs/images/models.png.

python workflows/16_gallery.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import microdsd
from microdsd.io import atomic_write
from microdsd.report.pictures.style import figure_png

SHOWN = {
    "berea-2d": "sandstone, slice",
    "berea-2d-properties": "little and much surface",
    "berea-3d": "sandstone, pores",
    "berea-full-3d": "its full resolution",
    "fontainebleau-3d": "sparse pores",
    "nmc-3d": "battery cathode, active material",
    "nmc-octaves-3d": "the same, more of it",
    "sofc-2d": "fuel cell anode, slice",
    "steel-2d": "carbides in steel, by annealing",
    "separator-3d": "battery separator, polymer",
    "porous-2d": "three materials, by class",
    "digits": "grey images with counts",
}
EDGE = {
    "berea-2d": 96,
    "berea-2d-properties": 64,
    "berea-3d": 48,
    "berea-full-3d": 96,
    "fontainebleau-3d": 64,
    "nmc-3d": 48,
    "nmc-octaves-3d": 80,
    "sofc-2d": 128,
    "steel-2d": 128,
    "separator-3d": 56,
    "porous-2d": 64,
    "digits": 8,
}
OPAQUE = {
    "nmc-3d": "active material",
    "nmc-octaves-3d": "active material",
    "separator-3d": "polymer",
}
"""What is shown of volumes, where it is not the pores."""


def draw(name: str, ax: plt.Axes) -> None:
    model = microdsd.MicrostructureModel.load(name)
    names = sorted(model.card.classes)[:4]
    classes = {"class_name": names} if names else {}
    aims = {}
    if model.card.properties is not None:
        aims = {
            "phase_fraction": {"pore": 0.2},
            "targets": {"specific_surface_area": [0.107, 0.140]},
            "guidance": 2.0,
            "particles": 4,
        }
    number = len(names) or (2 if aims else 1)
    made = model.sample(number, shape=EDGE[name], rng=3, **classes, **aims)
    if name == "digits":
        tiles = np.pad(made.values.reshape(4, 8, 8), [(0, 0), (1, 1), (1, 1)])
        ax.imshow(tiles.reshape(2, 2, 10, 10).swapaxes(1, 2).reshape(20, 20), cmap="Greys")
        ax.set_axis_off()
    elif "3d" in name:
        microdsd.plot.phases(made, OPAQUE.get(name, "pore"), ax=ax)
    else:
        microdsd.plot.slices(made, columns=2, ax=ax)
    ax.set_title(f"{name}: {SHOWN[name]}", loc="left", fontsize=9, pad=22)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images/models.png"))
    options = parser.parse_args()
    figure, axes = plt.subplots(3, 4, figsize=(14, 12.4), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.3)  # the bar of scale lies below the axes
    for name, ax in zip(SHOWN, axes.flat, strict=False):
        draw(name, ax)
    for ax in axes.flat[len(SHOWN) :]:
        ax.set_axis_off()
    with atomic_write(options.output, overwrite=True) as temporary:
        temporary.write_bytes(figure_png(figure, dpi=110))


if __name__ == "__main__":
    main()
