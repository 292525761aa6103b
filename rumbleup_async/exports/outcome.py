"""What became of one run, in numbers: what the page of a report shows, and the sheets before the contacts.

Lives here: counting it all, in parts, over a ledger that may be in use.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.ledger.whole_reader import AT_ONCE, Hour
from rumbleup_async.messaging import Result, Second, State
from rumbleup_async.money import MICRO
from rumbleup_async.observe import looks, over_time
from rumbleup_async.observe.looks import Point, Why
from rumbleup_async.reasons import Reason
from rumbleup_async.receipts.opening import open_store, open_whole
from rumbleup_async.receipts.told import Counts
from rumbleup_async.rules.places import ANYWHERE, Places, decode
from rumbleup_async.rules.zones import load
from rumbleup_async.runs.summary import reported

if TYPE_CHECKING:
    from rumbleup_async.postgres.address import Address
    from rumbleup_async.receipts.opening import AnyWholeReader

STATES: Final = (State.SENT, State.REFUSED, State.UNKNOWN, State.NOT_SENT, State.SKIPPED)
"""The states of a report, in the order in which it shows them."""

ELSEWHERE: Final = "elsewhere"
"""The zone of a number of which nobody knows where it is."""

MOST_REASONS: Final = 10_000
"""Reasons that are told apart: a provider may have another one for each text."""

_QUARTER: Final = 900


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a run, as it was at Unix second `at`.

    `counts`, `segments`: by state. `began`, `ended`: when the first and the last text was sent (Unix seconds), to the second, or
    to the quarter of an hour where the ledger has kept no seconds; None without any.
    `hours`: by zone and hour of its day how many were sent. `price`, `budget`, `paid`: US dollars; None where nothing is known.
    `paid_segments`: those of the texts whose price was told. `is_followed`: whether anybody has asked for receipts.
    """

    name: str
    run: str
    project: str
    provider: str
    at: float
    is_running: bool
    is_read_in: bool
    stopped: str
    counts: Mapping[State, int]
    segments: Mapping[State, int]
    reasons: list[Why]
    points: list[Point]
    hours: Mapping[tuple[str, int], int]
    began: float | None
    ended: float | None
    elapsed: float
    price: float | None
    budget: float | None
    paid: float | None
    paid_segments: int
    receipts: Counts
    is_followed: bool

    @property
    def total(self) -> int:
        """All contacts."""
        return sum(self.counts.values())

    @property
    def sent(self) -> int:
        """Those who were texted."""
        return self.counts[State.SENT]

    @property
    def waiting(self) -> int:
        """Texts without a receipt."""
        return max(0, self.sent - self.receipts.delivered - self.receipts.undelivered)

    @property
    def sent_segments(self) -> int:
        """Segments of the texts that were sent."""
        return self.segments[State.SENT]

    @property
    def cost(self) -> float | None:
        """Dollars that the texts that were sent have cost: as answers have told, and for the others at the price given."""
        if self.paid is None and self.price is None:
            return None
        return (self.paid or 0.0) + (self.price or 0.0) * max(0, self.sent_segments - self.paid_segments)

    @property
    def zones(self) -> list[tuple[str, int]]:
        """How many were sent in each zone, most first."""
        found: Counter[str] = Counter()
        for (zone, _), number in self.hours.items():
            found[zone] += number
        return sorted(found.items(), key=lambda one: (-one[1], one[0]))


