"""What a scan knows of its fractions: exact where `representativity` is, read in blocks."""

import numpy as np
import pytest

from microdsd.io import open_labels
from microdsd.metrics import scan_fractions as module
from microdsd.metrics.representativity import representativity
from microdsd.metrics.scan_fractions import scan_fractions
from microdsd.microstructure import as_microstructure, blobs, overlapping_spheres


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_VOXELS", (64**2, 128**2))
    monkeypatch.setattr(module, "READ_VOXELS", 16 * 64**2)


@pytest.mark.parametrize("voxel_size", [None, 2e-6, (2e-6, 3e-6)])
def test_in_one_block_it_is_the_representativity_of_the_scan(voxel_size):
    ms = blobs((96, 80), fractions=(0.3, 0.2, 0.5), scale=2, rng=0)
    ms = as_microstructure(ms.values, phases={0: "a", 1: "b", 2: "c"}, voxel_size=voxel_size)
    measured = scan_fractions(open_labels(ms))
    assert list(measured) == ["a", "b", "c"]
    for label, (fraction, error) in enumerate(measured.values()):
        whole = representativity(ms, phase=label, periodic=False)
        assert fraction == (ms == label).mean().item()
        assert error == pytest.approx(whole.fraction_standard_error.item(), rel=1e-9)


def test_blocks_tell_what_the_whole_scan_tells(small_blocks):
    """Boolean discs of 8 voxels. Seeded; sixteen blocks of 8 correlation lengths know the integral
    range to about 10 %, its root to 5 %; the tolerance is three of these.
    """
    ms = overlapping_spheres((600, 600), radius=4, number=3000, rng=0)
    (fraction, error), _ = scan_fractions(open_labels(ms)).values()
    assert fraction == (ms == 0).mean().item()
    whole = representativity(ms, phase=0, periodic=False).fraction_standard_error.item()
    assert error == pytest.approx(whole, rel=0.15)


def test_the_error_is_how_much_scans_differ():
    """Boolean discs in 100 scans. Seeded; a standard deviation of 100 is known to 7 %, the mean of
    the estimates to 3 %; the tolerance is three of them together.
    """
    big = overlapping_spheres((1300, 1300), radius=4, number=14000, rng=0).values
    scans = [
        big[y : y + 120, x : x + 120] for y in range(0, 1300, 130) for x in range(0, 1300, 130)
    ]
    known = [scan_fractions(open_labels(np.ascontiguousarray(scan))) for scan in scans]
    errors = [one["phase 0"][1] for one in known if one]
    spread = np.std([(scan == 0).mean() for scan in scans], ddof=1)
    assert len(errors) > 90
    assert np.mean(errors) == pytest.approx(spread, rel=0.24)


def test_samples_of_one_material_know_more_together(small_blocks):
    ms = blobs((64, 64), fractions=(0.3, 0.7), scale=2, rng=0)
    one = scan_fractions(open_labels(ms))["phase 0"][1]
    many = np.stack(
        [blobs((64, 64), fractions=(0.3, 0.7), scale=2, rng=i).values for i in range(9)]
    )
    stack = as_microstructure(many, ensemble=True)
    assert scan_fractions(open_labels(stack))["phase 0"][1] == pytest.approx(one / 3, rel=0.3)


def test_a_specimen_counts_for_itself():
    """What is outside is of no account: neither in the fraction nor in the volume."""
    ms = blobs((80, 80), fractions=(0.3, 0.7), scale=2, rng=0).values
    framed = np.full((120, 100), 2)
    framed[20:100, 10:90] = ms
    phases = {0: "pore", 1: "solid", 2: "outside"}
    measured = scan_fractions(open_labels(as_microstructure(framed, phases=phases)))
    assert list(measured) == ["pore", "solid"]
    alone = scan_fractions(open_labels(ms))
    assert measured["pore"][0] == alone["phase 0"][0]
    assert measured["pore"][1] == pytest.approx(alone["phase 0"][1], rel=0.05)


@pytest.mark.parametrize(
    "labels",
    [
        np.zeros((16, 16), int),  # one phase
        np.repeat([[0, 1]], 16, 0).repeat(8, 1),  # correlated at half its side
        np.indices((16, 64))[1] // 32 % 2,  # thinner than its layers
    ],
)
def test_what_cannot_be_said_is_left_out(labels):
    assert scan_fractions(open_labels(labels)) == {}


def test_larger_blocks_are_tried_where_small_ones_do_not_do(small_blocks, monkeypatch):
    ms = overlapping_spheres((512, 512), radius=14, number=300, rng=0)
    monkeypatch.setattr(module, "BLOCK_VOXELS", (24**2,))
    assert scan_fractions(open_labels(ms)) == {}
    monkeypatch.setattr(module, "BLOCK_VOXELS", (24**2, 128**2))
    assert set(scan_fractions(open_labels(ms))) == {"matrix", "spheres"}


def test_no_voxel_is_read_twice_and_little_of_a_scan(small_blocks, monkeypatch):
    read = np.zeros((300, 200), int)
    source = open_labels(blobs((300, 200), fractions=(0.3, 0.7), scale=2, rng=0))
    plain = source.read

    def counted(sample, start, size):
        read[tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))] += 1
        return plain(sample, start, size)

    monkeypatch.setattr(source, "read", counted)
    monkeypatch.setattr(module, "READ_VOXELS", 4 * 64**2)
    scan_fractions(source)
    assert read.max() == 1
    assert read.sum() == 4 * 64**2


@pytest.mark.scan
def test_berea_knows_its_porosity_to_two_percent(berea_coarse):
    fraction, error = scan_fractions(open_labels(berea_coarse))["pore"]
    whole = representativity(berea_coarse, phase="pore", periodic=False)
    assert fraction == pytest.approx(0.1965, abs=5e-4)
    assert error == pytest.approx(whole.fraction_standard_error.item(), rel=0.15)
