"""The verdict: comparison of generated samples with windows of real material."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from microdsd.errors import InputError
from microdsd.evaluation.comparison import last_judged_lag
from microdsd.evaluation.fraction_trend import WINDOWS_PER_COEFFICIENT, FractionTrend
from microdsd.evaluation.verdict.adjusted import Adjusted, Setting
from microdsd.evaluation.verdict.classifier import ClassifierTest, classifier_test, configurations
from microdsd.evaluation.verdict.diversity import DiversityTest, differing_voxels, diversity_test
from microdsd.evaluation.verdict.features import feature_blocks
from microdsd.evaluation.verdict.margins import margins_with
from microdsd.evaluation.verdict.matching import Pairs, match_fractions
from microdsd.evaluation.verdict.needed import Needed
from microdsd.evaluation.verdict.permutation import distances, p_value
from microdsd.evaluation.verdict.result import (
    FEWEST_SAMPLES,
    FEWEST_WINDOWS,
    FractionMatch,
    Status,
    Test,
    Verdict,
    family,
    interval_test,
)
from microdsd.metrics.descriptors import describe
from microdsd.metrics.registry import judged_groups
from microdsd.microstructure.phases import phase_fractions
from microdsd.microstructure.schema import (
    LabelsLike,
    as_ensemble,
    as_microstructure,
    phases_of,
    voxel_size_of,
)
from microdsd.progress import Progress, Stage, part_of, stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

ALPHA = 0.05
LEAST_SHARE = 0.75
"""Share of the samples whose fractions must lie where the windows' do."""
CLASSIFIER_SHUFFLES = 499
"""Few, since the classifier is trained anew in each; enough for a family of 24 tests at 5 %."""
TESTS_BESIDE_DESCRIPTORS = 4
_STEPS = 4
"""Of the progress: both sides described, the descriptors tested, the rest."""


