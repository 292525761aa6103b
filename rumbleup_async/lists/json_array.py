"""A JSON array as a list: its elements one after the other, in bounded memory.

Lives here: elements out of a stream of text. An element is an object, or a phone alone; its row is its position from 1.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from rumbleup_async.errors import ListError
from rumbleup_async.lists import encodings, mappings
from rumbleup_async.lists.contact_list import ContactList
from rumbleup_async.lists.reading import Reading
from rumbleup_async.lists.streams import Incoming
from rumbleup_async.messaging import Contact, Skipped

_BLOCK: Final = 1 << 16
_LONGEST: Final = 1 << 20
_SAMPLE: Final = 20
_SOME: Final = 500

_begins = re.compile(r"\s*\[\s*(?:[{\"\d\]]|\[\s*[{\"\d\[\]]|-\d|(?:null|true|false)\s*[,\]]|$)").match
_space = re.compile(r"\s*").match


def begins(head: bytes, encoding: str | None) -> bool:
    """Whether a text is a JSON array, and no section of a file of settings."""
    return _begins(head.decode(encoding or encodings.utf16(head) or "utf-8-sig", "replace").removeprefix("\ufeff")) is not None


class JsonArray(ContactList):
    """The list that a JSON array is."""

    kind = "json"
    form = "a JSON array"
    columns: None = None

    def __init__(self, stream: Incoming, where: str, reading: Reading) -> None:
        super().__init__(where, reading)
        name = reading.encoding or encodings.utf16(stream.head) or "utf-8-sig"
        self._stream = stream
        self._decode = codecs.getincrementaldecoder(name)("strict").decode
        self._elements = self._parsed()
        self._first = list(itertools.islice(self._elements, _SAMPLE))
        if not self._first:
            raise ListError(f"{where}: has no contacts; it is an empty JSON array")
        if all(isinstance(value, list) for value, _ in self._first):
            raise ListError(
                f"{where}: this is a JSON array of arrays, which do not say what their values are; write one object a contact, "
                'such as {"phone": ..., "first_name": ...}, or CSV with a header'
            )
        names, settled = mappings.require_phone_among(self._first, where, reading.phone_field)
        self.phone_field = self.phone_field or settled
        self._begin(names, names)

    @property
    def header(self) -> tuple[str, ...]:
        return ("element",)

    def raw(self) -> Iterator[tuple[int, Sequence[str]]]:
        self._taken = True
        for row, (_, text) in enumerate(self._all(), 1):
            yield row, [text]

    def _own_notes(self) -> list[str]:
        return []

    def _rows(self) -> Iterator[list[Contact | Skipped]]:
        elements = enumerate(self._all(), 1)
        while some := list(itertools.islice(elements, _SOME)):
            yield [
                mappings.contact_of_json(value, row, self.phone_field, self._wanted, self._consent) for row, (value, _) in some
            ]

    def _all(self) -> Iterator[tuple[object, str]]:
        return itertools.chain(self._first, self._elements)

    def _parsed(self) -> Iterator[tuple[object, str]]:
        """The elements, each with its text. ListError where the array is broken off or is no JSON."""
        text, at, number = self._more(""), 0, 0
        at = text.index("[") + 1
        while True:
            text, at = self._at_next(text, at, number)
            if text[at] == "]":
                break
            if number:
                if text[at] != ",":
                    raise self._broken(number + 1)
                text, at = self._at_next(text, at + 1, number)
            number += 1
            value, text, end = self._element(text, at, number)
            yield value, text[at:end]
            text, at = text[end:] if end > _BLOCK else text, 0 if end > _BLOCK else end
        at += 1
        while not text[at:].strip() and (more := self._more("")):
            text, at = more, 0
        if text[at:].strip():
            raise ListError(f"{self._where}: something stands behind the end of the JSON array; export it anew, as one array")

    def _element(self, text: str, at: int, number: int) -> tuple[object, str, int]:
        """The value at this place, the text with what had to be read for it, and where it ends."""
        tried = -1
        while True:
            # A number at the very end of what is read may go on, and so may everything that cannot be read yet.
            try:
                value, end = mappings.decode_json(text, at)
                if end < len(text) or tried == len(text):
                    return value, text, end
            except RecursionError:
                raise self._broken(number) from None
            except ValueError:
                pass
            if len(text) - at > _LONGEST:
                raise ListError(
                    f"{self._where}, element {number:,}: is broken, or longer than a million characters; export the list anew, "
                    "without what is so long"
                )
            if tried == len(text):
                raise self._broken(number)
            tried = len(text)
            text = self._more(text)

    def _at_next(self, text: str, at: int, number: int) -> tuple[str, int]:
        """Where the next sign stands that is no blank."""
        while True:
            match = _space(text, at)
            if match is not None and match.end() < len(text):
                return text, match.end()
            longer = self._more(text)
            if longer is text:
                raise self._broken(number + 1)
            text = longer

    def _more(self, text: str) -> str:
        """The text with what is read next; the very same at the end."""
        while data := self._stream.read(_BLOCK):
            try:
                if more := self._decode(data):
                    return text + more
            except UnicodeDecodeError:
                raise ListError(f"{self._where}: the JSON is not UTF-8; write it as UTF-8, as all JSON is") from None
        return text

    def _broken(self, number: int) -> ListError:
        return ListError(f"{self._where}, element {number:,}: the JSON array is broken there, or ends too early; export it anew")
