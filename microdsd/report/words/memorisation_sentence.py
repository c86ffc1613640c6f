"""The result of the search for copies of training windows, in one sentence."""

from __future__ import annotations

from microdsd.evaluation.memorisation import Memorisation


def memorisation_sentence(memorisation: Memorisation) -> str:
    """State how near samples come to the training scan, and how near real windows do."""
    new, real = (
        float(side["relative_distance"].median())
        for side in (memorisation.generated, memorisation.held_back)
    )
    return (
        f"the nearest training window differs from a sample in {new:.0%}, and from a held-back "
        f"real window in {real:.0%} of the voxels that chance would have differ (medians); "
        f"{memorisation.nearer} of {memorisation.generated.sizes['sample']} samples are nearer "
        f"than every held-back window, {memorisation.nearer_by_chance:.1f} expected; "
        f"p = {memorisation.p_value:.2g}"
    )
