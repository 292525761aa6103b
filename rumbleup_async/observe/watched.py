"""Looking into one ledger again and again.

Lives here: what is kept between two looks. It writes nothing, and holds no ledger for longer than a part of its rows takes to be
counted.

To be used by one thread: a connection of SQLite belongs to the one that made it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from rumbleup_async.errors import LedgerError
from rumbleup_async.messaging import Second, State
from rumbleup_async.money import MICRO
from rumbleup_async.observe import looks, over_time
from rumbleup_async.observe.counting import Counting, Counts
from rumbleup_async.observe.ledgers import RunLedger, Seen
from rumbleup_async.observe.looks import Details, Held, Look, Money, Point, Receipts, Waits
from rumbleup_async.reasons import Code
from rumbleup_async.stops import Cause, Stop

if TYPE_CHECKING:
    from rumbleup_async.observe.ledgers import AnyReader
    from rumbleup_async.rules.gates import Gates

_OF_OPT_OUTS = frozenset({Code.OPT_OUT, Code.OPT_OUT_LIKELY, Code.OPTED_OUT})
_DIED = Stop(Cause.DIED, "the process ended without a word")


class Watched:
    """One ledger: what was last seen of it."""

    def __init__(self, ledger: RunLedger, clock: Callable[[], float] = time.time) -> None:
        self.ledger = ledger
        self._clock = clock
        self._reader: AnyReader | None = None
        self._seen: Seen | None = None
        """How the ledger was when it was looked into last."""
        self._look: Look | None = None
        self._seconds: list[Second] = []
        self._options: dict[str, Any] = {}
        self._gates: Gates | None = None
        self._counting = Counting()
        self._details = Details()
        self._told: Receipts | None = None
        self._receipts_due = 0.0

    @property
    def id(self) -> str:
        """By which the page knows it."""
        return self.ledger.id

    @property
    def is_counting(self) -> bool:
        """There is more to be counted of a ledger that nobody sends: another look would do it."""
        return self._seen is not None and not self._seen.is_running and self._counting.is_under_way

    def look(self, *, counts_all: bool = True) -> Look:
        """How the run stands now. A ledger that cannot be read is told with its problem. `counts_all`: go on with what takes a
        look at every contact."""
        try:
            return self._looked(counts_all=counts_all)
        except (LedgerError, OSError) as error:
            words = self.ledger.told(error)
        except Exception as error:  # noqa: BLE001 - one run that is odd must not take the others from the page
            words = f"{self.ledger.name} cannot be read ({type(error).__name__})"
        self.close()
        return Look(id=self.id, name=self.ledger.name, at=self._clock(), problem=looks.masked(words))

    def points(self, step: int, after: int = -1) -> list[Point]:
        """The picture over time as of the last look, those that begin behind `after`; so many seconds a point."""
        first = after + 1 - (after + 1) % step if after >= 0 else 0
        index = len(self._seconds)
        while index and self._seconds[index - 1].at >= first:
            index -= 1
        return [point for point in over_time.points(self._seconds[index:], self._asked, step) if point.at > after]

    @property
    def step(self) -> int:
        """How many seconds a point stands for, so that the picture has not too many."""
        return over_time.step_for(self._seconds, self._seconds[-1].at) if self._seconds else 1

    def close(self) -> None:
        """Let go of the ledger."""
        if self._reader is not None:
            with contextlib.suppress(Exception):
                self._reader.close()
        self._reader = self._seen = self._look = self._told = None
        self._receipts_due = 0.0
        self._counting = Counting()

    @property
    def _asked(self) -> float | None:
        asked = self._options.get("rate")
        return float(asked) if isinstance(asked, (int, float)) else None

    def _looked(self, *, counts_all: bool) -> Look:
        seen, before = self.ledger.seen(), self._seen
        is_as_before = seen == before and not seen.is_running
        if is_as_before and self._look is not None and not (counts_all and self._counting.is_under_way):
            if (found := self._receipts(self._look.run)) != self._look.receipts:
                self._look = msgspec.structs.replace(self._look, receipts=found)
            return self._look
        reader = self._reader
        is_same_run = before is not None and before.run == seen.run
        if reader is None or not is_same_run or not (seen.is_running or is_as_before) or not reader.complete:
            # What ended a run, and what it is a run of, is read when a ledger is opened.
            reader = self._open(keeps=is_same_run and before is not None and before.is_running)
        self._seen = seen
        if counts_all and self._counting.go_on(reader, self._clock(), is_running=seen.is_running):
            self._details = self._finished(reader)
        self._look = self._read(reader, is_running=seen.is_running)
        if not (counts_all or seen.is_running or self._counting.has_begun):
            # One of many that are only listed: it need not be kept open.
            self._reader = None
            reader.close()
        return self._look

    def _open(self, *, keeps: bool) -> AnyReader:
        """`keeps`: a count of the same run, which was being sent until now, is shown until there is a new one."""
        if self._reader is not None:
            self._reader.close()
        self._reader = reader = self.ledger.open()
        if not keeps:
            self._details = Details()
        self._counting = Counting()
        self._seconds.clear()
        self._options = reader.options
        self._gates = None
        if self._options.get("hours") or self._options.get("schedule"):
            from rumbleup_async.observe.waits import gates_of  # the data of zones, for those who need it

            self._gates = gates_of(self._options, self._clock())
        return reader

    def _read(self, reader: AnyReader, *, is_running: bool) -> Look:
        now = self._clock()
        counts, is_exact = self._counting.counts(reader, is_running=is_running)
        stop = None if is_running else self._why_stopped(reader, counts)
        if not is_running:  # as reports have it: nobody is sending what was in flight when a process died
            counts = {**counts, State.UNKNOWN: counts[State.UNKNOWN] + counts[State.INTENT], State.INTENT: 0}
        self._take_in(reader)
        limit = over_time.limit_of(self._seconds[-1], self._asked) if self._seconds else None
        speed = over_time.speed(self._seconds, now) if is_running else 0.0
        late = [second for second in self._seconds[-2 * over_time.OF_ANSWERS :] if second.at > now - over_time.OF_ANSWERS]
        pause, found = reader.pause, over_time.holds(self._seconds)
        details = self._details
        if self._gates is not None and details.waits:
            details = msgspec.structs.replace(details, waits=self._waits(now))
        left = over_time.seconds_left(counts[State.QUEUED], speed, limit, self._asked, details.waits, now)
        return Look(
            id=self.id,
            name=self.ledger.name,
            at=round(now, 3),
            run=reader.plan.run,
            project=reader.plan.action,
            is_running=is_running,
            is_read_in=reader.complete,
            counts={str(state): number for state, number in counts.items()},
            total=sum(counts.values()),
            is_exact=is_exact,
            elapsed=round(reader.spent(self._last_second), 1),
            speed=round(speed, 1),
            allowed=None if limit is None else round(limit, 1),
            asked=self._asked,
            seconds_left=None if left is None or not is_running or pause is not None else round(left, 1),
            half=over_time.within(late, 0.5),
            most=over_time.within(late, 0.95),
            slowest=over_time.within(late, 0.99),
            throttled=sum(second.throttled for second in self._seconds),
            held=round(sum(hold.seconds for hold in found), 1),
            holds=found[: -looks.MOST_HOLDS - 1 : -1],
            paused=None if pause is None else Held(pause.who, pause.since.isoformat(), looks.masked(pause.why)),
            problem="" if stop is None else looks.masked(str(stop)),
            cause="" if stop is None else str(stop.cause),
            receipts=self._receipts(reader.plan.run),
            details=details,
        )

    def _receipts(self, run: str) -> Receipts | None:
        """What became of the texts, read again after a while: it comes in long after the run has ended."""
        if self._clock() >= self._receipts_due:
            self._receipts_due = self._clock() + self.ledger.receipts_every
            self._told = None
            with contextlib.suppress(LedgerError):
                if (known := self.ledger.receipts(run)).asked:
                    why = [f"{looks.masked(one.words)}: {one.number:,}" for one in known.why]
                    numbers = known.delivered, known.undelivered, known.replied, known.opted_out
                    self._told = Receipts(*numbers, known.asked, why[: looks.MOST_PROBLEMS])
        return self._told

    def _last_second(self) -> float:
        return self._seconds[-1].at + 1.0 if self._seconds else 0.0

    def _why_stopped(self, reader: AnyReader, counts: Counts) -> Stop | None:
        """The note of the process that sent last; a process that left no note and work undone has died."""
        if reader.is_told:
            return reader.noted
        has_begun = any(counts[state] for state in State if state not in {State.QUEUED, State.SKIPPED}) or bool(self._seconds)
        return _DIED if has_begun and (counts[State.QUEUED] or counts[State.INTENT]) else None

    def _take_in(self, reader: AnyReader) -> None:
        """The seconds that were noted since the last look; the last one may have been noted by some processes only."""
        after = self._seconds[-1].at - 2 if self._seconds else 0
        found = reader.seconds(after)
        while self._seconds and self._seconds[-1].at > after:
            self._seconds.pop()
        self._seconds += found

    def _finished(self, reader: AnyReader) -> Details:
        found = self._counting.found
        told = looks.reasons(found.numbers, found.last)
        return Details(
            at=round(found.at, 1),
            reasons=told,
            problems=looks.problems(told),
            segments={str(state): number for state, number in found.segments.items() if number},
            money=self._money(reader),
            waits=self._waits(found.at),
            opted_out=sum(number for (_, why), number in found.numbers.items() if why.code in _OF_OPT_OUTS),
            heard=reader.heard,
        )

    def _waits(self, now: float) -> list[Waits]:
        if self._gates is None or not self._counting.found.places:
            return []
        from rumbleup_async.observe.waits import waits

        return waits(self._gates, self._counting.found.places, now)

    def _money(self, reader: AnyReader) -> Money | None:
        segments = self._counting.found.segments
        reserved = sum(segments[state] for state in (State.INTENT, State.SENT, State.UNKNOWN))
        known = msgspec.structs.replace(reader.paid, reserved=reserved)
        budget, price = self._options.get("budget"), self._options.get("price") or 0
        if not (budget or price or known.paid):
            return None
        spending = known.spending(budget or 0, price)
        each = max(price, spending.dearest or known.dearest)
        left = round(segments[State.QUEUED] * each / MICRO, 2) if each else None
        return Money(budget / MICRO if budget else None, (spending.paid + spending.reserved) / MICRO, left)
