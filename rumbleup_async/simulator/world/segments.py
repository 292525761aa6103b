"""How many segments a text is billed as. Pure.

A text in the GSM 03.38 alphabet has 160 septets in a single segment and 153 in each of several. Any other letter makes
the text UCS-2, with 70 and 67 letters.
"""

__all__ = ["segments"]

_ONE_SEPTET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO_SEPTETS = frozenset("^{}\\[~]|€\f")


def segments(text: str) -> int:
    """The number of segments of a text, at least 1."""
    letters = set(text)
    if letters <= _ONE_SEPTET | _TWO_SEPTETS:
        length = len(text) + sum(letter in _TWO_SEPTETS for letter in text) if letters & _TWO_SEPTETS else len(text)
        return 1 if length <= 160 else -(-length // 153)
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return 1 if length <= 70 else -(-length // 67)
