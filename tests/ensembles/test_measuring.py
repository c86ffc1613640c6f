"""Ensembles measured sample by sample: the same numbers, and nothing lost on the way."""

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from functools import partial
from pathlib import Path

import h5py
import measures
import numpy as np
import pytest
import xarray as xr

from microdsd.ensembles import measure_ensemble, place_of_parts
from microdsd.errors import DataFileError, InputError, MicrodsdError
from microdsd.io import load_microstructures, open_labels, save_microstructures
from microdsd.metrics import describe
from microdsd.microstructure import as_microstructure, blobs
from microdsd.transport import describe_transport

NAMES = {0: "pore", 1: "solid", 2: "clay"}
GROUPS = ["fractions", "profiles", "two_point", "local_thickness", "surface", "euler"]
GROUPS += ["percolation", "triple_lines", "anisotropy", "chords"]


def samples(n=5):
    """Media of three phases, of which sample 1 lacks the last and all have their own sizes."""
    stack = np.stack(
        [blobs((20, 24), fractions=(0.3, 0.4, 0.3), scale=1 + i, rng=i).values for i in range(n)]
    )
    stack[1][stack[1] == 2] = 1
    return as_microstructure(stack, phases=NAMES, voxel_size=1e-6, ensemble=True)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "stack.h5"
    save_microstructures(path, samples())
    return path


def spoil(path, number):
    """Put a label that no phase has into one sample."""
    with h5py.File(path, "r+") as opened:
        opened["microstructures/labels"][number, 0, 0] = 7


class Interrupted:
    """A measure that is interrupted at one sample, and counts those it was given."""

    def __init__(self, at=None):
        self.at, self.seen = at, []

    def __call__(self, ms):
        number = ms.sample.item()
        if number == self.at:
            raise KeyboardInterrupt
        self.seen.append(number)
        return measures.fractions(ms)


def stop(file, output, at=2):
    with pytest.raises(KeyboardInterrupt):
        measure_ensemble(file, Interrupted(at), output)


def test_the_same_as_the_stack_at_once(file, tmp_path):
    options = {"periodic": False, "descriptors": GROUPS}
    found, failures = measure_ensemble(file, partial(describe, **options), tmp_path / "out.nc")
    direct = describe(load_microstructures(file), **options)
    assert failures == {}
    assert direct.local_thickness_share.isnull().any()
    assert len(set(direct.mean_local_thickness.max("phase").values)) > 1
    xr.testing.assert_allclose(found, direct, rtol=1e-12)
    for name, variable in direct.variables.items():
        assert found[name].dtype == variable.dtype
        assert found[name].attrs == variable.attrs
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "out.nc", engine="h5netcdf"), found)
    assert not place_of_parts(tmp_path / "out.nc").exists()


def test_transport_is_the_same_too(file):
    measure = partial(describe_transport, phase="solid", properties=["diffusivity"])
    found, _ = measure_ensemble(file, measure)
    xr.testing.assert_allclose(found, measure(load_microstructures(file)), rtol=1e-12)


def test_a_part_of_the_volume_and_of_the_specimen(file, tmp_path):
    mask = np.zeros((5, 20, 24), np.uint8)
    mask[:, :, :9] = 255
    mask[3] = 1
    save_microstructures(tmp_path / "mask.h5", as_microstructure(mask, ensemble=True))
    measure = partial(describe, periodic=False, descriptors=["fractions", "two_point"])
    region = {"x": slice(4, 20)}
    found, _ = measure_ensemble(file, measure, region=region, mask=tmp_path / "mask.h5")
    with open_labels(file, region=region) as source:
        direct = measure(source.load(), mask=mask[:, :, 4:20] != 0)
    np.testing.assert_allclose(found.phase_fraction, direct.phase_fraction, rtol=1e-12)
    np.testing.assert_allclose(found.two_point_probability, direct.two_point_probability)
    save_microstructures(tmp_path / "two.h5", as_microstructure(mask[2:4], ensemble=True))
    with pytest.raises(InputError, match=r"two\.h5 has 2 samples, the ensemble has 5"):
        measure_ensemble(file, measure, mask=tmp_path / "two.h5")


