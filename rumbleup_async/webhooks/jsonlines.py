"""Events as JSON lines in one file, up to a thousand with one fsync.

Lives here: the writer and the reader of such a file.

A line is `{"key": …, "type": …, "received": Unix milliseconds, "event": the object as it came}`. The line of a change
also has what the event is about, when it was sent, and whether it may be an opt-out (`webhooks.changes`). The key of a
change may come again in the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.webhooks.changes import Changes
from rumbleup_async.webhooks.files import open_private
from rumbleup_async.webhooks.ports import Record

_decode = msgspec.json.Decoder(Record).decode
_encode = msgspec.json.Encoder().encode
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class JsonLines:
    """A sink that appends to a file of JSON lines. One process can write the file at a time.

    With `durable` (the default) an event is on the disk before it is acknowledged; without, it is in the kernel's cache.

    `open` reads the keys of the last `remember` events, so that repeats are known after a restart. It cuts off a last line
    that a crash has left incomplete: the event was never acknowledged.
    """

    def __init__(self, path: str | os.PathLike[str], *, durable: bool = True, remember: int = 100_000) -> None:
        self.path = Path(path)
        self._durable = durable
        self._remember = remember
        self._fd = -1
        self._size = 0
        self._torn = False
        self._changes = Changes(remember)

    def open(self) -> list[str]:
        fd = open_private(self.path)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigurationError(f"{self.path} is being written by another process") from None
            keys = self._read_keys(fd)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return keys

    def write(self, records: Sequence[Record]) -> list[bool]:
        if self._torn:
            os.ftruncate(self._fd, self._size)
            self._torn = False
        noted, new = [], []
        for record in records:
            # Only changes are checked here. Repeats of other events are known by the keys that `open` has returned.
            is_new = not (record.about and self._changes.is_repeat(record))
            new.append(is_new)
            if is_new and record.about:
                noted.append(self._changes.note(record))
        kept = [record for record, is_new in zip(records, new, strict=True) if is_new]
        block = memoryview(b"".join([_encode(record) + b"\n" for record in kept]))
        try:
            done = 0
            while done < len(block):
                done += os.write(self._fd, block[done:])
            if self._durable:
                os.fsync(self._fd)
        except OSError:
            # The disk is full. What was written of the group is cut off, so that the next line does not follow half a line.
            # If that fails too, the next `write` begins with it.
            for one in reversed(noted):
                self._changes.forget(one)
            self._torn = True
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
                self._torn = False
            raise
        self._size += len(block)
        return new

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read_keys(self, fd: int) -> list[str]:
        """Cut off an incomplete last line and return the last keys. Files may be large, so the file is read from its end."""
        self._size = os.fstat(fd).st_size
        if not self._size:
            return []
        with mmap.mmap(fd, self._size, access=mmap.ACCESS_READ) as content:
            if not content[:8].startswith(b'{"key":'[: self._size]):
                raise ConfigurationError(f"{self.path} is not a file of webhook events; name another one")
            whole = content.rfind(b"\n") + 1
            records: list[Record] = []
            end = whole - 1
            while end > 0 and len(records) < self._remember:
                start = content.rfind(b"\n", 0, end) + 1
                record = _read(content[start:end])
                if record is not None:
                    records.append(msgspec.structs.replace(record, event=msgspec.Raw(b"")))
                end = start - 1
        if whole < self._size:
            os.ftruncate(fd, whole)
            os.fsync(fd)
            self._size = whole
        records.reverse()
        for record in records:
            self._changes.note(record)
        return [record.key for record in records if not record.about]


def read(path: str | os.PathLike[str]) -> Iterator[Record]:
    """The events of such a file, oldest first. The file may be written meanwhile. A line that is no event is skipped."""
    with Path(path).open("rb") as lines:
        for line in lines:
            record = _read(line) if line.endswith(b"\n") else None
            if record is not None:
                yield record


def _read(line: bytes) -> Record | None:
    try:
        return _decode(line)
    except _BROKEN:
        return None
