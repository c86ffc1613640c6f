"""Files in and out: HDF5, and the formats that images and volumes come in."""

from microdsd.io.atomic import atomic_write, ensure_writable
from microdsd.io.discovery import matching_specs, split_spec
from microdsd.io.export import (
    check_format,
    ensure_samples_writable,
    output_files,
    save_samples,
)
from microdsd.io.formats import is_volume, read_image_stack, read_volume
from microdsd.io.hdf5 import (
    ensure_microstructures_writable,
    iterate_samples,
    load_microstructures,
    save_microstructures,
)
from microdsd.io.images import save_tiff
from microdsd.io.label_source import LabelSource
from microdsd.io.listing import ArrayInfo, links_to_other_files, list_microstructures
from microdsd.io.meta_image import save_mha, save_mhd
from microdsd.io.nrrd import save_nhdr, save_nrrd
from microdsd.io.ome_files import save_ome_tiff, save_ome_zarr
from microdsd.io.partial import output_lock, place_of_parts
from microdsd.io.pictures import holds_images, load_images, save_images
from microdsd.io.volume import Volume
from microdsd.io.vti import save_vti
from microdsd.io.windows import open_labels, read_sample
from microdsd.microstructure.reading import read_files_with

read_files_with(load_microstructures)

__all__ = [
    "ArrayInfo",
    "LabelSource",
    "Volume",
    "atomic_write",
    "check_format",
    "ensure_microstructures_writable",
    "ensure_samples_writable",
    "ensure_writable",
    "holds_images",
    "is_volume",
    "iterate_samples",
    "links_to_other_files",
    "list_microstructures",
    "load_images",
    "load_microstructures",
    "matching_specs",
    "open_labels",
    "output_files",
    "output_lock",
    "place_of_parts",
    "read_image_stack",
    "read_sample",
    "read_volume",
    "save_images",
    "save_mha",
    "save_mhd",
    "save_microstructures",
    "save_nhdr",
    "save_nrrd",
    "save_ome_tiff",
    "save_ome_zarr",
    "save_samples",
    "save_tiff",
    "save_vti",
    "split_spec",
]
