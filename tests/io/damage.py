"""Damaged HDF5 files: what each reader makes of flipped, lost and blanked bytes.

By hand, thousands of inputs in processes of their own, so that crashes and hangs are seen too:
``python tests/io/damage.py 5000``.
"""

import collections
import os
import signal
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from microdsd.errors import MicrodsdError
from microdsd.io import (
    holds_images,
    list_microstructures,
    load_images,
    load_microstructures,
    open_labels,
    save_images,
    save_microstructures,
)
from microdsd.microstructure import as_images, as_microstructure, phases_of, voxel_size_of

RNG = np.random.default_rng(0)
V = RNG.integers(0, 3, (6, 7, 5)).astype(np.uint8)
NAMES = {0: "pore", 1: "solid", 2: "binder"}


def write_files(folder):
    """One file of every layout, by name."""
    ms = as_microstructure(V, phases=NAMES, voxel_size=2e-6, provenance={"seed": 1})
    save_microstructures(folder / "native.h5", ms)
    stack = as_microstructure(V, phases=NAMES, ensemble=True)
    stack = stack.assign_coords(seed=("sample", np.arange(6)))
    save_microstructures(folder / "native-stack.h5", stack)
    images = as_images(V, classes=list("abcabc"))
    save_images(folder / "images.h5", images)
    ms.transpose("x", "y", "z").to_netcdf(folder / "named.nc", engine="h5netcdf")
    with h5py.File(folder / "dream3d.h5", "w") as file:
        group = file.create_group("DataContainers/S/Cells")
        group.attrs["AttributeMatrixType"] = np.uint32(3)
        group["Phases"] = V[..., None].astype("i4")
        group["Phases"].attrs["ComponentDimensions"] = np.array([1], np.uint64)
        file["DataContainers/S/_SIMPL_GEOMETRY/SPACING"] = np.ones(3, np.float32)
    with h5py.File(folder / "ilastik.h5", "w", libver="latest") as file:
        stored = file.create_dataset("data", data=V[..., None], chunks=(2, 7, 5, 1), shuffle=True)
        stored.attrs["axistags"] = '{"axes":[{"key":"z"},{"key":"y"},{"key":"x"},{"key":"c"}]}'
    with h5py.File(folder / "samples.h5", "w") as file:
        for number in range(3):
            file.create_dataset(f"s{number}", data=V, chunks=(2, 3, 5), compression="lzf")
        file["other"] = h5py.SoftLink("/s0")
    with h5py.File(folder / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout(V.shape, V.dtype)
        layout[:] = h5py.VirtualSource("native.h5", "microstructures/labels", V.shape)
        file.create_virtual_dataset("labels", layout)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def damaged(data, rng):
    """Flip a few bits, blank or repeat a stretch, or cut the end off."""
    data = bytearray(data)
    kind = rng.integers(6)
    if kind == 0:
        return bytes(data[: rng.integers(len(data))])
    if kind == 1:
        start = rng.integers(len(data))
        length = int(rng.integers(1, 64))
        fill = int(rng.choice([0, 255]))
        data[start : start + length] = bytes([fill]) * len(data[start : start + length])
        return bytes(data)
    if kind == 2:
        a, b = rng.integers(len(data) - 64, size=2)
        data[a : a + 32] = data[b : b + 32]
        return bytes(data)
    for _ in range(rng.integers(1, 8) if kind == 3 else 1):
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    return bytes(data)


def answer(path):
    """What a file says of its labels when everything that reads it succeeds."""
    if holds_images(path):
        images = load_images(path)
        return images.shape, images.values.tobytes(), str(images["class"].values)
    list_microstructures(path)
    ms = load_microstructures(path)
    with open_labels(path) as labels:
        labels.read(0, [0] * len(labels.shape), labels.shape)
        labels.counts()
        labels.sha256()
    return ms.shape, ms.values.tobytes(), phases_of(ms), voxel_size_of(ms)


def outcome(path, right):
    """``refused``, ``same``, ``other``, or the type of an exception that is none of ours."""
    try:
        return "same" if answer(path) == right else "other"
    except MicrodsdError:
        return "refused"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def run(number, seed=0, names=None, each=None):
    """Outcomes of so many damaged files, counted by layout."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_files(folder)
        right = {name: answer(folder / name) for name in files}
        chosen = sorted(files) if names is None else names
        found = {name: collections.Counter() for name in chosen}
        for i in range(number):
            rng = np.random.default_rng((seed, i))
            name = chosen[i % len(chosen)]
            path = folder / f"damaged-{name}"
            path.write_bytes(damaged(files[name], rng))
            found[name][(each or outcome)(path, right[name])] += 1
        return found


def in_a_process(path, right):
    """`outcome` in a process of its own, ended after 20 seconds."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os.write(writer, outcome(path, right)[:2000].encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        keep = Path(tempfile.gettempdir()) / f"crash-{os.WTERMSIG(status)}-{path.name}"
        keep.write_bytes(path.read_bytes())
        return f"killed by signal {os.WTERMSIG(status)} ({keep})"
    return said


if __name__ == "__main__":
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    for name, counts in run(int(sys.argv[1]), seed, each=in_a_process).items():
        print(name)
        for what, count in counts.most_common(12):
            print(f"  {count:6d} {what[:150]}")
