"""What a line learns of its limit: whole runs by the real client against a limiter for each line, on virtual time."""

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator

import pytest

from rumbleup_async import LineLimits, Sendblue, Stop
from rumbleup_async.admission import GO, Verdict
from rumbleup_async.messaging import Text
from rumbleup_async.runs.run import Run
from rumbleup_async.sendblue import requests
from rumbleup_async.sendblue.line import LinePace
from rumbleup_async.session.exchange import Request, Response
from rumbleup_async.stops import Cause
from tests import virtual_time
from tests.engine.limiters import Bucket, Limiter

NUMBERS = ["+12025550191", "+12025550192", "+12025550193"]
LATENCY = 0.1


class Provider:
    """An exchange with a limiter for each line, made by `make(began)`. `broken`: texts that left within a wait of their line."""

    def __init__(self, make: Callable[[float], Limiter]) -> None:
        self._make = make
        self.limiters: dict[str, Limiter] = {}
        self.until: dict[str, float] = {}
        self.taken: dict[str, list[float]] = {}
        self.refused: dict[str, list[float]] = {}
        self.broken = 0

    async def __call__(self, request: Request) -> Response:
        assert request.path == requests.SEND
        body = json.loads(request.body)
        line, now = body["from_number"], virtual_time.now()
        if line not in self.limiters:
            self.limiters[line] = self._make(now)
        limiter = self.limiters[line]
        self.broken += now < self.until.get(line, 0.0)
        after = limiter.take(now)
        (self.taken if after is None else self.refused).setdefault(line, []).append(now)
        await asyncio.sleep(LATENCY)
        if after is None:
            limiter.release()
            answer = {"status": "QUEUED", "message_handle": f"h-{body['number']}", "number": body["number"]}
            return Response(202, {"Content-Type": "application/json"}, json.dumps(answer).encode())
        if after:
            self.until[line] = max(self.until.get(line, 0.0), virtual_time.now() + after)
        wish = {"Retry-After": f"{after:g}"} if after else {}
        return Response(429, {"Content-Type": "application/json", **wish}, b'{"status": "ERROR", "error_message": "too many"}')

    async def aclose(self) -> None: ...

    def between(self, line: str, start: float, end: float) -> int:
        began = self.taken[line][0]
        return sum(start <= moment - began < end for moment in self.taken[line])

    @property
    def share(self) -> float:
        taken, refused = (sum(map(len, kind.values())) for kind in (self.taken, self.refused))
        return refused / (taken + refused)


def people(count: int) -> Iterator[dict[str, str]]:
    return ({"phone": f"202{555 + number // 10_000:03d}{number % 10_000:04d}"} for number in range(count))


def run_over(client: Sendblue, lines: int, per_second: float | None, **more: object) -> Run:
    limits = LineLimits(per_second=per_second, new_per_hour=None, new_per_day=None)
    return client.fast_mode(from_numbers=NUMBERS[:lines], text="Hi. STOP to opt out", limits=limits, **more)  # type: ignore[arg-type]


async def send(run: Run, seconds: float) -> None:
    """Send for so long."""
    async with run:
        asyncio.get_running_loop().call_later(seconds, run.stop, Stop(Cause.ASKED, "test"))
        await run.send(people(1_300))


def played(provider: Provider, lines: int, per_second: float | None, seconds: float, *, runs: int = 1) -> None:
    async def main() -> None:
        async with Sendblue("KEY", "SECRET", exchange=provider) as client:
            await asyncio.gather(*(send(run_over(client, lines, per_second), seconds) for _ in range(runs)))

    virtual_time.run(main(), calendar=True)


@pytest.mark.parametrize(
    ("make", "asked", "least", "refused"),
    [
        pytest.param(lambda now: Bucket(0.8, 5, now=now), 1.0, 0.95, 0.06, id="0.8/s of 1/s asked, bare 429"),
        pytest.param(lambda now: Bucket(5, 5, now=now), 10.0, 0.95, 0.08, id="5/s of 10/s asked, bare 429"),
        pytest.param(lambda now: Bucket(5, 5, 1.0, now=now), 10.0, 0.90, 0.04, id="5/s of 10/s asked, Retry-After: 1"),
        pytest.param(lambda now: Bucket(10, 10, now=now), None, 0.95, 0.12, id="10/s, no limit of ours"),
    ],
)
def test_each_line_gets_what_its_limiter_lets_through(
    make: Callable[[float], Limiter], asked: float | None, least: float, refused: float
) -> None:
    """A line that was told "not now" would go at half its pace, and need twice the time; or insist, and be blocked for it."""
    provider = Provider(make)
    seconds = 120.0 if asked == 1.0 else 60.0
    played(provider, 2, asked, seconds)
    for line in NUMBERS[:2]:
        allowed = make(0.0).allows(20.0, seconds)
        assert provider.between(line, 20.0, seconds) >= least * allowed
    assert provider.share <= refused
    assert provider.broken == 0, "texts left within a wait of their line"


