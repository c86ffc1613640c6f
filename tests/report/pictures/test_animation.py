"""Moving pictures of the walk, of models without training."""

import io

import numpy as np
import pytest
from PIL import Image
from tiny_models import tiny_model
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.errors import InputError
from microdsd.generation.request import GenerationRequest
from microdsd.microstructure import as_microstructure
from microdsd.report.pictures.animation import animate_walk


def walk(model, tmp_path, **options):
    request = GenerationRequest.resolve(model.card, 1, rng=0)
    states, labels = model.trajectory(request)
    material = as_microstructure(labels, phases=dict(model.card.phases))
    path = tmp_path / "walk.gif"
    animate_walk(
        path, states, material, background=model.card.contents.background, pixels=120, **options
    )
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


def frames(path):
    shown, movie = [], Image.open(io.BytesIO(path.read_bytes()))
    for i in range(movie.n_frames):
        movie.seek(i)
        shown.append(np.asarray(movie.convert("RGB")).astype(int))
    return shown


@pytest.mark.parametrize("background", [0, 1])
def test_a_volume_that_has_arrived_looks_as_the_finished_one(tmp_path, background):
    """Walkers where they end, in equal numbers: which phase they are of, counts do not tell."""
    labels = np.zeros((6, 8, 7), int)
    labels[:, :4] = 1
    material = as_microstructure(labels, phases={0: "pore", 1: "solid"})
    arrived = (labels == 1 - background).astype(np.uint16)[None]
    path = tmp_path / "walk.gif"
    states = [(0.1, arrived)]
    animate_walk(path, states, material, background=background, phase="pore", pixels=120)
    first, finished = frames(path)
    picture = slice(0, -22)  # below it stands the noise level
    assert np.abs(first[picture] - finished[picture]).mean() < 3
    mirrored = [(sigma, state[:, :, ::-1]) for sigma, state in states]
    animate_walk(
        path, mirrored, material, background=background, phase="pore", pixels=120, overwrite=True
    )
    assert np.abs(frames(path)[0][picture] - finished[picture]).mean() > 10


@pytest.mark.parametrize("background", [0, 1, 2])
def test_equal_counts_do_not_hide_the_background(tmp_path, background):
    labels = np.repeat([0, 1, 2], 12).reshape(6, 6)
    material = as_microstructure(labels, phases={0: "pore", 1: "solid", 2: "clay"})
    species = [label for label in range(3) if label != background]
    arrived = np.stack([labels == label for label in species]).astype(np.uint16)
    path = tmp_path / "walk.gif"
    animate_walk(path, [(0.1, arrived)], material, background=background, pixels=60)
    first, finished = frames(path)
    assert (first[:60] == finished[:60]).all()
    assert len(np.unique(finished[:60].reshape(-1, 3), axis=0)) == 3


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
        animate_walk(
            tmp_path / "walk.gif", [(1.0, np.ones((1, 4, 4), int))], material, background=0
        )
