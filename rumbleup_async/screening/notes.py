"""What is worth knowing of a campaign's text before it leaves: what it costs and why, and what goes out as it stands.

Lives here: words. Pure.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from rumbleup_async.screening import link_notes

if TYPE_CHECKING:
    from collections.abc import Collection

    from rumbleup_async.screening.screen import Screen
    from rumbleup_async.screening.segments import Dear

_INSTEAD: Final = {
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u02bc": "'", "\u00b4": "'", "`": "'", "\u2032": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2033": '"', "\u00ab": '"', "\u00bb": '"',
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2015": "-", "\u2212": "-",
    "\u2026": "...", "\u2022": "-", "\u00b7": "-", "\u00d7": "x", "\u2044": "/", "\t": "a space", "\u00ae": "(R)", "\u2122": "TM",
}  # fmt: skip
"""What says the same in the GSM alphabet."""

_MANY: Final = 5
"""So many letters outside of the alphabet are a language and no slip."""


def notes_of(screen: Screen, columns: Collection[str] = ()) -> list[str]:
    """The notes on a text, once its list has been read."""
    notes = []
    for template in screen.templates:
        notes += [*template.notes, *template.foreign_notes(columns)]
    addresses = [address for template in screen.templates for address in template.addresses()]
    costly = screen.template.costly()
    notes += [*link_notes.notes_of(list(dict.fromkeys(addresses))), *_costs(costly, screen.dear)]
    for kind in screen.kinds:
        if found := [one for one in kind.template.costly() if one not in costly]:
            notes += [f"the text for {kind.words}: {note}" for note in _costs(found)]
    return notes


def _costs(costly: list[tuple[str, int]], dear: Dear | None = None) -> list[str]:
    """`dear`: what it has cost; None where that was told already."""
    counted = "" if dear is None else _counted(dear)
    if not costly:
        return [] if dear is None or not dear.texts else [_by_values(dear)]
    if len(costly) > _MANY:
        return [
            f"the text is written with characters outside of the GSM alphabet, which makes it 70/67 characters a segment{counted}"
        ]
    named = ", ".join(f"{_named(char)} at position {place}{_about(char)}" for char, place in costly)
    makes = "makes" if len(costly) == 1 else "make"
    return [f"{named} {makes} it 70/67 characters a segment instead of 160/153{counted}"]


def _by_values(dear: Dear) -> str:
    commonest = ", ".join(f"{_named(char)}{_about(char)} in {number:,}" for char, number in dear.characters.most_common(3))
    return f"characters in merged values make texts longer ({commonest}){_counted(dear)}"


def _counted(dear: Dear) -> str:
    if not dear.texts:
        return ""
    texts = "1 text takes" if dear.texts == 1 else f"{dear.texts:,} texts take"
    return f": {texts} {dear.segments:,} more {'segment' if dear.segments == 1 else 'segments'} because of it"


def _named(char: str) -> str:
    return f"the {char}" if char.isprintable() and not unicodedata.combining(char) else "the character"


def _about(char: str) -> str:
    would_do = f"; {_INSTEAD[char]} would do" if char in _INSTEAD else ""
    return f" (U+{ord(char):04X}{would_do})"
