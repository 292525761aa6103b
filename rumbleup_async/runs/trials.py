"""A test text: what the first contact of a list would get, sent to a phone of one's own before anything else leaves.

Lives here: what is asked before it leaves, how it leaves, and what is kept of it.

It leaves as all texts of the run do, over the same provider with the same options, but under a tag of its own, and outside of the
counts: the ledger has no contact for it. Its intent is in the ledger's audit before the first byte leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from rumbleup_async.admission import Never, Wait
from rumbleup_async.engine.ports import Gateway, Permit
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import State, Text, mask
from rumbleup_async.money import dollars
from rumbleup_async.outcomes import Accepted, Barred, Outcome, Refused, Throttled, Unknown
from rumbleup_async.reasons import INTERRUPTED, NO_REASON, OUTSIDE_HOURS, Code, Reason
from rumbleup_async.rules.door import Door
from rumbleup_async.runs import money
from rumbleup_async.runs.setup import Setup
from rumbleup_async.runs.steering import Steered
from rumbleup_async.screening.phones import normalise

_LOOK_EVERY = 0.1
"""Seconds between two looks for a stop or a pause, while a test text waits for its turn."""


class Tried(msgspec.Struct, frozen=True):
    """What became of one test text. `state` is `SENT`, `REFUSED`, `UNKNOWN` or `NOT_SENT`, `why` the reason; `tag`: the tag that
    it carries in the provider's log."""

    phone: str
    state: State
    why: Reason = NO_REASON
    logid: str = ""
    segments: int = 1
    tag: str = ""

    def __repr__(self) -> str:
        return f"Tried({mask(self.phone)!r}, {self.state.word!r})"


class Tested(Steered):
    """The part of a run by which it is tried out."""

    async def test(self, phones: Iterable[str]) -> list[Tried]:
        """Send the text of the first contact that is queued to phones of your own, one after the other. `load()` a list first.

        It is no contact of the run and counts nowhere, but in the budget. Opt-outs, suppressed phones, rules and hours hold for
        it, by the area code of the phone; the book's gap does not. It is tried once. What has not left, or may not have, ends the
        row: look at the `state` of the last.

        Raises ConfigurationError for what is no phone and where nobody is queued, RuntimeError outside of the run's context and
        while it sends, LedgerError, BookError.
        """
        if not self._setup.is_open or self._execution.engine is not None:
            raise RuntimeError("a run is tested within its context, before it sends")
        look = self._execution.wheel.look
        return await Trial(self._setup, lambda: self._execution.stopped is not None, look).run(phones)