def judge(
    generated: LabelsLike,
    reference: LabelsLike,
    *,
    periodic: bool,
    rng: int | np.random.Generator | None = 0,
    alpha: float = ALPHA,
    margins: Mapping[str, float] | None = None,
    described: tuple[xr.Dataset, xr.Dataset] | None = None,
    comparisons: int = 1,
    progress: Progress | None = None,
) -> Verdict:
    """Judge in what generated samples are equal to windows of real material.

    Every descriptor is shown to be within a margin, or to differ, or the numbers do not tell.

    Parameters
    ----------
    generated, reference : DataArray, dims (sample, [z,] y, x)
        Of one shape, with the same phases. Real windows should be disjoint and far enough apart
        not to be alike, and at least as many as the generated samples.
    periodic : bool
        Whether the boxes of *both* wrap. There is no default.
    rng : None, int or numpy Generator
        Draws shuffles and bootstrap samples.
    alpha : float
        Chance at which a set of real windows may differ in any of the tests, and at which a
        difference as large as its margin may be called within; range (0, 1).
    margins : mapping of str to float, optional
        Changes of the default margins, as shares: ``{"surface": 0.1}``. See
        `microdsd.evaluation.verdict.margins`.
    described : pair of Dataset, optional
        Results of `describe` for the generated and the real, if these are at hand.
    comparisons : int
        Verdicts that share `alpha`, of which this is one: p-values are corrected for all of them.
    progress : Progress, optional
        Receives each step in words before it is taken.

    Returns
    -------
    Verdict

    Raises
    ------
    InputError
        If shapes, phases or voxel sizes differ, `alpha` is out of range, or a margin is none.

    Notes
    -----
    How a descriptor changes with the phase fractions is found from the real windows alone, and the
    samples are compared with what is expected at their fractions. Within the margin: two one-sided
    t-tests. Differs: a permutation of what the trend leaves, corrected for the number of tests.
    See docs/explanation/verdict.md.

    Examples
    --------
    >>> from microdsd.microstructure import blobs, cut_windows
    >>> rock = blobs((160, 160), fractions=(0.3, 0.7), scale=1, rng=0)
    >>> real = cut_windows(rock, (16, 16), n=60, rng=1)
    >>> speckled = real[:20].copy()
    >>> speckled[:, ::5, ::5] = 1 - speckled[:, ::5, ::5]
    >>> judge(speckled, real[20:], periodic=False, rng=2).test("interface_density").answer
    'differs'
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha: must lie between 0 and 1, got {alpha}")
    limits = margins_with(margins)
    new, windows = as_ensemble(generated), as_ensemble(reference)
    if new.shape[1:] != windows.shape[1:] or set(phases_of(new)) != set(phases_of(windows)):
        raise InputError(
            f"reference: its windows {windows.shape[1:]} of phases {list(phases_of(windows))} are "
            f"not like the samples {new.shape[1:]} of phases {list(phases_of(new))}"
        )
    new_size, real_size = voxel_size_of(new), voxel_size_of(windows)
    alike = new_size.unit == real_size.unit
    if not alike or not np.allclose(new_size.size, real_size.size, rtol=1e-3, atol=0):
        raise InputError(
            f"reference: its voxels measure {real_size.size} {real_size.unit}, those of the "
            f"samples {new_size.size} {new_size.unit}; coarsen the finer of the two, or state one "
            "size for both: as_microstructure(ms, voxel_size=...)"
        )
    new_phi, real_phi = (phase_fractions(side).values for side in (new, windows))
    inside = FractionTrend(real_phi).reaches(new_phi)
    phases = phases_of(windows)
    fewest = fewest_for(phases)
    status: Status = "compared"
    if inside.mean() < LEAST_SHARE:
        status = "not comparable"
    elif inside.sum() < fewest.samples or len(windows) < fewest.windows:
        status = "too few"
    verdict = Verdict(
        alpha=alpha,
        status=status,
        n_generated=len(new),
        n_real=len(windows),
        n_outside=int((~inside).sum()),
        fewest=fewest,
        fractions=_fractions(new_phi, real_phi, list(phases.values())),
        margins=limits,
        comparisons=comparisons,
    )
    if status != "compared":
        return verdict
    with stage("judging", _STEPS, progress) as judging:
        sides = described or (
            _described(new, periodic, part_of(judging, 0, "samples")),
            _described(windows, periodic, part_of(judging, 1, "reference")),
        )
        return _compared(
            verdict,
            new.isel(sample=inside),
            windows,
            (new_phi[inside], real_phi),
            (sides[0].isel(sample=inside), sides[1]),
            np.random.default_rng(rng),
            judging,
        )


def fewest_for(phases: Mapping[int, str]) -> Needed:
    """Return the samples and windows from which there is a verdict.

    Examples
    --------
    >>> fewest_for({0: "pore", 1: "solid"})
    Needed(samples=10, windows=12)
    """
    return Needed(FEWEST_SAMPLES, max(FEWEST_WINDOWS, WINDOWS_PER_COEFFICIENT * len(phases)))


def _described(ms: xr.DataArray, periodic: bool, progress: Progress) -> xr.Dataset:
    return describe(ms, periodic=periodic, descriptors=judged_groups(), progress=progress)


def _compared(
    verdict: Verdict,
    new: xr.DataArray,
    windows: xr.DataArray,
    fractions: tuple[Numbers, Numbers],
    described: tuple[xr.Dataset, xr.Dataset],
    rng: np.random.Generator,
    judging: Stage,
) -> Verdict:
    """Complete the verdict with its tests."""
    lag = last_judged_lag(new.shape[1:])
    blocks = [
        (generated, real, verdict.margins[real.descriptor])
        for generated, real in zip(
            *(feature_blocks(side, last_lag=lag) for side in described), strict=True
        )
    ]
    number = (len(blocks) + TESTS_BESIDE_DESCRIPTORS) * verdict.comparisons
    setting = Setting.of(
        *fractions, alpha=verdict.alpha, tests=number, rng=rng, outside=verdict.n_outside
    )
    judging.update(2, status="tests of the descriptors")
    adjusted = [Adjusted(setting, *block) for block in blocks]
    squares = [block.squares() for block in adjusted]
    descriptors = tuple(
        block.difference(square) for block, square in zip(adjusted, squares, strict=True)
    )
    tests = [
        block.test(square, difference.parts)
        for block, square, difference in zip(adjusted, squares, descriptors, strict=True)
    ]
    together = [sum(values) for values in zip(*squares, strict=True)]
    joint = p_value(float(together[0]), np.asarray(together[1]))
    tests.append(Test("joint", joint, None, None, None, all(test.inside for test in tests)))
    judging.update(3, status="classifier and diversity")
    pairs = match_fractions(*fractions)
    classifier = _classifier(setting, new, windows, pairs, verdict.comparisons)
    members = _members(new, windows, pairs)
    in_voxels = diversity_test(differing_voxels(members))
    real_members = pairs.real + len(new)
    features = np.concatenate([block.weighed for block in adjusted], axis=1)
    in_descriptors = diversity_test(
        distances(features[np.concatenate([pairs.generated, real_members])])
    )
    tests += [
        _further(verdict, "classifier", classifier, number),
        _further(verdict, "voxel_diversity", in_voxels, number),
        _further(verdict, "descriptor_diversity", in_descriptors, number),
    ]
    return dataclasses.replace(
        verdict,
        descriptors=descriptors,
        classifier=classifier,
        voxel_diversity=in_voxels,
        descriptor_diversity=in_descriptors,
        tests=family(tests, verdict.alpha, verdict.comparisons),
    )


def _classifier(
    setting: Setting, new: xr.DataArray, real: xr.DataArray, pairs: Pairs, comparisons: int
) -> ClassifierTest:
    textures = np.concatenate([configurations(new), configurations(real)])
    samples, windows = setting.sizes
    # Deviations of samples and windows from the trend of the windows, as weights of all values.
    expected = np.zeros((samples + windows, samples + windows))
    expected[:samples, samples:] = setting.made_weights
    expected[samples:, samples:] = setting.trend.own_weights
    deviations = np.eye(samples + windows) - expected
    differences = deviations[pairs.generated] - deviations[pairs.real + samples]
    order = setting.shuffles.order[: CLASSIFIER_SHUFFLES * comparisons]
    return classifier_test(differences, setting.pooled.residuals(textures), order)


def _further(
    verdict: Verdict, name: str, result: ClassifierTest | DiversityTest, tests: int
) -> Test:
    """Make a test that belongs to no descriptor."""
    if isinstance(result, ClassifierTest):
        p, difference = result.p_value, result.accuracy - 0.5
    else:
        p, difference = result.p_value(lower=name == "voxel_diversity"), result.ratio - 1
    return interval_test(
        name,
        p,
        difference,
        result.interval(verdict.alpha),
        margin=verdict.margins[name].value,
        alpha=verdict.alpha,
        tests=tests,
        sizes=(verdict.n_generated, verdict.n_real),
    )


def _members(generated: xr.DataArray, real: xr.DataArray, pairs: Pairs) -> xr.DataArray:
    """Return the generated members of the pairs, then the real ones."""
    labels = np.concatenate([generated.values[pairs.generated], real.values[pairs.real]])
    return as_microstructure(labels, phases=phases_of(real), ensemble=True)


def _fractions(generated: Numbers, real: Numbers, phases: list[str]) -> tuple[FractionMatch, ...]:
    columns = (generated.mean(axis=0), real.mean(axis=0), real.min(axis=0), real.max(axis=0))
    return tuple(
        FractionMatch(name, *(float(column[k]) for column in columns))
        for k, name in enumerate(phases)
    )
