"""Small worlds of Sendblue lines: a limiter drawn for each, answers that are lost, a stop; whole runs on virtual time.

Everything follows from the seed. In each nothing leaves within a wait of its line or faster than it may, nobody is
texted twice, and what is told of each contact is true.
"""

import asyncio
import itertools
import json
import random

import pytest

from rumbleup_async import LineLimits, Sendblue, State, Stop
from rumbleup_async.errors import MaybeSentError, NotSentError
from rumbleup_async.sendblue.line import LinePace
from rumbleup_async.session.exchange import Request, Response
from rumbleup_async.stops import Cause
from tests import virtual_time
from tests.engine.limiters import AtOnce, Bucket, Limiter, Share, Windows
from tests.sendblue.test_line_pace import LATENCY, NUMBERS, Provider, people

SECONDS = 40.0


class World(Provider):
    """`per_second`: what each line was allowed; None for no limit."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        super().__init__(self._limiter)
        self.lines = self.draw.choice((1, 2, 3))
        self.per_second = self.draw.choice((1.0, 5.0, 20.0, None))
        self.trouble = self.draw.choice((0.0, 0.02, 0.1))
        self.stops_at = self.draw.choice((SECONDS, SECONDS * self.draw.random()))
        self.heard: list[str] = []
        """Numbers whose text was taken, whatever its sender knows of it."""
        self.told: dict[str, State] = {}

    def _limiter(self, now: float) -> Limiter:
        draw = self.draw
        rate, after = draw.choice((0.5, 3.0, 15.0)), draw.choice((0.0, 0.0, 1.0, 4.0))
        kinds: tuple[Limiter, ...] = (
            Bucket(rate, draw.choice((1.0, 5.0, 2.0 * rate + 1.0)), after, now=now),
            Bucket(rate, 3.0, after, now=now, rate_at=lambda at: rate if int(at / 10.0) % 2 else 0.0),
            Windows(int(5 * rate) + 1, 5.0, -now, names_end=draw.random() < 0.5),
            Share(draw.choice((0.02, 0.2)), rate, seed=draw.randrange(100), after=after),
            AtOnce(draw.choice((1, 3)), LATENCY),
        )
        return draw.choice(kinds)

    async def __call__(self, request: Request) -> Response:
        number, luck = json.loads(request.body)["number"], self.draw.random()
        if luck < self.trouble / 3:
            raise NotSentError("the connection was refused", endpoint="/x")
        response = await super().__call__(request)
        if response.status == 202:
            self.heard.append(number)
            if luck < self.trouble:
                if luck < self.trouble * 2 / 3:
                    raise MaybeSentError("no answer in time", endpoint="/x")
                return Response(502, {}, b"Bad Gateway")
        return response

    def play(self) -> None:
        async def main() -> None:
            limits = LineLimits(per_second=self.per_second, new_per_hour=None, new_per_day=None)
            async with Sendblue("KEY", "SECRET", exchange=self) as client:
                run = client.fast_mode(
                    from_numbers=NUMBERS[: self.lines], text="Hi. STOP to opt out", limits=limits, unknown_limit=1
                )
                async with run:
                    asyncio.get_running_loop().call_later(self.stops_at, run.stop, Stop(Cause.ASKED, "test"))
                    async for result in run.send(people(300)):
                        self.told[result.phone] = result.state

        virtual_time.run(main(), calendar=True)

    def wrongs(self) -> list[str]:
        """What must not have happened."""
        found = [f"{self.broken} texts left within a wait of their line"] * bool(self.broken)
        least = 0.999 / self.per_second if self.per_second else 0.0
        for line in NUMBERS:
            times = sorted([*self.taken.get(line, ()), *self.refused.get(line, ())])
            if any(later - earlier < least for earlier, later in itertools.pairwise(times)):
                found.append("a line sent faster than it may")
        if len(set(self.heard)) < len(self.heard):
            found.append("somebody was texted twice")
        sent = {phone for phone, state in self.told.items() if state is State.SENT}
        if not sent <= set(self.heard):
            found.append("a text is called sent that nobody has")
        if not set(self.heard) <= {phone for phone, state in self.told.items() if state in (State.SENT, State.UNKNOWN)}:
            found.append("somebody was texted of whom it is not known")
        return found


@pytest.mark.parametrize("seed", range(12))
def test_a_world_of_lines_keeps_every_promise(seed: int) -> None:
    """A line would be blocked for what it sends within a wait, or somebody be texted twice by two lines."""
    world = World(seed)
    world.play()
    assert world.wrongs() == []


def test_a_line_that_forgets_its_wait_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worlds would show nothing: what they look for is never found."""
    monkeypatch.setattr(LinePace, "held_until", property(lambda pace: 0.0))
    found = set()
    for seed in range(12):
        world = World(seed)
        world.play()
        found |= {wrong.split(" ", 1)[1] for wrong in world.wrongs()}
    assert found == {"texts left within a wait of their line"}
