"""Axes are taken as foreign files state them; the volume has no symmetry, so none by luck."""

import json

import h5py
import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from microdsd.cli.app import app
from microdsd.errors import DataFileError, InputError
from microdsd.io import (
    list_microstructures,
    load_images,
    load_microstructures,
    open_labels,
    save_images,
)
from microdsd.microstructure import as_images, as_microstructure, phases_of, voxel_size_of

V = np.zeros((4, 6, 5), np.uint8)
V[1:3, 2:4] = 1
V[0, 0, 0] = 1
V[3, 5, 1] = 2
SIZE = {"z": 3.0, "y": 2.0, "x": 0.5}


def named(order, units="um", steps=SIZE, extra=None):
    """A variable with the given dims, coordinates and unit, as xarray writes it."""
    array = xr.DataArray(V, dims=("z", "y", "x"), name="labels").transpose(*order)
    coords = {d: (d, np.arange(n) * steps[d] + 7, {"units": units}) for d, n in array.sizes.items()}
    return array.assign_coords(coords)


def assert_read(spec, expected=V, size=None, **options):
    """Both readers agree, voxel by voxel."""
    ms = load_microstructures(spec, **options)
    np.testing.assert_array_equal(ms.values, expected)
    with open_labels(spec, **options) as labels:
        np.testing.assert_array_equal(labels.load().values, expected)
        window = labels.read(0, [1] * len(labels.shape), [2] * len(labels.shape))
        one = expected[0] if "sample" in ms.dims else expected
        np.testing.assert_array_equal(window, one[tuple([slice(1, 3)] * one.ndim)])
        assert labels.voxel_size == voxel_size_of(ms)
    if size is None:
        assert voxel_size_of(ms).unit == "voxel"
    else:
        assert voxel_size_of(ms).unit == "m"
        np.testing.assert_allclose(voxel_size_of(ms).size, size)
    return ms


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.h5"


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
@pytest.mark.parametrize("order", ["xyz", "zyx", "yxz", "zxy"])
def test_named_dimensions(path, engine, order):
    if engine == "netcdf4":
        pytest.importorskip("netCDF4")
    named(order).to_netcdf(path, engine=engine)
    assert_read(path, size=(3e-6, 2e-6, 0.5e-6))


@pytest.mark.parametrize(
    ("units", "metres"),
    [("µm", 1e-6), ("μm", 1e-6), ("micrometers", 1e-6), ("Micron", 1e-6), ("nm", 1e-9),
     ("mm", 1e-3), ("millimetre", 1e-3), ("m", 1.0), ("Å", 1e-10)],
)  # fmt: skip
def test_units(path, units, metres):
    named("xyz", units).to_netcdf(path, engine="h5netcdf")
    assert_read(path, size=(3 * metres, 2 * metres, 0.5 * metres))


@pytest.mark.parametrize("units", ["", "furlong", "voxel"])
def test_units_that_are_no_length(path, units):
    named("xyz", units).to_netcdf(path, engine="h5netcdf")
    assert_read(path)
    (info,) = list_microstructures(path)
    assert "spacing z, y, x = 3, 2, 0.5" in info.note
    assert info.voxel_size is None


def test_indices_as_coordinates_say_nothing(path):
    named("xyz", "", dict.fromkeys("xyz", 1)).to_netcdf(path, engine="h5netcdf")
    assert "spacing" not in list_microstructures(path)[0].note


def test_dimensions_without_coordinates(path):
    xr.DataArray(V, dims=("z", "y", "x"), name="v").transpose("x", "z", "y").to_netcdf(
        path, engine="h5netcdf"
    )
    assert_read(path)


@pytest.mark.parametrize(
    "names", [("X", "Y", "Z"), ("x_um", "y_um", "z_um"), ("col", "row", "slice")]
)
def test_other_names(path, names):
    xr.DataArray(V.T, dims=names, name="v").to_netcdf(path, engine="h5netcdf")
    assert_read(path)


def test_axis_attribute_of_the_convention(path):
    array = xr.DataArray(V.T, dims=("east", "north", "up"), name="v")
    coords = {
        d: (d, np.arange(n), {"axis": a, "units": "mm"})
        for (d, n), a in zip(array.sizes.items(), "XYZ", strict=True)
    }
    array.assign_coords(coords).to_netcdf(path, engine="h5netcdf")
    assert_read(path, size=(1e-3,) * 3)


