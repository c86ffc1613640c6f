"""What a picture must be for volumes to be learned from it."""

from __future__ import annotations

import math

from microdsd.encoding.windows import Symmetry
from microdsd.errors import InputError
from microdsd.fitting.material import Material
from microdsd.io import LabelSource

FEWEST_WINDOWS = 12
"""Windows beside one another, below which a picture says too little."""


def require_volumes(material: Material, symmetry: Symmetry, reads_out: bool, ranks: int) -> None:
    """Refuse to train for volumes what none can be made of.

    Raises
    ------
    InputError
        Says what is missing.
    """
    if not reads_out:
        raise InputError("for_volumes: is for phases by bridges; leave it out, or the method")
    if material.held_back is None:
        raise InputError(
            "for_volumes: volumes are calibrated on the part of the picture that is held back, and "
            "validation=0 holds back none; leave it at 0.15"
        )
    if symmetry != "isotropic" or material.classes:
        classes = f" and the classes are {', '.join(material.classes)}" if material.classes else ""
        raise InputError(
            f"for_volumes: the symmetry is {symmetry!r}{classes}; volumes are learned from one "
            "picture where all directions are alike (--symmetry isotropic). Of other materials "
            "train a model, or a class, of every cut, and give them to generate with --slices"
        )
    if ranks > 1:
        raise InputError("for_volumes: trains in one process; start it without torchrun")


def require_pictures(source: LabelSource, window: tuple[int, ...]) -> None:
    """Refuse windows of volumes, and pictures that hold too few windows to learn volumes from.

    It is asked before a picture is split into a part to train on and one to validate on: that
    needs less, and what it says of a small picture would help no further.

    Raises
    ------
    InputError
        Says how many windows there are.
    """
    if len(window) != 2:
        raise InputError(
            f"for_volumes: windows of {window} are volumes already; it is for models of slices"
        )
    *layers, height, width = source.shape
    across = (height // window[0]) * (width // window[1])
    held = source.n_samples * math.prod(layers) * across
    if held < FEWEST_WINDOWS:
        raise InputError(
            f"window={window}: the picture of {height} x {width} holds {held} such windows beside "
            f"one another; volumes need {FEWEST_WINDOWS}: take a larger picture, or a smaller "
            "window of four or five grains or pores"
        )
