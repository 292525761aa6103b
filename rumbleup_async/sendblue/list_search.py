"""Unknown texts, looked up in the message list.

Lives here: the fit between `engine.ports.Log` and the list and status calls.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from rumbleup_async.engine.ports import Books
from rumbleup_async.errors import ApiError, ExchangeError, NotFound
from rumbleup_async.lookups import Known, LookUpResult, UnknownText
from rumbleup_async.provider import evidence
from rumbleup_async.sendblue.messages import Messages
from rumbleup_async.sendblue.models import Message

_MARGIN = 300.0
"""Seconds by which clocks differ without anything being wrong with one."""

_DAYS = 3 * 86_400.0
"""Seconds; a message that is further from an unknown text is another one. Clocks that are hours off and zones that are named
wrongly do not come to that together."""

_PLAUSIBLE = dt.datetime(2015, 1, 1, tzinfo=dt.UTC).timestamp()
"""A message cannot be older than this; its time was misread."""

_FAILED = {"ERROR", "DECLINED"}


class ListSearch:
    """What Sendblue itself has noted of the texts of a run."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    async def look_up(self, unknowns: Sequence[UnknownText], books: Books) -> LookUpResult:
        """What the message list has of these texts. Never raises for what network or provider do.

        Each text is searched for by number and words among all messages to that number, whenever they were sent, because a
        filter by time would rest on this machine's clock. A message that the list shows as failed is looked up once more by its
        handle; if it failed there, too, the text stays unknown: the provider knows it, and it is not on its way. A text also
        stays unknown if anything was sent to its number within three days, because clocks may be wrong and the list may alter
        what it shows.

        A text is absent only if the list has shown, before and after, texts that the ledger knows as sent, as many rows as it
        speaks of, and no number that cannot be read.
        """
        if not unknowns:
            return LookUpResult()
        look = _Look(self._messages, books)
        absent: set[int] = set()
        try:
            witnesses = await evidence.choose(books, unknowns)
            is_honest = await look.shows(witnesses)
            for unknown in unknowns:
                if await look.misses(unknown):
                    absent.add(unknown.row)
            if absent and is_honest:
                is_honest = await look.shows(witnesses[-1:])
            if not witnesses:
                look.note(evidence.NO_WITNESS)
            elif not is_honest:
                look.note(f"the message list could not be read to its end: {evidence.UNSEEN}")
        except (ApiError, ExchangeError) as error:
            look.note(f"the message list could not be read: {error}")
            is_honest = False
        return look.result(absent if is_honest else set())


