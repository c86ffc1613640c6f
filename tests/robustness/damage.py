"""Seeded damage to files: bytes, JSON documents, the objects of HDF5 files, the words of texts."""

import copy
import json
import struct

import h5py
import numpy as np

HOSTILE = [
    "[/x]",
    "[red]",
    "[link=file:///etc/passwd]x[/link]",
    "\x1b[2J",
    "\x00",
    "a\x00b",
    "\x07\x08\x7f",
    "\u202e drow",
    "\u2066\u2069",
    "\u200b",
    "\udcff",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}",
    "{0.__class__}",
    "%s%n",
    "$(id)",
    "../../escape",
    "a\nb",
    "a\rb",
    "",
    " ",
    "=1+1",
    "-n",
    "x" * 5000,
    "\U0001f9ea\u0301",
]
"""Names of files, phases, groups and classes that somebody might send."""

ODD_NUMBERS = [0, 1, -1, 2, 7, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1]
ODD_VALUES = [
    None,
    True,
    False,
    *ODD_NUMBERS,
    -(2**63),
    10**30,
    0.5,
    -0.5,
    1e-300,
    1e300,
    float("nan"),
    float("inf"),
    float("-inf"),
    "nonsense",
    "0.5",
    [],
    [[]],
    [1, 2],
    ["a"],
    {},
    {"a": 1},
    {"pore": "0.5"},
    *HOSTILE,
]
METADATA = 4096
"""Most formats keep what says how to read the rest in their first or last bytes."""


def damage_bytes(path, rng):
    """Flip, overwrite, cut, insert, repeat or delete bytes of a file; says what was done."""
    data = bytearray(path.read_bytes())
    what = rng.choice(
        ["flip", "flip", "flip", "overwrite", "number", "number", "cut", "insert", "delete", "fill"]
    )
    at = _place(len(data), rng)
    run = int(min(2 ** rng.integers(0, 10), max(len(data) - at, 1)))
    if what == "flip":
        for _ in range(rng.integers(1, 9)):
            place = _place(len(data), rng)
            data[place] ^= 1 << int(rng.integers(8))
    elif what == "overwrite":
        data[at : at + run] = rng.bytes(run)
    elif what == "number":
        code = str(rng.choice(["<B", "<H", ">H", "<I", ">I", "<Q", ">Q"]))
        size = struct.calcsize(code)
        number = int(rng.choice(np.array(ODD_NUMBERS, dtype=object))) % 2 ** (8 * size)
        data[at : at + size] = struct.pack(code, number)
    elif what == "cut":
        del data[int(rng.integers(len(data))) :]
    elif what == "insert":
        data[at:at] = rng.bytes(run)
    elif what == "delete":
        del data[at : at + run]
    else:
        data[at : at + run] = bytes([int(rng.choice([0, 255]))]) * run
    path.write_bytes(data)
    return f"{what} at {at}"


def damage_json(path, rng):
    """Change one or two entries of a JSON file, at any depth."""
    document, done = edited_document(json.loads(path.read_text()), rng)
    path.write_text(json.dumps(document))
    return done


def edited_document(document, rng):
    """A copy of a document with one or two entries changed, removed, added or renamed."""
    document, done = copy.deepcopy(document), []
    for _ in range(rng.integers(1, 3)):
        places = list(_places(document))
        if not places:
            break
        within, key = places[rng.integers(len(places))]
        what = rng.choice(["change", "change", "change", "remove", "add", "rename", "scale"])
        value = ODD_VALUES[rng.integers(len(ODD_VALUES))]
        number = isinstance(within[key], int | float)
        if what == "scale" and number:
            within[key] = within[key] * float(rng.choice([-1, 0, 0.1, 10, 1e3, 1e9]))
        elif what == "remove":
            del within[key]
        elif what == "add":
            if isinstance(within, dict):
                within[_text(rng)] = value
            else:
                within.insert(key, value)
        elif what == "rename" and isinstance(within, dict):
            within[_text(rng)] = within.pop(key)
        else:
            within[key] = value
        done.append(f"{what} {key!r}")
    return document, ", ".join(done)


