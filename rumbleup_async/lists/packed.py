"""Lists that are compressed: gzip and zstd as streams, and zip archives with one file in them.

Lives here: unpacking, and what a zip archive holds.
"""

from __future__ import annotations

import io
import sys
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from rumbleup_async.errors import ListError
from rumbleup_async.lists import extras
from rumbleup_async.lists.streams import Incoming

if TYPE_CHECKING:
    import zipfile

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = (b"\x28\xb5\x2f\xfd", *(bytes((number, 0x2A, 0x4D, 0x18)) for number in range(0x50, 0x60)))
"""The others are frames that are skipped: programs that pack on many cores begin with one."""
ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
"""The second is that of an archive with nothing in it."""

_MOST: Final = 500
_FREE: Final = 64 << 20
"""A list of people, each with a phone of their own, does not become 500 times smaller. What unpacks to more, and to more than 64
MiB, was made to fill a memory or a disk."""

_WORKBOOK: Final = ("xl/workbook.xml", "xl/workbook.bin")
_SAVE: Final = "save the list as CSV UTF-8, or as a workbook of Excel"
_DOCUMENTS: Final = (
    ("word/document.xml", f"a Word document; {_SAVE}"),
    ("ppt/presentation.xml", f"a presentation; {_SAVE}"),
    ("Index/Document.iwa", "a document of Numbers or Pages; export it (File, Export To) as CSV or as a workbook of Excel"),
    ("Index.zip", "a document of Numbers or Pages; export it (File, Export To) as CSV or as a workbook of Excel"),
    ("META-INF/container.xml", f"an electronic book; {_SAVE}"),
)
_OPEN_DOCUMENT: Final = b"application/vnd.oasis.opendocument."


class Unpacked(io.RawIOBase):
    """The bytes that a compressed stream holds. Raises `ListError` where it is damaged or ends too early."""

    def __init__(self, packed: Incoming, head: bytes, where: str) -> None:
        super().__init__()
        self._where = where
        self._packed = packed
        self._given = 0
        self._errors: tuple[type[Exception], ...] = (EOFError, zlib.error)
        source = io.BufferedReader(packed, 1 << 18)
        if head.startswith(GZIP):
            import gzip

            self._errors = (EOFError, zlib.error, gzip.BadGzipFile)
            self._file: Any = gzip.GzipFile(fileobj=source, mode="rb")
        else:
            zstd = _zstd(where)
            self._errors = (EOFError, zstd.ZstdError)
            self._file = zstd.ZstdFile(source, mode="rb")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        try:
            data: bytes = self._file.read(size)
        except self._errors:
            raise ListError(f"{self._where}: the compressed file is damaged or ends too early; get it anew") from None
        self._given += len(data)
        _refuse_bomb(self._given, self._packed.taken, self._where)
        return data


def _refuse_bomb(unpacked: int, packed: int, where: str) -> None:
    if unpacked > _FREE and unpacked > _MOST * packed:
        raise ListError(f"{where}: unpacks to more than {_MOST} times its size, as no list does; unpack it and look what it is")


def _zstd(where: str) -> Any:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return extras.module(name, "lists", f"{where}: this is compressed by zstd", "unpack it first")


class Member(io.RawIOBase):
    """The one file in a zip archive. Raises `ListError` where it is damaged."""

    def __init__(self, archive: zipfile.ZipFile, name: str, where: str) -> None:
        super().__init__()
        self._archive, self._where = archive, where
        self._file = archive.open(name)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        import zipfile

        try:
            return self._file.read(size)
        except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError):
            raise ListError(f"{self._where}: the zip archive is damaged; get it anew") from None


def of_zip(file: BinaryIO, where: str) -> Member | None:
    """The one file in a zip archive; None if the archive is a workbook. ListError for every other one."""
    import zipfile

    try:
        return _of_zip(file, where)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error):
        raise ListError(
            f"{where}: this is an Excel workbook or another zip archive, and it is damaged or cut off; get it anew, or as CSV"
        ) from None


def _of_zip(file: BinaryIO, where: str) -> Member | None:
    import zipfile

    archive = zipfile.ZipFile(file)
    names = set(archive.namelist())
    parts = archive.infolist()
    _refuse_bomb(sum(part.file_size for part in parts), sum(part.compress_size for part in parts), where)
    if names.intersection(_WORKBOOK):
        return None
    for name, what in _DOCUMENTS:
        if name in names:
            raise ListError(f"{where}: this is {what}")
    if "mimetype" in names and (kind := archive.read("mimetype")).startswith(_OPEN_DOCUMENT):
        if b"spreadsheet" in kind:
            return None
        raise ListError(f"{where}: this is a document of OpenDocument, but no spreadsheet; {_SAVE}")
    files = [one for one in parts if not one.is_dir() and not _is_beside(one.filename)]
    if len(files) != 1:
        shown = ", ".join(one.filename[:60] for one in files[:6]) + (", ..." if len(files) > 6 else "")
        raise ListError(
            f"{where}: a zip archive with {len(files)} files" + (f" ({shown})" if shown else "") + "; unpack it first"
        )
    if files[0].flag_bits & 1:
        raise ListError(f"{where}: the zip archive is protected by a password; unpack it first")
    return Member(archive, files[0].filename, where)


def _is_beside(name: str) -> bool:
    """Whether a program has put a file into the archive for itself."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith((".", "Thumbs.db"))
