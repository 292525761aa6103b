"""JSON as servers really write it: the strict decoder first, and a lenient one for what it does not take.

Lives here: pure functions from bytes to JSON values.

What is forgiven is what leaves no doubt about the rest: a byte order mark, UTF-16, NaN and Infinity and numbers
beyond all bounds (they become null), half an emoji, raw control characters and bytes of another encoding in a text
(a mark stands in their place). A value that is cut short, or that has anything before or behind it, stays
unreadable: it may be half of an answer.
"""

from __future__ import annotations

import codecs
import json
import math
from typing import Any

import msgspec

BROKEN = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What `decode` raises for a body that holds no JSON value."""

UNREADABLE = "\ufffd"
"""Stands where bytes were no text."""

_LONGEST_INTEGER = 400
"""Digits of an integer at most: a longer one costs time in the square of its length, and means nothing."""


def decode(body: bytes) -> Any:
    """The JSON value of a body; one of `BROKEN` if there is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            return whole(lenient(body))
        except (ValueError, RecursionError):
            pass
        raise


def lenient(body: bytes, pairs: Any = None) -> Any:
    """The value of JSON that the strict decoder refuses. ValueError or RecursionError if it is none at all. `pairs`: as
    `object_pairs_hook` of the standard library."""
    return json.loads(
        _text(body),
        strict=False,
        parse_constant=lambda _: None,
        parse_float=_finite,
        parse_int=_integer,
        object_pairs_hook=pairs,
    )


def may_be_halved(body: bytes) -> bool:
    """Whether a text in it may hold half a character."""
    return b"\\ud" in body.lower()


def whole(value: Any) -> Any:
    """The value without halves of characters, which nothing can print, keep or send."""
    return msgspec.json.decode(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _text(body: bytes) -> str:
    encoding = json.detect_encoding(body)
    if encoding.startswith("utf-8"):
        return body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    return body.decode(encoding)  # what is not UTF-8 and not wholly of another kind of Unicode is no text


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:
        raise ValueError("an integer of so many digits")
    return int(digits)
