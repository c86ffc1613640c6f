"""What looks like labels and is not, or has lost what its labels mean."""

import numpy as np
import pytest
import xarray as xr

import microdsd
from microdsd.errors import InputError
from microdsd.io import open_labels, save_microstructures
from microdsd.metrics import describe
from microdsd.microstructure import (
    as_microstructure,
    coarsen,
    phase_fractions,
    phases_of,
    porosity,
    provenance_of,
)

COLOURS = np.random.default_rng(0).integers(0, 3, (32, 24, 3)).astype(np.uint8)
GREY = np.repeat(COLOURS[..., :1], 3, axis=-1)
NAMED = as_microstructure(
    np.random.default_rng(1).integers(0, 2, (4, 6, 5)),
    phases={0: "pore", 1: "solid"},
    provenance={"requested_counts": {"pore": 60}},
)


@pytest.mark.parametrize("door", [as_microstructure, open_labels, phase_fractions])
@pytest.mark.parametrize("channels", [COLOURS, np.dstack([COLOURS, COLOURS[..., :1]])])
def test_a_colour_image_is_no_volume(door, channels):
    with pytest.raises(InputError, match=r"colour image.*labels\[\.\.\., 0\].*DataArray"):
        door(channels)


def test_a_grey_image_in_colour_is_no_volume_even_when_named():
    names = {0: "a", 1: "b", 2: "c"}
    with pytest.raises(InputError, match="colour image"):
        as_microstructure(GREY, phases=names)
    with pytest.raises(InputError, match="colour image"):
        as_microstructure(np.stack([GREY, GREY]), ensemble=True)


def test_a_thin_volume_is_one_when_it_says_so():
    thin = xr.DataArray(COLOURS, dims=("z", "y", "x"))
    assert as_microstructure(thin).shape == COLOURS.shape
    assert as_microstructure(COLOURS.astype(np.uint16)).shape == COLOURS.shape
    assert as_microstructure(COLOURS, ensemble=True).dims == ("sample", "y", "x")
    assert as_microstructure(COLOURS, phases={0: "a", 1: "b", 2: "c"}).dims == ("z", "y", "x")
    assert as_microstructure(COLOURS[:15]).dims == ("z", "y", "x")


def test_a_list_of_images_may_be_samples_or_slices():
    images = [np.eye(4, dtype=int)] * 3
    with pytest.raises(InputError, match=r"list of 3 arrays .* ensemble=True, or np\.stack"):
        as_microstructure(images)
    assert as_microstructure(images, ensemble=True).dims == ("sample", "y", "x")
    with pytest.raises(InputError, match="differ in shape"):
        as_microstructure([np.eye(4), np.eye(5)], ensemble=True)
    assert as_microstructure([[0, 1], [1, 1]]).dims == ("y", "x")


@pytest.mark.parametrize(
    "derive",
    [
        lambda v: v == 0,
        lambda v: v != 1,
        lambda v: (v == 0).astype(np.uint8),
        lambda v: 1 - v,
        lambda v: v * 0 + 1,
        lambda v: v ^ 1,
        lambda v: v.where(v == 1, 1),
        lambda v: v.clip(1, 1),
        lambda v: v.max("z"),
        lambda v: xr.apply_ufunc(np.logical_not, v, keep_attrs=True),
    ],
)
def test_what_is_computed_from_labels_has_no_names(derive):
    derived = derive(NAMED)
    names = set(phase_fractions(derived).phase_name.values.tolist())
    assert names <= {"phase 0", "phase 1"}
    assert provenance_of(as_microstructure(derived)) is None
    assert set(phases_of(derived).values()) <= {"phase 0", "phase 1"}


@pytest.mark.parametrize(
    "part",
    [
        lambda v: v.isel(x=slice(1, 4)),
        lambda v: v[:, ::2],
        lambda v: v.sel(x=v.x[2:]),
        lambda v: v.copy(deep=True),
        lambda v: v.expand_dims("sample"),
        lambda v: xr.concat([v, v], "sample"),
        lambda v: v.assign_coords(x=v.x + 1),
        lambda v: v.to_dataset().labels,
        lambda v: v.isel(z=0),
    ],
)
def test_parts_and_copies_keep_their_names(part):
    assert phases_of(part(NAMED)) == {0: "pore", 1: "solid"}
    assert provenance_of(as_microstructure(part(NAMED))) == provenance_of(NAMED)


def test_a_file_opened_by_xarray_keeps_its_names(tmp_path):
    save_microstructures(tmp_path / "a.h5", NAMED)
    opened = xr.open_dataset(tmp_path / "a.h5", group="microstructures", engine="h5netcdf")
    assert phases_of(opened.labels) == {0: "pore", 1: "solid"}
    assert phases_of(opened.labels.isel(z=slice(2)).load()) == {0: "pore", 1: "solid"}
    mask = phase_fractions((opened.labels == 0).load())
    assert float(mask.sel(phase=1)[0]) == pytest.approx(float((NAMED == 0).mean()))
    opened.close()


def test_the_name_of_a_file_will_do(tmp_path):
    path = tmp_path / "a.h5"
    save_microstructures(path, NAMED)
    expected = phase_fractions(NAMED)
    for source in (path, str(path), f"{path}:/microstructures"):
        xr.testing.assert_equal(phase_fractions(source), expected)
    assert phases_of(path) == phases_of(NAMED)
    xr.testing.assert_equal(porosity(str(path), pore_phase="pore"), porosity(NAMED, pore_phase=0))
    np.testing.assert_array_equal(coarsen(str(path), 2), coarsen(NAMED, 2))
    found = microdsd.describe(path, periodic=False, descriptors=["fractions", "components"])
    xr.testing.assert_equal(
        found, describe(NAMED, periodic=False, descriptors=["fractions", "components"])
    )
    with pytest.raises(microdsd.errors.DataFileError, match="no such file"):
        phase_fractions(tmp_path / "gone.h5")
