"""Edge lengths of voxels: numbers, text with a unit, quantities."""

import numpy as np
import pytest
import xarray as xr

from microdsd.errors import InputError
from microdsd.microstructure import VoxelSize, as_microstructure, voxel_size_of
from microdsd.microstructure.lengths import metres_per
from microdsd.microstructure.voxels import as_voxel_size


class Quantity:
    """What pint and astropy have in common with this package: conversion to metres."""

    def __init__(self, micrometres, field):
        self._value, self._field = np.asarray(micrometres), field

    def to(self, unit):
        assert unit == "m"
        found = type("Converted", (), {})()
        setattr(found, self._field, self._value * 1e-6)
        return found


@pytest.mark.parametrize(
    ("given", "edge"),
    [
        ("0.398um", 3.98e-7),
        ("0.398 µm", 3.98e-7),
        ("0.398 μm", 3.98e-7),
        ("398 nm", 3.98e-7),
        ("398nm", 3.98e-7),
        ("  2.25e-6 ", 2.25e-6),
        ("2.25e-3 mm", 2.25e-6),
        ("3 Å", 3e-10),
        ("0.398m", 0.398),
        ("1 cm", 0.01),
        ("12 microns", 1.2e-5),
        (1e-3, 1e-3),
        (np.float32(0.5), None),
        (np.array([2e-6, 2e-6]), 2e-6),
        (["2um", 2e-6], 2e-6),
        (Quantity(2.0, "magnitude"), 2e-6),
        (Quantity([2.0, 2.0], "value"), 2e-6),
        ([Quantity(2.0, "magnitude"), "2um"], 2e-6),
        (VoxelSize((0.5, 0.5), "m"), 0.5),
    ],
)
def test_every_way_to_say_it(given, edge):
    if edge is None:
        with pytest.raises(InputError, match=r"'0\.5um'"):
            as_voxel_size(given, 2)
        return
    found = as_voxel_size(given, 2)
    assert found.unit == "m"
    assert found.size == pytest.approx((edge, edge), rel=1e-15)
    assert all(type(size) is float for size in found.size)


@pytest.mark.parametrize("given", [0.398, "0.398", 1.001e-3, [1e-6, 2], 398])
def test_a_bare_number_above_a_millimetre_is_not_believed(given):
    with pytest.raises(InputError, match="would be metres; say the unit"):
        as_microstructure(np.eye(3, dtype=int), voxel_size=given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("3 parsec", "unit of '3 parsec' is not known; there are m, cm"),
        ("um", "expected a length"),
        ("1 2 um", "expected a length"),
        ("-1um", "must be positive"),
        ("0 nm", "must be positive"),
        (float("nan"), "must be positive"),
        (["1um"] * 4, "one for each"),
        (object(), "expected metres or a length"),
    ],
)
def test_what_is_no_length(given, message):
    with pytest.raises(InputError, match=message):
        as_voxel_size(given, 3)


def test_a_metre_comes_back():
    ms = as_microstructure(np.eye(3, dtype=int), voxel_size="1.5 m")
    assert voxel_size_of(as_microstructure(ms)) == VoxelSize((1.5, 1.5), "m")


@pytest.mark.parametrize(
    ("values", "attrs", "message"),
    [
        (["a", "b", "c"], {}, "coordinate y must hold numbers, got <U1"),
        (np.array(["a", 1, None], dtype=object), {}, "coordinate y must hold numbers"),
        ([False, True, True], {}, "coordinate y must hold numbers, got bool"),
        (np.arange(3).astype("datetime64[D]"), {}, "coordinate y must hold numbers"),
        ([1.0, 2.0, 3.0], {"voxel_size": "wide"}, "attribute voxel_size of the coordinate y"),
        ([1.0, 2.0, 3.0], {"voxel_size": [1.0, 2.0]}, "attribute voxel_size of the coordinate y"),
        ([1.0, 2.0, 3.0], {"units": np.array([1, 2])}, "the coordinates are in"),
        (np.array([2, 1, 0], np.uint8), {}, "must rise in even steps"),
        ([0.0, np.nan, 2.0], {}, "must rise in even steps"),
    ],
)
def test_coordinates_that_are_no_positions(values, attrs, message):
    ms = xr.DataArray(np.eye(3, dtype=int), dims=("y", "x"))
    ms = ms.assign_coords(y=("y", values, attrs))
    ms = ms.assign_coords(x=("x", np.arange(3.0), {"units": "voxel"}))
    with pytest.raises(InputError, match=message):
        as_microstructure(ms)


def test_unsigned_coordinates_that_fall():
    """Two voxels: the difference of unsigned integers would be 255 rather than -1."""
    falling = np.array([1, 0], np.uint8)
    ms = xr.DataArray(np.eye(2, dtype=int), coords={"y": falling, "x": [0, 1]}, dims=("y", "x"))
    with pytest.raises(InputError, match="must rise in even steps"):
        as_microstructure(ms)


@pytest.mark.parametrize(
    ("unit", "metres"),
    [("m", 1.0), ("µm", 1e-6), ("μm", 1e-6), ("Microns", 1e-6), ("nanometers", 1e-9), ("Å", 1e-10),
     ("inches", 0.0254), ("ms", None), ("s", None), ("mms", None), ("", None), ("pixels", None)],
)  # fmt: skip
def test_units_of_files_and_of_people_are_the_same(unit, metres):
    """Milliseconds are no plural of the metre."""
    assert metres_per(unit) == metres
    if metres is None:
        return
    assert as_voxel_size(f"2e-6 {unit}", 2).size[0] == pytest.approx(2e-6 * metres, rel=1e-15)
