"""Importing the package, and asking the command line for help, is quick and leaves no trace."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

HEAVY = ("torch", "porespy", "matplotlib", "xarray", "skimage", "h5py", "numba", "pyvista")


def run_python(code):
    """Run code in a fresh interpreter; its standard error holds one JSON document."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stderr)


SNAPSHOT = """
import json, logging, os, random, sys, threading, warnings
import numpy

def state():
    return {
        "geterr": numpy.geterr(),
        "handlers": [repr(handler) for handler in logging.root.handlers],
        "level": logging.root.level,
        "environ": dict(os.environ),
        "filters": [repr(entry) for entry in warnings.filters],
        "random": repr(random.getstate()) + repr(numpy.random.get_state()),
        "threads": threading.active_count(),
        "path": list(sys.path),
        "excepthook": repr(sys.excepthook),
    }
"""


def test_import_leaves_the_process_as_it_was():
    states = run_python(
        SNAPSHOT
        + "before = state(); import microdsd; after = state()\n"
        + "json.dump([before, after], sys.stderr)"
    )
    before, after = states
    assert before == after


def test_import_loads_nothing_heavy():
    loaded = run_python("import json, sys, microdsd; json.dump(sorted(sys.modules), sys.stderr)")
    assert "microdsd" in loaded
    assert not set(HEAVY) & set(loaded)


def test_help_loads_nothing_heavy():
    loaded = run_python(
        "import json, sys\n"
        "from microdsd.cli.app import main\n"
        "sys.argv = ['microdsd', '--help']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code, stop.code\n"
        "json.dump(sorted(sys.modules), sys.stderr)"
    )
    assert "microdsd.cli.app" in loaded
    assert not {"torch", "porespy", "matplotlib"} & set(loaded)


def test_version_is_in_one_place():
    import microdsd

    assert importlib.metadata.version("microdsd") == microdsd.__version__


def test_changelog_names_the_version():
    import microdsd

    assert f"## [{microdsd.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_unknown_name_is_an_attribute_error():
    import microdsd

    with pytest.raises(AttributeError, match="no_such_name"):
        _ = microdsd.no_such_name


def test_a_type_checker_knows_the_public_names_and_no_others(tmp_path):
    import microdsd

    lines = ["import microdsd", *(f"microdsd.{name}" for name in microdsd.__all__)]
    (tmp_path / "names.py").write_text("\n".join([*lines, "microdsd.descrbe", ""]))
    stub = Path(microdsd.__file__).with_suffix(".pyi")
    command = [sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=skip"]
    done = subprocess.run(
        [*command, f"--cache-dir={tmp_path}", str(stub), "names.py"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(errors) == 1, done.stdout + done.stderr
    assert errors[0].startswith(f"names.py:{len(lines) + 1}: ")
    assert '"descrbe"' in errors[0]


def test_a_public_name_is_that_of_its_room():
    import microdsd
    from microdsd.errors import ExtrapolationWarning
    from microdsd.microstructure import crop
    from microdsd.training.config import TrainingConfig

    assert microdsd.crop is crop
    assert microdsd.TrainingConfig is TrainingConfig
    assert microdsd.ExtrapolationWarning is ExtrapolationWarning


def test_the_name_of_a_file_stands_for_its_labels(tmp_path):
    path = str(tmp_path / "labels.npy")
    fractions = run_python(
        "import json, sys, microdsd, numpy\n"
        f"numpy.save({path!r}, numpy.eye(4, dtype=numpy.uint8))\n"
        f"found = microdsd.phase_fractions({path!r})\n"
        "json.dump(found.values.tolist(), sys.stderr)"
    )
    assert fractions == [[0.75, 0.25]]


def test_public_names_are_documented():
    import microdsd

    public = [name for name in microdsd.__all__ if not name.startswith("__")]
    assert public
    missing = [name for name in public if not (getattr(microdsd, name).__doc__ or "").strip()]
    assert not missing
    assert set(public) <= set(dir(microdsd))
