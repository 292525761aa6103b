"""Permits on virtual time: the permit given for a text is the one that it leaves with, and none is lost or used twice."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Sequence

import pytest

from rumbleup_async.engine.contract import Dealt, Worker
from rumbleup_async.engine.lease import Lease
from rumbleup_async.engine.locks import Locks
from rumbleup_async.engine.pace import Hold, Pace
from rumbleup_async.engine.ports import Permit
from rumbleup_async.engine.workers import Ahead, assembled
from rumbleup_async.events import Event
from rumbleup_async.messaging import Closed, State, Text
from rumbleup_async.outcomes import Accepted, NotSent, Outcome, Throttled
from rumbleup_async.reasons import Code
from rumbleup_async.reasons import from_words as because
from rumbleup_async.retry import Policy
from rumbleup_async.rules.door import OPEN
from rumbleup_async.stops import Cause, Stop
from tests import virtual_time
from tests.engine.scripted import Provider, check, make_run, phones
from tests.engine.test_texters import Server, make, once


class Watched:
    """A pace that numbers its permits and notes what becomes of them. `waits`: seconds by row before its permit is given."""

    def __init__(self, waits: dict[int, float] | None = None) -> None:
        self.hold = Hold()
        self.rate: float | None = None
        self.learned: float | None = None
        self.waits = waits or {}
        self.given: dict[Permit, int] = {}
        """The row of each permit."""
        self.released: list[Permit] = []
        self.throttles: list[Permit] = []
        self.is_slow = False
        """Whether every permit must be waited for."""

    def _give(self, text: Text) -> Permit:
        permit = Permit(len(self.given) + 1)
        self.given[permit] = text.row
        return permit

    def try_permit(self, text: Text, /) -> Permit | None:
        if self.is_slow or text.row in self.waits or self.hold.remaining > 0:
            return None
        return self._give(text)

    async def permit(self, text: Text, /) -> Permit:
        await asyncio.sleep(self.waits.pop(text.row, 0.0))
        await self.hold.wait()
        return self._give(text)

    def release(self, permit: Permit, /) -> None:
        self.released.append(permit)

    def stands(self, permit: Permit, /) -> bool:
        return True

    def accepted(self, permit: Permit, /) -> None: ...

    def throttled(self, permit: Permit, after: float | None = None, in_flight: int = 0, /) -> int:
        self.throttles.append(permit)
        return 0

    def check(self, provider: Provider) -> None:
        """Each permit was used for its own text or came back, once."""
        used = list(zip(provider.permits, provider.delivered, strict=True))
        assert [self.given[permit] for permit, _ in used] == [row for _, row in used]
        assert Counter([*provider.permits, *self.released]) == dict.fromkeys(self.given, 1)


def dead_wire_first(text: Text, attempt: int) -> Outcome:
    return NotSent(because("the connection was refused")) if attempt == 1 and text.row % 3 == 0 else Accepted(f"rl_{text.row}")


@pytest.mark.parametrize("is_slow", [False, True])
def test_a_text_leaves_with_its_own_permit_and_a_retry_with_another(is_slow: bool) -> None:
    """A text would leave over a line that another text was given, or a second time by leave given once."""
    provider, pace = Provider(dead_wire_first), Watched()
    pace.is_slow = is_slow

    async def main() -> None:
        async with make_run(provider, pace=pace) as run:
            await run.send(phones(40))

    virtual_time.run(main())
    check(provider)
    pace.check(provider)
    assert max(Counter(pace.given.values()).values()) > 1


def test_a_wait_of_one_recipient_holds_up_nobody_else() -> None:
    """One person whose hour has not come would hold up the whole list."""
    provider, pace = Provider(), Watched({3: 60.0})

    async def main() -> float:
        began = virtual_time.now()
        async with make_run(provider, pace=pace) as run:
            await run.send(phones(200))
        return began

    began = virtual_time.run(main())
    pace.check(provider)
    assert provider.delivered[-1] == 3
    assert provider.calls[-1].time - began >= 60.0
    assert provider.calls[-2].time - began < 10.0


def test_no_hold_begins_between_permit_and_delivery() -> None:
    """A text would leave although the provider has just told another one to wait."""
    pace = Watched()
    pace.is_slow = True
    held: list[float] = []
    told = [0]

    def script(text: Text, attempt: int) -> Outcome:
        held.append(pace.hold.remaining)
        told[0] += 1
        if told[0] % 7 == 0:
            return Throttled(because("told 429"), 429, 5.0)
        # A hold that anybody else begins now is met by no permit that is out.
        asyncio.get_running_loop().call_soon(pace.hold.hold, 0.5)
        return Accepted(f"rl_{text.row}")

    provider = Provider(script)

    async def main() -> None:
        async with make_run(provider, pace=pace) as run:
            summary = await run.send(phones(60))
            assert summary.sent == 60

    virtual_time.run(main())
    check(provider)
    pace.check(provider)
    assert max(held) <= 0.0


def test_the_permit_of_a_throttled_text_is_told() -> None:
    """The pace could not know which line was meant."""

    def script(text: Text, attempt: int) -> Outcome:
        return Throttled(because("told 429"), 429) if text.row == 5 and attempt == 1 else Accepted("rl_1")

    provider, pace = Provider(script), Watched()

    async def main() -> None:
        async with make_run(provider, pace=pace) as run:
            await run.send(phones(9))

    virtual_time.run(main())
    assert pace.throttles == [next(permit for permit, row in pace.given.items() if row == 5)]


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.05])
def test_a_stop_loses_no_permit(seconds: float) -> None:
    """A text would leave after the stop, or the rate be used up by texts that nobody was sent."""
    provider, pace = Provider(), Watched()
    pace.is_slow = True

    async def main() -> int:
        async with make_run(provider, pace=pace) as run:

            def stop() -> None:
                provider.forbidden = "the stop"
                run.stop(Stop(Cause.ASKED, "test"))

            def script(text: Text, attempt: int) -> Outcome:
                if text.row == 20:
                    asyncio.get_running_loop().call_later(seconds, stop)
                return Accepted("rl_1")

            provider.script = script
            return (await run.send(phones(200))).sent

    sent = virtual_time.run(main())
    check(provider)
    pace.check(provider)
    assert sent == len(provider.delivered) < 200


def test_a_lock_that_ends_before_the_permit_gives_the_permit_back() -> None:
    """Contacts that came too late would use up the rate of those who can still be texted."""
    server, pace = Server(3, lock=30.0), Watched({1: 25.0})

    async def main() -> None:
        async with make(server, texters=1, pace=pace, locks=Locks(held=30.0, send_within=20.0, patience=100.0)) as run:
            async for _ in run.send():
                pass

    virtual_time.run(main())
    once(server, 3)
    pace.check(server)
    assert [pace.given[permit] for permit in pace.released] == [1]


def test_a_wait_for_the_pace_that_is_cancelled_gives_the_text_back() -> None:
    """A process whose books are far away, and tell of the stop only later, would take the text for one that may leave."""

    class Far:
        """Books in another process."""

        def __init__(self) -> None:
            self.done: list[Closed] = []
            self.stops: list[Stop] = []
            self._texts = [Text(1, "2025550101", "Hi")]

        async def step(self, worker: Worker, done: Sequence[Closed], want: int) -> Dealt:
            self.done += done
            texts, self._texts = self._texts, []
            return Dealt(texts, more=False)

        def stop(self, why: Stop) -> None:
            self.stops.append(why)

        def held(self, seconds: float, reason: str, code: Code = Code.NONE) -> None: ...

        def note(self, event: Event) -> None: ...

    async def main() -> None:
        pace, books, provider = Pace(), Far(), Provider()
        pace.hold.hold(30.0)
        workers = assembled(
            books,
            provider,
            pace,
            concurrency=1,
            policy=Policy(),
            door=OPEN,
            lease=Lease(math.inf),
            ahead=Ahead(),
            wall_clock=time.time,
            jitter=lambda: 0.5,
        )
        async with asyncio.TaskGroup() as tasks:
            sending: list[asyncio.Task[None]] = []
            tasks.create_task(workers.run(lambda work: sending.append(tasks.create_task(work()))))
            await asyncio.sleep(5.0)
            sending[0].cancel()
            await asyncio.sleep(5.0)
            workers.end()
        assert [close.state for close in books.done] == [State.QUEUED]
        assert [stop.cause for stop in books.stops] == [Cause.CANCELLED]
        assert provider.calls == []

    virtual_time.run(main())
