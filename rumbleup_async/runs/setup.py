"""What a run is made of: its ledger, plan, screen, pace and gateway, and how they are opened and closed.

Lives here: the parts of a run. They are handed in, made from the settings, or read from the ledger.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from rumbleup_async.engine.allowance import Allowance
from rumbleup_async.engine.crew import MakeCrew
from rumbleup_async.engine.fan_out import observers_of
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.ports import Gateway, KeepsAudit, Ledger, Pace
from rumbleup_async.errors import ConfigurationError, LedgerError, LedgerMismatch
from rumbleup_async.lists.whereabouts import Whereabouts
from rumbleup_async.messaging import Plan, State
from rumbleup_async.rules.door import Rule
from rumbleup_async.rules.suppression import Suppression
from rumbleup_async.runs import canary, money, planning
from rumbleup_async.runs.care import Care
from rumbleup_async.runs.planning import CONCURRENT, PREFIX, Settings
from rumbleup_async.screening.screen import Screen
from rumbleup_async.shielding import run_shielded
from rumbleup_async.stops import Stop

if TYPE_CHECKING:
    from rumbleup_async.engine.canary import Canary
    from rumbleup_async.people.run_book import RunBook
    from rumbleup_async.runs.hours import RunHours

BEGUN = "begun"
"""The name under which a ledger keeps when the first text of its run may have left (Unix seconds)."""

PLACED = "placed"
"""The name under which a ledger keeps by what it was found out where its contacts are."""

_LETTERS = "bcdfghjkmnpqrstvwxz"
"""Of which the ids of runs are made: no digits, so that none looks like a phone, and no vowels, so that none spells a word."""


class Setup:
    """The parts of one run.

    `given`: the options of pace and of rules that were given, to be kept in the ledger. `adapt` makes of those that hold once
    the ledger is open how the run goes about its work, and who sends, if not this process. `book` makes of them the book of
    people that the run asks, if it has one.
    """

    def __init__(
        self,
        settings: Settings | None,
        options: Options,
        *,
        gateway: Callable[[Plan], Gateway],
        ledger: Ledger,
        pace: Pace,
        given: Mapping[str, Any] | None = None,
        adapt: Callable[[Mapping[str, Any]], tuple[Options, MakeCrew | None]] | None = None,
        book: Callable[[Plan, Mapping[str, Any]], RunBook | None] | None = None,
    ) -> None:
        self.settings = settings
        self.options = options
        self.ledger = ledger
        self.pace = pace
        self.make_crew: MakeCrew | None = None
        """Makes who sends in our place; None where this process sends."""
        self.care = Care(given, options.suppress)
        self.observers = observers_of(options.observer)
        self.is_open = False
        self._is_entered = False
        self.hours: RunHours | None = None
        """When people may be texted; None where nobody's hours are asked for."""
        self.is_placed = False
        """The ledger says of its contacts where they are."""
        self.screen: Screen | None = None
        """What makes planned texts of rows; None where the texts are in the ledger already."""
        self.gateway: Gateway | None = None
        self._plan: Plan | None = None
        self._adapt = adapt
        self._make_gateway = gateway
        self._make_book = book
        self.book: RunBook | None = None
        """The book of people, where the run has one."""
        self.canary: Canary | None = None
        """The canary of the run, if it has one."""
        self.allowance = Allowance()
        """What the run may still open, once it sends."""

    @property
    def plan(self) -> Plan:
        """What the run is about. Raises RuntimeError before the run is entered."""
        if self._plan is None:
            raise RuntimeError("enter the run first: async with ... as run")
        return self._plan

    @property
    def has_plan(self) -> bool:
        """Whether the ledger has been opened, now or before."""
        return self._plan is not None

    @property
    def is_concurrent(self) -> bool:
        """Whether contacts are drawn from the provider instead of a list."""
        return self.plan.details.get("mode") == CONCURRENT

    @property
    def phone_prefix(self) -> str:
        """What stands before the ten digits of a phone in this provider's form."""
        prefix: str = self.plan.details.get(PREFIX, "")
        return prefix

    @property
    def suppression(self) -> Suppression:
        """The rule of those who are suppressed."""
        return Suppression(self.care.suppressed, self.phone_prefix, self.care.store)

    @property
    def rules(self) -> list[Rule]:
        """What is asked before a text leaves."""
        suppression = self.suppression
        return [*([] if suppression.is_empty else [suppression]), *self.options.rules]

    async def open(self) -> None:
        """Check the text, then open the ledger and make the gateway. What fails here leaves a closed ledger.

        Raises RuntimeError the second time.
        """
        if self._is_entered:
            raise RuntimeError("a run is entered once; make another one by fast_mode, concurrent_mode or resume")
        self._is_entered = True
        planned = None if self.settings is None else self._prepare(self.settings)
        try:
            self._plan = await self.ledger.open(planned)
            interrupted = 0
            for owner in await self.ledger.owners():
                if owner.is_dead:
                    interrupted += len(await self.ledger.expire(owner.id))
            self._take_care()
            if self.screen is None and self.is_concurrent:
                self.screen = planning.screen_again(self._plan, self.care.suppressed)
            self.gateway = self._make_gateway(self._plan)
            if planned is None:
                self._check_begun()
            await self._open_book(self._plan)
            self.canary = canary.canary_of(self, interrupted)
        except BaseException:
            await run_shielded(self.ledger.aclose())
            raise
        self.is_open = True

    def make_gateway(self, run: str) -> Gateway:
        """A further gateway, of the same run under another name; whoever asks for it closes it."""
        return self._make_gateway(msgspec.structs.replace(self.plan, run=run))

    async def keep_care(self) -> None:
        """Store how careful the run is, before anything of it is heeded, so that a later part of the run is as careful."""
        await self.ledger.keep(self.care.to_keep(self.ledger.kept))

    async def begin(self) -> None:
        """The first text may leave from now on. The ledger keeps how careful the run is, its audit what it is about to send."""
        self.begin_hours()
        await self.keep_care()
        plan, printed = self.plan, self.ledger.fingerprint
        texts = [plan.text, *(f"{when}\x1f{text}" for when, text in plan.details.get(planning.TEXT_WHEN, ()))]
        text = hashlib.sha256("\x1e".join(texts).encode()).hexdigest()[:16]
        parts = [f"{self.ledger.counts[State.QUEUED]:,} queued", f"text {text}", *([f"list {printed[:16]}"] if printed else [])]
        if self.hours is not None:
            parts.append(f"zone data {self.hours.gates.data.version}")
        await self.note("sending", "; ".join(parts))

    async def forbids(self, *, is_fed: bool) -> Stop | None:
        """Why the run does not begin, or does not go on, if it does not. `is_fed`: contacts still come in."""
        is_drawn = self.is_concurrent
        if self.hours is not None and (stop := await self.hours.forbids(self.ledger, is_fed=is_fed, is_drawn=is_drawn)):
            return stop
        if self.canary is None:
            return None
        return await self.canary.begin(self.clock(), is_typed=canary.is_typed(self.care.given))

    async def note(self, what: str, detail: str) -> None:
        """Keep in the audit of the ledger, if it has one, what was done with the run."""
        pauses = self.ledger.pauses
        if isinstance(pauses, KeepsAudit):
            await pauses.note(what, detail)

    async def aclose(self) -> None:
        """Close the ledger and the gateway."""
        self.is_open = False
        try:
            await self.ledger.aclose()
        finally:
            if self.book is not None:
                await self.book.aclose()
            if self.gateway is not None:
                await self.gateway.aclose()

    async def _open_book(self, plan: Plan) -> None:
        book = None if self._make_book is None else self._make_book(plan, self.care.options)
        if book is not None:
            await book.open()
            self.book = book

    async def open_allowance(self) -> Allowance:
        """What the run may open, as far as it is not spent, reserved or used."""
        longest = 1 if self.screen is None else self.screen.max_segments
        self.allowance = await money.allowance(
            self.care.options,
            self.ledger,
            self.book,
            longest=longest,
            clock=self.clock,
            until=self.until,
            limit=self.options.limit,
            has_canary=bool(canary.to_come(self.care.options)) if self.canary is None else not self.canary.is_over,
        )
        self.allowance.canary = self.canary
        return self.allowance

    @property
    def clock(self) -> Callable[[], float]:
        """What tells the time, in Unix seconds."""
        return time.time if self.hours is None else self.hours.clock

    @property
    def until(self) -> float:
        """The Unix second up to which the run was told to go on, over several days if need be; 0 if it was not."""
        return 0.0 if self.hours is None else self.hours.gates.ends or 0.0

    def _prepare(self, settings: Settings) -> Plan:
        """Check the text before anything is opened, and plan the run."""
        settings = self.settings = planning.checked(settings)
        self.screen = planning.screen_of(settings, self.care.suppressed)
        return planning.plan_of(settings, self.screen, "".join(secrets.choice(_LETTERS) for _ in range(10)))

    def _take_care(self) -> None:
        """Go by what the run was told before, as far as it is not told otherwise now."""
        self.care.take_up(self.ledger.kept)
        if self._adapt is not None:
            self.options, self.make_crew = self._adapt(self.care.options)
            if self.is_concurrent and self.options.starts_at is not None:
                raise ConfigurationError("concurrency auto is for fast mode; say how many texters there are to be")
        if self.screen is not None:
            self.screen.suppress(self.care.suppressed)
        money.check(self.care.options, learns=canary.to_come(self.care.options))
        self._take_hours()

    def _take_hours(self) -> None:
        """Go by the clocks of people, if hours or a schedule were given, now or before."""
        options, ledger = self.options, self.ledger
        if options.hours is None and options.schedule is None:
            return
        from rumbleup_async.runs.hours import RunHours

        if options.clock is not None and options.processes > 1:
            raise ConfigurationError("another process does not know the clock that was handed in; send from one process")
        self.hours = RunHours(options.hours, options.schedule, self.care.options.get(BEGUN) if ledger.is_used else None)
        self.is_placed = self.care.options.get(PLACED) == self.hours.placed
        if not self.is_placed and ledger.last_row and (ledger.is_used or self.settings is None) and not self.is_concurrent:
            raise LedgerMismatch(
                "the run was begun without hours, or with another trust_address, so its ledger does not say where its contacts "
                "are; begin a new run with a new ledger, and leave out whoever this one has texted (--suppress LEDGER)"
            )

    def begin_hours(self) -> None:
        """The first text may leave from now on: the ledger is to say so, for the day of a run is that on which it begins."""
        if self.hours is None:
            return
        if not (self.ledger.is_used and BEGUN in self.care.options):
            self.care.options[BEGUN] = self.hours.clock()
        if self.is_concurrent and self.screen is not None:
            self.care.options[PLACED] = self.hours.placed
            whereabouts = Whereabouts(self.hours.gates.places.finder, {})
            whereabouts.begin(("zip", "state"), "message/next")
            self.screen.place_by(whereabouts.placing())

    @property
    def placing(self) -> Whereabouts | None:
        """What finds out where the contacts of a list are, and looks for the columns that were named; None if nobody asks for
        either. The ledger notes that it has been found out."""
        if self.settings is None:
            return None
        given = {name.removesuffix("_field"): value for name, value in planning.where_of(self.settings).items()}
        if self.hours is None:
            return Whereabouts(None, given) if any(value is not None for value in given.values()) else None
        self.care.options[PLACED] = self.hours.placed
        return Whereabouts(self.hours.gates.places.finder, given)

    def _check_begun(self) -> None:
        """Refuse a ledger whose process died before the first row was in: the run would end at once, as if all were done."""
        if not (self.is_concurrent or self.ledger.fingerprint is not None or any(self.ledger.counts.values())):
            raise LedgerError("the ledger holds no contact, for its list was never read; send the same list again")
