"""Parts of a reference that the generator was or was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import xarray as xr

from microdsd.io import open_labels
from microdsd.io.label_source import LabelSource

FLATTERS = (
    "The comparison flatters: the reference is material that the model was trained on. Compare "
    "with a part that training did not see, or train again with a part held back."
)


def seen_layers(
    training: Mapping[str, Any], open_leading: Callable[[int | None], LabelSource]
) -> int | None:
    """Return the layers or volumes that training saw; None if it was another scan.

    Parameters
    ----------
    training : mapping
        Record of the training: ``data_sha256``, ``data_shape`` and ``held_back``, the share at the
        end of the first axis that was held back.
    open_leading : callable
        Opens so many leading layers of the scan, or with None all of it.
    """
    digest, shape = training.get("data_sha256"), training.get("data_shape")
    if not digest or not shape or not all(isinstance(edge, int) for edge in shape):
        return None
    with open_leading(None) as whole:
        volumes, extent = whole.n_samples, list(whole.shape)
        if extent[1:] != list(shape)[1:] or extent[0] < shape[0]:
            return None
        same = extent[0] == shape[0] and whole.sha256() == digest
    if not same and extent[0] > shape[0] and volumes == 1:
        # Training may have been on the first layers of a deeper scan.
        with open_leading(shape[0]) as leading:
            same = leading.sha256() == digest
    if not same:
        return None
    length = volumes if volumes > 1 else shape[0]
    share = float(training.get("held_back") or 0.0)
    return int(length - round(share * length))


def without_training(
    training: Mapping[str, Any], reference: xr.DataArray, depth: int
) -> tuple[xr.DataArray, str | None, str | None]:
    """Return the part of a reference that training did not see.

    Parameters
    ----------
    training : mapping
        Record of the training.
    reference : DataArray, dims ([sample,] [z,] y, x)
    depth : int
        Layers that a window needs.

    Returns
    -------
    reference : DataArray
        All of it where it is another scan, or nothing else is left.
    note : str or None
        Which part was taken, or why none could be.
    flatters : str or None
        Warning where the reference was seen in training.
    """
    several = "sample" in reference.dims
    dim = str(reference.dims[0])

    def leading(layers: int | None) -> LabelSource:
        part = reference if layers is None else reference.isel({dim: slice(layers)})
        return open_labels(part, ensemble=several)

    first_unseen = seen_layers(training, leading)
    if first_unseen is None:
        return reference, None, None
    length = reference.sizes[dim]
    unit = "volumes" if several else "layers" if reference.ndim > 2 else "rows"
    unseen = length - first_unseen
    if unseen < (1 if several else depth):
        note = (
            f"The part that training held back, {unit} {first_unseen} to {length}, is too thin for "
            f"windows of {depth}: to compare with it alone, generate samples of at most {unseen} "
            f"voxels along {dim}"
        )
        return reference, note if unseen and not several else None, FLATTERS
    note = (
        f"The reference is the scan that the model was trained on; only the {unit} that training "
        f"did not see are compared, {first_unseen} to {length} of {length}"
    )
    return reference.isel({dim: slice(first_unseen, None)}), note, None
