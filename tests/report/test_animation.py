"""Moving pictures of the walk, of models without training."""

import io

import numpy as np
import pytest
from PIL import Image
from tiny_models import tiny_model
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.errors import InputError
from microdsd.microstructure import as_microstructure
from microdsd.report.animation import animate_walk
from microdsd.request import GenerationRequest


def walk(model, tmp_path, **options):
    request = GenerationRequest.resolve(model.card, 1, rng=0)
    states, labels = model.walk(request)
    material = as_microstructure(labels, phases=dict(model.card.phases))
    path = tmp_path / "walk.gif"
    animate_walk(states, material, path, pixels=120, **options)
    return states, material, Image.open(io.BytesIO(path.read_bytes()))


@pytest.mark.parametrize("phases", [2, 3])
def test_a_plane_ends_as_the_sample(tmp_path, phases):
    states, material, movie = walk(tiny_model(phases=phases), tmp_path)
    assert movie.n_frames == len(states) + 1
    movie.seek(movie.n_frames - 1)
    times = 120 // material.shape[1]
    picture = np.asarray(movie.convert("RGB"))[times // 2 :: times, times // 2 :: times]
    picture = picture[: material.shape[0], : material.shape[1]]
    colours = {label: np.unique(picture[material.values == label], axis=0) for label in range(2)}
    assert all(len(colour) == 1 for colour in colours.values())
    assert (colours[0] != colours[1]).any()


@pytest.mark.parametrize("background", [0, 1])
def test_a_volume_has_a_solid_at_every_level(tmp_path, background):
    states, _, movie = walk(tiny_model(ndim=3, background=background), tmp_path)
    assert movie.n_frames == len(states) + 1
    for i in range(movie.n_frames):
        movie.seek(i)
        assert np.ptp(np.asarray(movie.convert("L"))) > 50


def test_the_verb(tmp_path):
    tiny_model().save(tmp_path / "rock.model")
    words = ["animate", str(tmp_path / "rock.model"), "--fraction", "pore=0.3"]
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "walk.gif")])
    assert done.exit_code == 0, done.stderr
    again = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "walk.gif")])
    assert again.exit_code == 2
    assert "exists" in again.stderr
    named = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "walk.png")])
    assert named.exit_code == 2
    assert ".gif" in named.stderr


def test_a_walk_of_other_walkers_is_refused(tmp_path):
    material = as_microstructure(np.eye(4, dtype=int))
    with pytest.raises(InputError, match="walkers"):
        animate_walk([(1.0, np.ones((1, 4, 4), int))], material, tmp_path / "walk.gif")
