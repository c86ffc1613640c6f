"""The order of arguments that everything which writes a file has: the path first."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from microdsd.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")


def path_first(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function refuse a first argument that is no path, and say the order it takes.

    Examples
    --------
    >>> @path_first
    ... def save_number(path, number, *, overwrite=False): ...
    >>> save_number(3, "three.txt")
    Traceback (most recent call last):
    ...
    microdsd.errors.InputError: path: expected the name of a file, got int; the path comes first: \
save_number(path, number)
    """
    parameters = inspect.signature(function).parameters.values()
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    order = f"{function.__name__}({', '.join(names)})"

    @functools.wraps(function)
    def checked(*args: P.args, **options: P.kwargs) -> R:
        if args and not isinstance(args[0], str | os.PathLike):
            raise InputError(
                f"path: expected the name of a file, got {type(args[0]).__name__}; the path comes "
                f"first: {order}"
            )
        return function(*args, **options)

    return checked
