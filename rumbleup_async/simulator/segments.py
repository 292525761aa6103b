"""How many segments a text is billed as. Pure; standard library only.

GSM 03.38: 160 septets in one segment, 153 in each of several; any other letter makes it UCS-2 with 70 and 67.
"""

__all__ = ["segments"]

_ONE = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO = frozenset("^{}\\[~]|€\f")


def segments(text: str) -> int:
    """At least 1."""
    letters = set(text)
    if letters <= _ONE | _TWO:
        length = len(text) + sum(letter in _TWO for letter in text) if letters & _TWO else len(text)
        return 1 if length <= 160 else -(-length // 153)
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return 1 if length <= 70 else -(-length // 67)
