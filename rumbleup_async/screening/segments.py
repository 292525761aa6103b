"""How many SMS parts a text takes, which is what it costs.

Lives here: the GSM 03.38 alphabet and the rule of concatenation. Pure.

Source: 3GPP TS 23.038 (alphabets and the national default extension table) and TS 23.040 (concatenation: a header of
six octets leaves 153 septets or 67 UCS-2 units a part). A character of the extension table takes two septets and is
never split over parts; neither is a surrogate pair. Note that the backtick, the tab and typographic quotes are not in
the alphabet: one of them in a text more than halves what fits into a part.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
_ALPHABET: Final = _BASIC | _EXTENDED
_PLAIN_ASCII: Final = bytes(sorted(ord(c) for c in _BASIC if c.isascii()))


class Segments(NamedTuple):
    """`units` are septets (GSM-7) or UTF-16 code units (UCS-2); `parts` is what is billed."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    parts: int


def count(text: str) -> Segments:
    """The encoding a text needs, its length in units of it, and its parts."""
    size = len(text)
    if is_plain(text):
        return Segments("GSM-7", size, _even(size, 160, 153))
    if _ALPHABET.issuperset(text):
        units = size + sum(map(text.count, _EXTENDED))
        return Segments("GSM-7", units, _packed(text, units, 160, 153, _EXTENDED.__contains__))
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return Segments("UCS-2", units, _packed(text, units, 70, 67, "\uffff".__lt__))


def outside_alphabet(text: str) -> list[tuple[str, int]]:
    """The characters that are not of the GSM alphabet, each once with the index where it stands first."""
    found: dict[str, int] = {}
    for at, char in enumerate(text):
        if char not in _ALPHABET:
            found.setdefault(char, at)
    return list(found.items())


class Dear:
    """Texts of a list that take more segments than they would without some character outside of the GSM alphabet."""

    __slots__ = ("characters", "segments", "texts")

    def __init__(self) -> None:
        self.texts = 0
        self.segments = 0
        """Those that all of them could do without, together."""
        self.characters: Counter[str] = Counter()
        """The first such character of each of these texts."""

    def see(self, text: str, parts: int) -> None:
        """A text that is not in the GSM alphabet, and how many parts it takes."""
        units = len(text) + sum(map(text.count, _EXTENDED))
        more = parts - _packed(text, units, 160, 153, _EXTENDED.__contains__)
        if more > 0:
            self.texts += 1
            self.segments += more
            self.characters[next(char for char in text if char not in _ALPHABET)] += 1


def is_plain(text: str) -> bool:
    """Whether every character is ASCII and takes one septet."""
    return text.isascii() and not text.encode("ascii").translate(None, _PLAIN_ASCII)


def _even(units: int, whole: int, part: int) -> int:
    return 1 if units <= whole else -(-units // part)


def _packed(text: str, units: int, whole: int, part: int, takes_two: Callable[[str], bool]) -> int:
    """Parts of at most `part` units into which the characters fit without splitting one that takes two units."""
    if units <= whole or units == len(text):
        return _even(units, whole, part)
    parts, room = 1, part
    for character in text:
        width = 2 if takes_two(character) else 1
        if width > room:
            parts, room = parts + 1, part
        room -= width
    return parts
