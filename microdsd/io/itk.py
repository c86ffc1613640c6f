"""NRRD, MetaImage and NIfTI through SimpleITK, which reads all of them as 3D Slicer does."""

from __future__ import annotations

import gzip
import json
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microdsd.errors import DataFileError
from microdsd.io.request import ReadRequest
from microdsd.io.volume import Volume, with_note, with_spacing
from microdsd.microstructure.lengths import metres_per

IMAGE_IO = {
    ".nrrd": "NrrdImageIO",
    ".nhdr": "NrrdImageIO",
    ".mha": "MetaImageIO",
    ".mhd": "MetaImageIO",
    ".nii": "NiftiImageIO",
}
HEADER_BYTES = 1 << 16
NIFTI_UNITS = {1: "m", 2: "mm", 3: "um"}
DATA_FILE = re.compile(rb"^\s*(?:data ?file\s*:|ElementDataFile\s*=)\s*(.*)$", re.I | re.M)


def read_itk(request: ReadRequest) -> Volume:
    """Read NRRD, MetaImage or NIfTI.

    ITK gives lengths without a unit, which NRRD and NIfTI state and MetaImage mostly does not: a
    length without a unit is noted and not used.
    """
    import SimpleITK as sitk

    suffix = request.path.suffix.lower()
    header = _header(request.path)
    _check_data_file(request, header)
    sitk.ProcessObject.GlobalWarningDisplayOff()
    reader = sitk.ImageFileReader()
    reader.SetImageIO(IMAGE_IO[suffix])
    reader.SetFileName(str(request.path))
    reader.ReadImageInformation()
    values = int(np.prod(reader.GetSize())) * reader.GetNumberOfComponents()
    stored = sum(f.stat().st_size for f in (request.path, *_data_files(request.path, header)))
    request.check_expansion(values, stored)
    if suffix == ".nii":
        _check_nifti_size(request.path, header, int(np.prod(reader.GetSize())))
    image = reader.Execute()
    array = sitk.GetArrayFromImage(image)
    _check_packed(request.path, header, array)
    axes = {2: "yx", 3: "iyx", 4: "siyx"}.get(image.GetDimension(), "u" * image.GetDimension())
    # As short as the decimal number that was stored, in single precision by NIfTI.
    spacing = [float(str(np.float32(s))) if suffix == ".nii" else s for s in image.GetSpacing()]
    lengths = tuple(reversed(spacing))
    if image.GetNumberOfComponentsPerPixel() > 1:
        axes, lengths = axes + "r", (*lengths, 1.0)
    metadata = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    colours = min(image.GetNumberOfComponentsPerPixel(), 3)
    volume = Volume(array, axes, phases=_phases(metadata), colours=colours)
    return _with_lengths(volume, lengths, _unit(suffix, header, metadata), suffix[1:])


def _with_lengths(
    volume: Volume, lengths: tuple[float, ...], unit: float | None, source: str
) -> Volume:
    if unit is not None:
        return with_spacing(volume, tuple(length * unit for length in lengths), source)
    if set(lengths) == {1.0}:
        return volume
    spatial = [s for axis, s in zip(volume.axes, lengths, strict=True) if axis in "izyx"]
    text = " x ".join(f"{length:g}" for length in spatial)
    metres = " ".join(f"{length * 1e-3:g}" for length in dict.fromkeys(spatial))
    return with_note(
        volume,
        f"spacing {text} stated without a unit, not used; if it is in millimetres, as ITK has it, "
        f"pass --voxel-size {metres}",
    )


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    if path.suffix.lower() in (".nrrd", ".nhdr"):
        return re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    if path.suffix.lower() == ".nii":
        return head[:540]
    return re.split(rb"(?<=LOCAL)\r?\n", head, maxsplit=1)[0]


def _data_files(path: Path, header: bytes) -> list[Path]:
    if path.suffix.lower() == ".nii" or not (matched := DATA_FILE.search(header)):
        return []
    first = matched.group(1).decode("utf-8", "replace").strip()
    file = path.parent / first
    return [file] if first and file.is_file() else []


