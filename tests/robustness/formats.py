"""Files of every format that is read, or might be, valid until they are damaged.

A new format is one line in `FORMATS`; one that need not be read is named in `fuzz.MAY_REFUSE`, and
then skipped by its name where it is not.
"""

import io
import struct
import tarfile
import zipfile
from pathlib import Path

import damage
import h5py
import numpy as np
import tifffile
import xarray as xr
from kinds import Kind, attempt, fingerprint, verb
from PIL import Image
from scipy.io import savemat
from tiny_models import tiny_model

from microdsd.io import (
    load_images,
    load_microstructures,
    open_labels,
    save_images,
    save_microstructures,
    save_tiff,
    save_vti,
)
from microdsd.microstructure import as_images, as_microstructure

SHAPE = (6, 8, 7)
LABELS = (np.random.default_rng(0).random(SHAPE) < 0.4).astype(np.uint8)
NAMED = as_microstructure(LABELS, phases={0: "pore", 1: "solid"}, voxel_size=2e-6)
ZYX = {"metadata": {"axes": "ZYX"}}
PLANE = LABELS[2] * np.uint8(255)


def read(path):
    """Look into a file, bring it in, read it whole and in part."""
    attempt(verb, "info", path.name)
    attempt(verb, "import", path.name, "-o", "brought.h5")
    attempt(_part, path)
    return fingerprint(load_microstructures(path))


def _part(path):
    with open_labels(path) as labels:
        labels.read(0, [0] * len(labels.shape), [1] * len(labels.shape))
        labels.sha256()


def read_raw(path):
    shape = [str(n) for n in SHAPE]
    verb("import", path.name, "--shape", *shape, "--dtype", "uint8", "-o", "brought.h5")
    return fingerprint(load_microstructures("brought.h5"))


def read_pictures(path):
    attempt(verb, "verify", path.name)
    return fingerprint(load_images(path))


def recount(path):
    verb("verify", path.name)
    return fingerprint(load_microstructures(path))


def hdf5(fill):
    def make(folder):
        with h5py.File(folder / "scan.h5", "w") as file:
            fill(file)
        return "scan.h5"

    return make


def plain(file):
    file.create_dataset("entry/labels", data=LABELS, chunks=(2, 8, 7), compression="gzip")
    file["entry/note"] = "text"


def checked(file):
    file.create_dataset("labels", data=LABELS, chunks=(2, 8, 7), fletcher32=True)


def stack(file):
    file["labels"] = np.stack([LABELS, 1 - LABELS])


def per_sample(file):
    for i in range(4):
        file[f"sample_{i}"] = np.roll(LABELS, i, 0)


def dream3d(file):
    cells = file.create_group("DataContainers/Small/CellData")
    cells.attrs["AttributeMatrixType"] = np.uint32(3)
    cells.attrs["TupleDimensions"] = np.array(SHAPE[::-1], np.uint64)
    cells["Phases"] = LABELS[..., None].astype("i4")
    file["DataContainers/Small/_SIMPL_GEOMETRY/SPACING"] = np.array([0.5, 0.5, 0.5], "f4")


def ilastik(file):
    exported = file.create_dataset("exported_data", data=LABELS[..., None])
    exported.attrs["axistags"] = '{"axes":[{"key":"z"},{"key":"y"},{"key":"x"},{"key":"c"}]}'


def matlab(file):
    file.create_dataset("A", data=LABELS).attrs["MATLAB_class"] = np.bytes_("uint8")
    file["#refs#/a"] = LABELS
    text = file.create_dataset("name", data=np.array([[97], [98]], np.uint16))
    text.attrs["MATLAB_class"] = np.bytes_("char")


def links(file):
    file["entry/labels"] = LABELS
    file["entry/up"] = h5py.SoftLink("/")
    file["again"] = file["entry"]


def hard_links(file):
    group = file.create_group("a")
    for i in range(12):
        below = group.create_group("a")
        group["b"] = below
        group = below
        group.attrs["n"] = i
    group["labels"] = LABELS


