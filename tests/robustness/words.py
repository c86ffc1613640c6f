"""Words that a user may type: options of every verb, tables, names of files, phases and groups."""

import json

import damage
from kinds import Kind, Unclean, clean, verb
from leftovers import ensemble, scan
from tiny_models import tiny_model

from microdsd.io import save_microstructures

COMMANDS = [
    "generate rock.model -o new.h5 --fraction pore=0.3 -n 2 --shape 12 10 --evaluations 4 --seed 1",
    "generate rock.model -o new.h5 --boundary periodic --states walk.npz",
    "train scan.h5 -o new.model --window 8 --widths 4 --batch 2 --validation 0 --steps 1 "
    "--learning-rate 1e-3 --sigma-min 0.3 --seed 1 --blocks 1 --evaluations 8 --region y=0:40",
    "inpaint rock.model scan.h5 -o new.h5 --hole y=2:8 x=3:9 -n 1 --fraction pore=0.3",
    "inpaint rock.model scan.h5 -o new.h5 --grow 52 44 --evaluations 4",
    "compose rock.model table.csv -o new.h5 --shape 12 10 --evaluations 4",
    "compose rock.model table.csv -o new.h5 --grid 2 1",
    "sweep rock.model -o new.h5 --fraction pore=0.2:0.4:2 -n 1 --evaluations 4",
    "describe windows.h5 -o described.nc --descriptor fractions --phase pore --region y=0:16",
    "transport windows.h5 --phase pore -o transport.nc --axis y",
    "schedule scan.h5 --window 8 -o schedule.html",
    "baseline scan.h5 --method gaussian-field --shape 8 8 --fraction pore=0.3 -n 1 -o new.h5",
    "import scan.h5 -o new.h5 --labels 0=a 1=b --voxel-size 1e-6 --region y=0:20 --coarsen 2",
    "import scan.raw -o new.h5 --shape 6 8 --dtype uint8 --axis-order yx --group a",
    "verify windows.h5 --fraction pore=0.3",
    "info scan.h5",
]
ODD_WORDS = [
    "0", "-1", "1", "3", "0.5", "nan", "inf", "-inf", "1e300", "-1e-300", "1000000000000",
    "99999999999999999999", "1,5", "pore=", "=0.3", "pore=nan", "pore=2", "pore=-0.1", "=", "a=b",
    "pore=0.1:0.2", "pore=0:1:1000000000", "y=5:2", "y=::", "y=-3:9", "q=0:3", "0=a", "-1=a",
    "0=a=b", "1e999=a", "gone.h5", "windows.h5:/nothing", "rock.model", "table.csv", ".",
    "/dev/null", "dataset:nothing", "",
]  # fmt: skip


def words_of(command):
    def make(folder):
        (folder / "words.json").write_text(json.dumps(command.split()))
        scan(folder)
        save_microstructures(folder / "windows.h5", ensemble())
        tiny_model().save(folder / "rock.model")
        (folder / "table.csv").write_text("pore\n0.2\n0.4\n")
        (folder / "scan.raw").write_bytes(bytes([0, 1] * 24))
        return "words.json"

    return make


def damage_words(path, rng):
    """Replace, remove or repeat words of a command."""
    words = json.loads(path.read_text())
    for _ in range(rng.integers(1, 3)):
        at = int(rng.integers(1, len(words)))
        what = rng.choice(["odd", "odd", "odd", "hostile", "remove", "repeat"])
        if what == "remove" and len(words) > 2:
            del words[at]
        elif what == "repeat":
            words.insert(at, words[at])
        else:
            words[at] = str(rng.choice(ODD_WORDS if what == "odd" else damage.HOSTILE))
    path.write_text(json.dumps(words))
    return " ".join(words)


def run_words(path):
    return verb(*json.loads(path.read_text()))


def table(folder):
    words_of("")(folder)
    return "table.csv"


def compose(path):
    return verb("compose", "rock.model", path.name, "-o", "new.h5", "--evaluations", "4")


def named(folder):
    words_of("")(folder)
    (folder / "name.json").write_text(json.dumps("name"))
    return "name.json"


def damage_name(path, rng):
    """Put one or two hostile names in place of the plain one."""
    name = "".join(rng.choice(damage.HOSTILE, size=rng.integers(1, 3)))
    path.write_text(json.dumps(name))
    return repr(name)


def name_phases(path):
    _import_named("new.h5", path)
    verb("info", "new.h5")
    verb("verify", "new.h5")
    verb("describe", "new.h5", "--descriptor", "fractions")


def name_on_page(path):
    for file in ("new.h5", "real.h5"):
        _import_named(file, path)
    verb("evaluate", "new.h5", "--reference", "real.h5", "-o", "new.html")
    page, name = path.with_name("new.html").read_text(), json.loads(path.read_text())
    clean(page)
    if name in page and set("<>") & set(name):
        raise Unclean(f"{name!r} stands unescaped in the page")


def _import_named(file, path):
    name = json.loads(path.read_text())
    verb("import", "windows.h5", "-o", file, "--labels", f"0={name}", "1=solid")


def name_files(path):
    name = json.loads(path.read_text())
    verb("import", "windows.h5", "-o", f"{name}.h5", "--group", name or "g")
    verb("info", f"{name}.h5")
    verb("generate", "rock.model", "-o", f"{name}.new.h5", "--evaluations", 4, "--seed", 0)
    verb("describe", f"{name}.h5", "-o", f"{name}.nc", "--descriptor", "fractions")


WORDS = [
    *(
        Kind(f"words of {command.split()[0]} {i}", words_of(command), run_words, damage_words)
        for i, command in enumerate(COMMANDS)
    ),
    Kind("table of compose", table, compose, damage.damage_text),
    Kind("names of phases", named, name_phases, damage_name),
    Kind("names on pages", named, name_on_page, damage_name, share=0.1),
    Kind("names of files and groups", named, name_files, damage_name),
]
