"""The three answers of a test."""

from __future__ import annotations

from typing import Literal

Answer = Literal["within the margin", "differs", "cannot tell"]
WITHIN: Answer = "within the margin"
DIFFERS: Answer = "differs"
CANNOT_TELL: Answer = "cannot tell"
