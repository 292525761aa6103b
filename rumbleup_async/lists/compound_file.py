"""Whether an old document of Office (an OLE compound file, as .xls is one) is as it says, before it is read.

Lives here: the check. calamine follows the chains of sectors wherever they lead and asks for as much memory as the file
says: of a damaged one the process would be killed, and others on the machine with it. The layout: MS-CFB, 2.2 to 2.6.
"""

from __future__ import annotations

import struct
from array import array
from typing import BinaryIO, Final

_LAST: Final = 0xFFFFFFFA
"""From here on a number of a sector has another meaning."""


def is_locked(file: BinaryIO) -> bool:
    """Whether a sound file is a workbook with a password: of today's Excel a stream with that name, of the old one a record
    near its beginning (MS-XLS 2.4.117). The file is at its beginning afterwards."""
    try:
        return _Sectors(file).are_locked()
    except (struct.error, IndexError, ValueError):
        return False
    finally:
        file.seek(0)


def is_sound(file: BinaryIO) -> bool:
    """Whether no chain of sectors runs in a circle or out of the file, and no stream is longer than it. The file is at its
    beginning afterwards."""
    try:
        return _Sectors(file).are_sound()
    except (struct.error, IndexError, ValueError):
        return False
    finally:
        file.seek(0)


_FILE_PASS: Final = 0x2F


class _Sectors:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, 2)
        file.seek(0)
        head = file.read(512)
        self._shift, self._mini_shift = struct.unpack_from("<HH", head, 30)
        self._fats, self._directory = struct.unpack_from("<II", head, 44)
        self._mini_fat, self._mini_fats, self._more, self._mores = struct.unpack_from("<IIII", head, 60)
        self._listed = array("I", head[76:512])

    def are_locked(self) -> bool:
        fat = self._numbers(self._fat_sectors())
        for sector in self._chain(self._directory, fat):
            entries = self._sector(sector)
            for place in range(0, len(entries) - 127, 128):
                name = entries[place : place + 64].decode("utf-16-le", "replace").rstrip("\0")
                start, length = struct.unpack_from("<II", entries, place + 116)
                is_old = name in ("Workbook", "Book") and length >= 4096
                if name == "EncryptedPackage" or (is_old and _has_password(self._sector(start))):
                    return True
        return False

    def are_sound(self) -> bool:
        if self._shift not in (9, 12) or self._mini_shift != 6:
            return False
        if any(count << self._shift > self._size for count in (self._fats, self._mini_fats, self._mores)):
            return False
        fat = self._numbers(self._fat_sectors())
        mini_fat = self._numbers(self._chain(self._mini_fat, fat))
        for at, sector in enumerate(self._chain(self._directory, fat)):
            entries = self._sector(sector)
            for place in range(0, len(entries) - 127, 128):
                start, length = struct.unpack_from("<II", entries, place + 116)
                if entries[place + 66] not in (2, 5):
                    continue
                if length > self._size:
                    return False
                is_root = not at and not place
                self._chain(start, fat if is_root or length >= 4096 else mini_fat)
        return True

    def _sector(self, number: int) -> bytes:
        self._file.seek((number + 1) << self._shift)
        return self._file.read(1 << self._shift)

    def _numbers(self, sectors: list[int]) -> array[int]:
        data = b"".join(map(self._sector, sectors))
        return array("I", data[: len(data) & ~3])

    def _fat_sectors(self) -> list[int]:
        """Where the table of chains stands: the header lists the first 109 of its sectors, and a chain of sectors the others."""
        listed, more = list(self._listed), self._more
        for _ in range(self._mores):
            if more >= _LAST:
                break
            numbers = self._numbers([more])
            listed += numbers[:-1]
            more = numbers[-1]
        return [number for number in listed if number < _LAST][: self._fats]

    @staticmethod
    def _chain(start: int, table: array[int]) -> list[int]:
        """The sectors of a chain. ValueError for one in a circle, IndexError for one that leaves the table."""
        chain: list[int] = []
        while start < _LAST:
            chain.append(start)
            if len(chain) > len(table):
                raise ValueError("a circle")
            start = table[start]
        return chain


def _has_password(beginning: bytes) -> bool:
    """Whether a stream of records begins with that of a password."""
    at = 0
    while at + 4 <= len(beginning):
        kind, length = struct.unpack_from("<HH", beginning, at)
        if kind == _FILE_PASS:
            return True
        at += 4 + length
    return False
