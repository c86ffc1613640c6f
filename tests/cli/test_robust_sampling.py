"""The sampling verbs where something goes wrong: stopped, killed, damaged, or oddly named."""

import json

import numpy as np
import pytest
import tifffile
from tiny_models import tiny_model
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.io import load_microstructures, output_lock, save_microstructures
from microdsd.io.partial import Parts
from microdsd.microstructure import as_microstructure, phases_of

pytestmark = pytest.mark.usefixtures("steady_precision")

SCAN = np.random.default_rng(1).integers(0, 2, (12, 10), dtype=np.uint8)


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def folder(tmp_path):
    tiny_model().save(tmp_path / "rock.model")
    scan = as_microstructure(SCAN, phases={0: "pore", 1: "solid"})
    save_microstructures(tmp_path / "scan.h5", scan)
    (tmp_path / "table.csv").write_text("pore\n0.3\n0.5\n")
    return tmp_path


VERBS = {
    "generate": ["--fraction", "pore=0.4"],
    "inpaint": ["scan.h5", "--hole", "y=2:8"],
    "compose": ["table.csv"],
    "sweep": ["--fraction", "pore=0.3:0.5:3"],
}


def verb(folder, name, *words, output="new.h5", model="rock.model", n=3):
    words = [*VERBS[name], *words]
    places = [folder / word if word in ("scan.h5", "table.csv") else word for word in words]
    samples = ["-n", 1 if name == "sweep" else n]
    return run(name, folder / model, *places, "-o", folder / output, *samples)


def values(path):
    return load_microstructures(path).values


def files(folder):
    return sorted(path.name for path in folder.iterdir())


each_verb = pytest.mark.parametrize("name", VERBS)


class Killed(BaseException):
    """What no handler of ours catches, as SIGKILL."""


def stop_after(monkeypatch, samples):
    """End the process in the midst of the sample after so many."""
    generate = MicrostructureModel.generate

    def stopped(self, *args, **options):
        for i, made in enumerate(generate(self, *args, **options)):
            if i == samples:
                raise Killed
            yield made

    monkeypatch.setattr(MicrostructureModel, "generate", stopped)


@each_verb
def test_a_killed_run_goes_on_and_is_the_same(folder, monkeypatch, name):
    whole = verb(folder, name, "--seed", 5, output="whole.h5")
    assert whole.exit_code == 0, whole.stderr
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(Killed):
            run_raising(folder, name, "--seed", 5)
    result = verb(folder, name, "--seed", 5)
    assert result.exit_code == 0, result.stderr
    assert "going on after 2 samples" in result.stderr
    np.testing.assert_array_equal(values(folder / "new.h5"), values(folder / "whole.h5"))
    assert not [file for file in files(folder) if "partial" in file or file.startswith(".")]


def run_raising(folder, name, *words):
    words = [*VERBS[name], *words]
    places = [folder / word if word in ("scan.h5", "table.csv") else word for word in words]
    samples = ["-n", 1 if name == "sweep" else 3]
    call = [name, folder / "rock.model", *places, "-o", folder / "new.h5", *samples]
    CliRunner().invoke(app, [str(word) for word in call], catch_exceptions=False)


@pytest.mark.parametrize(
    ("name", "force"), [*((name, []) for name in VERBS), ("generate", ["--force"])]
)
def test_killed_between_the_output_and_the_end(folder, monkeypatch, name, force):
    """The same command goes on: it knows that the output is its own."""
    with monkeypatch.context() as patch:

        def killed(self):
            raise Killed

        patch.setattr(Parts, "remove", killed)
        with pytest.raises(Killed):
            run_raising(folder, name, "--seed", 5)
    assert (folder / "new.h5").exists()
    made = values(folder / "new.h5")
    other = verb(folder, name, "--seed", 6)
    assert other.exit_code == 2
    assert "differs in seed" in other.stderr
    with monkeypatch.context() as patch:
        stop_after(patch, 0)  # no sample may be made again
        result = verb(folder, name, "--seed", 5, *force)
    assert result.exit_code == 0, result.stderr
    np.testing.assert_array_equal(values(folder / "new.h5"), made)
    assert not (folder / "new.h5.partial").exists()
    again = verb(folder, name, "--seed", 5)
    assert again.exit_code == 2
    assert "exists" in again.stderr


