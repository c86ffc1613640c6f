"""Fuzzing of everything that is read: every input gives a right answer or one clear refusal.

    python tests/robustness/fuzz.py --n 10000 --seed 0 --json fuzz.json --keep failing
    python tests/robustness/fuzz.py --only "hdf5 native" --index 123 --seed 0   # one case again
    python -m pytest tests/robustness --fuzz 10000

Each case damages a valid input (`formats.py`, `leftovers.py`, `words.py`; the damage is in
`damage.py`) and does with it what a user would, in a worker process. A case depends on the seed,
the name of its kind and its index alone. It fails by a

- traceback: any exception but a `MicrodsdError`, so also for want of memory;
- hang: more than `SECONDS` of processor time, or long waiting for something else;
- crash: the worker dies;
- wrong answer, where the format has a checksum over all that the answer depends on;
- unclean output: control characters on the terminal or the page;
- litter: a temporary file that stays.

Failing inputs are kept in a folder each, with the traceback. How the other cases ended is counted:
right, refused, and changed (another answer, where the format has no checksum that could tell).
"""

import argparse
import contextlib
import json
import logging
import multiprocessing
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import surroundings  # noqa: F401
import torch
from formats import FORMATS
from kinds import Refused, Unclean
from leftovers import LEFTOVERS
from words import WORDS

from microdsd.errors import MicrodsdError

SECONDS = 10.0
HANGS = 3
"""After so many a kind is given up: what hangs once hangs often."""

MEMORY = 4 << 30
"""Bytes of addresses that a case may take beyond what the process has."""

KINDS = {kind.name: kind for kind in (*FORMATS, *LEFTOVERS, *WORDS)}
MAY_REFUSE = {
    *("npz", "vti", "nrrd", "mha", "mhd", "nifti", "mat", "avizo", "zip", "tar.gz", "zarr"),
    *("tiff lzw", "hdf5 external"),
}
"""Kinds whose valid input may be refused, for want of a reader or on principle: then skipped."""

FAILURES = ("traceback", "hang", "crash", "wrong", "unclean", "litter")


