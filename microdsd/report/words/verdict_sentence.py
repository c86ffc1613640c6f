"""The verdict in one sentence that a person can read."""

from __future__ import annotations

from microdsd.evaluation.verdict.result import DescriptorDifference, Difference, Verdict

MOST_REASONS = 3
LARGEST_SHARE = 2.0
"""Relative difference above which a percentage says nothing: the real mean is close to zero."""

# What differs, and how where there is more of it and where there is less.
WORDS = {
    "two_point_probability": ("{of} structures are", "too coarse", "too fine"),
    "cross_two_point_probability": ("distances from {of} are", "too short", "too long"),
    "anisotropy": ("{of} structures are", "too long along {axis}", "too short along {axis}"),
    "two_point_cluster": (
        "{of} bodies hold",
        "too many pairs of points",
        "too few pairs of points",
    ),
    "lineal_path": ("straight paths in {of} are", "too long", "too short"),
    "chord_length": ("{of} chords are", "too long", "too short"),
    "local_thickness": ("the local thickness of {of} is", "too large", "too small"),
    "specific_surface_area": ("{of} surfaces are", "too rough", "too smooth"),
    "pair_surface_area": ("contacts of {of} are", "too large", "too small"),
    "triple_phase_boundary": ("triple-phase boundaries are", "too long", "too short"),
    "interface_density": ("unlike voxel faces are", "too many", "too few"),
    "euler_density": ("the Euler characteristic of {of} is", "too high", "too low"),
    "body_count": ("{of} bodies are", "too many", "too few"),
    "largest_body_share": ("the largest {of} body is", "too large", "too small"),
    "percolates": ("{of} percolates along {axis}", "too often", "too seldom"),
}


def verdict_sentence(verdict: Verdict) -> str:
    """State the verdict in one line that stands alone."""
    if not verdict.same_fractions:
        apart = max(verdict.fractions, key=lambda f: round(abs(f.generated - f.real), 9))
        return (
            f"Not comparable: the {apart.phase} fraction of the generated samples is "
            f"{apart.generated:.3f}, that of the closest real windows {apart.real:.3f}; generate "
            "at the fractions of the real windows."
        )
    if not verdict.enough:
        return (
            f"Too few to tell: {verdict.n_pairs} pairs of samples and real windows cannot show a "
            "difference in any of "
            f"{len(verdict.tests)} tests; {_fewest(verdict)} can."
        )
    return _told_apart(verdict) if verdict.failed else _alike(verdict)


def difference_words(found: DescriptorDifference) -> str:
    """Say how the part of a descriptor that is furthest off differs.

    "surfaces are 3 % too rough".
    """
    part = found.largest
    name = found.descriptor.replace("_", " ")
    subject, more, less = WORDS.get(
        found.descriptor, (f"{name} of {{of}} is", "too high", "too low")
    )
    several = len({p.phase for p in found.parts}) > 1 or found.descriptor != "specific_surface_area"
    of = (part.phase or "all phases") if several else ""
    words = f"{subject} {_size(found, part)}{more if part.shift > 0 else less}"
    return words.format(of=of, axis=part.axis).strip()


def _told_apart(verdict: Verdict) -> str:
    failed = {test.name for test in verdict.failed}
    differing = [d for d in verdict.descriptors if d.descriptor in failed]
    differing.sort(key=lambda d: d.distance_over_spread or 0.0, reverse=True)
    total = len(verdict.descriptors)
    reasons = [difference_words(d) for d in differing[:MOST_REASONS]]
    if len(differing) > MOST_REASONS:
        reasons.append(f"{len(differing) - MOST_REASONS} more")
    first = f"Indistinguishable in {verdict.agreeing} of {total} descriptors"
    if reasons:
        first += f"; in the generated samples {_listed(reasons)}"
    elif failed == {"joint"}:
        first += " one by one, but not in all together"
    others = []
    if "voxel_diversity" in failed:
        others.append("samples repeat one another")
    if "descriptor_diversity" in failed:
        ratio = verdict.descriptor_diversity.ratio
        others.append(f"samples vary {_percent(ratio)} as much as real windows")
    if "memorisation" in failed:
        others.append("samples are copies of training windows")
    if "classifier" in failed:
        others.append(f"a classifier tells them apart in {_right(verdict)}")
    return "; ".join([first, *others]) + "."


def _alike(verdict: Verdict) -> str:
    text = (
        f"Indistinguishable from real windows in all {len(verdict.descriptors)} descriptors, in "
        f"all together, and to a classifier ({_right(verdict)} right, corrected p = "
        f"{verdict.test('classifier').adjusted_p_value:.2g})"
    )
    surface = next(
        (d for d in verdict.descriptors if d.descriptor == "specific_surface_area"), None
    )
    seen = None if surface is None else surface.largest.detectable
    return f"{text}; surfaces {_percent(seen)} off would have shown." if seen else f"{text}."


def _fewest(verdict: Verdict) -> int:
    pairs = verdict.n_pairs
    while 2.0 ** (1 - pairs) * len(verdict.tests) > verdict.alpha:
        pairs += 1
    return pairs


def _right(verdict: Verdict) -> str:
    return f"{verdict.classifier.right} of {verdict.classifier.pairs} pairs"


def _size(found: DescriptorDifference, part: Difference) -> str:
    telling = found.descriptor not in ("anisotropy", "percolates")
    if not telling or part.relative is None or not 0.005 <= abs(part.relative) <= LARGEST_SHARE:
        return ""
    return f"{_percent(abs(part.relative))} "


def _percent(share: float) -> str:
    """Whole per cents, one decimal below 10.

    Examples
    --------
    >>> _percent(0.0312), _percent(1.234)
    ('3.1 %', '123 %')
    """
    return f"{100 * share:.{1 if share < 0.095 else 0}f} %"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
