"""What can be done with a run while it is under way: stop it, pause it, let it go on.

Lives here: the calls, for the caller of a run and for whoever asks from another process.

A pause holds in memory before it is durable, and is over only once that is durable: so no text leaves in between.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from rumbleup_async.days import Day
from rumbleup_async.engine.canary import Canary
from rumbleup_async.engine.engine import Engine
from rumbleup_async.errors import LedgerError
from rumbleup_async.money import Spending
from rumbleup_async.pauses import Pause, Request, Wish, now, oneself
from rumbleup_async.runs import canary, money
from rumbleup_async.runs.canary import CanaryState
from rumbleup_async.runs.setup import Setup
from rumbleup_async.screening.segments import Dear
from rumbleup_async.stops import Cause, Stop, stop_of

_LOOK_EVERY = 0.25
"""Seconds after which it is looked again what others ask for."""


class Steerable(Protocol):
    """The work of a run, as far as it is steered."""

    engine: Engine | None
    wheel: Wheel
    stopped: Stop | None

    def stop(self, why: Stop) -> None:
        """Let nothing more leave."""


class Wheel:
    """The pauses of one run: in its ledger, and in the engine while it sends."""

    def __init__(self, setup: Setup, execution: Steerable) -> None:
        self._setup = setup
        self._execution = execution
        self._lock = asyncio.Lock()
        self._pausing = 0
        """Pauses that are not durable yet."""

    async def pause(self, who: str, why: str) -> None:
        """As `Steered.pause`."""
        at = now()
        self._check_open()
        self._pausing += 1
        try:
            self._hold(at)
            await self._heed(Request(Wish.PAUSE, who or oneself(), why, at))
        finally:
            self._pausing -= 1

    async def go_on(self, who: str) -> None:
        """As `Steered.go_on`."""
        self._check_open()
        await self._heed(Request(Wish.CONTINUE, who or oneself(), at=now()))

    async def may_not_begin(self) -> Stop | None:
        """Why the run may not begin to send: somebody has paused it. None if nobody has."""
        await self.look()
        pause = self._setup.ledger.pauses.now
        return None if pause is None else paused(pause)

    async def look(self) -> None:
        """Do what others have asked for meanwhile."""
        asked = await self._setup.ledger.pauses.asked()
        for request in asked:
            if request.what is Wish.PAUSE:
                self._hold(request.at)
            await self._heed(request)
            if request.what is Wish.STOP:
                self._execution.stop(Stop(Cause.ASKED))
        if asked:
            await self._setup.ledger.pauses.answered()

    @asynccontextmanager
    async def heard(self) -> AsyncIterator[None]:
        """Within this, others can ask."""
        if (pause := self._setup.ledger.pauses.now) is not None:
            self._hold(pause.began)  # since the run looked last
        if not self._setup.ledger.pauses.is_shared:
            yield
            return
        listening = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            # A ledger that cannot be written ends the run in its next step; a pause holds all the same until then.
            try:
                with contextlib.suppress(LedgerError):
                    await self.look()
            except Exception as error:  # noqa: BLE001 - nobody could pause or stop the run any more, and nobody would know
                self._execution.stop(
                    Stop(Cause.LEDGER_FAILED, f"what others ask of the run cannot be heard: {type(error).__name__}")
                )
                return
            await asyncio.sleep(_LOOK_EVERY)

    async def _heed(self, request: Request) -> None:
        async with self._lock:
            await self._setup.ledger.pauses.heed(request)
            pause = self._setup.ledger.pauses.now
            if pause is not None:
                self._hold(pause.began)
            elif not self._pausing and self._execution.engine is not None:
                self._execution.engine.books.go_on()

    def _hold(self, began: int) -> None:
        if self._execution.engine is not None:
            self._execution.engine.books.pause(began)

    def _check_open(self) -> None:
        if not self._setup.is_open:
            raise RuntimeError("a run is paused, and let go on, within its context: async with ... as run")


def paused(pause: Pause) -> Stop:
    """The end of a run that was paused before it began to send."""
    return Stop(Cause.PAUSED, str(pause))


class Steered:
    """The part of a run by which it is steered."""

    _execution: Steerable
    _setup: Setup

    @property
    def paused(self) -> Pause | None:
        """The pause that holds: who asked for it, since when, and why. None if nobody has."""
        return self._setup.ledger.pauses.now

    @property
    def spending(self) -> Spending | None:
        """How the money of the run stands, once it sends; None without a budget."""
        budget = self._setup.allowance.budget
        return None if budget is None else budget.spending

    @property
    def day(self) -> Day | None:
        """The day for which texts count, with what has left of it, once the run sends; None without a cap a day. With a book of
        people that is what the last claim has told."""
        cap = self._setup.allowance.cap
        return None if cap is None else cap.day(self._setup.clock())

    @property
    def care(self) -> Mapping[str, Any]:
        """The options of pace and of rules that hold, as the ledger keeps them."""
        return self._setup.care.options

    @property
    def price(self) -> int | None:
        """What a segment costs, in micro-dollars, as it was given now or before; None if nobody has said it."""
        found: int | None = self._setup.care.options.get(money.PRICE)
        return found

    @property
    def budget(self) -> int | None:
        """What all texts of the run may cost, in micro-dollars; None for no bound."""
        found: int | None = self._setup.care.options.get(money.BUDGET)
        return found

    @property
    def dear(self) -> Dear | None:
        """Which texts of a list that this run has read take more segments because of some character; None where it read none."""
        return None if self._setup.screen is None else self._setup.screen.dear

    @property
    def _note_of_cap(self) -> str:
        return money.note(self.care, has_book=self._setup.book is not None)

    @property
    def canary(self) -> CanaryState | None:
        """How the canary of the run stands; None in a run without one."""
        found = self._setup.canary
        return None if found is None else canary.shown(found)

    @property
    def watched_canary(self) -> Canary | None:
        """The canary itself, for whoever watches it; None in a run without one."""
        return self._setup.canary

    @property
    def judges_anew(self) -> bool:
        """Whether this call has said anew by what the canary is judged."""
        return canary.is_typed(self._setup.care.given)

    @property
    def typed_rules(self) -> Sequence[str]:
        """The rules by which this call has said that the canary is judged."""
        found: Sequence[str] = self._setup.care.given.get(canary.ABORT_IF, ())
        return found

    async def heard(self, *, opted_out: Iterable[str] = (), undelivered: Iterable[str | tuple[str, str]] = ()) -> None:
        """Tell the canary that these people have opted out, and that these texts, by phone or by phone and logid, were not
        delivered. Phones in any way of writing; whoever this run has not texted does not count. Durable when this returns. What
        the run's book of people knows need not be told. Raises RuntimeError without a canary, LedgerError."""
        if self._setup.canary is None:
            raise RuntimeError("the run has no canary; give it canary=200")
        await canary.hear(self._setup.canary, self._setup.phone_prefix, opted_out, undelivered)

    def stop(self, why: Stop | str = Cause.ASKED.words) -> None:
        """Let nothing more leave. What is in flight is waited for and closed; the rest stays queued."""
        given: object = why
        if not isinstance(given, (Stop, str)):
            raise TypeError(f"why a run stops is a word or two, such as stop('enough'), not {type(given).__name__}")
        self._execution.stop(why if isinstance(why, Stop) else stop_of(why))

    async def pause(self, why: str = "", *, who: str = "") -> None:
        """Let nothing leave until `go_on()`. What is in flight is closed; the rest goes back to the queue.

        The pause is kept in the ledger, also beyond the end of this process: `send()` of a run that is paused ends at once with
        the cause `paused`. `who`: by default the user and the machine. Durable when this returns. A pause that holds already
        stays as it is. Raises RuntimeError outside of the run's context, LedgerError.
        """
        await self._execution.wheel.pause(who, why)

    async def go_on(self, *, who: str = "") -> None:
        """End the pause. Durable before the next text leaves. Raises RuntimeError outside of the run's context, LedgerError."""
        await self._execution.wheel.go_on(who)