def test_dimension_scales_written_by_h5py(path):
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("labels", data=V.T)
        for axis, name in enumerate("xyz"):
            file[f"axes/{name}"] = np.arange(V.T.shape[axis], dtype=np.float32) * SIZE[name] + 50
            file[f"axes/{name}"].make_scale("position")
            file[f"axes/{name}"].attrs["units"] = np.bytes_("um")
            stored.dims[axis].attach_scale(file[f"axes/{name}"])
    assert_read(path, size=(3e-6, 2e-6, 0.5e-6))


def test_dimension_labels_written_by_h5py(path):
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("labels", data=V.transpose(1, 2, 0))
        for axis, name in enumerate("yxz"):
            stored.dims[axis].label = name
    assert_read(path)
    assert "stored as y, x, z" in list_microstructures(path)[0].note


def test_image_by_height_and_width(path):
    xr.DataArray(V[1].T, dims=("width", "height"), name="v").to_netcdf(path, engine="h5netcdf")
    assert_read(path, V[1])


def test_height_above_ground_is_z(path):
    xr.DataArray(V.T, dims=("x", "y", "height"), name="v").to_netcdf(path, engine="h5netcdf")
    assert_read(path)


def test_decreasing_coordinates_are_turned(path):
    array = named("xyz").isel(y=slice(None, None, -1), z=slice(None, None, -1))
    array.to_netcdf(path, engine="h5netcdf")
    assert_read(path, size=(3e-6, 2e-6, 0.5e-6))
    with open_labels(path, region={"y": slice(1, 6)}) as labels:
        np.testing.assert_array_equal(labels.read(0, (0, 1, 0), (4, 3, 5)), V[:, 2:5])


def test_uneven_coordinates_are_refused_unless_the_size_is_given(path):
    array = named("xyz")
    uneven = array.x.values.copy()
    uneven[2] += 0.1
    array.assign_coords(x=("x", uneven, {"units": "um"})).to_netcdf(path, engine="h5netcdf")
    for read in (load_microstructures, open_labels):
        with pytest.raises(InputError, match=r"coordinate x does not run in even steps.*voxel"):
            read(path)
    np.testing.assert_array_equal(load_microstructures(path, voxel_size=1e-6), V)
    assert "even steps" in list_microstructures(path)[0].note


@pytest.mark.parametrize("values", [[0, 1, np.nan, 3], [2, 2, 2, 2], [0, 1, 3, 2]])
def test_coordinates_that_make_no_sense(path, values):
    array = named("xyz").assign_coords(z=("z", values, {"units": "um"}))
    array.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match="even steps"):
        load_microstructures(path)


def test_single_precision_far_from_the_origin(path):
    array = named("xyz")
    far = (40_000 + np.arange(5) * 0.3).astype(np.float32)
    array.assign_coords(x=("x", far, {"units": "um"})).to_netcdf(path, engine="h5netcdf")
    size = voxel_size_of(load_microstructures(path)).size
    assert size[2] == pytest.approx(0.3e-6, rel=0.01)


def test_one_section_of_a_volume(path):
    named("xyz").isel(z=[1]).to_netcdf(path, engine="h5netcdf")
    assert_read(path, V[1], size=(2e-6, 0.5e-6))


@pytest.mark.parametrize("dim", ["sample", "time", "realization"])
def test_samples_by_name(path, dim):
    stack = xr.concat([named("xyz"), 2 - named("xyz")], dim).transpose("x", "y", dim, "z")
    stack.rename("labels").to_netcdf(path, engine="h5netcdf")
    assert_read(path, np.stack([V, 2 - V]), size=(3e-6, 2e-6, 0.5e-6))


def test_channels_are_no_labels(path):
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("data", data=np.stack([V, V, V], axis=-1))
        for axis, name in enumerate("zyxc"):
            stored.dims[axis].label = name
    with pytest.raises(DataFileError, match="no integer array"):
        load_microstructures(path)
    with pytest.raises(InputError, match="3 channels"):
        load_microstructures(f"{path}:/data")


def test_unknown_axis_needs_the_order(path):
    xr.DataArray(V.T, dims=("x", "y", "angle"), name="v").to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match=r"axis 'angle' is none of x, y, z.*--axis-order"):
        load_microstructures(f"{path}:/v")
    assert_read(f"{path}:/v", axis_order="xyz")
    assert_read(f"{path}:/v", V.transpose(2, 0, 1), axis_order="zxy")


