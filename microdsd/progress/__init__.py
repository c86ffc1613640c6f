"""How far long work has come: said by the work itself, shown to whoever wants to see it."""

from microdsd.progress.display import progress_bar, show_progress
from microdsd.progress.stages import Progress, Stage, part_of, stage

__all__ = ["Progress", "Stage", "part_of", "progress_bar", "show_progress", "stage"]
