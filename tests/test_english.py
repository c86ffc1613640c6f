"""Docstrings begin with a full sentence, and names say what they hold."""

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

spec = importlib.util.spec_from_file_location("english", ROOT / ".ci" / "english.py")
english = importlib.util.module_from_spec(spec)
spec.loader.exec_module(english)


@pytest.mark.parametrize("room", english.ROOMS)
def test_rooms_are_written_for_strangers(room):
    assert not english.all_faults((room,))


def faults_in(tmp_path, monkeypatch, text):
    monkeypatch.setattr(english, "PACKAGE", tmp_path / "package")
    path = tmp_path / "module.py"
    path.write_text(text)
    return english.faults(path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('def f():\n    """Number of voxels."""\n', "does not begin with a verb"),
        ('def f():\n    """Voxels of a phase."""\n', "does not begin with a verb"),
        ('def f():\n    """Name of a phase."""\n', "does not begin with a verb"),
        ("ours = 1\n", "'ours'"),
        ('class C:\n    """Return a value, or\n    nothing.\n    """\n', "is not one sentence"),
        ("found = 1\n", "'found'"),
        ("def f(of):\n    pass\n", "'of'"),
        ("values = [here for here in range(3)]\n", "'here'"),
        ("for told in ():\n    pass\n", "'told'"),
        ("with open('a') as theirs:\n    pass\n", "'theirs'"),
        (
            '@dataclass(frozen=True)\nclass C:\n    """Hold a value.\n\n    Parameters\n'
            '    ----------\n    """\n',
            "Attributes, not Parameters",
        ),
    ],
)
def test_faults_are_found(tmp_path, monkeypatch, text, fault):
    ast.parse(text)
    (message,) = faults_in(tmp_path, monkeypatch, text)
    assert fault in message


def test_good_english_has_no_fault(tmp_path, monkeypatch):
    text = (
        '@dataclass(frozen=True)\nclass Box:\n    """Hold the voxels of a box.\n\n    Attributes\n'
        '    ----------\n    """\n\n    @classmethod\n    def of(cls, shape):\n'
        '        """Return the box of a shape."""\n        return cls(shape)\n'
    )
    assert not faults_in(tmp_path, monkeypatch, text)
