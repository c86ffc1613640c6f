"""What may be committed: no large or stray files, no registry's host names, exact pins."""

import itertools
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LARGEST = 5 * 1024**2
LARGEST_MODEL = 16 * 1024**2
LARGEST_WHEEL = 48 * 1000**2
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
    sizes = {path: path.stat().st_size for path in committed}
    most = {path: LARGEST_MODEL if path.suffix == ".model" else LARGEST for path in sizes}
    assert not {str(path): size for path, size in sizes.items() if size > most[path]}


def test_no_stray_file(committed):
    """What commands write while one tries them lies in the folder where one stands."""
    top = {path.name for path in committed if path.parent == ROOT}
    assert top <= {
        *(".gitattributes", ".gitignore", "CHANGELOG.md", "CITATION.cff", "CODE_OF_CONDUCT.md"),
        *("CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md"),
        *("constraints.txt", "pyproject.toml"),
    }
    models = [
        path for path in committed if path.suffix in {".model", ".resume", ".log", ".partial"}
    ]
    assert [path for path in models if "models" not in path.parts] == []


def test_text_keeps_its_line_ends_on_windows(committed):
    """Checksums of the registry and hashes of sources would differ after a clone there."""
    rules = (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()
    assert "* text=auto eol=lf" in rules
    binary = {path.suffix for path in committed if b"\0" in path.read_bytes()[:8000]}
    assert {f"*{suffix} binary" for suffix in binary} <= set(rules)


WINDOWS_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)


def test_file_names_hold_on_windows(committed):
    names = [path.relative_to(ROOT) for path in committed]
    assert [str(name) for name in names if len(str(name)) > 150] == []  # 260 with the folder
    assert [str(n) for n in names if re.search(r'[:*?"<>|\\]', str(n))] == []
    parts = {part for name in names for part in name.parts}
    assert [part for part in parts if WINDOWS_RESERVED.fullmatch(part)] == []
    assert len({str(name).lower() for name in names}) == len(names)


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


def test_the_conda_recipe_asks_for_what_the_package_declares():
    import tomllib

    import jinja2
    import yaml

    import microdsd

    template = jinja2.Template((ROOT / "recipe" / "meta.yaml").read_text())
    recipe = yaml.safe_load(template.render(PYTHON="python"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = [line.replace(">", " >", 1) for line in project["project"]["dependencies"]]
    other_names = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
    wanted = {
        " ".join([other_names.get(name, name), *bounds])
        for name, *bounds in map(str.split, declared)
    }
    python = f"python {project['project']['requires-python']}"
    assert set(recipe["requirements"]["run"]) == {python, *wanted}
    assert set(recipe["requirements"]["host"]) >= {python, "pip"}
    build = [line.replace(">", " >", 1) for line in project["build-system"]["requires"]]
    assert set(build) <= set(recipe["requirements"]["host"])
    assert recipe["package"]["version"] == microdsd.__version__
    scripts = [f"{name} = {place}" for name, place in project["project"]["scripts"].items()]
    assert recipe["build"]["entry_points"] == scripts
    assert (ROOT / recipe["about"]["license_file"]).is_file()
