import pytest

from microdsd.device.precision import Precision


@pytest.fixture(scope="module")
def steady_precision():
    """Tiny networks are as fast in either precision: a measurement would toss a coin."""

    def measure(work, device, repeats=2, dtypes=("bfloat16", "float32")):
        return Precision(dtypes[-1], 1)

    with pytest.MonkeyPatch.context() as patch:
        for module in ("batched_sampler", "training.loop"):
            patch.setattr(f"microdsd.{module}.measure_precision", measure)
        yield