class Trial:
    """One row of test texts. `is_stopped`: whether the run was stopped meanwhile. `look`: does what others ask for."""

    def __init__(self, setup: Setup, is_stopped: Callable[[], bool], look: Callable[[], Awaitable[None]]) -> None:
        self._setup = setup
        self._is_stopped = is_stopped
        self._look = look
        self._tag = f"test-{setup.plan.run}"

    async def run(self, phones: Iterable[str]) -> list[Tried]:
        """As `Tested.test`."""
        setup = self._setup
        found = list(dict.fromkeys(map(digits_of, [phones] if isinstance(phones, str) else phones)))
        first = await setup.ledger.prices.trials.first()
        if first is None:
            raise ConfigurationError("there is no text to be tested: nobody is queued")
        gateway = setup.make_gateway(self._tag)
        tried: list[Tried] = []
        try:
            for digits in found:
                text = Text(first.row, setup.phone_prefix + digits, first.text, segments=max(1, first.segments))
                tried.append(await self._one(text, gateway))
                if tried[-1].state is not State.SENT:
                    break
        finally:
            await gateway.aclose()
        return tried

    async def _one(self, text: Text, gateway: Gateway) -> Tried:
        setup, trials = self._setup, self._setup.ledger.prices.trials
        about = f"{self._tag} to {mask(text.phone)}"
        if await trials.is_open(about):
            # A process died between the two lines of its audit. Whoever tries once more has read this.
            await setup.note("test", f"{about}: {State.UNKNOWN.word}, {INTERRUPTED.code}")
            return self._tried(text, State.UNKNOWN, INTERRUPTED)
        await setup.open_allowance()  # the texts before this one have cost something, too
        if why := await self._against(text) or self._lacks_money(text):
            return await self._left_out(text, about, why)
        cost = setup.care.options.get(money.PRICE, 0) * text.segments
        if cost:
            await trials.spend(cost)
        permit = await self._permit(text)
        if permit is None or (why := await self._against(text)):
            if cost:
                await trials.spend(-cost)
            return await self._left_out(text, about, why or Reason(Code.NOT_REACHED))
        # In the audit before the wire: if we die now, somebody can see that a text may have left.
        await setup.note("test", f"{about}, segments {text.segments}: about to leave")
        outcome = await _alone(await gateway.deliver(text, permit))
        self._tell_pace(outcome, permit)
        tried = self._done(text, outcome)
        if money.BUDGET in setup.care.options and (back := _settled(outcome, cost)):
            await trials.spend(back)
        result = f"sent, logid {tried.logid}" if tried.state is State.SENT else f"{tried.state.word}, {tried.why.code}"
        await setup.note("test", f"{about}: {result}")
        return tried

    async def _left_out(self, text: Text, about: str, why: Reason) -> Tried:
        await self._setup.note("test", f"{about} did not leave: {why.code}")
        return self._tried(text, State.NOT_SENT, why)

    async def _permit(self, text: Text) -> Permit | None:
        """Leave for the text; None if the run was stopped or paused while it waited."""
        waiting = asyncio.ensure_future(self._setup.pace.permit(text))
        try:
            while not waiting.done():
                await asyncio.wait({waiting}, timeout=_LOOK_EVERY)
                if await self._is_held():
                    return None
            return await waiting
        finally:
            if not waiting.done():
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)

    async def _is_held(self) -> bool:
        """Whether somebody has stopped or paused the run."""
        await self._look()
        return self._is_stopped() or self._setup.ledger.pauses.now is not None

    async def _against(self, text: Text) -> Reason:
        """What stands against this text now; no reason if nothing does."""
        setup, now = self._setup, self._setup.clock()
        if await self._is_held():
            return Reason(Code.NOT_REACHED)
        verdict = await Door(setup.rules, None, setup.clock).admit(text)
        if not isinstance(verdict, (Never, Wait)) and setup.book is not None:
            verdict = await setup.book.admit(text, now)
        if isinstance(verdict, (Never, Wait)):
            return verdict.why
        if setup.hours is not None and not setup.hours.would_text(text.phone, now):
            return OUTSIDE_HOURS
        return NO_REASON

    def _lacks_money(self, text: Text) -> Reason:
        budget = self._setup.allowance.budget
        if budget is None or budget.fits(text):
            return NO_REASON
        return Reason(Code.STOPPED, f"the budget has {dollars(max(0, budget.left))} left, which does not pay for it")

    def _tell_pace(self, outcome: Outcome, permit: Permit) -> None:
        if isinstance(outcome, (Accepted, Refused)):
            self._setup.pace.accepted(permit)
        elif isinstance(outcome, Throttled):
            self._setup.pace.throttled(permit, outcome.after)

    def _done(self, text: Text, outcome: Outcome) -> Tried:
        match outcome:
            case Accepted():
                return self._tried(text, State.SENT, outcome.why, outcome.logid)
            case Unknown():
                return self._tried(text, State.UNKNOWN, outcome.why)
            case Refused():
                return self._tried(text, State.REFUSED, outcome.why)
            case _:
                return self._tried(text, State.NOT_SENT, outcome.why)

    def _tried(self, text: Text, state: State, why: Reason, logid: str = "") -> Tried:
        return Tried(text.phone, state, why, logid, text.segments, self._tag)


def digits_of(phone: str) -> str:
    """The ten digits of a phone that is to get a test text. ConfigurationError for what is none."""
    digits, why = normalise(str(phone))
    if not digits:
        raise ConfigurationError(f"a phone for the test text is no phone: {why}; give ten digits, such as 202 555 0101")
    return digits


async def _alone(outcome: Outcome) -> Outcome:
    """What the answer comes to once it is known whether another one came behind it."""
    if isinstance(outcome, (Refused, Throttled, Barred)) and outcome.alone is not None and not await outcome.alone():
        return Unknown(Reason(Code.TWO_ANSWERS), outcome.status)
    return outcome


def _settled(outcome: Outcome, cost: int) -> int:
    """What is to be added to the money that was reserved, now that it is known what became of the text."""
    match outcome:
        case Accepted():
            return outcome.price - cost if outcome.price else 0
        case Unknown():
            return 0
        case _:
            return -cost