def external(file):
    Path(file.filename).with_name("raw.bin").write_bytes(LABELS.tobytes())
    file.create_dataset("labels", SHAPE, "u1", external=[("raw.bin", 0, LABELS.size)])


def virtual(folder):
    with h5py.File(folder / "source.h5", "w") as file:
        file.create_dataset("s", data=LABELS, fletcher32=True, chunks=SHAPE)
    with h5py.File(folder / "scan.h5", "w") as file:
        layout = h5py.VirtualLayout(SHAPE, "u1")
        layout[:] = h5py.VirtualSource("source.h5", "s", SHAPE)
        file.create_virtual_dataset("labels", layout)
    return "scan.h5"


def netcdf(folder):
    array = xr.DataArray(LABELS.T, dims=("x", "y", "z"), name="labels")
    steps = {d: (d, np.arange(n) * 2.0, {"units": "um"}) for d, n in array.sizes.items()}
    array.assign_coords(steps).to_netcdf(folder / "scan.nc", engine="h5netcdf")
    return "scan.nc"


def native(folder):
    save_microstructures(folder / "scan.h5", NAMED)
    return "scan.h5"


def generated(folder):
    model = tiny_model()
    made = model.sample(2, phase_fraction={"pore": 0.3}, shape=(12, 10), rng=1)
    save_microstructures(folder / "new.h5", made)
    return "new.h5"


def pictures(folder):
    images = as_images(np.random.default_rng(0).integers(0, 9, (4, 6, 5)), classes=list("abab"))
    save_images(folder / "images.h5", images)
    return "images.h5"


def tiff_pages(folder):
    with tifffile.TiffWriter(folder / "scan.tif") as out:
        for page in LABELS:
            out.write(page)
    return "scan.tif"


def npz_bytes(path):
    np.savez_compressed(path, labels=LABELS)


def zipped(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        packed = io.BytesIO()
        tifffile.imwrite(packed, LABELS)
        file.writestr("scan/labels.tif", packed.getvalue())


def tarred(path):
    packed = io.BytesIO()
    np.save(packed, LABELS)
    with tarfile.open(path, "w:gz") as file:
        member = tarfile.TarInfo("scan/labels.npy")
        member.size = len(packed.getvalue())
        packed.seek(0)
        file.addfile(member, packed)


def nrrd(path):
    head = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 7 8 6\nencoding: raw\nspacings: 2 2 2\n\n"
    path.write_bytes(head.encode() + LABELS.tobytes())


def mha(path):
    path.write_bytes(_meta_image("LOCAL").encode() + LABELS.tobytes())


def mhd(path):
    path.write_text(_meta_image("labels.raw"))
    path.with_name("labels.raw").write_bytes(LABELS.tobytes())


def _meta_image(data):
    return (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        "ElementSpacing = 2 2 2\nDimSize = 7 8 6\nElementType = MET_UCHAR\n"
        f"ElementDataFile = {data}\n"
    )


def nifti(path):
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, 7, 8, 6, 1, 1, 1, 1)
    struct.pack_into("<hh", head, 70, 2, 8)
    struct.pack_into("<8f", head, 76, 1, 2, 2, 2, 1, 1, 1, 1)
    struct.pack_into("<f", head, 108, 352)
    head[344:348] = b"n+1\0"
    path.write_bytes(bytes(head) + LABELS.tobytes())


def avizo(path):
    head = (
        "# AmiraMesh BINARY-LITTLE-ENDIAN 2.1\n\ndefine Lattice 7 8 6\n\nParameters {\n"
        '    CoordType "uniform",\n    BoundingBox 0 12 0 14 0 10\n}\n\n'
        "Lattice { byte Labels } @1\n\n# Data section follows\n@1\n"
    )
    path.write_bytes(head.encode() + LABELS.tobytes())