def main():
    """Fuzz by the options of the command line; exit code 1 where a case fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=1000, help="cases, shared among the kinds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="kinds whose names match this")
    parser.add_argument("--index", type=int, help="one case of each chosen kind")
    parser.add_argument("--json", type=Path, help="file for the summary")
    parser.add_argument("--keep", type=Path, help="folder for failing inputs")
    options = parser.parse_args()
    chosen = [kind for name, kind in KINDS.items() if re.search(options.only, name)]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        found = fuzz(
            chosen, options.n, options.seed, Path(scratch), index=options.index, keep=options.keep
        )
    print(as_text(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    sys.exit(bool(found["failing"]))


def fuzz(kinds, n, seed, scratch, *, index=None, keep=None):
    """Summary of `n` cases, shared evenly among the kinds, as a document for JSON."""
    torch.set_num_threads(1)
    worker = Worker(scratch)
    counts, failing, skipped, seconds = defaultdict(Counter), [], {}, {}
    ready = []
    for kind in kinds:
        ended, detail = worker.ask(kind.name, seed, None)
        if ended == "right":
            ready.append(kind)
        elif ended == "refused" and kind.name in MAY_REFUSE:
            skipped[kind.name] = detail
        else:
            ready.append(kind)
            counts[kind.name][ended if ended in FAILURES else "traceback"] += 1
            failing.append(_failure(kind.name, None, "valid input: " + ended, detail))
    each = -(-n // max(len(ready), 1))
    with contextlib.suppress(KeyboardInterrupt):  # the summary of what was done
        for kind in ready:
            begun = time.monotonic()
            for i in range(max(1, round(each * kind.share))) if index is None else [index]:
                if counts[kind.name]["hang"] == HANGS:
                    break
                ended, detail = worker.ask(kind.name, seed, i)
                counts[kind.name][ended] += 1
                if ended in FAILURES:
                    failing.append(_failure(kind.name, i, ended, detail))
                    if keep:
                        worker.keep(keep / f"{kind.name}-{seed}-{i}".replace(" ", "_"), detail)
            seconds[kind.name] = round(time.monotonic() - begun, 2)
    worker.stop()
    return {
        "seed": seed,
        "cases": sum(sum(of.values()) for of in counts.values()),
        "seconds": seconds,
        "kinds": {name: dict(of) for name, of in counts.items()},
        "skipped": skipped,
        "failing": failing,
    }


def _failure(kind, index, ended, detail):
    lines = detail.strip().splitlines() or [""]
    own = [line.strip() for line in lines if "/microdsd/" in line and line.strip()[:4] == "File"]
    place = own[-1].rpartition("/microdsd/")[2] if own else ""
    where = " in ".join(part for part in (lines[-1][:160], place) if part)
    return {"kind": kind, "index": index, "ended": ended, "where": where, "detail": detail}


def as_text(found):
    """The summary as a table, and the failures by their place, the most frequent first."""
    columns = ("right", "changed", "refused", *FAILURES)
    lines = [f"{'seed ' + str(found['seed']):34}" + "".join(f"{c:>10}" for c in columns)]
    for name, of in found["kinds"].items():
        lines.append(
            f"{name:34}{found['seconds'].get(name, 0):10.1f}"
            + "".join(f"{of.get(c, 0) or '.':>10}" for c in columns)
        )
    total = Counter()
    for of in found["kinds"].values():
        total.update(of)
    lines.append(
        f"{found['cases']:<34}{sum(found['seconds'].values()):10.1f}"
        + "".join(f"{total[c] or '.':>10}" for c in columns)
    )
    lines += [f"skipped: {name}: {why.strip()[:120]}" for name, why in found["skipped"].items()]
    places = defaultdict(list)
    for one in found["failing"]:
        places[one["ended"], one["where"]].append(f"{one['kind']} {one['index']}")
    for (ended, where), cases in sorted(places.items(), key=lambda item: -len(item[1])):
        lines.append(f"{len(cases):5} x {ended}: {where}")
        lines.append(f"          {'; '.join(cases[:4])}")
    return "\n".join(lines)


class Worker:
    """A process that runs cases; one that hangs or dies is replaced.

    Parameters
    ----------
    scratch : Path
        Folder for valid inputs and for the case in work.
    """

    def __init__(self, scratch):
        self._scratch = scratch
        self._process = None

    def ask(self, kind, seed, index):
        """How a case ended, and what was raised; index None is the valid input."""
        if self._process is None:
            self._start()
        self._pipe.send((kind, seed, index))
        try:
            while not self._pipe.poll(3 * SECONDS):
                if not self._computes():
                    self._process.kill()
            return self._pipe.recv()
        except EOFError:
            pass
        self._process.join()
        code = self._process.exitcode
        self._process = None
        hung = code in (-signal.SIGKILL, -signal.SIGPROF)
        return ("hang", "") if hung else ("crash", f"exit code {code}")

    def keep(self, folder, detail):
        """Copy the input of the last case."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self._scratch / "case", folder, symlinks=True)
        (folder / "traceback.txt").write_text(detail, errors="backslashreplace")

    def stop(self):
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def _computes(self):
        """Whether the process has or waits for a processor, rather than for something else."""
        state = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state in "RD"

    def _start(self):
        context = multiprocessing.get_context("fork")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._scratch, other), daemon=True)
        self._process.start()
        other.close()


def _serve(scratch, pipe):
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    sys.stdin.close()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # C libraries chat there
    while True:
        pipe.send(_case(scratch, *pipe.recv()))


def _case(scratch, name, seed, index):
    """How one case ended, and what was raised."""
    kind = KINDS[name]
    valid, case = scratch / "valid" / name, scratch / "case"
    target = valid.with_name(name + ".json")
    if index is None:
        try:
            valid.mkdir(parents=True)
            where = kind.make(valid)
        except ImportError as error:
            return "refused", f"{error}"
        except Exception:
            return "traceback", traceback.format_exc()
        target.write_text(json.dumps({"where": where}))
    about = json.loads(target.read_text())
    shutil.rmtree(case, ignore_errors=True)
    shutil.copytree(valid, case, symlinks=True)
    path = case / about["where"]
    if index is not None:
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), index])
        kind.damage(path, rng)
    damaged = _copy(case, scratch)
    ended, detail, answer = _run(kind, path)
    if index is None:
        target.write_text(json.dumps({**about, "answer": answer}))
    elif ended == "right" and answer != about["answer"]:
        ended = "wrong" if kind.checksum else "changed"
    litter = [file.name for file in case.rglob(".*.????????*") if file.is_file()]
    if litter and ended in ("right", "changed", "refused"):
        ended, detail = "litter", f"{litter}"
    if ended in FAILURES:
        shutil.rmtree(case)
        damaged.rename(case)
    return ended, detail


def _copy(case, scratch):
    """The input before anything is done with it."""
    shutil.rmtree(scratch / "damaged", ignore_errors=True)
    return Path(shutil.copytree(case, scratch / "damaged", symlinks=True))


def _run(kind, path):
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with contextlib.chdir(path.parent):
            return "right", "", json.loads(json.dumps(kind.run(path)))
    except (MicrodsdError, Refused) as error:
        return "refused", str(error), None
    except Unclean:
        return "unclean", traceback.format_exc(), None
    except Exception:
        return "traceback", traceback.format_exc(), None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main()
