"""The few words that tidy a merged value: `{first_name:title}`.

Lives here: what each of them makes of a value. Pure; there is no other word, and none can be added from outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from rumbleup_async.patterns import when_used

_piece = when_used(r"[^\W\d_]+")
_after_mc = when_used(r"(?<=\bMc)[a-z](?=[a-z]{2})")
_after_apostrophe = when_used(r"(?<=\b[A-Z]['\u2019])[a-z](?=[a-z]{2})")
_suffix = when_used(r"(?<= )(?:Ii|Iii|Iv)$")
_initials = when_used(r"[B-DF-HJ-NP-TV-XZ]{2}")


def _title(value: str) -> str:
    """ANNA-MARIE O'NEILL becomes Anna-Marie O'Neill. What is written in both capitals and small letters is left as it is."""
    if not (value.isupper() or value.islower()):
        return value
    made = _piece.sub(
        lambda found: found[0] if _initials.fullmatch(found[0]) else found[0][:1].upper() + found[0][1:].lower(), value
    )
    made = re.sub(r"(?<=\w['\u2019])[A-Z](?![a-z]{2})", lambda found: found[0].lower(), made)  # Joe's
    for again in (_after_mc.sub, _after_apostrophe.sub, _suffix.sub):
        made = again(lambda found: found[0].upper(), made)
    return made


def _first(value: str) -> str:
    """ANNA MARIE becomes ANNA."""
    return value.split(" ", 1)[0]


WORDS: Final[dict[str, Callable[[str], str]]] = {
    "title": _title,
    "upper": str.upper,
    "lower": str.lower,
    "first": _first,
}
"""By the word that stands behind the colon."""
