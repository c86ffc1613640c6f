"""A limit on how far packed data may expand: a small file must not fill the memory."""

from __future__ import annotations

from microdsd.errors import DataFileError

MAX_RATIO = 250.0
HARMLESS_BYTES = 256 << 20


def check_expansion(name: str, stored: int, expanded: int, max_ratio: float) -> None:
    """Refuse data that expand more than real ones do.

    Labels of real scans shrink 10 to 60 times. What expands to less than 256 MiB is let through,
    so that an empty test volume is no bomb.

    Parameters
    ----------
    name : str
        Name of the file.
    stored, expanded : int
        Bytes in the file, and bytes that it would become.
    max_ratio : float

    Raises
    ------
    DataFileError
        Too large.

    Examples
    --------
    >>> check_expansion("rock.tif", stored=3_000_000, expanded=64_000_000, max_ratio=250)
    """
    if expanded > HARMLESS_BYTES and expanded > stored * max_ratio:
        raise DataFileError(
            f"{name}: {stored} bytes would become {expanded / (1 << 30):.3g} GiB or more, over "
            f"{max_ratio:g} times as much; if you trust it, import it with --max-ratio "
            f"{expanded // max(stored, 1) + 1}"
        )
