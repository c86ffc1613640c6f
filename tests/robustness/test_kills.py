"""Killed processes and full disks lose nothing: a few here, as many as asked for by --kills."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FEW = 6
QUICK = "generate|describe|import"


@pytest.mark.timeout(0)
def test_killed_processes_and_full_disks(request, tmp_path):
    n = request.config.getoption("--kills", default=None)
    report = tmp_path / "kills.json"
    script = Path(__file__).with_name("kills.py")
    words = ["--n", str(n)] if n else ["--n", str(FEW), "--only", QUICK]
    ran = subprocess.run(
        [sys.executable, script, *words, "--json", str(report)], capture_output=True, text=True
    )
    assert report.exists(), ran.stderr
    found = json.loads(report.read_text())
    assert not found["failing"], ran.stdout
    assert min(found["kills"].values()) > 0
    assert sum(found["full disks"].values()) > 0
