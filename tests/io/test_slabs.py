"""Parts that are read at once are bounded in bytes, along all axes."""

import hashlib
import math
import subprocess
import sys

import h5py
import numpy as np
import pytest

from microdsd.io import open_labels
from microdsd.io.stored import StoredLabels
from microdsd.microstructure import label_counts

V = np.random.default_rng(0).integers(0, 3, (20, 30, 25)).astype(np.int32)


def stored(tmp_path, chunks, order=(0, 1, 2)):
    file = h5py.File(tmp_path / "a.h5", "w")
    back = tuple(np.argsort(order))
    dataset = file.create_dataset("v", data=V.transpose(order), chunks=chunks)
    return StoredLabels((dataset,), axes=back)


@pytest.mark.parametrize("limit", [400, 3000, 20_000, 1 << 30])
@pytest.mark.parametrize("chunks", [None, (16, 8, 4), (20, 30, 25), (1, 30, 25), (7, 5, 6)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_blocks_cover_a_region_once_and_keep_the_limit(tmp_path, chunks, limit, order):
    labels = stored(tmp_path, chunks and tuple(chunks[axis] for axis in order), order)
    region = (slice(3, 20), slice(0, 29), slice(5, 25))
    seen = np.zeros(V.shape, int)
    for block in labels.blocks(region, limit=limit):
        seen[block] += 1
        size = math.prod(part.stop - part.start for part in block) * V.itemsize
        assert size <= max(limit, math.prod(chunks or (1,)) * V.itemsize)
        # No chunk is cut between two blocks.
        for part, whole, chunk in zip(block, region, chunks or (1, 1, 1), strict=True):
            assert part.start in (whole.start, part.start // chunk * chunk)
    expected = np.zeros(V.shape, int)
    expected[region] = 1
    np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("limit", [700, 9000, 1 << 26])
@pytest.mark.parametrize("chunks", [None, (16, 8, 4), (20, 30, 25)])
def test_fingerprint_and_counts_do_not_depend_on_the_cuts(tmp_path, monkeypatch, chunks, limit):
    monkeypatch.setattr("microdsd.io.stored.SLAB_BYTES", limit)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("v", data=V, chunks=chunks)
    region = (slice(3, 20), slice(0, 29), slice(5, 25))
    with open_labels(tmp_path / "a.h5", region=region) as labels:
        inside = np.ascontiguousarray(V[region].astype(np.uint8))
        digest = hashlib.sha256(f"1 {inside.shape} {inside.dtype.str}".encode() + inside.tobytes())
        assert labels.sha256() == digest.hexdigest()
        assert labels.counts() == label_counts(inside)
        np.testing.assert_array_equal(labels.load(), inside)


def test_counts_of_one_sample(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["v"] = V
    with open_labels(tmp_path / "a.h5", ensemble=True) as labels:
        assert labels.counts(3) == label_counts(V[3])


MEASURE = """
import resource, sys
import microdsd.io.stored
from microdsd.io import open_labels
microdsd.io.stored.SLAB_BYTES = 4 << 20
with open_labels(sys.argv[1], region={"x": slice(0, 64)}) as labels:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open_labels(sys.argv[1]) as labels:
    labels.counts(), labels.sha256()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_wide_layers_in_thick_chunks_need_little_memory(tmp_path):
    """All of the first axis is one chunk, 134 MB; the cache of chunks may hold 67 MB of it."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        values = np.broadcast_to(np.arange(512) % 2, (64, 512, 512))
        file.create_dataset(
            "v", data=values, chunks=(64, 64, 64), compression="gzip", compression_opts=1
        )
    words = [sys.executable, "-c", MEASURE, str(tmp_path / "a.h5")]
    kilobytes = int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert kilobytes < 100_000
