"""Random images, and random windows of one class out of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from microdsd.errors import InputError
from microdsd.microstructure.symmetry import Symmetry, symmetry_elements


class Sampler(Protocol):
    """Draw random windows: of a scan (`WindowSampler`) or of images (`ImageSampler`)."""

    def batch(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw labels (n, *window), or intensities (n, channels, *window)."""
        ...


class ImageSampler:
    """Draw random windows of images in memory, turned by the symmetries that they have.

    Parameters
    ----------
    images : ndarray, shape (images, channels, *space)
    window : sequence of int
        Voxels per axis; whole images, or a part of them.
    symmetry : {"isotropic", "transverse", "none"}

    Raises
    ------
    InputError
        If there are no images, or the window does not fit into them.

    Examples
    --------
    >>> sampler = ImageSampler(np.zeros((5, 1, 8, 8), np.uint8), (4, 6), "none")
    >>> sampler.batch(3, np.random.default_rng(0)).shape
    (3, 1, 4, 6)
    """

    def __init__(self, images: np.ndarray, window: Sequence[int], symmetry: Symmetry) -> None:
        space = images.shape[2:]
        if len(window) != len(space) or any(w > n for w, n in zip(window, space, strict=False)):
            raise InputError(
                f"window={tuple(window)}: does not fit into images of {space}; use a smaller window"
            )
        if not len(images):
            raise InputError("images: none are left to draw from; lower the share held back")
        self.window = tuple(window)
        self._images = images
        self._elements = symmetry_elements(symmetry, len(window))

    def batch(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw intensities (n, channels, *window) of random windows in random orientations."""
        return np.stack([self._one(rng) for _ in range(n)])

    def _one(self, rng: np.random.Generator) -> np.ndarray:
        image = self._images[rng.integers(len(self._images))]
        start = [
            int(rng.integers(n - w + 1)) for n, w in zip(image.shape[1:], self.window, strict=True)
        ]
        part = tuple(slice(a, a + w) for a, w in zip(start, self.window, strict=True))
        window = image[(slice(None), *part)]
        order, flip = self._elements[rng.integers(len(self._elements))]
        turned = window.transpose(0, *(1 + axis for axis in order))
        if turned.shape != window.shape:  # an axis order that a box of unequal sides forbids
            turned = window
        mirrored: np.ndarray = np.flip(turned, tuple(1 + axis for axis in flip))
        return mirrored


class ClassSampler:
    """Draw windows of several classes, equally many of each on average, whatever their sizes.

    Parameters
    ----------
    samplers : sequence of Sampler
        One per class, of windows of one shape.

    Examples
    --------
    >>> zeros, ones = (np.full((2, 1, 4, 4), k, np.uint8) for k in (0, 1))
    >>> both = ClassSampler([ImageSampler(x, (4, 4), "none") for x in (zeros, ones)])
    >>> windows, classes = both.draw(6, np.random.default_rng(0))
    >>> bool((windows[:, 0, 0, 0] == classes).all())
    True
    """

    def __init__(self, samplers: Sequence[Sampler]) -> None:
        self._samplers = tuple(samplers)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw windows (n, ...) and the number of the class of each, int64 (n,).

        Where there is one class only, no random number is spent on it.
        """
        if len(self._samplers) == 1:
            return self._samplers[0].batch(n, rng), np.zeros(n, dtype=np.int64)
        classes = rng.integers(len(self._samplers), size=n)
        return np.concatenate([self._samplers[k].batch(1, rng) for k in classes]), classes

    def evenly(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw windows of the classes in turn, and their classes: for statistics and validation."""
        classes = np.arange(n) % len(self._samplers)
        if len(self._samplers) == 1:
            return self._samplers[0].batch(n, rng), classes
        return np.concatenate([self._samplers[k].batch(1, rng) for k in classes]), classes
