"""A training run: from a scan to a model, with a held-back block, interruptible at any step."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from microdsd.device import resolve_device
from microdsd.device.precision import single_threaded
from microdsd.encoding.scan import Source, number_of_windows
from microdsd.encoding.windows import Symmetry
from microdsd.errors import CheckpointError, InputError
from microdsd.fitting.calibration import Pace, calibrated_walks, calibration_seconds
from microdsd.fitting.last_draw import SHARE, LastDrawTraining, budget
from microdsd.fitting.material import open_material
from microdsd.fitting.record import name_of, record_of_versions
from microdsd.fitting.spectrum import spectrum_of
from microdsd.fitting.start import network_of_start, record_of_start, start_octaves
from microdsd.fitting.volume_calibration import calibrated_volumes, volume_calibration_seconds
from microdsd.fitting.volumes import require_pictures, require_volumes
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.generation.request import GenerationRequest
from microdsd.io import atomic_write
from microdsd.io.windows import Region
from microdsd.microstructure import PhaseNames, VoxelSizeLike
from microdsd.models.card import ModelCard
from microdsd.models.methods import METHODS
from microdsd.models.properties import PropertySamples
from microdsd.models.spectrum import Spectrum
from microdsd.models.volume_walk import VolumeWalk, uncalibrated
from microdsd.models.volumes import AXES
from microdsd.models.walk_back import JOINT_TEMPERATURE, WalkBack
from microdsd.networks import Method, UNetConfig, build_network
from microdsd.networks.build import joined
from microdsd.networks.last_draw import LastDrawUNet
from microdsd.networks.size import network_size_for, require_memory
from microdsd.networks.unet import n_parameters
from microdsd.process import (
    Boundary,
    Lattice,
    TransitionKernel,
    horizon_at,
    recommend_horizon,
    time_of,
)
from microdsd.process.octaves import Octaves
from microdsd.progress import stage
from microdsd.properties import Property
from microdsd.schedule.octaves import octave_levels
from microdsd.training import (
    StepRecord,
    Stopwatch,
    Trainer,
    TrainingConfig,
    Validation,
    build_objective,
    pack_state,
    read_state,
    require_same_run,
)
from microdsd.training.distributed import Ranks
from microdsd.training.octave import OctaveTask
from microdsd.training.rate_objective import RateLoss

_FEWEST_EVALUATIONS = 4
"""Fewer steps give no usable material, so that there is nothing to calibrate."""

_CALIBRATION_SHARE = 0.2
"""Of a budget of minutes, the most that is kept for calibration."""

_VOLUME_SHARE = 0.3
"""Of a budget of minutes, the most that is kept for the calibration of volumes."""

_FREE_SAMPLES = 96
"""Of a model that is told of properties, those whose properties its card keeps."""

_FREE_SHARE = 0.05
"""Of a budget of minutes, what these may take."""

_TO_FINISH = 0.03
"""Of a budget of minutes, what writing the model may take."""

_SLACK = 1.15
"""Trained networks, and a machine that gets busier, are slower than a first measurement."""

_LAST_DRAW = "last_draw."
"""Before the names of its tensors in a saved state."""

_SITES = {2: 64, 3: 32}
"""Sites per axis that the network of an octave learns from at a time, by the number of axes."""


class TrainingRun:
    """Prepare and check everything that one run needs before the first step.

    The parameters are those of `microdsd.fit`, without ``progress``, and two more.

    Parameters
    ----------
    stopwatch : Stopwatch, optional
        That a budget of minutes is measured by; by default it starts here.
    for_volumes : bool
        Calibrate how volumes are made of slices, too; see `calibrated_volumes`.
    ranks : Ranks, optional
        Processes that train together, see `joined_ranks`; by default this one alone. The first
        one validates, keeps the time and calibrates; all end with the same model.

    Raises
    ------
    InputError
        If the scan, the window or an option cannot be used; before any training.
    """

    @single_threaded
    def __init__(
        self,
        source: Source | Mapping[str, Source],
        config: TrainingConfig,
        *,
        window: int | Sequence[int] | None = None,
        symmetry: Symmetry = "none",
        validation: float = 0.15,
        boundary: Boundary = "no-flux",
        network_size: Mapping[str, Any] | None = None,
        sigma_max: float | None = None,
        method: Method = "bridges",
        loss: RateLoss | None = None,
        time_schedule: str | None = None,
        octaves: int | None = None,
        evaluations: int | None = None,
        conditions: Sequence[str] = (),
        start_from: MicrostructureModel | str | Path | None = None,
        phases: PhaseNames | None = None,
        voxel_size: VoxelSizeLike | None = None,
        region: Region | None = None,
        device: str | torch.device | None = None,
        precision: str = "auto",
        for_volumes: bool = False,
        stopwatch: Stopwatch | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        self._stopwatch = stopwatch or Stopwatch()
        self._ranks = ranks or Ranks()
        if window is None:
            raise InputError(
                "window: give the voxels per axis of the training windows, four or five times the "
                "size of a grain or pore: window=64 is a good start in 2D, window=32 in 3D"
            )
        self.config = config
        self.symmetry: Symmetry = symmetry
        self.boundary: Boundary = boundary
        self.device = resolve_device(device)
        self.named = name_of(source)
        self.material = open_material(
            source,
            window,
            symmetry,
            validation,
            phases=phases,
            voxel_size=voxel_size,
            region=region,
            check=require_pictures if for_volumes else None,
        )
        self.window = self.material.window
        self.classes = self.material.classes
        contents = self.material.contents
        lattice = Lattice.box(self.window, boundary)
        self._kernel = TransitionKernel(lattice, self.device)
        if sigma_max is not None:
            if not 2 * config.sigma_min < sigma_max < math.inf:
                raise InputError(
                    f"sigma_max={sigma_max:g}: must be more than twice the lowest noise level, "
                    f"sigma_min={config.sigma_min:g}"
                )
            self._kernel.require_mixed(float(time_of(sigma_max)))
        self.method: Method = method
        self.for_volumes = for_volumes
        self._volume_share = _VOLUME_SHARE if for_volumes else 0.0
        build_objective(method, config.sigma_min, 1.0, loss, time_schedule)  # refuse early
        METHODS[method].require_learnable(contents, classes=bool(self.classes))
        self.conditions = self._conditions(conditions)
        if evaluations is not None and evaluations < _FEWEST_EVALUATIONS:
            raise InputError(
                f"evaluations={evaluations}: a walk needs at least {_FEWEST_EVALUATIONS}"
            )
        self.evaluations = evaluations
        self.held_back = validation
        self.recommended = recommend_horizon(self._horizon_windows(), self._kernel)
        self.sigma_max = self.recommended.sigma if sigma_max is None else sigma_max
        self.reads_out = METHODS[method].potential and contents.assigned
        self.network = UNetConfig(
            lattice.ndim,
            len(contents.species),
            **network_size_for(self.window, network_size),
            read_out=self.reads_out,
            own_evidence=self.reads_out,
            top=contents.top,
            classes=len(self.classes),
            properties=len(self.conditions),
        )
        if isinstance(start_from, str | Path):
            start_from = MicrostructureModel.load(start_from)
        self.start = start_from
        if start_from is not None:
            if network_size:
                raise InputError(
                    f"network_size={dict(network_size)}: start_from keeps the network of the model "
                    "that it starts from; leave network_size out"
                )
            self.network = network_of_start(start_from.card, contents, self.network, method)
        self.octaves = self._octaves(octaves)
        if for_volumes:
            require_volumes(self.material, symmetry, self.reads_out, self._ranks.size)
        shapes = [self._crop(octave) for octave in range(1 + len(self.octaves))]
        batch = config.batch // self._ranks.size
        require_memory(method, self.network, shapes[0], batch, self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            unet = build_network(method, self.network, len(shapes))
        if start_from is not None:
            start_octaves(start_from.network, unet)
        unet = unet.to(self.device).to(memory_format=unet.memory_format)  # type: ignore[call-overload]
        self._built = partial(
            build_objective,
            method,
            loss=loss,
            time_schedule=time_schedule,
            read_out=self.network.read_out,
        )
        if self.conditions:
            key = {"symmetry": symmetry, "validation": validation}
            self.material.learn_properties(self.conditions, config.seed, key)
        self.tasks = [self._task(octave, shape) for octave, shape in enumerate(shapes)]
        self.trainer = Trainer(
            unet,
            self.material.draw,
            self.tasks,
            config,
            precision,
            self._stopwatch,
            self._ranks,
        )
        self.last_draw: LastDrawTraining | None = None
        if self.reads_out:
            self.last_draw = LastDrawTraining(
                self.trainer.averaged,
                self.material,
                self.tasks[0].walk,
                (config.sigma_min, (*self.octaves, self.sigma_max)[0]),
                budget(config),
                precision,
                self._ranks,
                cast("LastDrawUNet | None", start_from.network.last_draw if start_from else None),
            )
        self._precision_asked = precision
        self.n_parameters = n_parameters(unet)
        self.gains: tuple[float, ...] = ()
        self._course: list[tuple[float, float]] = []  # minutes, and the mean gain then
        self._pace: Pace | None = None

    def records(self) -> Iterator[StepRecord]:
        """Train, yielding after every step; stop and `save_state` at any time."""
        if self._ranks.size > 1:
            self._ranks.require_same(self._of_all_ranks())
        self.prepare()
        for record in self.trainer.run():
            if record.gains:
                self.gains = record.gains
                self._course.append((round(record.minutes, 2), self._mean_gain()))
            yield replace(record, progress=record.progress * (1 - self._share_of_last_draw))
        if self.last_draw is not None:
            yield from self._records_of_last_draw(self.last_draw)

    @property
    def _share_of_last_draw(self) -> float:
        return SHARE if self.last_draw else 0.0

    def _records_of_last_draw(self, last_draw: LastDrawTraining) -> Iterator[StepRecord]:
        """Train the last draw; its records say so, and go on where those of the walk ended."""
        for record in last_draw.records(self.trainer.precision):
            progress = 1 - SHARE * (1 - record.progress)
            minutes = self.trainer.minutes
            yield replace(record, progress=progress, minutes=minutes, gains=None, last_draw=True)

    def _mean_gain(self) -> float:
        return sum(self.gains) / len(self.gains)

    def status(self, record: StepRecord) -> str:
        """Return what is worth watching after a step: how fast it goes, and what has been learned.

        The gain is that on held-back windows, the mean over all noise levels.
        """
        gain = f"gain {self._mean_gain():.3f}, " if self.gains else ""
        if record.last_draw:
            gain = "last draw, "
        rate = f"{record.rate:.0f}" if record.rate >= 10 else f"{record.rate:.1f}"
        return f"{gain}loss {record.loss:.3f}, step {record.step}, {rate}/s"

    def finish(self) -> MicrostructureModel:
        """Return the model of averaged weights, its walk back calibrated on held-back windows."""
        model = self._model()
        if self.calibrates and self._ranks.first:
            model = self._calibrated(model)
            if self.for_volumes:
                model = self._for_volumes(model)
        if self.conditions and self._ranks.first:
            model = self._with_free_samples(model)
        if self._ranks.size == 1:
            return model
        return self._with_card(self._ranks.decided(model.card))

    def _calibrated(self, model: MicrostructureModel) -> MicrostructureModel:
        """Fit the model's walk back to make what is like the held-back windows."""
        calibration = calibrated_walks(
            model.card,
            model.generate,
            *self._windows_to_calibrate(),
            self._seconds_left,
            self._pace,
        )
        done = {
            "evaluations": list(calibration.fitted),
            "windows": calibration.windows,
            "shape": list(calibration.shape),
            "correlated_over": calibration.correlated_over,
        }
        provenance = {
            **model.card.provenance,
            "minutes": round(self.trainer.minutes, 2),
            "calibration": done,
        }
        return self._with_card(replace(model.card, walks=calibration.walks, provenance=provenance))

    def _for_volumes(self, model: MicrostructureModel) -> MicrostructureModel:
        """Fit how volumes are made: their slices are to be like the held-back windows."""
        real, _ = self._windows_to_calibrate()
        left = None if self.config.minutes is None else partial(self._seconds_before, _TO_FINISH)
        calibration = calibrated_volumes(
            dict.fromkeys(AXES, model), dict.fromkeys(AXES, real), self._volume_walk, left
        )
        done = {
            **model.card.provenance["calibration"],
            "volumes": {
                "edge": calibration.edge,
                "whole": calibration.whole,
                "misfit": round(calibration.misfit, 3),
            },
        }
        provenance = {
            **model.card.provenance,
            "minutes": round(self.trainer.minutes, 2),
            "calibration": done,
        }
        return self._with_card(replace(model.card, volumes=calibration.walk, provenance=provenance))

    @property
    def _volume_walk(self) -> VolumeWalk:
        """Return where the search for the walk of volumes begins."""
        walk = uncalibrated(last_draw=self.last_draw is not None)
        return replace(walk, evaluations=self.evaluations) if self.evaluations else walk

    def _with_free_samples(self, model: MicrostructureModel) -> MicrostructureModel:
        """Measure free samples of the compositions of real windows, for the card."""
        known = model.card.properties
        assert known is not None
        windows = self.material.held_back or self.material.training
        rng = np.random.default_rng([self.config.seed, 5])
        real, classes = windows.evenly(_FREE_SAMPLES, rng)
        fractions = self.material.fractions(real)
        request = GenerationRequest.resolve(
            model.card,
            len(real),
            phase_fraction={name: column.tolist() for name, column in fractions.items()},
            class_name=[self.classes[k] for k in classes] if self.classes else None,
            rng=self.config.seed,
        )
        samples: list[np.ndarray] = []
        with stage("making free samples", len(real)) as making:
            for labels, _ in model.generate(request):
                samples.append(labels)
                making.advance(1)
                if self._seconds_before(_TO_FINISH) <= 0:
                    break
        rows = np.stack(list(fractions.values()), axis=1)[: len(samples)]
        free = PropertySamples.of(rows, self.material.measured(np.stack(samples)))
        return self._with_card(replace(model.card, properties=replace(known, free=free)))

    @property
    def validation_levels(self) -> tuple[float, ...]:
        """Return the noise levels of the gains on held-back windows, voxels; none without them."""
        of_octaves = [task.validation.levels for task in self.tasks if task.validation]
        return tuple(itertools.chain.from_iterable(of_octaves))

    @property
    def calibrates(self) -> bool:
        """Return whether the walk back is calibrated.

        Leaps and images end at the data, at no level, and are not calibrated.
        """
        return self.material.held_back is not None and self.reads_out

    def _model(self) -> MicrostructureModel:
        return self._with_card(self.card())

    def _with_card(self, card: ModelCard) -> MicrostructureModel:
        """Return the model of the averaged weights."""
        network = self.trainer.averaged
        if self.last_draw is not None:
            network = joined(network, self.last_draw.network)
        return MicrostructureModel(network, card, self.device, self.trainer.dtype)

    def _windows_to_calibrate(self) -> tuple[np.ndarray, list[str] | None]:
        real, classes = self._held_back_windows()
        return real, [self.classes[k] for k in classes] if self.classes else None

    def prepare(self) -> None:
        """Keep the time of the last draw, and what calibration needs, or its share of the time."""
        if self.config.minutes is None or self.trainer.reserve:
            return
        kept = self._share_of_last_draw * self.config.minutes
        if not (self.calibrates and self._ranks.first):
            self.trainer.reserve = kept
            return
        model, (real, classes) = self._model(), self._windows_to_calibrate()
        self._pace = Pace.measure(model.card, model.generate, real, classes)
        full = _SLACK * calibration_seconds(model.card, len(real), self._pace) / 60
        minutes = self.config.minutes
        if self.for_volumes:
            volumes = volume_calibration_seconds(
                dict.fromkeys(AXES, model), self.window, self._volume_walk
            )
            self._volume_share = min(_VOLUME_SHARE, _SLACK * volumes / 60 / minutes)
        kept += min(full, _CALIBRATION_SHARE * minutes) + self._to_finish * minutes
        self.trainer.reserve = kept

    def _seconds_left(self) -> float:
        """Return the time that calibration in 2D has left."""
        return self._seconds_before(self._to_finish)

    def _seconds_before(self, kept: float) -> float:
        """Return the seconds that are left of the budget, less a share of it that is kept."""
        if self.config.minutes is None:
            return math.inf
        return 60 * ((1 - kept) * self.config.minutes - self.trainer.minutes)

    @property
    def _to_finish(self) -> float:
        """Return the share of the minutes for what comes after the calibration in 2D."""
        return _TO_FINISH + self._volume_share + (_FREE_SHARE if self.conditions else 0.0)

    def card(self) -> ModelCard:
        """Return the card of the model as it stands; its walk back is not calibrated."""
        config, trainer = self.config, self.trainer
        of_bridges = self.material.usual_walk(config.sigma_min)
        usual, sigma_last = METHODS[self.method].usual_walk(*of_bridges)
        evaluations = self.evaluations or usual
        start = self.start
        return ModelCard(
            network=self.network,
            **self.material.card_entries(np.random.default_rng([config.seed, 1])),
            boundary=self.boundary,
            sigma_min=config.sigma_min,
            sigma_max=self.sigma_max,
            walks=(self._uncalibrated_walk(evaluations, sigma_last),),
            evaluations=evaluations,
            symmetry=self.symmetry,
            validation_levels=self.validation_levels,
            validation_gains=self.gains,
            provenance={
                "data": self.named,
                "data_sha256": self.data_sha256,
                "data_shape": self.material.shape,
                "held_back": self.held_back,
                **self.tasks[0].objective.settings,
                **({"start": record_of_start(start.card, start.digest())} if start else {}),
                "steps": trainer.step,
                "minutes": round(trainer.minutes, 2),
                "gains_by_minute": self._course,
                "parameters": self.n_parameters,
                "precision": asdict(trainer.precision) if trainer.precision else None,
                **({"last_draw": self.last_draw.record()} if self.last_draw else {}),
                **({"ranks": self._ranks.size} if self._ranks.size > 1 else {}),
                "config": asdict(config),
                **record_of_versions(),
            },
            method=self.method,
            octaves=self.octaves,
            last_draw=self.last_draw.config if self.last_draw else None,
            spectrum=self._spectrum,
        )

    @cached_property
    def _spectrum(self) -> Spectrum | None:
        """Measure with which spectrum walkers can start, where they know no classes."""
        if not METHODS[self.method].potential or self.classes:
            return None
        return spectrum_of(self.material, self.boundary, self.symmetry)

    def _uncalibrated_walk(self, evaluations: int, sigma_last: float) -> WalkBack:
        walk = WalkBack(evaluations, self.sigma_max, sigma_last)
        if self.last_draw is None:
            return walk
        return replace(walk, temperature=JOINT_TEMPERATURE, passes=1 << len(self.window))

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return all that `restore` needs to go on, but for what run it is: tensors and numbers."""
        tensors, numbers = self.trainer.state()
        of_last_draw: dict[str, Any] = {}
        if self.last_draw is not None:
            more, of_last_draw = self.last_draw.state()
            tensors |= {f"{_LAST_DRAW}{name}": tensor for name, tensor in more.items()}
        more_numbers = {"gains": self.gains, "course": self._course, "last_draw": of_last_draw}
        return tensors, {**numbers, **more_numbers}

    def save_state(self, path: str | Path) -> None:
        """Write all that `restore` needs to go on, atomically, over any earlier state."""
        tensors, numbers = self.state()
        with atomic_write(path, overwrite=True) as temporary:
            temporary.write_bytes(pack_state(tensors, {**numbers, "run": self._identity()}))

    def restore(self, path: str | Path) -> None:
        """Continue from a saved state.

        Raises
        ------
        CheckpointError
            If the state is of another run: other data, window, network or settings.
        """
        tensors, numbers = read_state(path)
        if not isinstance(numbers.get("run"), dict):
            raise CheckpointError(
                f"{path}: holds no training run; give the file that --resume left"
            )
        earlier = {"method": "bridges", "start_from": None, "octaves": [], **numbers.pop("run")}
        require_same_run(path, self._identity(), earlier)
        try:
            self.gains = tuple(map(float, numbers["gains"]))
            course = numbers.get("course", ())
            self._course = [(float(minutes), float(gain)) for minutes, gain in course]
            of_last_draw = {
                name.removeprefix(_LAST_DRAW): tensors.pop(name)
                for name in [*tensors]
                if name.startswith(_LAST_DRAW)
            }
            self.trainer.restore(tensors, numbers)
            if self.last_draw is not None:
                self.last_draw.restore(of_last_draw, numbers["last_draw"])
        except (KeyError, TypeError, ValueError, RuntimeError, IndexError) as error:
            raise CheckpointError(
                f"{path}: the state of this stopped run is damaged "
                f"({' '.join(str(error).split())}); start anew with --force, or delete the file"
            ) from error
        if self._precision_asked not in ("auto", self.trainer.dtype):
            raise CheckpointError(
                f"{path}: was trained in {self.trainer.dtype}, precision="
                f"{self._precision_asked!r} was asked for; use the same, or start anew with --force"
            )

    @cached_property
    def data_sha256(self) -> str:
        """Return the fingerprint of the data.

        The whole scan is read for it once, not at every save.
        """
        return self.material.sha256()

    def _identity(self) -> dict[str, Any]:
        """Return what must agree for a state to belong to this run; the budget may grow."""
        settings = asdict(self.config)
        del settings["minutes"], settings["steps"]
        return {
            "data_sha256": self.data_sha256,
            "window": list(self.window),
            "symmetry": self.symmetry,
            "validation": self.held_back,
            "boundary": self.boundary,
            "sigma_max": self.sigma_max,
            "network": repr(self.network),
            "method": self.method,
            "start_from": self.start.digest() if self.start else None,
            "octaves": list(self.octaves),
            **({"for_volumes": True} if self.for_volumes else {}),
            **({"conditions": list(map(str, self.conditions))} if self.conditions else {}),
            **({"last_draw": repr(self.last_draw.config)} if self.last_draw else {}),
            **self.tasks[0].objective.settings,
            **settings,
        }

    def _of_all_ranks(self) -> dict[str, Any]:
        """Record what must agree for processes to train together."""
        versions = {name: v for name, v in record_of_versions().items() if name != "date"}
        step, dtype = self.trainer.step, self.trainer.dtype
        return {**self._identity(), **versions, "step": step, "precision": dtype}

    @single_threaded
    def horizon_suffices(self) -> bool:
        """Return whether the noise at the horizon keeps nothing of the layout of its source."""
        return horizon_at(self._horizon_windows(), self._kernel, self.sigma_max).sufficient

    def _horizon_windows(self) -> torch.Tensor:
        rng = np.random.default_rng([self.config.seed, 3])
        windows, _ = self.material.training.draw(number_of_windows(self.window), rng)
        return self.material.encode(windows).to(self.device)

    def _held_back_windows(self) -> tuple[np.ndarray, np.ndarray]:
        assert self.material.held_back is not None
        n = number_of_windows(self.window)
        return self.material.held_back.evenly(n, np.random.default_rng([self.config.seed, 2]))

    def _conditions(self, wanted: Sequence[str]) -> list[Property]:
        """Return the properties that the network is to be told of."""
        if not wanted:
            return []
        METHODS[self.method].require_potential("conditions")
        contents = self.material.contents.require_phases("conditions", "conditions")
        axes = len(self.window)
        named = [wanted] if isinstance(wanted, str) else wanted
        properties = [Property.parse(text, contents.phases, axes) for text in named]
        if decided := [str(one) for one in properties if one.of_composition]:
            raise InputError(
                f"conditions: {decided[0]} is decided by the composition, which every model knows; "
                "leave it out"
            )
        if len(set(properties)) < len(properties):
            raise InputError(f"conditions={list(map(str, properties))}: name each once")
        if self.for_volumes:
            raise InputError(
                "conditions, for_volumes: properties of a volume cannot be learned from slices; "
                "leave one of the two out"
            )
        return properties

    def _octaves(self, wanted: int | None) -> tuple[float, ...]:
        """Return the noise levels at which the walk enters coarser lattices."""
        known = self.start.card.octaves if self.start else ()
        if self.start is not None:
            if wanted in (None, 1 + len(known)):
                return known
            if wanted <= len(known):
                raise InputError(
                    f"octaves={wanted}: start_from keeps the {1 + len(known)} of the model that it "
                    "starts from; leave octaves out, or give more"
                )
        if not self.reads_out:
            if wanted not in (None, 1):
                raise InputError(
                    f"octaves={wanted}: images and tau-leaping walk on one lattice; leave it out"
                )
            return ()
        levels = octave_levels(self.window, self.sigma_max, wanted)
        return (*known, *levels[len(known) :])

    def _crop(self, octave: int) -> tuple[int, ...]:
        """Return the voxels per axis that the network of an octave learns from at a time.

        What is far away is for the octaves above; only periodic windows have to be whole.
        """
        if self.boundary == "periodic" or not self.octaves:
            return self.window
        sites = _SITES[len(self.window)]
        return tuple(min(length, sites * 2**octave) for length in self.window)

    def _task(self, octave: int, shape: tuple[int, ...]) -> OctaveTask:
        levels = (self.config.sigma_min, *self.octaves, self.sigma_max)
        lowest, highest = levels[octave : octave + 2]
        objective = self._built(lowest, highest)
        walk = Octaves(Lattice.box(shape, self.boundary), self.octaves[:octave], self.device)
        if self.material.held_back is None:
            return OctaveTask(octave, walk, objective)
        rng = np.random.default_rng([self.config.seed, 2])
        windows, classes = self.material.held_back.evenly(number_of_windows(shape), rng)
        parts = self.material.parts(windows, classes, rng, shape)
        validation = Validation(
            parts.occupation,
            walk,
            lowest,
            highest,
            self.config.seed,
            objective,
            parts.classes,
            octave,
            parts.fractions,
            parts.properties,
        )
        return OctaveTask(octave, walk, objective, validation)
