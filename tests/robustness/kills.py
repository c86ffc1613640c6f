"""Processes killed at random moments, and full disks: nothing lost, no half file, equal results.

    python tests/robustness/kills.py --n 300 --seed 0 --json kills.json
    python -m pytest tests/robustness --kills 300

Every verb that writes is run to its end once. Then it is killed, up to three times, by SIGKILL or
by SIGINT (Ctrl-C), at a random one of its file operations or after a random share of its processor
time, and the same command is repeated (with ``--resume`` where the verb has it) until it ends. A
trial fails if

- a file under a final name is not whole, at any time;
- the repeated command does not end with exit code 0, or shows a traceback;
- the results differ from those of the run that was not killed;
- anything but the results is left at the end.

A disk that is full is a limit on the size of files (RLIMIT_FSIZE): the command must end with exit
code 2 and leave no half file, and the same command must succeed when there is room again.

Commands run in forks of this process, which has imported everything: the moments are those of the
work, not of the imports.
"""

import argparse
import contextlib
import json
import math
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import surroundings  # noqa: F401
import torch
import xarray as xr
from kinds import fingerprint
from leftovers import ensemble, scan
from tiny_models import tiny_model

import microdsd.cli.train
from microdsd.cli.app import main as run_command
from microdsd.generation.batches import BATCH_VOXELS
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.io import load_microstructures, save_microstructures

LARGEST = 1 << 16
"""Bytes of the largest file that a full disk takes."""


@dataclass(frozen=True)
class Command:
    """A command that writes files: its words, the files, and what it needs to go on.

    `share`: of the kills of other commands, less for what is slow.
    """

    words: str
    results: tuple[str, ...]
    go_on: Callable[[Path], str] = lambda folder: ""
    share: float = 1.0

    @property
    def verb(self):
        return self.words.split()[0]


def resumes(folder):
    return "--resume"


def resumes_training(folder):
    return "--resume" if (folder / "new.model.resume").exists() else ""


def replaces(folder):
    return "--force"


COMMANDS = [
    Command(
        "train scan.h5 -o new.model --window 8 --widths 4 --batch 2 --steps 6 --evaluations 4",
        ("new.model", "new.model.csv"),
        resumes_training,
    ),
    Command("generate rock.model -o new.h5 -n 5 --evaluations 4 --seed 1", ("new.h5",)),
    Command(
        "sweep rock.model -o new.h5 --fraction pore=0.2:0.4:2 -n 2 --evaluations 4 --seed 1",
        ("new.h5", "new.html", "new.json"),
    ),
    Command(
        "inpaint rock.model plane.h5 -o new.h5 --hole y=2:8 x=3:9 -n 4 --evaluations 4 --seed 1",
        ("new.h5",),
    ),
    Command("compose rock.model table.csv -o new.h5 -n 4 --evaluations 4 --seed 1", ("new.h5",)),
    Command(
        "describe windows.h5 -o new.nc --descriptor fractions --descriptor surface",
        ("new.nc",),
        resumes,
    ),
    Command("transport windows.h5 --phase pore -o new.nc", ("new.nc",), resumes),
    Command(
        "evaluate windows.h5 --reference scan.h5 --windows 8 -o new.html",
        ("new.html", "new.json"),
        replaces,
        share=0.3,
    ),
    Command("import scan.h5 -o new.h5 --labels 0=a 1=b", ("new.h5",)),
]


def prepare(folder):
    """Write all that the commands read."""
    scan(folder)
    save_microstructures(folder / "windows.h5", ensemble())
    save_microstructures(folder / "plane.h5", load_microstructures(folder / "scan.h5")[:12, :10])
    tiny_model().save(folder / "rock.model")
    (folder / "table.csv").write_text("pore\n0.2\n0.4\n")


def content(path):
    """What a result says, without times and versions; raises where it is not whole."""
    if path.suffix == ".h5":
        return fingerprint(load_microstructures(path))
    if path.suffix == ".nc":
        with xr.open_dataset(path, engine="h5netcdf") as found:
            return repr(found.load().drop_attrs().to_dict())
    if path.suffix == ".model":
        model = MicrostructureModel.load(path, "cpu")
        weights = [fingerprint(w.numpy().view("i4")) for w in model.network.state_dict().values()]
        return f"{weights} {model.card.walks} {model.card.validation_gains}"
    if path.suffix == ".json":
        return repr(json.loads(path.read_text()).get("verdict"))
    text = path.read_text()
    if path.suffix == ".csv":
        return [row.split(",")[0] for row in text.splitlines()][-1]
    if not text.rstrip().endswith("</html>"):
        raise ValueError(f"{path.name}: cut after {len(text)} characters")
    return ""