def test_layouts_and_several_files(file, tmp_path):
    """Ten numbered groups, a plain stack with one array per sample, and two files in a row."""
    expected = measures.fractions(samples(11)).fraction.values
    for i, sample in enumerate(samples(11)):
        save_microstructures(tmp_path / "groups.h5", sample, group=f"sample_{i}")
    with h5py.File(tmp_path / "plain.h5", "w") as plain:
        for i, sample in enumerate(samples(11).values):
            plain[f"part_{i}"] = sample.astype(np.int32)
    whole, rest = f"{file}:/microstructures", f"{tmp_path}/groups.h5:/sample_*"
    for sources, number in ((rest, 11), (tmp_path / "plain.h5", 11), ([whole, rest], 16)):
        found, _ = measure_ensemble(sources, measures.fractions, phases=NAMES)
        rows = found.fraction.values
        np.testing.assert_array_equal(rows[-11:], expected)
        np.testing.assert_array_equal(rows[: number - 11], expected[: number - 11])
        assert found.sample.values.tolist() == list(range(number))
    names = found.source.values
    assert names[4].endswith("stack.h5:/microstructures")
    assert names[15].endswith("groups.h5:/sample_10")
    with pytest.raises(DataFileError, match="no array at a path like /phantom"):
        measure_ensemble(f"{file}:/phantom*", measures.fractions)
    save_microstructures(tmp_path / "small.h5", samples()[:, :10])
    with pytest.raises(InputError, match=r"small\.h5 has the shape \(10, 24\)"):
        measure_ensemble([file, tmp_path / "small.h5"], measures.fractions)


def test_one_sample_at_a_time(tmp_path):
    path, number, edge = tmp_path / "large.h5", 24, 64
    with h5py.File(path, "w") as large:
        large.create_dataset("labels", (number, edge, edge, edge), np.uint8)[:, ::2] = 1
    measure = partial(measure_ensemble, path, measures.fractions, phases={0: "a", 1: "b"})
    measure()
    tracemalloc.start()
    try:
        found, _ = measure()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(found.fraction, np.full((number, 2), 0.5))
    assert peak < number * edge**3 / 2


def test_an_interrupted_run_goes_on(file, tmp_path):
    output = tmp_path / "out.nc"
    stop(file, output)
    told, measure = [], Interrupted()
    found, _ = measure_ensemble(
        file, measure, output, resume=True, progress=lambda *state: told.append(state[:2])
    )
    assert measure.seen == [2, 3, 4]
    assert told == [(2, 5), (3, 5), (4, 5), (5, 5)]
    xr.testing.assert_equal(found.fraction, measures.fractions(load_microstructures(file)).fraction)
    assert not place_of_parts(output).exists()
    with pytest.raises(DataFileError, match="exists"):
        measure_ensemble(file, Interrupted(), output, resume=True)


def test_a_stopped_run_is_neither_mixed_nor_lost(file, tmp_path):
    output = tmp_path / "out.nc"
    stop(file, output)
    with pytest.raises(DataFileError, match="2 samples that a stopped run"):
        measure_ensemble(file, Interrupted(), output)
    for changes, culprit in [
        ({"measure": measures.fractions}, "differs in measure;"),
        ({"voxel_size": 2e-6}, "differs in voxel size;"),
        ({"region": {"x": slice(0, 9)}}, "differs in shape, region;"),
    ]:
        options = {"measure": Interrupted(), **changes}
        with pytest.raises(DataFileError, match=culprit):
            measure_ensemble(file, output=output, resume=True, **options)
    record = place_of_parts(output) / "record.json"
    kept = json.loads(record.read_text())
    record.write_text(json.dumps({**kept, "version of microdsd": "0.0.1"}))
    with pytest.raises(DataFileError, match="differs in version of microdsd"):
        measure_ensemble(file, Interrupted(), output, resume=True)
    record.write_text(json.dumps(kept))
    with h5py.File(file, "r+") as opened:
        opened["microstructures/labels"][1, 0, 0] ^= 1
    with pytest.raises(DataFileError, match="sample 1 has changed"):
        measure_ensemble(file, Interrupted(), output, resume=True)
    measure = Interrupted()
    measure_ensemble(file, measure, output, overwrite=True)
    assert measure.seen == [0, 1, 2, 3, 4]


