"""Durations as options take them: `90s`, `10m`, `24h`, `400d`, `0`.

Lives here: reading one.
"""

from __future__ import annotations

import re

import typer

_read = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d)?", re.ASCII).fullmatch
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def seconds(text: str | float) -> float:
    """The seconds that are meant. A number without a unit is refused, but for 0: nobody knows what it counts. A default that is
    a number is taken as it is."""
    if not isinstance(text, str):
        return text
    found = _read(text.strip().lower())
    if found is None or (found[2] is None and float(found[1])):
        raise typer.BadParameter(f"{text!r} is no duration; write it as 90s, 10m, 24h or 0")
    return float(found[1]) * _SECONDS[found[2] or "s"]
