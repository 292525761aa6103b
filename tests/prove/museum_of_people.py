"""Published faults about who may be texted at all, built into our code: see `museum`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

from rumbleup_async.admission import GO, Verdict
from rumbleup_async.cli import opt_out_watch
from rumbleup_async.engine import claiming
from rumbleup_async.engine.allowance import Allowance
from rumbleup_async.messaging import State, Text
from rumbleup_async.people import Again, Book, OptOut
from rumbleup_async.people.run_book import RunBook
from rumbleup_async.rules import carrier_day
from rumbleup_async.rumbleup import opt_outs
from rumbleup_async.rumbleup.contacts import Contacts
from rumbleup_async.rumbleup.opt_outs import OptOuts
from rumbleup_async.runs import money
from rumbleup_async.webhooks.opt_outs import ReceiverFile
from tests.prove import organisation
from tests.prove.exhibit import Exhibit

_claim = RunBook.claim
_select = Contacts.select
_look = ReceiverFile._look


def _looked_up_when_the_list_comes_in() -> list[Any]:
    async def claim(self: RunBook, texts: Sequence[Text], now: float) -> list[Verdict]:
        # It is noted, and nobody asks what was noted by others since.
        again, self.again = self.again, Again(gap=0.0, same=True)
        await _claim(self, texts, now)
        self.again = again
        return [GO] * len(texts)

    return [patch.object(RunBook, "claim", claim)]


def _claimed_after_the_wire() -> list[Any]:
    async def claim(self: RunBook, texts: Sequence[Text], now: float) -> list[Verdict]:
        phones = self._digits([text.phone for text in texts])
        found = await self.book.look(self.scope, self._run, phones, again=self.again, now=now)

        async def later(phone: str) -> None:
            await asyncio.sleep(3.0)
            await self.book.claim(self.scope, self._run, [phone], again=self.again, now=now)

        for phone in phones:
            if phone not in found:
                asyncio.ensure_future(later(phone))  # noqa: RUF006 - that is the fault
        return [self._verdict(found.get(phone), now) for phone in phones]

    return [patch.object(RunBook, "claim", claim)]


def _released_on_unknown() -> list[Any]:
    return [patch.object(claiming, "_NOTHING_LEFT", frozenset({*claiming._NOTHING_LEFT, State.UNKNOWN}))]


def _since_is_trusted() -> list[Any]:
    async def age(self: OptOuts, book: Book, now: float | None = None) -> float | None:
        at = [(await book.pull_of(self.source(flag))).at for flag in opt_outs.FLAGS]
        self.since = min(at)  # type: ignore[attr-defined]
        return None

    def select(self: Contacts, **given: Any) -> Any:
        return _select(self, **given)

    async def pull(self: OptOuts, book: Book, heard: Any = None) -> int:
        since = self.since  # type: ignore[attr-defined]
        changed = {"since": since * 1000} if since else {}
        self._contacts.select = lambda **given: select(self._contacts, **given, **changed)  # type: ignore[method-assign]
        return await _pull(self, book, heard)

    return [patch.object(OptOuts, "age", age), patch.object(OptOuts, "pull", pull)]


_pull = OptOuts.pull


def _as_old_as_its_last_page() -> list[Any]:
    def place(cursor: str) -> tuple[int, str] | None:
        found = _place(cursor)
        now: int = int(opt_outs.time.time())  # type: ignore[attr-defined]
        return None if found is None else (now, found[1])

    return [patch.object(opt_outs, "_place", place)]


_place = opt_outs._place


def _fails_open() -> list[Any]:
    watching = opt_out_watch.watching
    return [patch.object(organisation, "watching", lambda run, watch: watching(run, watch, longest=1e9))]


def _read_at_the_beginning() -> list[Any]:
    @asynccontextmanager
    async def watching(run: Any, watch: Any) -> AsyncIterator[None]:
        yield

    return [patch.object(organisation, "watching", watching)]


def _claimed_is_asked_no_more() -> list[Any]:
    async def admit(self: RunBook, text: Text, now: float) -> Verdict:
        return GO

    return [patch.object(RunBook, "admit", admit)]


def _by_the_number_of_the_event() -> list[Any]:
    def look(self: ReceiverFile) -> list[OptOut]:
        last, self._file = self._last, (0, 0)
        found = _look(self)
        self._last = max(last, self._last)
        return found if last < self._last else []

    return [patch.object(ReceiverFile, "_look", look)]


def _day_of_utc() -> list[Any]:
    return [patch.object(carrier_day, "PACIFIC", "UTC")]


def _each_run_counts_for_itself() -> list[Any]:
    async def allowed(care: Any, ledger: Any, book: RunBook | None, **given: Any) -> Any:
        return await _allowance(care, ledger, None, **given)

    return [patch.object(money, "allowance", allowed)]


_allowance = money.allowance


def _counted_when_claimed() -> list[Any]:
    return [patch.object(Allowance, "day_ends", lambda self, now: 0.0)]


def _exhibit(name: str, seen_in: str, patches: Callable[[], list[Any]], rule: str) -> Exhibit:
    return Exhibit(name, seen_in, patches, rule, of="people")


_CAP = "BEYOND THE DAY'S CAP"
_TWICE, _KNOWN, _BEFORE = "TEXTED TWICE", "AFTER AN OPT-OUT WAS KNOWN", "OPTED OUT BEFORE IT WAS PLANNED"

EXHIBITS: tuple[Exhibit, ...] = (
    _exhibit("people are looked up when the list comes in", "campaign tools", _looked_up_when_the_list_comes_in, _TWICE),
    _exhibit("a claim is made after the wire", "tools that log what they have sent", _claimed_after_the_wire, _TWICE),
    _exhibit("what is unknown gives its claim back", "locks that are released in a finally", _released_on_unknown, _TWICE),
    _exhibit("the time of the last change is trusted", "incremental synchronisation", _since_is_trusted, _BEFORE),
    _exhibit("a list is as old as its last page", "paged synchronisation that goes on", _as_old_as_its_last_page, _BEFORE),
    _exhibit("opt-outs that cannot be read count as none", "circuit breakers", _fails_open, "FAIL OPEN"),
    _exhibit("opt-outs are read when a run begins", "campaign tools", _read_at_the_beginning, _KNOWN),
    _exhibit("who is claimed is asked no more", "senders with a queue of their own", _claimed_is_asked_no_more, _KNOWN),
    _exhibit("a day is one of UTC", "quotas of web services", _day_of_utc, _CAP),
    _exhibit("each run counts its own day", "limits in a tool's settings", _each_run_counts_for_itself, _CAP),
    _exhibit("a text counts for the day of its claim", "counters of job queues", _counted_when_claimed, _CAP),
    _exhibit("an event is new if its number is", "readers of a log by offset", _by_the_number_of_the_event, _KNOWN),
)
