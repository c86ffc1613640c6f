"""A schedule as a file: a picture, or a page with the picture and its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from microdsd.errors import InputError
from microdsd.io import atomic_write
from microdsd.io.order import path_first
from microdsd.report.pages.inline_figure import inline_figure
from microdsd.report.pages.template import render
from microdsd.report.pictures.schedule_picture import schedule_picture
from microdsd.report.pictures.style import figure_png
from microdsd.schedule.result import Schedule

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_name(path: str | Path) -> None:
    """Refuse a name that belongs to neither a page nor a picture.

    Raises
    ------
    InputError
    """
    if Path(path).suffix.lower() not in {".html", ".png"}:
        raise InputError(f"output {str(path)!r} must end in .html or .png")


@path_first
def write_schedule(
    path: str | Path, schedule: Schedule, *, title: str = "Schedule", overwrite: bool = False
) -> None:
    """Write the picture (.png), or the page that holds it (.html).

    Raises
    ------
    InputError
        If the name ends in neither.
    DataFileError
        If the file exists and may not be replaced, or cannot be written.
    """
    check_name(path)
    with atomic_write(path, overwrite=overwrite) as temporary:
        picture = schedule_picture(schedule)
        if Path(path).suffix.lower() == ".png":
            temporary.write_bytes(figure_png(picture))
        else:
            temporary.write_text(_page(schedule, title, picture), encoding="utf-8")


def _page(schedule: Schedule, title: str, picture: Figure) -> str:
    svg = inline_figure(picture, "schedule", "Noised windows and what they keep")
    return render("schedule.html.j2", sections={}, title=title, schedule=schedule, picture=svg)
