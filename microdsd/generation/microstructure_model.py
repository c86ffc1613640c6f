"""A trained model: load and save it, generate samples with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Never

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike

from microdsd.device import resolve_device
from microdsd.device.precision import AUTO
from microdsd.errors import InputError
from microdsd.generation.batches import BatchedSampler
from microdsd.generation.regional import inpainting_request, regional_request
from microdsd.generation.request import GenerationRequest
from microdsd.generation.samples import carry_out
from microdsd.generation.targets import Targets
from microdsd.io import atomic_write
from microdsd.microstructure import LabelsLike
from microdsd.microstructure.composition import Fractions
from microdsd.microstructure.uncertain import RequestedFractions
from microdsd.models import model_path
from microdsd.models.card import ModelCard
from microdsd.models.files import pack_model, read_network
from microdsd.models.volume_walk import VolumeWalk
from microdsd.models.volumes import AXES, SliceCards, require_isotropic
from microdsd.models.walk_back import WalkBack
from microdsd.networks.build import Network
from microdsd.networks.slices import SliceNetworks
from microdsd.notebooks import facts
from microdsd.process import Boundary
from microdsd.process.blocks import dealt
from microdsd.progress import Progress
from microdsd.sampling import Leap, Visit
from microdsd.sampling.guidance import Guide
from microdsd.sampling.large_boxes import Bookmark


class MicrostructureModel:
    """Generate microstructures with exact phase counts by a trained model.

    Make one with `microdsd.fit` or `load`.

    Parameters
    ----------
    network : UNet, OctaveUNets or SliceNetworks
    card : ModelCard
    device : str or torch.device, optional
        By default a CUDA device where there is one, else the CPU.
    precision : {"auto", "float32", "bfloat16"}
        Type of the network's convolutions. By default bfloat16 where the device has it in hardware,
        else float32. Samples are the same voxel by voxel only in the same precision: name it to
        repeat, or to go on with, a run of another machine.

    Examples
    --------
    >>> model = MicrostructureModel.load("berea-2d")
    >>> new = model.sample(2, phase_fraction={"pore": 0.22}, shape=(32, 32), rng=0)
    >>> (new == 0).sum(("y", "x")).values  # 0.22 * 1024, to the nearest voxel
    array([225, 225])
    """

    def __init__(
        self,
        network: Network,
        card: ModelCard,
        device: str | torch.device | None = None,
        precision: str = AUTO,
    ) -> None:
        self.device = resolve_device(device)
        self.network = network.to(self.device).eval().requires_grad_(False)
        self.network.to(memory_format=network.memory_format)  # type: ignore[call-overload]
        self.card = card
        self._precision = precision
        self._sampler = BatchedSampler(self.network, card, self.device, precision)

    def __repr__(self) -> str:
        entries = self.card.summary()
        return (
            f"<model: {len(self.card.window)}D, {entries['makes']}; window {entries['window']}, "
            f"voxel size {entries['voxel size']}; {entries['evaluations']} evaluations, on "
            f"{self.device}>"
        )

    def _repr_html_(self) -> str:
        return facts("microdsd model", {**self.card.summary(), "device": str(self.device)})

    @classmethod
    def load(
        cls,
        path: str | Path,
        device: str | torch.device | None = None,
        precision: str = AUTO,
    ) -> MicrostructureModel:
        """Load a model file, or a model that ships with the package by its name.

        Parameters
        ----------
        path : str or Path
        device : str or torch.device, optional
        precision : {"auto", "float32", "bfloat16"}

        Raises
        ------
        CheckpointError
            If the file is damaged, foreign, or of another version.
        DataFileError
            If there is no such file and no such shipped model.
        """
        network, card = read_network(model_path(path))
        return cls(network, card, device, precision)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the model to one file, atomically.

        Raises
        ------
        DataFileError
            If the file exists and ``overwrite`` is false, or cannot be written.
        """
        if isinstance(self.network, SliceNetworks):
            raise InputError(
                "path: volumes from slices have no file; save the models of the slices"
            )
        with atomic_write(path, overwrite=overwrite) as temporary:
            temporary.write_bytes(pack_model(self.network.state_dict(), self.card))

    @classmethod
    def from_slices(
        cls,
        slices: Mapping[str, MicrostructureModel | str | Path],
        classes: Mapping[str, str] | None = None,
        walk: VolumeWalk | None = None,
        device: str | torch.device | None = None,
        precision: str = AUTO,
    ) -> MicrostructureModel:
        """Make volumes by 2D models, one for the slices of every direction.

        Parameters
        ----------
        slices : mapping of str to MicrostructureModel, str or Path
            Models, or their files, by the axis that slices are normal to: z, y and x. The first
            axis of a picture is the first that a slice has left: slices normal to y and x have z as
            their first axis, those normal to z have y.
        classes : mapping of str to str, optional
            Class that the model of every axis is told; of all axes, or none.
        walk : VolumeWalk, optional
            How volumes are made, in place of what the models were calibrated to.
        device, precision
            As of `load`.

        Returns
        -------
        MicrostructureModel
            A model of volumes, for everything that a 3D model can do but be saved.

        Raises
        ------
        InputError
            If the models contradict one another: in phases, pixel sizes or lattices.

        Examples
        --------
        >>> cuts = dict.fromkeys("zyx", MicrostructureModel.load("berea-2d"))
        >>> volumes = MicrostructureModel.from_slices(cuts)
        >>> new = volumes.sample(shape=(12, 16, 10), evaluations=4, phase_fraction=0.2, rng=0)
        >>> new.sizes["z"], int((new == 0).sum())
        (12, 384)
        """
        loaded: dict[str | Path, MicrostructureModel] = {}
        models: dict[str, MicrostructureModel] = {}
        for axis, model in slices.items():
            if not isinstance(model, MicrostructureModel):
                if model not in loaded:
                    loaded[model] = cls.load(model, device, precision)
                model = loaded[model]
            models[axis] = model
        named = dict(classes or {})
        if named and {*named} != {*AXES}:
            raise InputError(f"classes: given for {', '.join(named)}; give one for each of z, y, x")
        cards = SliceCards({axis: model.card for axis, model in models.items()}, named)
        card = cards.card(walk)
        assert card.volumes is not None
        numbers = [list(models[axis].card.classes).index(named[axis]) for axis in AXES if named]
        network = SliceNetworks(
            [models[axis].network for axis in AXES],  # type: ignore[misc]
            card.volumes.reading,
            card.sigma_max,
            card.octaves,
            numbers or None,
        )
        made_of = {axis: {"model": models[axis].digest()} for axis in AXES}
        for axis, name in named.items():
            made_of[axis]["class"] = name
        card = replace(card, provenance={**card.provenance, "slices": made_of})
        return cls(network, card, device or models[AXES[0]].device, precision)

    def of_axes(self, axes: int) -> MicrostructureModel:
        """Return what makes boxes of that many axes: this model, or volumes by a model of slices.

        Raises
        ------
        InputError
            For volumes of a material that is not isotropic; see `from_slices`.

        Examples
        --------
        >>> MicrostructureModel.load("berea-2d").of_axes(3).card.window
        (64, 64, 64)
        """
        if axes != len(AXES) or len(self.card.window) == axes:
            return self
        require_isotropic(self.card)
        return self._volumes

    @cached_property
    def _volumes(self) -> MicrostructureModel:
        same = dict.fromkeys(AXES, self)
        return MicrostructureModel.from_slices(same, device=self.device, precision=self._precision)

    def with_walk(self, walk: WalkBack) -> MicrostructureModel:
        """Make the same model with a walk back set by hand, for one number of evaluations.

        Training calibrates walks on held-back windows. They cannot tell what only larger boxes
        show, such as how connected a scarce phase is there.

        Parameters
        ----------
        walk : WalkBack
            Replaces the one for as many evaluations, if there is one; numbers between are
            interpolated.

        Returns
        -------
        MicrostructureModel
            It shares its weights with this one.

        Raises
        ------
        InputError
            If the levels are not those of the model's training, or the exponents not one per phase
            but the background.

        Examples
        --------
        >>> from microdsd.models.walk_back import WalkBack
        >>> model = MicrostructureModel.load("berea-2d")
        >>> slow = model.with_walk(WalkBack(evaluations=48, first=60.0, last=0.3, sharpness=(1.0,)))
        >>> slow.card.walk(48).first, slow.card.walk(24) == model.card.walk(24)
        (60.0, True)
        """
        return MicrostructureModel(
            self.network, self.card.with_walk(walk), self.device, self._precision
        )

    def with_precision(self, precision: str) -> MicrostructureModel:
        """Make the same model in another precision; it shares its weights with this one."""
        return MicrostructureModel(self.network, self.card, self.device, precision)

    def sample(
        self,
        n: int = 1,
        *,
        phase_fraction: RequestedFractions | float | str | Sequence[float] | None = None,
        intensity: Fractions | None = None,
        class_name: str | Sequence[str] | None = None,
        guidance: float = 1.0,
        targets: Targets | None = None,
        particles: int = 1,
        extrapolate: bool = False,
        shape: int | Sequence[int] | None = None,
        boundary: Boundary | Sequence[Boundary] = "no-flux",
        evaluations: int | None = None,
        sigma_last: float | None = None,
        epsilon: float | None = None,
        guide: Guide | None = None,
        rng: int | np.random.Generator | None = None,
        seed: int | None = None,
        progress: Progress | None = None,
        **unknown: Never,
    ) -> xr.DataArray:
        """Generate microstructures, or images, with exactly the composition asked for.

        Parameters
        ----------
        n : int
            Number of samples.
        phase_fraction : mapping of phase to float or to n floats, optional
            Fractions by label or name; one phase may be left out and takes the rest. Of two
            phases, one of them named as pores, a number alone is the porosity. By default the
            mean of the training windows, of the class where one is asked for. "measured" draws a
            phase's fraction anew for every sample, from that of the training scan and its standard
            error, and "0.196~0.004" from a mean and a standard deviation of your own.
        intensity : mapping of channel to float or to n floats, optional
            Of a model of images, in place of ``phase_fraction``: mean intensity of every
            channel, in levels; totals are exact. By default as in training.
        class_name : str or n of them, optional
            Which of its classes (`ModelCard.classes`) the model is to make.
        guidance : float
            How strongly the walk is steered to class and targets; 1 is as in training. With any
            other number the network is asked twice per evaluation.
        targets : mapping of str to float or to one per sample, optional
            Properties that samples are to have besides their composition, as
            ``{"specific_surface_area": 0.15}``: those that the model was trained with
            (`microdsd.fit`, ``conditions``), and with several particles any.
        particles : int
            Walks made for every sample, of which those are continued that come nearest to the
            targets, and one is returned.
        extrapolate : bool
            Try targets beyond what is attainable at the composition, which are refused else.
        shape : int or sequence of int, optional
            Voxels per axis, one number for all of them; the training window's by default. Larger
            boxes start from the training window's horizon. Three numbers ask a model of slices for
            a volume, see `from_slices`.
        boundary : {"no-flux", "periodic"} or one per axis
        evaluations : int, optional
            Network evaluations per sample; more is slower and closer to the data.
        sigma_last : float, optional
            Noise level, voxels, at which walkers are assigned to voxels; by default the one
            that the model was calibrated to. For tau-leaping, the level of the last leap.
        epsilon : float, optional
            For tau-leaping, in place of ``evaluations``: the paper's rule, leaps in which at
            most this share of a voxel's walkers leaves. Takes tens of thousands of evaluations.
        guide : callable, optional
            Steers the walk without touching a count; see `microdsd.sampling.guidance`.
        rng : int or Generator, optional
            Sample i depends on the seed and i alone.
        seed : int, optional
            Another name of ``rng``.
        progress : Progress, optional
            Receives how many network evaluations are made, and of how many.

        Returns
        -------
        DataArray, dims (sample, [z,] y, x)
            Labels; or intensities, with a channel axis where there are several, see
            `microdsd.microstructure.as_images`. The attribute ``provenance`` (JSON) holds the
            request, the exact counts, and per sample the number of voxels reassigned to meet them.

        Raises
        ------
        InputError
            For a request that cannot be met; says what can.

        Warns
        -----
        ExtrapolationWarning
            If a fraction lies outside those of the training windows, a target beyond what is
            attainable, or several targets hardly occur together.
        MicrodsdWarning
            If the model knows classes and is told none.
        """
        model = self.of_axes(_axes_of(shape))
        request = GenerationRequest.resolve(
            model.card,
            n,
            phase_fraction=phase_fraction,
            intensity=intensity,
            class_name=class_name,
            guidance=guidance,
            targets=targets,
            particles=particles,
            extrapolate=extrapolate,
            shape=shape,
            boundary=boundary,
            evaluations=evaluations,
            sigma_last=sigma_last,
            epsilon=epsilon,
            guide=guide,
            rng=rng,
            seed=seed,
            **unknown,
        )
        return carry_out(model, request, progress)

    def inpaint(
        self,
        known: LabelsLike,
        unknown: ArrayLike,
        n: int = 1,
        *,
        phase_fraction: RequestedFractions | float | str | Sequence[float] | None = None,
        repeats: int = 2,
        walls: bool = False,
        class_name: str | Sequence[str] | None = None,
        guidance: float = 1.0,
        targets: Targets | None = None,
        particles: int = 1,
        extrapolate: bool = False,
        boundary: Boundary | Sequence[Boundary] = "no-flux",
        evaluations: int | None = None,
        sigma_last: float | None = None,
        guide: Guide | None = None,
        rng: int | np.random.Generator | None = None,
        seed: int | None = None,
        progress: Progress | None = None,
        **misspelt: Never,
    ) -> xr.DataArray:
        """Complete material that is known in part; known voxels come back as they are.

        Parameters
        ----------
        known : DataArray or ndarray of int, shape ([z,] y, x)
            Labels; what they are on unknown voxels does not matter. Any size.
        unknown : array_like of bool, same shape
            True where material is to be made: any shape, in any number of pieces.
        n : int
            Number of completions.
        phase_fraction : mapping of phase to float or to n floats, optional
            Of the whole box, known part included: the unknown part takes exactly what is left. By
            default the fractions of the known part.
        repeats : int
            How often steps at middle noise levels are made; more mends seams, and takes longer.
        walls : bool
            Put no-flux walls around the unknown part, which must be a box, and let known material
            stand still: the variant of Santos et al. (arXiv:2505.01917). By default the whole box
            is walked, and known material is noised along with the rest.
        class_name : str or n of them, optional
            Which of its classes (`ModelCard.classes`) the model is to make.
        guidance : float
            How strongly the walk is steered to class and targets; 1 is as in training.
        targets : mapping of str to float or to one per sample, optional
            Properties that samples are to have besides their composition, as
            ``{"specific_surface_area": 0.15}``: those that the model was trained with
            (`microdsd.fit`, ``conditions``), and with several particles any.
        particles : int
            Walks made for every sample, of which those are continued that come nearest to the
            targets, and one is returned.
        extrapolate : bool
            Try targets beyond what is attainable at the composition, which are refused else.
        boundary : {"no-flux", "periodic"} or one per axis
        evaluations : int, optional
            Network evaluations per sample; more is slower and closer to the data.
        sigma_last : float, optional
            Noise level, voxels, at which walkers are assigned to voxels; by default the one
            that the model was calibrated to.
        guide : callable, optional
            Steers the walk without touching a count; see `microdsd.sampling.guidance`.
        rng : int or Generator, optional
            Sample i depends on the seed and i alone.
        seed : int, optional
            Another name of ``rng``.
        progress : Progress, optional
            Receives how many network evaluations are made, and of how many.

        Returns
        -------
        DataArray, dims (sample, [z,] y, x)
            As of `sample`, with the coordinate ``region``: 0 where material was made, -1 where it
            was known.

        Raises
        ------
        InputError
            If the known part holds more of a phase than the whole is to have; says what is
            possible.

        Examples
        --------
        >>> model = MicrostructureModel.load("berea-2d")
        >>> real = model.sample(shape=(32, 32), rng=0)[0].values
        >>> hole = np.zeros((32, 32), bool)
        >>> hole[8:24, 8:24] = True
        >>> new = model.inpaint(real, hole, phase_fraction={"pore": 0.2}, evaluations=8, rng=0)
        >>> bool((new.values[0] == real)[~hole].all()), int((new == 0).sum())
        (True, 205)
        """
        model = self.of_axes(np.ndim(unknown))
        return carry_out(
            model,
            inpainting_request(
                model.card,
                n,
                known,
                unknown,
                phase_fraction=phase_fraction,
                repeats=repeats,
                walls=walls,
                class_name=class_name,
                guidance=guidance,
                targets=targets,
                particles=particles,
                extrapolate=extrapolate,
                boundary=boundary,
                evaluations=evaluations,
                sigma_last=sigma_last,
                guide=guide,
                rng=rng,
                seed=seed,
                **misspelt,
            ),
            progress,
        )

    def sample_regions(
        self,
        phase_fraction: Mapping[int | str, ArrayLike] | ArrayLike,
        n: int = 1,
        *,
        region_map: ArrayLike | None = None,
        shape: int | Sequence[int] | None = None,
        class_name: str | Sequence[str] | None = None,
        guidance: float = 1.0,
        targets: Targets | None = None,
        particles: int = 1,
        extrapolate: bool = False,
        boundary: Boundary | Sequence[Boundary] = "no-flux",
        evaluations: int | None = None,
        sigma_last: float | None = None,
        guide: Guide | None = None,
        rng: int | np.random.Generator | None = None,
        seed: int | None = None,
        progress: Progress | None = None,
        **misspelt: Never,
    ) -> xr.DataArray:
        """Generate microstructures in which every layer, block or region has its own fractions.

        Parameters
        ----------
        phase_fraction : mapping of phase to array of float
            For all phases but one. With ``region_map`` one number per region, in ascending order of
            the map's labels; without, one per block of a grid over the box: an array of shape
            (10, 1, 1) is ten layers along z.
        n : int
            Number of samples.
        region_map : array_like of int, shape ([z,] y, x), optional
            Which region each voxel belongs to.
        shape : sequence of int, optional
            Voxels per axis, where there is no map; the training window's by default.
        class_name : str or n of them, optional
            Which of its classes (`ModelCard.classes`) the model is to make.
        guidance : float
            How strongly the walk is steered to class and targets; 1 is as in training.
        targets : mapping of str to float or to one per sample, optional
            Properties that samples are to have besides their composition, as
            ``{"specific_surface_area": 0.15}``: those that the model was trained with
            (`microdsd.fit`, ``conditions``), and with several particles any.
        particles : int
            Walks made for every sample, of which those are continued that come nearest to the
            targets, and one is returned.
        extrapolate : bool
            Try targets beyond what is attainable at the composition, which are refused else.
        boundary : {"no-flux", "periodic"} or one per axis
        evaluations : int, optional
            Network evaluations per sample; more is slower and closer to the data.
        sigma_last : float, optional
            Noise level, voxels, at which walkers are assigned to voxels; by default the one
            that the model was calibrated to.
        guide : callable, optional
            Steers the walk without touching a count; see `microdsd.sampling.guidance`.
        rng : int or Generator, optional
            Sample i depends on the seed and i alone.
        seed : int, optional
            Another name of ``rng``.
        progress : Progress, optional
            Receives how many network evaluations are made, and of how many.

        Returns
        -------
        DataArray, dims (sample, [z,] y, x)
            As of `sample`, with the coordinate ``region``.

        Examples
        --------
        >>> model = MicrostructureModel.load("berea-2d")
        >>> graded = model.sample_regions({"pore": [[0.1], [0.3]]}, shape=(32, 20), rng=0)
        >>> (graded[0] == 0).groupby("region").sum().values  # of 320 voxels each
        array([32, 96])
        """
        model = self.of_axes(np.ndim(region_map) if region_map is not None else _axes_of(shape))
        return carry_out(
            model,
            regional_request(
                model.card,
                n,
                phase_fraction,
                region_map=region_map,
                shape=shape,
                class_name=class_name,
                guidance=guidance,
                targets=targets,
                particles=particles,
                extrapolate=extrapolate,
                boundary=boundary,
                evaluations=evaluations,
                sigma_last=sigma_last,
                guide=guide,
                rng=rng,
                seed=seed,
                **misspelt,
            ),
            progress,
        )

    def generate(
        self,
        request: GenerationRequest,
        *,
        start: int = 0,
        progress: Progress | None = None,
        bookmark: Callable[[int], Bookmark] | None = None,
    ) -> Iterator[tuple[np.ndarray, int]]:
        """Generate the samples of a request one after the other.

        Parameters
        ----------
        request : GenerationRequest
        start : int
            Index of the first sample, to go on with an interrupted run.
        progress : Progress, optional
            Receives after every network evaluation how many are made of those of all samples, the
            ones before `start` included; of large boxes, after every tile of an evaluation.
        bookmark : callable, optional
            From the index of a sample to what keeps its state while it is made. Only samples of
            large boxes have one.

        Yields
        ------
        labels : ndarray, shape ``request.lattice.shape``
            Of images, intensities with a channel axis in front.
        reassigned : int
            Voxels whose phase is not the one most probable there: what exact counts cost. Of
            images, the intensity above the highest level.
        """
        self.require_memory(request)
        if self._sampler.alone(request):
            yield from self._large_boxes(request, start, progress, bookmark)
            return
        observe = None if progress is None else _counted(request, start, progress)
        for members in self._sampler.batches(request, start):
            yield from zip(*self._sampler.draw(request, members, observe), strict=True)

    def _large_boxes(
        self,
        request: GenerationRequest,
        start: int,
        progress: Progress | None,
        bookmark: Callable[[int], Bookmark] | None,
    ) -> Iterator[tuple[np.ndarray, int]]:
        calls = request.network_calls
        assert calls is not None  # bridges have a list of levels
        for i in range(start, len(request)):

            def tell(share: float, i: int = i) -> None:
                if progress is not None:
                    progress(calls * (i + share), calls * len(request), "")

            kept = None if bookmark is None else bookmark(i)
            yield self._sampler.draw_alone(request, i, tell, kept)

    def require_memory(self, request: GenerationRequest) -> None:
        """Refuse a request that does not fit the memory of the device; `generate` asks it first.

        Raises
        ------
        InputError
            Says what box fits.
        """
        self._sampler.require_memory(request)

    def within_reach(self, request: GenerationRequest) -> GenerationRequest:
        """Return a request with what pilot walks say of its targets, as remarks and cautions.

        They walk where there are particles, and are kept: `generate` needs them.

        Raises
        ------
        InputError
            For targets out of reach, and for what does not fit the memory.
        """
        if request.particles == 1:
            return request
        self.require_memory(request)
        return self._sampler.within_reach(request)

    def keeps_bookmarks(self, request: GenerationRequest) -> bool:
        """Return whether the state of samples can be kept while they are made: of large boxes."""
        return self._sampler.alone(request)

    def trajectory(
        self, request: GenerationRequest, index: int = 0
    ) -> tuple[list[tuple[float, np.ndarray]], np.ndarray]:
        """Generate one sample and keep its intermediate states, for pictures of the walk.

        Returns
        -------
        states : list of (sigma, ndarray)
            Occupation numbers (species, *shape) at every noise level, from the horizon down;
            walkers on blocks are dealt out evenly to the voxels of theirs.
        labels : ndarray, shape ``request.lattice.shape``

        Raises
        ------
        InputError
            For particles: the sample's walk is one of several, which is known at the end alone.
        """
        if request.particles > 1:
            raise InputError(
                f"particles={request.particles}: of several walks none is the sample's until the "
                "end, so that there are no states to keep; leave particles out"
            )
        self.require_memory(request)
        states: list[tuple[float, np.ndarray]] = []

        def keep(visit: Visit | Leap) -> None:
            occupation = visit.occupation[0]
            if isinstance(visit, Visit):
                occupation = dealt(occupation, visit.lattice)
            states.append((float(visit.sigma), occupation.cpu().numpy().astype(np.uint16)))

        labels, _ = self._sampler.draw(request, range(index, index + 1), keep)
        return states, labels[0]

    def digest(self) -> str:
        """Return the first 16 hex digits of the sha256 of card and weights."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        packed = pack_model(self.network.state_dict(), self.card)
        return hashlib.sha256(packed).hexdigest()[:16]

    @property
    def precision(self) -> str:
        """Return the type of the network's convolutions, "float32" or "bfloat16"."""
        return self._sampler.dtype

    @property
    def precision_chosen(self) -> bool:
        """Return whether the precision was named, rather than left to the hardware."""
        return self._precision != AUTO


def _axes_of(shape: int | Sequence[int] | None) -> int:
    """Return how many axes a shape says that the box has; 1 where it does not say."""
    return 1 if shape is None or isinstance(shape, int) else np.size(np.asarray(shape))


def _counted(
    request: GenerationRequest, start: int, progress: Progress
) -> Callable[[Visit | Leap], None]:
    """Count the network evaluations of every sample; the total is not known with an epsilon."""
    calls = request.network_calls
    total = None if calls is None else calls * len(request)
    done = 0 if calls is None else calls * start

    def count(visit: Visit | Leap) -> None:
        nonlocal done
        done += len(visit.occupation)
        progress(done, total, "")

    return count
