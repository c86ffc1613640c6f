"""Inverse questions: which composition a material needs to have the properties asked for."""

from microdsd.inverse.design import design
from microdsd.inverse.result import Candidate, DesignResult

__all__ = ["Candidate", "DesignResult", "design"]
