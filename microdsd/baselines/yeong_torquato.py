"""Reconstruction by simulated annealing with the S2 and the lineal path of a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from microdsd.baselines.annealing import AnnealedBox
from microdsd.baselines.curve import TOLERANCE, TwoPointCurve
from microdsd.baselines.material import KnownMaterial
from microdsd.baselines.planes import Planes, PlaneWindows
from microdsd.baselines.reference import ReferenceWindows
from microdsd.baselines.request import BaselineRequest
from microdsd.baselines.targets import DirectionalTargets
from microdsd.errors import InputError
from microdsd.microstructure import LabelsLike
from microdsd.microstructure.composition import Fractions
from microdsd.microstructure.seeds import sample_generator
from microdsd.microstructure.symmetry import Symmetry
from microdsd.microstructure.voxels import VoxelSizeLike
from microdsd.progress import Progress, stage


class YeongTorquato:
    r"""Swap voxels until S2 and the lineal path are those of the reference.

    Make one with `fit`, for volumes of pictures with `from_planes`, or with `from_curve`.

    Notes
    -----
    A box of voxels in random order, with exactly the requested counts, is annealed by swaps of
    voxels of different phases; counts never change. The energy (`AnnealedBox`) holds the two-point
    probabilities of every pair of phases but those with the largest one, which follow, and the
    lineal path of every phase, along the axes and all diagonals of the lattice up to half of a
    reference window. (Along axes alone, as first proposed, the result is known to be visibly
    anisotropic.) A swap costs a number of operations that grows with the number of lags, not
    with the box.

    References
    ----------
    Yeong, Torquato, Phys. Rev. E 57 (1998) 495, doi:10.1103/PhysRevE.57.495.

    Jiao, Stillinger, Torquato, Phys. Rev. E 77 (2008) 031135, doi:10.1103/PhysRevE.77.031135.

    Examples
    --------
    >>> from microdsd.microstructure import blobs, cut_windows
    >>> real = cut_windows(blobs((48, 48), fractions=(0.3, 0.7), scale=2, rng=0),
    ...                    (16, 16), n=9, rng=1)
    >>> annealing = YeongTorquato.fit(real, periodic=False)
    >>> new = annealing.sample(2, phase_fraction={0: 0.25}, sweeps=20, rng=0)
    >>> (new == 0).sum(("y", "x")).values
    array([64, 64])
    """

    def __init__(self, material: KnownMaterial, targets: DirectionalTargets) -> None:
        self.material = material
        self._targets = targets

    @classmethod
    def fit(
        cls, reference: LabelsLike, *, periodic: bool, symmetry: Symmetry = "none"
    ) -> YeongTorquato:
        """Measure S2 and lineal path of real windows.

        Parameters
        ----------
        reference : DataArray or ndarray
            Windows of real material, dims ``([sample,] [z,] y, x)``.
        symmetry : {"isotropic", "transverse", "orthotropic", "none"}
            Symmetry of the material: statistics are averaged over its turns and mirrors.
        periodic : bool
            Needed. Whether the reference windows wrap; windows cut from a scan do not.

        Raises
        ------
        InputError
            For windows that cannot be used.
        """
        windows = ReferenceWindows.of(reference, symmetry=symmetry, periodic=periodic)
        return cls(windows.material, DirectionalTargets.of(windows))

    @classmethod
    def from_planes(
        cls, planes: LabelsLike | Planes, *, symmetry: Symmetry | None = None, periodic: bool
    ) -> YeongTorquato:
        """Measure S2 and lineal path of pictures, for volumes.

        S2 is matched along the axes and all diagonals; the lineal path along the axes and the
        diagonals that lie in a plane of the pictures.

        Parameters
        ----------
        planes : DataArray, ndarray, or mapping of "z", "y", "x" to these
            As in `GaussianField.from_planes`.
        symmetry : {"isotropic", "transverse", "orthotropic", "none"}, optional
            As in `GaussianField.from_planes`.
        periodic : bool
            Needed. Whether the windows wrap.

        Raises
        ------
        InputError
            For pictures that do not determine the material, or do not fit one another.
        """
        windows = PlaneWindows.of(planes, symmetry=symmetry, periodic=periodic)
        return cls(windows.material, DirectionalTargets.of_planes(windows))

    @classmethod
    def from_curve(
        cls,
        distance: ArrayLike,
        s2: ArrayLike,
        *,
        fraction: float | None = None,
        phases: Mapping[int, str] | None = None,
        voxel_size: VoxelSizeLike | None = None,
        ndim: Literal[2, 3] = 3,
        tolerance: float = TOLERANCE,
    ) -> YeongTorquato:
        """Take S2 of one phase of two from a curve; the lineal path is left free.

        Parameters
        ----------
        distance, s2 : array_like
            As in `GaussianField.from_curve`, and so are all others.

        Raises
        ------
        InputError
            If the curve is no two-point probability; says why, and how far the nearest one is.
        """
        curve = TwoPointCurve.of(
            distance,
            s2,
            fraction=fraction,
            phases=phases,
            voxel_size=voxel_size,
            ndim=ndim,
            tolerance=tolerance,
        )
        return cls(curve.material, DirectionalTargets.of_curve(curve))

    def sample(
        self,
        n: int = 1,
        *,
        phase_fraction: Fractions | float | Sequence[float] | None = None,
        shape: int | Sequence[int] | None = None,
        periodic: bool = False,
        sweeps: float = 100,
        rng: int | np.random.Generator | None = None,
        progress: Progress | None = None,
    ) -> xr.DataArray:
        """Generate microstructures with exactly the requested composition.

        Parameters
        ----------
        n : int
            Number of samples.
        phase_fraction : mapping of phase to float or to n floats, optional
            Fractions by label or name; one phase may be left out and takes the rest. By
            default the mean of the reference windows. Targets follow the composition, see
            `DirectionalTargets`.
        shape : sequence of int, optional
            Voxels per axis; the reference windows' by default. Longer lags than half a
            reference window are free.
        periodic : bool
            Whether the samples wrap.
        sweeps : float
            Swaps proposed per voxel; more is slower and closer to the targets.
        rng : int or Generator, optional
            Sample i depends on the seed and i alone.
        progress : Progress, optional
            Receives how many samples are done, in fractions of one.

        Returns
        -------
        DataArray, dims (sample, [z,] y, x)
            Labels. The attribute ``provenance`` (JSON) holds the request, the exact counts, and
            per sample the energy at the end.

        Raises
        ------
        InputError
            For a request that cannot be met; says what can.
        """
        if not sweeps > 0:
            raise InputError(f"sweeps={sweeps}: give a number of swaps per voxel above zero")
        request = BaselineRequest.resolve(
            self.material, n, phase_fraction=phase_fraction, shape=shape, rng=rng
        )
        samples, energies = [], []
        with stage("simulated annealing", n, progress) as annealing:
            for i in range(n):
                generator = sample_generator(request.seed, i)
                box = AnnealedBox(
                    _shuffled(request.counts[i], request.shape, generator),
                    self._targets,
                    periodic=periodic,
                )
                for share in box.anneal(sweeps, generator):
                    annealing.update(i + share)
                samples.append(box.phase)
                energies.append(box.energy)
                annealing.update(i + 1)
        return request.dress(
            "yeong-torquato", samples, periodic=periodic, sweeps=sweeps, energy=energies
        )


def _shuffled(
    counts: NDArray[np.int64], shape: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.int8]:
    phase = np.repeat(np.arange(len(counts), dtype=np.int8), counts)
    return rng.permutation(phase).reshape(shape)
