"""CSV files as spreadsheets of several countries write them."""

import numpy as np
import pytest

from microdsd.baselines.curve_file import read_curve
from microdsd.cli.compose import _columns
from microdsd.errors import DataFileError
from microdsd.io.tables import read_rows

ENGLISH = "pore,tonerde für Öfen\n0.1,0.25\n0.2,0.3\n"
GERMAN = "pore;tonerde für Öfen\r\n0,1;0,25\r\n0,2;0,3\r\n"


@pytest.mark.parametrize("text", [ENGLISH, GERMAN, "\n# made by hand\n" + ENGLISH])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_layers_of_all_spreadsheets_are_the_same(tmp_path, text, encoding):
    path = tmp_path / "layers.csv"
    path.write_bytes(text.encode(encoding))
    assert _columns(path) == {"pore": [0.1, 0.2], "tonerde für Öfen": [0.25, 0.3]}


@pytest.mark.parametrize("head", ["r / um,S2", "r / um;S2", "r / um; S2"])
def test_curves_of_all_spreadsheets_are_the_same(tmp_path, head):
    path = tmp_path / "curve.csv"
    point, between = (".", ",") if "," in head else (",", ";")
    rows = [(0.0, 0.2), (1.5, 0.0625)]
    lines = [between.join(f"{v:g}".replace(".", point) for v in row) for row in rows]
    path.write_text("\n".join([head, *lines]), encoding="utf-8")
    distance, s2, metric = read_curve(path)
    np.testing.assert_allclose(distance, [0, 1.5e-6])
    assert s2.tolist() == [0.2, 0.0625]
    assert metric


def test_other_encodings_are_refused_with_the_remedy(tmp_path):
    path = tmp_path / "layers.csv"
    path.write_bytes(GERMAN.encode("cp1252"))
    with pytest.raises(DataFileError, match="save it as CSV UTF-8"):
        read_rows(path)


def test_rows_of_other_lengths_are_named(tmp_path):
    path = tmp_path / "layers.csv"
    path.write_text("pore,clay\n0.1,0.2\n0.1,0.2,0.3\n", encoding="utf-8")
    with pytest.raises(DataFileError, match="row 2 has 3 entries for 2 columns"):
        _columns(path)


def test_an_empty_file_has_no_rows(tmp_path):
    path = tmp_path / "layers.csv"
    path.write_text("\n", encoding="utf-8")
    assert read_rows(path) == []
    with pytest.raises(DataFileError, match="at least one of numbers"):
        _columns(path)
