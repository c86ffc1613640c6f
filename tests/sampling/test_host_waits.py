"""Where the host would wait for a GPU, counted on the CPU; the figures of docs/reference/gpu.md."""

from collections import Counter

import torch
from host_waits import HostWaits
from tiny_models import octave_model

from microdsd.generation.request import GenerationRequest

ON_THE_HOST = {"process/noise.time_of", "process/octaves.moment", "sampling/potentials.time"}
"""Numbers of the host that are read back there: times of noise levels."""


def waits(model, evaluations):
    request = GenerationRequest.resolve(
        model.card, 2, phase_fraction={"pore": 0.4}, shape=(40, 36), rng=0, evaluations=evaluations
    )
    list(model.generate(request))  # matrices are kept for a while
    with HostWaits() as counted:
        list(model.generate(request))
    return Counter({k: n for k, n in counted.places.items() if k not in ON_THE_HOST})


def test_an_evaluation_waits_for_two_checks_and_nothing_else():
    """Of the potential, and of what the step makes of it; on every lattice."""
    model = octave_model()
    few, many = waits(model, 8), waits(model, 16)
    assert many - few == {"sampling/finite.require_finite_output": 2 * 8}
    assert sum(few.values()) < 70


def test_the_count_sees_what_waits():
    """In functions of the package; numbers that the host has do not count."""
    from microdsd.process.blocks import site_volumes
    from microdsd.process.lattice import Lattice
    from microdsd.process.walk import Walkers

    box = Lattice.box((4, 4), "no-flux")
    site_volumes(box)  # is kept
    walkers = Walkers.of(torch.ones(1, 1, 4, 4), box)
    with HostWaits() as counted:
        walkers.bounds()
        walkers.moved_to(walkers.position).bounds()
        walkers.counts()
        site_volumes(box)
        Walkers.of(2 * torch.ones(1, 1, 4, 4), box)
    assert counted.places == {
        "process/walk.bounds": 1,
        "process/walk.counts": 1,
        "process/walk.of": 2,
    }
