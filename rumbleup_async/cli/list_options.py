"""How `rumbleup send` is to read its list, as its options say.

Lives here: the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """None and empty: not asked for."""

    countries: Sequence[str] | None = None
    encoding: str | None = None
    skip_if: Sequence[str] | None = None
    keep: str | None = None
    rejects: Path | None = None

    def options(self) -> dict[str, Any]:
        """What a mode is told of it, under its own names."""
        told = {
            "countries": self.countries or None,
            "encoding": self.encoding,
            "skip_if": self.skip_if or None,
            "keep": self.keep,
        }
        return {name: value for name, value in told.items() if value is not None}


USUAL = Reading()
