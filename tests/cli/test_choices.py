"""Choices of the command line are those of the functions behind it."""

from typing import get_args

import pytest
from typer.testing import CliRunner

from microdsd.cli import options
from microdsd.cli.app import RENAMED, app
from microdsd.device.precision import AUTO, DTYPES
from microdsd.microstructure.coarsening import Rule
from microdsd.microstructure.symmetry import Symmetry
from microdsd.networks import Method
from microdsd.process import Boundary
from microdsd.training.rate_objective import RateLoss
from microdsd.transport.arguments import Sides
from microdsd.transport.diffusion import Solver


@pytest.mark.parametrize(
    ("choice", "values"),
    [
        (options.Boundary, get_args(Boundary)),
        (options.Boundary, get_args(Sides)),
        (options.Symmetry, get_args(Symmetry)),
        (options.Method, get_args(Method)),
        (options.RateLoss, get_args(RateLoss)),
        (options.CoarseningRule, get_args(Rule)),
        (options.DiffusionSolver, get_args(Solver)),
        (options.Precision, (AUTO, *DTYPES)),
    ],
)
def test_a_choice_has_the_values_of_its_room(choice, values):
    assert set(get_args(choice)) == set(values)


@pytest.mark.parametrize(
    ("words", "option", "offered"),
    [
        (["train", "--window", "8", "--symmetry", "cubic"], "--symmetry", "'transverse'"),
        (["train", "--window", "8", "--boundary", "open"], "--boundary", "'no-flux'"),
        (["train", "--window", "8", "--method", "magic"], "--method", "'tau-leaping'"),
        (["train", "--window", "8", "--loss", "l3"], "--loss", "'likelihood'"),
        (["train", "--window", "8", "--precision", "half"], "--precision", "'bfloat16'"),
        (["schedule", "--window", "8", "--symmetry", "cubic"], "--symmetry", "'transverse'"),
        (["import", "--coarsen-rule", "mean"], "--coarsen-rule", "'exact'"),
        (["transport", "--solver", "magic"], "--solver", "'taufactor'"),
        (["transport", "--sides", "open"], "--sides", "'periodic'"),
        (["baseline", "--method", "magic"], "--method", "'gaussian-field'"),
        (["generate", "--precision", "half"], "--precision", "'float32'"),
    ],
)
def test_another_value_is_refused_before_any_file_is_opened(words, option, offered):
    verb, *rest = words
    done = CliRunner().invoke(app, [verb, "no-such-file.h5", *rest, "-o", "new.h5"])
    assert done.exit_code == 2
    assert option in done.stderr
    assert offered in done.stderr
    assert "no-such-file" not in done.stderr


@pytest.mark.parametrize(
    ("words", "old"),
    [
        (["import", "scan.npy", "-o", "new.h5", "--crop", "y=0:8"], "--crop"),
        (["train", "scan.h5", "--window", "8", "--crop=z=0:9"], "--crop"),
        (["train", "scan.h5", "--window", "8", "--schedule", "t^4"], "--schedule"),
        (["compose", "berea-2d", "table.csv", "-o", "new.h5", "--regions", "map.h5"], "--regions"),
        (["images", "grey.tif", "-o", "new.h5", "--levels", "8"], "--levels"),
    ],
)
def test_an_option_of_an_earlier_version_names_its_successor(words, old):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert f"{old} is now called {RENAMED[old]}" in done.stderr


def test_a_verb_that_never_had_the_option_does_not_speak_of_it():
    done = CliRunner().invoke(app, ["verify", "scan.h5", "--crop", "z=0:9"])
    assert done.exit_code == 2
    assert "No such option" in done.stderr
