"""Long work: how far it has come, as it says itself, and where an interrupt may stop it."""

from microdsd.progress.display import progress_bar, show_progress
from microdsd.progress.stages import Progress, Stage, part_of, stage

__all__ = ["Progress", "Stage", "part_of", "progress_bar", "show_progress", "stage"]
