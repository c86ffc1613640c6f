"""Inputs whose faults are known, to see that `fuzz.py` tells them apart; prints how they ended."""

import ctypes
import json
import sys
import time
from pathlib import Path

import fuzz
from formats import file_of
from kinds import Kind, Refused, clean


def raises(path):
    raise KeyError("not an error of microdsd")


def computes(path):
    while True:
        pass


def refuses(path):
    raise Refused("says why")


def litters(path):
    path.with_name(".new.0123abcd.h5").touch()
    return 1


FAULTS = {
    "raises": raises,
    "waits": lambda path: time.sleep(1000),
    "computes for ever": computes,
    "dies": lambda path: ctypes.string_at(0),
    "wrong": lambda path: 2,
    "refuses": refuses,
    "litters": litters,
    "rings the bell": lambda path: clean("\a"),
}


def only_when_damaged(fault):
    return lambda path: 1 if path.read_text() == "valid" else fault(path)


def damage(path, rng):
    path.write_text("damaged")


make = file_of("input", lambda path: path.write_text("valid"))
kinds = [
    Kind(name, make, only_when_damaged(fault), damage, checksum=True)
    for name, fault in FAULTS.items()
]
fuzz.SECONDS = 0.3
fuzz.KINDS = {kind.name: kind for kind in kinds}
found = fuzz.fuzz(kinds, 2 * len(kinds), 0, Path(sys.argv[1]))
print(json.dumps(found["kinds"]))
