"""The file beside a ledger in which steps are noted as they are made: blocks written before, one durable write a step.

Lives here: the file alone, what a power cut can leave of it, and how that is read. What steps hold, and when they are carried
over into the ledger, stands in `journal` and `folding`.

    block 0, 1   the heads of the last two laps, in turn: which ledger, which lap, the number of the last step before it
    block 2 ...  steps, each from the beginning of a block on

A step counts if its sum is right, it is of this ledger and this lap, and its number follows that of the one before. The first
that fails is the end: whoever made it was never told that it is on the disk, so nothing of it has left. No block that holds a
step is written again within a lap, so a write that is torn harms no step but its own. A lap begins only once all of the one
before it is in the ledger for good.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import zlib
from pathlib import Path
from typing import Final, NamedTuple

from rumbleup_async.ledger.files import beside

ENDING: Final = "-steps"
"""Behind the ledger's name. (`-journal` would be taken for SQLite's own.)"""
BLOCK: Final = 4096
"""Bytes; no disk writes less than that and spoils what lies beside it."""
BLOCKS: Final = 1024
_FIRST = 2
"""The first block of a step."""

_head = struct.Struct("<4s8sIQII")
"""What a step, or a lap, begins with: kind, ledger, lap, number, bytes of what follows, the sum of all that."""
_LAP, _STEP = b"lap.", b"step"
_FULLFSYNC: Final[int | None] = getattr(fcntl, "F_FULLFSYNC", None)
"""macOS alone: what makes a drive write; O_DSYNC does not."""


class StepsLost(Exception):
    """The steps that are only in this file cannot be read: it is missing, or of another ledger or moment."""


class Place(NamedTuple):
    """Where a ledger is in its file of steps, as it says itself: whose file, which lap, the number of the last step before that
    lap, and the last that is in the ledger."""

    ident: str
    lap: int
    base: int
    folded: int

    @classmethod
    def read(cls, value: str) -> Place:
        """As `str` has written it; StepsLost for anything else."""
        ident, *numbers = value.split(":")
        if len(ident) != 16 or len(numbers) != 3 or not all(number.isdecimal() for number in numbers):
            raise StepsLost
        lap, base, folded = map(int, numbers)
        return cls(ident, lap, base, folded)

    def __str__(self) -> str:
        return f"{self.ident}:{self.lap}:{self.base}:{self.folded}"


def path_of(ledger: Path) -> Path:
    return beside(ledger, ENDING)


def _record(kind: bytes, ident: str, lap: int, number: int, body: bytes) -> bytes:
    """Whole blocks."""
    parts = kind, bytes.fromhex(ident), lap, number, len(body)
    total = zlib.crc32(body, zlib.crc32(_head.pack(*parts, 0)))
    record = _head.pack(*parts, total) + body
    return record + bytes(-len(record) % BLOCK)


def _parse(data: bytes, at: int, kind: bytes, ident: str) -> tuple[int, int, bytes] | None:
    """Lap, number and body of what begins there; None if nothing whole of this kind and ledger does."""
    if at + _head.size > len(data):
        return None
    *parts, length, total = _head.unpack_from(data, at)
    body = data[at + _head.size : at + _head.size + length]
    if parts[:2] != [kind, bytes.fromhex(ident)] or len(body) < length:
        return None
    if zlib.crc32(body, zlib.crc32(_head.pack(*parts, length, 0))) != total:
        return None
    return parts[2], parts[3], body


def read(ledger: Path, place: Place) -> list[bytes]:
    """The steps behind the last one that is in the ledger, in their order. StepsLost if some are missing that should be there."""
    try:
        data = path_of(ledger).read_bytes()
    except OSError:
        raise StepsLost from None
    heads = [found for slot in range(_FIRST) if (found := _parse(data, slot * BLOCK, _LAP, place.ident))]
    lap, base, _ = max(heads, default=(0, 0, b""))
    steps: list[bytes] = []
    at = _FIRST * BLOCK
    while (found := _parse(data, at, _STEP, place.ident)) and found[:2] == (lap, base + len(steps) + 1):
        steps.append(found[2])
        at += -(-(_head.size + len(found[2])) // BLOCK) * BLOCK
    last = base + len(steps)
    if lap and lap == place.lap - 1 and last == place.base == place.folded:
        return []  # it died between the commit that ended a lap and the head of the next
    if lap != place.lap or base != place.base or last < place.folded:
        raise StepsLost
    return steps[place.folded - base :]


def remove(ledger: Path) -> None:
    path_of(ledger).unlink(missing_ok=True)


def tidy(ledger: Path, done: str | None) -> None:
    """Take away what a dead process has left: a file of which all is in the ledger (`done`: whose), or in which nothing is. That
    of another ledger, which was moved away without it, stays, and so does what is no such file but is called so."""
    try:
        with path_of(ledger).open("rb") as file:
            data = file.read((_FIRST + 1) * BLOCK)
    except OSError:
        return
    heads = [data[slot * BLOCK : (slot + 1) * BLOCK] for slot in range(_FIRST)]
    # One of the two may be torn.
    is_ours = not any(data) or any(head.startswith(_LAP) or head == bytes(BLOCK) for head in heads)
    is_step = data[_FIRST * BLOCK :].startswith(_STEP)
    if (is_ours and not is_step) or (done is not None and any(_parse(data, slot * BLOCK, _LAP, done) for slot in range(_FIRST))):
        remove(ledger)


class StepsFile:
    """The file in the hands of the ledger's writer. OSError for what the disk says against it; it is no longer used then."""

    def __init__(self, ledger: Path) -> None:
        """A new file, whole on the disk, in which nothing is yet; the first lap begins behind step 0. OSError, too, if there is
        one, which may be another ledger's."""
        self._path = path_of(ledger)
        self.place = Place(os.urandom(8).hex(), 1, 0, 0)
        self._descriptor = -1
        made = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _write(made, bytes(BLOCK * BLOCKS), 0)
            _write(made, self._head_of_lap(), BLOCK * (self.place.lap % _FIRST))
            os.fsync(made)
        except OSError:
            remove(ledger)
            raise
        finally:
            os.close(made)
        _sync_folder(self._path.parent)
        is_durable = os.O_RDWR if _FULLFSYNC is not None else os.O_RDWR | os.O_DSYNC
        self._descriptor = os.open(self._path, is_durable | os.O_NOFOLLOW | os.O_CLOEXEC)
        found = os.fstat(self._descriptor)
        self._inode = found.st_dev, found.st_ino
        self._at = _FIRST * BLOCK
        self._number = 0

    @property
    def number(self) -> int:
        """Of the last step."""
        return self._number

    def _head_of_lap(self) -> bytes:
        return _record(_LAP, self.place.ident, self.place.lap, self.place.base, b"")

    def has_room(self, body: bytes) -> bool:
        """Whether this lap has."""
        return self._at + _head.size + len(body) <= BLOCK * BLOCKS

    def append(self, body: bytes) -> None:
        """Note a step; it is on the disk when this returns. The lap must have room for it."""
        record = _record(_STEP, self.place.ident, self.place.lap, self._number + 1, body)
        self._put(record, self._at)
        self._at += len(record)
        self._number += 1

    def begin_lap(self, place: Place) -> None:
        """From the start again, as the ledger says on the disk."""
        self.place = place
        self._put(self._head_of_lap(), BLOCK * (place.lap % _FIRST))
        self._at = _FIRST * BLOCK

    def _put(self, data: bytes, at: int) -> None:
        _write(self._descriptor, data, at)
        if _FULLFSYNC is not None:
            fcntl.fcntl(self._descriptor, _FULLFSYNC)

    @property
    def is_in_place(self) -> bool:
        """Whether the next process would find it."""
        try:
            found = self._path.lstat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._inode

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _write(descriptor: int, data: bytes, at: int) -> None:
    if os.pwrite(descriptor, data, at) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
