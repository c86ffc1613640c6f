"""Imported first by the scripts of this folder: where the tests' own modules are."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