def test_a_line_that_is_slower_leaves_the_others_alone() -> None:
    """All lines would go at the pace of the slowest."""
    rates = iter((2.0, 8.0, 8.0))
    provider = Provider(lambda now: Bucket(next(rates), 5, 1.0, now=now))
    played(provider, 3, 8.0, 60.0)
    counts = sorted(provider.between(line, 20.0, 60.0) for line in NUMBERS)
    assert 0.85 * 80 <= counts[0] <= 90
    assert counts[1] >= 0.9 * 320
    assert provider.broken == 0


def test_runs_of_one_client_share_the_pace_of_a_line() -> None:
    """Two runs over one line would send twice as fast as it may, and each learn anew what the other knows."""
    provider = Provider(lambda now: Bucket(5, 5, now=now))
    played(provider, 1, 8.0, 60.0, runs=2)
    assert provider.between(NUMBERS[0], 20.0, 60.0) >= 0.95 * 5 * 40
    assert provider.share <= 0.08
    times = sorted([*provider.taken[NUMBERS[0]], *provider.refused[NUMBERS[0]]])
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 0.999 / 8.0


def test_a_line_that_takes_nothing_any_more_is_left_alone() -> None:
    """A line whose contacts of the hour are used up by somebody else would be asked each second, and be blocked for it."""
    provider = Provider(lambda now: Bucket(5, 5, now=now, rate_at=lambda at: 5.0 if at < now + 10 else 0.0))
    played(provider, 1, 5.0, 600.0)
    last = provider.taken[NUMBERS[0]][-1]
    refused = [moment for moment in provider.refused[NUMBERS[0]] if moment > last]
    assert 8 <= len(refused) <= 25
    assert refused[-1] - refused[-2] >= 30.0


def test_a_text_that_was_asked_about_does_not_leave_within_a_wait_of_its_line() -> None:
    """It has its permit, a rule takes its time, and meanwhile the line is told to wait."""

    class Slow:
        def __init__(self) -> None:
            self.claimed: set[int] = set()

        async def admit(self, text: Text, now: float) -> Verdict:
            await asyncio.sleep(0.3 if text.row in self.claimed else 0.0)  # just before the wire
            self.claimed.add(text.row)
            return GO

    provider = Provider(lambda now: Bucket(8, 4, 1.0, now=now))

    async def main() -> None:
        async with Sendblue("KEY", "SECRET", exchange=provider) as client:
            await send(run_over(client, 2, 50.0, rules=[Slow()]), 20.0)

    virtual_time.run(main(), calendar=True)
    assert sum(map(len, provider.refused.values())) >= 2
    assert provider.broken == 0


# ---- by tables ----


def test_a_volley_is_counted_once() -> None:
    """Three texts that are under way at a time would be taken for a line that takes nothing for long."""
    pace = LinePace()
    pace.give(100.0, 0.1)
    pace.accepted(100.0, 100.1)
    for moment in (101.0, 101.1, 101.2, 101.3):
        pace.give(moment, 0.1)
    for moment in (101.0, 101.1, 101.2, 101.3):
        pace.not_now(moment, moment + 0.4, None, 0.1)
    assert pace.held_until <= 101.7
    for number in range(4):
        left = 102.0 + number
        pace.give(left, 0.1)
        pace.not_now(left, left + 0.4, None, 0.1)
    assert pace.held_until >= 105.4 + 0.2


@pytest.mark.parametrize(("after", "until"), [(None, 0.0), (5.0, 101.0 + 5.0 + 0.11), (600.0, 101.0 + 600.0 + 0.51)])
def test_a_wait_that_was_asked_for_is_kept_and_a_little_more(after: float | None, until: float) -> None:
    """The next text would leave a moment too early, by the provider's clock."""
    pace = LinePace()
    pace.give(100.0, 1.0)
    pace.accepted(100.0, 100.1)
    pace.give(100.9, 1.0)
    pace.not_now(100.9, 101.0, after, 1.0)
    assert pace.held_until == pytest.approx(until, abs=0.001)


def test_a_permit_that_comes_back_is_not_under_way() -> None:
    """A line would seem to have ever more under way, and no refusal ever be too many."""
    pace = LinePace()
    pace.give(100.0, 1.0)
    pace.take_back(100.0)
    assert pace.free_at == 100.0
    pace.give(100.0, 1.0)
    pace.answered()
    assert pace.free_at == 101.0
    assert pace._under_way == 0