def test_options_are_part_of_the_record(file, tmp_path):
    spoil(file, 4)
    output = tmp_path / "out.nc"
    measure = partial(describe, descriptors=["surface"])
    measure_ensemble(file, partial(measure, periodic=False), output)
    with pytest.raises(DataFileError, match="differs in option periodic;"):
        measure_ensemble(file, partial(measure, periodic=True), output, resume=True)


def test_a_bad_sample_costs_no_other(file, tmp_path):
    output = tmp_path / "out.nc"
    spoil(file, 2)
    found, failures = measure_ensemble(file, measures.fractions, output)
    assert list(failures) == [2]
    assert "7" in failures[2]
    assert found.sample.values.tolist() == [0, 1, 3, 4]
    written = xr.load_dataset(output, engine="h5netcdf")
    xr.testing.assert_identical(written, found)
    assert json.loads(written.attrs["failed_samples"]) == {"2": failures[2]}
    save_microstructures(file, samples(), overwrite=True)
    found, failures = measure_ensemble(file, measures.fractions, output, resume=True)
    assert failures == {}
    assert xr.load_dataset(output, engine="h5netcdf").sizes["sample"] == 5
    assert not place_of_parts(output).exists()


def test_damaged_data_cost_no_other(tmp_path):
    path = tmp_path / "damaged.h5"
    save_microstructures(path, samples())
    with h5py.File(path) as opened:
        place = opened["microstructures/labels"].id.get_chunk_info(3)
    content = bytearray(path.read_bytes())
    content[place.byte_offset : place.byte_offset + place.size] = bytes(place.size)
    path.write_bytes(content)
    found, failures = measure_ensemble(path, measures.fractions)
    assert "damaged" in failures[3]
    assert found.sample.values.tolist() == [0, 1, 2, 4]


def test_bad_samples_at_the_beginning_are_no_error_of_the_settings(file):
    for number in range(4):
        spoil(file, number)
    found, failures = measure_ensemble(file, measures.fractions)
    assert list(failures) == [0, 1, 2, 3]
    assert found.sample.values.tolist() == [4]
    spoil(file, 4)
    with pytest.raises(MicrodsdError, match="none of 5 samples could be measured; sample 0"):
        measure_ensemble(file, measures.fractions)


def test_an_error_of_the_settings_is_raised_at_once(file, tmp_path):
    output, seen = tmp_path / "out.nc", []

    def measure(ms):
        seen.append(ms)
        raise ZeroDivisionError("settings")

    with pytest.raises(ZeroDivisionError, match="settings"):
        measure_ensemble(file, measure, output)
    assert len(seen) == 3
    assert not place_of_parts(output).exists()
    with pytest.raises(InputError, match="no phase 'water'"):
        measure_ensemble(file, partial(describe, periodic=False, phase=["water"]))


def test_nothing_at_all_is_an_error(file, tmp_path):
    def measure(ms):
        raise ValueError(f"of sample {ms.sample.item()}")

    with pytest.raises(MicrodsdError, match=r"none of 5 samples .* sample 0: ValueError"):
        measure_ensemble(file, measure, tmp_path / "out.nc")
    assert not (tmp_path / "out.nc").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheduler": "nowhere"}, "'nowhere' is neither 'local' nor an address"),
        ({"workers": 2}, "workers: go with the scheduler"),
        ({"scheduler": "tcp://localhost:1", "workers": 2}, "workers of its own"),
        ({"scheduler": "local", "workers": 0}, "at least 1"),
        ({"resume": True}, "needs the output"),
    ],
)
def test_refused_before_anything_is_read(options, message):
    with pytest.raises(InputError, match=message):
        measure_ensemble("no such file.h5", measures.fractions, **options)


