"""Contacts that a provider has handed out, before they are taken into the books: who of them may be texted now.

Lives here: what rules and opening times say of them, and when to draw nobody for a while.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rumbleup_async.admission import Never, Wait
from rumbleup_async.engine.ports import Gates
from rumbleup_async.engine.queue import bind
from rumbleup_async.messaging import NONE_SHUT, Planned, Skipped, Text
from rumbleup_async.reasons import NO_REASON, OUTSIDE_HOURS, Reason
from rumbleup_async.rules.door import Door

IN_A_ROW = 20
"""Contacts drawn one after the other that may not be texted now, after which nobody is drawn until one of them may be."""


class Doorstep:
    """`paused_until`: nobody is to be drawn before this Unix second. `is_hopeless`: none of those drawn in a row may be texted
    any more in this run. `lock`: seconds for which the provider hands nobody out again."""

    def __init__(self, door: Door, gates: Gates | None, lock: float) -> None:
        self._door = door
        self._gates = gates
        self._may_wait = gates is None or gates.may_wait
        self._shut: Mapping[int, float] = NONE_SHUT
        self._now = 0.0
        self._lock = lock
        self._in_a_row = 0
        self._opens: float | None = None
        """When the first of those in a row may be texted."""
        self._back: dict[str, float] = {}
        """When contacts that were given back may be texted, and are handed out again, by phone."""
        self.paused_until: float | None = None
        self.is_hopeless = False

    async def let_in(self, drawn: Sequence[Planned | Skipped], now: float) -> tuple[list[Planned | Skipped], dict[int, Reason]]:
        """The contacts as they go into the books, and of the rows of those who are not texted now, why."""
        if self._gates is None and self._door.is_open_to_all:
            return list(drawn), {}
        self._shut = NONE_SHUT if self._gates is None else self._gates.shut(now)
        self._now = now
        let_in: list[Planned | Skipped] = []
        waits: dict[int, Reason] = {}
        for row in drawn:
            one = row
            if isinstance(row, Planned):
                opens, why = self._outside_hours(row, now)
                if not why and not self._door.is_open_to_all:
                    text = Text(row.row, row.phone, row.text, row.name, segments=row.segments, place=row.place)
                    verdict = await self._door.admit(text)
                    if isinstance(verdict, Never):
                        one = Skipped(row.row, row.phone, verdict.why)
                    elif isinstance(verdict, Wait):
                        opens, why = verdict.until, verdict.why
                if why:
                    waits[row.row] = why
                if isinstance(one, Planned):
                    self._count(row.phone, opens, now, is_shut=bool(why))
            let_in.append(one)
        return let_in, waits

    def bind(self, texts: Sequence[Text], now: float, end: float) -> None:
        """Have each of these texts, which are open now, know until when it may leave. `end`: of the day, where that counts."""
        bind(texts, self._shut, self._now or now, end)

    def go_on(self) -> None:
        """Contacts may be drawn again."""
        self.paused_until = None
        self._in_a_row = 0
        self._opens = None

    def rest(self, now: float) -> bool:
        """The provider has nobody more. Whether to wait for those who were given back, and may be texted later in this run."""
        self._back = {phone: at for phone, at in self._back.items() if at > now}
        if not self._back or not self._may_wait:
            return False
        self.paused_until = min(self._back.values())
        return True

    def _outside_hours(self, row: Planned, now: float) -> tuple[float | None, Reason]:
        if self._gates is None or not row.place or now < self._shut.get(row.place, 0.0):
            return None, NO_REASON
        return self._gates.opens((row.place,), now), OUTSIDE_HOURS

    def _count(self, phone: str, opens: float | None, now: float, *, is_shut: bool) -> None:
        self._back.pop(phone, None)
        if not is_shut:
            self.go_on()
            self._may_wait = True
            return
        self._in_a_row += 1
        if opens is not None:
            self._opens = opens if self._opens is None else min(self._opens, opens)
            self._back[phone] = max(opens, now + self._lock)
        if self._in_a_row >= IN_A_ROW:
            self.paused_until = self._opens
            self.is_hopeless = self._opens is None or not self._may_wait
