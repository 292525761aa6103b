"""Under which number a phone stands in a book: its ten digits, or what a secret key makes of them.

Lives here: that number and the check of the key. Pure.

A hash without a key would hide nothing: there are only ten thousand million phones. With a key that is kept elsewhere the file
alone tells nobody's number. It is still personal data: whoever has the key can ask for any phone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rumbleup_async.errors import BookError

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

_SHORTEST = 16
_CHECKED = b"rumbleup_async book of people"


def key_of(environ: Mapping[str, str]) -> str | None:
    """The key of a book, from RUMBLEUP_BOOK_KEY; None for plain digits."""
    return environ.get("RUMBLEUP_BOOK_KEY") or None


class Marks:
    """Makes numbers of phones. `key`: a secret of at least 16 characters; None for plain digits."""

    def __init__(self, key: str | None = None) -> None:
        if key is not None and len(key.strip()) < _SHORTEST:
            raise BookError(f"the key of a book (RUMBLEUP_BOOK_KEY) has at least {_SHORTEST} characters; take a long random one")
        self._halves = None if key is None else _begun(key.strip().encode())

    def __repr__(self) -> str:
        return f"Marks(is_plain={self.is_plain})"

    @property
    def is_plain(self) -> bool:
        """Whether the numbers are the digits themselves."""
        return self._halves is None

    @property
    def check(self) -> str:
        """What tells this key from another without telling the key; "" for plain digits."""
        return "" if self._halves is None else _hmac(self._halves, _CHECKED).hex()[:32]

    def of(self, phones: Sequence[str]) -> list[int]:
        """The numbers of these phones, ten digits each, in their order. BookError for what is no phone."""
        halves = self._halves
        if halves is None:
            try:
                return list(map(int, phones))
            except ValueError:
                raise BookError("the book keeps phones of ten digits, and was given another") from None
        # 63 bits, as an integer of SQLite's has them: of five million phones no two meet, but for one book in a million.
        return [int.from_bytes(_hmac(halves, phone.encode())[:8]) >> 1 for phone in phones]

    def phone(self, mark: int) -> str:
        """The phone of a number; BookError where only a key's work is kept."""
        if self._halves is not None:
            raise BookError("this book keeps no phones, only what its key makes of them; it can be asked about a phone")
        return f"{mark:010d}"


_Halves = tuple["Hash", "Hash"]


def _begun(key: bytes) -> _Halves:
    """The two hashes of HMAC-SHA256 (RFC 2104), begun with the key. To go on from a copy takes a third of what `hmac` takes."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(bytes(byte ^ 0x5C for byte in block))


def _hmac(halves: _Halves, message: bytes) -> bytes:
    inner, outer = halves[0].copy(), halves[1].copy()
    inner.update(message)
    outer.update(inner.digest())
    return outer.digest()
