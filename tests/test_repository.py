"""What may be committed: no large files, no package registry's host names, exact pins."""

import itertools
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LARGEST = 5 * 1024**2
LARGEST_WHEEL = 40 * 1000**2
PACKAGED = ("microdsd", "datasets")
# Taken apart, so that this file is not its own finding.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("download", "pytorch", "org"),
        ("deb", "debian", "org"),
        ("anaconda", "org"),
    )
]


@pytest.fixture(scope="module")
def committed():
    """Paths that git tracks."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_no_large_file(committed):
    large = {str(path): path.stat().st_size for path in committed if path.stat().st_size > LARGEST}
    assert not large


def test_the_wheel_stays_small(committed):
    """What is installed: the package with its models, the registry and the synthetic set."""
    shipped = [path for path in committed if path.relative_to(ROOT).parts[0] in PACKAGED]
    assert sum(path.stat().st_size for path in shipped) < LARGEST_WHEEL


def test_no_registry_host(committed):
    found = []
    for path in committed:
        content = path.read_bytes()
        found += [(str(path), host) for host in HOSTS if host.encode() in content]
    assert not found


def test_constraints_are_exact_pins():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert [
        pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", pin)
    ] == []


def test_constraints_cover_the_declared_dependencies():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *itertools.chain.from_iterable(extras)]
    names = {re.match(r"[A-Za-z0-9._-]+", line)[0].lower() for line in declared} - {"microdsd"}
    pinned = {
        line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    assert not names - pinned
