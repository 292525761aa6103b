"""What is in a text without being seen: accents beside their letters, invisible marks, spaces of other widths.

Lives here: taking these off before a text is counted and sent. Pure.

One such mark makes a text UCS-2, which more than halves what fits into a segment, and nobody finds it by looking. What
is seen is never changed: a typographic quote stays, and so do joiners where a script or an emoji needs them.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from rumbleup_async.patterns import when_used

_SPACES: Final = "\u00a0\u1680\u2000-\u200a\u202f\u205f"
_JOINERS: Final = "\u200c\u200d"
_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SELECTORS: Final = "\ufe00-\ufe0f"
_TAGS: Final = "\U000e0001-\U000e007f"
_NEVER_SEEN: Final = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
"""Without a use in a text message: soft hyphens, zero-width spaces, byte order marks, fillers, notes for programs."""

_odd = when_used(f"[{_NEVER_SEEN}{_SPACES}{_JOINERS}{_BIDI}{_SELECTORS}{_TAGS}\u2028\u2029]")


def tidy(text: str) -> str:
    """The text with its accents composed (NFC), without invisible marks, its spaces and line ends of the usual kind."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text)
    return _without_odd(text) if _odd.search(text) else text


def _without_odd(text: str) -> str:
    written_leftwards = any(char.isalpha() and unicodedata.bidirectional(char) in {"R", "AL"} for char in text)
    kept: list[str] = []
    for at, char in enumerate(text):
        if not _odd.match(char) or _has_a_use(text, at, written_leftwards):
            kept.append(char)
        elif char in "\u2028\u2029":
            kept.append("\n")
        elif char == "\u1680" or unicodedata.category(char) == "Zs":
            kept.append(" ")
    # What stood on both sides of a mark may be one letter now.
    return unicodedata.normalize("NFC", "".join(kept))


def _has_a_use(text: str, at: int, written_leftwards: bool) -> bool:
    """Whether a mark does what it is there for: joins an emoji or letters of a
    script that joins, or turns the direction."""
    char = text[at]
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if char in "\u200c\u200d":
        return _joins(before) and _joins(after)
    if "\ufe00" <= char <= "\ufe0f":
        return before in tuple("0123456789#*\u00a9\u00ae") or (_joins(before) and before not in {"\u200c", "\u200d"})
    if "\U000e0001" <= char <= "\U000e007f":
        return before == "\U0001f3f4" or "\U000e0001" <= before <= "\U000e007f"
    return written_leftwards and (char == "\u061c" or "\u200e" <= char <= "\u200f" or "\u2066" <= char <= "\u2069")


def _joins(char: str) -> bool:
    """Whether a joiner beside this character can mean something: an emoji, or a letter of another script than Latin."""
    return bool(char) and (char in "\u203c\u2049\u2122\u2139\u3030\u303d" or any(a <= char <= b for a, b in _JOINING))


_JOINING: Final = (
    ("\u0590", "\u1cff"),
    ("\u2190", "\u2bff"),
    ("\u2e80", "\ud7ff"),
    ("\ufb1d", "\ufdff"),
    ("\U00010000", "\U000dffff"),
)
