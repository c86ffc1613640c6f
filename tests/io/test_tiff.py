"""TIFF as tifffile, Pillow, ImageJ and OME write it; `VOLUME` has no symmetry."""

import logging
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from microdsd.errors import DataFileError, InputError
from microdsd.io import load_microstructures, open_labels, read_volume, save_tiff
from microdsd.microstructure import as_microstructure, phases_of, voxel_size_of

VOLUME = np.zeros((5, 6, 7), np.uint8)
VOLUME[1:3, 2:4] = 1
VOLUME[0, 0, 0] = 1
GREY = {"photometric": "minisblack"}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.tif"


def pages(file, images, **options):
    with tifffile.TiffWriter(file, **options) as out:
        for image in images:
            out.write(image)


def pillow(file, images, **options):
    first, *rest = [Image.fromarray(image) for image in images]
    first.save(file, save_all=True, append_images=rest, **options)


# Several images in one file


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}])
def test_pages_written_one_by_one_make_a_volume(file, options):
    pages(file, VOLUME, **options)
    volume = read_volume(file)
    assert volume.axes == "zyx"
    np.testing.assert_array_equal(volume.array, VOLUME)
    ms = load_microstructures(file)
    assert dict(ms.sizes) == {"z": 5, "y": 6, "x": 7}
    assert load_microstructures(file, ensemble=True).dims == ("sample", "y", "x")


def test_two_volumes_in_one_file_are_samples(file):
    pages(file, [VOLUME, 1 - VOLUME])
    with pytest.raises(InputError, match="--stack"):
        read_volume(file)
    np.testing.assert_array_equal(
        read_volume(file, ensemble=True).array, np.stack([VOLUME, 1 - VOLUME])
    )


def test_a_thumbnail_before_the_volume_is_refused_and_one_can_be_chosen(file):
    pages(file, [VOLUME[0, :3, :3], VOLUME])
    with pytest.raises(InputError, match=r"0: 3 x 3 uint8; 1: 5 x 6 x 7 uint8.*a\.tif:/1"):
        read_volume(file)
    np.testing.assert_array_equal(read_volume(f"{file}:/1").array, VOLUME)
    with pytest.raises(DataFileError, match="no image '2'"):
        read_volume(f"{file}:/2")


def test_a_marked_thumbnail_is_left_out(file):
    with tifffile.TiffWriter(file) as out:
        out.write(VOLUME[0, :3, :3], subfiletype=1, metadata=None)
        out.write(VOLUME, metadata=None, **GREY)
    volume = read_volume(file)
    np.testing.assert_array_equal(volume.array, VOLUME)
    assert "reduced" in volume.notes[0]


def test_a_pyramid_is_read_at_its_finest_level(file):
    with tifffile.TiffWriter(file) as out:
        out.write(VOLUME, subifds=1, **GREY)
        out.write(VOLUME[:, ::2, ::2], subfiletype=1, **GREY)
    np.testing.assert_array_equal(read_volume(file).array, VOLUME)


@pytest.mark.parametrize("metadata", [None, {}])
def test_pages_that_change_type_are_refused(file, metadata):
    with tifffile.TiffWriter(file) as out:
        for page in (VOLUME[0], VOLUME[1], VOLUME[2].astype(np.uint16)):
            out.write(page, metadata=metadata)
    with pytest.raises(InputError, match=r"uint16.*name one image"):
        read_volume(file)


def test_several_images_of_ome_are_no_depth(tmp_path):
    file = tmp_path / "a.ome.tif"
    pages(file, VOLUME)
    with pytest.raises(InputError, match=r"5 separate images.*--axis-order.*--stack"):
        load_microstructures(file)
    np.testing.assert_array_equal(read_volume(file, axis_order="zyx").array, VOLUME)
    assert load_microstructures(file, ensemble=True).dims == ("sample", "y", "x")
    np.testing.assert_array_equal(read_volume(f"{file}:/2").array, VOLUME[2])
    pages(file, [VOLUME[0], VOLUME[1, :3]])
    with pytest.raises(InputError, match="do not make one stack"):
        read_volume(file)


# Axes that are not space


def test_planar_colours_are_treated_as_interleaved_ones(file):
    red = np.stack([VOLUME[1] * 255, VOLUME[1] * 0, VOLUME[1] * 0])
    grey = np.stack([VOLUME[1]] * 3)
    for planes, axis, config in ((red, 0, "separate"), (np.moveaxis(red, 0, -1), -1, "contig")):
        tifffile.imwrite(file, planes, photometric="rgb", planarconfig=config)
        with pytest.raises(InputError, match="colour image"):
            read_volume(file)
        tifffile.imwrite(file, np.moveaxis(grey, 0, axis), photometric="rgb", planarconfig=config)
        np.testing.assert_array_equal(read_volume(file).array, VOLUME[1])


