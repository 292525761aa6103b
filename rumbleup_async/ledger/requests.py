"""The file `LEDGER-ask`: how other processes ask something of the one that holds a ledger.

Lives here: writing requests into it, and reading them. A run looks for it several times a second, at the price of one `stat`.

The file is locked while somebody reads or writes it, so that no request is lost between the two. It is taken away once all that
is in it is durable in the ledger: a process that dies in between leaves it to the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from rumbleup_async.ledger.files import beside
from rumbleup_async.pauses import Request

_MOST = 1_000_000
"""Bytes that are read of it."""


def name_of(ledger: Path) -> Path:
    return beside(ledger, "-ask")


def post(ledger: Path, request: Request) -> None:
    """Ask for it. It is on the disk when this returns. Raises OSError."""
    line = msgspec.json.encode(request) + b"\n"
    while True:
        with _locked(name_of(ledger), os.O_RDWR | os.O_CREAT | os.O_APPEND) as file:
            if file is not None:
                os.write(file, line)
                os.fsync(file)
                return


def read(ledger: Path) -> tuple[list[Request], int]:
    """What is asked for, in its order, and how many bytes that takes. What cannot be read is passed over."""
    with contextlib.suppress(FileNotFoundError), _locked(name_of(ledger), os.O_RDWR) as file:
        if file is not None:
            data = os.read(file, _MOST)
            found = []
            for line in data.splitlines():
                with contextlib.suppress(msgspec.MsgspecError):
                    found.append(msgspec.json.decode(line, type=Request))
            return found, len(data)
    return [], 0


def done(ledger: Path, number: int) -> None:
    """So many bytes of it have been heeded; what came since stays."""
    with contextlib.suppress(FileNotFoundError), _locked(name_of(ledger), os.O_RDWR) as file:
        if file is None:
            return
        rest = os.read(file, number + _MOST)[number:]
        if rest:
            os.ftruncate(file, 0)
            os.pwrite(file, rest, 0)
        else:
            name_of(ledger).unlink(missing_ok=True)


@contextmanager
def _locked(path: Path, flags: int) -> Iterator[int | None]:
    """The file, locked; None if it was taken away before it could be locked."""
    file = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(file).st_ino:
                yield file
                return
        yield None
    finally:
        os.close(file)
