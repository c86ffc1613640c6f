"""What other programs call to open files of this package: a reader for napari."""