@dataclass(frozen=True)
class Blow:
    """When a process is killed: before its `event`-th file operation, or after processor time."""

    number: int
    event: int | None = None
    seconds: float | None = None

    def __str__(self):
        when = f"after {self.seconds:.3f} s" if self.event is None else f"at event {self.event}"
        return f"{signal.Signals(self.number).name} {when}"


@dataclass(frozen=True)
class Ended:
    """Exit code (negative: killed by that signal), standard error, file operations, seconds."""

    code: int
    stderr: str
    events: int
    seconds: float

    @property
    def killed(self):
        return self.code < 0 or self.code == 130


def run(words, folder, *, blow=None, limit=None):
    """Run a command in a fork, in a folder."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _become(words, folder, writing, blow, limit)
    os.close(writing)
    with os.fdopen(reading, errors="replace") as pipe:
        said = pipe.read()
    _, status, used = os.wait4(pid, 0)
    stderr, _, events = said.rpartition("events=")
    code = os.waitstatus_to_exitcode(status)
    killed = code == -signal.SIGPROF
    return Ended(
        -signal.SIGKILL if killed else code,
        stderr or said,
        int(events) if events.isdecimal() else 0,
        used.ru_utime + used.ru_stime,
    )


def _become(words, folder, writing, blow, limit):
    """Be the command, to the end of the process."""
    code = 70
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        os.dup2(writing, 2)
        os.chdir(folder)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        operations = _watch_files(blow)
        if blow and blow.seconds is not None:
            # Nobody handles SIGPROF: it ends a process within any call, as SIGKILL does.
            hard = blow.number == signal.SIGKILL
            signal.signal(signal.SIGPROF, signal.SIG_DFL if hard else _interrupt)
            signal.setitimer(signal.ITIMER_PROF, blow.seconds)
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        sys.argv = ["microdsd", *words]
        try:
            run_command()
        except SystemExit as end:
            code = end.code or 0
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stderr.flush()
        os.write(2, f"events={operations()}".encode())
    except BaseException:
        import traceback

        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)


def _watch_files(blow):
    """Count operations on files, and strike at the one that is meant."""
    count = 0

    def hook(event, args):
        nonlocal count
        if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.scandir"):
            count += 1
            if blow and count == blow.event:
                os.kill(os.getpid(), blow.number)

    sys.addaudithook(hook)
    return lambda: count


class Trials:
    """Trials of one command against its run to the end.

    Parameters
    ----------
    command : Command
    scratch : Path
    """

    def __init__(self, command, scratch):
        self.command = command
        self._valid, self._folder = scratch / "valid", scratch / "trial"
        if not self._valid.exists():
            self._valid.mkdir()
            prepare(self._valid)
        self._anew()
        self.whole = run(command.words.split(), self._folder)
        if self.whole.code:
            raise RuntimeError(f"{command.words}: {self.whole.stderr}")
        self._right = {name: content(self._folder / name) for name in command.results}

    def kill(self, rng):
        """One trial: the blows that struck, and what went wrong, if anything."""
        self._anew()
        blows, words = [], self.command.words.split()
        for attempt in range(8):
            blow = self._blow(rng) if attempt < rng.integers(1, 4) else None
            more = self.command.go_on(self._folder).split() if attempt else []
            ended = run([*words, *more], self._folder, blow=blow)
            if blow and ended.killed:
                blows.append(blow)
            if wrong := self._half_written():
                return blows, f"after {blow}: {wrong}"
            if ended.code == 0:
                return blows, self._wrong(cleaned=True)
            if self._all_there():  # killed while it tidied up
                return blows, self._wrong(cleaned=False)
            if not ended.killed:
                return blows, f"exit code {ended.code}: {ended.stderr[-1500:]}"
        return blows, "does not come to an end"

    def fill(self, limit):
        """One trial on a full disk: whether it was full, and what went wrong."""
        self._anew()
        words = self.command.words.split()
        ended = run(words, self._folder, limit=limit)
        if wrong := self._half_written():
            return True, wrong
        if ended.code == 0:
            return False, self._wrong(cleaned=True)
        if ended.code != 2 or "Traceback" in ended.stderr:
            return True, f"exit code {ended.code}: {ended.stderr[-1500:]}"
        again = run([*words, *self.command.go_on(self._folder).split()], self._folder)
        if again.code:
            return True, f"again, exit code {again.code}: {again.stderr[-1500:]}"
        return True, self._wrong(cleaned=True)

    def _anew(self):
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(self._valid, self._folder)

    def _blow(self, rng):
        number = int(rng.choice([signal.SIGKILL, signal.SIGINT]))
        if rng.random() < 0.6:
            return Blow(number, event=int(rng.integers(1, self.whole.events + 1)))
        return Blow(number, seconds=float(rng.uniform(0.001, self.whole.seconds)))

    def _all_there(self):
        return all((self._folder / name).exists() for name in self.command.results)

    def _half_written(self):
        for name in self.command.results:
            path = self._folder / name
            if path.exists() and path.suffix != ".csv":  # a log grows while training runs
                try:
                    found = content(path)
                except Exception as error:
                    return f"{name} is not whole: {error}"
                if found != self._right[name]:
                    return f"{name} is not that of the run to the end"
        return ""

    def _wrong(self, *, cleaned):
        for name, right in self._right.items():
            if content(self._folder / name) != right:
                return f"{name} differs from that of the run to the end"
        extra = {path.name for path in self._folder.iterdir()} - set(self.command.results)
        extra -= {path.name for path in self._valid.iterdir()}
        return f"left over: {sorted(extra)}" if cleaned and extra else ""


def kill_and_fill(n, seed, scratch, commands=COMMANDS):
    """Summary of `n` kills shared by the commands, and of full disks, as a document for JSON."""
    torch.set_num_threads(1)
    kills, full, failing = Counter(), Counter(), []
    with (
        mock.patch.object(microdsd.cli.train, "_SAVE_EVERY", 0.0),
        mock.patch.dict(BATCH_VOXELS, cpu=240),  # two samples at a time
        contextlib.suppress(KeyboardInterrupt),  # the summary of what was done
    ):
        for k, command in enumerate(commands):
            trials = Trials(command, scratch)
            share, trial = math.ceil(command.share * n / len(commands)), 0
            while kills[command.verb] < share and trial < 3 * share:
                blows, wrong = trials.kill(np.random.default_rng([seed, k, trial]))
                kills[command.verb] += len(blows)
                if wrong:
                    said = ", ".join(map(str, blows))
                    failing.append([command.verb, f"trial {trial}: {said}", wrong])
                trial += 1
            for limit in np.geomspace(64, LARGEST, max(1, share // 8)).astype(int).tolist():
                was_full, wrong = trials.fill(limit)
                full[command.verb] += was_full
                if wrong:
                    failing.append([command.verb, f"files of at most {limit} bytes", wrong])
    return {"seed": seed, "kills": dict(kills), "full disks": dict(full), "failing": failing}


def as_text(found):
    """The summary as a table, and the failures."""
    lines = [f"{'seed ' + str(found['seed']):12}{'kills':>8}{'full disks':>12}{'failing':>9}"]
    failing = Counter(verb for verb, *_ in found["failing"])
    for verb, number in found["kills"].items():
        lines.append(f"{verb:12}{number:8}{found['full disks'].get(verb, 0):12}{failing[verb]:9}")
    lines += [f"{verb}, {trial}:\n    {wrong}" for verb, trial, wrong in found["failing"]]
    return "\n".join(lines)


def main():
    """Kill by the options of the command line; exit code 1 where a trial fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=100, help="kills, shared among the verbs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="verbs that match this")
    parser.add_argument("--json", type=Path, help="file for the summary")
    options = parser.parse_args()
    chosen = [one for one in COMMANDS if re.search(options.only, one.verb)]
    with tempfile.TemporaryDirectory(prefix="kills-") as scratch:
        found = kill_and_fill(options.n, options.seed, Path(scratch), chosen)
    print(as_text(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    sys.exit(bool(found["failing"]))


if __name__ == "__main__":
    main()
