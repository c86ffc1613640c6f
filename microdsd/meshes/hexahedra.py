"""Every voxel an element: hexahedra, or squares of an image, numbered layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.meshes.surface import length_factor
from microdsd.microstructure import (
    LabelsLike,
    as_microstructure,
    label_counts,
    phases_of,
    resolve_phase,
    voxel_size_of,
)
from microdsd.microstructure.outside import material_phases

Values = NDArray[np.integer]


@dataclass(frozen=True)
class Elements:
    """Hold the elements and nodes of a box of voxels, without those of phases left out.

    Elements are numbered from 0, x fastest, then y, then z; nodes likewise. What is made for one
    layer of voxels at a time takes the memory of that layer.

    Attributes
    ----------
    labels : ndarray, shape (z, y, x)
        An image is one layer.
    phases : dict of int to str
        Phases of the elements that are there; each has at least one voxel.
    absent : tuple of str
        Phases that were asked for and have no voxel.
    size, start : tuple of float
        Edges of a voxel, and the corner of the box, (z, y, x).
    unit : str
    flat : bool
        Whether elements are squares.
    """

    labels: Values
    phases: dict[int, str]
    absent: tuple[str, ...]
    size: tuple[float, ...]
    start: tuple[float, ...]
    unit: str
    flat: bool

    @classmethod
    def of(
        cls,
        ms: LabelsLike,
        phases: Sequence[int | str] | None = None,
        *,
        unit: str | None = None,
    ) -> Elements:
        """Build the elements of one sample.

        Parameters
        ----------
        ms : DataArray or ndarray, dims ([z,] y, x)
        phases : sequence of int or str, optional
            Labels or names; by default all. What is named "outside" is never an element.
        unit : {"m", "mm", "um", "nm"}, optional
            Unit of lengths; by default metres, or voxels where no voxel size is known.

        Raises
        ------
        InputError
            An ensemble, a phase that does not exist, or no voxel at all.

        Examples
        --------
        >>> elements = Elements.of(np.eye(3, dtype=int), [1])
        >>> elements.number, elements.number_of_nodes
        (3, 10)
        """
        box = as_microstructure(ms)
        if "sample" in box.dims:
            raise InputError("ms: a mesh is of one sample; choose it with ms.isel(sample=0)")
        names = material_phases(phases_of(box))
        wanted = list(names) if phases is None else [resolve_phase(box, one) for one in phases]
        if left := [phases_of(box)[label] for label in wanted if label not in names]:
            raise InputError(f"phases: {left[0]!r} is no material; leave it out")
        counts = label_counts(box.values)
        present = {label: name for label, name in names.items() if label in wanted}
        absent = tuple(name for label, name in present.items() if not counts.get(label))
        present = {label: name for label, name in present.items() if counts.get(label)}
        if not present:
            raise InputError(f"phases: {', '.join(absent)} have no voxel here; nothing to mesh")
        size, known = voxel_size_of(box)
        factor = 1.0 if unit is None else length_factor(known, unit)
        start = [float(box.coords[d][0]) - s / 2 for d, s in zip(box.dims, size, strict=True)]
        flat = box.ndim == 2
        return cls(
            box.values[None] if flat else box.values,
            present,
            absent,
            tuple(factor * edge for edge in ((min(size), *size) if flat else size)),
            tuple(factor * place for place in ([0.0, *start] if flat else start)),
            known if unit is None else unit,
            flat,
        )

    @property
    def number(self) -> int:
        """Return the number of elements."""
        return sum(self.counts.values())

    @cached_property
    def counts(self) -> dict[int, int]:
        """Return the number of elements of every phase."""
        voxels = label_counts(self.labels)
        return {label: voxels[label] for label in self.phases}

    @property
    def number_of_nodes(self) -> int:
        """Return the number of nodes."""
        return int(self._first_node[-1])

    def layers(self) -> Iterator[Values]:
        """Yield the labels of the elements, layer by layer."""
        for layer in range(len(self.labels)):
            yield self.labels[layer][self._meshed(layer)]

    def corners(self) -> Iterator[NDArray[np.int64]]:
        """Yield the nodes of the elements, layer by layer, shape (n, 8) or, of an image, (n, 4).

        The nodes go counter-clockwise seen from above (x to y), the lower four first, as Abaqus and
        VTK count.
        """
        lower = self._numbers(0)
        for layer in range(len(self.labels)):
            upper = lower if self.flat else self._numbers(layer + 1)
            y, x = np.nonzero(self._meshed(layer))
            ring = [(y, x), (y, x + 1), (y + 1, x + 1), (y + 1, x)]
            planes = [lower] if self.flat else [lower, upper]
            yield np.stack([plane[place] for plane in planes for place in ring], axis=1)
            lower = upper

    def nodes(self) -> Iterator[NDArray[np.float64]]:
        """Yield the places (x, y, z) of the nodes, plane by plane."""
        dz, dy, dx = self.size
        for plane in range(self._planes):
            y, x = np.nonzero(self._used(plane))
            places = np.stack([x * dx, y * dy, np.full(len(x), plane * dz)], axis=1)
            yield places + np.array(self.start[::-1])

    def face_nodes(self) -> dict[str, Iterator[NDArray[np.int64]]]:
        """Return the nodes in every face of the box, plane by plane.

        X0 and X1 are the ends along x.
        """
        faces = {
            "X0": (slice(None), slice(1)),
            "X1": (slice(None), slice(-1, None)),
            "Y0": (slice(1), slice(None)),
            "Y1": (slice(-1, None), slice(None)),
        }
        everywhere = range(self._planes)
        nodes = {name: self._in(part, everywhere) for name, part in faces.items()}
        if not self.flat:
            whole = (slice(None), slice(None))
            nodes["Z0"] = self._in(whole, [0])
            nodes["Z1"] = self._in(whole, [self._planes - 1])
        return nodes

    def _in(self, part: tuple[slice, slice], planes: Sequence[int]) -> Iterator[NDArray[np.int64]]:
        for plane in planes:
            numbers = self._numbers(plane)[part]
            yield numbers[numbers >= 0]

    @property
    def _planes(self) -> int:
        return 1 if self.flat else len(self.labels) + 1

    def _meshed(self, layer: int) -> NDArray[np.bool_]:
        return np.isin(self.labels[layer], list(self.phases))

    def _used(self, plane: int) -> NDArray[np.bool_]:
        """Return which points of a plane are nodes: corners of an element above or below."""
        used = np.zeros((self.labels.shape[1] + 1, self.labels.shape[2] + 1), dtype=bool)
        for layer in {plane - 1, plane} if not self.flat else {plane}:
            if 0 <= layer < len(self.labels):
                meshed = self._meshed(layer)
                used[:-1, :-1] |= meshed
                used[:-1, 1:] |= meshed
                used[1:, :-1] |= meshed
                used[1:, 1:] |= meshed
        return used

    @cached_property
    def _first_node(self) -> NDArray[np.int64]:
        numbers = [int(self._used(plane).sum()) for plane in range(self._planes)]
        return np.concatenate([[0], np.cumsum(numbers, dtype=np.int64)])

    def _numbers(self, plane: int) -> NDArray[np.int64]:
        """Return the number of every node of a plane, -1 where there is none."""
        used = self._used(plane)
        numbers = np.full(used.shape, -1, dtype=np.int64)
        numbers[used] = self._first_node[plane] + np.arange(int(used.sum()))
        return numbers
