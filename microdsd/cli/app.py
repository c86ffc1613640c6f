"""The command `microdsd`: a table of verbs, each in a module that is imported when it is used.

A verb's module has a function `command` with typer annotations. Options that take a list may be
repeated or be followed by several numbers or name=value pairs (``--shape 128 128 128``).
Deliberate errors print one line and exit with 2, an interrupt exits with 130, and any other
exception is a bug and shows its traceback.
"""

from __future__ import annotations

import errno
import importlib
import os
import re
import signal
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from microdsd import __version__
from microdsd.cli.terminal import escape_what_cannot_be_shown, printable, say
from microdsd.cli.wrong_values import conversion_message
from microdsd.errors import MicrodsdError

# Both of click, or of the copy of click that newer releases of typer carry.
Context = Any
UsageError: type[Exception] = typer.BadParameter.__mro__[1]

VERBS = {
    "info": ("info", "Show what a file holds, the models that ship, or the data sets."),
    "import": ("import_", "Bring an image, raw volume or data set into the HDF5 layout."),
    "images": ("images", "Bring grey or colour images with few levels into HDF5."),
    "export": ("export", "Convert to other formats of volumes, or to meshes."),
    "clean": ("clean", "Remove specks and floating components, counts kept."),
    "describe": ("describe", "Measure a microstructure with every descriptor."),
    "schedule": ("schedule", "Show how far noise must go, where walks may end, and the cost."),
    "train": ("train", "Train a model on a segmented scan."),
    "generate": ("generate", "Generate microstructures with exact phase fractions."),
    "inpaint": ("inpaint", "Complete a scan that is known in part, or grow it."),
    "compose": ("compose", "Generate with exact fractions in every layer, block or region."),
    "animate": ("animate", "Draw how a sample comes about as an animated GIF."),
    "baseline": ("baseline", "Generate by classical methods, to compare with."),
    "sweep": ("sweep", "Generate over a range of one phase fraction; write a report."),
    "design": ("design", "Search the composition with the best properties."),
    "evaluate": ("evaluate", "Compare generated with real material; write a report."),
    "transport": ("transport", "Compute diffusivity, permeability, conductivity, stiffness."),
    "discharge": ("discharge", "Discharge electrodes; write them as functions for PyBaMM."),
    "fields": ("fields", "Compute concentration, flux, velocity, thickness in voxels."),
    "rev": ("rev", "Show how properties scatter with the size of the window."),
    "verify": ("verify", "Recount a file and compare with what was requested."),
    "doctor": ("doctor", "Check this installation and how fast it is here."),
    "demo": ("demo", "Run the whole path on a small example."),
}
OTHER = "other"
LENGTHS = "--voxel-size"
RENAMED = {
    "--crop": "--region",
    "--regions": "--region-map",
    "--levels": "--grey-levels",
    "--schedule": "--time-schedule",
}
"""Options of 0.1 and what they are called now."""
_LENGTH = re.compile(r"[-+.\d]*\d[-+.\deE]*[^\W\d]{0,7}|[nuµμmc]?m|Å")  # 3e-6, 398nm, nm
_PAIR = re.compile(r"(?!-)[^=]*=|-\d+=")  # 0=pore, -1=outside; no option
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


