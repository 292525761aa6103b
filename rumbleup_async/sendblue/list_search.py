"""Texts in doubt, looked for in the message list.

Lives here: the fit between `bulk.ports.Log` and the list and status calls. May import: errors, messaging, sendblue.*.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from rumbleup_async.errors import ApiError, ExchangeError, NotFound
from rumbleup_async.messaging import Doubt, Findings
from rumbleup_async.sendblue.messages import Messages
from rumbleup_async.sendblue.models import Message

_MARGIN = 300.0
"""Seconds before a doubt's time from which the list is searched: clocks differ."""

_FAILED = {"ERROR", "DECLINED"}


class ListSearch:
    """What Sendblue itself has noted of the texts of a run."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    async def look_up(self, doubts: Sequence[Doubt]) -> Findings:
        """What the message list has of these texts. Never raises for what network or provider do.

        Each is searched for by number, time and words, among all messages that we sent to that number since shortly before. A
        message that the list shows as failed is looked at once more by its handle; if it is failed there, too, it stays in doubt,
        for it is neither on its way nor unknown to the provider. So does a text to whose number we sent other words, or words
        that the list does not show, at about that time: the list may alter what it shows.
        """
        found: dict[int, str] = {}
        absent: set[int] = set()
        problems: list[str] = []
        failed = alike = 0
        for doubt in doubts:
            try:
                sent = await self._sent(doubt)
                matches = [message for message in sent if _same(message.content, doubt.text)]
                taken = [message for message in matches if message.status not in _FAILED or await self._lives(message)]
            except (ApiError, ExchangeError) as error:
                problems.append(f"the message list could not be read: {error}")
                break
            handles = [message.message_handle for message in taken if message.message_handle]
            if handles:
                found[doubt.row] = handles[0]
            elif matches:
                failed += 1
            elif any(_about_then(message, doubt) for message in sent):
                alike += 1
            elif doubt.time:
                absent.add(doubt.row)
        if failed:
            problems.append(f"{failed} stand in the message list as failed; look at them before you send them again")
        if alike:
            problems.append(f"{alike} were sent something at that time whose words in the message list are others")
        return Findings(found, frozenset(absent), "; ".join(problems))

    async def _sent(self, doubt: Doubt) -> list[Message]:
        """What we sent to the number of a doubt since shortly before it."""
        since = dt.datetime.fromtimestamp(max(0.0, doubt.time / 1000 - _MARGIN), dt.UTC) if doubt.time else None
        pages = self._messages.list(number=doubt.phone, created_at_gte=since)
        # The direction is not asked of the server: what a filter makes of it is not documented.
        return [message async for message in pages if not message.incoming and message.contact in {None, doubt.phone}]

    async def _lives(self, message: Message) -> bool:
        """Whether a message that the list shows as failed is something else by now."""
        if message.message_handle is None:
            return False
        try:
            now = await self._messages.status(handle=message.message_handle)
        except NotFound:
            return False
        return now.status is not None and now.status not in _FAILED


def _same(content: str | None, text: str) -> bool:
    """Whether these are the same words; a list may trim what it shows."""
    return content is not None and content.split() == text.split()


def _about_then(message: Message, doubt: Doubt) -> bool:
    """Whether a message is of the time of a doubt, or may be."""
    moment = message.date_created or message.date_sent
    if moment is None or moment.at is None or not doubt.time:
        return True
    return abs(moment.at.timestamp() - doubt.time / 1000) <= _MARGIN
