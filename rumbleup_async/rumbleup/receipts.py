"""What RumbleUp's message log says became of the texts of a run.

Lives here: reading it. Sources of the facts: the Message API page (`status`, `error_code`, `error_text`, `flags`); the page on
message events (`dnd` on a reply: the contact sent STOP).

Texts are asked for by the tag of the run, once most have a receipt by their ids. Replies bear no tag of ours, so they are
asked for by time, and those to other projects are left out. A status that is none of `delivered`, `undelivered` and `failed` says
nothing about the delivery.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rumbleup_async.errors import InvalidField
from rumbleup_async.people.replies import read_reply
from rumbleup_async.provider import evidence, times
from rumbleup_async.receipts.following import Batch
from rumbleup_async.receipts.told import Told, What
from rumbleup_async.rumbleup.log_matching import is_incoming

if TYPE_CHECKING:
    from rumbleup_async.messaging import Plan
    from rumbleup_async.receipts.following import Wanted
    from rumbleup_async.rumbleup.messages import Messages
    from rumbleup_async.rumbleup.models import Message

_PAGE: Final = 999
"""Rows of a page; the most that is documented for any list. A server that refuses it is asked for pages of its own size."""
_IDS: Final = 40
"""Ids a request: with the rest of it below 2,000 characters, which every server and proxy takes."""
_FEW: Final = 400
"""Texts without a receipt that are asked for one by one; more of them by reading the log of the run anew."""
_OVERLAP: Final = 600.0
"""Seconds by which looks overlap: a log may show a reply late, and its clock is not ours."""
_REPLIES: Final = "replies read until"

DELIVERED: Final = frozenset({"delivered"})
UNDELIVERED: Final = frozenset({"undelivered", "failed"})


class LogReceipts:
    """Fits `receipts.following.Source`: of the message log. Raises what the calls raise."""

    def __init__(self, messages: Messages, plan: Plan) -> None:
        self._messages = messages
        self._plan = plan
        self._page: int | None = _PAGE
        self._has_read = False
        self.cut = ""

    async def look(self, wanted: Wanted) -> AsyncIterator[Batch]:
        """As `Source`."""
        self.cut = ""
        waiting = wanted.waiting(_FEW) if self._has_read else None
        if waiting is None:
            async for rows in self._read(flags=self._plan.tag):
                yield Batch([told for row in rows if (told := receipt_in(row)) is not None])
        for start in range(0, len(waiting or ()), _IDS):
            async for rows in self._read(logid=(waiting or [])[start : start + _IDS]):
                yield Batch([told for row in rows if (told := receipt_in(row)) is not None])
        self._has_read = not self.cut
        began = time.time()
        noted = wanted.note(_REPLIES)
        since = float(noted) if noted else wanted.since
        async for rows in self._read(since=int(max(0.0, since - _OVERLAP) * 1000)):
            yield Batch([told for row in rows for told in replies_in(row, self._plan.action)])
        if not self.cut:
            yield Batch([], {_REPLIES: f"{began:.0f}"})

    async def _read(self, **filters: Any) -> AsyncIterator[Sequence[Message]]:
        is_first = True
        try:
            async for rows in self._pages(filters):
                is_first = False
                yield rows
        except InvalidField:
            if not is_first or self._page is None:
                raise
        else:
            return
        self._page = None
        async for rows in self._pages(filters):
            yield rows

    async def _pages(self, filters: Mapping[str, Any]) -> AsyncIterator[Sequence[Message]]:
        pages = self._messages.log(**filters, page_size=self._page)
        async for rows in pages.by_page():
            yield rows
        self.cut = self.cut or pages.cut


def receipt_in(row: Message) -> Told | None:
    """What a row of the log says of the delivery of a text of ours; None if it says nothing. Pure."""
    status = (row.status or "").strip().lower()
    phone = evidence.ten_digits(row.phone)
    if not (phone and row.logid) or status not in DELIVERED | UNDELIVERED:
        return None
    if status in DELIVERED:
        return Told(phone, What.DELIVERED, row.logid)
    return Told(phone, What.UNDELIVERED, row.logid, row.error_code or row.status_code or "", row.error_text or "")


def replies_in(row: Message, action: str) -> Iterator[Told]:
    """What a row of the log says of a reply to this project. Pure."""
    phone = evidence.ten_digits(row.phone)
    if not phone or not is_incoming(row) or (row.action and row.action.strip() != action.strip()):
        return
    span = times.span(row.sent_time)
    at = int(span[1]) if span is not None else 0
    yield Told(phone, What.REPLIED, at=at)
    said = read_reply(row.text or "")
    if "dnd" in {flag.lower() for flag in (*row.flags, *row.contact_flags)} or (said.is_opt_out and said.is_sure):
        yield Told(phone, What.OPTED_OUT, at=at)
