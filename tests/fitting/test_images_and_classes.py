"""Images with counts, and classes: encoding, files, training, sampling, verification."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.encoding import IntensityEncoding
from microdsd.errors import DataFileError, InputError, MicrodsdError
from microdsd.fitting.run import TrainingRun
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.io import load_images, load_microstructures, save_images
from microdsd.microstructure import as_images, blobs, intensity_totals, quantise
from microdsd.networks import Aims, PotentialUNet, Steered, UNetConfig
from microdsd.process import Lattice, TransitionKernel
from microdsd.training import TrainingConfig

KERNEL = TransitionKernel(Lattice.box((8, 8), "no-flux"))
CONFIG = TrainingConfig(steps=2, batch=2, sigma_min=0.1)
SIZE = {"widths": (4, 8), "blocks": (1, 1), "embedding": 8}


def colours(n=12, levels=5, classes=None):
    values = np.random.default_rng(0).integers(0, levels, (n, 3, 8, 8)).astype(np.uint8)
    return as_images(values, grey_levels=levels, channels=["r", "g", "b"], classes=classes)


def fitted(source, **options):
    run = TrainingRun(source, CONFIG, window=8, network_size=SIZE, device="cpu", **options)
    for _ in run.records():
        pass
    return run.finish()


@pytest.fixture(scope="module")
def colour_model():
    return fitted(colours(classes=["a", "b"] * 6))


def test_decoding_undoes_encoding():
    encoding = IntensityEncoding(("r", "g", "b"), 5)
    values = colours().values
    assert (encoding.decode(encoding.encode(values)) == values).all()


def test_intensities_beyond_the_levels_are_refused():
    with pytest.raises(InputError, match="quantise"):
        IntensityEncoding(("grey",), 3).encode(np.full((1, 1, 2, 2), 3))


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"grey": 9}, "from 0 to 4"), ({"red": 1}, "no channel 'red'"), ({}, "grey lacks")],
)
def test_impossible_intensities_are_refused(asked, message):
    with pytest.raises(InputError, match=message):
        IntensityEncoding(("grey",), 5).counts(asked, 64)


def test_images_are_recounted_before_they_are_handed_out(colour_model, monkeypatch):
    decode = IntensityEncoding.decode
    monkeypatch.setattr(IntensityEncoding, "decode", lambda self, x: decode(self, x) // 2)
    with pytest.raises(MicrodsdError, match="samples: hold the counts"):
        colour_model.sample(1, class_name="a", evaluations=2, rng=0)


def test_images_survive_the_file_and_are_not_taken_for_labels(tmp_path):
    images = colours(classes=list("abcdefghijkl"))
    save_images(tmp_path / "i.h5", images)
    back = load_images(tmp_path / "i.h5")
    assert (back == images).all()
    assert back["class"].values.tolist() == list("abcdefghijkl")
    assert (back.attrs["levels"], back["channel"].values.tolist()) == (5, ["r", "g", "b"])
    with pytest.raises(DataFileError, match="load_images"):
        load_microstructures(tmp_path / "i.h5")


def test_quantising_clips_and_rounds():
    grey = np.array([-1.0, 0.0, 0.6, 1.0, 9.0])
    assert quantise(grey, 3, limits=(0, 1)).tolist() == [0, 0, 1, 2, 2]


def test_totals_of_every_channel_are_exact(colour_model):
    asked = {"r": 1.0, "g": [0.5, 3.0], "b": 0.0}
    made = colour_model.sample(2, intensity=asked, class_name=["a", "b"], guidance=2.5, rng=0)
    assert intensity_totals(made).values.tolist() == [[64, 32, 0], [64, 192, 0]]
    assert made["class"].values.tolist() == ["a", "b"]


def test_a_saved_model_makes_the_same_images(colour_model, tmp_path):
    colour_model.save(tmp_path / "m.model")
    again = MicrostructureModel.load(tmp_path / "m.model", device="cpu")
    made, remade = (m.sample(1, class_name="b", rng=3) for m in (colour_model, again))
    assert list(again.card.classes) == ["a", "b"]
    assert (made.values == remade.values).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_name": "c"}, "knows a, b"),
        ({"guidance": 2.0}, "give class_name"),
        ({"class_name": "a", "guidance": -1.0}, "at least 0"),
        ({"class_name": ["a", "b"]}, "2 classes for 3 samples"),
        ({"phase_fraction": {"r": 0.5}}, "give intensity"),
    ],
)
def test_impossible_requests_say_what_is_possible(colour_model, options, message):
    with pytest.raises(InputError, match=message):
        colour_model.sample(3, **options)


def lively(classes):
    """A network whose last layer is not zero; the same weights but for the classes."""
    torch.manual_seed(0)
    network = PotentialUNet(UNetConfig(2, 1, (4, 8), (1, 1), 8, classes=classes))
    with torch.no_grad():
        for weight in network.parameters():
            if not weight.any():
                weight.normal_(0, 0.3)
    return network.requires_grad_(False)


def test_the_class_changes_the_potential_and_guidance_extrapolates_it():
    network = lively(2)
    n_t, t = torch.ones(2, 1, 8, 8), torch.tensor([0.5, 0.5])
    n_t[:, :, 2:4] = 3
    free = network(n_t, t, KERNEL)
    told = Steered(network, Aims(torch.tensor([0, 1])))(n_t, t, KERNEL)
    assert not torch.allclose(told[0], told[1])
    assert not torch.allclose(told, free)
    strong = Steered(network, Aims(torch.tensor([0, 1]), strength=3.0))(n_t, t, KERNEL)
    torch.testing.assert_close(strong, free + 3 * (told - free))
    assert torch.equal(network(n_t, t, KERNEL, None, torch.tensor([-1, -1])), free)


def test_without_classes_the_network_has_no_weight_more():
    assert lively(0).embed[0].weight.shape[1] == lively(2).embed[0].weight.shape[1] - 2


def test_one_model_of_several_materials():
    scans = {
        name: blobs((24, 24), fractions=(pore, 1 - pore), scale=2, rng=k)
        for k, (name, pore) in enumerate({"tight": 0.2, "open": 0.6}.items())
    }
    model = fitted(scans, validation=0)
    assert model.card.classes["tight"]["phase 0"][0] < model.card.classes["open"]["phase 0"][0]
    made = model.sample(2, phase_fraction={0: 0.25}, class_name="tight", guidance=1.5, rng=0)
    assert (made == 0).sum(("y", "x")).values.tolist() == [16, 16]


def test_materials_of_other_phases_are_refused():
    scans = {"a": blobs((24, 24), fractions=(0.4, 0.6), scale=2, rng=0)}
    scans["b"] = blobs((24, 24), fractions=(0.4, 0.3, 0.3), scale=2, rng=0)
    with pytest.raises(InputError, match="same phases"):
        TrainingRun(scans, CONFIG, window=8, validation=0, device="cpu")


def test_verify_recounts_images(tmp_path):
    file = tmp_path / "d.h5"
    run = CliRunner().invoke(
        app, ["generate", "digits", "-o", str(file), "--class", "7", "--intensity", "grey=5"]
    )
    assert run.exit_code == 0, run.output
    found = CliRunner().invoke(app, ["verify", str(file), "--json"])
    assert json.loads(found.stdout)["channels"][0]["totals"] == [320]
    broken = load_images(file)
    broken[0, 0, 0] += 1
    save_images(file, broken, overwrite=True)
    assert CliRunner().invoke(app, ["verify", str(file)]).exit_code == 1