def test_our_own_array_turned_and_in_micrometres(path):
    ms = as_microstructure(V, phases={0: "pore", 1: "a", 2: "b"}, voxel_size=1e-6)
    ms.transpose("x", "y", "z").to_netcdf(path, engine="h5netcdf")
    read = assert_read(path, size=(1e-6,) * 3)
    assert phases_of(read) == {0: "pore", 1: "a", 2: "b"}
    scaled = ms.assign_coords({d: (d, ms[d].values * 1e6, {"units": "um"}) for d in ms.dims})
    scaled.to_netcdf(path, engine="h5netcdf")
    read = assert_read(path, size=(1e-6,) * 3)
    assert phases_of(read) == {0: "pore", 1: "a", 2: "b"}


def test_missing_values(path):
    masked = V.copy()
    masked[0] = 255
    array = xr.DataArray(
        masked, dims=("z", "y", "x"), name="v", attrs={"_FillValue": np.uint8(255)}
    )
    array.to_netcdf(path, engine="h5netcdf")
    for read in (load_microstructures, open_labels):
        with pytest.raises(InputError, match=r"255 occurs and stands for missing data"):
            read(path)
    assert "255 stands for missing data" in list_microstructures(path)[0].note
    names = {0: "pore", 1: "a", 2: "b", 255: "outside"}
    assert_read(path, masked, phases=names)
    with open_labels(path, region={"z": slice(1, 4)}) as labels:
        assert labels.phases == {0: "phase 0", 1: "phase 1", 2: "phase 2"}


def test_packed_quantities_are_no_labels(path):
    with h5py.File(path, "w") as file:
        file["temperature"] = V
        file["temperature"].attrs["scale_factor"] = 0.01
        file["labels"] = V
    assert_read(path)
    with pytest.raises(InputError, match="scale_factor"):
        load_microstructures(f"{path}:/temperature")


@pytest.mark.parametrize(
    "where", ["DataContainers/Small/EBSD Scan Data", "DataContainers/S/Zellen"]
)
def test_cell_attributes_by_another_name(path, where):
    with h5py.File(path, "w") as file:
        group = file.create_group(where)
        group.attrs["AttributeMatrixType"] = np.uint32(3)
        group["Phases"] = V[..., None].astype("i4")
        group["Euler"] = np.zeros((4, 6, 5, 3), np.int32)
        grains = file.create_group(f"{where} Features")
        grains.attrs["AttributeMatrixType"] = np.uint32(7)
        grains["Counts"] = np.arange(40, dtype="i4").reshape(10, 4)
        geometry = group.parent.create_group("_SIMPL_GEOMETRY")
        geometry["SPACING"] = np.array([0.5, 2, 3], np.float32)
    assert_read(path)
    (info,) = list_microstructures(path)
    assert info.kind == "dream3d"
    assert "spacing z, y, x = 3, 2, 0.5" in info.note
    assert "3e-06 2e-06 5e-07" in info.note
    for name, match in (("Euler", "not an array with one label"), ("../x Features", "nothing")):
        with pytest.raises((InputError, DataFileError), match=match):
            load_microstructures(f"{path}:/{where}/{name}")
    with pytest.raises(InputError, match="attribute matrix of type 7"):
        load_microstructures(f"{path}:/{where} Features/Counts")


@pytest.mark.parametrize(("components", "shape"), [([1], (4, 6, 5, 1)), ([1, 1], (4, 6, 5, 1, 1))])
def test_component_dimensions(path, components, shape):
    with h5py.File(path, "w") as file:
        file["S/Cell Attributes/FeatureIds"] = V.reshape(shape).astype("i4")
        stored = file["S/Cell Attributes/FeatureIds"]
        stored.attrs["ComponentDimensions"] = np.array(components, np.uint64)
        file["S/Cell Attributes/Rodrigues"] = np.zeros((4, 6, 5, 4), np.int32)
        file["S/Cell Attributes/Rodrigues"].attrs["ComponentDimensions"] = np.array([4], np.uint64)
        file["S/Grains/Size"] = np.arange(12).reshape(12, 1)
        file["S/Grains/Size"].attrs["ComponentDimensions"] = np.array([1], np.uint64)
    assert_read(path)
    with pytest.raises(InputError, match="4 components per voxel"):
        load_microstructures(f"{path}:/S/Cell Attributes/Rodrigues")