def zarr_folder(folder):
    import zarr  # a skipped kind where it is not installed

    zarr.open_group(folder / "scan.zarr", mode="w", zarr_format=2).create_array("0", data=LABELS)
    return "scan.zarr"


def damage_folder(path, rng):
    """Damage one file of a folder, or remove it."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    chosen = files[rng.integers(len(files))]
    if rng.random() < 0.1:
        chosen.unlink()
        return f"{chosen.name} removed"
    small = chosen.suffix == ".json" or chosen.name.startswith(".z")
    how = damage.damage_json if small and rng.random() < 0.6 else damage.damage_bytes
    return f"{chosen.name}: {how(chosen, rng)}"


def file_of(name, write):
    """Maker of a kind from what writes one file."""

    def make(folder):
        write(folder / name)
        return name

    return make


HDF5 = damage.damage_hdf5

FORMATS = [
    Kind("hdf5 native", native, read, HDF5),
    Kind("hdf5 plain", hdf5(plain), read, HDF5),
    Kind("hdf5 fletcher32", hdf5(checked), read, HDF5),
    Kind("hdf5 stack", hdf5(stack), read, HDF5),
    Kind("hdf5 one per sample", hdf5(per_sample), read, HDF5),
    Kind("hdf5 dream3d", hdf5(dream3d), read, HDF5),
    Kind("hdf5 ilastik", hdf5(ilastik), read, HDF5),
    Kind("hdf5 matlab", hdf5(matlab), read, HDF5),
    Kind("hdf5 soft and hard links", hdf5(links), read, HDF5),
    Kind("hdf5 nested hard links", hdf5(hard_links), read, HDF5, share=0.1),
    Kind("hdf5 external", hdf5(external), read, HDF5),
    Kind("hdf5 virtual", virtual, read, HDF5),
    Kind("hdf5 images", pictures, read_pictures, HDF5),
    Kind("hdf5 generated, recounted", generated, recount, HDF5),
    Kind("netcdf", netcdf, read, HDF5),
    Kind("tiff own", file_of("scan.tif", lambda path: save_tiff(path, NAMED)), read),
    Kind(
        "tiff imagej",
        file_of("s.tif", lambda p: tifffile.imwrite(p, LABELS, imagej=True, **ZYX)),
        read,
    ),
    Kind(
        "tiff ome",
        file_of("s.ome.tif", lambda p: tifffile.imwrite(p, LABELS, ome=True, **ZYX)),
        read,
    ),
    Kind("tiff page by page", tiff_pages, read),
    Kind(
        "tiff lzw",
        file_of("s.tif", lambda p: Image.fromarray(PLANE).save(p, compression="tiff_lzw")),
        read,
    ),
    Kind("png", file_of("s.png", lambda p: Image.fromarray(PLANE).save(p)), read, checksum=True),
    Kind(
        "png with opacity",
        file_of("s.png", lambda p: Image.fromarray(PLANE).convert("LA").save(p)),
        read,
        checksum=True,
    ),
    Kind("npy", file_of("scan.npy", lambda path: np.save(path, LABELS)), read),
    Kind("npz", file_of("scan.npz", npz_bytes), read, checksum=True),
    Kind("raw", file_of("scan.raw", lambda path: path.write_bytes(LABELS.tobytes())), read_raw),
    Kind("vti", file_of("scan.vti", lambda path: save_vti(path, NAMED)), read),
    Kind("nrrd", file_of("scan.nrrd", nrrd), read),
    Kind("mha", file_of("scan.mha", mha), read),
    Kind("mhd", file_of("scan.mhd", mhd), read, damage.damage_text),
    Kind("nifti", file_of("scan.nii", nifti), read),
    Kind("mat", file_of("scan.mat", lambda p: savemat(p, {"labels": LABELS})), read),
    Kind("avizo", file_of("scan.am", avizo), read),
    Kind("zip", file_of("scan.zip", zipped), read, checksum=True),
    Kind("tar.gz", file_of("scan.tar.gz", tarred), read),
    Kind("zarr", zarr_folder, read, damage_folder),
]