def test_a_sweep_killed_while_its_report_is_drawn(folder, monkeypatch):
    with monkeypatch.context() as patch:

        def killed(*args, **options):
            raise Killed

        patch.setattr("microdsd.report.write_sweep_report", killed)
        with pytest.raises(Killed):
            run_raising(folder, "sweep", "--seed", 5)
    assert (folder / "new.h5").exists()
    assert not (folder / "new.html").exists()
    result = verb(folder, "sweep", "--seed", 5)
    assert result.exit_code == 0, result.stderr
    assert "going on after 3 samples" in result.stderr
    assert (folder / "new.html").exists()
    assert json.loads((folder / "new.json").read_text())["composition"]["exact"]


@pytest.mark.parametrize("name", ["generate", "compose"])
def test_samples_of_another_request_never_enter(folder, monkeypatch, name):
    """Neither without the request that they were made by, nor beyond the number asked for."""
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(Killed):
            run_raising(folder, name, "--seed", 5)
    (folder / "new.h5.partial" / "record.json").unlink()
    result = verb(folder, name, "--seed", 6)
    assert result.exit_code == 2
    assert "not what they are of" in result.stderr
    assert "new.h5.partial" in result.stderr
    forced = verb(folder, name, "--seed", 6, "--force")
    assert forced.exit_code == 0, forced.stderr
    assert verb(folder, name, "--seed", 6, output="other.h5").exit_code == 0
    np.testing.assert_array_equal(values(folder / "new.h5"), values(folder / "other.h5"))


