"""What hours and a schedule mean for one run: when it begins, whether it may wait, when it is over, and what is said of that.

Lives here: the fit between the gates of places, which know no run, and the engine, which knows no zones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from rumbleup_async.engine.ports import Ledger
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.reasons import OUTSIDE_HOURS, TOO_LATE, Reason
from rumbleup_async.rules.gates import Gates
from rumbleup_async.rules.hours import EVERY_HOUR, Hours, Schedule
from rumbleup_async.rules.outlook import Outlook, outlook
from rumbleup_async.rules.places import ANYWHERE, Source, encode, mask_of
from rumbleup_async.rules.zones import BY_KEY
from rumbleup_async.stops import Cause, Stop

_REST = 60.0
_REST_OF_ANOTHER_CLOCK = 0.05
"""Seconds after which a clock is looked at again; how fast one that a caller handed in goes, nobody knows."""


def read_hours(given: Mapping[str, Any] | None, clock: Callable[[], float] | None = None) -> Hours | None:
    """The hours that were given, as a ledger keeps them. ConfigurationError for what cannot be meant."""
    if given is None:
        return None
    try:
        found = Hours.from_dict(dict(given))
    except TypeError as error:
        raise ConfigurationError(f"hours cannot be meant: {error}") from None
    return found if clock is None else msgspec.structs.replace(found, clock=clock)


def read_schedule(given: Mapping[str, Any] | None) -> Schedule | None:
    """The schedule that was given, as a ledger keeps it. ConfigurationError for what cannot be meant."""
    try:
        return None if given is None else Schedule(**given)
    except TypeError as error:
        raise ConfigurationError(f"schedule cannot be meant: {error}") from None


class RunHours:
    """The opening times of one run. Fits `engine.ports.Gates`.

    `begun`: when the first text of the run may have left, in Unix seconds; None if none has.
    """

    def __init__(self, hours: Hours | None, schedule: Schedule | None, begun: float | None) -> None:
        self.hours = hours or EVERY_HOUR
        self.is_all_day = hours is None
        """There is a schedule, and no hours of people."""
        self.clock = self.hours.clock
        self.is_of_machine = self.clock is time.time
        """The time is this machine's, and no clock of the caller's."""
        self.longest_rest = _REST if self.is_of_machine else _REST_OF_ANOTHER_CLOCK
        begin = self.clock() if begun is None else begun
        if schedule is not None and schedule.begins is not None:
            begin = schedule.begins  # the day of a run whose time has passed is over, it does not fire late
        self.gates = Gates(hours, schedule, begin=begin, has_sent=begun is not None)

    # ---- what the engine asks ----

    @property
    def may_wait(self) -> bool:
        """As `Gates.may_wait`."""
        return self.gates.may_wait

    def shut(self, now: float) -> Mapping[int, float]:
        """As `Gates.shut`."""
        return self.gates.shut(now)

    def opens(self, places: Collection[int], now: float) -> float | None:
        """As `Gates.opens`."""
        return self.gates.opens(places, now)

    # ---- what the run asks ----

    @property
    def placed(self) -> str:
        """By what it is found out where contacts are, as a ledger keeps it."""
        return "address" if self.hours.trust_address else "address and number"

    def would_text(self, phone: str, now: float) -> bool:
        """Whether it is an hour for texts where this phone may be, whatever the days of the run are."""
        if self.is_all_day:
            return True
        gates = Gates(self.hours, begin=now, data=self.gates.data)
        return gates.is_open(gates.places.place_of(phone[-10:]), now)

    async def outlook(self, ledger: Ledger) -> Outlook:
        """What lies before those who are queued."""
        now, data = self.clock(), self.gates.data
        places = await ledger.places()
        return msgspec.structs.replace(
            outlook(self.gates, places, now),
            stop=self.stop_before(places, now),
            words="no hours, but a schedule" if self.is_all_day else str(self.hours),
            zone_data=data.version,
            zone_data_old=data.why_old(now),
        )

    async def forbids(self, ledger: Ledger, *, is_fed: bool, is_drawn: bool) -> Stop | None:
        """Why the run does not begin, or does not go on, if it does not. `is_fed`: contacts still come in; `is_drawn`: the
        provider hands them out, and they may be anywhere."""
        now = self.clock()
        places = {} if is_fed or is_drawn else await ledger.places()
        stop = self._nowhere(now) if is_drawn else self.stop_before(places, now)
        if stop is not None:
            await ledger.places(self.why(places, now, has_begun=ledger.is_used))
        return stop

    async def ends(self, ledger: Ledger) -> Stop | None:
        """Why a run that has come through its list has left contacts, if hours are why. The ledger notes it of each of them."""
        now = self.clock()
        places = await ledger.places()
        await ledger.places(self.why(places, now, has_begun=ledger.is_used))
        return self.stop_after(places, now, has_begun=ledger.is_used)

    def nobody_until(self, moment: float) -> str:
        """In words, that the run waits until somebody opens."""
        return f"nobody open until {told(self.gates, moment)}"

    def stop_before(self, places: Mapping[int, int], now: float) -> Stop | None:
        """Why a run over these contacts does not begin, if it does not."""
        if self.gates.ends is not None and now >= self.gates.ends:
            return self._too_late(places, now)
        ours = self._ever(places)
        if not ours or places.get(ANYWHERE):
            return None
        opens = self.gates.opens(ours, now)
        if opens is None and self.may_wait:
            return self._too_late(places, now)
        return self._outside(places, now) if opens is None or (opens > now and not self.may_wait) else None

    def stop_after(self, places: Mapping[int, int], now: float, *, has_begun: bool) -> Stop | None:
        """Why a run that has come through its list has left these contacts, if hours are why. `has_begun`: it has texted
        others."""
        ours = self._ever(places)
        if not ours or any(self.gates.is_open(place, now) for place in ours):
            return None
        return self._too_late(places, now) if self.may_wait or has_begun else self._outside(places, now)

    def why(self, places: Collection[int], now: float, *, has_begun: bool) -> dict[int, Reason]:
        """Why contacts of these places are left, as far as they are because of hours. `has_begun`: the run has texted others.

        What waits for an hour and has none any more is too late, as the run says: inside of its hours alone it would not leave.
        """
        found = {}
        for place in places:
            if place != ANYWHERE and not self.gates.is_open(place, now):
                is_over = (has_begun or self.may_wait) and self.gates.window(place, now) is None
                found[place] = self.gates.why_never(place) or (TOO_LATE if is_over else OUTSIDE_HOURS)
        return found

    def _nowhere(self, now: float) -> Stop | None:
        """Why nobody is drawn, if it is day nowhere: each contact that is drawn is locked for a while."""
        everywhere = [encode(Source.ZONE, mask_of(key), ()) for key in BY_KEY]
        opens = self.gates.opens(everywhere, now)
        if opens is not None and (opens <= now or self.may_wait):
            return None
        if self.may_wait:
            return self._too_late({}, now)
        again = self.gates.opens_again(everywhere, now)
        first = "" if again is None else f"next opens {told(self.gates, *again)}; "
        return Stop(Cause.OUTSIDE_HOURS, f"{first}resume then, or give --not-before")

    def _ever(self, places: Mapping[int, int]) -> list[int]:
        return [place for place, number in places.items() if number and place != ANYWHERE and not self.gates.why_never(place)]

    def _outside(self, places: Mapping[int, int], now: float) -> Stop:
        return Stop(Cause.OUTSIDE_HOURS, "; ".join(filter(None, [self._next(places, now), "resume then, or give --not-before"])))

    def _too_late(self, places: Mapping[int, int], now: float) -> Stop:
        end, remedy = "", "give --until to go on over several days"
        if self.gates.ends is not None:
            end, remedy = f"the run was to end {told(self.gates, self.gates.ends)}", "give a later --until to go on"
        elif any(self.gates.opens_again([place], now) == (now, place) for place in self._ever(places)):
            # Nobody would know otherwise why people whose day it is are not texted.
            end = f"the run was to end with its first day, {self.gates.local(self.gates.begin, ANYWHERE):%Y-%m-%d}"
        return Stop(Cause.NOT_AFTER, "; ".join(filter(None, [end, self._next(places, now), remedy])))

    def _next(self, places: Mapping[int, int], now: float) -> str:
        ours = self._ever(places)
        left = sum(places[place] for place in ours)
        found = self.gates.opens_again(ours, now)
        if found is None:
            return ""
        return f"next opens {told(self.gates, *found)}, {left:,} left" if found[0] > now else f"open now, {left:,} left"


def told(gates: Gates, at: float, place: int = ANYWHERE) -> str:
    """An instant in words, in the zone of a place, such as `2026-12-02 09:00 EST`."""
    return f"{gates.local(at, place):%Y-%m-%d %H:%M %Z}"