def test_without_dask(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MicrodsdError, match=r'pip install "microdsd\[distributed\]"'):
        measure_ensemble(file, measures.fractions, scheduler="local")
    assert measure_ensemble(file, measures.fractions).failures == {}


def test_a_killed_process_loses_one_sample(file, tmp_path):
    output, marker = tmp_path / "out.nc", tmp_path / "at the last"
    code = (
        "import measures, sys; from functools import partial; "
        "from microdsd.ensembles import measure_ensemble; "
        f"measure = partial(measures.fractions_but_never_the_last, marker={str(marker)!r}); "
        f"measure_ensemble({str(file)!r}, measure, {str(output)!r})"
    )
    here = Path(__file__).parent
    process = subprocess.Popen([sys.executable, "-c", code], cwd=here)
    try:
        while not marker.exists():
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    measure = partial(measures.fractions_but_never_the_last, marker=str(marker))
    told = []
    found, _ = measure_ensemble(
        file, measure, output, resume=True, progress=lambda *state: told.append(state[:2])
    )
    assert told == [(4, 5), (5, 5)]
    xr.testing.assert_equal(found.fraction, measures.fractions(load_microstructures(file)).fraction)


@pytest.mark.parametrize(("parts", "grid"), [(8, (2, 3)), ((10, 24), (2, 1)), ((7, 5), (2, 4))])
def test_parts_of_a_volume_are_samples(file, tmp_path, parts, grid):
    edges = (parts, parts) if isinstance(parts, int) else parts
    stack = samples()
    cut = [
        stack.values[n][i * edges[0] : (i + 1) * edges[0], j * edges[1] : (j + 1) * edges[1]]
        for n in range(5)
        for i in range(grid[0])
        for j in range(grid[1])
    ]
    whole = tmp_path / "cut.h5"
    blocks = as_microstructure(np.stack(cut), phases=NAMES, voxel_size=1e-6, ensemble=True)
    save_microstructures(whole, blocks)
    measure = partial(describe, periodic=False, descriptors=["fractions", "surface"])
    found, _ = measure_ensemble(file, measure, parts=parts)
    xr.testing.assert_identical(found, measure_ensemble(whole, measure)[0])


def test_parts_begin_at_the_region_and_take_their_mask_along(file, tmp_path):
    mask = np.zeros((5, 20, 24), np.uint8)
    mask[:, 3:, 2:20] = 1
    mask[2, 5:9] = 0
    save_microstructures(tmp_path / "mask.h5", as_microstructure(mask, ensemble=True))
    measure = partial(describe, periodic=False, descriptors=["fractions"])
    options = {"mask": tmp_path / "mask.h5", "region": {"y": slice(4, 18), "x": slice(2, 20)}}
    found, _ = measure_ensemble(file, measure, parts=(7, 9), **options)
    for number in range(20):
        sample, part = divmod(number, 4)
        y, x = 4 + 7 * (part // 2), 2 + 9 * (part % 2)
        labels = samples().values[sample, y : y + 7, x : x + 9]
        inside = mask[sample, y : y + 7, x : x + 9] != 0
        expected = np.bincount(labels[inside], minlength=3) / inside.sum()
        np.testing.assert_allclose(found.phase_fraction[number], expected)


def test_parts_that_do_not_fit_are_refused(file):
    for parts in (25, 0, (4, 4, 4)):
        with pytest.raises(InputError, match=r"voxels|2D"):
            measure_ensemble(file, describe, parts=parts)


def test_a_run_is_not_resumed_with_other_parts(file, tmp_path):
    output = tmp_path / "found.nc"
    stopped = Interrupted(at=1)
    with pytest.raises(KeyboardInterrupt):
        measure_ensemble(file, stopped, output, parts=8)
    with pytest.raises(DataFileError, match="differs in number of samples, shape, parts per axis;"):
        measure_ensemble(file, stopped, output, parts=10, resume=True)
