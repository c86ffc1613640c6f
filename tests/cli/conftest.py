import pytest


@pytest.fixture(scope="module")
def steady_precision():
    """Every machine runs the same numbers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("microdsd.training.precision._processor_flags", frozenset)
        yield
