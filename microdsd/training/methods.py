"""From the name of a method, and its settings, to its objective."""

from __future__ import annotations

from microdsd.errors import InputError
from microdsd.networks.build import Method
from microdsd.training.objective import LabelObjective, Objective, OriginObjective
from microdsd.training.paper import PAPER_SETTINGS
from microdsd.training.rate_objective import RateLoss, RateObjective


def build_objective(
    method: Method,
    sigma_min: float,
    sigma_max: float,
    loss: RateLoss | None = None,
    schedule: str | None = None,
    *,
    read_out: bool = False,
) -> Objective:
    """Objective of a method.

    Parameters
    ----------
    method : {"bridges", "tau-leaping"}
    sigma_min, sigma_max : float
        Noise levels of training, voxels. Tau-leaping takes the lowest from its schedule.
    loss : {"likelihood", "l1", "l2"}, optional
        Of tau-leaping only; by default the likelihood, as the paper has it for rocks.
    schedule : str, optional
        Of tau-leaping only, see `microdsd.process.time_schedule.schedule_times`; by default
        "t^4", as the paper has it for rocks.
    read_out : bool
        Whether the network of bridges is to predict phases too.

    Raises
    ------
    InputError
        For a method that does not exist, or settings that are not its own.
    """
    if method not in _OBJECTIVES:
        raise InputError(f"method={method!r}: choose one of {', '.join(map(repr, _OBJECTIVES))}")
    return _OBJECTIVES[method](sigma_min, sigma_max, loss, schedule, read_out)


def _of_rates(
    sigma_min: float,
    sigma_max: float,
    loss: RateLoss | None,
    schedule: str | None,
    read_out: bool,
) -> Objective:
    rocks = PAPER_SETTINGS["rocks"]
    return RateObjective(sigma_max, schedule or rocks.schedule, loss or rocks.loss)


def _of_potentials(
    sigma_min: float,
    sigma_max: float,
    loss: RateLoss | None,
    schedule: str | None,
    read_out: bool,
) -> Objective:
    if loss or schedule:
        raise InputError(
            f"loss={loss!r}, schedule={schedule!r}: are settings of method='tau-leaping'; "
            "bridges have one objective"
        )
    objective = LabelObjective if read_out else OriginObjective
    return objective(sigma_min, sigma_max)


_OBJECTIVES = {"bridges": _of_potentials, "tau-leaping": _of_rates}
