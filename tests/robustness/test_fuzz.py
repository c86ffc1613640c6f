"""Fuzzed inputs give a right answer or one clear refusal: a few, or as many as --fuzz says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FEW = 120


def test_fuzzed_inputs(request, tmp_path):
    n = request.config.getoption("--fuzz", default=None) or FEW
    report = tmp_path / "fuzz.json"
    words = ["--n", str(n), "--json", str(report), "--keep", str(tmp_path / "failing")]
    script = Path(__file__).with_name("fuzz.py")
    ran = subprocess.run([sys.executable, script, *words], capture_output=True, text=True)
    assert report.exists(), ran.stderr
    found = json.loads(report.read_text())
    assert not found["failing"], ran.stdout
    assert found["cases"] >= n


def test_a_fault_is_found(tmp_path):
    """The harness itself: what raises, waits, dies or answers wrongly is told apart."""
    script = Path(__file__).with_name("faulty.py")
    ran = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    ended = json.loads(ran.stdout)
    assert ended == {
        "raises": {"traceback": 2},
        "waits": {"hang": 2},
        "computes for ever": {"hang": 2},
        "dies": {"crash": 2},
        "wrong": {"wrong": 2},
        "refuses": {"refused": 2},
        "litters": {"litter": 2},
        "rings the bell": {"unclean": 2},
    }


pytestmark = pytest.mark.timeout(0)
