"""Can a small network tell samples from rock that it never saw? Half right is as good as a guess.

    python workflows/benchmarks/network_judge.py berea-3d --coarsen 2 --layers 136 200 -n 240

Samples have the compositions of the real windows, one each. The judge has three convolutions of
24, 48 and 64 channels, 3 voxels wide, each followed by averaging over pairs of voxels, and a mean
over the window. It learns from windows of one half of the unseen block and half of the samples,
turned and mirrored, and judges the others. With --occlusion it is asked again with parts of every
generated window hidden, and the picture shows which parts gave it away. Needs the scan
(MICRODSD_DATA).
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from record import add_record_option, record
from torch import Tensor, nn

from microdsd import MicrostructureModel, coarsen, cut_windows, load_dataset
from microdsd.microstructure import crop

CHANNELS = (24, 48, 64)
BATCH = 32
RATE = 2e-3


class Judge(nn.Module):
    """Three convolutions and a mean: positive for generated windows."""

    def __init__(self, ndim: int, phases: int) -> None:
        super().__init__()
        convolution = nn.Conv2d if ndim == 2 else nn.Conv3d
        average = nn.AvgPool2d if ndim == 2 else nn.AvgPool3d
        widths = (phases, *CHANNELS)
        layers = [
            layer
            for before, after in itertools.pairwise(widths)
            for layer in (convolution(before, after, 3), nn.SiLU(), average(2))
        ]
        self.features = nn.Sequential(*layers)
        self.last = nn.Linear(CHANNELS[-1], 1)

    def forward(self, windows: Tensor) -> Tensor:
        """Score windows (n, phases - 1, *window)."""
        features = self.features(windows).flatten(2).mean(2)
        score: Tensor = self.last(features).squeeze(1)
        return score


def one_hot(labels: np.ndarray, values: list[int]) -> Tensor:
    """Indicator of every phase but the last, centred; (n, phases - 1, *window)."""
    return torch.stack(
        [torch.from_numpy((labels == v).astype(np.float32)) - 0.5 for v in values[:-1]], 1
    )


def turned(windows: Tensor, generator: torch.Generator, axes: list[int]) -> Tensor:
    """A batch, mirrored and turned in one random way of those that leave the material alike."""
    flips = [a for a in range(2, windows.ndim) if torch.rand((), generator=generator) < 0.5]
    order = [axes[i] for i in torch.randperm(len(axes), generator=generator).tolist()]
    permuted = dict(zip(axes, order, strict=True))
    return windows.flip(flips).permute(*[permuted.get(a, a) for a in range(windows.ndim)])


def trained_judge(real: Tensor, made: Tensor, axes: list[int], epochs: int, seed: int) -> Judge:
    """A judge that has learned to tell made windows from real ones."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    judge = Judge(real.ndim - 2, real.shape[1])
    windows = torch.cat([real, made])
    answer = torch.cat([torch.zeros(len(real)), torch.ones(len(made))])
    steps = epochs * math.ceil(len(windows) / BATCH)
    optimiser = torch.optim.AdamW(judge.parameters(), lr=RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=RATE, total_steps=steps)
    for _ in range(epochs):
        for part in torch.randperm(len(windows), generator=generator).split(BATCH):
            score = judge(turned(windows[part], generator, axes))
            loss = nn.functional.binary_cross_entropy_with_logits(score, answer[part])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return judge.eval()


@torch.no_grad()
def scores(judge: Judge, windows: Tensor) -> Tensor:
    """Scores of windows, the mean over their mirror images."""
    ndim = windows.ndim - 2
    images = list(itertools.product((False, True), repeat=ndim))
    total = torch.zeros(len(windows))
    for image in images:
        axes = [2 + a for a, mirrored in enumerate(image) if mirrored]
        total += torch.cat([judge(part.flip(axes)) for part in windows.split(BATCH)])
    return total / len(images)


def hidden_parts(window: Tensor, edge: int) -> Iterator[tuple[tuple[slice, ...], Tensor]]:
    """Parts of a window, and the window with each replaced by its mean."""
    for corner in itertools.product(*(range(0, n, edge) for n in window.shape[1:])):
        place = tuple(slice(c, c + edge) for c in corner)
        hidden = window.clone()
        part = hidden[(slice(None), *place)]
        part[...] = part.flatten(1).mean(1).view(-1, *[1] * len(place))
        yield place, hidden


