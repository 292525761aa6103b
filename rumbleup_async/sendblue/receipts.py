"""What Sendblue's message list says became of the texts of a run.

Lives here: reading it. Sources of the facts: the Messages API page. DELIVERED and READ are a delivery, ERROR and DECLINED and an
error code are none. SENT says nothing: of an SMS it is the last word in practice, so such texts never get a receipt.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final

from rumbleup_async.people.replies import read_reply
from rumbleup_async.provider import evidence
from rumbleup_async.receipts.following import Batch
from rumbleup_async.receipts.told import Told, What
from rumbleup_async.sendblue.models import Status

if TYPE_CHECKING:
    from rumbleup_async.receipts.following import Wanted
    from rumbleup_async.sendblue.messages import Messages
    from rumbleup_async.sendblue.models import Message

_OVERLAP: Final = 600.0
"""Seconds by which looks overlap: a list may show a message late, and its clock is not ours."""
_REPLIES: Final = "replies read until"

_DELIVERED: Final = frozenset({Status.DELIVERED, Status.READ})


class ListReceipts:
    """Fits `receipts.following.Source`: of the message list. Raises what the calls raise."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self.cut = ""

    async def look(self, wanted: Wanted) -> AsyncIterator[Batch]:
        """As `Source`."""
        self.cut = ""
        pages = self._messages.list(is_outbound=True, created_at_gte=_moment(wanted.since - _OVERLAP))
        async for rows in pages.by_page():
            yield Batch([told for row in rows if (told := receipt_in(row)) is not None])
        self.cut = pages.cut
        began = time.time()
        noted = wanted.note(_REPLIES)
        since = float(noted) if noted else wanted.since
        pages = self._messages.list(is_outbound=False, created_at_gte=_moment(since - _OVERLAP))
        async for rows in pages.by_page():
            yield Batch([told for row in rows for told in replies_in(row)])
        self.cut = self.cut or pages.cut
        if not self.cut:
            yield Batch([], {_REPLIES: f"{began:.0f}"})


def receipt_in(row: Message) -> Told | None:
    """What a message says of its delivery; None if it says nothing, or came in. Pure."""
    phone = evidence.ten_digits(row.contact)
    if row.incoming or not phone or not row.message_handle:
        return None
    if row.failed:
        words = row.error_message or row.error_reason or row.error_detail or ""
        return Told(phone, What.UNDELIVERED, row.message_handle, row.error_code or (row.status or "").lower(), words)
    return Told(phone, What.DELIVERED, row.message_handle) if row.status in _DELIVERED else None


def replies_in(row: Message) -> Iterator[Told]:
    """What a message says of a reply. Pure."""
    phone = evidence.ten_digits(row.contact)
    if not phone:
        return
    moment = row.date_created or row.date_sent
    at = 0 if moment is None or moment.at is None else int(moment.at.timestamp() * 1000)
    if row.incoming:
        yield Told(phone, What.REPLIED, at=at)
    said = read_reply(row.content or "") if row.incoming else None
    if row.opted_out or (said is not None and said.is_opt_out and said.is_sure):
        yield Told(phone, What.OPTED_OUT, at=at)


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(max(0.0, seconds), dt.UTC)