class _Look:
    """One look into the list."""

    def __init__(self, messages: Messages, books: Books) -> None:
        self._messages = messages
        self._books = books
        self._found: dict[int, str] = {}
        self._several: dict[int, int] = {}
        self._problems: list[str] = []
        self._failed = self._early = self._alike = 0
        self._dates: list[str | None] = []
        self._offset: float | None = None
        self._offsets: list[float] = []
        """Seconds by which the list's times of the witnesses are later than the ledger's."""
        self._is_clock_odd = False
        """The list's time of a witness is a day or more from the ledger's, so no time tells anything."""
        self._distrust = ""

    def note(self, problem: str) -> None:
        self._problems.append(problem)

    async def shows(self, witnesses: Sequence[Known]) -> bool:
        """Whether there are witnesses and the list has all of them."""
        for witness in witnesses:
            shown = [one for one in await self._list(witness.phone) if one.message_handle == witness.logid]
            if not any(_is_to(one, witness.phone) for one in shown):
                return False
            for one in shown:
                self._offset = evidence.offset(witness, one.date_created or one.date_sent, self._offset)
                at = _moment(one)
                if at is not None and witness.time:
                    self._offsets.append(at - witness.time / 1000)
                self._is_clock_odd |= at is None or not witness.time or abs(at - witness.time / 1000) > 86_400
        return bool(witnesses)

    async def misses(self, unknown: UnknownText) -> bool:
        """Whether no message of the list is this text or may be it."""
        shown = await self._list(unknown.phone)
        rows = [message for message in shown if _is_to(message, unknown.phone)]
        sent = [message for message in rows if not message.incoming]
        # Nobody writes our words to us who has not had them.
        echoed = any(message.incoming and _same(message.content, unknown.text) for message in rows)
        alike_words = [message for message in sent if _same(message.content, unknown.text)]
        matches = [message for message in alike_words if not self._is_before(message, unknown)]
        taken = [message for message in matches if message.status not in _FAILED or await self._lives(message)]
        handles = [message.message_handle for message in taken if message.message_handle]
        if handles:
            self._found[unknown.row] = handles[0]
            if len(handles) > 1:
                self._several[unknown.row] = len(handles)
        elif matches:
            self._failed += 1
        elif any(self._is_near(message, unknown) for message in alike_words):
            self._early += 1
        elif echoed or any(self._is_near(message, unknown) for message in sent):
            self._alike += 1
        elif await self._has_strangers(shown, unknown):
            self._distrust = self._distrust or "it has these words to numbers that the ledger does not know"
        else:
            return bool(unknown.time)
        return False

    async def _has_strangers(self, shown: Sequence[Message], unknown: UnknownText) -> bool:
        """Whether the list, asked for one number, shows the words of its text to a number that the ledger does not know: that
        may be the same number, written in another way."""
        like = [message for message in shown if not _is_to(message, unknown.phone) and _same(message.content, unknown.text)]
        prefix = unknown.phone[:-10]
        phones = {prefix + evidence.ten_digits(message.number or message.to_number or "") for message in like} - {prefix}
        return len(await self._books.known([*phones])) < len(phones)

    async def _list(self, phone: str) -> list[Message]:
        """All messages to or from a number, and whatever else the list shows for it."""
        # The server is asked for neither a direction, whose filter is not documented, nor a time, which would rest on our clock.
        pages = self._messages.list(number=phone)
        found = [message async for message in pages]
        self._dates.append(pages.date)
        if pages.most > len(found):
            self._distrust = self._distrust or f"it speaks of {pages.most} messages and shows {len(found)}"
        if not all(map(_is_readable, found)):
            self._distrust = self._distrust or "it has messages whose number cannot be read"
        return found

    async def _lives(self, message: Message) -> bool:
        """Whether a message that the list shows as failed has another status by now."""
        if message.message_handle is None:
            return False
        try:
            now = await self._messages.status(handle=message.message_handle)
        except NotFound:
            return False
        return now.status is not None and now.status not in _FAILED

    def _is_before(self, message: Message, unknown: UnknownText) -> bool:
        """Whether a message was made before the intent of the unknown text, by more than clocks differ. A clock of ours that was
        off all the time, as the witnesses tell, is corrected."""
        at = _moment(message)
        off = self._offsets
        shift = off[0] if off and max(off) - min(off) <= _MARGIN else 0.0
        return at is not None and bool(unknown.time) and at - shift < unknown.time / 1000 - _MARGIN

    def _is_near(self, message: Message, unknown: UnknownText) -> bool:
        """Whether a message may be of the days in which the unknown text may have left."""
        at = _moment(message)
        if at is None or not unknown.time or self._is_clock_odd:
            return True
        return unknown.time / 1000 - _DAYS <= at <= max(unknown.time, unknown.until) / 1000 + _DAYS

    def result(self, absent: set[int]) -> LookUpResult:
        problems = self._problems
        if self._distrust:
            absent = set()
            problems.append(f"the message list could not be read to its end: {self._distrust}")
        if self._failed:
            problems.append(f"{self._failed} stand in the message list as failed; look at them before you send them again")
        if self._early:
            problems.append(f"{self._early} were sent the same words before; if the clock was right, those were another text")
        if self._alike:
            problems.append(f"{self._alike} were sent something at that time whose words in the message list are others")
        now = evidence.clock(self._dates[-1:])
        return LookUpResult(self._found, frozenset(absent), "; ".join(problems), self._several, now, self._offset)


def _is_readable(message: Message) -> bool:
    """Whether the message says for certain whose it is."""
    numbers = [number for number in (message.number, message.to_number, message.from_number) if number is not None]
    sides = numbers if message.incoming else [number for number in (message.number, message.to_number) if number is not None]
    return bool(sides) and all(evidence.ten_digits(number) or evidence.is_foreign(number) for number in sides)


def _is_to(message: Message, phone: str) -> bool:
    """Whether a message went to this phone, or came from it, in whatever way the list writes numbers."""
    digits = evidence.ten_digits(phone)
    sides = (message.number, message.to_number, *((message.from_number,) if message.incoming else ()))
    return any(evidence.ten_digits(number) == digits for number in sides if number is not None)


def _same(content: str | None, text: str) -> bool:
    """Whether these are the same words; a list may trim what it shows."""
    return content is not None and content.split() == text.split()


def _moment(message: Message) -> float | None:
    """When a message was made, in seconds since 1970; None where that is not told, or not in a way that can be trusted."""
    moment = message.date_created or message.date_sent
    if moment is None or moment.at is None or not moment.raw[:4].isdigit() or moment.raw[4:5] != "-":
        return None
    at = moment.at.timestamp()
    return at if at > _PLAUSIBLE else None
