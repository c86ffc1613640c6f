"""TIFF: all images of a file, with what OME, ImageJ or microdsd say of axes and sizes."""

from __future__ import annotations

import logging
import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from microdsd.errors import DataFileError, InputError
from microdsd.io.request import ReadRequest
from microdsd.io.tiff_statements import stated_phases, with_stated_size
from microdsd.io.volume import Volume, with_note

WHITE_IS_ZERO, RGB = 0, 2
AXES = {"X": "x", "Y": "y", "Z": "i", "I": "i", "Q": "i", "S": "r", "T": "t"}
PLAIN_BITS = {1, 8, 16, 32}


def read_tiff(request: ReadRequest) -> Volume:
    """Read all images of a TIFF that make one volume, or the one that was asked for.

    Images of equal shape and type are joined along a new first axis. Images that the file marks
    as reduced copies, thumbnails and pyramids, are left out.
    """
    import tifffile

    with request.path.open("rb") as file:
        _check_pages(file, request.name)
    with _quiet(), tifffile.TiffFile(request.path) as tiff:
        images = [s for s in tiff.series if not s.keyframe.is_reduced] or list(tiff.series)
        chosen = _chosen(images, request)
        for image in chosen:
            _check_whole(tiff, image, request.name)
        request.check_expansion(sum(image.size * image.dtype.itemsize for image in chosen))
        joined = [_pixels(image, request) for image in chosen]
        first = chosen[0]
        axes = "".join(AXES.get(axis, "c") for axis in first.axes)
        array = joined[0]
        if len(joined) > 1:
            # Images of OME are separate by definition: depth has an axis of its own there.
            array, axes = np.stack(joined), ("s" if first.kind == "ome" else "i") + axes
        volume = Volume(
            array,
            axes,
            phases=stated_phases(first),
            colours=_number_of_colours(first.keyframe, array.shape, axes),
        )
        volume = with_stated_size(volume, tiff, first)
    if len(images) < len(tiff.series):
        volume = with_note(volume, "reduced copies of the image in the file are left out")
    return volume


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep tifffile from printing what it passes over; what matters is checked here."""
    logger = logging.getLogger("tifffile")
    disabled, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = disabled


def _check_pages(file: BinaryIO, name: str) -> None:
    """Refuse a broken or circular chain of pages, of which decoders read the beginning."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None:
        raise ValueError(f"its first bytes are {head[:4]!r}")
    large = head[2:4] in (b"\x2b\0", b"\0\x2b")
    link, number, entry = ("Q", "Q", 20) if large else ("I", "H", 12)
    (offset,) = struct.unpack_from(order + link, head, 8 if large else 4)
    offsets: set[int] = set()
    while offset:
        file.seek(offset)
        count = file.read(struct.calcsize(number))
        entries = struct.unpack(order + number, count)[0] if len(count) else 0
        file.seek(entries * entry, 1)
        following = file.read(struct.calcsize(link))
        if offset in offsets or not count or len(following) < struct.calcsize(link):
            raise DataFileError(
                f"{name}: cannot be read as TIFF, page {len(offsets) + 1} is missing; the file is "
                "damaged or truncated, take a whole copy"
            )
        offsets.add(offset)
        (offset,) = struct.unpack(order + link, following)


def _chosen(images: Sequence[Any], request: ReadRequest) -> Sequence[Any]:
    listing = {
        str(number): f"{' x '.join(map(str, image.shape))} {image.dtype}"
        for number, image in enumerate(images)
    }
    if request.member is None and len(set(listing.values())) == 1:
        return images
    if request.member is None and images:
        listed = "; ".join(f"{number}: {text}" for number, text in list(listing.items())[:20])
        raise InputError(
            f"{request.name}: holds {len(images)} images that do not make one stack ({listed}); "
            f"name one image, as in {request.name}:/1"
        )
    return [images[int(request.choose(listing, "image"))]]


def _check_whole(tiff: Any, image: Any, name: str) -> None:
    """Refuse what a decoder would fill with zeros."""
    pages = list(image.pages)
    if any(page is None for page in pages):
        raise DataFileError(
            f"{name}: {sum(page is None for page in pages)} of {len(pages)} pages are missing; "
            "they lie in other files, which must be in the same folder"
        )
    if any(0 in page.databytecounts for page in pages):
        raise DataFileError(
            f"{name}: part of the image has no data; it is damaged, or was never written"
        )
    metadata = tiff.imagej_metadata or {}
    number = math.prod(int(metadata.get(key, 1)) for key in ("frames", "slices", "channels"))
    slices = math.prod(
        n for axis, n in zip(image.axes, image.shape, strict=True) if axis in "TZCSIQ"
    )
    if slices < number:
        raise DataFileError(
            f"{name}: should hold {number} slices and holds {slices}; the file is truncated"
        )


def _pixels(image: Any, request: ReadRequest) -> npt.NDArray[Any]:
    try:
        array = np.asarray(image.asarray())
    except Exception as error:
        if "imagecodecs" not in str(error):
            raise
        try:
            decoded = _through_pillow(image, request)
        except SyntaxError:  # Pillow does not know the packing either
            decoded = None
        if decoded is None:
            raise DataFileError(
                f"{request.name}: is packed by {image.keyframe.compression!r}; "
                "pip install imagecodecs, or save it without compression"
            ) from error
        array = decoded
    if array.shape != image.shape:
        raise DataFileError(
            f"{request.name}: should hold {' x '.join(map(str, image.shape))} values and holds "
            f"{' x '.join(map(str, array.shape))}; the file is truncated"
        )
    return array


def _through_pillow(image: Any, request: ReadRequest) -> npt.NDArray[Any] | None:
    """Read pages that only Pillow can unpack (LZW, CCITT); None where type or shape differ."""
    from PIL.TiffImagePlugin import TiffImageFile

    key = image.keyframe
    bits = np.atleast_1d(key.bitspersample)
    plain = set(bits.tolist()) <= PLAIN_BITS and all(isinstance(p.index, int) for p in image.pages)
    if not plain or any(page.parent is not key.parent for page in image.pages):
        return None
    pages = []
    # The class itself, not Image.open: its limit on the size is ours to set.
    with request.path.open("rb") as file, TiffImageFile(file) as picture:
        for page in image.pages:
            picture.seek(page.index)
            values = np.asarray(picture)
            if values.shape != key.shape and values.ndim == 3:
                values = np.moveaxis(values, -1, 0)
            if values.shape != key.shape or values.dtype.itemsize < key.dtype.itemsize:
                return None
            # Pillow shows white-is-zero as it looks, tifffile gives what is stored.
            pages.append(~values if key.photometric == WHITE_IS_ZERO else values)
    return np.stack(pages).astype(key.dtype).reshape(image.shape)


def _number_of_colours(page: Any, shape: tuple[int, ...], axes: str) -> int:
    if "r" not in axes:
        return 0
    samples = shape[axes.index("r")]
    if page.photometric == RGB:
        return min(samples, 3)
    return samples - sum(int(extra) in (1, 2) for extra in page.extrasamples or ())
