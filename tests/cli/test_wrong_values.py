"""Numbers in the notation of another country are refused, and the right one is said."""

import pytest
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.cli.parsing import names_of, numbers_of, region_of, series_of
from microdsd.errors import InputError
from microdsd.microstructure.voxels import as_voxel_size


def said(*words):
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 2
    return " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shape", "64x64"], "give a whole number, got '64x64'; write 64 64"),
        (["--shape", "64,64"], "give a whole number, got '64,64'; write 64 64"),
        (["--shape", "64×64×64"], "write 64 64 64"),
        (["-n", "many"], "give a whole number, got 'many'"),
        (["--guidance", "1,5"], "give a number, got '1,5'; write 1.5, with a decimal point"),
    ],
)
def test_options_that_are_numbers(words, message):
    assert message in said("generate", "berea-2d", "-o", "new.h5", *words)


def test_numbers_of_training():
    text = said("train", "scan.h5", "--window", "48", "-o", "a.model", "--minutes", "0,5")
    assert "got '0,5'; write 0.5, with a decimal point" in text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: numbers_of(["pore=0,2"], "intensity"), "write 0.2, with a decimal point"),
        (lambda: numbers_of(["pore=20%"], "intensity"), "write 0.2 for 20 %"),
        (lambda: series_of(["pore=20 %"]), "write 0.2 for 20 %"),
        (lambda: as_voxel_size("1,5um", 2), "write a decimal point"),
        (lambda: names_of(["pore=0", "solid=255"]), "stored value comes first: write 0=pore"),
        (lambda: names_of(["a=pore"]), "labels: expected a whole number, got 'a'"),
        (lambda: region_of(["z=0:top"]), "expected a whole number, got 'top'"),
    ],
)
def test_words_with_numbers(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_fractions():
    text = said("generate", "berea-2d", "--fraction", "pore=0,2", "-o", "new.h5")
    assert "write 0.2, with a decimal point" in text


@pytest.mark.parametrize(
    "words",
    [
        ["generate", "berea-2d", "-o", "new.h5", "--config", "no.toml"],
        ["compose", "berea-2d", "no.csv", "-o", "new.h5"],
        ["baseline", "--s2", "no.csv", "--fraction", "pore=0.2", "--shape", "8", "8", "-o", "n.h5"],
    ],
)
def test_missing_files_are_named_once_and_without_a_number(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = said(*words)
    assert text.lower().count("no such file") == 1
    assert "Errno" not in text


def test_a_picture_is_drawn_and_not_exported():
    assert "draw it with microdsd.plot" in said("generate", "berea-2d", "-o", "new.png")
    assert "microdsd.plot" not in said("generate", "berea-2d", "-o", "new.docx")
