"""The book of people as one run asks it: whom to leave out of its list, and whom it may text at this moment.

Lives here: what the book has found, as what becomes of a contact.

A claim is on the disk before the intent of its text, and so before the wire. A run that dies between the two has claimed somebody
whom it did not text: it takes its own claims up again when it is resumed. Nobody else does, for nobody else knows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from rumbleup_async.admission import GO, Never, Verdict, Wait
from rumbleup_async.days import Day
from rumbleup_async.errors import BookError
from rumbleup_async.messaging import Planned, Skipped, State, Text
from rumbleup_async.people.book import Book
from rumbleup_async.people.entries import Again, Found, Scope, Why
from rumbleup_async.reasons import CAPPED, Code, Reason

_FOR_GOOD: Final = {
    Why.OPTED_OUT: Reason(Code.OPT_OUT),
    Why.LIKELY: Reason(Code.OPT_OUT_LIKELY),
    Why.BEFORE: Reason(Code.TEXTED_BEFORE),
}

_ENOUGH = 3
"""Runs of which it can be said what is usual."""

_FRESH = 0.5
"""Seconds for which a claim surely counts as the latest word on an opt-out. After three times as many surely not."""
_ONLY_OPT_OUTS = Again(gap=0.0, same=True)

_PATIENCE = 60.0
"""Seconds that a run waits for the end of a gap."""


class RunBook:
    """Fits the engine's `Claims`, and is the rule that is asked last. `scope`: where the run texts, `run`: its id, `again`: who
    may be texted once more, `prefix`: what stands before the ten digits of a phone in the provider's form."""

    def __init__(self, book: Book, scope: Scope, run: str, again: Again, prefix: str = "") -> None:
        self.book = book
        self.scope = scope
        self.again = again
        self._run = run
        self._prefix = prefix
        self.day: Callable[[float], Day | None] = _no_day
        """The day for which texts that are claimed at a moment count."""
        self._young: set[str] = set()
        self._older: set[str] = set()
        """Phones that were claimed a moment ago, and just before that."""
        self._turned = 0.0
        self.near = 0
        """Contacts of the list that are queued, and were texted so lately that they have to wait."""
        self.asked = self.before = self.last = 0
        """Contacts of the list that were looked up; those of them that were texted before in the same scope; and when the last of
        these was, in Unix seconds."""

    @property
    def are_counted(self) -> bool:
        """As `Claims.are_counted`."""
        return self.book.are_claims_counted

    async def open(self) -> None:
        """Open the book. BookError."""
        await self.book.open()

    async def aclose(self) -> None:
        """Let go of the book."""
        await self.book.aclose()

    async def claim(self, texts: Sequence[Text], now: float) -> list[Verdict]:
        """What the book says of these texts, in their order. Whom it lets go is claimed, durably. BookError."""
        phones = self._digits([text.phone for text in texts])
        segments = [max(1, text.segments) for text in texts]
        found = await self.book.claim(
            self.scope, self._run, phones, again=self.again, now=now, segments=segments, day=self.day(now)
        )
        self._turn_over()
        self._young.update(phones)
        return [self._verdict(found.get(phone), now) for phone in phones] if found else [GO] * len(texts)

    async def admit(self, text: Text, now: float) -> Verdict:
        """What the book says of a text that was claimed and is about to leave: `Never` for whoever opted out since. BookError.

        A text that leaves at once after its claim is not looked up once more; one that had to wait is.
        """
        (phone,) = self._digits([text.phone])
        self._turn_over()
        if phone in self._young or phone in self._older:
            return GO
        found = await self.book.look(self.scope, self._run, [phone], again=_ONLY_OPT_OUTS, now=now)
        return Never(_FOR_GOOD[found[phone].why]) if found else GO

    async def opted_out(self, phones: Sequence[str]) -> list[str]:
        """Which of these phones, in the provider's form, have opted out, as far as the book knows. BookError."""
        found = await self.book.look(self.scope, self._run, self._digits(phones), again=_ONLY_OPT_OUTS)
        return [self._prefix + digits for digits, one in found.items() if one.why is not Why.GAP]

    async def release(self, phones: Sequence[str]) -> None:
        """These have certainly not been texted after all. A book that fails keeps their claims: that texts nobody."""
        try:
            await self.book.release(self.scope, self._run, self._digits(phones))
        except BookError:
            return

    def sift(self, rows: Sequence[Planned | Skipped]) -> list[Planned | Skipped]:
        """These rows of a list; whom the book leaves out for good is skipped, with the reason. Waits for the disk. BookError."""
        planned = [row for row in rows if isinstance(row, Planned)]
        phones = self._digits([row.phone for row in planned])
        return self._sifted(rows, self.book.look_now(self.scope, self._run, phones, self.again))

    async def sift_soon(self, rows: Sequence[Planned | Skipped]) -> list[Planned | Skipped]:
        """As `sift`, without holding up the event loop."""
        phones = self._digits([row.phone for row in rows if isinstance(row, Planned)])
        return self._sifted(rows, await self.book.look(self.scope, self._run, phones, again=self.again))

    def usual_size(self, number: int) -> int:
        """How many contacts the runs of this organisation had of late: the median of the last ten; 0 with fewer than three.

        Also 0 where as many as `number` were agreed to before, for this very run. Goes through the whole book. BookError.
        """
        if number <= self.book.size_of_now(self._run):
            return 0
        sizes = self.book.sizes_now(self.scope, self._run)
        import statistics

        return int(statistics.median(sizes)) if len(sizes) >= _ENOUGH else 0

    def agreed(self, number: int) -> None:
        """Somebody has said that so many may be texted: the run counts as one of that size, however it ends. BookError."""
        self.book.note_size_now(self._run, number)

    def _sifted(self, rows: Sequence[Planned | Skipped], found: dict[str, Found]) -> list[Planned | Skipped]:
        self.asked += sum(isinstance(row, Planned) for row in rows)
        if not found:
            return list(rows)
        sifted: list[Planned | Skipped] = []
        for row in rows:
            one = found.get(row.phone.removeprefix(self._prefix)) if isinstance(row, Planned) else None
            if one is not None and one.why is Why.GAP:
                self.near += 1
            elif one is not None and one.why is Why.BEFORE:
                self.before += 1
                self.last = max(self.last, one.time)
            sifted.append(row if one is None or one.why is Why.GAP else Skipped(row.row, row.phone, _FOR_GOOD[one.why], row.kept))
        return sifted

    def _turn_over(self) -> None:
        now = time.monotonic()
        if (passed := now - self._turned) >= _FRESH:
            self._older = self._young if passed < 2 * _FRESH else set()
            self._young = set()
            self._turned = now

    def _verdict(self, found: Found | None, now: float) -> Verdict:
        if found is None:
            return GO
        if found.why is Why.GAP:
            why = Reason(Code.GAP, span(self.again.gap))
            # The gap is a day: this part of the run does not wait for its end, and the next may have another gap.
            return Wait(found.until, why) if found.until <= now + _PATIENCE else Never(why, State.QUEUED)
        if found.why is Why.CAP:
            return Wait(now, CAPPED)  # whoever asks knows how much is left of the day, and when to ask again
        return Never(_FOR_GOOD[found.why])

    def _digits(self, phones: Iterable[str]) -> list[str]:
        prefix = self._prefix
        return [phone.removeprefix(prefix) for phone in phones] if prefix else list(phones)


def _no_day(_: float) -> None: ...


def span(seconds: float) -> str:
    """A number of seconds in the largest unit that it fills: `24 h`, `10 min`, `90 s`."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size and not seconds % size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
