"""What is called exact was counted in the file; large labels through the verbs."""

import json

import numpy as np
import pytest
from tiny_models import tiny_model
from typer.testing import CliRunner

import microdsd.encoding.occupation as occupation
from microdsd.cli.app import app
from microdsd.errors import MicrodsdError
from microdsd.io import load_microstructures, save_microstructures
from microdsd.microstructure import as_microstructure, phase_counts, provenance_of
from microdsd.microstructure.layout import fingerprint

pytestmark = pytest.mark.usefixtures("steady_precision")

LARGE = [(0, 65536), (7, 2**32 - 1), (2**40, 2**63 - 1)]


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def model_of(folder, labels):
    phases = dict(zip(labels, ("pore", "solid"), strict=True))
    tiny_model(phases=phases, background=labels[1]).save(folder / "rock.model")
    return phases


@pytest.mark.parametrize("labels", LARGE)
def test_generate_says_what_the_file_holds(tmp_path, labels):
    model_of(tmp_path, labels)
    new = tmp_path / "new.h5"
    result = run("generate", tmp_path / "rock.model", "-o", new, "--fraction", "pore=0.6", "-n", 2)
    assert result.exit_code == 0, result.output
    values = load_microstructures(new).values
    assert [(values[0] == label).sum() for label in labels] == [72, 48]
    assert "exactly pore 72, solid 48 voxels" in " ".join(result.stderr.split())
    assert run("verify", new).exit_code == 0


@pytest.mark.parametrize("labels", LARGE)
def test_inpaint_keeps_large_labels(tmp_path, labels):
    phases = model_of(tmp_path, labels)
    known = np.random.default_rng(0).choice(np.array(labels, np.uint64), (12, 10))
    save_microstructures(tmp_path / "scan.h5", as_microstructure(known, phases=phases))
    new = tmp_path / "new.h5"
    result = run(
        "inpaint", tmp_path / "rock.model", tmp_path / "scan.h5", "-o", new, "--hole", "y=2:8"
    )
    assert result.exit_code == 0, result.output
    assert "60 known voxels as they were" in " ".join(result.stderr.split())
    made = load_microstructures(new).values[0]
    np.testing.assert_array_equal(made[8:], known[8:])
    made = load_microstructures(new)
    made.values[0, 11, 9] = labels[0] if known[11, 9] == labels[1] else labels[1]
    save_microstructures(tmp_path / "spoilt.h5", made)
    result = run("verify", tmp_path / "spoilt.h5")
    assert result.exit_code == 1
    assert "known voxels" in result.stdout


@pytest.mark.parametrize("verb", ["generate", "inpaint", "compose", "sweep"])
def test_a_decoder_that_wraps_is_found_out(tmp_path, monkeypatch, verb):
    """Two labels that are one modulo 2^16, as the decoder once made them."""
    phases = model_of(tmp_path, (3, 5))
    decode = occupation.PhaseEncoding.decode
    monkeypatch.setattr(
        occupation.PhaseEncoding, "decode", lambda self, x: np.minimum(decode(self, x), 3)
    )
    labels = np.random.default_rng(0).choice(np.array([3, 5], np.uint8), (12, 10))
    save_microstructures(tmp_path / "scan.h5", as_microstructure(labels, phases=phases))
    (tmp_path / "t.csv").write_text("pore\n0.3\n0.6\n")
    words = {
        "generate": [],
        "inpaint": [tmp_path / "scan.h5", "--hole", "y=2:8"],
        "compose": [tmp_path / "t.csv"],
        "sweep": ["--fraction", "pore=0.3:0.5:2"],
    }[verb]
    result = run(verb, tmp_path / "rock.model", *words, "-o", tmp_path / "new.h5")
    assert result.exit_code == 2
    assert "fault of microdsd" in " ".join(result.stderr.split())
    assert "exactly" not in result.stderr + result.stdout


