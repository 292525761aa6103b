"""One HTTP exchange: what goes in, what comes out, and the only two ways it can fail.

Lives here: values and a protocol; no I/O.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import IO, Protocol

import msgspec

from rumbleup_async.errors import MaybeSentError, NotSentError

__all__ = ["Exchange", "Fit", "MaybeSentError", "NotSentError", "Part", "Request", "Response", "Sink", "Upload", "fit_of"]


class Upload(msgspec.Struct, frozen=True, gc=False):
    """The content of one file part, `size` bytes. `source` is a path, bytes,
    or an open file that is read from `start`."""

    source: Path | bytes | IO[bytes]
    size: int
    start: int = 0

    def __repr__(self) -> str:
        return f"Upload({self.size} bytes)"


class Part(msgspec.Struct, frozen=True, gc=False):
    """One part of a form: a field with its text, or a file with its name and type."""

    name: str
    value: str | Upload
    filename: str | None = None
    content_type: str | None = None

    def __repr__(self) -> str:
        size = self.value.size if isinstance(self.value, Upload) else len(self.value)
        return f"Part({self.name!r}, {size})"


class Sink:
    """Where the body of a large answer goes as it comes: an open binary file, written from where it stands.

    `size`: bytes written; `head`: the first of them, up to HEAD, for an error may come in place of a file. An attempt
    that is repeated begins where the first began, which takes a file that can seek.
    """

    HEAD = 4096

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.size = 0
        self.head = b""
        self._begun = False
        self._start = file.tell() if file.seekable() else None

    def begin(self) -> None:
        """Forget what an earlier attempt wrote; OSError if that cannot be taken back."""
        if self._begun and self.size:
            if self._start is None:
                raise OSError("the file cannot seek, so the answer cannot be written to it again")
            self.file.seek(self._start)
            self.file.truncate()
        self._begun, self.size, self.head = True, 0, b""

    def write(self, chunk: bytes) -> None:
        """Take one piece."""
        self.file.write(chunk)
        self.size += len(chunk)
        self.head += chunk[: self.HEAD - len(self.head)]


class Fit(enum.Enum):
    """Whether an answer belongs to the request that it came for, as far as the answer itself tells.

    A kept connection carries one answer after the other, so one answer too many is taken for the answer to the next
    request, and every later one for that of the request after it.
    """

    PROVEN = "proven"
    """It names what was asked, such as the phone of the text."""
    LIKELY = "likely"
    """It is of the kind that was asked for and names nothing."""
    DENIED = "denied"
    """It says no and names nothing. If it is another's, what was asked has been done."""
    UNFIT = "unfit"
    """It is no answer to what was asked: its connection ends."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request. `path` is relative to the base URL and begins with `/`; `query` is already percent-encoded.

    `read` says that repeating the request does no harm; only reads may be GETs, because aiohttp repeats GETs by
    itself. `parts` make a multipart body in place of `body`; files among them are read while they are sent.
    `timeout`: seconds to wait for the next bytes of this answer, in place of the exchange's own. `sink` takes the
    body of a 2xx answer, whose `Response` then has none. `judge` says whether an answer fits; it is asked before
    the connection may carry another request.
    """

    method: str
    path: str
    body: bytes = b""
    query: str = ""
    content_type: str = "application/json"
    read: bool = False
    parts: tuple[Part, ...] = ()
    timeout: float | None = None
    sink: Sink | None = None
    judge: Callable[[Response], Fit] | None = None

    def __repr__(self) -> str:
        what = f"{len(self.parts)} parts" if self.parts else f"{len(self.body)} bytes"
        return f"Request({self.method} {self.path}, {what})"


class Response(msgspec.Struct, frozen=True):
    """A complete answer. `headers` is case-insensitive.

    `alone`, of an answer that was judged `Fit.DENIED`: waits for as long as another answer may still come on its
    connection, and says whether none came. Where one came, nobody knows which of the two belonged to the request.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    alone: Callable[[], Awaitable[bool]] | None = None

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"


class Exchange(Protocol):
    """Carries one request to a server and its answer back; knows no provider.

    Raises `NotSentError` when nothing of the request left, `MaybeSentError` when it may have and no complete answer
    came. It never repeats a request that is not a read, follows no redirect, and any status is an answer.
    """

    async def __call__(self, request: Request) -> Response: ...

    async def aclose(self) -> None: ...


def fit_of(request: Request, response: Response) -> Fit:
    """What the judge of the request says of its answer; without one, whether it
    is of the kind of all answers of an API."""
    if request.judge is not None:
        try:
            return request.judge(response)
        except Exception:  # noqa: BLE001 - what cannot be judged does not fit; who asked meets the mistake itself
            return Fit.UNFIT
    return Fit.LIKELY if response.body.lstrip()[:1] in {b"{", b"["} else Fit.UNFIT


def rejects_side_effects_by_get(request: Request) -> None:
    """A GET that is not a read is a mistake of ours: libraries and proxies repeat GETs."""
    if request.method == "GET" and not request.read:
        raise AssertionError(f"{request.path} has side effects and must not be a GET")
