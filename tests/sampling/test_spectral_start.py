"""The Gaussian start below the horizon: variances of its modes, and who starts so."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.stats import chi2, kstest
from tiny_models import octave_model, tiny_card, tiny_model, told_model

from microdsd.errors import CheckpointError
from microdsd.generation import batches
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.generation.request import GenerationRequest
from microdsd.models import ModelCard, Spectrum, WalkBack
from microdsd.models.card_schema import card_from_json
from microdsd.models.volumes import SliceCards
from microdsd.process import Lattice, TransitionKernel, time_of
from microdsd.process.blocks import site_volumes
from microdsd.process.density import sample_density
from microdsd.process.walk import Walkers, sample_forward
from microdsd.sampling.spectral_start import SpectralStart

FALSE_ALARM = 1e-3
WALKS = (WalkBack(8, 5.0, 0.6, (1.0,)),)
WHITE = Spectrum(((0.0, 1.0), (0.0, 1.0)), (1.0,) * 4)
SMOOTH = Spectrum(((0.0, 0.2, 0.6),) * 2, (0.8, 0.8, 0.2, 0.8, 0.4, 0.1, 0.2, 0.1, 0.02))


def generators(n, seed=0):
    return [torch.Generator().manual_seed(1000 * seed + k) for k in range(n)]


def modes_of(density, kernel):
    """Coefficients on the orthonormal modes of a density per voxel, times the root of volumes."""
    volume = site_volumes(kernel.lattice).double()
    field = density / volume.sqrt()
    for axis in range(kernel.lattice.ndim):
        _, vectors = kernel.modes(axis)
        field = torch.tensordot(field, vectors, dims=([-kernel.lattice.ndim], [0]))
    return field


@pytest.mark.parametrize("boundary", ["no-flux", "periodic", ("no-flux", "periodic")])
@pytest.mark.parametrize("block", [1, 2])
def test_modes_have_the_variance_of_the_material_after_the_time(boundary, block):
    """Chi-square of every mode in 400 samples; false alarms: 1 in 1000, over all modes."""
    n, sigma, count = 400, 3.0, 75
    kernel = TransitionKernel(Lattice.box((13, 12), boundary).coarsened(block))
    counts = torch.full((n, 1), count)
    density = SpectralStart(SMOOTH).densities(counts, kernel, sigma, generators(n))
    assert density.min() > 0
    coefficients = modes_of(density[:, 0], kernel).reshape(n, -1)
    phi = count / (13 * 12)
    eigenvalues = [kernel.modes(axis)[0] for axis in (0, 1)]
    decay = torch.exp(time_of(sigma) * (eigenvalues[0][:, None] + eigenvalues[1]))
    waves = [(-values).clamp_min(0).sqrt().numpy() for values in eigenvalues]
    power = SMOOTH.at(waves)[0, 0]
    variance = (phi * (1 - phi) * power * decay.numpy() ** 2).ravel()
    told = variance > 1e-6  # of the others only rounding is left
    told[0] = False
    statistic = (coefficients.numpy() ** 2).sum(0)[told] / variance[told]
    p = 2 * np.minimum(chi2.cdf(statistic, n), chi2.sf(statistic, n))
    assert p.min() > FALSE_ALARM / told.sum()
    # The mean is the composition.
    assert torch.allclose(density.sum((1, 2, 3)), torch.tensor(float(count)).double())


def test_voxels_without_order_start_as_they_are_after_the_walk():
    """Random voxels, noised, against the start with their spectrum: energy of the modes.

    Kolmogorov and Smirnov, false alarms: 1 in 1000.
    """
    n, sigma = 300, 2.5
    kernel = TransitionKernel(Lattice.box((14, 11), "no-flux"))
    voxels = torch.stack([torch.randperm(14 * 11, generator=g) < 60 for g in generators(n, 1)])
    voxels = voxels.view(n, 1, 14, 11).float()
    noised = kernel.carry(voxels, torch.full((n,), float(time_of(sigma))))
    counts = torch.full((n, 1), 60)
    start = SpectralStart(WHITE).densities(counts, kernel, sigma, generators(n))
    energy = [modes_of(field[:, 0].double(), kernel).square() for field in (noised, start)]
    energy = [one.flatten(1)[:, 1:].sum(1).numpy() for one in energy]
    # The number of voxels is fixed, which takes one part in 153 of the variance.
    assert kstest(energy[0] * 153 / 154, energy[1]).pvalue > FALSE_ALARM


def test_species_vary_together_as_their_power_says():
    """Correlation of one mode of two species in 500 samples: -0.6 within 4 standard errors."""
    table = np.array([[0.5, -0.3], [-0.3, 0.5]])
    spectrum = Spectrum(((0.0, 1.0), (0.0, 1.0)), tuple(np.repeat(table.ravel(), 4).tolist()))
    kernel = TransitionKernel(Lattice.box((10, 9), "no-flux"))
    counts = torch.full((500, 2), 30)
    density = SpectralStart(spectrum).densities(counts, kernel, 2.0, generators(500))
    a, b = (modes_of(density[:, c], kernel)[:, 1, 0] for c in (0, 1))
    assert np.corrcoef(a, b)[0, 1] == pytest.approx(-0.6, abs=4 * 0.64 / math.sqrt(500))


def test_without_variation_the_start_is_uniform():
    kernel = TransitionKernel(Lattice.box((7, 6), "no-flux").coarsened(2))
    flat = dataclasses.replace(WHITE, power=(0.0,) * 4)
    density = SpectralStart(flat).densities(torch.tensor([[21]]), kernel, 4.0, generators(1))
    expected = site_volumes(kernel.lattice).double() * 21 / 42
    assert torch.allclose(density[0, 0], expected)


def test_noised_material_and_the_start_vary_alike():
    """Walkers of noised stripes, and of the start with their spectrum: variance of one mode.

    A ratio of variances of 300 samples each, with a standard deviation of 0.12; false alarms: 1 in
    1000.
    """
    n, sigma = 300, 4.0
    lattice = Lattice.box((16, 16), "periodic")
    kernel = TransitionKernel(lattice)
    rows = torch.arange(16)
    shifts = [int(torch.randint(16, (1,), generator=g)) for g in generators(n, 2)]
    stripes = torch.stack([((rows + s) % 16 < 8)[:, None].expand(16, 16) for s in shifts])[:, None]
    t = torch.full((n,), float(time_of(sigma)))
    walkers = Walkers.of(stripes.long(), lattice)
    noised = sample_forward(walkers, kernel, t, generators(n)).occupation()

    longest = modes_of(2 * stripes[:, 0].double() - 1, kernel)[:, 1:3, 0].square().mean().item()
    q = float((-kernel.modes(0)[0][1]).sqrt())
    power = (longest, 0.0, longest, 0.0, 0.0, 0.0)
    spectrum = Spectrum(((0.0, q, 2 * q), (0.0, q)), power)
    counts = torch.full((n, 1), 128)
    density = SpectralStart(spectrum).densities(counts, kernel, sigma, generators(n))
    started = sample_density(counts, density, lattice, generators(n, 5)).occupation()
    first = [modes_of(walk[:, 0].double(), kernel)[:, 1, 0] for walk in (noised, started)]
    assert 0.6 < float(first[0].var() / first[1].var()) < 1.6


def spectral_card(**changes):
    return tiny_card(spectrum=WHITE, walks=WALKS, evaluations=8, **changes)


def with_spectrum(model, spectrum=WHITE, **changes):
    card = dataclasses.replace(model.card, spectrum=spectrum, **changes)
    return MicrostructureModel(model.network, card, "cpu", "float32")


def test_a_card_keeps_its_spectrum():
    card = spectral_card()
    assert card_from_json(card.to_json()) == card
    assert "spectrum" not in tiny_card().to_json()


@pytest.mark.parametrize(
    ("spectrum", "words"),
    [
        (Spectrum(((0.0, 1.0),), (1.0, 1.0)), "not one list per axis"),
        (Spectrum(((0.0, 1.0), (0.5, 1.0)), (1.0,) * 4), "do not ascend from 0"),
        (Spectrum(((0.0, 1.0), (0.0, 0.0)), (1.0,) * 4), "do not ascend from 0"),
        (Spectrum(((0.0, 1.0), (0.0, 1.0)), (1.0,) * 3), "has 3 numbers, not 4"),
    ],
)
def test_a_damaged_spectrum_is_refused(spectrum, words):
    text = dataclasses.replace(spectral_card(), spectrum=spectrum).to_json()
    with pytest.raises(CheckpointError, match=words):
        card_from_json(text)


def test_plain_samples_start_with_the_spectrum():
    plan = GenerationRequest.resolve(spectral_card(), 1, rng=0).plan
    assert plan.spectral
    assert plan.levels[0] == 5.0
    assert plan.record()["spectral"] is True


@pytest.mark.parametrize(
    "options",
    [
        {"guide": lambda expected, sigma: torch.ones_like(expected)},
        {"targets": {"specific_surface_area": 0.8}, "particles": 2, "extrapolate": True},
    ],
)
def test_steered_samples_start_uniform_and_higher(options):
    card = spectral_card(unit="voxel")
    plan = GenerationRequest.resolve(card, 1, rng=0, **options).plan
    assert not plan.spectral
    assert plan.levels[0] == pytest.approx(13.0 * 8 / 16)


def test_samples_of_regions_start_uniform(monkeypatch):
    model = with_spectrum(tiny_model(evaluations=8, walks=WALKS))
    monkeypatch.setattr(batches, "SpectralStart", None)
    halves = np.arange(120).reshape(12, 10) // 60
    labels = model.sample_regions({"pore": [0.2, 0.6]}, region_map=halves)
    assert labels.shape[-2:] == (12, 10)
    with pytest.raises(TypeError):
        model.sample(rng=0)


def test_volumes_of_slices_start_uniform():
    card = tiny_card(spectrum=WHITE, symmetry="isotropic")
    volumes = SliceCards(dict.fromkeys("zyx", card), {}).card()
    assert volumes.spectrum is None


@pytest.mark.parametrize("make", [tiny_model, octave_model])
def test_samples_are_exact_and_do_not_depend_on_the_batch(make):
    model = with_spectrum(make())
    options = {"phase_fraction": {"pore": 0.3}, "evaluations": 4, "rng": 3, "shape": (26, 22)}
    many = model.sample(3, **options)
    assert ((many == 0).sum(("y", "x")) == round(0.3 * 26 * 22)).all()
    assert np.array_equal(model.sample(1, **options)[0], many[0])


def test_the_spectrum_changes_samples():
    options = {"phase_fraction": {"pore": 0.3}, "rng": 3}
    plain, smooth = (with_spectrum(tiny_model(), s).sample(**options) for s in (None, SMOOTH))
    assert not np.array_equal(plain, smooth)


def test_large_boxes_start_so_too_and_go_on_where_they_were(monkeypatch):
    for place in ("batches", "request"):
        monkeypatch.setattr(f"microdsd.generation.{place}.LARGE_BOX", 200)
    model = with_spectrum(octave_model(), SMOOTH, walks=WALKS)
    options = {"phase_fraction": {"pore": 0.3}, "rng": 3, "shape": (26, 22)}
    one, again = (model.sample(**options) for _ in range(2))
    assert (one == 0).sum() == round(0.3 * 26 * 22)
    assert np.array_equal(one, again)
    uniform = with_spectrum(octave_model(), None, walks=WALKS)
    assert not np.array_equal(one, uniform.sample(**options))


def test_boxes_whose_first_lattice_is_large_start_uniform(monkeypatch):
    monkeypatch.setattr("microdsd.generation.request.LARGE_BOX", 100)
    assert not GenerationRequest.resolve(spectral_card(), 1, rng=0).plan.spectral


def test_cards_of_before_are_read():
    assert isinstance(card_from_json(tiny_card().to_json()), ModelCard)
    assert tiny_card().spectrum is None
    assert told_model().card.spectrum is None
