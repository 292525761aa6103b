"""What an option's words mean, where that is plain: words, numbers, paths and choices as nearly everybody writes them.

Lives here: reading those. Everything else is left to typer, and so is refusing what is wrong: it makes a validator for each
option, and for that imports pydantic, which is a fifth of a short run.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

UNREAD: Any = object()
"""A value that is not plain."""

_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}")
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")


def read(parameter: Any, value: Any) -> Any:
    """What typer would make of the value of this parameter, or UNREAD."""
    described = getattr(parameter, "type_descriptor", None)
    if described is None:
        return UNREAD
    several = parameter.multiple or parameter.nargs == -1
    if value is None:
        return UNREAD if parameter.required else () if several else None
    if not several:
        return _one(described.annotation, described.parameter_info, value)
    if get_origin(described.annotation) is not list or not value or isinstance(value, str):
        return UNREAD
    read_each = [_one(get_args(described.annotation)[0], described.parameter_info, one) for one in value]
    return UNREAD if UNREAD in read_each else read_each


def _one(annotation: Any, option: Any, value: Any) -> Any:
    if option.parser is not None:
        try:
            return option.parser(value)
        except (ValueError, AssertionError):  # which typer makes a message of
            return UNREAD
    if get_origin(annotation) is Literal:
        return value if value in get_args(annotation) else UNREAD
    if type(value) is annotation and annotation in (str, bool, int, float):
        return value
    if not isinstance(value, str):
        return UNREAD
    if annotation is Path:
        path = Path(value)
        return path if _is_free(option) and (os.access(path, os.R_OK) or not path.exists()) else UNREAD
    written = {int: _WHOLE, float: _NUMBER}.get(annotation)
    if written is None or written.fullmatch(value) is None or option.clamp:
        return UNREAD
    number = annotation(value)
    is_within = (option.min is None or number >= option.min) and (option.max is None or number <= option.max)
    return number if is_within else UNREAD


def _is_free(option: Any) -> bool:
    """Whether nothing is asked of a path but that it can be read, if it is there."""
    asked = option.exists, option.writable, option.resolve_path, option.allow_dash, option.path_type
    return option.file_okay and option.dir_okay and option.readable and not any(asked)