def draw_occlusion(judge: Judge, made: Tensor, path: Path, edge: int = 4) -> None:
    """Draw what the score of generated windows falls by where a part of them is hidden."""
    order = scores(judge, made).argsort(descending=True)[:4]
    figure, rows = plt.subplots(2, 4, figsize=(12, 6))
    for column, window in zip(rows.T, made[order], strict=True):
        whole = scores(judge, window[None])[0]
        fall = torch.zeros(window.shape[1:])
        for place, hidden in hidden_parts(window, edge):
            fall[place] = whole - scores(judge, hidden[None])[0]
        middle = (fall.shape[0] // 2,) if fall.ndim == 3 else ()
        column[0].imshow(window[(0, *middle)], cmap="gray")
        column[1].imshow(
            fall[middle], cmap="coolwarm", vmin=-fall.abs().max(), vmax=fall.abs().max()
        )
        for axes in column:
            axes.set_axis_off()
    figure.suptitle("above: generated; below, red: gave it away")
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--scan", default="berea_sandstone")
    parser.add_argument("--coarsen", type=int, default=1)
    parser.add_argument("--layers", type=int, nargs=2, required=True, help="of the unseen block")
    parser.add_argument("-n", type=int, default=240, help="real windows, and samples")
    parser.add_argument("--window", type=int, help="voxels per axis; default: the model's")
    parser.add_argument("--box", type=int, help="make boxes of this length, judge their middles")
    parser.add_argument("--symmetry", choices=("isotropic", "transverse"), default="isotropic")
    parser.add_argument("--evaluations", type=int)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--judges", type=int, default=3, help="trained from different seeds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--occlusion", type=Path, help="picture to draw")
    parser.add_argument("--null", action="store_true", help="judge real windows against real ones")
    add_record_option(parser)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model)
    card = model.card
    ndim, values = len(card.window), sorted(card.phases)
    edge = options.window or card.window[-1]
    rock = load_dataset(options.scan)
    rock = coarsen(rock, options.coarsen) if options.coarsen > 1 else rock
    unseen = crop(rock, z=tuple(options.layers))
    half = unseen.sizes["y"] // 2
    blocks = [crop(unseen, y=(0, half)), crop(unseen, y=(half, unseen.sizes["y"]))]

    def windows_of_halves(seed: int) -> list[np.ndarray]:
        shape, n = (edge,) * ndim, options.n // 2
        return [
            cut_windows(part, shape, n=n, rng=seed + k, disjoint=False).values
            for k, part in enumerate(blocks)
        ]

    real = windows_of_halves(options.seed)
    everything = np.concatenate(real)
    begun = time.perf_counter()
    if options.null:
        made = np.concatenate(windows_of_halves(options.seed + 10))
    else:
        fractions = {
            name: (everything == value).reshape(len(everything), -1).mean(1).tolist()
            for value, name in card.phases.items()
        }
        box = options.box or edge
        made = model.sample(
            len(everything),
            phase_fraction=fractions,
            shape=(box,) * ndim,
            evaluations=options.evaluations,
            rng=options.seed,
        ).values
        inside = slice((box - edge) // 2, (box - edge) // 2 + edge)
        made = made[(slice(None), *[inside] * ndim)]
    print(f"{len(made)} samples in {time.perf_counter() - begun:.0f} s", flush=True)

    axes = list(range(2, 2 + ndim)) if options.symmetry == "isotropic" else [3, 4][: ndim - 1]
    x_real = [one_hot(part, values) for part in real]
    # Samples of one half are judged by those who learned from the other half's.
    x_made = [one_hot(made[: len(real[0])], values), one_hot(made[len(real[0]) :], values)]
    right = []
    for k in range(options.judges):
        learn, test = (0, 1) if k % 2 == 0 else (1, 0)
        judge = trained_judge(x_real[learn], x_made[learn], axes, options.epochs, options.seed + k)
        found = [(scores(judge, x_real[test]) < 0), (scores(judge, x_made[test]) > 0)]
        right.append([float(part.float().mean()) for part in found])
        print(f"judge {k}: real {right[-1][0]:.3f}, generated {right[-1][1]:.3f} right", flush=True)
        if options.occlusion and k == 0:
            draw_occlusion(judge, x_made[test], options.occlusion)
    shares = np.array(right)
    row = {
        "right": float(shares.mean()),
        "right on real": float(shares[:, 0].mean()),
        "right on generated": float(shares[:, 1].mean()),
        "sd of judges": float(shares.mean(1).std(ddof=1)) if len(shares) > 1 else math.nan,
        "windows judged": len(x_real[1]) + len(x_made[1]),
        "window": edge,
        "evaluations": options.evaluations or card.evaluations,
    }
    label = "real against real" if options.null else card.provenance.get("name", options.model)
    print({name: round(x, 3) if isinstance(x, float) else x for name, x in row.items()})
    record("network-judge", options.record, {label: row})


if __name__ == "__main__":
    main()
