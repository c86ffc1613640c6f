"""What writes a file takes its path first, and says so to who gives it second."""

import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest

import microdsd
from microdsd.errors import InputError
from microdsd.io import (
    save_images,
    save_microstructures,
    save_nrrd,
    save_samples,
    save_tiff,
    save_vti,
)
from microdsd.io.export import save_npy, save_raw
from microdsd.io.netcdf import save_dataset
from microdsd.microstructure import as_microstructure
from microdsd.report import write_report, write_sweep_report
from microdsd.report.pages.schedule_page import write_schedule
from microdsd.report.pictures.animation import animate_walk
from microdsd.report.pictures.description import draw_description

LABELS = as_microstructure(np.eye(4, dtype=np.uint8))
WRITERS = [
    *(save_tiff, save_vti, save_nrrd, save_npy, save_raw, save_samples, save_microstructures),
    *(save_images, save_dataset, write_report, write_sweep_report, write_schedule),
    *(draw_description, animate_walk),
]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_the_order_of_earlier_versions_is_refused_with_that_of_today(tmp_path, write):
    name = f"{write.__name__}(path, "
    with pytest.raises(InputError, match=rf"the path comes first: {re.escape(name)}"):
        write(LABELS, tmp_path / "new.tif")
    with pytest.raises(InputError, match="got DataArray; the path comes first"):
        write(LABELS, path=tmp_path / "new.tif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("save", [save_tiff, save_vti, save_nrrd, save_npy, save_raw])
def test_the_old_order_never_reads_the_file_that_it_names(tmp_path, save):
    path = tmp_path / "earlier.npy"
    np.save(path, LABELS.values)
    before = path.read_bytes()
    with pytest.raises(InputError, match="path: expected the name of a file, got ndarray"):
        save(LABELS.values, str(path), overwrite=True)
    assert path.read_bytes() == before


def test_every_function_that_writes_a_file_takes_its_path_first():
    functions = set()
    for room in ("io", "report"):
        package = importlib.import_module(f"microdsd.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            functions |= {
                function
                for name, function in inspect.getmembers(module, inspect.isfunction)
                if name.startswith(("save_", "write_", "draw_", "animate_"))
                and "overwrite" in inspect.signature(function).parameters
            }
    names = {function.__name__ for function in functions}
    assert {write.__name__ for write in WRITERS} <= names
    for function in functions:
        assert next(iter(inspect.signature(function).parameters)) == "path", function


def test_a_keyword_still_names_the_path(tmp_path):
    save_npy(ms=LABELS, path=tmp_path / "new.npy")
    assert (np.load(tmp_path / "new.npy") == LABELS).all()
    assert microdsd.save_microstructures is save_microstructures
