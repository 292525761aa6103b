"""Entries to be closed, as they are handed to SQLite.

Lives here: values made ready in the event loop's thread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from rumbleup_async.messaging import Closed
from rumbleup_async.reasons import Code, Reason


class Closing:
    """Entries to be closed in one step: how many, their rows, how many go to each state, and all of it as JSON."""

    __slots__ = ("json", "number", "rows", "states")

    def __init__(self, closed: Sequence[Closed]) -> None:
        self.number = len(closed)
        self.rows = {close.row for close in closed}
        self.states = Counter([close.state for close in closed])
        self.json = _as_json(closed)


def _as_json(closed: Sequence[Closed]) -> str:
    # The ledger keeps words.
    closed = [msgspec.structs.replace(close, why=Reason(Code.OTHER, str(close.why))) if close.why else close for close in closed]
    try:
        written = msgspec.json.encode(closed).decode()
    except UnicodeEncodeError:
        written = "\\u0000"
    if "\\u0000" not in written:
        return written
    # A provider's words and ids may be anything. Half a character cannot be stored, and SQLite ends a text from JSON at a NUL.
    return msgspec.json.encode(
        [
            msgspec.structs.replace(close, logid=_storable(close.logid), why=Reason(close.why.code, _storable(close.why.detail)))
            for close in closed
        ]
    ).decode()


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
