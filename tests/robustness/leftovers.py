"""Models, training states and what stopped runs leave, valid until they are damaged."""

import contextlib
import hashlib
import inspect
import itertools
import json
from unittest import mock

import damage
import numpy as np
import xarray as xr
from formats import damage_folder
from kinds import Kind, Refused, attempt, fingerprint, verb
from tiny_models import tiny_model

from microdsd.ensembles.parts import Parts
from microdsd.fitting import TrainingRun
from microdsd.io import load_microstructures, save_microstructures
from microdsd.microstructure import as_microstructure, blobs
from microdsd.model import MicrostructureModel
from microdsd.report import read_training_log


def model_file(**changes):
    def make(folder):
        tiny_model(**changes).save(folder / "rock.model")
        return "rock.model"

    return make


def use_model(path):
    attempt(verb, "info", path.name)
    model = MicrostructureModel.load(path, "cpu")
    small = (12, 10) if len(model.card.window) == 2 else (6, 8, 7)
    return fingerprint(model.sample(1, shape=small, evaluations=4, rng=0))


def damage_card(path, rng):
    """Change entries of the model card inside the container."""
    head, rest = _container(path)
    card, done = damage.edited_document(json.loads(head["__metadata__"]["microdsd"]), rng)
    head["__metadata__"]["microdsd"] = json.dumps(card)
    _write_container(path, head, rest)
    return done


def damage_container(path, rng):
    """Change what the container says of its tensors."""
    head, rest = _container(path)
    edited, done = damage.edited_document(head, rng)
    _write_container(path, edited, rest)
    return done


def damage_weights(path, rng):
    """Make some weights not finite, or absurd."""
    head, rest = _container(path)
    values = np.frombuffer(rest, "<f4").copy()
    value = float(rng.choice([np.nan, np.inf, -np.inf, 1e38, -1e30]))
    values[rng.integers(len(values), size=rng.choice([1, 1, 10, 1000]))] = value
    _write_container(path, head, values.tobytes())
    return f"weights {value}"


def _container(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def _write_container(path, head, rest):
    text = json.dumps(head).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + rest)


def scan(folder):
    labels = blobs((48, 40), fractions=(0.3, 0.7), scale=2, rng=0)
    save_microstructures(
        folder / "scan.h5",
        as_microstructure(labels, phases={0: "pore", 1: "solid"}, voxel_size=2e-6),
    )


TRAIN = "train scan.h5 -o rock.model --window 8 --widths 4 --batch 2 --validation 0 --steps 3"


def stopped_training(folder):
    scan(folder)
    with interrupted(folder, TrainingRun, "records", after=2):
        verb(*TRAIN.split())
    return "rock.model.resume"


def go_on_training(path):
    verb(*TRAIN.split(), "--resume")
    _, weights = _container(path.with_name("rock.model"))
    return hashlib.sha256(weights).hexdigest()


def go_on_from_log(path):
    return go_on_training(path.with_name("rock.model.resume"))


def stopped_training_log(folder):
    stopped_training(folder)
    return "rock.model.csv"


def training_log(folder):
    rows = [f"{i},{i / 60:.4f},{1 / (i + 1):.5f},0.1,0.2,0.3" for i in range(12)]
    (folder / "log.csv").write_text("\n".join(["step,minutes,loss,gain_0.3,gain_1,gain_13", *rows]))
    return "log.csv"


def ensemble(phases=("pore", "solid")):
    labels = [blobs((16, 16), fractions=(0.3, 0.7), scale=2, rng=i) for i in range(6)]
    return as_microstructure(np.stack(labels), phases=dict(enumerate(phases)), ensemble=True)


def read_log(path):
    return repr(read_training_log(path))


GENERATE = "generate rock.model -o new.h5 -n 3 --fraction pore=0.3 --evaluations 4 --seed 1"


def stopped_generation(folder):
    tiny_model().save(folder / "rock.model")
    with interrupted(folder, MicrostructureModel, "generate", after=2):
        verb(*GENERATE.split())
    return "new.h5.partial"


def go_on_generating(path):
    verb(*GENERATE.split())
    return fingerprint(load_microstructures(path.with_name("new.h5")))


DESCRIBE = "describe windows.h5 -o described.nc --descriptor fractions --descriptor two_point"


def stopped_description(folder):
    save_microstructures(folder / "windows.h5", ensemble())
    with interrupted(folder, Parts, "add", after=3):
        verb(*DESCRIBE.split())
    return "described.nc.partial"


def go_on_describing(path):
    verb(*DESCRIBE.split(), "--resume")
    with xr.open_dataset("described.nc", engine="h5netcdf") as found:
        return repr(found.load().drop_attrs().to_dict())


@contextlib.contextmanager
def interrupted(folder, owner, method, after):
    """In a folder, interrupt a verb as Ctrl-C would, after so many calls or results of a method."""
    original, calls = getattr(owner, method), itertools.count(1)

    def count():
        if next(calls) > after:
            raise KeyboardInterrupt

    def called(*args, **options):
        count()
        return original(*args, **options)

    def yielding(*args, **options):
        for result in original(*args, **options):
            count()
            yield result

    stopping = yielding if inspect.isgeneratorfunction(original) else called
    with (
        contextlib.chdir(folder),
        mock.patch.object(owner, method, stopping),
        contextlib.suppress(Refused),
    ):
        yield


LEFTOVERS = [
    Kind("model", model_file(), use_model),
    Kind("model in 3D, three phases", model_file(ndim=3, phases=3), use_model, damage_card),
    Kind("model card", model_file(), use_model, damage_card),
    Kind("model container", model_file(), use_model, damage_container),
    Kind("model weights", model_file(), use_model, damage_weights),
    Kind("training state", stopped_training, go_on_training),
    Kind("training state, its numbers", stopped_training, go_on_training, damage_card),
    Kind("training state, its weights", stopped_training, go_on_training, damage_weights),
    Kind("log of a stopped training", stopped_training_log, go_on_from_log, damage.damage_text),
    Kind("training log of a report", training_log, read_log, damage.damage_text),
    Kind("stopped generate", stopped_generation, go_on_generating, damage_folder, checksum=True),
    Kind("stopped describe", stopped_description, go_on_describing, damage_folder, checksum=True),
]
