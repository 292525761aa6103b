"""How `rumbleup send` reads its list, as its options say.

Lives here: the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec


class ListOptions(msgspec.Struct, frozen=True, kw_only=True):
    """None and empty: not asked for."""

    phone_field: str | None = None
    countries: Sequence[str] | None = None
    encoding: str | None = None
    sheet: str | None = None
    query: str | None = None
    skip_if: Sequence[str] | None = None
    consent_field: str | None = None
    must_say: Sequence[str] | None = None
    keep: str | None = None
    text_when: Sequence[tuple[str, str]] = ()
    rejects: Path | None = None

    def as_source(self) -> dict[str, Any]:
        """The options by which the list is opened, for `open_list`."""
        return {"phone_field": self.phone_field, "encoding": self.encoding, "sheet": self.sheet, "query": self.query}

    def as_mode(self) -> dict[str, Any]:
        """The options that a mode of a client takes, under its own names."""
        options = {
            "phone_field": self.phone_field,
            "countries": self.countries or None,
            "encoding": self.encoding,
            "sheet": self.sheet,
            "query": self.query,
            "skip_if": self.skip_if or None,
            "consent_field": self.consent_field,
            "text_when": self.text_when or None,
            "must_say": self.must_say or None,
            "keep": self.keep,
        }
        return {name: value for name, value in options.items() if value is not None}
