"""Macro for ParaView: colours and names of the phases on what microdsd exported.

In ParaView: Macros > Import new macro, choose this file, select a .vti, .vtu or .vtp of
``microdsd export`` and run it. With pvpython: ``pvpython 15_paraview_phases.py new.vti``.
"""

from __future__ import annotations

import json
import sys

PALETTE = ("#27507f", "#e9dfc7", "#d1603d", "#7fb5a6", "#8d5a86", "#9aa0a6")
ARRAYS = ("labels", "phase_behind")


def categories(phases: str) -> tuple[list[str], list[float]]:
    """Annotations (label, name, ...) and colours (red, green, blue, ...) from names as JSON."""
    annotations: list[str] = []
    colours: list[float] = []
    for number, (label, name) in enumerate(
        sorted(json.loads(phases).items(), key=lambda i: int(i[0]))
    ):
        annotations += [label, name]
        hue = PALETTE[number % len(PALETTE)]
        colours += [int(hue[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return annotations, colours


def main() -> None:
    from paraview import servermanager, simple

    source = simple.OpenDataFile(sys.argv[1]) if len(sys.argv) > 1 else simple.GetActiveSource()
    data = servermanager.Fetch(source)
    phases = data.GetFieldData().GetAbstractArray("phases").GetValue(0)
    array = next(name for name in ARRAYS if data.GetCellData().HasArray(name))
    view = simple.GetActiveViewOrCreate("RenderView")
    shown = simple.Show(source, view)
    shown.SetRepresentationType("Surface")
    simple.ColorBy(shown, ("CELLS", array))
    table = simple.GetColorTransferFunction(array)
    table.InterpretValuesAsCategories = 1
    table.Annotations, table.IndexedColors = categories(phases)
    shown.SetScalarBarVisibility(view, True)
    simple.ResetCamera()
    simple.Render()


if __name__ == "__main__":
    main()
