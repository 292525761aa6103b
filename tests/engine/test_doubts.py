"""Too many of whom nobody knows: when a run stops for it, and when not."""

import msgspec
import pytest

from rumbleup_async import stops
from rumbleup_async.engine.doubts import LAST, Doubts
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.ledger import MemoryLedger
from rumbleup_async.messaging import Text
from rumbleup_async.outcomes import Accepted, Outcome, Refused, Unknown
from rumbleup_async.reasons import INTERRUPTED, Code, Reason
from rumbleup_async.reasons import from_words as because
from rumbleup_async.runs.run import Run, Settings
from rumbleup_async.runs.summary import Summary
from rumbleup_async.stops import Cause
from tests import virtual_time
from tests.engine.scripted import TEXT, Provider, accepts, phones
from tests.engine.test_texters import Server, play

LOST = Unknown(Reason(Code.NO_ANSWER))


@pytest.mark.parametrize(
    ("limit", "texts", "number"),
    [
        # (how many texts, how many of them at their end unknown), one after the other
        (0.02, [(1000, 0)], 0),
        (0.02, [(1000, 20)], 0),
        (0.02, [(1000, 21)], 21),
        (0.02, [(999, 999)], 0),
        (0.02, [(999, 999), (1, 0)], 999),
        (0.02, [(999, 20), (1, 1)], 21),
        (0.02, [(1000, 20), (980, 0), (1, 1), (19, 0)], 0),
        (0.02, [(1000, 20), (979, 0), (1, 1)], 21),
        (0.02, [(1000, 20), (5000, 0), (20, 20)], 0),
        (0.02, [(1000, 20), (5000, 0), (21, 21)], 21),
        (0.029, [(1000, 29)], 0),
        (0.029, [(1000, 30)], 30),
        (0.0, [(1000, 0)], 0),
        (0.0, [(1000, 1)], 1),
        (0.0005, [(1000, 1)], 1),
        (0.5, [(1000, 500)], 0),
        (1.0, [(5000, 5000)], 0),
    ],
)
def test_the_table(limit: float, texts: list[tuple[int, int]], number: int) -> None:
    """A run would stop for bad luck, or go on until 50,000 of a million are in doubt."""
    doubts = Doubts(limit)
    for count, unknown in texts:
        for text in range(count):
            doubts.see(is_unknown=text >= count - unknown)
    assert (0 if doubts.stop is None else doubts.stop.number) == number


def test_what_is_said() -> None:
    """Whoever finds a stopped run in the morning would not know what to do."""
    doubts = Doubts(0.025)
    for text in range(LAST + 5):
        doubts.see(is_unknown=text < 30)
    stop = doubts.stop
    assert stop is not None
    assert str(stop).startswith("too many unknown: 30 of the last 1,000 texts, more than 2.5 %; ")
    for word in ("provider", "rumbleup reconcile", "resume", "--unknown-limit"):
        assert word in str(stop)
    assert msgspec.json.decode(msgspec.json.encode(stop), type=stops.Stop) == stop
    assert str(stops.from_words(str(stop))) == str(stop)
    assert stops.from_words(str(stop)).cause is Cause.TOO_MANY_UNKNOWN


def run_of(provider: Provider, texts: int, *, limit: float | None = None) -> tuple[Summary, Provider]:
    options = Options(concurrency=8) if limit is None else Options(concurrency=8, unknown_limit=limit)

    async def main() -> Summary:
        begun = Run(
            Settings(provider="test", action="125", text=TEXT),
            options,
            gateway=lambda plan: provider,
            ledger=MemoryLedger(),
            pace=Pace(None),
        )
        async with begun as run:
            return await run.send(phones(texts))

    return virtual_time.run(main(), calendar=True), provider


def one_in(number: int, other: Outcome = LOST) -> Provider:
    """A provider whose answer to one text in so many is another one."""
    return Provider(lambda text, attempt: other if text.row % number == 0 else accepts(text, attempt))


def test_a_run_with_many_lost_answers_stops() -> None:
    """Nothing fails in a row, so one in twenty of a million people would be in doubt."""
    summary, provider = run_of(one_in(20), 3000)
    assert summary.stop is not None
    assert summary.stop.cause is Cause.TOO_MANY_UNKNOWN
    assert 1000 <= len(provider.calls) <= 1000 + 64
    assert summary.sent + summary.unknown == len(provider.calls), "what was in flight is waited for"
    assert summary.resumable


@pytest.mark.parametrize(
    ("provider", "texts", "limit"),
    [
        (one_in(20), 3000, 1.0),
        (one_in(20), 3000, 0.06),
        (one_in(20), 990, None),  # a small run is judged by failures in a row alone
        (one_in(20), 1000, None),  # the last text of all makes it too many, and there is nobody left to be spared
        (one_in(60), 3000, None),
        (one_in(20, Refused(because("400 LANDLINE"), about_recipient=True)), 3000, None),
        (one_in(20, Unknown(INTERRUPTED)), 3000, None),  # of a death, or of a second signal
    ],
    ids=["no limit", "higher", "small", "done", "few", "refused", "interrupted"],
)
def test_other_runs_go_on(provider: Provider, texts: int, limit: float | None) -> None:
    """A list would not be done although all is well, or though it was allowed."""
    summary, provider = run_of(provider, texts, limit=limit)
    assert summary.stopped is None
    assert len(provider.calls) == texts


def test_concurrent_mode_stops_as_well() -> None:
    """The same provider, and contacts that it hands out itself."""
    server = Server(1500, script=lambda text, attempt: LOST if text.row % 20 == 0 else accepts(text, attempt))
    came = play(server)
    assert came.summary.stop is not None
    assert came.summary.stop.cause is Cause.TOO_MANY_UNKNOWN
    assert 1000 <= came.summary.sent + came.summary.unknown <= 1100


def test_refusals_are_texts_that_came_to_their_end() -> None:
    """A list of which most are refused would look as if most of what was answered were in doubt."""

    def script(text: Text, attempt: int) -> Outcome:
        if text.row % 100 == 0:
            return LOST
        return Refused(because("400 no"), about_recipient=text.row % 3 == 0) if text.row % 2 else Accepted("rl")

    summary, _ = run_of(Provider(script), 3000)
    assert summary.stopped is None
    assert summary.refused > 1000
