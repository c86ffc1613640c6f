"""Every snippet of README and docs runs, in order within its page, in a fresh folder.

Blocks marked ``sh`` or ``console`` hold commands, ``python`` blocks of one page share their names;
both run in this process with the stand-ins of `shortening.py`. Two HTML comments, which readers
do not see, direct it:

``<!-- given: rock.tif scan.h5 -->``
    Somewhere in a page: files that the reader has, from `GIVEN` below, small and synthetic.
``<!-- not run: why -->``
    Before a block that cannot run here, with the reason.
"""

import contextlib
import io
import re
import runpy
import shlex
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from markdown_it import MarkdownIt
from PIL import Image
from shortening import shorten, small_models
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.io import save_microstructures
from microdsd.io.formats import READERS
from microdsd.metrics.registry import groups
from microdsd.microstructure import as_microstructure, blobs

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
NOTEBOOKS = sorted(ROOT.glob("docs/notebooks/*.py"))
SHELL = {"sh", "console"}
SHELL_WORK = re.compile(r"[$`|&;<>]")


def blocks(page):
    """Yield (language, line, text, reason not to run) of every block of code of a page."""
    reason = None
    for token in MarkdownIt().parse(page.read_text()):
        if token.type == "html_block":
            marked = re.fullmatch(r"<!-- not run: (.*?) -->\s*", token.content, re.S)
            reason = marked[1] if marked else None
        elif token.type in ("fence", "code_block"):
            yield token.info.strip(), token.map[0] + 1, token.content, reason
            reason = None


def commands(text, console):
    """Words of every command of a block; what a console block shows as output is left out."""
    for line in text.replace("\\\n", " ").splitlines():
        if console and not line.startswith("$ "):
            continue
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if words:
            plain = re.sub(r"'[^']*'|\"[^\"]*\"|#.*", "", line.removeprefix("$ "))
            assert not SHELL_WORK.search(plain), f"{line!r}: needs a shell; say why it is not run"
            yield words


def rock(shape=(64, 48, 48), seed=0):
    return blobs(shape, fractions=(0.22, 0.78), scale=3, rng=seed)


def named(labels, **options):
    names = {0: "pore", 1: "solid"}
    return as_microstructure(labels, phases=names, voxel_size=2.25e-6, **options)


def windows(seed):
    return named(np.stack([rock((16, 16, 16), [seed, i]) for i in range(4)]), ensemble=True)


def one_per_sample(path):
    with h5py.File(path, "w") as file:
        for i in range(3):
            file[f"sample_{i}"] = rock((16, 16, 16), i)


def damaged_plane():
    labels = rock((64, 64)).astype(np.uint8)
    labels[20:30, 30:44] = 255
    return as_microstructure(labels, phases={0: "pore", 1: "solid", 255: "damaged"})


def hole():
    mask = np.zeros((64, 64), np.uint8)
    mask[16:48, 16:48] = 1
    return as_microstructure(mask, phases={0: "known", 1: "unknown"})


def quarters():
    return as_microstructure(np.kron(np.arange(4).reshape(2, 2), np.ones((32, 32), int)))


def volumes():
    return named(np.stack([rock((16, 16, 16), [9, i]) for i in range(2)]), ensemble=True)


def picture(seed):
    def write(path):
        Image.fromarray(rock((96, 96), seed).values.astype(np.uint8) * 255).save(path)

    return write


def curve(path):
    path.write_text("r,S2\n" + "".join(f"{r},{0.04 + 0.16 * 0.6**r:.6f}\n" for r in range(20)))


def raw_rock():
    return np.pad(rock(), [(0, 36), (0, 152), (0, 152)], mode="wrap").astype(np.uint8) * 255


def slices(folder):
    folder.mkdir()
    for i, plane in enumerate(rock((16, 48, 48)).values.astype(np.uint8) * 255):
        Image.fromarray(plane).save(folder / f"rock_{i:03d}.png")


def zipped(path):
    member = io.BytesIO()
    tifffile.imwrite(member, rock((16, 48, 48)).astype(np.uint8) * 255)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("rock.tif", member.getvalue())


def plug(path):
    """A core plug: -1 around a cylinder."""
    labels = rock((16, 48, 48)).values.astype(np.int16)
    y, x = np.ogrid[-23.5:24.5, -23.5:24.5]
    np.save(path, np.where(y**2 + x**2 < 22**2, labels, -1))


def stored(make, *args):
    return lambda path: save_microstructures(path, make(*args))


