"""Signs that stand in a text literally and were meant for another program: a typed `\\n`, `<br>`, `&amp;`, `%0A`.

Lives here: finding these in a text. Pure.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from rumbleup_async.patterns import when_used
from rumbleup_async.screening.links import links


class Escape(NamedTuple):
    """What another program would have made something else of: where, as it
    stands there, and what it would have become."""

    at: int
    shown: str
    meaning: str


_MARKUP: Final = (
    "a|abbr|b|big|blockquote|body|br|center|code|dd|div|dl|dt|em|font|h[1-6]|head|hr|html|i|img|li|link|meta|ol|p|pre|s|script|small|"
    "span|strike|strong|style|sub|sup|table|tbody|td|th|thead|title|tr|tt|u|ul"
)
_escape = when_used(
    rf"""
      (?P<slash>\\+(?:r\\+n|[nrt]|["'!$`]|u[0-9A-Fa-f]{{4}}|u\{{[0-9A-Fa-f]+\}}|x[0-9A-Fa-f]{{2}}|0[0-7]{{2}}))
    | (?P<tag></?(?:{_MARKUP})(?:\s[^<>]*)?/?>|\[/?(?:br|p|b|i|u|nl|newline|line\s?break)/?\]|<!--)
    | (?P<entity>&(?:\#\d{{1,7}}|\#[xX][0-9A-Fa-f]{{1,6}}|[A-Za-z][A-Za-z0-9]{{1,30}});)
    | (?P<percent>(?<![0-9%])(?:(?:%[0-9A-Fa-f]{{2}}){{2,}}|%(?:0[ADad]|2[0-9A-Fa-f]|3[A-Fa-f]|40|5[BbDd])))
    """,
    re.VERBOSE,
)
_TAGS_IN_CAPITALS: Final = when_used(rf"</?(?:{_MARKUP})(?:\s[^<>]*)?/?>|\[/?(?:br|nl|newline|line ?break)/?\]", re.IGNORECASE)
_SIGNS: Final = frozenset("\\<[&%")
"""One of these stands in each of them."""
_MEANINGS: Final = {"n": "a line break", "r": "a line break", "t": "a tab"}


def escapes(text: str) -> list[Escape]:
    """What another program would have made a line break, a tab or a letter of, in the order of the text."""
    if not _SIGNS.intersection(text):
        return []
    found: dict[int, Escape] = {}
    addresses = links(text)
    for match in _escape.finditer(text):
        shown, at = match[0], match.start()
        if match["entity"]:
            meaning = _entity(shown)
            if not meaning:
                continue
        elif match["percent"]:
            if any(start <= at < end for start, end in addresses):
                continue
            meaning = "a line break" if shown.upper() in ("%0A", "%0D", "%0D%0A") else "another character"
        elif match["slash"]:
            meaning = _MEANINGS.get(shown.lstrip("\\")[:1], "another character")
        else:
            meaning = "a line break" if re.match(r"[<\[]/?(?:br|p|nl|n|line)", shown) else "a format"
        found[at] = Escape(at, shown, meaning)
    for match in _TAGS_IN_CAPITALS.finditer(text):
        shown = match[0]
        found.setdefault(match.start(), Escape(match.start(), shown, "a line break" if "br" in shown.lower() else "a format"))
    return [found[at] for at in sorted(found)]


def _entity(shown: str) -> str:
    from html import unescape

    meant = unescape(shown)
    if meant == shown or len(meant) > 2:
        return ""
    return "a space" if meant.isspace() else meant if meant.isprintable() else "another character"
