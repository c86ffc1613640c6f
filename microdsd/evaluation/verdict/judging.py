"""The verdict: which tests tell generated samples from windows of real material."""

from __future__ import annotations

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.evaluation.comparison import last_judged_lag
from microdsd.evaluation.verdict.adjusted import Adjusted, Setting
from microdsd.evaluation.verdict.classifier import classifier_test, configurations
from microdsd.evaluation.verdict.diversity import diversity_test, unlike_voxels
from microdsd.evaluation.verdict.features import feature_blocks
from microdsd.evaluation.verdict.matching import Pairs, fraction_trend, match_fractions
from microdsd.evaluation.verdict.permutation import distances, energy_test
from microdsd.evaluation.verdict.result import (
    FractionMatch,
    Verdict,
    family,
)
from microdsd.metrics.descriptors import JUDGED, describe
from microdsd.microstructure.phases import phase_fractions
from microdsd.microstructure.schema import LabelsLike, as_ensemble, as_microstructure, phases_of

ALPHA = 0.05


def judge(
    generated: LabelsLike,
    real: LabelsLike,
    *,
    periodic: bool,
    rng: int | np.random.Generator | None = None,
    alpha: float = ALPHA,
    described: tuple[xr.Dataset, xr.Dataset] | None = None,
) -> Verdict:
    """Test whether generated samples can be told from windows of real material.

    Parameters
    ----------
    generated, real : DataArray, dims (sample, [z,] y, x)
        Of one shape, with the same phases. Real windows should be disjoint and far enough apart
        not to be alike, and at least as many as the generated samples.
    periodic : bool
        Whether the boxes of *both* wrap. There is no default.
    rng : None, int or numpy Generator
        Draws swaps, splits and bootstrap samples.
    alpha : float
        Chance at which a set of real windows may fail any of the tests, range (0, 1).
    described : pair of Dataset, optional
        Of `describe`, of the generated and of the real, if these are at hand.

    Returns
    -------
    Verdict

    Raises
    ------
    InputError
        If shapes or phases differ, or `alpha` is out of range.

    Notes
    -----
    Every sample is paired with the real window whose phase fractions are closest, and a parabola
    in the fractions, fitted to both sides at once, is taken out of every descriptor. If samples
    have the law of real windows of the same fractions, the two members of a pair can be swapped:
    all tests are permutation tests over such swaps. See docs/explanation/verdict.md.

    Examples
    --------
    >>> from microdsd.microstructure import blobs, cut_windows
    >>> rock = blobs((160, 160), fractions=(0.3, 0.7), scale=1, rng=0)
    >>> real = cut_windows(rock, (16, 16), n=60, rng=1)
    >>> speckled = real[:20].copy()
    >>> speckled[:, ::5, ::5] = 1 - speckled[:, ::5, ::5]
    >>> judge(speckled, real[20:], periodic=False, rng=2).indistinguishable
    False
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha: must lie between 0 and 1, got {alpha}")
    new, found = as_ensemble(generated), as_ensemble(real)
    if new.shape[1:] != found.shape[1:] or set(phases_of(new)) != set(phases_of(found)):
        raise InputError(
            f"real: its windows {found.shape[1:]} of phases {list(phases_of(found))} are not like "
            f"the samples {new.shape[1:]} of phases {list(phases_of(new))}"
        )
    sides = described or (
        describe(new, periodic=periodic, descriptors=JUDGED),
        describe(found, periodic=periodic, descriptors=JUDGED),
    )
    made_phi, real_phi = (phase_fractions(side).values for side in (new, found))
    pairs = match_fractions(made_phi, real_phi)
    setting = Setting.of(pairs, made_phi, real_phi, np.random.default_rng(rng))
    lag = last_judged_lag(new.shape[1:])
    blocks = zip(*(feature_blocks(side, last_lag=lag) for side in sides), strict=True)
    adjusted = [Adjusted(setting, made, true) for made, true in blocks]
    energies = [energy_test(distances(block.features), setting.signs) for block in adjusted]
    together = distances(np.concatenate([block.weighed for block in adjusted], axis=1))
    joint_energy, joint_p = energy_test(together, setting.signs)
    members = _members(new, found, pairs)
    textures = configurations(members)
    textures -= fraction_trend(setting.phi, textures, setting.phi)
    classifier = classifier_test(textures, setting.signs)
    in_voxels = diversity_test(unlike_voxels(members), setting.signs)
    in_descriptors = diversity_test(together, setting.signs)
    p_values = {
        **{block.block.descriptor: p for block, (_, p) in zip(adjusted, energies, strict=True)},
        "joint": joint_p,
        "classifier": classifier.p_value,
        "voxel_diversity": in_voxels.p_value,
        "descriptor_diversity": in_descriptors.p_value,
    }
    return Verdict(
        alpha=alpha,
        n_pairs=len(pairs),
        n_generated=len(new),
        n_real=len(found),
        fractions=_fractions(setting, phases_of(found)),
        same_fractions=pairs.alike,
        descriptors=tuple(
            block.difference(energy, alpha / len(p_values))
            for block, (energy, _) in zip(adjusted, energies, strict=True)
        ),
        joint_energy_distance=joint_energy,
        classifier=classifier,
        voxel_diversity=in_voxels,
        descriptor_diversity=in_descriptors,
        tests=family(p_values, alpha),
    )


def _members(generated: xr.DataArray, real: xr.DataArray, pairs: Pairs) -> xr.DataArray:
    """Generated members of the pairs, then the real ones."""
    labels = np.concatenate([generated.values[pairs.generated], real.values[pairs.real]])
    return as_microstructure(labels, phases=phases_of(real), ensemble=True)


def _fractions(setting: Setting, phases: dict[int, str]) -> tuple[FractionMatch, ...]:
    generated, real = np.split(setting.phi, 2)
    columns = (generated.mean(axis=0), real.mean(axis=0), setting.pairs.deviation)
    return tuple(
        FractionMatch(name, *(float(column[k]) for column in columns))
        for k, name in enumerate(phases.values())
    )
