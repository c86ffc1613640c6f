"""A small convolutional network that tries to tell generated samples from real windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import scipy.stats
import torch
import xarray as xr
from torch import nn

from microdsd.errors import InputError
from microdsd.evaluation.verdict import ClassifierTest
from microdsd.evaluation.verdict.matching import match_fractions
from microdsd.microstructure import phase_fractions, phases_of
from microdsd.progress import Progress, Stage, stage

CHANNELS = (24, 48, 64)
LEAST_P_VALUE = 0.01
"""Of the test (Kolmogorov-Smirnov) whether the fractions of both sides have one distribution; with
less, the network would tell the two sides apart by their fractions."""


@dataclasses.dataclass(frozen=True)
class NetworkJudge:
    """Test two samples by a small convolutional network, cross-validated by place.

    Attributes
    ----------
    folds : int
        Blocks of consecutive real windows; the network that is asked about one block has been
        trained on the others.
    epochs : int
        Passes over the training set.
    batch : int
    learning_rate : float
    seed : int
    progress : Progress, optional
        Receives the number of epochs that are done, and of all.

    Notes
    -----
    Three convolutions of 3 voxels (24, 48, 64 channels, steps of 2), the mean over all places,
    one linear layer; random mirrors on both sides. As many real windows as there are samples are
    taken, those of the closest fractions. Folds are blocks of the scan, by the coordinate
    ``place`` of `cut_windows` (without it, in the order of the windows), so that knowing a place
    by heart does not help. Of a network that has seen none of a block,
    the number of right answers on that block is binomial where the two sides are alike.

    Examples
    --------
    >>> from microdsd.microstructure import as_microstructure
    >>> rng = np.random.default_rng(0)
    >>> fine = rng.permuted(np.tile(np.arange(64) % 2, (24, 1)), axis=1).reshape(24, 8, 8)
    >>> coarse = np.tile(np.repeat([0, 1], 4), (24, 8, 1))
    >>> sides = (as_microstructure(side, ensemble=True) for side in (fine, coarse))
    >>> NetworkJudge(folds=2, epochs=20)(*sides).accuracy > 0.9
    True
    """

    folds: int = 4
    epochs: int = 12
    batch: int = 16
    learning_rate: float = 2e-3
    seed: int = 0
    progress: Progress | None = None

    def __call__(self, generated: xr.DataArray, real: xr.DataArray) -> ClassifierTest:
        """Train and ask.

        Parameters
        ----------
        generated, real : DataArray, dims (sample, [z,] y, x)

        Returns
        -------
        ClassifierTest
            Of all samples and as many windows.

        Raises
        ------
        InputError
            If the fractions of the samples alone give them away, or there are too few of them.
        """
        phi = [phase_fractions(side).values for side in (generated, real)]
        pairs = match_fractions(*phi)
        if len(pairs) < 2 * self.folds:
            raise InputError(
                f"classifier: {len(pairs)} samples are too few for {self.folds} folds of the "
                f"network; give at least {2 * self.folds}"
            )
        alike = scipy.stats.ks_2samp(phi[0][pairs.generated], phi[1][pairs.real])
        if (alike.pvalue < LEAST_P_VALUE).any():
            raise InputError(
                "classifier: the network sees the fractions too, and those of the samples are not "
                "spread as those of the real windows; generate at the windows' own fractions"
            )
        rng = np.random.default_rng(self.seed)
        chosen = real.isel(sample=np.sort(pairs.real))
        if "place" in chosen.coords:
            chosen = chosen.sortby("place")
        windows = chosen.values
        samples = generated.values[rng.permutation(pairs.generated)]
        phases = list(phases_of(real))
        right = 0
        blocks = np.array_split(np.arange(len(pairs)), self.folds)
        epochs = self.folds * self.epochs
        with stage("training networks to tell the two sides apart", epochs, self.progress) as work:
            for fold, block in enumerate(blocks):
                rest = np.setdiff1d(np.arange(len(pairs)), block)
                kept = [one_hot(side[rest], phases) for side in (samples, windows)]
                network = self.trained(kept[0], kept[1], fold, work)
                right += int((scores(network, one_hot(samples[block], phases)) > 0).sum())
                right += int((scores(network, one_hot(windows[block], phases)) <= 0).sum())
        number = 2 * len(pairs)
        p = scipy.stats.binomtest(right, number, alternative="greater").pvalue
        return ClassifierTest(right, number, float(p))

    def trained(
        self, samples: torch.Tensor, windows: torch.Tensor, fold: int, work: Stage
    ) -> nn.Module:
        """Train the network of a fold on what `one_hot` makes of both sides."""
        inputs = torch.cat([samples, windows])
        targets = torch.cat([torch.ones(len(samples)), torch.zeros(len(windows))])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed + fold)
            network = _network(inputs.shape[1], inputs.ndim - 2)
            steps = self.epochs * -(-len(inputs) // self.batch)
            optimiser = torch.optim.AdamW(network.parameters(), self.learning_rate)
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimiser, self.learning_rate, total_steps=steps
            )
            for _ in range(self.epochs):
                for chosen in self._batches(len(inputs)):
                    loss = nn.functional.binary_cross_entropy_with_logits(
                        network(_mirrored(inputs[chosen])).squeeze(1), targets[chosen]
                    )
                    optimiser.zero_grad()
                    loss.backward()  # type: ignore[no-untyped-call]
                    optimiser.step()
                    schedule.step()
                work.advance()
        return network.eval()

    def _batches(self, n: int) -> Iterator[torch.Tensor]:
        return iter(torch.split(torch.randperm(n), self.batch))


def _network(phases: int, dimension: int) -> nn.Sequential:
    convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dimension]
    pooling = {2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}[dimension]
    layers: list[nn.Module] = []
    before = phases
    # Plane pictures are small enough to be seen at full resolution first.
    for k, channels in enumerate(CHANNELS):
        stride = 1 if dimension == 2 and k == 0 else 2
        layers += [
            convolution(before, channels, 3, stride=stride, padding=1, bias=False),
            nn.GroupNorm(8, channels),
            nn.ReLU(),
        ]
        before = channels
    return nn.Sequential(*layers, pooling(1), nn.Flatten(), nn.Linear(before, 1))


def one_hot(labels: np.ndarray, phases: list[int]) -> torch.Tensor:
    """Return centred indicators (samples, phases, *space)."""
    channels = np.stack([labels == phase for phase in phases], axis=1)
    return torch.from_numpy(channels.astype(np.float32)) - 1 / len(phases)


def _mirrored(inputs: torch.Tensor) -> torch.Tensor:
    axes = [axis for axis in range(2, inputs.ndim) if torch.rand(()) < 0.5]
    return inputs.flip(axes) if axes else inputs


@torch.inference_mode()
def scores(network: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """Return the log odds of having been generated, of every window."""
    return torch.cat([network(part).squeeze(1) for part in torch.split(inputs, 64)])
