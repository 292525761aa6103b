"""Regular expressions that are compiled when they are first used.

Lives here: the one call that puts compiling off. Compiling all that the client knows takes longer than importing the rest of it,
and most calls need few of them.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def when_used(pattern: AnyStr, flags: re.RegexFlag | int = 0) -> re.Pattern[AnyStr]:
    """What `re.compile` gives, and as fast after the first use. Keep it whole, and call its methods: taking one compiles it."""
    return cast("re.Pattern[AnyStr]", _WhenUsed(pattern, flags))


class _WhenUsed:
    """Stands for a pattern. A method that was asked for once is an attribute from then on."""

    def __init__(self, pattern: str | bytes, flags: re.RegexFlag | int) -> None:
        self._given = pattern, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # what copying and pickling ask for
        pattern, flags = self._given
        found = getattr(re.compile(pattern, flags), name)
        setattr(self, name, found)
        return found
