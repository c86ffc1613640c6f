"""Thresholded Gaussian random fields with the S2 of a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import scipy.fft
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from microdsd.baselines.curve import TOLERANCE, TwoPointCurve
from microdsd.baselines.level_cuts import LevelCut, level_cut, level_cuts, misfit
from microdsd.baselines.material import KnownMaterial
from microdsd.baselines.planes import Planes, PlaneWindows
from microdsd.baselines.reference import ReferenceWindows
from microdsd.baselines.request import BaselineRequest
from microdsd.errors import InputError
from microdsd.microstructure import LabelsLike
from microdsd.microstructure.composition import Fractions
from microdsd.microstructure.seeds import sample_generator
from microdsd.microstructure.symmetry import Symmetry
from microdsd.microstructure.voxels import VoxelSizeLike
from microdsd.progress import Progress, stage

Array = NDArray[np.float64]


class GaussianField:
    r"""Generate level cuts of Gaussian random fields whose S2 is that of a reference.

    Make one with `fit`, for volumes of pictures with `from_planes`, or with `from_curve`.

    Notes
    -----
    Two phases: S2 of the reference is turned, lag by lag, into the correlation of the field whose
    level cut has that S2 (`exceedance_probability`). A field is the square root of its spectrum
    times white noise; the voxels of the largest values are one phase, exactly as many as asked.

    More phases: one independent field each but for the last. The first field cuts out the first
    phase; the second cuts the second phase out of what is left, M, so that
    :math:`S_2^{bb}(r) = S_2^{MM}(r)\, T(r)` with T the S2 of the second field's cut alone; and so
    on. That reproduces the S2 of every phase but the last and the S2 between what is cut and
    what is left, but not every cross-S2: the construction cannot put one phase at the
    surface of another, as a binder is.

    Samples that do not wrap are cut from larger ones that do.

    References
    ----------
    Quiblier, J. Colloid Interface Sci. 98 (1984) 84, doi:10.1016/0021-9797(84)90481-8.

    Lantuejoul, Geostatistical Simulation (2002), chapter 16, doi:10.1007/978-3-662-04808-5.

    Examples
    --------
    >>> from microdsd.microstructure import blobs, cut_windows
    >>> real = cut_windows(blobs((96, 96), fractions=(0.3, 0.7), scale=2, rng=0),
    ...                    (32, 32), n=9, rng=1)
    >>> field = GaussianField.fit(real, symmetry="isotropic", periodic=False)
    >>> new = field.sample(2, phase_fraction={0: 0.25}, shape=(40, 40), rng=0)
    >>> (new == 0).sum(("y", "x")).values
    array([400, 400])
    """

    def __init__(self, material: KnownMaterial, reach: int, cuts: Sequence[LevelCut]) -> None:
        self.material = material
        self._reach = reach
        self._cuts = tuple(cuts)

    @classmethod
    def fit(
        cls,
        reference: LabelsLike,
        *,
        order: Sequence[int | str] | None = None,
        symmetry: Symmetry = "none",
        periodic: bool,
    ) -> GaussianField:
        """Measure S2 of real windows and find the fields that have it.

        Parameters
        ----------
        reference : DataArray or ndarray
            Windows of real material, dims ``([sample,] [z,] y, x)``.
        order : sequence of int or str, optional
            Phases in the order in which they are cut, by label or name; the last takes what is
            left. By default the smallest first: what is left last is matched worst. Of two
            phases the order makes no difference.
        symmetry : {"isotropic", "transverse", "orthotropic", "none"}
            Symmetry of the material: S2 is averaged over its turns and mirrors.
        periodic : bool
            Needed. Whether the reference windows wrap; windows cut from a scan do not.

        Raises
        ------
        InputError
            For windows or an order that cannot be used.
        """
        windows = ReferenceWindows.of(reference, symmetry=symmetry, periodic=periodic)
        cuts = level_cuts(windows.material, order, lambda measure: measure(windows))
        return cls(windows.material, windows.reach, cuts)

    @classmethod
    def from_planes(
        cls,
        planes: LabelsLike | Planes,
        *,
        order: Sequence[int | str] | None = None,
        symmetry: Symmetry | None = None,
        periodic: bool,
    ) -> GaussianField:
        """Measure S2 of pictures and find the fields in 3D that have it in every such plane.

        Parameters
        ----------
        planes : DataArray, ndarray, or mapping of "z", "y", "x" to these
            Windows of pictures, dims ``([sample,] y, x)``, by the axis that the pictures are
            normal to; the rows of a picture run along the first of the two axes left, in the
            order z, y, x. One picture without a direction stands for all of an isotropic
            material. Two directions determine a material whose third plane is like a stretched
            isotropic one.
        order : sequence of int or str, optional
            As in `fit`.
        symmetry : {"isotropic", "transverse", "orthotropic", "none"}, optional
            Symmetry of the material; "transverse" leaves z alone, and one side is enough. By
            default "isotropic" for one picture without a direction, and "none" for several.
        periodic : bool
            Needed. Whether the windows wrap.

        Raises
        ------
        InputError
            For pictures that do not determine the material, or do not fit one another.

        Examples
        --------
        >>> from microdsd.microstructure import blobs, cut_windows
        >>> picture = blobs((96, 96), fractions=(0.3, 0.7), scale=2, rng=0)
        >>> windows = cut_windows(picture, (24, 24), n=16, rng=1)
        >>> field = GaussianField.from_planes(windows, periodic=False)
        >>> field.sample(phase_fraction={0: 0.25}, shape=(16, 16, 16), rng=0).shape
        (1, 16, 16, 16)
        """
        windows = PlaneWindows.of(planes, symmetry=symmetry, periodic=periodic)
        radial = windows.symmetry == "isotropic"
        cuts = level_cuts(windows.material, order, windows.correlation_map, radial=radial)
        return cls(windows.material, windows.reach, cuts)

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
    ) -> GaussianField:
        """Find the field whose level cut has a radial S2 that is given as a curve.

        Parameters
        ----------
        distance, s2 : array_like
            Distances in voxels, from 0, and S2 of one phase of two.
        fraction : float, optional
            Fraction of that phase, to check ``s2[0]`` with.
        phases : mapping of int to str, optional
            Labels and names of the two phases, that of the curve first.
        voxel_size : float or str, optional
            Of the samples.
        ndim : {2, 3}
            Of the samples.
        tolerance : float
            Distance from the nearest two-point probability, as a share of the curve's fall, up to
            which the nearest is taken for it.

        Raises
        ------
        InputError
            If the curve is no two-point probability; says why, and how far the nearest one is.

        Examples
        --------
        >>> r = np.arange(24.0)
        >>> debye = 0.2**2 + 0.2 * 0.8 * np.exp(-r / 3)
        >>> field = GaussianField.from_curve(r, debye, fraction=0.2)
        >>> int((field.sample(shape=(20, 20, 20), rng=0) == 0).sum())
        1600
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
        cut = level_cut(0, curve.material.fractions[0], curve.correlation_map(), radial=True)
        return cls(curve.material, curve.reach, [cut])

    def sample(
        self,
        n: int = 1,
        *,
        phase_fraction: Fractions | float | Sequence[float] | None = None,
        shape: int | Sequence[int] | None = None,
        periodic: bool = False,
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
            default the mean of the reference windows. Another fraction is another level of the
            same field.
        shape : sequence of int, optional
            Voxels per axis; the reference windows' by default. Lags beyond half a window are
            free: the material is uncorrelated at long distances.
        periodic : bool
            Whether the samples wrap. Each axis then needs a window's length or more.
        rng : int or Generator, optional
            Sample i depends on the seed and i alone.
        progress : Progress, optional
            Receives how many samples are done.

        Returns
        -------
        DataArray, dims (sample, [z,] y, x)
            Labels. The attribute ``provenance`` (JSON) holds the request, the exact counts, and
            per phase cut how far S2 of its field is from the S2 that was measured.

        Raises
        ------
        InputError
            For a request that cannot be met; says what can.
        """
        request = BaselineRequest.resolve(
            self.material, n, phase_fraction=phase_fraction, shape=shape, rng=rng
        )
        torus = self._torus(request.shape, periodic)
        fields = [cut.spectrum(torus) for cut in self._cuts]
        samples = []
        with stage("gaussian field", n, progress) as generating:
            for i in range(n):
                samples.append(
                    self._one(
                        [np.sqrt(spectrum) for spectrum, _ in fields],
                        torus,
                        request.shape,
                        request.counts[i],
                        sample_generator(request.seed, i),
                    )
                )
                generating.update(i + 1)
        names = list(self.material.phases.values())
        return request.dress(
            "gaussian-field",
            samples,
            periodic=periodic,
            two_point_misfit={
                names[cut.phase]: misfit(cut, achieved)
                for cut, (_, achieved) in zip(self._cuts, fields, strict=True)
            },
        )

    def _torus(self, shape: tuple[int, ...], periodic: bool) -> tuple[int, ...]:
        reach = self._reach
        if not periodic:
            # Opposite faces of what is cut out are then farther apart than any prescribed lag.
            return tuple(scipy.fft.next_fast_len(n + 2 * reach, real=True) for n in shape)
        if min(shape) < 2 * reach:
            raise InputError(
                f"shape={shape}: a sample that wraps needs at least {2 * reach} voxels per axis "
                "to hold the lags of the reference; enlarge it, or make one that does not wrap"
            )
        return shape

    def _one(
        self,
        filters: Sequence[Array],
        torus: tuple[int, ...],
        shape: tuple[int, ...],
        counts: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> NDArray[np.int8]:
        cut_out = tuple(slice(n) for n in shape)
        last = ({*range(len(counts))} - {cut.phase for cut in self._cuts}).pop()
        phase = np.full(int(np.prod(shape)), last, dtype=np.int8)
        left = np.arange(phase.size)
        for cut, transfer in zip(self._cuts, filters, strict=True):
            noise = scipy.fft.rfftn(rng.standard_normal(torus))
            field = scipy.fft.irfftn(noise * transfer, torus)[cut_out].ravel()
            order = np.argsort(-field[left], kind="stable")
            phase[left[order[: counts[cut.phase]]]] = cut.phase
            left = np.sort(left[order[counts[cut.phase] :]])
        return phase.reshape(shape)