@pytest.mark.parametrize("axis", [1, -1])
def test_a_stack_of_colour_pages(file, axis):
    config = "contig" if axis == -1 else "separate"
    tifffile.imwrite(file, np.stack([VOLUME] * 3, axis), photometric="rgb", planarconfig=config)
    np.testing.assert_array_equal(read_volume(file).array, VOLUME)
    tifffile.imwrite(
        file, np.stack([VOLUME, VOLUME, 1 - VOLUME], axis), photometric="rgb", planarconfig=config
    )
    with pytest.raises(InputError, match="colour image"):
        read_volume(file)


def test_grey_with_opacity(file, tmp_path):
    opacity = np.full_like(VOLUME[1], 255)
    both = np.stack([VOLUME[1], opacity], -1)
    tifffile.imwrite(file, both, extrasamples=["unassalpha"], **GREY)
    Image.fromarray(both, "LA").save(tmp_path / "a.png")
    for name in (file, tmp_path / "a.png"):
        volume = read_volume(name)
        np.testing.assert_array_equal(volume.array, VOLUME[1])
        assert volume.notes == ()
    both[0, 0, 1] = 0
    Image.fromarray(both, "LA").save(tmp_path / "a.png")
    assert read_volume(tmp_path / "a.png").notes == ("opacity varies, and is not used",)


def test_two_values_a_pixel_without_opacity_are_refused(file):
    tifffile.imwrite(file, np.stack([VOLUME[1], 1 - VOLUME[1]], -1), planarconfig="contig", **GREY)
    with pytest.raises(InputError, match="colour image"):
        read_volume(file)


@pytest.mark.parametrize("kind", ["imagej", "ome"])
@pytest.mark.parametrize(("axis", "word"), [("T", "5 points in time"), ("C", "5 channels")])
def test_time_and_channels_are_not_depth(tmp_path, kind, axis, word):
    file = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif")
    tifffile.imwrite(file, VOLUME, metadata={"axes": f"{axis}YX"}, **{kind: True})
    with pytest.raises(InputError, match=f"{word}.*--axis-order zyx"):
        read_volume(file)
    np.testing.assert_array_equal(read_volume(file, axis_order="zyx").array, VOLUME)
    if axis == "T":
        np.testing.assert_array_equal(read_volume(file, ensemble=True).array, VOLUME)
    else:
        with pytest.raises(InputError, match=word):
            read_volume(file, ensemble=True)


def test_a_volume_at_several_times(file):
    tifffile.imwrite(file, np.stack([VOLUME, 1 - VOLUME]), imagej=True, metadata={"axes": "TZYX"})
    with pytest.raises(InputError, match="2 points in time"):
        read_volume(file)
    assert read_volume(file, ensemble=True).axes == "szyx"


def test_slices_that_a_writer_took_for_colours(file):
    """Without photometric, tifffile stores three or four slices as planes of colours."""
    with pytest.warns(DeprecationWarning, match="RGB"):
        tifffile.imwrite(file, VOLUME[:4], compression="zlib", photometric=None)
    with pytest.raises(InputError, match="--axis-order zyx"):
        read_volume(file)
    np.testing.assert_array_equal(read_volume(file, axis_order="zyx").array, VOLUME[:4])


# Sizes and names


@pytest.mark.parametrize("shape", [(5, 6, 7), (1, 6, 7), (6, 7)])
def test_own_files_come_back(file, shape):
    labels = VOLUME.ravel()[: np.prod(shape)].reshape(shape)
    ms = as_microstructure(
        labels, phases={0: "pore", 1: "solid"}, voxel_size=[3e-6, 2e-6, 1e-6][-len(shape) :]
    )
    save_tiff(file, ms)
    back = load_microstructures(file)
    np.testing.assert_array_equal(back, ms)
    assert back.dims == ms.dims
    assert phases_of(back) == {0: "pore", 1: "solid"}
    assert voxel_size_of(back) == voxel_size_of(ms)
    with open_labels(file) as labels:
        assert (labels.phases, labels.voxel_size) == (phases_of(ms), voxel_size_of(ms))
    assert voxel_size_of(load_microstructures(file, voxel_size=5e-6)).size[0] == 5e-6
    assert phases_of(load_microstructures(file, phases={0: "a", 1: "b"})) == {0: "a", 1: "b"}


