"""Libraries that only some lists need: they are imported where such a list is read.

Lives here: the import, and what to do where it fails.
"""

from __future__ import annotations

import importlib
from typing import Any

from rumbleup_async.errors import ListError


def module(name: str, extra: str, what: str, instead: str) -> Any:
    """The library of this name. ListError that says which extra has it, and what helps without it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ListError(f"{what}; to read it, pip install 'rumbleup_async[{extra}]', or {instead}") from None
