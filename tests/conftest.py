"""Fixtures and settings that every part of the suite shares."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# Before numpy and torch start their thread pools: sums then run in one order on every machine.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def one_torch_thread():
    """Undo what a thread self-measurement of an earlier test may have chosen."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data_dir():
    """Folder of the real scans; tests that need one are skipped where there is none."""
    folder = Path(os.environ.get("MICRODSD_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real scans: {folder} does not exist (set MICRODSD_DATA)")
    return folder


@pytest.fixture(scope="session")
def berea_coarse(data_dir):
    """Berea sandstone averaged over 2 x 2 x 2 voxels, 200^3."""
    if not (data_dir / "berea_sandstone").is_dir():
        pytest.skip(f"no berea_sandstone in {data_dir}")
    from microdsd.datasets import load_dataset
    from microdsd.microstructure import coarsen

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MICRODSD_DATA", str(data_dir))
        return coarsen(load_dataset("berea_sandstone"), 2)
