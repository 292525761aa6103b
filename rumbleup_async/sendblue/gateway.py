"""Sendblue as the bulk engine sees it: deliver one text over the line that is next, and say afterwards what was taken.

Lives here: the fit between the engine's ports and the wire. May import: errors, messaging, provider.*, session.exchange,
sendblue.* but client.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec

from rumbleup_async.errors import ApiError, ExchangeError, MaybeSentError, NotFound, NotSentError
from rumbleup_async.messaging import (
    Accepted,
    Bar,
    Barred,
    Doubt,
    Findings,
    NotSent,
    Outcome,
    Refused,
    Text,
    Throttled,
    Unknown,
)
from rumbleup_async.provider import arguments
from rumbleup_async.sendblue import wire
from rumbleup_async.sendblue.lines import Line, Lines
from rumbleup_async.sendblue.messages import Messages
from rumbleup_async.sendblue.models import Message
from rumbleup_async.session.exchange import Exchange, Request

_MARGIN = 300.0
"""Seconds before a doubt's time from which the list is searched: clocks differ."""

_FAILED = {"ERROR", "DECLINED"}


class SendblueGateway:
    """Sends the texts of one run. The line of each is `lines.take()`: the pace has just chosen it.

    What is in `hide` (key and secret) is kept out of every reason, as is the text itself. `send_style`, `status_callback`: as
    for a single message.
    """

    def __init__(
        self,
        exchange: Exchange,
        lines: Lines,
        messages: Messages,
        *,
        send_style: str | None = None,
        status_callback: str | None = None,
        owns_exchange: bool = False,
        hide: tuple[str, ...] = (),
    ) -> None:
        self._exchange = exchange
        self._lines = lines
        self._messages = messages
        self._send_style = send_style
        self._status_callback = status_callback
        self._owns_exchange = owns_exchange
        self._hide = hide

    async def deliver(self, text: Text) -> Outcome:
        """One attempt to hand one text to the provider. Never raises for what the network or the provider does."""
        line = self._lines.take()
        body = wire.SendBody(
            text.phone, line.number, text.text, send_style=self._send_style, status_callback=self._status_callback
        )
        try:
            response = await self._exchange(Request("POST", wire.SEND, arguments.encode(body)))
        except NotSentError as error:
            self._lines.gave_back(line)
            return NotSent(error.reason, "SENDBLUE_BASE_URL")
        except MaybeSentError as error:
            return Unknown(f"{error.reason}; {line.note}")
        hide = (text.text, *self._hide)
        outcome = wire.decipher_send(response, hide)
        if isinstance(outcome, Refused) and wire.read_failure(response, hide).about_line and response.status >= 400:
            return self._line_refused(outcome, line)
        return self._noted(outcome, line)

    def _noted(self, outcome: Outcome, line: Line) -> Outcome:
        """The outcome with its line, which is told how it fared."""
        lines = self._lines
        match outcome:
            case Accepted():
                lines.went_well(line)
                return Accepted(outcome.logid, line.note)
            case Throttled():
                lines.gave_back(line)
                # The limits are a line's. Where others can go on, the whole run need not rest for what this one was told.
                return msgspec.structs.replace(outcome, after=None) if lines.not_now(line, outcome.after) else outcome
            case Refused():
                if not outcome.about_recipient:
                    lines.refused(line)
                return msgspec.structs.replace(outcome, reason=f"{outcome.reason}; {line.note}")
            case Unknown():
                return msgspec.structs.replace(outcome, reason=f"{outcome.reason}; {line.note}")
            case _:
                lines.gave_back(line)
                return outcome

    def _line_refused(self, outcome: Refused, line: Line) -> Outcome:
        """The number to send from will not do; nothing was sent. Another one may try, without any fault of the contact."""
        self._lines.gave_back(line)
        self._lines.rest(line, self._lines.limits.rest)
        if self._lines.others(line):
            return Throttled(f"{line.note} is refused: {outcome.reason}", outcome.status)
        return Barred(Bar.NO_LINE, outcome.reason, outcome.status, outcome.code)

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

    async def aclose(self) -> None:
        """Close the connections of this run, if they are its own."""
        if self._owns_exchange:
            await self._exchange.aclose()


def _same(content: str | None, text: str) -> bool:
    """Whether these are the same words; a list may trim what it shows."""
    return content is not None and content.split() == text.split()


def _about_then(message: Message, doubt: Doubt) -> bool:
    """Whether a message is of the time of a doubt, or may be."""
    moment = message.date_created or message.date_sent
    if moment is None or moment.at is None or not doubt.time:
        return True
    return abs(moment.at.timestamp() - doubt.time / 1000) <= _MARGIN
