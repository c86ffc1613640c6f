"""Training logs that are not quite what they should be."""

import numpy as np
import pytest

from microdsd.errors import DataFileError, InputError
from microdsd.report import read_training_log


@pytest.fixture
def log(tmp_path):
    def write(text):
        path = tmp_path / "log.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_columns_become_curves_with_gaps(log):
    read = read_training_log(log("step,minutes,loss,gain_0.5,gain_12\n1,0.5,-0.1,,0.2\n"))
    assert read.minutes.tolist() == [0.5]
    assert read.loss.tolist() == [-0.1]
    assert list(read.gains) == ["σ = 0.5", "σ = 12"]
    assert np.isnan(read.gains["σ = 0.5"]).all()


def test_columns_that_are_no_curves_are_left_out(log):
    assert read_training_log(log("minutes,loss,device\n1,2,cpu\n")).gains == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no loss and no minutes"),
        ("minutes,loss\n", "no loss and no minutes"),
        ("step,loss\n1,2\n", "no minutes"),
        ("minutes,loss\n1,fast\n", "no number"),
    ],
)
def test_other_files_are_refused(log, text, words):
    with pytest.raises(InputError, match=words):
        read_training_log(log(text))


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(DataFileError, match="cannot be read"):
        read_training_log(tmp_path / "none.csv")
    (tmp_path / "image.csv").write_bytes(b"\xff\xfe\x00\x81" * 50)
    with pytest.raises(DataFileError, match="cannot be read"):
        read_training_log(tmp_path / "image.csv")
