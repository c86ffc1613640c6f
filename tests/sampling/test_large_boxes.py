"""The sampler of large boxes against the walk in memory, given the same random numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import tiny_network

from microdsd.errors import MicrodsdError
from microdsd.models.plan import WalkPlan
from microdsd.networks import stages, unet
from microdsd.networks.octaves import OctaveUNets
from microdsd.networks.steering import Aims, Steered
from microdsd.process import Lattice, Walkers, sample_uniform
from microdsd.process.bridge import draw_back
from microdsd.process.octaves import Moment, Octaves
from microdsd.process.slabs import slabs
from microdsd.process.walk import draw_key, numbered_uniforms, uniforms
from microdsd.sampling import large_boxes
from microdsd.sampling.assignment import assign_phases
from microdsd.sampling.best_voxels import best_voxels
from microdsd.sampling.finite import NonFiniteNetworkError
from microdsd.sampling.large_boxes import LargeBoxSampler
from microdsd.sampling.potentials import extrapolate
from microdsd.sampling.tiled_network import TiledNetwork

LEVELS = (2.0, 4.0)
PLAN = WalkPlan((12.0, 6.0, 4.5, 3.0, 1.8, 1.2, 0.6), sharpness=(1.1, 0.9), redraws=(0.6,))
ONE = WalkPlan(PLAN.levels, sharpness=(1.1,), temperature=0.7, redraws=(0.6, 0.4))


def networks(species=2, ndim=2, **changes):
    made = [tiny_network(ndim, species, seed=seed, **changes) for seed in range(3)]
    config = made[0].config
    together = OctaveUNets(config, 3)
    together.octaves = torch.nn.ModuleList(made)
    return together


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def sampler(network, box, counts, plan, seed=0, **conditions):
    fractions = (counts / box.voxels.n_sites).float()[None]
    tiled = TiledNetwork(network, fractions, **conditions)
    return LargeBoxSampler(tiled, box, counts, plan, generator(seed))


def ignore(amount):
    pass


class Notes:
    """A bookmark, which may end the walk as if the process were killed."""

    def __init__(self, state=None, last=None):
        self.state, self.last, self.kept = state, last, []

    def read(self):
        return self.state

    def keep(self, state):
        self.state = {name: array.copy() for name, array in state.items()}
        self.kept.append(int(state["evaluations"]))
        if self.last == self.kept[-1]:
            raise KeyboardInterrupt


def sorted_walkers(occupation, lattice):
    walkers = Walkers.of(occupation, lattice)
    site = walkers.channel * lattice.n_sites + walkers.site()
    _, times = site.unique_consecutive(return_counts=True)
    rank = torch.arange(len(site)) - (times.cumsum(0) - times).repeat_interleave(times)
    return walkers, rank * lattice.n_sites + walkers.site()


def with_noise(log_p, key, temperature=1.0):
    """Log probabilities and Gumbel variates, numbered by voxel."""
    voxel = torch.arange(log_p[0].numel())
    noise = []
    for p in range(len(log_p)):
        u = numbered_uniforms(key, voxel, species=len(log_p), c=p)[0].double() + 2.0**-25
        noise.append((-u.log()).log().float().view(log_p[p].shape))
    return log_p - temperature * torch.stack(noise)


def in_memory(network, box, counts, plan, seed=0):
    """The same walk by whole fields and all walkers; phases of the first and the last level."""
    rng, ndim = generator(seed), box.voxels.ndim
    fractions = (counts / box.voxels.n_sites).float()[None]
    exponent = torch.tensor(plan.sharpness).view(-1, *[1] * ndim)
    state = sample_uniform(counts[None], box.kernels[2].lattice, [rng])
    occupation, before = state.occupation(), None
    for number, (high, low) in enumerate(plan.steps()):
        now, earlier = box.moment(high), box.moment(low)
        kernel = box.kernels[now.octave]
        log_h = network(occupation, torch.tensor([float(now.t)]), kernel, fractions)
        corner = log_h[(..., *[slice(16)] * ndim)].flatten(2).mean(2)
        log_h = (log_h - corner.view(1, -1, *[1] * ndim)).half().float()
        ahead = log_h
        if before is not None and before.shape == log_h.shape:
            last, this, following = plan.levels[number - 1 : number + 2]
            ratio = np.log(this / following) / np.log(last / this)
            ahead = extrapolate(log_h, before, ratio)
        before = log_h
        walkers, place = sorted_walkers(occupation, kernel.lattice)
        origins = Moment(now.octave, 0.0)
        occupation = draw_back(
            walkers,
            exponent * ahead,
            box.kernels[earlier.octave],
            [box.backward_matrix(a, earlier, origins) for a in range(ndim)],
            [box.backward_matrix(a, now, earlier) for a in range(ndim)],
            uniforms(walkers, [rng], place),
        ).occupation()
        assert torch.equal(occupation.flatten(2).sum(2)[0], counts.float())
    assign = draw_key(rng)
    sigma = plan.levels[-1]
    for following in (*plan.redraws, None):
        t = box.moment(sigma).t
        _, log_p = network.joint(occupation, torch.tensor([t]), box.kernels[0], fractions)
        log_p = torch.cat([log_p[:, :1] * 0, log_p[:, 1:] - log_p[:, :1]], 1)[0]
        if following is None:
            if plan.temperature:
                log_p = with_noise(log_p, draw_key(rng), plan.temperature)
            return phases(log_p, counts, assign), int(
                (phases(log_p, counts, assign) != log_p.argmax(0)).sum()
            )
        noise, ties = draw_key(rng), draw_key(rng)
        drawn = phases(with_noise(log_p, noise), counts, ties)
        stand = torch.stack([drawn == c for c in range(1, len(log_p))])[None].float()
        walkers = Walkers.of(stand, box.voxels)
        sigma = following
        occupation = box.sample_forward(
            walkers, Moment(0, 0.0), box.moment(sigma), [rng], by_place=True
        ).occupation()


def phases(scores, counts, ties):
    n = scores[0].numel()
    if len(scores) == 2:
        gain = (scores[1] - scores[0]).flatten()
        lots = numbered_uniforms(ties, torch.arange(n))[0]
        best = np.lexsort([lots.numpy(), gain.numpy()])[::-1][: int(counts[0])]
        return (
            torch.zeros(n).index_fill(0, torch.tensor(best.copy()), 1).long().view(scores[0].shape)
        )
    every = torch.cat([torch.tensor([n - int(counts.sum())]), counts])
    rng = torch.Generator().manual_seed(int(ties))
    return assign_phases(scores.flatten(1), every, rng).view(scores.shape[1:])


@pytest.mark.parametrize(
    ("shape", "boundary", "counts", "plan"),
    [
        ((38, 29), "no-flux", [300, 200], PLAN),
        ((36, 32), ("periodic", "no-flux"), [300, 200], PLAN),
        ((36, 27), "no-flux", [400], ONE),
        ((18, 12, 13), "no-flux", [900], ONE),
    ],
)
def test_the_walk_is_that_in_memory(shape, boundary, counts, plan):
    network = networks(len(counts), len(shape))
    box, counts = Octaves(Lattice.box(shape, boundary), LEVELS), torch.tensor(counts)
    with torch.inference_mode():
        made = sampler(network, box, counts, plan, seed=4).sample(ignore)
        phase, moved = in_memory(network, box, counts, plan, seed=4)
    assert torch.equal(made.phase[0].long(), phase)
    assert made.reassigned.tolist() == [moved]


@pytest.fixture
def thin(monkeypatch):
    """Cut boxes into slabs and tiles of any size."""

    def cut(slab, tile):
        monkeypatch.setattr(large_boxes, "slabs", lambda n, across: slabs(n, across, slab))
        step, forward = large_boxes.step_back, large_boxes.walk_forward
        monkeypatch.setattr(large_boxes, "step_back", lambda *a, **o: step(*a, slab, **o))
        monkeypatch.setattr(large_boxes, "walk_forward", lambda *a: forward(*a, slab))
        monkeypatch.setitem(stages.TILE_SITES, "cpu", tile)

    return cut


@pytest.mark.parametrize(("counts", "plan"), [([900, 500], PLAN), ([1500], ONE)])
def test_samples_do_not_depend_on_slabs(counts, plan, thin):
    network = networks(len(counts))
    box, counts = Octaves(Lattice.box((90, 45), "no-flux"), LEVELS), torch.tensor(counts)
    with torch.inference_mode():
        whole = sampler(network, box, counts, plan).sample(ignore)
        thin(100, 1 << 24)
        cut = sampler(network, box, counts, plan).sample(ignore)
    assert torch.equal(whole.phase, cut.phase)


@pytest.mark.parametrize("sigma", [9.0, 3.0, 0.6])
@pytest.mark.parametrize("read_out", [False, True])
def test_what_networks_say_does_not_depend_on_tiles(sigma, read_out, thin):
    """But for rounding to half precision, in which a number near the middle goes either way."""
    network, counts = networks(2), torch.tensor([4000, 3000])
    box = Octaves(Lattice.box((190, 145), "no-flux"), LEVELS)
    lattice = box.kernels[box.octave_at(sigma)].lattice
    occupation = sample_uniform(counts[None], lattice, [generator()]).occupation()[0].int()
    made = sampler(network, box, counts, PLAN)
    with torch.inference_mode():
        whole = made._evaluated(occupation, sigma, ignore, read_out=read_out)
        thin(100, 3000)
        cut = made._evaluated(occupation, sigma, ignore, read_out=read_out)
    assert whole.dtype == (torch.float32 if read_out else torch.float16)
    torch.testing.assert_close(cut, whole, rtol=2.0**-10, atol=1e-4)


@pytest.mark.parametrize("last", range(1, 9))
def test_a_walk_that_was_stopped_goes_on_to_the_same_sample(last):
    network, counts = networks(1), torch.tensor([400])
    box = Octaves(Lattice.box((36, 27), "no-flux"), LEVELS)
    with torch.inference_mode():
        whole = sampler(network, box, counts, ONE).sample(ignore)
        notes = Notes(last=last)
        with pytest.raises(KeyboardInterrupt):
            sampler(network, box, counts, ONE).sample(ignore, notes)
        advanced, goes_on = [], Notes(notes.state)
        again = sampler(network, box, counts, ONE)
        made = again.sample(advanced.append, goes_on)
    assert torch.equal(made.phase, whole.phase)
    assert goes_on.kept == list(range(last + 1, 10))
    assert sum(advanced) == again.work


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_counts_are_exact(data):
    shape = data.draw(st.lists(st.integers(9, 24), min_size=2, max_size=2))
    boundary = data.draw(st.sampled_from(["no-flux", "periodic"]))
    species = data.draw(st.integers(1, 2))
    sites = shape[0] * shape[1]
    cuts = sorted(data.draw(st.integers(0, sites)) for _ in range(species))
    counts = torch.tensor([b - a for a, b in zip([0, *cuts], cuts, strict=False)])
    box = Octaves(Lattice.box(shape, boundary), LEVELS)
    plan = WalkPlan((9.0, 4.0, 1.5, 0.5), redraws=(0.5,))
    with torch.inference_mode():
        made = sampler(networks(species), box, counts, plan, data.draw(st.integers(0, 99)))
        found = made.sample(ignore).phase.flatten().bincount(minlength=species + 1)
    assert found[1:].tolist() == counts.tolist()


def test_guidance_is_that_of_the_class(thin):
    """On a fixed state the tiles say what `Steered` says of the whole box."""
    torch.manual_seed(0)
    config = unet.UNetConfig(2, 1, (4, 8), (1, 1), 8, read_out=True, classes=2, own_evidence=True)
    network = unet.PotentialUNet(config)
    for weight in network.parameters():
        if not weight.any():
            weight.data.normal_(0, 0.3)
    box = Octaves(Lattice.box((50, 31), "no-flux"))
    occupation = torch.randint(0, 3, (1, 50, 31)).byte()
    told, fractions = torch.tensor([1]), torch.tensor([[0.4]])
    thin(100, 900)
    for strength in (1.0, 1.7):
        whole = Steered(network, Aims(told, strength=strength))
        t = torch.tensor([float(box.moment(1.3).t)])
        with torch.inference_mode():
            log_h, log_p = whole.joint(occupation[None].float(), t, box.kernels[0], fractions)
            tiled = TiledNetwork(network, fractions, Aims(told, strength=strength))
            found_h, odds = torch.empty(1, 50, 31), torch.empty(1, 50, 31)
            for sites, part_h, part_odds in tiled.parts(occupation, 1.3, box):
                found_h[(slice(None), *sites)], odds[(slice(None), *sites)] = part_h, part_odds
        torch.testing.assert_close(odds, log_p[0, 1:] - log_p[0, :1], rtol=0, atol=5e-5)
        torch.testing.assert_close(
            found_h - found_h.mean(), log_h[0] - log_h[0].mean(), rtol=0, atol=5e-5
        )


def test_a_network_without_numbers_is_refused_by_its_level():
    network, counts = networks(1), torch.tensor([100])
    network.octaves[1].head.conv.weight.data.fill_(torch.nan)
    box = Octaves(Lattice.box((36, 27), "no-flux"), LEVELS)
    with pytest.raises(NonFiniteNetworkError, match="noise level 3 voxels"):
        sampler(network, box, counts, ONE).sample(ignore)


def test_walkers_that_a_byte_does_not_hold_are_noticed():
    network, counts = networks(1), torch.tensor([900])
    box = Octaves(Lattice.box((36, 27), "no-flux"), LEVELS)
    made = sampler(network, box, counts, ONE)
    with pytest.raises(MicrodsdError, match="more than 255 walkers"):
        made._require_counts(torch.full((1, 36, 27), 0, dtype=torch.uint8))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([-3.5, -0.0, 0.0, 1e-30, 0.25, 7.0]), min_size=4, max_size=60),
    st.data(),
)
def test_the_best_voxels_are_the_best(values, data):
    gain = torch.tensor(values)[: len(values) // 2 * 2].view(-1, 2)
    count = data.draw(st.integers(0, gain.numel()))
    across = data.draw(st.integers(2, 20))
    key = torch.tensor([data.draw(st.integers(0, 1 << 40))])
    layers = list(slabs(len(gain), 2, across))
    label = best_voxels(gain.__getitem__, count, gain.shape, layers, key)
    assert int(label.sum()) == count
    best = gain.flatten().sort(descending=True).values[:count]
    assert torch.equal(gain[label == 1].sort(descending=True).values, best)
    whole = best_voxels(gain.__getitem__, count, gain.shape, [slice(0, len(gain))], key)
    assert torch.equal(label, whole)


def test_ties_favour_no_place():
    """Half of 10^4 equal voxels: halves and parities differ by 5 sigma 1 time in 10^6."""
    gain = torch.zeros(100, 100)
    label = best_voxels(
        gain.__getitem__, 5000, gain.shape, list(slabs(100, 100, 700)), torch.tensor([12345])
    ).double()
    for part in (label[:50], label[:, :50], label[::2], label[:, ::2]):
        assert abs(float(part.sum()) - 2500) < 5 * np.sqrt(10_000 / 16)
