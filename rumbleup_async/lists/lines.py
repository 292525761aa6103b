"""The bytes of a contact list as lines of text, lazily and in bounded memory.

Lives here: blocks, line ends, lines without end, the fingerprint.

Lists are exported, edited and pasted together by different programs, so one file may hold UTF-8 and Windows lines side
by side. What cannot be read stays in its place as U+FFFD: the line keeps its number and screening refuses the text.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from rumbleup_async.lists import encodings

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD: Final = 1 << 16
"""Bytes looked at to find out what a list is."""
_BLOCK: Final = 1 << 18
"""Bytes read at a time."""
_PIECE: Final = 1 << 15
"""Bytes made into lines at a time: what becomes of them is still in the cache of a core when it is looked at again."""
_LONGEST_LINE: Final = 1 << 20
_TOO_LONG: Final = "X" * 140_000
"""Stands for a line longer than `_LONGEST_LINE`: over the limit of the csv module, and not a number or JSON either."""


class Readable(Protocol):
    """What is asked of an open binary file, a pipe or a socket's file."""

    def read(self, size: int, /) -> bytes | None: ...


class Writable(Protocol):
    """What is asked of where the bytes are copied to."""

    def write(self, data: bytes, /) -> object: ...


class Lines:
    """The lines of a stream without their ends, in lists of some hundreds.

    `head` is the raw beginning of the stream; `encoding` is how it is written, if that is known; `copy` takes the bytes
    as they are read. A lone CR ends a line in a file that has no other line ends, or everywhere if `cr_ends` is set;
    otherwise it stays in its line, because it may be a line break typed into a cell.
    """

    def __init__(self, stream: Readable, encoding: str | None = None, copy: Writable | None = None) -> None:
        self.fingerprint: str | None = None
        """Of the raw bytes; set once the stream has been read to its end."""
        self._stream = stream
        self._copy = copy
        self._hash = hasher()
        self._block, self._at = b"", 0
        """What has been read last, and how much of it has been made into lines."""
        self.head = self._read_head()
        self.encoding = encoding or encodings.utf16(self.head)
        """That of the whole stream, if it was named or shows; "" for UTF-8 or a mixture."""
        self._decoder = codecs.getincrementaldecoder(self.encoding)("replace") if self.encoding else None
        self._first = self._decoded(self.head).removeprefix(codecs.BOM_UTF8)
        self._mac = b"\r" in self._first and b"\n" not in self._first
        self.cr_ends = self._mac
        self.notes = encodings.Notes(encoding, self._mac)
        """What is to be said of how the bytes were read, once all are."""

    @property
    def whole(self) -> bool:
        """Whether everything has been read; at the beginning: whether the head is all there is."""
        return self.fingerprint is not None

    def sample(self) -> list[str]:
        """The complete lines of the head."""
        head = self._first if self.whole else self._first[: self._last_end(self._first)]
        return self._lines(self.notes.text(head, counted=False))

    def __iter__(self) -> Iterator[list[str]]:
        rest, overlong = self._first, False
        while True:
            cut = self._last_end(rest)
            if cut:
                lines = self._split(rest[:cut])
                if overlong:
                    lines[0] = _TOO_LONG
                rest, overlong = rest[cut:], False
                yield lines
            elif len(rest) > _LONGEST_LINE:
                rest, overlong = b"X", True
            if self.whole:
                break
            rest += self._decoded(self._next_piece())
        if rest:
            yield [_TOO_LONG] if overlong else self._split(rest)

    def _next_piece(self) -> bytes:
        """What is read next; nothing once all is."""
        if self._at >= len(self._block):
            self._block, self._at = self._read(_BLOCK), 0
        piece = self._block[self._at : self._at + _PIECE]
        self._at += _PIECE
        return piece

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size) or b""
        self._hash.update(data)
        if self._copy is not None:
            self._copy.write(data)
        if not data:
            self.fingerprint = self._hash.hexdigest()
        return data

    def _read_head(self) -> bytes:
        head = b""
        while len(head) < HEAD and not self.whole:
            head += self._read(HEAD - len(head))
        return head

    def _decoded(self, data: bytes) -> bytes:
        """What is known to be of another encoding as UTF-8, everything else as it is."""
        if self._decoder is None:
            return data
        return self._decoder.decode(data, final=self.whole).encode("utf-8", "replace")

    def _last_end(self, data: bytes) -> int:
        """Where the last complete line ends. A CR at the very end does not count, it may be half of a CRLF."""
        return data.rfind(b"\r", 0, -1) + 1 if self._mac else data.rfind(b"\n") + 1

    def _split(self, data: bytes) -> list[str]:
        lines = self._lines(self.notes.text(data))
        self.notes.lines += len(lines)
        return lines

    def _lines(self, text: str) -> list[str]:
        if "\r" in text:
            text = text.replace("\r\n", "\n")
            if self.cr_ends:
                text = text.replace("\r", "\n")
        lines = text.split("\n")
        if not lines[-1]:
            lines.pop()
        return lines


def fingerprint(path: str | Path, sheet: str | None = None) -> str:
    """The fingerprint of a list ("-": standard input) from its bytes alone, at the speed of the disk.
    `sheet`: the one of a workbook, where it was named. Raises OSError."""
    digest = hasher()
    with contextlib.nullcontext(sys.stdin.buffer) if path == "-" else Path(path).open("rb", buffering=0) as file:
        while data := file.read(1 << 20):
            digest.update(data)
    return with_sheet(digest.hexdigest(), sheet)


def with_sheet(found: str, sheet: str | None) -> str:
    """The fingerprint of one sheet of a workbook that has this one."""
    return found if sheet is None else hashlib.blake2b(f"{found} {sheet.strip()}".encode(), digest_size=16).hexdigest()


def hasher() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)