def test_fewer_samples_than_are_there(folder, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(Killed):
            run_raising(folder, "generate", "--seed", 5)
    result = verb(folder, "generate", "--seed", 5, n=1)
    assert result.exit_code == 2
    assert "differs in samples" in result.stderr
    result = verb(folder, "generate", "--seed", 5, "--force", n=1)
    assert result.exit_code == 0, result.stderr
    assert values(folder / "new.h5").shape == (1, 12, 10)


def test_force_does_not_throw_away_the_samples_of_the_same_request(folder, monkeypatch):
    (folder / "new.h5").write_bytes((folder / "scan.h5").read_bytes())
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(Killed):
            run_raising(folder, "generate", "--seed", 5, "--force")
    np.testing.assert_array_equal(values(folder / "new.h5"), SCAN)
    result = verb(folder, "generate", "--seed", 5, "--force")
    assert "going on after 2 samples" in result.stderr
    assert values(folder / "new.h5").shape == (3, 12, 10)


@pytest.mark.parametrize("name", ["generate", "compose"])
def test_damaged_leftovers(folder, monkeypatch, name):
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(Killed):
            run_raising(folder, name, "--seed", 5)
    part = folder / "new.h5.partial" / "000001.npz"
    part.write_bytes(part.read_bytes()[:-40])
    result = verb(folder, name, "--seed", 5)
    assert result.exit_code == 2
    assert "000001.npz: is damaged" in result.stderr
    assert "delete the folder" in result.stderr
    assert verb(folder, name, "--seed", 5, "--force").exit_code == 0


@pytest.mark.parametrize("name", ["generate", "compose"])
def test_an_output_that_another_process_works_on(folder, name):
    with output_lock(folder / "new.h5"):
        result = verb(folder, name)
    assert result.exit_code == 2
    assert "works on it" in result.stderr


HOSTILE = ["[/x]", "[red]", "a [@click] {x} 100%", "\\[/x]"]


@pytest.mark.parametrize("text", HOSTILE)
def test_names_are_no_markup(folder, text):
    """Of files, models, tables and phases, in all that is printed, bar and notes included."""
    phases = {0: f"pore {text}", 1: f"solid {text}"}
    stem = text.replace("/", "⁄")  # a slash can be in the name of a phase alone
    model = tiny_model(phases=phases)
    model.save(folder / f"{stem}.model")
    output = folder / f"{stem}.h5"
    result = run(
        "generate", folder / f"{stem}.model", "-o", output, "--fraction", f"pore {text}=0.9"
    )
    assert result.exit_code == 0, result.stderr
    words = "".join(result.stderr.split())
    assert "".join(output.name.split()) in words
    assert f"note:pore{text}=0.9lies".replace(" ", "") in words
    assert phases_of(load_microstructures(output)) == phases
    for words in (
        ["export", output, "-o", folder / f"{stem}.tif"],
        ["describe", output, "--descriptor", "fractions", "-o", folder / f"{stem}.nc"],
        ["verify", output],
        ["info", output],
        ["animate", folder / f"{stem}.model", "-o", folder / f"{stem}.gif"],
    ):
        result = run(*words)
        assert result.exit_code == 0, (words, result.output)


def test_a_folder_between_brackets(folder):
    (folder / "[").mkdir()
    result = verb(folder, "generate", output="[/x].h5")
    assert result.exit_code == 0, result.stderr
    assert (folder / "[" / "x].h5").exists()


@pytest.mark.parametrize(
    ("name", "read"),
    [*((name, "rock.model") for name in VERBS), ("inpaint", "scan.h5"), ("sweep", "scan.h5")],
)
def test_what_is_read_is_not_replaced(folder, name, read):
    place = folder / "link.h5"
    place.symlink_to(folder / read)
    before = (folder / read).read_bytes()
    words = ["--reference", folder / "scan.h5", "--windows", 4] if name == "sweep" else []
    result = verb(folder, name, "--force", *words, output="link.h5")
    assert result.exit_code == 2
    assert "is read by this very command" in result.stderr
    assert (folder / read).read_bytes() == before


@each_verb
def test_other_formats_are_refused_before_work(folder, name):
    result = verb(folder, name, output="new.stl")
    assert result.exit_code == 2
    assert "ends in none of .h5" in result.stderr
    assert files(folder) == ["rock.model", "scan.h5", "table.csv"]


@pytest.mark.parametrize("name", ["generate", "inpaint", "compose"])
def test_each_sample_in_a_file_of_its_own(folder, name):
    assert verb(folder, name, "--seed", 5).exit_code == 0
    result = verb(folder, name, "--seed", 5, output="new.tif")
    assert result.exit_code == 0, result.stderr
    assert "new-000.tif to" in " ".join(result.stderr.split())
    for i, sample in enumerate(values(folder / "new.h5")):
        np.testing.assert_array_equal(tifffile.imread(folder / f"new-00{i}.tif"), sample)
    again = verb(folder, name, "--seed", 5, output="new.tif")
    assert again.exit_code == 2
    assert "new-000.tif: exists" in again.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--evaluations", "0"], "evaluations=0"),
        (["-n", "100000000"], "n=100000000: samples of"),
        (["-n", "100000000", "-o", "many.tif"], "one per sample; write HDF5"),
        (["--shape", "2000000", "2000000"], "of memory"),
        (["--states", "walk.csv"], "does not end in .npz"),
        (["--seed", "-1"], "seed of at least 0"),
        (["--fraction", "nan"], "from 0 to 1"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(folder, words, message):
    words = words if "-o" in words else [*words, "-o", folder / "new.h5"]
    result = run("generate", folder / "rock.model", *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert files(folder) == ["rock.model", "scan.h5", "table.csv"]


@pytest.mark.parametrize(
    ("table", "words", "message"),
    [
        ("pore\n0.3\n0.5\n", ["--grid", "-1", "-2"], "at least one block per axis"),
        ("pore, pore\n0.2, 0.3\n", [], "several columns pore"),
    ],
)
def test_tables_that_cannot_be_meant(folder, table, words, message):
    (folder / "table.csv").write_text(table)
    result = verb(folder, "compose", *words)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("verb_and_words", "message"),
    [
        (["sweep", "rock.model", "--fraction", "pore=0.1:0.2:2", "-n", 10**8], "of memory"),
        (["sweep", "rock.model", "--fraction", f"pore=0.1:0.2:{10**9}", "-n", 1], "at most"),
        (["animate", "rock.model", "--pixels", 10**6], "from 32 to 4096"),
        (["animate", "rock.model", "--pixels", 0], "from 32 to 4096"),
    ],
)
def test_more_than_any_machine_has(folder, verb_and_words, message):
    name, model, *words = verb_and_words
    output = folder / ("new.gif" if name == "animate" else "new.h5")
    result = run(name, folder / model, "-o", output, *words)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("name", ["describe", "transport"])
def test_measurements_are_netcdf_by_their_name(folder, name):
    result = run(name, folder / "scan.h5", "-o", folder / "new.csv")
    assert result.exit_code == 2
    assert "ends in none of .nc, .h5, .hdf5" in result.stderr


def test_one_number_for_fraction_and_shape(folder):
    result = run(
        "generate", folder / "rock.model", "-o", folder / "new.h5", "--fraction", "0.25",
        "--shape", "8",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert (values(folder / "new.h5") == 0).sum() == 16


def test_baselines_understand_the_same(folder):
    words = [
        "--method",
        "gaussian-field",
        "-n",
        2,
        "--shape",
        8,
        "--fraction",
        0.25,
        "--windows",
        4,
    ]
    result = run("baseline", folder / "scan.h5", "-o", folder / "new.npy", *words)
    assert result.exit_code == 0, result.stderr
    for i in range(2):
        assert (np.load(folder / f"new-00{i}.npy") == 0).sum() == 16


def test_export(folder):
    assert verb(folder, "generate", "--seed", 5).exit_code == 0
    source = folder / "new.h5"
    result = run("export", source, "-o", folder / "one.npy", "--sample", 2)
    assert result.exit_code == 0, result.stderr
    assert "12 x 10 voxels, uint8" in " ".join(result.stderr.split())
    np.testing.assert_array_equal(np.load(folder / "one.npy"), values(source)[2])
    summary = json.loads(run("export", source, "-o", folder / "all.raw", "--json").stdout)
    assert [file.rpartition("/")[2] for file in summary["files"]] == [
        f"all-00{i}.raw" for i in range(3)
    ]
    for output, words, message in [
        ("two.npy", ["--sample", 3], "the file holds 0 to 2"),
        ("new.h5", ["--force"], "is read by this very command"),
        ("two.obj", [], "ends in none of"),
    ]:
        result = run("export", source, "-o", folder / output, *words)
        assert result.exit_code == 2
        assert message in result.stderr
    again = run("export", source, "-o", folder / "one.npy", "--sample", 2)
    assert again.exit_code == 2
    assert "one.npy: exists" in again.stderr
    assert run("export", source, "-o", folder / "one.npy", "--sample", 2, "--force").exit_code == 0


def test_a_target_that_pilot_walks_refuse_leaves_nothing_in_the_way(folder):
    """The command that the refusal advises can be given at once."""
    words = ["--target", "specific_surface_area=9e9", "--particles", 2]
    refused = verb(folder, "generate", *words)
    assert refused.exit_code == 2
    assert "out of reach" in refused.stderr
    assert not (folder / "new.h5.partial").exists()
    low = refused.stderr.split(" have ")[1].split()[0]
    words[1] = f"specific_surface_area={low}"
    assert verb(folder, "generate", *words, n=1).exit_code == 0