def damage_hdf5(path, rng):
    """Change attributes, objects and links of an HDF5 file, or its bytes."""
    if rng.random() < 0.5:
        return damage_bytes(path, rng)
    with h5py.File(path, "r+") as file:
        names = ["/"]
        file.visit(names.append)
        done = [_edit_object(file, names[rng.integers(len(names))], rng) for _ in range(2)]
    return ", ".join(done)


def damage_text(path, rng):
    """Replace, repeat, remove or add words of a text file, or damage its bytes."""
    if rng.random() < 0.4:
        return damage_bytes(path, rng)
    lines = [line.split(",") for line in path.read_text().splitlines()] or [[""]]
    row = lines[rng.integers(len(lines))]
    at = int(rng.integers(len(row)))
    what = rng.choice(["change", "remove", "repeat", "line"])
    if what == "change":
        row[at] = str(ODD_VALUES[rng.integers(len(ODD_VALUES))])
    elif what == "remove":
        del row[at]
    elif what == "repeat":
        row.insert(at, row[at])
    else:
        lines.insert(int(rng.integers(len(lines) + 1)), [_text(rng)])
    path.write_text("\n".join(map(",".join, lines)), errors="surrogateescape")
    return f"{what} a word"


def _place(length, rng):
    """Anywhere, or near the beginning or the end, where formats say how to read the rest."""
    length = max(length, 1)
    near = int(rng.integers(min(length, METADATA)))
    return [int(rng.integers(length)), near, length - 1 - near // 8][
        rng.choice(3, p=[0.4, 0.4, 0.2])
    ]


def _text(rng):
    return HOSTILE[rng.integers(len(HOSTILE))]


def _places(document):
    """Yield (container, key) of every entry of a document."""
    entries = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(entries):
        yield document, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _edit_object(file, name, rng):
    item = file.get(name)
    if item is None:
        return f"{name}: gone"
    what = str(rng.choice(["attribute", "attribute", "remove", "retype", "link", "rename"]))
    try:
        if what == "attribute":
            _edit_attribute(item, rng)
        elif what == "remove" and name != "/":
            del file[name]
        elif what == "retype" and isinstance(item, h5py.Dataset):
            _retype(file, name, item, rng)
        elif what == "rename" and name != "/":
            file.move(
                name, str(rng.choice(["renamed", "labels", "z", "a/b/c", "[red]", "x0", "x1"]))
            )
        else:
            within = item if isinstance(item, h5py.Group) else item.parent
            _add_link(file, within, rng)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        return f"{what} of {name} refused by h5py: {type(error).__name__}"
    return f"{what} of {name}"


def _edit_attribute(item, rng):
    names = [*item.attrs, "phases", "units", "voxel_size", "coordinates", "axistags", "levels"]
    name = names[rng.integers(len(names))]
    values = [
        b"\xff\xfe",
        "{",
        "[]",
        "{}",
        '{"0": 3}',
        '{"0": "a", "1": "a"}',
        "",
        h5py.Empty("f4"),
        np.zeros(0),
        np.arange(7),
        float("nan"),
        -1,
        0.0,
        2**40,
        "x y z nothing",
        np.bytes_("uint8"),
        item.ref,
    ]
    pick = rng.integers(len(values) + 1)
    if pick == len(values):
        item.attrs.pop(name, None)
    else:
        item.attrs[name] = values[pick]


def _retype(file, name, dataset, rng):
    shape = dataset.shape or ()
    del file[name]
    values = [
        np.zeros(shape, "f8"),
        np.full(shape, -1, "i4"),
        np.full(shape, 2**32 - 1, "u8"),
        np.zeros((0, *shape[1:]), "u1"),
        np.zeros((*shape, 3), "u1"),
        np.zeros(3, [("a", "u1"), ("b", "f4")]),
        np.arange(max(int(np.prod(shape)), 1)).reshape(shape or (1,)),
        np.array("text", dtype=h5py.string_dtype()),
        h5py.Empty("u1"),
        np.bool_(1),
    ]
    file[name] = values[rng.integers(len(values))]


def _add_link(file, group, rng):
    links = [
        h5py.SoftLink("/"),
        h5py.SoftLink("/nowhere"),
        h5py.SoftLink("."),
        h5py.ExternalLink("gone.h5", "/labels"),
        h5py.ExternalLink(file.filename, "/"),
        group,
        file,
    ]
    group["link"] = links[rng.integers(len(links))]
