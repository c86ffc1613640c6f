"""Errors that microdsd raises on purpose.

Every message names the argument, the offending value and the remedy.
"""


class MicrodsdError(Exception):
    """Base class: the command line prints it as one line and exits with code 2."""


class InputError(MicrodsdError, ValueError):
    """An argument has a value that cannot be used."""


class DataFileError(MicrodsdError, OSError):
    """A file is missing, unreadable, truncated, or would be overwritten."""


class NotMixedError(InputError):
    """The horizon is too short for the box: its noise still remembers the source image."""


class CheckpointError(MicrodsdError):
    """A model file is damaged, foreign, or of a version this package cannot read."""


class MicrodsdWarning(UserWarning):
    """Base class of what microdsd warns of; the command line prints it as a note."""


class ExtrapolationWarning(MicrodsdWarning):
    """A composition lies outside of what the model was trained on."""
