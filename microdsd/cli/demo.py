"""``microdsd demo``: the whole path on this machine, in minutes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from microdsd.cli.live import STDERR, working
from microdsd.cli.options import JsonDocument
from microdsd.cli.output import print_json

EXIT_INEXACT = 1


def command(
    folder: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")] = Path(
        "microdsd-demo"
    ),
    seed: Annotated[int, typer.Option(help="Seed of all samples.")] = 0,
    json: JsonDocument = False,
) -> None:
    """Generate at three porosities in 2D and 3D, recount, compare with the scan, write reports.

    Files of an earlier demo in the same folder are replaced.
    """
    from microdsd.cli.demo_run import run_demo

    start = time.perf_counter()
    demonstrations = []
    with working("starting") as status:
        for each in run_demo(
            folder,
            seed=seed,
            progress=lambda done, total, words: status.update(
                Text(f"[{time.perf_counter() - start:4.0f} s] {words}")
            ),
        ):
            demonstrations.append(each)
            STDERR.print(
                f"{each.model}: counts {'exact' if each.exact else 'DIFFER'}; {each.picture}"
                + (f"; {each.report}" if each.report else "; no report, the scan is not at hand")
            )
    seconds = time.perf_counter() - start
    if json:
        print_json(
            {
                "seconds": round(seconds, 1),
                "models": [
                    {
                        "name": each.model,
                        "files": {f"{p:.2f}": str(path) for p, path in each.files.items()},
                        "exact": each.exact,
                        "picture": str(each.picture),
                        "report": str(each.report) if each.report else None,
                    }
                    for each in demonstrations
                ],
            }
        )
    else:
        STDERR.print(f"done in {seconds:.0f} s; everything lies in {folder}")
    if not all(each.exact for each in demonstrations):
        raise typer.Exit(EXIT_INEXACT)
