"""A whole run against limiters, on virtual time: what it gets, and that nothing leaves within a hold."""

import asyncio
from collections.abc import Callable

import pytest

from rumbleup_async.messaging import Text
from rumbleup_async.outcomes import Outcome, Throttled
from rumbleup_async.reasons import Code, Reason
from tests import virtual_time
from tests.engine.limiters import AtOnce, Bucket, Limiter, Share, Windows
from tests.engine.scripted import Provider, accepts, make_run, phones


class Limited:
    """A provider behind a limiter, which says no with `status`. `broken`: texts that left within a hold."""

    def __init__(self, limiter: Limiter, status: int = 429) -> None:
        self.limiter, self.status = limiter, status
        self.taken: list[float] = []
        self.throttled = self.broken = 0
        self.until = 0.0
        self.provider = Provider(self._answer, latency=0.0)

    async def _answer(self, text: Text, attempt: int) -> Outcome:
        now = asyncio.get_running_loop().time()
        self.broken += now < self.until
        after = self.limiter.take(now)
        await asyncio.sleep(0.1)
        if after is None:
            self.limiter.release()
            self.taken.append(now)
            return accepts(text, attempt)
        self.throttled += 1
        self.until = max(self.until, asyncio.get_running_loop().time() + after if after else 0.0)
        return Throttled(Reason(Code.THROTTLED, str(self.status)), self.status, after or None)


@pytest.mark.parametrize(
    ("make", "status", "least"),
    [
        pytest.param(lambda: Bucket(100, 10), 429, 0.95, id="bucket, bare"),
        pytest.param(lambda: Bucket(100, 10, 1.0), 429, 0.75, id="bucket, Retry-After: 1"),
        pytest.param(lambda: Share(0.03, 640), 429, 0.9, id="3 % at random"),
        pytest.param(lambda: Windows(600, 10), 429, 0.75, id="600 in 10 s"),
        pytest.param(lambda: AtOnce(10, 0.1), 429, 0.9, id="10 at a time, 429"),
        pytest.param(lambda: AtOnce(10, 0.1), 440, 0.9, id="10 at a time, 440"),
        pytest.param(lambda: AtOnce(50, 0.1), 429, 0.97, id="50 at a time, 429"),
    ],
)
def test_a_run_gets_what_the_limiter_lets_through(make: Callable[[], Limiter], status: int, least: float) -> None:
    """What is learned would stay in its piece, and the run crawl, or leave texts behind, or break a hold."""
    limited = Limited(make(), status)
    number = 8000 if make().allows(0.0, 1.0) > 200 else 2400

    async def main() -> tuple[int, str | None]:
        async with make_run(limited.provider, concurrency=64) as run:
            summary = await run.send(phones(number))
            return summary.sent, summary.stopped

    # With this chance a text too many came just when it was tried how many have room.
    assert virtual_time.run(main(), calendar=True, chance=5) == (number, None)
    assert limited.provider.wrongs == []
    assert len(limited.taken) == number
    assert limited.broken == 0
    assert limited.throttled <= 0.1 * number
    start, end = limited.taken[0] + (4.0 if number < 8000 else 10.0), limited.taken[-1] - 2.0
    assert sum(start <= time < end for time in limited.taken) >= least * make().allows(start, end)


def test_a_limit_is_kept_in_the_order_of_the_list() -> None:
    """`--limit 4` would text somebody further down in place of whoever was told "not now"."""

    def answers(text: Text, attempt: int) -> Outcome:
        is_late = text.row % 2 == 0 and attempt == 1
        return Throttled(Reason(Code.THROTTLED, "429"), 429) if is_late else accepts(text, attempt)

    provider = Provider(answers, latency=0.1)

    async def main() -> int:
        async with make_run(provider, concurrency=4, limit=4) as run:
            return (await run.send(phones(40))).sent

    assert virtual_time.run(main(), calendar=True) == 4
    assert {call.row for call in provider.calls} == {1, 2, 3, 4}
