"""The help of the commands: options in groups, and examples."""

from __future__ import annotations

INPUT = "Input"
OUTPUT = "Output"
MACHINE = "Machine"
RESEARCH = "Research options (the defaults are good)"

PANELS = {
    INPUT: """
        labels voxel_size region reference_region training_region external axis_order stack dtype
        max_ratio fill_unwritten unit s2
    """,
    OUTPUT: "output group picture functions states resume force json",
    MACHINE: "device precision scheduler workers",
    RESEARCH: """
        sigma_min sigma_max sigma_last method loss time_schedule widths blocks batch learning_rate
        guidance classifier solver sides training_log
    """,
}
"""Names of parameters by the group of the help in which they stand; all others are "Options"."""

EXAMPLES = {
    "info": ["info --models", "info scan.h5"],
    "import": ["import rock.tif --labels 0=pore 255=grain --voxel-size 2.25um -o rock.h5"],
    "images": ["images snow.tif --grey-levels 8 -o snow.h5"],
    "export": ["export new.h5 -o new.vti"],
    "clean": ["clean new.h5 --min-size 20 -o clean.h5"],
    "describe": ["describe new.h5 -o described.nc"],
    "schedule": ["schedule rock.h5 --window 48 -o schedule.html"],
    "train": [
        "train rock.h5 --window 48 --symmetry isotropic --minutes 30 -o rock.model",
        "train rock.h5 --window 48 --config rock.toml -o rock.model",
        "train micrograph.png --window 96 --for-volumes --minutes 20 -o micrograph.model",
        "train rock.h5 --window 48 --condition specific_surface_area -o surface.model",
    ],
    "generate": [
        "generate berea-2d --fraction pore=0.22 -n 16 --shape 64 64 -o new.h5",
        "generate rock.model --fraction pore=0.22 --shape 128 128 128 --seed 1 -o new.tif",
        "generate berea-2d --fraction pore=0.2 --shape 64 64 64 -o volume.h5",
        "generate surface.model --fraction pore=0.2 --target specific_surface_area=0.15 -o new.h5",
        "generate rock.model --shape 64 64 64 --plane z=0:top.png --labels 0=pore 255=solid "
        "-o volume.h5",
        "generate top.model --slices y=side.model x=side.model --shape 64 64 64 -o volume.h5",
    ],
    "inpaint": ["inpaint berea-2d slice.h5 --hole y=16:48 x=16:48 -n 4 -o filled.h5"],
    "compose": ["compose berea-3d layers.csv --shape 64 32 32 -o graded.h5"],
    "animate": ["animate berea-2d --fraction pore=0.22 -o walk.gif"],
    "baseline": [
        "baseline rock.h5 --method gaussian-field --shape 64 64 -n 24 -o field.h5",
        "baseline micrograph.png --labels 0=pore 255=solid --shape 64 64 64 -o field.h5",
        "baseline --s2 curve.csv --fraction pore=0.2 --shape 128 128 128 -o field.h5",
    ],
    "sweep": ["sweep berea-2d --fraction pore=0.12:0.30:7 -n 8 -o sweep.h5"],
    "design": [
        "design rock.model --fraction pore=0.2:0.3 --minimise tortuosity_factor:pore:z "
        "--maximise specific_surface_area -o design.h5",
    ],
    "evaluate": [
        "evaluate new.h5 --reference rock.h5 -o report.html",
        "evaluate volume.h5 --reference micrograph.png --labels 0=pore 255=solid",
    ],
    "transport": ["transport new.h5 --phase pore -o transport.nc"],
    "discharge": [
        "discharge cathode.h5 --c-rate 1 3 -o curves.csv --functions electrode.py",
        "discharge uniform.h5 graded.h5 --picture compared.png",
    ],
    "fields": ["fields new.h5 --phase pore --axis z -o fields.vti"],
    "rev": ["rev rock.h5 --phase pore --size 8 12 16 24 --windows 4 -o rev.png"],
    "verify": ["verify new.h5"],
    "doctor": ["doctor"],
    "demo": ["demo -o demo"],
}
"""Commands of an ordinary use, without the name of the program."""


def panel_of(parameter: str) -> str | None:
    """Return the group of the help in which a parameter stands.

    Examples
    --------
    >>> panel_of("sigma_max"), panel_of("fraction")
    ('Research options (the defaults are good)', None)
    """
    return next((title for title, names in PANELS.items() if parameter in names.split()), None)


def examples_of(command: str) -> str | None:
    """Return the examples of a command as the paragraphs below its options."""
    lines = [f"microdsd {line}" for line in EXAMPLES.get(command, [])]
    return "\n\n".join(["Examples:", *lines]) if lines else None
