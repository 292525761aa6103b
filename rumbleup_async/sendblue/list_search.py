"""Texts in doubt, looked for in the message list.

Lives here: the fit between `bulk.ports.Log` and the list and status calls. May import: errors, messaging, sendblue.*.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from rumbleup_async.errors import ApiError, ExchangeError, NotFound
from rumbleup_async.messaging import Doubt, Findings
from rumbleup_async.sendblue.messages import Messages
from rumbleup_async.sendblue.models import Message

_MARGIN = 300.0
"""Seconds by which clocks differ without anything being wrong with one."""

_EARLIER = 12 * 3600.0
"""Seconds before a doubt's time from which the list is searched. The same words there may be an earlier text, or this one while a
clock was wrong: they leave it in doubt."""

_FAILED = {"ERROR", "DECLINED"}


class ListSearch:
    """What Sendblue itself has noted of the texts of a run."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    async def look_up(self, doubts: Sequence[Doubt]) -> Findings:
        """What the message list has of these texts. Never raises for what network or provider do.

        Each is searched for by number, time and words, among all messages that we sent to that number since half a day before. A
        message that the list shows as failed is looked at once more by its handle; if it is failed there, too, it stays in doubt,
        for it is neither on its way nor unknown to the provider. So does a text to whose number we sent the same words earlier
        than its intent, for a clock may be wrong; and one to whose number we sent other words, or words that the list does not
        show, at about the time when it may have left: the list may alter what it shows.
        """
        found: dict[int, str] = {}
        several: dict[int, int] = {}
        absent: set[int] = set()
        problems: list[str] = []
        failed = early = alike = 0
        for doubt in doubts:
            try:
                sent = await self._sent(doubt)
                alike_words = [message for message in sent if _same(message.content, doubt.text)]
                matches = [message for message in alike_words if not _before(message, doubt)]
                taken = [message for message in matches if message.status not in _FAILED or await self._lives(message)]
            except (ApiError, ExchangeError) as error:
                problems.append(f"the message list could not be read: {error}")
                break
            handles = [message.message_handle for message in taken if message.message_handle]
            if handles:
                found[doubt.row] = handles[0]
                if len(handles) > 1:
                    several[doubt.row] = len(handles)
            elif matches:
                failed += 1
            elif alike_words:
                early += 1
            elif any(_about_then(message, doubt) for message in sent):
                alike += 1
            elif doubt.time:
                absent.add(doubt.row)
        if failed:
            problems.append(f"{failed} stand in the message list as failed; look at them before you send them again")
        if early:
            problems.append(f"{early} were sent the same words before; if the clock was right, those were another text")
        if alike:
            problems.append(f"{alike} were sent something at that time whose words in the message list are others")
        return Findings(found, frozenset(absent), "; ".join(problems), several)

    async def _sent(self, doubt: Doubt) -> list[Message]:
        """What we sent to the number of a doubt since some time before it."""
        since = dt.datetime.fromtimestamp(max(0.0, doubt.time / 1000 - _EARLIER), dt.UTC) if doubt.time else None
        pages = self._messages.list(number=doubt.phone, created_at_gte=since)
        # The direction is not asked of the server: what a filter makes of it is not documented.
        return [message async for message in pages if not message.incoming and _is_to(message.contact, doubt.phone)]

    async def _lives(self, message: Message) -> bool:
        """Whether a message that the list shows as failed is something else by now."""
        if message.message_handle is None:
            return False
        try:
            now = await self._messages.status(handle=message.message_handle)
        except NotFound:
            return False
        return now.status is not None and now.status not in _FAILED


def _is_to(number: str | None, phone: str) -> bool:
    """Whether a message went to this phone, in whatever way the list writes numbers, or does not say to whom."""
    digits = re.sub(r"\D", "", number or "", flags=re.ASCII)
    return not digits or digits[-10:] == phone[-10:]


def _same(content: str | None, text: str) -> bool:
    """Whether these are the same words; a list may trim what it shows."""
    return content is not None and content.split() == text.split()


def _before(message: Message, doubt: Doubt) -> bool:
    """Whether a message was made before the intent of a doubt, by more than clocks differ."""
    at = _moment(message)
    return at is not None and bool(doubt.time) and at < doubt.time / 1000 - _MARGIN


def _about_then(message: Message, doubt: Doubt) -> bool:
    """Whether a message is of the time in which a doubt may have left, or may be."""
    at = _moment(message)
    if at is None or not doubt.time:
        return True
    return doubt.time / 1000 - _MARGIN <= at <= max(doubt.time, doubt.until) / 1000 + _MARGIN


def _moment(message: Message) -> float | None:
    moment = message.date_created or message.date_sent
    return None if moment is None or moment.at is None else moment.at.timestamp()
