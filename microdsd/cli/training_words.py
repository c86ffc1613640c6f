"""What training says of itself, for people who know microscopes rather than networks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from microdsd.models.convergence import FEW_MINUTES, SHARPEST, Convergence

if TYPE_CHECKING:
    from microdsd.fitting import TrainingRun
    from microdsd.models.card import ModelCard
    from microdsd.models.plan import WalkPlan

_TURNED = {
    "isotropic": ", turned and mirrored along all axes",
    "transverse": ", turned and mirrored across the first axis",
    "orthotropic": ", mirrored along all axes",
}

_VOLUMES_SHORTENED = (
    "note: there was too little time to calibrate volumes to the end; their slices may be too "
    "rough or too smooth. More minutes mend that"
)


def introduction(run: TrainingRun, card: ModelCard) -> list[str]:
    """Say what is learned from what, by which network, for how long, and what to watch."""
    shape = " x ".join(map(str, run.window))
    contents = card.contents.means(card.fraction_mean)
    lines = [
        f"learns from windows of {shape} voxels{_TURNED.get(run.symmetry, '')} ({contents})",
        f"network of {run.n_parameters / 1e6:.2f} million weights, on {run.device} in "
        f"{run.trainer.dtype}",
        f"it learns to undo noise that moves material by up to {run.sigma_max:.0f} voxels"
        + (
            ", which leaves no trace of the original layout"
            if run.horizon_suffices()
            else f"; a trace of the original layout stays, of which --sigma-max "
            f"{run.recommended.sigma:.0f} would leave none"
        ),
    ]
    if run.octaves:
        at = ", ".join(f"{2 ** (j + 1)} from {level:g}" for j, level in enumerate(run.octaves))
        lines.append(f"the walk is on voxels at first, and on blocks of {at} voxels of noise on")
    if run.validation_levels:
        lines.append(
            f"{run.held_back:.0%} of the data is held back, never learned from; the gain is how "
            "much the network knows of it: it rises, and where it no longer does, more time is lost"
        )
    return [*lines, _budget(run)]


def _budget(run: TrainingRun) -> str:
    config = run.config
    parts = []
    if config.minutes is not None:
        parts.append(f"{config.minutes:g} minutes in all")
        if run.trainer.minutes > 0.1 * config.minutes:
            parts.append(f"{run.trainer.minutes:.1f} of them spent")
    if config.steps is not None:
        parts.append(f"{config.steps} steps")
    kept = 60 * run.trainer.reserve
    if kept:
        amount = f"{math.ceil(kept)} s" if kept < 90 else f"{kept / 60:.1f} min"
        learns = "learn the last draw and to " if run.last_draw else ""
        parts.append(
            f"{amount} of them kept to {learns}calibrate the samples against held-back material"
        )
    elif run.calibrates:
        parts.append("then the samples are calibrated against held-back material")
    return f"budget: {', '.join(parts)}; Ctrl-C stops, --resume goes on"


def what_is_left(convergence: Convergence, model: str) -> list[str]:
    """Say how far a training is from converged, and how to go on; nothing where nothing is known.

    Parameters
    ----------
    convergence : Convergence
    model : str
        Path or name of the model, for the command that goes on.
    """
    lines = []
    if convergence.more and convergence.gain is not None:
        twice, four_times = (convergence.more[times] for times in (2, 4))
        lines.append(
            f"gain on held-back material {convergence.gain:.3f}; as it rose, about {twice:.3f} "
            f"after twice the time and {four_times:.3f} after four times"
        )
    elif convergence.is_trial:
        lines.append(
            f"gain on held-back material {convergence.gain:.3f}; it was measured too few times to "
            f"say how much is left to learn; train for {FEW_MINUTES} minutes or more"
        )
    if not convergence.trained_too_little:
        return lines
    minutes = max(FEW_MINUTES, math.ceil(convergence.minutes))
    return [
        *lines,
        f"trained too little: {_reasons(convergence)}, to make up for what the network does not "
        "know yet. Compare connectivity before you rely on it",
        f"to go on: the same command with --start-from {model} --minutes {minutes} -o NEW.model",
    ]


def notes_on_samples(card: ModelCard, plan: WalkPlan, model: str) -> list[str]:
    """Say what to know of samples whose model was trained too little, or whose walk is too short.

    Parameters
    ----------
    card : ModelCard
    plan : WalkPlan
        The walk by which the samples were made.
    model : str
        Path or name of the model.
    """
    usual, used = Convergence.of(card), Convergence.of(card, plan)
    lines = []
    if usual.trained_too_little or usual.is_trial:
        what = "too little" if usual.trained_too_little else "for a trial only"
        lines.append(
            f"note: the model was trained {what}; `microdsd info {model}` says how far it is"
        )
    if used.trained_too_little and not usual.trained_too_little:
        instead = ""
        if plan.evaluations != card.evaluations:
            instead = f", or take {card.evaluations} evaluations, the model's own"
        lines.append(
            f"note: with {plan.evaluations} evaluations {_reasons(used)}, to make up for what such "
            f"a walk misses. Compare connectivity before you rely on it{instead}"
        )
    return lines


def _reasons(convergence: Convergence) -> str:
    """Say what shows that calibration had to make up for something."""
    reasons = [
        f"calibration had to sharpen {phase} by {exponent:.2f} (up to {SHARPEST:g} is usual)"
        for phase, exponent in convergence.too_sharp.items()
    ]
    if convergence.starts_within is not None:
        reasons.append(
            "samples start from less noise than the material is correlated over "
            f"({convergence.starts_within:g} voxels)"
        )
    return " and ".join(reasons)


def shortened(card: ModelCard) -> str:
    """Say what calibration had no time for; nothing where it had enough."""
    done = card.provenance.get("calibration")
    if done is None:
        return ""
    if not done.get("volumes", {}).get("whole", True):
        return _VOLUMES_SHORTENED
    notes = []
    missing = [
        walk.evaluations for walk in card.walks if walk.evaluations not in done["evaluations"]
    ]
    if missing:
        notes.append(
            "note: there was too little time to calibrate samples in "
            f"{', '.join(map(str, missing))} evaluations to the end; they may be too rough or too "
            "smooth. More minutes mend that"
        )
    compared = tuple(done.get("shape", card.window))
    if compared != card.window:
        notes.append(
            "note: to save time, samples were calibrated in boxes of "
            f"{' x '.join(map(str, compared))} voxels; how larger ones are connected was not "
            "compared"
        )
    return "\n".join(notes)
