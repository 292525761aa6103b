"""Worlds of whole campaigns: all that a run can have, at once, while all that can go wrong does.

One list of people who are everywhere, with texts of several segments; hours, a budget, a canary, pauses, several
sending processes, a provider whose limit moves, and people who opt out while texts leave. Each of these has worlds of its own,
where it is pressed hardest; here they are in each other's way. The checks are those of all of them: none is laxer here.

The book of people with its cap a day, and several machines, are real files and a real database, in worlds of their own alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, Final
from unittest.mock import patch

from rumbleup_async.runs import steering
from tests.engine.limiters import AtOnce, Bucket
from tests.history import check_opt_outs
from tests.prove import first, fleet, hours, money
from tests.prove.first import CanaryWorld
from tests.prove.hours import HoursWorld
from tests.prove.money import MoneyWorld

OPTED_OUT, MOVED, TOGETHER = "opted out while texts leave", "a limit that moves", "hours, budget and canary at once"
KINDS: Final = tuple(dict.fromkeys((OPTED_OUT, MOVED, TOGETHER, *hours.KINDS, *money.KINDS, *first.KINDS, *fleet.KINDS)))
"""What can happen here, besides what meets all worlds."""

_WITHIN: Final = 1.0
"""Seconds behind its last question to the door in which a text has reached the wire of a process that runs."""


class OptOuts:
    """Fits `SuppressionStore`: people who have opted out so far, and since when, in seconds of the world."""

    looks_up = False

    def __init__(self, known: frozenset[str]) -> None:
        self.since = dict.fromkeys(known, -math.inf)

    async def is_suppressed(self, phone: str) -> bool:
        return phone in self.since


class CampaignWorld(HoursWorld, MoneyWorld, CanaryWorld):
    """Drawn from `seed`, about `size` texts."""

    def __init__(self, seed: int, size: int, trace: Callable[[str], None] | None = None) -> None:
        super().__init__(seed, size, trace, concurrent=False)
        self.chance = draw = random.Random(seed ^ 0xCA3)
        self.met[TOGETHER] += 1
        self.rate = draw.choice((None, None, 0.05, 1.0, 20.0))
        self.store = self.opt_outs = self._open_door()
        self.leaving = draw.choice((0.0, 0.02, 0.1))
        """How many people opt out for each text that leaves."""
        if draw.random() < 0.5:
            self._move_limits()

    def _open_door(self) -> OptOuts:
        """Nobody is screened out as suppressed: the door says never to them, and to whoever opts out later."""
        people = self.people
        texts = {row["phone"]: f"Hi {row['first_name']}, vote on Tuesday. STOP to opt out" for row in people.rows}
        known = {phone: texts[phone] for phone in people.suppressed}
        self.people = people._replace(planned={**people.planned, **known})
        return OptOuts(people.suppressed)

    def _move_limits(self) -> None:
        """The provider lets through so much, and half a minute later something else."""
        self.met[MOVED] += 1
        rates = [self.chance.choice((0.5, 5.0, 50.0, 400.0)) for _ in range(7)]
        after = self.chance.choice((0.0, 1.0, 30.0))
        if self.chance.random() < 0.3:
            most = [self.chance.choice((1, 3, 20)) for _ in range(7)]
            self.provider.limiter = lambda now: AtOnce(most[0], 0.1, most_at=lambda at: most[int(at / 30) % 7])
        else:
            self.provider.limiter = lambda now: Bucket(rates[0], 5.0, after, rate_at=lambda at: rates[int(at / 30) % 7], now=now)

    # ---- what a process is told ----

    def more_given(self, *, is_told: bool) -> dict[str, Any]:
        parts = (CanaryWorld, MoneyWorld, HoursWorld)
        return {name: value for part in parts for name, value in part.more_given(self, is_told=is_told).items()}

    def before_life(self) -> None:
        MoneyWorld.before_life(self)
        HoursWorld.before_life(self)

    # ---- what is looked at ----

    def _on_request(self, number: int) -> None:
        super()._on_request(number)
        phone = self.provider.requests[-1][1]
        if self.chance.random() < self.leaving:
            self._opt_out(self.chance.choice(list(self.people.planned)))
        if self.several is None:
            self._look_at_opt_outs(phone)

    def _opt_out(self, phone: str) -> None:
        if phone not in self.opt_outs.since:
            self.opt_outs.since[phone] = self.loop.now
            self.met[OPTED_OUT] += 1
            self.note("opted out", phone)

    def _look_at_opt_outs(self, phone: str) -> None:
        try:
            check_opt_outs([(self.loop.now, phone)], self.opt_outs.since, _WITHIN)
        except AssertionError as error:
            self.provider.wrongs.append(str(error))

    def play(self) -> Any:
        # Runs wait for hours here: they look every 15 seconds what another process asks for, not four times a second.
        with patch.object(steering, "_LOOK_EVERY", 15.0), patch.object(money, "_LOOK", 60.0):
            return super().play()