def test_a_file_that_is_not_what_was_made_is_found_out(tmp_path, monkeypatch):
    """The disk, or whoever writes to it, spoils a voxel."""
    import microdsd.io as io

    model_of(tmp_path, (0, 1))
    save = io.save_samples

    def spoil(path, ms, **options):
        spoilt = ms.copy(deep=True)
        spoilt.values[0, 0, 0] ^= 1
        save(path, spoilt, **options)

    monkeypatch.setattr(io, "save_samples", spoil)
    result = run("generate", tmp_path / "rock.model", "-o", tmp_path / "new.h5")
    assert result.exit_code == 2
    assert "was recounted" in result.stderr


def test_python_recounts_before_it_hands_out(monkeypatch):
    model = tiny_model(phases={0: "pore", 65536: "solid"}, background=65536)
    made = model.sample(2, phase_fraction={"pore": 0.3}, rng=0)
    assert phase_counts(made).values.tolist() == [[36, 84]] * 2
    monkeypatch.setattr(
        occupation.PhaseEncoding, "decode", lambda self, x: np.zeros(x.shape, np.uint32)
    )
    with pytest.raises(MicrodsdError, match="fault of microdsd"):
        model.sample(1, rng=0)


def test_fingerprints_tell_large_labels_apart_and_keep_those_of_earlier_files():
    small = np.array([0, 1, 65535])
    assert fingerprint(small) == fingerprint(small.astype(np.uint16))
    assert fingerprint(small)[:12] == "c0094727eb5e"
    pairs = [(0, 65536), (7, 7 + 2**32), (1, 2**63 + 1)]
    for a, b in pairs:
        assert fingerprint(np.array([a, b], np.uint64)) != fingerprint(np.array([a, a]))


def test_import_of_a_plug_says_what_is_outside(tmp_path):
    labels = np.random.default_rng(0).integers(0, 2, (8, 8, 8)).astype(np.int16)
    labels[:, :2] = -1
    np.save(tmp_path / "plug.npy", labels)
    new = tmp_path / "plug.h5"
    for spelling in (
        ["--labels=-1=outside", "0=pore", "1=solid"],
        ["--labels", "0=pore", "1=solid", "-1=outside"],
        ["--label", "-1=outside", "--label", "0=pore", "--label", "1=solid"],
    ):
        result = run("import", tmp_path / "plug.npy", *spelling, "-o", new, "--force")
        assert result.exit_code == 0, result.output
        assert "2 = outside: 0.2500 of the box, no material" in result.stdout
        ms = load_microstructures(new)
        np.testing.assert_array_equal(ms, np.where(labels < 0, 2, labels))
        assert provenance_of(ms)["labels"] == {"-1": 2, "0": 0, "1": 1}
    share = (labels == 0).sum() / (labels >= 0).sum()
    assert f"0 = pore: {share:.4f}" in result.stdout
    result = run("describe", tmp_path / "plug.npy", "--descriptor", "fractions",
                 "--labels=-1=outside", "0=pore", "1=solid")  # fmt: skip
    assert f"{share:.4g}" in result.stdout


def test_import_says_what_coarsening_does(tmp_path):
    labels = np.random.default_rng(0).integers(0, 2, (9, 8, 8)).astype(np.uint8)
    labels[2::3] = 1
    np.save(tmp_path / "a.npy", labels)
    new = tmp_path / "new.h5"
    words = ["import", tmp_path / "a.npy", "--labels", "0=pore", "1=solid", "--coarsen", 2]
    result = run(*words, "-o", new)
    before = (labels == 0).mean()
    after = (load_microstructures(new).values == 0).mean()
    assert f"pore: {before:.4f} -> {after:.4f}" in result.stdout
    assert "left over at the far ends, not in the file: z 1 voxels" in result.stdout
    assert "an edge is that of 2 stored voxels" in result.stdout
    assert provenance_of(load_microstructures(new))["coarsen"] == 2
    result = run(*words, "--coarsen-rule", "exact", "--voxel-size", "0.5", "um", "-o", new,
                 "--force", "--json")  # fmt: skip
    document = json.loads(result.stdout)
    kept = (labels[:8] == 0).mean()
    assert abs(document["phases"][0]["fraction"] - kept) <= 0.5 / 64
    assert document["voxel_size"] == [1e-6] * 3
    result = run(*words, "--coarsen-rule", "mean", "-o", new, "--force")
    assert result.exit_code == 2
    assert "'exact'" in result.stderr
