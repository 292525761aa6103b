"""The bytes of a list on their way to whoever reads its form.

Lives here: looking at the beginning without taking it, the fingerprint of what is unpacked or read by others, and files in place
of pipes.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable
from typing import BinaryIO, Final

from rumbleup_async.lists.lines import Readable, Writable, hasher

_BLOCK: Final = 1 << 20
_LOOK: Final = 4096


class Incoming(io.RawIOBase):
    """A stream whose first bytes, `head`, have been looked at and are still to be read."""

    def __init__(self, stream: Readable) -> None:
        super().__init__()
        self._stream = stream
        self._hash: hashlib.blake2b | None = None
        self._copy: Writable | None = None
        self.fingerprint: str | None = None
        """Of all bytes, where they are hashed; set once they have been read to their end."""
        self.taken = 0
        """How many bytes have been read."""
        self.head = b""
        while len(self.head) < _LOOK and (more := stream.read(_LOOK - len(self.head))):
            self.head += more
        self._ahead = self.head

    def count(self, copy: Writable | None) -> None:
        """From now on, before anything is read, all bytes are hashed and go to `copy`."""
        self._hash, self._copy = hasher(), copy

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return self.readall()
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            data = self._stream.read(size) or b""
        self.taken += len(data)
        if self._hash is not None:
            self._hash.update(data)
            if self._copy is not None and data:
                self._copy.write(data)
            if not data and size:
                self.fingerprint = self._hash.hexdigest()
        return data

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(_BLOCK), b""))

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def drain(self) -> None:
        """Read what is left, so that the fingerprint is that of the whole."""
        while self.read(_BLOCK):
            pass

    def as_file(self, keep: Callable[[BinaryIO], object]) -> BinaryIO:
        """A file with all bytes, at its beginning: the stream itself if it is one, else a nameless one, handed to `keep` so that
        it is closed with the list."""
        stream = self._stream
        if isinstance(stream, io.RawIOBase | io.BufferedIOBase) and stream.seekable() and stream.tell() == len(self.head):
            self.drain()
            stream.seek(0)
            return stream  # type: ignore[return-value]
        spooled = tempfile.TemporaryFile(prefix="list-")  # noqa: SIM115 - closed with the list
        keep(spooled)
        while data := self.read(_BLOCK):
            spooled.write(data)
        spooled.seek(0)
        return spooled