@pytest.mark.parametrize(
    ("keys", "data"),
    [
        ("zyxc", V[..., None]),
        ("xyzc", V.T[..., None]),
        ("tzyxc", V[None, ..., None]),
        ("cxzy", V.transpose(2, 0, 1)[None]),
        ("zyx", V),
        ("yxz", V.transpose(1, 2, 0)),
    ],
)
def test_ilastik(path, keys, data):
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("exported_data", data=data)
        stored.attrs["axistags"] = json.dumps({"axes": [{"key": key} for key in keys]})
    assert_read(path)


def test_ilastik_image_channels_and_time(path):
    with h5py.File(path, "w") as file:
        for name, keys, data in (
            ("image", "yxc", V[1][..., None]),
            ("probabilities", "zyxc", np.stack([V, 2 - V], -1)),
            ("frames", "tyx", V),
        ):
            stored = file.create_dataset(name, data=data)
            stored.attrs["axistags"] = json.dumps({"axes": [{"key": key} for key in keys]})
    assert_read(f"{path}:/image", V[1])
    with pytest.raises(InputError, match="2 channels"):
        load_microstructures(f"{path}:/probabilities")
    assert load_microstructures(f"{path}:/frames").dims == ("sample", "y", "x")


def test_matlab(path):
    with h5py.File(path, "w") as file:

        def variable(name, data, kind):
            file.create_dataset(name, data=data).attrs["MATLAB_class"] = np.bytes_(kind)

        variable("A", V.transpose(0, 2, 1), "uint8")
        variable("name", np.array([[97, 98], [98, 97]], np.uint16), "char")
        variable("voxel", np.array([[5]], np.int32), "int32")
        variable("cells", np.zeros((2, 2), np.uint8), "cell")
        variable("none", np.array([[0, 0], [3, 3]], np.uint64), "uint8")
        file["none"].attrs["MATLAB_empty"] = np.int32(1)
        file["#refs#/a"] = V
        file["#subsystem#/MCOS"] = V[0]
    assert_read(path)
    (info,) = list_microstructures(path)
    assert info.path == "/A"
    assert "MATLAB array, its axes are taken as y (rows), x (columns), z (pages)" in info.note
    with pytest.raises(InputError, match="a MATLAB char"):
        load_microstructures(f"{path}:/name")
    # The user may know better.
    assert_read(path, V.transpose(0, 2, 1), axis_order="zyx")


def test_matlab_image_logical_and_samples(path):
    with h5py.File(path, "w") as file:
        for name, data, kind in (
            ("image", V[1].T, "logical"),
            ("many", np.stack([V, 2 - V]).transpose(0, 1, 3, 2), "uint8"),
            ("s/field", V.transpose(0, 2, 1).astype(np.int16), "int16"),
        ):
            file.create_dataset(name, data=data).attrs["MATLAB_class"] = np.bytes_(kind)
        file["s"].attrs["MATLAB_class"] = np.bytes_("struct")
    assert_read(f"{path}:/image", V[1])
    assert_read(f"{path}:/many", np.stack([V, 2 - V]))
    assert_read(f"{path}:/s/field")


def test_axis_order(path):
    with h5py.File(path, "w") as file:
        file["xyz"] = V.T
        file["samples_last"] = np.stack([V, 2 - V], axis=-1)
        file["image"] = V[1].T
    assert_read(f"{path}:/xyz", axis_order="xyz")
    assert_read(f"{path}:/samples_last", np.stack([V, 2 - V]), axis_order="zyxs")
    assert_read(f"{path}:/image", V[1], axis_order="xy")
    for wrong in ("xy", "xyy", "abc", "xyzs", ""):
        with pytest.raises(InputError, match="axis_order"):
            load_microstructures(f"{path}:/xyz", axis_order=wrong)
    with pytest.raises(InputError, match="array in memory"):
        open_labels(V, axis_order="xyz")


def test_axis_order_keeps_the_spacing_with_its_axis(path):
    named("xyz").to_netcdf(path, engine="h5netcdf")
    assert_read(path, V.transpose(0, 2, 1), size=(3e-6, 0.5e-6, 2e-6), axis_order="yxz")


