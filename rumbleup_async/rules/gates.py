"""When each place is open: from hours, zones and states to instants.

Lives here: the windows of a day in Unix seconds, and the rule that asks them. No clock of its own: every question says what time
it is.

A place is open while it is open in all of its zones, by the hours of the run and by those of all of its states. Windows are made
of wall times for each day anew, so that they are right on both sides of a change of clocks; offsets are never kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeVar, overload
from zoneinfo import ZoneInfo

from rumbleup_async.admission import GO, Verdict, Wait
from rumbleup_async.messaging import Text
from rumbleup_async.reasons import NO_COMMON_HOUR, NO_REASON, OUTSIDE_HOURS, STATE_LEFT_OUT, Reason
from rumbleup_async.rules.hours import EVERY_HOUR, Hours, Schedule
from rumbleup_async.rules.places import ANYWHERE, Places, decode
from rumbleup_async.rules.states import Purpose, Row, Window, both, rows
from rumbleup_async.rules.zones import ZoneData, load

T = TypeVar("T")

Opening = tuple[float, float]
"""From when until when a place is open, in Unix seconds, the end exclusive."""

_DAY: Final = 86_400.0
_FAR: Final = 12
"""Days within which a place opens if it ever does: no holidays and Sundays last so long."""
_NOW: Final = 1.0
"""When a place is shut that is shut already: long ago. Not 0, which a text takes for no end at all."""
_EVER: Final = float("inf")


class Gates:
    """The openings of all places in one run, which begins at `begin` (Unix seconds) or at the schedule's `not_before`.

    Without `until` a place has at most one opening: in each of its zones that of the local date on which the run begins. So
    nothing is left for the next morning unasked. With `until` it has those of all days up to then. A resume hands in the `begin`
    of its run, and says that it `has_sent`. Without `hours`, all hours of a day will do, in every state. It fits
    `engine.ports.Gates` and `rules.door.Rule`.
    """

    def __init__(
        self,
        hours: Hours | None,
        schedule: Schedule | None = None,
        *,
        begin: float,
        has_sent: bool = False,
        data: ZoneData | None = None,
    ) -> None:
        schedule = schedule or Schedule()
        self.may_wait = has_sent or schedule.is_given
        """The run may wait for somebody to open; else it ends where nobody is open at its beginning."""
        self._purpose = None if hours is None else Purpose(hours.purpose)
        self.hours = hours = hours or EVERY_HOUR
        self.begin = max(begin, schedule.begins or begin)
        self.ends = schedule.ends
        """Unix second after which nothing leaves, as far as that was asked for; else see `last_closing`."""
        self.data = data or load()
        self.places = Places(trust_address=hours.trust_address, data=self.data)
        """Finds the places of contacts by these hours."""
        self._days = hours.on_weekdays, both(hours.on_weekdays, hours.on_sundays)
        self._kinds: dict[int, _Kind] = {}
        self._equal: dict[tuple[frozenset[str], frozenset[Row], bool], _Kind] = {}
        self._known: dict[tuple[ZoneInfo, dt.date, Window], Opening] = {}
        self._shut = Shut(self, begin)

    is_live: Final = True
    looks_up: Final = False

    def why_never(self, place: int) -> Reason:
        """Why texts of this place never leave under these hours; no reason if they do at some time."""
        return NO_REASON if place == ANYWHERE else self._kind(place).why_never

    def window(self, place: int, now: float) -> Opening | None:
        """The opening in which the place is at `now`, or else its next one in this run; None if there is none any more.

        ConfigurationError for place 0, which has no openings, and for a number that is no place.
        """
        kind = self._kind(place)
        asked, until, opening = kind.known
        if not asked <= now < until:
            opening = self._opening(kind, now)
            # Set at once: the ledger's thread asks as well.
            kind.known = now, opening[1] if opening else _EVER, opening
        return opening

    def is_open(self, place: int, now: float) -> bool:
        """Whether texts of this place may leave at `now`. Place 0 is always open."""
        if place == ANYWHERE:
            return True
        opening = self.window(place, now)
        return opening is not None and opening[0] <= now

    def shut(self, now: float) -> Mapping[int, float]:
        """For each place but 0, the Unix second at which it is shut: one before `now` if it is shut now. See `Ledger.step`.

        The same mapping comes again until one of the places that were asked for opens or is shut.
        """
        if not self._shut.now <= now < self._shut.changes:
            self._shut = Shut(self, now)
        return self._shut

    def opens(self, places: Iterable[int], now: float) -> float | None:
        """When the first of these places is open: `now` if one is. None if none is any more in this run."""
        openings = [(now, now) if place == ANYWHERE else self.window(place, now) for place in places]
        return min((max(now, opening[0]) for opening in openings if opening), default=None)

    def opens_again(self, places: Iterable[int], now: float) -> tuple[float, int] | None:
        """When the first of these places is open, whether the run lasts so long or not, and which one; None if none ever is."""
        found = ((opening[0], place) for place in places if (opening := self._ever(self._kind(place), now)))
        return min(found, default=None)

    def local(self, at: float, place: int) -> dt.datetime:
        """An instant by the clocks of a place, those of the first of its zones; of place 0, by those of the east."""
        zone = self._kind(place).zones[0] if place != ANYWHERE else self.data.zone("America/New_York")
        return dt.datetime.fromtimestamp(at, zone)

    def last_closing(self, places: Iterable[int], now: float) -> float | None:
        """When the last of these places is shut for good in this run: its *not after*. None if none opens any more."""
        if self.ends is not None:
            return self.ends
        openings = [self.window(place, now) for place in places if place != ANYWHERE]
        return max((opening[1] for opening in openings if opening), default=None)

    async def admit(self, text: Text, now: float) -> Verdict:
        """`Go` while the text's place is open, else `Wait` for its next opening, even if that is after the run's end.

        A text without a place is of a list that was planned without hours: it has that of its number.
        """
        place = text.place or self.places.place_of(text.phone[-10:])
        opening = self.window(place, now)
        if opening is not None and opening[0] <= now:
            return GO
        if why := self.why_never(place):
            return Wait(now + _FAR * _DAY, why)
        opening = opening or self._ever(self._kind(place), now)
        return Wait(opening[0] if opening else now + _FAR * _DAY, OUTSIDE_HOURS)

    # ---- how it is found ----

    def _kind(self, place: int) -> _Kind:
        kind = self._kinds.get(place)
        if kind is None:
            facts = decode(place, self.data)
            bound = frozenset(rows(self._purpose, facts.states)) if self._purpose else frozenset[Row]()
            is_left_out = not set(self.hours.not_in).isdisjoint(facts.states)
            key = frozenset(facts.zones), bound, is_left_out
            kind = self._equal.get(key)
            if kind is None:
                kind = self._equal[key] = _Kind(tuple(map(self.data.zone, facts.zones)), tuple(bound))
                if is_left_out:
                    kind.why_never = STATE_LEFT_OUT
                elif self._ever(kind, self.begin) is None:
                    kind.why_never = NO_COMMON_HOUR
            self._kinds[place] = kind
        return kind

    def _opening(self, kind: _Kind, now: float) -> Opening | None:
        if kind.why_never or (self.ends is not None and now >= self.ends):
            return None
        if self.ends is None:
            first = self._on(kind, [_local(zone, self.begin) for zone in kind.zones])
            return first if first is not None and now < first[1] else None
        opening = self._ever(kind, max(now, self.begin))
        return (opening[0], min(opening[1], self.ends)) if opening is not None and opening[0] < self.ends else None

    def _on(self, kind: _Kind, days: list[dt.date]) -> Opening | None:
        """The opening that lies in these days, one for each zone, and not before the run begins."""
        common: list[Opening] = [(self.begin, self.begin + _FAR * _DAY)]
        for zone, day in zip(kind.zones, days, strict=True):
            common = list(_meeting(common, self._in_zone(kind, zone, day)))
        return next(iter(common), None)

    def _ever(self, kind: _Kind, now: float) -> Opening | None:
        """The opening at `now`, or the next one, whether the run lasts so long or not."""
        for days in (2, _FAR):  # most open within two days
            common: list[Opening] = [(now, now + days * _DAY)]
            for zone in kind.zones:
                first = _local(zone, now)
                dates = [first + dt.timedelta(number) for number in range(days + 2)]
                common = list(_meeting(common, [opening for day in dates for opening in self._in_zone(kind, zone, day)]))
            # One that goes on at the end of what was looked at ends later than seen.
            if common and (days == _FAR or common[0][1] < now + days * _DAY):
                return common[0]
        return None

    def _in_zone(self, kind: _Kind, zone: ZoneInfo, day: dt.date) -> list[Opening]:
        """The opening of a day in one zone, less the margin; none or one."""
        found = kind.days.get((zone, day))
        if found is None:
            window = self._days[day.weekday() == 6]
            for row in kind.rows:
                window = both(window, row.window(day))
            found = []
            if window is not None:
                opens, closes = self._instants(zone, day, window)
                closes -= self.hours.margin
                found = [(opens, closes)] if opens < closes else []
            kind.days[zone, day] = found
        return found

    def _instants(self, zone: ZoneInfo, day: dt.date, window: Window) -> Opening:
        """Both ends of a window. A list has hundreds of kinds of places, and they have the same zones."""
        found = self._known.get((zone, day, window))
        if found is None:
            found = _instant(zone, day, window[0], max), _instant(zone, day, window[1], min)
            self._known[zone, day, window] = found
        return found


class Shut(dict[int, float]):
    """When places are shut that are open at `now`. Every place but 0 is in it; those that were asked for are listed.

    `changes`: when the first of those that were asked for opens or is shut.
    """

    def __init__(self, gates: Gates, now: float) -> None:
        super().__init__()
        self._gates = gates
        self.now = now
        self.changes = _EVER

    def __missing__(self, place: int) -> float:
        if place == ANYWHERE:
            raise KeyError(place)
        opening = self._gates.window(place, self.now)
        shut, changes = _NOW, _EVER
        if opening is not None:
            # After its end a place may open again on another day.
            shut, changes = (opening[1], opening[1]) if opening[0] <= self.now else (_NOW, opening[0])
        self[place] = shut
        self.changes = min(self.changes, changes)
        return shut

    @overload
    def get(self, place: int, default: None = None, /) -> float | None: ...
    @overload
    def get(self, place: int, default: float, /) -> float: ...
    @overload
    def get(self, place: int, default: T, /) -> float | T: ...
    def get(self, place: int, default: object = None, /) -> object:
        """As of a mapping that has every place but 0."""
        return self[place] if place != ANYWHERE else default

    def __contains__(self, place: object) -> bool:
        return place != ANYWHERE


class _Kind:
    """Places with the same zones and rows have the same openings."""

    __slots__ = ("days", "known", "rows", "why_never", "zones")

    def __init__(self, zones: tuple[ZoneInfo, ...], bound: tuple[Row, ...]) -> None:
        self.zones = zones
        self.rows = bound
        self.why_never = NO_REASON
        self.days: dict[tuple[ZoneInfo, dt.date], list[Opening]] = {}
        self.known: tuple[float, float, Opening | None] = (_EVER, _EVER, None)
        """Between the first two moments, the last is the opening of that time or the next one."""


def _meeting(ones: list[Opening], others: list[Opening]) -> Iterator[Opening]:
    """What is in both of two lists of openings, each in order and without overlaps."""
    for one in ones:
        for other in others:
            opens, closes = max(one[0], other[0]), min(one[1], other[1])
            if opens < closes:
                yield opens, closes


def _local(zone: ZoneInfo, now: float) -> dt.date:
    return dt.datetime.fromtimestamp(now, zone).date()


def _instant(zone: ZoneInfo, day: dt.date, minutes: int, stricter: Callable[[float, float], float]) -> float:
    """The instant of a wall time. A change of clocks may give it two or none: `stricter` says which of the readings counts."""
    if minutes >= 24 * 60:
        day, minutes = day + dt.timedelta(1), minutes - 24 * 60
    wall = dt.datetime.combine(day, dt.time(minutes // 60, minutes % 60), zone)
    return stricter(wall.timestamp(), wall.replace(fold=1).timestamp())
