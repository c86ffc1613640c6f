import json
import subprocess
import sys

STATE_BEFORE_AND_AFTER = """
import json, logging
import numpy as np
from microdsd.metrics._porespy import porespy_sandbox, two_point_correlation

def state():
    root = logging.getLogger()
    return [repr(root.handlers), root.level, np.geterr(), repr(np.random.get_state())]

before = state()
values = two_point_correlation(np.eye(8, dtype=bool), np.arange(4))
with porespy_sandbox() as porespy:
    porespy.generators.blobs([8, 8], seed=1)
print(json.dumps([before, state(), values.tolist()]))
"""


def test_porespy_leaves_the_process_as_it_was():
    run = subprocess.run(
        [sys.executable, "-c", STATE_BEFORE_AND_AFTER], capture_output=True, text=True, check=True
    )
    before, after, values = json.loads(run.stdout.splitlines()[-1])
    assert after == before
    assert values[0] == 1 / 8


def test_metrics_do_not_import_porespy():
    code = (
        "import sys, microdsd.metrics.two_point, microdsd.metrics.surface;"
        "import microdsd.metrics.topology, microdsd.metrics._porespy;"
        "sys.exit('porespy' in sys.modules or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
