import numpy as np
import pytest
import tifffile
from PIL import Image

from microdsd.errors import DataFileError, InputError
from microdsd.io import load_microstructures, open_labels, read_image_stack, save_tiff, save_vti
from microdsd.microstructure import as_microstructure, phases_of

VOLUME = np.random.default_rng(0).integers(0, 3, size=(5, 6, 7)).astype(np.uint8)
MS = as_microstructure(
    VOLUME, phases={0: "pore", 1: "solid", 2: "binder"}, voxel_size=(3e-6, 2e-6, 1e-6)
)


@pytest.mark.parametrize("scale", [1, 300])
@pytest.mark.parametrize("ndim", [2, 3])
def test_tiff_round_trip(tmp_path, scale, ndim):
    labels = VOLUME.astype(np.uint16) * scale if scale > 1 else VOLUME
    labels = labels if ndim == 3 else labels[0]
    save_tiff(tmp_path / "a.tif", labels)
    back = read_image_stack(tmp_path / "a.tif")
    assert back.dtype == labels.dtype
    np.testing.assert_array_equal(back, labels)


@pytest.mark.parametrize("width", [3, 4])
def test_narrow_volumes_are_not_taken_for_colours(tmp_path, width):
    save_tiff(tmp_path / "a.tif", VOLUME[:, :, :width])
    np.testing.assert_array_equal(read_image_stack(tmp_path / "a.tif"), VOLUME[:, :, :width])


def test_tiff_states_resolution_and_phases(tmp_path):
    save_tiff(tmp_path / "a.tif", MS)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        tags = tiff.pages[0].tags
        assert tags["ResolutionUnit"].value == 3  # centimetre
        x, y = (np.divide(*tags[f"{axis}Resolution"].value) for axis in "XY")
        assert (x, y) == pytest.approx((1e4, 5e3))
        assert tiff.shaped_metadata[0]["axes"] == "ZYX"
        assert '"2": "binder"' in tiff.shaped_metadata[0]["phases"]


def test_single_page_is_an_image(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", VOLUME[:1], photometric="minisblack")
    assert read_image_stack(tmp_path / "a.tif").shape == (6, 7)


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_grey_stored_as_colours_is_read_and_true_colours_are_not(tmp_path, name):
    def write(image):
        if name == "a.tif":
            tifffile.imwrite(tmp_path / name, image, photometric="rgb", extrasamples=["unassalpha"])
        else:
            Image.fromarray(image).save(tmp_path / name)

    grey = np.repeat(VOLUME[0][..., np.newaxis], 4, axis=-1)
    grey[..., 3] = 255
    write(grey)
    np.testing.assert_array_equal(read_image_stack(tmp_path / name), VOLUME[0])
    colours = grey.copy()
    colours[0, 0, 1] = 77
    write(colours)
    with pytest.raises(InputError, match="colour image"):
        read_image_stack(tmp_path / name)


def test_raw_in_any_byte_order_and_axis_order(tmp_path):
    wide = VOLUME.astype(np.uint16) * 300
    for dtype in ("<u2", ">u2"):
        wide.astype(dtype).transpose(2, 0, 1).tofile(tmp_path / "a.raw")
        back = read_image_stack(tmp_path / "a.raw", shape=(7, 5, 6), dtype=dtype, axis_order="xzy")
        np.testing.assert_array_equal(back, wide)
        assert back.dtype == np.uint16
        assert back.dtype.isnative


def test_images_are_labels_for_every_reader(tmp_path):
    np.save(tmp_path / "a.npy", VOLUME)
    save_tiff(tmp_path / "a.tif", VOLUME)
    for name in ("a.npy", "a.tif"):
        ms = load_microstructures(tmp_path / name, phases=phases_of(MS), voxel_size=1e-6)
        np.testing.assert_array_equal(ms, VOLUME)
        assert phases_of(ms) == phases_of(MS)
        with open_labels(str(tmp_path / name)) as labels:
            np.testing.assert_array_equal(
                labels.read(0, (1, 2, 3), (2, 2, 2)), VOLUME[1:3, 2:4, 3:5]
            )
    assert load_microstructures(tmp_path / "a.npy", ensemble=True).dims == ("sample", "y", "x")


def test_pickles_are_never_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataFileError, match="cannot be read as npy"):
        read_image_stack(tmp_path / "a.npy")


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.npy"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_truncated_images(tmp_path, name, share):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    if name == "a.tif":
        tifffile.imwrite(tmp_path / name, noise)
    elif name == "a.png":
        Image.fromarray(noise).save(tmp_path / name)
    else:
        np.save(tmp_path / name, noise)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataFileError, match="damaged"):
        read_image_stack(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("gone.tif", {}, DataFileError, "no such file"),
        ("a.jpg", {}, DataFileError, r"end in '\.jpg'"),
        ("a.raw", {}, InputError, "needs shape and dtype"),
        ("a.raw", {"shape": (2, 2), "dtype": "uint8"}, DataFileError, "has 3 bytes.*needs 4"),
        ("a.raw", {"shape": (3, 1), "dtype": "float999"}, InputError, "not known"),
        ("a.raw", {"shape": (3,), "dtype": "uint8"}, InputError, "2 or 3 axes"),
        ("a.npy", {"axis_order": "zz"}, InputError, "letters zyx"),
        ("a.npy", {"axis_order": "xy"}, InputError, "letters zyx"),
    ],
)
def test_bad_input(tmp_path, name, options, error, message):
    (tmp_path / "a.jpg").write_bytes(b"123")
    (tmp_path / "a.raw").write_bytes(b"123")
    np.save(tmp_path / "a.npy", VOLUME)
    with pytest.raises(error, match=message):
        read_image_stack(tmp_path / name, **options)


@pytest.mark.parametrize(("save", "name"), [(save_tiff, "a.tif"), (save_vti, "a.vti")])
def test_exports_hold_one_sample_and_overwrite_nothing(tmp_path, save, name):
    stack = as_microstructure(VOLUME, ensemble=True)
    with pytest.raises(InputError, match=r"isel\(sample=0\)"):
        save(tmp_path / name, stack)
    save(tmp_path / name, stack.isel(sample=0))
    with pytest.raises(DataFileError, match="--force"):
        save(tmp_path / name, MS)
    save(tmp_path / name, MS, overwrite=True)
    with pytest.raises(InputError, match="threshold_otsu"):
        save(tmp_path / name, VOLUME * 0.5)
