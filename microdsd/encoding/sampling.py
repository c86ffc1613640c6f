"""Random images, and random windows of one class out of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from microdsd.errors import InputError
from microdsd.microstructure.symmetry import Symmetry, symmetry_elements


class Sampler(Protocol):
    """Draw random windows: of a scan (`WindowSampler`) or of images (`ImageSampler`)."""

    def choose(self, rng: np.random.Generator) -> Any:
        """Draw where a window lies and how it is turned; nothing is read."""
        ...

    def window_at(self, choice: Any) -> np.ndarray:
        """Return labels (*window), or intensities (channels, *window), of what was chosen."""
        ...


class ImageSampler:
    """Draw random windows of images in memory, turned by the symmetries that they have.

    Parameters
    ----------
    images : ndarray, shape (images, channels, *space)
    window : sequence of int
        Voxels per axis; whole images, or a part of them.
    symmetry : {"isotropic", "transverse", "orthotropic", "none"}

    Raises
    ------
    InputError
        If there are no images, or the window does not fit into them.

    Examples
    --------
    >>> sampler = ImageSampler(np.zeros((5, 1, 8, 8), np.uint8), (4, 6), "none")
    >>> sampler.window_at(sampler.choose(np.random.default_rng(0))).shape
    (1, 4, 6)
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

    def choose(self, rng: np.random.Generator) -> tuple[int, list[int], int]:
        """Draw image, first voxel and orientation of a random window."""
        image = int(rng.integers(len(self._images)))
        space = self._images.shape[2:]
        start = [int(rng.integers(n - w + 1)) for n, w in zip(space, self.window, strict=True)]
        return image, start, int(rng.integers(len(self._elements)))

    def window_at(self, choice: tuple[int, list[int], int]) -> np.ndarray:
        """Return intensities (channels, *window)."""
        image, start, orientation = choice
        part = tuple(slice(a, a + w) for a, w in zip(start, self.window, strict=True))
        window = self._images[image][(slice(None), *part)]
        order, flip = self._elements[orientation]
        turned = window.transpose(0, *(1 + axis for axis in order))
        if turned.shape != window.shape:  # an axis order that a box of unequal sides forbids
            turned = window
        mirrored: np.ndarray = np.flip(turned, tuple(1 + axis for axis in flip))
        return mirrored


Chosen = tuple[int, Any]
"""Number of a class, and what its sampler chose."""


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

    def draw(
        self, n: int, rng: np.random.Generator, share: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw windows (n, ...) and the class of each, int64 (n,), or a share of them.

        All n are drawn and only the share is read. Where there is one class only, no random number
        is spent on it.
        """
        return self.read(self.choose(n, rng)[share])

    def choose(self, n: int, rng: np.random.Generator) -> list[Chosen]:
        """Draw class and place of n windows; nothing is read."""
        one = len(self._samplers) == 1
        return self._of([0] * n if one else rng.integers(len(self._samplers), size=n).tolist(), rng)

    def evenly(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw windows and classes, the classes in turn: for statistics and validation."""
        return self.read(self._of([k % len(self._samplers) for k in range(n)], rng))

    def read(self, chosen: Sequence[Chosen]) -> tuple[np.ndarray, np.ndarray]:
        """Return windows (n, ...) that were chosen, and the class of each, int64 (n,)."""
        windows = [self._samplers[k].window_at(choice) for k, choice in chosen]
        return np.stack(windows), np.array([k for k, _ in chosen], np.int64)

    def _of(self, classes: Sequence[int], rng: np.random.Generator) -> list[Chosen]:
        return [(k, self._samplers[k].choose(rng)) for k in classes]