def _check_data_file(request: ReadRequest, header: bytes) -> None:
    """Require data of a header that are in another file to be in the same folder."""
    matched = DATA_FILE.search(header)
    if request.path.suffix.lower() == ".nii" or matched is None:
        return
    following = header[matched.start(1) :].decode("utf-8", "replace").split("\n")
    names = [line.strip() for line in following if line.strip()]
    if names and not names[0].upper().startswith("LIST"):
        names = names[:1]  # what follows is more of the header
    if any("/" in name or "\\" in name for name in names):
        raise DataFileError(
            f"{request.name}: its data lie in another folder ({names[0][:80]}); put both files "
            "into one folder and name the data file without its folder"
        )
    single = len(names) == 1 and names[0].upper() not in ("LOCAL", "LIST") and "%" not in names[0]
    if single and not (request.path.parent / names[0]).is_file():
        raise DataFileError(
            f"{request.name}: its data file {names[0][:80]} is missing; put it beside the header"
        )


def _check_packed(path: Path, header: bytes, array: npt.NDArray[Any]) -> None:
    """Compare packed data, with their checksum: the decoders go on where it does not agree."""
    if re.search(rb"^encoding: *gz", header, re.I | re.M):
        unpack: Callable[[bytes], bytes] = gzip.decompress
    elif re.search(rb"^CompressedData *= *True", header, re.I | re.M):
        unpack = zlib.decompress
    else:
        return
    files = _data_files(path, header)
    if files or path.suffix.lower() in (".mhd", ".nhdr"):
        packed = b"".join(file.read_bytes() for file in files)
    else:
        packed = path.read_bytes()[len(header) :].lstrip(b"\r\n")
    if unpack(packed) not in (array.tobytes(), array.byteswap().tobytes()):
        raise ValueError("header and data do not agree")


def _check_nifti_size(path: Path, header: bytes, values: int) -> None:
    """Refuse a short file, which the decoder fills up."""
    order = "<" if header[:4] in (b"\x5c\x01\0\0", b"\x1c\x02\0\0") else ">"
    (kind,) = struct.unpack_from(order + "i", header)
    if kind == 348:
        (bits,), (offset,) = (
            struct.unpack_from(order + "h", header, 72),
            struct.unpack_from(order + "f", header, 108),
        )
    else:
        (bits,), (offset,) = (
            struct.unpack_from(order + "h", header, 14),
            struct.unpack_from(order + "q", header, 168),
        )
    if path.stat().st_size < int(offset) + values * (bits // 8):
        raise EOFError("the file ends early")


def _unit(suffix: str, header: bytes, metadata: dict[str, str]) -> float | None:
    if suffix == ".nii":
        code = metadata.get("xyzt_units", "0")
        return metres_per(NIFTI_UNITS.get(int(code) & 7 if code.isdecimal() else 0))
    if suffix in (".nrrd", ".nhdr"):
        matched = re.search(rb"^(?:space )?units: *(.*)$", header, re.I | re.M)
        words = re.findall(rb'"([^"]*)"', matched.group(1)) if matched else []
    else:
        matched = re.search(rb"^DistanceUnits *= *(\S+)", header, re.I | re.M)
        words = [matched.group(1)] if matched else []
    units = {metres_per(word.decode("utf-8", "replace")) for word in words}
    return units.pop() if len(units) == 1 else None


def _phases(metadata: dict[str, Any]) -> dict[int, str] | None:
    """Return names as microdsd or the segmentations of 3D Slicer have them."""
    if "phases" in metadata:
        return {int(label): str(name) for label, name in json.loads(metadata["phases"]).items()}
    segments = [key.removesuffix("_LabelValue") for key in metadata if key.endswith("_LabelValue")]
    names = {
        int(metadata[f"{one}_LabelValue"]): metadata.get(f"{one}_Name", one) for one in segments
    }
    return {0: "background", **names} if names and len(names) == len(segments) else None
