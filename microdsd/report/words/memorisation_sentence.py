"""What the search for copies of training windows found, in one sentence."""

from __future__ import annotations

from microdsd.evaluation.memorisation import Memorisation


def memorisation_sentence(found: Memorisation) -> str:
    """State how near samples come to the training scan, and how near real windows do."""
    new, real = (
        float(side["relative_distance"].median()) for side in (found.generated, found.held_back)
    )
    return (
        f"the nearest training window differs from a sample in {new:.0%}, and from a held-back "
        f"real window in {real:.0%} of the voxels that chance would have differ (medians); "
        f"{found.nearer} of {found.generated.sizes['sample']} samples are nearer than every "
        f"held-back window, {found.nearer_by_chance:.1f} expected; p = {found.p_value:.2g}"
    )