GIVEN = {
    "rock.tif": lambda path: tifffile.imwrite(path, rock().astype(np.uint8) * 255),
    "rock.raw": lambda path: path.write_bytes(raw_rock().tobytes()),
    "rock.zip": zipped,
    "plug.npy": plug,
    "slices/": slices,
    "grey.tif": lambda path: tifffile.imwrite(path, rock().astype(np.uint16) * 40000),
    "snow.tif": lambda path: tifffile.imwrite(path, rock((16, 48, 48)).astype(np.uint8) * 200),
    "rock.h5": stored(lambda: named(rock((400, 24, 24)))),
    "scan.h5": stored(lambda: named(rock((112, 64, 64)))),
    "berea.h5": stored(lambda: named(rock(seed=1))),
    "fontainebleau.h5": stored(lambda: named(rock(seed=2))),
    "slice.h5": stored(lambda: named(rock((64, 64)))),
    "damaged.h5": stored(damaged_plane),
    "mask.h5": stored(hole),
    "map.h5": stored(quarters),
    "windows.h5": stored(windows, 0),
    "set-a.h5": stored(windows, 1),
    "set-b.h5": stored(windows, 2),
    "set-c.h5": stored(windows, 3),
    "run.h5": one_per_sample,
    "new.h5": stored(windows, 4),
    "volume.h5": stored(volumes),
    "micrograph.png": picture(5),
    "top.png": picture(6),
    "side.png": picture(7),
    "curve.csv": curve,
    "layers.csv": lambda path: path.write_text("pore\n0.1\n0.2\n0.3\n0.2\n"),
    "blocks.csv": lambda path: path.write_text("pore\n0.1\n0.2\n0.3\n0.2\n"),
    "table.csv": lambda path: path.write_text("region,pore\n0,0.1\n1,0.2\n2,0.3\n3,0.2\n"),
}


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    small_models(folder)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_snippets_run(page, models, tmp_path, monkeypatch):
    todo = [block for block in blocks(page) if block[0] in SHELL | {"python"} and not block[3]]
    if not todo:
        return
    shorten(monkeypatch, models)
    # What a page registers stays on that page.
    monkeypatch.setattr("microdsd.metrics.registry._groups", groups())
    monkeypatch.setattr("microdsd.io.formats.READERS", dict(READERS))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "workflows", tmp_path / "workflows")
    for given in re.findall(r"<!-- given: (.*?) -->", page.read_text(), re.S):
        for name in given.split():
            GIVEN[name](tmp_path / name)
    names = {"__name__": "__main__"}
    for language, line, text, _ in todo:
        place = f"{page.relative_to(ROOT)}, line {line}"
        if language == "python":
            with contextlib.redirect_stdout(None):
                exec(compile("\n" * line + text, page, "exec"), names)
            continue
        for words in commands(text, language == "console"):
            run(words, place, monkeypatch)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_notebooks_run(notebook, models, tmp_path, monkeypatch):
    """The site runs them as they stand, in kernels of Jupyter; here with the stand-ins."""
    plt = pytest.importorskip("matplotlib.pyplot")
    if "rate_capability" in notebook.read_text():
        pytest.importorskip("pybamm")
    plt.switch_backend("agg")
    shorten(monkeypatch, models)
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(None):
        runpy.run_path(str(notebook))
    plt.close("all")


def test_every_notebook_is_listed():
    index = (ROOT / "docs" / "notebooks" / "index.md").read_text()
    assert [path.stem for path in NOTEBOOKS if f"\n{path.stem}\n" not in index] == []


def run(words, place, patch):
    """Run one command in this process."""
    assert words[0] in ("microdsd", "python"), f"{place}: {words[0]}: say why it is not run"
    patch.setattr("sys.argv", words[1:])
    if words[0] == "python":
        with contextlib.redirect_stdout(None):
            runpy.run_path(words[1], run_name="__main__")
        return
    result = CliRunner().invoke(app, words[1:])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"{place}: {shlex.join(words)}") from result.exception
    assert result.exit_code == 0, f"{place}: {shlex.join(words)}\n{result.stderr}"


def test_what_is_not_run_says_why():
    reasons = [reason for page in PAGES for *_, reason in blocks(page) if reason is not None]
    assert all(len(reason.split()) >= 3 for reason in reasons)
    assert len(reasons) == 31


def test_commands_stand_in_marked_blocks():
    loose = [
        f"{page.relative_to(ROOT)}, line {line}"
        for page in PAGES
        for language, line, text, _ in blocks(page)
        if language not in SHELL and re.search(r"^(\$ )?(microdsd|python) ", text, re.M)
    ]
    assert not loose