class ListOptionCommand(TyperCommand):
    """Run a command whose list options take all values that follow them."""

    def __init__(self, name: str, **options: Any) -> None:
        from microdsd.cli.help import examples_of, panel_of

        super().__init__(name, **options)
        self.epilog = self.epilog or examples_of(name)
        self.params.append(_config_option())
        for parameter in self.params:
            if hasattr(parameter, "is_flag"):  # an option, and no argument
                cast("Any", parameter).rich_help_panel = panel_of(str(parameter.name))

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Repeat the name of a list option before each further value, then parse as usual."""
        parameters = self.get_params(ctx)
        names = {name for parameter in parameters for name in parameter.opts}
        for word in args:
            old = word.partition("=")[0]
            if old not in names and RENAMED.get(old) in names:
                raise UsageError(f"{old} is now called {RENAMED[old]}", ctx)
        lists = {
            name
            for parameter in parameters
            for name in parameter.opts
            if getattr(parameter, "multiple", False)
        }
        spread: list[str] = []
        option, kind = "", ""  # of the list that further values may belong to
        for word in args:
            name, _, value = word.partition("=")
            if name in lists:
                option, kind = name, _kind(value, name)
            elif option and not kind:
                kind = _kind(word, option)
            elif option and kind == _kind(word, option) != OTHER:
                spread.append(option)
            else:
                option = ""
            spread.append(word)
        return super().parse_args(ctx, spread)


class LazyCommand(TyperCommand):
    """Represent a verb in the help of the group; its module is imported for anything more."""

    def _load(self) -> Any:
        module = importlib.import_module(f"microdsd.cli.{VERBS[str(self.name)][0]}")
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(self.name, cls=ListOptionCommand)(module.command)
        return typer.main.get_command(single)

    def get_params(self, ctx: Context) -> list[Any]:
        """Return the parameters of the verb itself."""
        return list(self._load().get_params(ctx))

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Return the context of the verb itself, so that it is what runs."""
        return self._load().make_context(*args, **options)


class VerbGroup(TyperGroup):
    """Group the verbs, and report their errors."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for verb, (_, summary) in VERBS.items():
            self.add_command(LazyCommand(verb, help=summary))

    def invoke(self, ctx: Context) -> Any:
        """Run a verb; deliberate errors and interrupts end in one line."""
        try:
            return super().invoke(ctx)
        except MicrodsdError as error:
            say(f"error: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(EXIT_ERROR) from error
        except UsageError as error:
            usage: Any = error
            usage.message = printable(conversion_message(error.__cause__) or usage.message)
            raise
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            say(f"error: {str(error.filename)[:80]}...: {error.strerror}; give another", err=True)
            raise typer.Exit(EXIT_ERROR) from error
        except (KeyboardInterrupt, SystemError) as error:
            # Compiled code that an interrupt stops raises a SystemError from it.
            if not isinstance(error.__cause__ or error, KeyboardInterrupt):
                raise
            typer.echo("interrupted", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from error


app = typer.Typer(cls=VerbGroup, no_args_is_help=True, pretty_exceptions_enable=False)


def _take_options(
    ctx: typer.Context, _parameter: typer.CallbackParam, path: str | None
) -> str | None:
    """Take options from a file where the command line does not give them."""
    if path is not None:
        from microdsd.cli.config import read_options

        verb: Any = ctx.command
        ctx.default_map = read_options(Path(path), verb.name, verb.params, VERBS)
    return path


def _config_option() -> Any:
    """Return the option of every verb that names a file of options."""

    def command(
        config: Annotated[
            str | None,
            typer.Option(
                metavar="FILE.toml",
                is_eager=True,
                callback=_take_options,
                help="Options from a TOML file; those of the command line win.",
            ),
        ] = None,
    ) -> None:
        pass

    single = typer.Typer(add_completion=False)
    single.command()(command)
    (option,) = typer.main.get_command(single).params
    option.expose_value = False
    return option


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"microdsd {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Generate materials microstructures with exactly the composition you ask for."""


def main() -> None:
    """Run the command line."""
    # A cluster ends a job with SIGTERM: it stops as cleanly as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Threads that wait for one another are to sleep meanwhile: on a busy machine, each that turns
    # in circles instead holds up the one that it waits for.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    escape_what_cannot_be_shown()
    app(prog_name="microdsd")


def _kind(word: str, option: str) -> str:
    """Tell values that may follow one another (numbers, lengths, name=value) from other words."""
    if not word:
        return ""
    if option == LENGTHS and _LENGTH.fullmatch(word):
        return "length"
    try:
        float(word)
    except ValueError:
        return "pair" if _PAIR.match(word) else OTHER
    return "number"
