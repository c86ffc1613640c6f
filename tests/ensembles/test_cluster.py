"""Ensembles measured by dask: the same numbers, also when a worker is killed."""

import contextlib
import socket
from functools import partial

import measures
import numpy as np
import pytest
import xarray as xr

from microdsd.ensembles import cluster, measure_ensemble
from microdsd.ensembles.stored import StoredEnsemble
from microdsd.ensembles.work import Work
from microdsd.errors import MicrodsdError
from microdsd.io import load_microstructures, save_microstructures
from microdsd.microstructure import as_microstructure

pytest.importorskip("distributed", reason="the extra 'distributed' is not installed")


@pytest.fixture
def file(tmp_path):
    stack = np.random.default_rng(0).integers(0, 2, (9, 12, 12))
    save_microstructures(tmp_path / "stack.h5", as_microstructure(stack, ensemble=True))
    return tmp_path / "stack.h5"


@pytest.fixture
def usual_port_taken():
    """As another run on this machine, or somebody's notebook, may have taken dask's usual port."""
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # it is taken already
            taken.bind(("", 8787))
        yield


@pytest.mark.usefixtures("usual_port_taken")
def test_a_killed_worker_costs_no_sample(file, tmp_path, capfd):
    """One run for all that needs workers, as these take seconds to start."""
    marker = tmp_path / "killed"
    measure = partial(measures.fractions_or_death, marker=str(marker))
    told = []
    found, failures = measure_ensemble(
        file,
        measure,
        tmp_path / "out.nc",
        scheduler="local",
        workers=2,
        progress=lambda *state: told.append(state[:2]),
    )
    assert marker.exists()
    assert failures == {}
    xr.testing.assert_identical(found, measures.fractions(load_microstructures(file)))
    assert told == [(i, 9) for i in range(10)]
    assert capfd.readouterr().err == ""


def test_what_a_worker_checks(file, tmp_path):
    work = Work(StoredEnsemble.open(file), measures.fractions)
    assert cluster._do(work, 3).sha256 == work.do(3).sha256
    with pytest.raises(MicrodsdError, match="install one version everywhere"):
        cluster._do(Work(work.ensemble, work.measure, version="0.0.1"), 3)
    file.rename(tmp_path / "elsewhere.h5")
    with pytest.raises(MicrodsdError, match="file system that all machines share"):
        cluster._do(work, 3)


def test_nobody_at_the_address(file, monkeypatch):
    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 0.5)
    with pytest.raises(MicrodsdError, match="nothing answers at tcp://127"):
        measure_ensemble(file, measures.fractions, scheduler="tcp://127.0.0.1:9")


def test_a_lost_scheduler(file, tmp_path, monkeypatch):
    class Gone:
        def nthreads(self):
            raise OSError("timed out")

    monkeypatch.setattr(cluster, "_client", lambda *_: contextlib.nullcontext(Gone()))
    with pytest.raises(MicrodsdError, match=r"tcp://there:1 is lost; .* --resume"):
        measure_ensemble(file, measures.fractions, tmp_path / "out.nc", scheduler="tcp://there:1")
