"""Opt-outs in the SQLite file that `webhooks listen` writes.

Lives here: reading what has come since the last look, and which events are opt-outs. Nothing is written.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.people.entries import OptOut
from rumbleup_async.people.replies import read_reply

_APPLICATION: Final = 0x52554157
_SOURCE: Final = "webhooks"


class ReceiverFile:
    """The file at `path`. `world`: as for `people.Scope`. ConfigurationError for what is no such file, or cannot be read."""

    def __init__(self, path: Path, world: str = "") -> None:
        self._path = path
        self._world = world
        self._last = 0
        """The id of the last event that was looked at."""
        self._undelivered: list[tuple[str, str]] = []
        self._file = (0, 0)
        """Which file that was: one that was rotated begins to count anew."""

    async def look(self, since: float | None = None) -> list[OptOut]:  # noqa: ARG002 - the file knows what is new
        """The opt-outs in the events since the last look; the first time, in all of them."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> list[OptOut]:
        if not self._path.is_file():
            raise ConfigurationError(f"{self._path}: there is no such file; --opt-outs takes the SQLite file of webhooks listen")
        last = self._last
        try:
            found = self._path.stat()
            file = found.st_dev, found.st_ino
            db = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
            try:
                if db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
                    raise ConfigurationError(f"{self._path} is no SQLite file of webhooks listen")
                newest = db.execute("SELECT max(id) FROM event").fetchone()[0] or 0
                if file != self._file or newest < last:
                    last = 0  # what is known already is added once more, and changes nothing
                rows = db.execute("SELECT id, received, event FROM event WHERE id > ? ORDER BY id", (last,)).fetchall()
            finally:
                db.close()
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"{self._path}: {error}") from None
        self._file, self._last = file, rows[-1][0] if rows else last
        return [one for _, received, event in rows if (one := self._opt_out(event, received / 1000)) is not None]

    async def undelivered(self) -> list[tuple[str, str]]:
        """Phone and logid of each text of which the looks so far have shown a receipt that says that it was not delivered."""
        return list(self._undelivered)

    def _opt_out(self, event: str, received: float) -> OptOut | None:
        try:
            value = msgspec.json.decode(event)
        except (msgspec.MsgspecError, RecursionError):
            return None
        value = value if isinstance(value, dict) else {}
        if (text := undelivered_in(value)) is not None:
            self._undelivered.append(text)
        said = opt_out_in(value)
        if said is None:
            return None
        phone, word, is_sure = said
        return OptOut(phone, int(received or time.time()), _SOURCE, word, is_sure, self._world)


def opt_out_in(event: dict[str, Any]) -> tuple[str, str, bool] | None:
    """Whose opt-out an event is: phone, word, and whether it is beyond doubt. None for another event. Pure.

    RumbleUp: the flags of a reply or of its contact, else its words. Sendblue: `opted_out`, else the words of an inbound message.
    """
    inner = event.get("data")
    data: dict[str, Any] = inner if isinstance(inner, dict) else event
    is_outbound = data.get("is_outbound")
    names = ("number", "phone", "from_number") if is_outbound else ("phone", "from_number", "number")
    phone = next((digits for name in names if (digits := digits_of(data.get(name)))), "")
    if not phone:
        return None
    flags = {flag for name in ("flags", "contact_flags") if isinstance(data.get(name), list) for flag in data[name]}
    if "dnd" in flags or data.get("opted_out") is True:
        return phone, "dnd" if "dnd" in flags else "opted_out", True
    if "bad" in flags:
        return phone, "bad", False
    kind = event.get("type")
    text = data.get("text") if kind == "MESSAGE_RECEIVED" else data.get("content") if is_outbound is False else None
    reply = read_reply(text) if isinstance(text, str) else None
    return None if reply is None or not reply.is_opt_out else (phone, reply.word, reply.is_sure)


def undelivered_in(event: dict[str, Any]) -> tuple[str, str] | None:
    """Phone and logid of the text of which an event says that it was not delivered; None for another event. Pure.

    RumbleUp: `status` undelivered or failed, with its `logid`. Sendblue: `status` ERROR or DECLINED, with its `message_handle`.
    """
    inner = event.get("data")
    data: dict[str, Any] = inner if isinstance(inner, dict) else event
    status, logid = data.get("status"), data.get("logid") or data.get("message_handle")
    if not (isinstance(status, str) and status.lower() in _UNDELIVERED and isinstance(logid, str) and logid):
        return None
    phone = next((digits for name in ("phone", "number", "to_number") if (digits := digits_of(data.get(name)))), "")
    return (phone, logid) if phone else None


_UNDELIVERED: Final = frozenset({"undelivered", "failed", "error", "declined"})


def digits_of(value: object) -> str:
    """The ten digits of a phone as the providers write it; "" for anything else."""
    if not isinstance(value, (str, int)):
        return ""
    digits = str(value).removeprefix("+")
    digits = digits[1:] if len(digits) == 11 and digits.startswith("1") else digits
    return digits if len(digits) == 10 and digits.isascii() and digits.isdecimal() else ""