def test_own_files_without_a_size(file):
    save_tiff(file, VOLUME)
    assert voxel_size_of(load_microstructures(file)).unit == "voxel"


@pytest.mark.parametrize("unit", ["um", "micron", "\\u00B5m", "microns"])
def test_sizes_of_imagej(file, unit):
    tifffile.imwrite(
        file,
        VOLUME,
        imagej=True,
        resolution=(4.0, 2.0),
        metadata={"axes": "ZYX", "spacing": 0.75, "unit": unit},
    )
    assert read_volume(file).voxel_size == pytest.approx((0.75e-6, 0.5e-6, 0.25e-6))


def test_imagej_without_a_distance_of_slices_or_unit(file):
    options = {"imagej": True, "resolution": (4.0, 4.0)}
    tifffile.imwrite(file, VOLUME, metadata={"axes": "ZYX", "unit": "um"}, **options)
    volume = read_volume(file)
    assert volume.voxel_size is None
    assert "ImageJ (x 2.5e-07 m, y 2.5e-07 m) not used: it says none for z" in volume.notes[0]
    tifffile.imwrite(file, VOLUME[0], metadata={"unit": "um"}, **options)
    assert read_volume(file).voxel_size == pytest.approx((0.25e-6, 0.25e-6))
    tifffile.imwrite(
        file, VOLUME, metadata={"axes": "ZYX", "spacing": 2.0, "unit": "pixel"}, **options
    )
    assert read_volume(file).voxel_size is None


def test_sizes_of_ome(tmp_path):
    file = tmp_path / "a.ome.tif"
    sizes = {
        "PhysicalSizeX": 400.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.5,
        "PhysicalSizeYUnit": "µm",
        "PhysicalSizeZ": 0.75,
    }
    tifffile.imwrite(file, VOLUME, metadata={"axes": "ZYX", **sizes})
    assert read_volume(file).voxel_size == pytest.approx((0.75e-6, 0.5e-6, 0.4e-6))
    del sizes["PhysicalSizeZ"]
    tifffile.imwrite(file, VOLUME, metadata={"axes": "ZYX", **sizes})
    volume = read_volume(file)
    assert volume.voxel_size is None
    assert "says none for z" in volume.notes[0]


@pytest.mark.parametrize(
    ("resolution", "unit", "size"),
    [(25400, "INCH", 1e-6), (20000, "CENTIMETER", 0.5e-6), (100, "NONE", None)],
)
def test_a_resolution_finer_than_print_is_a_pixel_size(file, resolution, unit, size):
    options = {"resolution": (resolution, resolution), "resolutionunit": unit}
    tifffile.imwrite(file, VOLUME[0], metadata=None, **options)
    found = read_volume(file).voxel_size
    assert found == (None if size is None else pytest.approx((size, size)))
    tifffile.imwrite(file, VOLUME, metadata=None, **options, **GREY)
    volume = read_volume(file)
    assert volume.voxel_size is None
    assert bool(volume.notes) == (size is not None)


@pytest.mark.parametrize("dpi", [72, 96, 300, 600, 2400])
def test_a_resolution_of_a_printer_is_not_a_pixel_size(file, dpi):
    Image.fromarray(VOLUME[0]).save(file, dpi=(dpi, dpi))
    volume = read_volume(file)
    assert volume.voxel_size is None
    assert "stated, not used" in volume.notes[0]


def test_a_millimetre_is_not_believed(file):
    tifffile.imwrite(
        file,
        VOLUME,
        imagej=True,
        resolution=(1.0, 1.0),
        metadata={"axes": "ZYX", "spacing": 1.0, "unit": "mm"},
    )
    volume = read_volume(file)
    assert volume.voxel_size is None
    assert "stated by ImageJ, not used: 1 mm or more" in volume.notes[0]


# Packing


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_packings_that_pillow_reads(file, compression, dtype):
    labels = (VOLUME * 200).astype(dtype)
    pillow(file, labels, compression=compression)
    volume = read_volume(file)
    assert volume.array.dtype == dtype
    np.testing.assert_array_equal(volume.array, labels)
    pillow(file, labels[:1], compression=compression)
    np.testing.assert_array_equal(read_volume(file).array, labels[0])


def test_bits_packed_for_fax(file):
    """White is stored as zero there; the values are those that tifffile reads without packing."""
    pillow(file, VOLUME.astype(bool), compression="group4")
    with tifffile.TiffFile(file) as tiff:
        white_is_zero = tiff.pages[0].photometric == 0
    found = read_volume(file).array
    np.testing.assert_array_equal(found, white_is_zero ^ VOLUME.astype(bool))