def gather(place: Path | Address) -> Outcome:
    """Count what became of the run in a ledger. LedgerError for what is none."""
    reader = open_whole(place)
    try:
        at = dt.datetime.now(dt.UTC).timestamp()
        is_running = reader.running
        numbers, segments = _reasons(reader, is_running=is_running)
        quarters, hours = _hours(reader)
        seconds = reader.seconds()
        began, ended = _span(seconds, quarters)
        options = reader.options
        rate, price, budget = options.get("rate"), options.get("price"), options.get("budget")
        paid = reader.paid
        counts: Counter[State] = Counter()
        for (state, _), number in numbers.items():
            counts[state] += number
        store = open_store(place, reader.plan.run)
        try:
            receipts = Counts() if store is None else store.counts()
        finally:
            if store is not None:
                store.close()
        return Outcome(
            name=place.name if isinstance(place, Path) else place.run,
            run=reader.plan.run,
            project=reader.plan.action,
            provider=reader.plan.provider,
            at=at,
            is_running=is_running,
            is_read_in=reader.complete,
            stopped="" if is_running or reader.stopped is None else looks.masked(reader.stopped),
            counts={state: counts[state] for state in STATES},
            segments={state: segments[state] for state in STATES},
            reasons=looks.reasons(numbers),
            points=_points(seconds, quarters, rate),
            hours=hours,
            began=began,
            ended=ended,
            elapsed=reader.elapsed,
            price=price / MICRO if isinstance(price, int) else None,
            budget=budget / MICRO if isinstance(budget, int) else None,
            paid=paid.paid / MICRO if paid.paid_segments else None,
            paid_segments=paid.paid_segments,
            receipts=receipts,
            is_followed=bool(receipts.asked),
        )
    finally:
        reader.close()


def _span(seconds: Sequence[Second], quarters: Mapping[int, int]) -> tuple[float | None, float | None]:
    """When the first and the last text was sent."""
    if sent := [one.at for one in seconds if one.sent]:
        return float(min(sent)), float(max(sent) + 1)
    return (float(min(quarters)), float(max(quarters) + _QUARTER)) if quarters else (None, None)


def _points(seconds: Sequence[Second], quarters: Mapping[int, int], rate: object) -> list[Point]:
    """The picture over time. A ledger of an older version has kept no seconds; when each text was sent it knows all the same."""
    if not seconds:
        return [Point(at, _QUARTER, number / _QUARTER, 0.0, 0.0, 0.0, 0.0) for at, number in sorted(quarters.items())]
    asked = float(rate) if isinstance(rate, (int, float)) else None
    return over_time.points(seconds, asked, over_time.step_for(seconds, seconds[-1].at))


def _reasons(
    reader: AnyWholeReader, *, is_running: bool, most: int = MOST_REASONS
) -> tuple[Counter[tuple[State, Reason]], Counter[State]]:
    """The contacts by state and reason, as reports have them, and the segments of their texts by state. `most`: so many reasons
    are told apart."""
    numbers: Counter[tuple[State, Reason]] = Counter()
    segments: Counter[State] = Counter()
    for parts in reader.parts(AT_ONCE):
        for part in parts:
            asked = Result(0, "", part.state, part.why)
            shown = reported(reader.as_of(asked), running=is_running, stop=reader.stop)
            key = shown.state, shown.why
            if key not in numbers and len(numbers) >= most:
                key = shown.state, Reason(shown.why.code, "others")
            numbers[key] += part.number
            segments[shown.state] += part.segments
    return numbers, segments


def _hours(reader: AnyWholeReader) -> tuple[Counter[int], Counter[tuple[str, int]]]:
    """How many texts were sent in each quarter of an hour, and how many in each zone at each hour of its own day."""
    quarters: Counter[int] = Counter()
    sent: Counter[tuple[str, int]] = Counter()
    zone_of = _Zones()
    for hours in reader.hours():
        for hour in hours:
            quarters[hour.at] += hour.number
            sent[zone_of.local(hour)] += hour.number
    return quarters, sent


class _Zones:
    """Where and at which hour of their day people were texted."""

    def __init__(self) -> None:
        self._places = Places()
        self._data = load()
        self.local = functools.lru_cache(maxsize=1 << 16)(self._local)

    def _local(self, hour: Hour) -> tuple[str, int]:
        name = self._zone(hour.area, hour.place)
        zone = dt.UTC if name == ELSEWHERE else self._data.zone(name)
        return name, dt.datetime.fromtimestamp(hour.at, zone).hour

    def _zone(self, area: str, place: int) -> str:
        """The zone; where a number may be in several, the first of them."""
        if place == ANYWHERE:
            place = self._places.place_of(f"{area}2000000")
        try:
            found = decode(place, self._data)
        except ConfigurationError:
            return ELSEWHERE
        return found.zones[0] if found.source.name != "UNKNOWN" else ELSEWHERE
