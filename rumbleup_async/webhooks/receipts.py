"""What the events that `webhooks listen` has kept say became of the texts of a run.

Lives here: reading its file, SQLite or JSON lines, from where the last look has left it. Nothing is written.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.receipts.following import Batch
from rumbleup_async.receipts.told import Told, What
from rumbleup_async.webhooks.opt_outs import digits_of, opt_out_in
from rumbleup_async.webhooks.ports import Record

if TYPE_CHECKING:
    from rumbleup_async.receipts.following import Wanted

_APPLICATION: Final = 0x52554157
_SQLITE: Final = b"SQLite format 3\x00"
_AT_ONCE: Final = 1000
_READ: Final = "receiver read"

_DELIVERED: Final = frozenset({"delivered", "read"})
_UNDELIVERED: Final = frozenset({"undelivered", "failed", "error", "declined"})


class _Read(msgspec.Struct):
    """How far a file was read: `last` is the id of an event, or a number of bytes. A file that was rotated is another one."""

    device: int
    inode: int
    last: int


class FileReceipts:
    """Fits `receipts.following.Source`: of the receiver's file. `action`: the project of the run; replies to others are left out.

    ConfigurationError for what is no such file, or cannot be read.
    """

    cut = ""

    def __init__(self, path: Path, action: str) -> None:
        self._path = path
        self._action = action

    async def look(self, wanted: Wanted) -> AsyncIterator[Batch]:
        """As `Source`."""
        for batch in self._batches(wanted.note(_READ)):
            yield batch

    def _batches(self, noted: str | None) -> Iterator[Batch]:
        try:
            found = self._path.stat()
            with self._path.open("rb") as file:
                head = file.read(len(_SQLITE))
        except OSError as error:
            raise ConfigurationError(f"{self._path}: {error.strerror}; --receipts takes the file of webhooks listen") from None
        before = _noted(noted)
        read = _Read(found.st_dev, found.st_ino, 0)
        if before is not None and (before.device, before.inode) == (read.device, read.inode):
            read.last = before.last
        events = self._of_database(read) if head == _SQLITE else self._of_lines(read, found.st_size)
        for some in events:
            told = [one for received, event in some for one in told_in(event, received, self._action)]
            yield Batch(told, {_READ: msgspec.json.encode(read).decode()})

    def _of_database(self, read: _Read) -> Iterator[list[tuple[int, Any]]]:
        try:
            db = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
            try:
                if db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
                    raise ConfigurationError(f"{self._path} is no file of webhooks listen")
                if (db.execute("SELECT max(id) FROM event").fetchone()[0] or 0) < read.last:
                    read.last = 0
                statement = f"SELECT id, received, event FROM event WHERE id > ? ORDER BY id LIMIT {_AT_ONCE}"  # noqa: S608
                while rows := db.execute(statement, (read.last,)).fetchall():
                    read.last = rows[-1][0]
                    yield [(received, _decoded(event)) for _, received, event in rows]
            finally:
                db.close()
        except sqlite3.Error as error:
            raise ConfigurationError(f"{self._path}: {error}") from None

    def _of_lines(self, read: _Read, size: int) -> Iterator[list[tuple[int, Any]]]:
        if size < read.last:
            read.last = 0
        decode = msgspec.json.Decoder(Record).decode
        try:
            with self._path.open("rb") as file:
                file.seek(read.last)
                while lines := [*itertools.islice(file, _AT_ONCE)]:
                    if not lines[-1].endswith(b"\n"):
                        lines.pop()  # it is being written
                    if not lines:
                        return
                    read.last += sum(map(len, lines))
                    records = [decode(line) for line in lines if line.strip()]
                    yield [(record.received, _decoded(record.event)) for record in records]
        except OSError as error:
            raise ConfigurationError(f"{self._path}: {error.strerror}") from None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise ConfigurationError(f"{self._path} is no file of webhooks listen") from None


def _noted(noted: str | None) -> _Read | None:
    try:
        return None if noted is None else msgspec.json.decode(noted, type=_Read)
    except msgspec.MsgspecError:
        return None


def _decoded(event: str | msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def told_in(event: object, received: int, action: str) -> Iterator[Told]:
    """What an event says of a text of ours, or of a reply to this project. `received`: Unix milliseconds. Pure.

    RumbleUp: `status` with the text's `logid`; MESSAGE_RECEIVED, and the flag `dnd`. Sendblue: `status` with its
    `message_handle`; an inbound message, and `opted_out`.
    """
    if not isinstance(event, dict):
        return
    inner = event.get("data")
    data: dict[str, Any] = inner if isinstance(inner, dict) else event
    sent = event.get("ctime")
    at = int(sent) if isinstance(sent, (int, float)) and not isinstance(sent, bool) and 0 < sent < 1e15 else received
    status = data.get("status")
    word = status.strip().lower() if isinstance(status, str) else ""
    is_reply = event.get("type") == "MESSAGE_RECEIVED" or data.get("is_outbound") is False or word == "received"
    if is_reply or event.get("type") == "CONTACT_UPDATED":
        yield from _of_person(event, data, at, action, is_reply=is_reply)
        return
    logid = data.get("logid") or data.get("message_handle")
    phone = next((digits for name in ("phone", "number", "to_number") if (digits := digits_of(data.get(name)))), "")
    if not (isinstance(logid, str) and logid and phone):
        return
    code = _word(data.get("error_code")) or _word(data.get("errcode"))
    if word in _UNDELIVERED:
        words = next((text for name in _WORDS if (text := _word(data.get(name)))), "")
        yield Told(phone, What.UNDELIVERED, logid, code or _word(data.get("status_code")) or "", words, at)
    elif word in _DELIVERED:
        yield Told(phone, What.DELIVERED, logid, at=at)
    if data.get("opted_out") is True:
        yield Told(phone, What.OPTED_OUT, at=at)


_WORDS: Final = ("error_text", "error_message", "error_reason", "error_detail")


def _of_person(event: dict[str, Any], data: dict[str, Any], at: int, action: str, *, is_reply: bool) -> Iterator[Told]:
    project = _word(data.get("action"))
    if is_reply and project and action and project != action:
        return
    said = opt_out_in(event)
    names = ("phone", "from_number", "number")
    phone = next((digits for name in names if (digits := digits_of(data.get(name)))), "")
    if is_reply and phone:
        yield Told(phone, What.REPLIED, at=at)
    if said is not None and said[2]:
        yield Told(said[0], What.OPTED_OUT, at=at)


def _word(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return str(value).strip()
