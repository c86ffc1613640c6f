"""An ensemble in files, as any process that sees the files can read its samples."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from microdsd.errors import InputError
from microdsd.io import LabelSource, matching_specs, open_labels, read_sample, split_spec
from microdsd.io.windows import Region
from microdsd.microstructure import PhaseNames, VoxelSize, VoxelSizeLike, as_microstructure
from microdsd.microstructure.arguments import box_shape
from microdsd.microstructure.axes import SPATIAL_DIMS


class Sample(NamedTuple):
    """Hold what is read of one sample.

    Attributes
    ----------
    labels : DataArray, dims ``(sample, [z,] y, x)``
        One sample, with its number as the coordinate.
    mask : ndarray of bool or None
        Where the specimen is.
    sha256 : str
        Fingerprint of labels and mask.
    """

    labels: xr.DataArray
    mask: NDArray[np.bool_] | None
    sha256: str


@dataclass(frozen=True)
class StoredEnsemble:
    """Enumerate the samples of one file or of several; small, and made to be sent to workers.

    Attributes
    ----------
    sources : tuple of str
        ``file.h5`` or ``file.h5:/path/in/file``, with the whole path of the file.
    sizes : tuple of int
        Number of samples of each source.
    shape : tuple of int
        Shape of every sample, ``([z,] y, x)``.
    phases : dict of int to str
        In labels of this package.
    stated : dict or None
        Names given for what the files hold, where labels below 0 may be.
    voxel_size : VoxelSize
    region : mapping of str to slice, or sequence of slice, or None
    mask : str or None
        Source of the specimens: one for all samples, or one for each.
    masks : int
        Number of samples of `mask`.
    grid : tuple of int
        Parts along every axis that every stored sample is cut into, all of `shape`; empty where
        none is cut.
    corner : tuple of int
        First voxel of the first part, per axis.
    """

    sources: tuple[str, ...]
    sizes: tuple[int, ...]
    shape: tuple[int, ...]
    phases: dict[int, str]
    stated: dict[int, str] | dict[str, int] | None
    voxel_size: VoxelSize
    region: Region | None
    mask: str | None
    masks: int
    grid: tuple[int, ...] = ()
    corner: tuple[int, ...] = ()

    @classmethod
    def open(
        cls,
        sources: str | Path | Sequence[str | Path],
        *,
        phases: PhaseNames | None = None,
        voxel_size: VoxelSizeLike | None = None,
        region: Region | None = None,
        mask: str | Path | None = None,
        parts: int | Sequence[int] | None = None,
    ) -> StoredEnsemble:
        """Look at the files; labels are read only where neither file nor `phases` names them.

        With ``parts``, voxels per axis, blocks of that size are the samples: as many as fit, from
        the first voxel on.

        Raises
        ------
        DataFileError
            A missing, truncated or foreign file, or nothing at the path.
        InputError
            No sources, or sources of unlike shape, phases or voxel size.
        """
        given = [sources] if isinstance(sources, str | Path) else list(sources)
        specs = [spec for source in given for spec in matching_specs(_absolute(source))]
        if not specs:
            raise InputError("sources: name at least one file")
        sizes, facts, corners = [], [], set()
        for spec in specs:
            with open_labels(
                spec, phases=phases, voxel_size=voxel_size, region=region, check=False
            ) as source:
                sizes.append(source.n_samples)
                facts.append(_facts(source))
                corners.add(tuple(part.start for part in source.region))
            for name, value in facts[0].items():
                if facts[-1][name] != value:
                    raise InputError(
                        f"sources: {spec} has the {name} {facts[-1][name]}, {specs[0]} has "
                        f"{value}; measure them in runs of their own, or give what the files "
                        "should have said (--labels, --voxel-size)"
                    )
        grid = _grid(facts[0]["shape"], parts)
        if grid and len(corners) > 1:
            raise InputError(f"region={region}: begins at other voxels in other sources; give them")
        masks = 0
        if mask is not None:
            mask = _absolute(mask)
            with open_labels(mask, region=region) as source:
                masks = source.n_samples
            if masks not in (1, sum(sizes)):
                raise InputError(
                    f"mask: {mask} has {masks} samples, the ensemble has {sum(sizes)}; give one "
                    "mask for all or one for each"
                )
        if grid:
            whole = facts[0]["shape"]
            facts[0]["shape"] = box_shape(parts, whole, "the samples are")
        return cls(
            tuple(specs),
            tuple(size * math.prod(grid) for size in sizes),
            **facts[0],
            stated=None if phases is None else dict(phases),
            region=region,
            mask=mask,
            masks=masks,
            grid=grid,
            corner=corners.pop() if grid else (),
        )

    def __len__(self) -> int:
        return sum(self.sizes)

    def place(self, number: int) -> tuple[str, int]:
        """Return the source of a sample, and its number there."""
        for source, size in zip(self.sources, self.sizes, strict=True):
            if number < size:
                return source, number
            number -= size
        raise InputError(f"sample: there are {len(self)} samples")

    def read(self, number: int) -> Sample:
        """Read one sample, and no other.

        Raises
        ------
        DataFileError
            The data cannot be read.
        InputError
            A label without a name.
        """
        source, sample = self.place(number)
        region = self.region
        if self.grid:
            sample, part = divmod(sample, math.prod(self.grid))
            region = self._part(part)
        values = read_sample(source, sample, region=region)
        digest = hashlib.sha256(f"{values.shape} {values.dtype.str}".encode())
        digest.update(values.data)
        mask = None
        if self.mask is not None:
            own = number // math.prod(self.grid) if self.masks > 1 else 0
            mask = read_sample(self.mask, own, region=region) != 0
            digest.update(mask.data)
        labels = as_microstructure(
            xr.DataArray(values, dims=SPATIAL_DIMS[-values.ndim :]),
            phases=self.stated or self.phases,
            voxel_size=self.voxel_size,
        )
        return Sample(labels.expand_dims(sample=[number]), mask, digest.hexdigest())

    def _part(self, number: int) -> list[slice]:
        """Return the voxels of a part in the stored array."""
        place = np.unravel_index(number, self.grid)
        starts = [
            first + int(i) * edge
            for first, i, edge in zip(self.corner, place, self.shape, strict=True)
        ]
        return [slice(first, first + edge) for first, edge in zip(starts, self.shape, strict=True)]

    def record(self) -> dict[str, Any]:
        """Return what results depend on beside the labels themselves."""
        return {
            "number of samples": len(self),
            "shape": list(self.shape),
            "phase names": {str(label): name for label, name in self.phases.items()},
            "voxel size": list(self.voxel_size.size) if self.voxel_size.unit == "m" else None,
            "region": self.region and str(self.region),
            "mask": bool(self.mask),
            **({"parts per axis": list(self.grid)} if self.grid else {}),
        }


def _grid(shape: Sequence[int], parts: int | Sequence[int] | None) -> tuple[int, ...]:
    """Return the whole parts along every axis; empty where none are requested."""
    if parts is None:
        return ()
    edges = box_shape(parts, shape, "the samples are")
    if any(not 0 < edge <= length for edge, length in zip(edges, shape, strict=True)):
        raise InputError(
            f"parts={parts}: do not fit into {' x '.join(map(str, shape))} voxels; give voxels per "
            "axis of one part"
        )
    return tuple(length // edge for length, edge in zip(shape, edges, strict=True))


def _facts(source: LabelSource) -> dict[str, Any]:
    return {"shape": source.shape, "phases": source.phases, "voxel_size": source.voxel_size}


def _absolute(source: str | Path) -> str:
    """Return the spec with the whole path of its file, for processes in other folders."""
    path, inner = split_spec(source)
    return f"{path.absolute()}:{inner}" if inner else str(path.absolute())
