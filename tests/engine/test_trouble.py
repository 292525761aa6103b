"""Answers in doubt, and texts that are throttled by themselves: what is bad luck, and what is more."""

import math
import random

import pytest

from rumbleup_async.engine.throttles import Throttles
from rumbleup_async.engine.trouble import Trouble
from rumbleup_async.engine.window import Window
from rumbleup_async.messaging import State, Text
from rumbleup_async.outcomes import Outcome, Throttled, Unknown
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.retry import Policy
from tests import virtual_time
from tests.engine.scripted import Provider, accepts, make_run, phones


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 3, 3), (0.05, 4, 7), (0.1, 5, 9), (0.4, 10, 12)])
def test_a_row_is_trouble_only_if_it_is_no_chance(share: float, least: int, most: int) -> None:
    """With one lost answer in twenty a run would stop for breath every few seconds, and take all day."""
    trouble, chance = Trouble(), random.Random(1)
    for _ in range(2000):
        trouble.see(is_doubt=chance.random() < share)
    assert least <= trouble.row <= most


def test_a_server_that_dies_is_noticed_as_soon_as_before() -> None:
    """More people would be in doubt because others were before."""
    trouble = Trouble()
    for _ in range(1000):
        trouble.see(is_doubt=False)
    for _ in range(3):
        trouble.see(is_doubt=True)
    assert trouble.row <= 4


def test_after_too_many_at_once_just_those_taken_have_room() -> None:
    """Sixty-four in flight where ten may be would be halved for each of fifty-four answers, to one."""
    window = Window(64)
    for _ in range(64):
        window.grow()
    for _ in range(54):
        window.crowd(1.0, 1.1, 64)
    assert window.size == 10
    for _ in range(10 * 20):
        window.grow()
    assert window.size == 10, "one more is tried now and then, not in each round"
    for _ in range(10 * 20):
        window.grow()
    assert window.size == 11
    window.crowd(2.0, 2.1, 11)
    assert window.size == 10


def test_a_wait_that_was_asked_for_is_never_shortened() -> None:
    """A text would leave within a Retry-After."""
    for chance in (random.Random(1).random, lambda: 0.0):
        throttles = Throttles(Policy(), chance, puts_off=True)
        for seconds in (0.001, 1.0, 30.0, 900.0):
            assert seconds < throttles.beyond(seconds) <= seconds + 1.01


def test_a_text_that_is_always_throttled_does_not_stop_the_others() -> None:
    """One number that the provider protects would end a campaign of a million."""

    def script(text: Text, attempt: int) -> Outcome:
        return Throttled(Reason(Code.THROTTLED, "429"), 429) if text.row == 5 else accepts(text, attempt)

    provider = Provider(script)

    async def main() -> tuple[int, str | None, dict[int, State]]:
        async with make_run(provider) as run:
            results = {result.row: result.state async for result in run.send(phones(50))}
            return run.summary.sent, run.summary.stopped, results

    sent, stopped, results = virtual_time.run(main(), calendar=True)
    assert sent == 49
    assert stopped is not None
    assert results[5] is State.NOT_SENT


@pytest.mark.parametrize(("after", "stopped"), [(30.0, None), (7200.0, "throttled: the provider asks to wait 7200 seconds")])
def test_a_server_in_trouble_is_left_alone_for_as_long_as_it_says(after: float, stopped: str | None) -> None:
    """A 503 that asks for half a minute would be met by the next text at once, and leave the next person in doubt."""

    def script(text: Text, attempt: int) -> Outcome:
        return Unknown(Reason(Code.SERVER_ANSWERED, "503"), 503, after) if text.row == 20 else accepts(text, attempt)

    provider = Provider(script, latency=0.1)

    async def main() -> tuple[int, int, str | None]:
        async with make_run(provider, concurrency=4) as run:
            summary = await run.send(phones(50))
            return summary.sent, summary.unknown, summary.stopped

    sent, unknown, why = virtual_time.run(main(), calendar=True)
    met = next(call.time for call in provider.calls if call.row == 20) + 0.1
    later = [call.time for call in provider.calls if call.time > met]
    assert unknown == 1, "what the wait means for the others changes nothing for the text"
    assert min(later, default=math.inf) >= met + after
    assert (sent == 49) is (stopped is None)
    assert (why or "").startswith(stopped or "")
