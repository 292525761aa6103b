"""Addresses in a text: their signs look like those of merge fields and escapes, and mean themselves.

Lives here: finding them. Pure.
"""

from __future__ import annotations

import re

from rumbleup_async.patterns import when_used

_link = when_used(
    r"(?:\b(?:https?|ftp|sms|tel|mailto|geo|maps)://?[^\s<>\"]+)|(?:\b(?:sms|tel|mailto):[^\s<>\"]+)|"
    r"(?<![\w@.])(?:[\w-]+\.)+[A-Za-z]{2,}(?:/[^\s<>\"]*|\?[^\s<>\"]*)",
    re.IGNORECASE,
)


def links(text: str) -> list[tuple[int, int]]:
    """Where each address begins and ends."""
    return [match.span() for match in _link.finditer(text)]
