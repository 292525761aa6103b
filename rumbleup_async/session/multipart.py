"""Bodies of several parts (multipart/form-data, RFC 7578) that are read from disk while they leave.

Lives here: files made parts, and the bytes of the parts in order. Knows no provider.

A body is opened anew for each attempt: a path is opened again, an open file is read again from
where it stood when it was handed in. The length is known before the first byte leaves, because not
every server takes a body of unknown length.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

import anyio
import anyio.to_thread

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.session.exchange import Part, Upload

FileLike: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]
"""A file to upload: its path, its bytes, or an open binary file that can seek; the last stays the caller's to close."""

_CHUNK = 64 * 1024


async def file_part(
    name: str, source: FileLike, *, filename: str | None = None, content_type: str = "application/octet-stream"
) -> Part:
    """A file part; ConfigurationError if the file is missing, is a directory, cannot seek or was opened as text.

    `filename` defaults to the file's own name without its folders, or to the part's name.
    """
    upload, own = await anyio.to_thread.run_sync(_opened, source)
    return Part(name, upload, filename or own or name, content_type)


def _opened(source: FileLike) -> tuple[Upload, str]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = bytes(source)
        return Upload(content, len(content)), ""
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        try:
            with path.open("rb") as file:
                return Upload(path, os.fstat(file.fileno()).st_size), path.name
        except OSError as error:
            raise ConfigurationError(f"{path}: {error.strerror or type(error).__name__}") from None
    given: Any = source
    try:
        if isinstance(given.read(0), str):
            raise ConfigurationError('the file was opened as text; open it in binary mode, "rb"')
        start = source.tell()
        size = source.seek(0, os.SEEK_END) - start
        source.seek(start)
    except (OSError, ValueError, AttributeError, NotImplementedError):
        raise ConfigurationError("the file cannot seek, so an upload could not be begun again; give a path or bytes") from None
    return Upload(source, size, start), Path(str(getattr(source, "name", ""))).name


class Multipart:
    """The parts as one body: `content_type`, `length` in bytes, and `chunks()`, which begins anew each time."""

    def __init__(self, parts: Sequence[Part], boundary: str | None = None) -> None:
        self._parts = parts
        self._boundary = boundary or f"part{secrets.token_hex(12)}"
        self._heads = [self._head(part) for part in parts]
        self._tail = f"--{self._boundary}--\r\n".encode()
        self.content_type = f"multipart/form-data; boundary={self._boundary}"
        self.length = len(self._tail) + sum(len(head) + 2 for head in self._heads)
        self.length += sum(part.value.size if isinstance(part.value, Upload) else len(part.value.encode()) for part in parts)

    def _head(self, part: Part) -> bytes:
        head = f'--{self._boundary}\r\nContent-Disposition: form-data; name="{_quoted(part.name)}"'
        if part.filename is not None:
            head += f'; filename="{_quoted(part.filename)}"'
        if part.content_type is not None:
            head += f"\r\nContent-Type: {' '.join(part.content_type.split())}"
        return (head + "\r\n\r\n").encode()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces of 64 KiB at most. Raises OSError if a file is shorter than it was or cannot be read."""
        for head, part in zip(self._heads, self._parts, strict=True):
            yield head
            if isinstance(part.value, str):
                yield part.value.encode()
            else:
                async for chunk in _contents(part.value):
                    yield chunk
            yield b"\r\n"
        yield self._tail

    async def encode(self) -> bytes:
        """The whole body; for tests and small forms."""
        return b"".join([chunk async for chunk in self.chunks()])


async def _contents(upload: Upload) -> AsyncIterator[bytes]:
    source = upload.source
    if isinstance(source, bytes):
        for start in range(0, len(source), _CHUNK):
            yield source[start : start + _CHUNK]
        return
    if isinstance(source, Path):
        async with await anyio.open_file(source, "rb") as file:
            async for chunk in _exactly(upload.size, file.wrapped):
                yield chunk
        return
    await anyio.to_thread.run_sync(source.seek, upload.start)
    async for chunk in _exactly(upload.size, source):
        yield chunk


async def _exactly(size: int, file: IO[bytes]) -> AsyncIterator[bytes]:
    """`size` bytes, as announced: what is appended meanwhile does not belong to this body."""
    while size > 0:
        chunk = await anyio.to_thread.run_sync(file.read, min(size, _CHUNK))
        if not chunk:
            raise OSError("the file became shorter while it was sent")
        size -= len(chunk)
        yield chunk


def _quoted(name: str) -> str:
    """A name inside the quotes of a part's head, escaped as browsers do."""
    return name.replace("\\", "%5C").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
