"""What measures given material asks whether its box wraps: neither answer is the usual one."""

import inspect

import pytest

from microdsd import baselines, evaluation, metrics

MEASURES = [
    *(getattr(metrics, name) for name in metrics.__all__),
    *(evaluation.compare, evaluation.judge, evaluation.two_point_error),
    *(baselines.GaussianField.fit, baselines.YeongTorquato.fit),
]
ASKING = [m for m in MEASURES if "periodic" in inspect.signature(m).parameters]


@pytest.mark.parametrize("measure", ASKING, ids=lambda measure: measure.__qualname__)
def test_no_boundary_is_assumed(measure):
    assert inspect.signature(measure).parameters["periodic"].default is inspect.Parameter.empty


def test_what_asks_is_found():
    assert {metrics.euler_characteristic, metrics.connected_components, metrics.describe} <= {
        *ASKING
    }
    assert len(ASKING) > 12