def test_colours_in_lzw(file):
    Image.fromarray(np.stack([VOLUME[1]] * 3, -1)).save(file, compression="tiff_lzw")
    np.testing.assert_array_equal(read_volume(file).array, VOLUME[1])


def test_another_packing_names_the_package(file):
    pages(file, VOLUME)
    data = file.read_bytes()
    tag = struct.pack("<HHI", 259, 3, 1)  # compression
    assert tag in data
    place = data.index(tag) + len(tag)
    file.write_bytes(data[:place] + struct.pack("<H", 34887) + data[place + 2 :])  # LERC
    with pytest.raises(DataFileError, match=r"LERC.*; pip install imagecodecs"):
        read_volume(f"{file}:/0")


# Damage that decoders pass over


def test_every_cut_is_noticed(file):
    """Pages that follow one another: tifffile reads those that are left, and is silent."""
    pages(file, VOLUME)
    data = file.read_bytes()
    for length in range(0, len(data), 7):
        file.write_bytes(data[:length])
        with pytest.raises(DataFileError):
            read_volume(file)


def test_a_circle_of_pages_ends(file):
    pages(file, VOLUME)
    data = bytearray(file.read_bytes())
    with tifffile.TiffFile(file) as tiff:
        first, last = tiff.pages[0].offset, tiff.pages[4].offset
    tags = struct.unpack_from("<H", data, last)[0]
    struct.pack_into("<I", data, last + 2 + 12 * tags, first)
    file.write_bytes(data)
    with pytest.raises(DataFileError, match="page 6 is missing"):
        read_volume(file)


def test_a_missing_file_of_ome_is_not_filled_with_zeros(tmp_path, caplog):
    names = [f"part{number}.ome.tif" for number in range(2)]
    planes = "".join(
        f'<TiffData FirstZ="{z}" IFD="0" PlaneCount="1"><UUID FileName="{name}">'
        f"urn:uuid:{z}</UUID></TiffData>"
        for z, name in enumerate(names)
    )
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{}">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="7" '
        'SizeY="6" SizeZ="2" SizeC="1" SizeT="1"><Channel ID="Channel:0" SamplesPerPixel="1"/>'
        + planes
        + "</Pixels></Image></OME>"
    )
    for z, name in enumerate(names):
        tifffile.imwrite(tmp_path / name, VOLUME[z], description=document.format(z), metadata=None)
    np.testing.assert_array_equal(read_volume(tmp_path / names[0]).array, VOLUME[:2])
    (tmp_path / names[1]).unlink()
    with pytest.raises(DataFileError, match="1 of 2 pages are missing"):
        read_volume(tmp_path / names[0])
    assert not caplog.records
    assert not logging.getLogger("tifffile").disabled


def test_a_strip_without_data_is_not_filled_with_zeros(file):
    tifffile.imwrite(file, VOLUME[1], rowsperstrip=2, compression="zlib", metadata=None)
    data = bytearray(file.read_bytes())
    with tifffile.TiffFile(file) as tiff:
        tag = tiff.pages[0].tags["StripByteCounts"]
        size = {3: "H", 4: "I"}[int(tag.dtype)]
    struct.pack_into(f"<{size}", data, tag.valueoffset, 0)
    file.write_bytes(data)
    with pytest.raises(DataFileError, match="part of the image has no data"):
        read_volume(file)


def test_a_truncated_stack_of_imagej_with_one_page(file):
    """ImageJ keeps large stacks behind a single page; cut, one slice is left to tifffile."""
    tifffile.imwrite(file, VOLUME, imagej=True, metadata={"axes": "ZYX"})
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages[0]
        after = page.offset + 2 + 12 * len(page.tags)
        start = page.dataoffsets[0]
    data = bytearray(file.read_bytes())
    struct.pack_into("<I", data, after, 0)
    file.write_bytes(data[: start + VOLUME[0].size * 3])
    with pytest.raises(DataFileError, match="should hold 5 slices and holds 1"):
        read_volume(file)


def test_imagej_that_promises_more_slices(file):
    tifffile.imwrite(file, VOLUME, imagej=True, metadata={"axes": "ZYX"})
    data = file.read_bytes()
    assert b"images=5\nslices=5" in data
    file.write_bytes(data.replace(b"images=5\nslices=5", b"images=9\nslices=9"))
    with pytest.raises(DataFileError, match="should hold 9 x 6 x 7 values and holds 5 x 6 x 7"):
        read_volume(file)