def test_axis_order_on_the_command_line(path, tmp_path):
    with h5py.File(path, "w") as file:
        file["labels"] = V.T
    words = ["import", str(path), "--axis-order", "xyz", "-o", str(tmp_path / "out.h5")]
    assert CliRunner().invoke(app, words).exit_code == 0
    np.testing.assert_array_equal(load_microstructures(tmp_path / "out.h5"), V)


def test_import_says_how_axes_were_taken(path, tmp_path):
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("A", data=V.transpose(0, 2, 1))
        stored.attrs["MATLAB_class"] = np.bytes_("uint8")
    words = ["import", str(path), "-o", str(tmp_path / "out.h5")]
    assert "MATLAB array, its axes are taken as" in CliRunner().invoke(app, words).stdout
    words = ["import", str(path), "-o", str(tmp_path / "out2.h5"), "--json"]
    assert "MATLAB" in json.loads(CliRunner().invoke(app, words).stdout)["notes"][0]


def test_trailing_axis_of_one(path):
    with h5py.File(path, "w") as file:
        file["a"] = V[..., None]
        file["b"] = V[1][..., None]
        file["c"] = V[None, None]
    assert_read(f"{path}:/a")
    assert_read(f"{path}:/b", V[1])
    assert_read(f"{path}:/c")


def test_rows_and_columns_are_no_images(path):
    with h5py.File(path, "w") as file:
        file["row"] = np.arange(9).reshape(1, 9)
        file["column"] = np.arange(9).reshape(9, 1)
        file["labels"] = V
    assert [info.path for info in list_microstructures(path)] == ["/labels"]


def test_colours_are_no_depth(path):
    with h5py.File(path, "w") as file:
        file["photo"] = np.zeros((20, 20, 3), np.uint8)
        file["labels"] = V
    assert_read(path)
    with pytest.raises(InputError, match=r"3 colours.*axis_order='zyx'"):
        load_microstructures(f"{path}:/photo")
    assert load_microstructures(f"{path}:/photo", axis_order="zyx").shape == (20, 20, 3)


def test_foreign_byte_order(path):
    with h5py.File(path, "w") as file:
        file["labels"] = V.astype(">u2")
    assert load_microstructures(path).dtype == np.dtype("=u2")
    assert load_microstructures(path).dtype.isnative
    with open_labels(path) as big, open_labels(V.astype(np.uint16)) as little:
        assert big.sha256() == little.sha256()


def test_element_size_of_fiji(path):
    with h5py.File(path, "w") as file:
        file["t0/channel0"] = V
        file["t0/channel0"].attrs["element_size_um"] = [3.0, 2.0, 0.5]
    assert_read(path, size=(3e-6, 2e-6, 0.5e-6))


def test_samples_of_one_layout_only_are_one_ensemble(path):
    with h5py.File(path, "w") as file:
        cube = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
        for number, label in enumerate(("z", "z", "y")):
            stored = file.create_dataset(f"s{number}", data=cube)
            stored.dims[0].label = label
            stored.dims[1].label = "x"
            stored.dims[2].label = "y" if label == "z" else "z"
    assert {info.path: info.kind for info in list_microstructures(path)} == {
        "/s*": "per-sample",
        "/s2": "plain",
    }


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("reference", [True, False])
def test_a_damaged_list_of_scales_is_refused(tmp_path, native, reference):
    """The HDF5 library would end the process over it."""
    path = tmp_path / "a.nc"
    with h5py.File(path, "w") as file:
        file["labels"] = np.eye(4, dtype=np.uint8)
        file["labels"].attrs["DIMENSION_LIST"] = file["labels"].ref if reference else 0.0
        if native:
            file["labels"].attrs["phases"] = '{"0": "a", "1": "b"}'
    with pytest.raises(DataFileError, match="list of its dimension scales is damaged"):
        load_microstructures(path)


@pytest.mark.parametrize("name", ["intensity", "class"])
def test_a_damaged_list_of_scales_of_images_is_refused(tmp_path, name):
    """Images are read by the same reader as labels; by one of their own they ended the process."""
    path = tmp_path / "a.h5"
    save_images(path, as_images(np.ones((2, 6, 5), np.uint8), classes=["one", "two"]))
    with h5py.File(path, "a") as file:
        damaged = file["images"][name]
        del damaged.attrs["DIMENSION_LIST"]
        damaged.attrs["DIMENSION_LIST"] = damaged.ref
    with pytest.raises(DataFileError, match="list of its dimension scales is damaged"):
        load_images(path)
