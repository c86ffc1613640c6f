"""From the name of a method, and its settings, to its objective."""

from __future__ import annotations

from microdsd.errors import InputError
from microdsd.models.methods import METHODS
from microdsd.networks.build import Method
from microdsd.training.objective import LabelObjective, Objective, OriginObjective
from microdsd.training.paper import PAPER_SETTINGS
from microdsd.training.rate_objective import RateLoss, RateObjective


def build_objective(
    method: Method,
    sigma_min: float,
    sigma_max: float,
    loss: RateLoss | None = None,
    time_schedule: str | None = None,
    *,
    read_out: bool = False,
) -> Objective:
    """Build the objective of a method.

    Parameters
    ----------
    method : {"bridges", "tau-leaping"}
    sigma_min, sigma_max : float
        Noise levels of training, voxels. Tau-leaping takes the lowest from its schedule.
    loss : {"likelihood", "l1", "l2"}, optional
        Loss of tau-leaping only; by default the likelihood, as the paper has it for rocks.
    time_schedule : str, optional
        Schedule of tau-leaping only, see `microdsd.process.time_schedule.schedule_times`; by
        default "t^4", as the paper has it for rocks.
    read_out : bool
        Whether the network of bridges is to predict phases too.

    Raises
    ------
    InputError
        For a method that does not exist, or settings that are not its own.
    """
    if method not in METHODS:
        raise InputError(f"method={method!r}: choose one of {', '.join(map(repr, METHODS))}")
    if not METHODS[method].potential:
        rocks = PAPER_SETTINGS["rocks"]
        return RateObjective(sigma_max, time_schedule or rocks.time_schedule, loss or rocks.loss)
    if loss or time_schedule:
        raise InputError(
            f"loss={loss!r}, time_schedule={time_schedule!r}: are settings of "
            "method='tau-leaping'; bridges have one objective"
        )
    objective = LabelObjective if read_out else OriginObjective
    return objective(sigma_min, sigma_max)
