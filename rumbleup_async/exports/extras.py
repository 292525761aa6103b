"""Libraries that only some reports need: they are imported where such a report is written.

Lives here: the import, and what to do where it fails.
"""

from __future__ import annotations

import importlib
from typing import Any

from rumbleup_async.errors import ConfigurationError


def module(name: str, extra: str, what: str) -> Any:
    """The library of this name. ConfigurationError that says which extra has it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise ConfigurationError(
            f"{what} needs {package}: pip install 'rumbleup_async[{extra}]', or write .csv or .html"
        ) from None
