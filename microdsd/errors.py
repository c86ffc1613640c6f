"""Errors that microdsd raises on purpose.

Every message names the argument, the offending value and the remedy.
"""


class MicrodsdError(Exception):
    """Report an error in one line on the command line, with exit code 2; the base class."""


class InputError(MicrodsdError, ValueError):
    """Report an argument whose value cannot be used."""


class DataFileError(MicrodsdError, OSError):
    """Report a file that is missing, unreadable, truncated, or would be overwritten."""


class NotMixedError(InputError):
    """Report a horizon too short for the box: its noise still remembers the source."""


class CheckpointError(MicrodsdError):
    """Report a model file that is damaged, foreign, or of an unknown version."""


class MicrodsdWarning(UserWarning):
    """Warn in a note on the command line; the base class of all warnings."""


class ExtrapolationWarning(MicrodsdWarning):
    """Warn that a composition lies outside of what the model was trained on."""


def reason_of(error: BaseException) -> str:
    """Return what an error says, without the number and the file that errors of files repeat.

    Examples
    --------
    >>> reason_of(FileNotFoundError(2, "No such file or directory", "rock.csv"))
    'No such file or directory'
    >>> reason_of(ValueError("row 2 is empty"))
    'row 2 is empty'
    """
    return getattr(error, "strerror", None) or str(error)
