"""The canary of a run at work, apart from everything around it."""

from collections.abc import Mapping, Sequence

from rumbleup_async.engine.canary import Canary
from rumbleup_async.messaging import State
from rumbleup_async.rules.canary import Asked, Standing, Tally


class Nobody:
    """A ledger that has drawn nobody."""

    waiting = 0
    is_drawing = False

    async def begin(self) -> Mapping[str, int]:
        return {}

    async def draw(self, number: int, seed: str, now: float, shut: Mapping[int, float]) -> int:
        del seed, now, shut
        return min(number, 0)

    async def texted(self) -> Sequence[str]:
        return ()

    async def hear(self, what: str, phones: Sequence[tuple[str, str]]) -> Mapping[str, int]:
        del what, phones
        return {}


async def test_what_the_log_has_settled_excuses_nothing() -> None:
    """Texts of a process that died are in doubt for it, and say nothing of the list. Once found they hide no others."""
    counts = dict.fromkeys(State, 0) | {State.QUEUED: 800, State.SENT: 75, State.UNKNOWN: 25}
    kept: list[Standing] = []

    async def keep(standing: Standing) -> None:
        kept.append(standing)

    async def opted_out(phones: Sequence[str]) -> Sequence[str]:
        return phones[:0]

    began = Standing(1.0, before=Tally())
    canary = Canary(Asked(200), began, Nobody(), seed="", counts=lambda: counts, keep=keep, opted_out=opted_out)
    canary.interrupted(25)
    assert canary.tally.doubtful == 0
    counts |= {State.SENT: 95, State.UNKNOWN: 5}  # the log has shown twenty of them
    await canary.begin(2.0, is_typed=False)
    assert kept[-1].interrupted == 5
    counts |= {State.SENT: 135, State.UNKNOWN: 65}
    assert canary.tally.doubtful == 60
