"""A canary: a part of the list goes first and is watched, and the rest goes only if it did well."""

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rumbleup_async import MemoryLedger, Policy, Response, RumbleUp, ScriptedExchange, Sendblue, SqliteLedger
from rumbleup_async.admission import GO, Never, Verdict
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.ledger import Reader
from rumbleup_async.messaging import State, Text
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.runs.run import Run
from rumbleup_async.simulator import Simulator
from rumbleup_async.stops import Cause

TEXT = "Hi. STOP to opt out"
PEOPLE = [f"202234{n:04d}" for n in range(400)]
LONG = 3600.0

Make = Callable[[], Any]


@pytest.fixture(params=["memory", "file"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes the ledger of one run, over all its parts."""
    memory = MemoryLedger()
    return (lambda: memory) if request.param == "memory" else (lambda: SqliteLedger(tmp_path / "run.ledger"))


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "list.txt"
    path.write_text("\n".join(PEOPLE))
    return path


async def reach(run: Run, stage: str) -> None:
    """Wait until the canary is in this stage."""
    while run.canary is None or run.canary.stage != stage:
        await asyncio.sleep(0.01)


def texted(simulator: Simulator) -> list[str]:
    return [sent.phone for sent in simulator.truth]


@pytest.mark.parametrize("is_fed", [False, True])
async def test_so_many_go_first_by_lot_and_the_rest_by_itself(
    rumbleup: RumbleUp, simulator: Simulator, ledger: Make, people: Path, is_fed: bool
) -> None:
    """The first rows of a list are one town; and the canary of a list that is fed would be what came first."""
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger(), canary=(40, LONG), concurrency=7) as run:
        sending = asyncio.ensure_future(run.send(iter(PEOPLE) if is_fed else people))
        await reach(run, "watching")
        first = texted(simulator)
        assert len(first) == 40
        assert len(set(first)) == 40
        assert sum(phone in PEOPLE[200:] for phone in first) > 8, "by chance from the whole list"
        assert run.canary is not None
        assert (run.canary.texts, run.canary.stage) == (40, "watching")
        run.stop()
        stopped = await sending
    assert (stopped.stop is not None and stopped.stop.cause, stopped.sent) == (Cause.ASKED, 40)
    # The rest of the wait is short now: what was asked for anew holds, and nobody is drawn again.
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger(), canary=(40, 0.1)) as run:
        done = await run.send(PEOPLE if is_fed else people)
        assert run.canary is not None
        assert (run.canary.stage, run.canary.texts) == ("passed", 400)
    assert (done.sent, done.stop) == (400, None)
    assert sorted(texted(simulator)) == PEOPLE


async def test_too_many_opt_outs_end_it_and_only_looser_rules_let_it_go_on(
    rumbleup: RumbleUp, simulator: Simulator, ledger: Make, people: Path
) -> None:
    """A list of people who never agreed would be texted to its end, or by the next line of cron."""
    begin: dict[str, Any] = {"action": 125, "text": TEXT, "canary": (200, LONG)}
    async with rumbleup.fast_mode(ledger=ledger(), **begin) as run:
        sending = asyncio.ensure_future(run.send(people))
        await reach(run, "watching")
        first = texted(simulator)
        others = [one for one in PEOPLE if one not in first]
        await run.heard(opted_out=[*first[:9], f"+1 {first[0]}", *others, "no phone"])
        assert run.canary is not None
        assert (run.canary.stage, run.canary.opted_out) == ("watching", 9)
        await run.heard(opted_out=[first[9], *first[:3]])
        failed = await sending
        reasons = await run.count_reasons()
    assert str(failed.stop) == "canary failed: 10 of 200 opted out"
    assert (failed.sent, failed.not_sent, len(texted(simulator))) == (200, 200, 200)
    assert reasons == {"not_sent": {"after_canary": 200}}
    again: list[dict[str, Any]] = [{}, {"limit": 5}, {"abort_if": ["opt-outs>2%"]}, {"canary": (200, 0)}, {"canary_ask": True}]
    for options in again:
        async with rumbleup.resume(ledger(), **options) as run:
            summary = await run.send()
            assert str(summary.stop) == "canary failed: 10 of 200 opted out", options
    assert len(texted(simulator)) == 200
    loose: dict[str, Any] = {"abort_if": ["opt-outs>10%"], "canary": (200, 0), "canary_ask": False}
    async with rumbleup.resume(ledger(), limit=50, **loose) as run:
        assert (await run.send()).sent == 250
    async with rumbleup.resume(ledger()) as run:
        # The looser rule was kept, and goes on watching.
        sending = asyncio.ensure_future(run.send())
        await run.heard(opted_out=texted(simulator))
        assert (summary := await sending).stop is not None
        assert summary.stop.cause is Cause.CANARY_FAILED
    async with rumbleup.resume(ledger(), canary=0) as run:
        done = await run.send()
        assert run.canary is None
    assert (done.sent, sorted(texted(simulator))) == (400, PEOPLE)


async def test_whoever_asks_is_asked(rumbleup: RumbleUp, simulator: Simulator, ledger: Make) -> None:
    """Somebody wants to look at the answers before the rest goes."""
    begin: dict[str, Any] = {"action": 125, "text": TEXT, "canary": (30, 0), "canary_ask": True}
    async with rumbleup.fast_mode(ledger=ledger(), **begin, limit=10) as run:
        assert (await run.send(PEOPLE)).sent == 10
    async with rumbleup.fast_mode(ledger=ledger(), **begin) as run:
        summary = await run.send(PEOPLE)
        reasons = await run.count_reasons()
    assert (str(summary.stop), summary.sent, reasons) == ("canary", 30, {"not_sent": {"after_canary": 370}})
    async with rumbleup.resume(ledger()) as run:
        done = await run.send()
    assert (done.sent, done.stop, sorted(texted(simulator))) == (400, None, PEOPLE)


@pytest.mark.parametrize("kind", ["refused", "held", "unknown", "throttled", "parked"])
async def test_what_becomes_of_its_texts(ledger: Make, kind: str) -> None:
    """Texts that were not taken would count as texts of the canary, or be left out of its errors."""
    bad: set[str] = set()
    met: list[str] = []

    def answer(request: Any) -> Response:
        one = request.body.decode().partition("phone")[2][:16]
        met.append(one)
        is_bad = len(met) in (4, 9, 13) if kind in ("throttled", "parked") else len(met) % 4 == 0
        if not is_bad or one in bad:
            return Response(200, {}, b'{"logid": "rl_%d"}' % len(met))
        bad.add(one)
        if kind == "unknown":
            return Response(500, {}, b"")
        status, code = {"refused": (400, "LANDLINE"), "held": (400, ""), "throttled": (429, ""), "parked": (404, "")}[kind]
        return Response(status, {}, b'{"status": %d, "message": "no", "code": "%s"}' % (status, code.encode()))

    client = RumbleUp("KEY:SECRET", exchange=ScriptedExchange(answer))
    options: dict[str, Any] = {"canary": (40, LONG), "concurrency": 3, "policy": Policy(first_errors=50)}
    async with client, client.fast_mode(action=125, text=TEXT, ledger=ledger(), **options) as run:
        sending = asyncio.ensure_future(run.send(PEOPLE))
        if kind in ("throttled", "parked"):
            await reach(run, "watching")
            assert (run.counts[State.SENT], run.counts[State.INTENT]) == (40, 0)
            run.stop()
        summary = await sending
    if kind in ("refused", "held", "unknown"):
        assert str(summary.stop) == "canary failed: 10 of 40 failed"
        assert (summary.sent, len(met)) == (30, 40)
        assert kind == "held" or summary.refused + summary.unknown == 10


async def test_a_list_that_is_smaller_than_its_canary_waits_for_nothing(rumbleup: RumbleUp, ledger: Make) -> None:
    """A run over twelve people would stay for a quarter of an hour."""
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger(), canary=12) as run:
        assert (await run.send(PEOPLE[:12])).sent == 12
        assert run.canary is not None
        assert run.canary.stage == "passed"


async def test_one_that_begins_late_counts_from_there(rumbleup: RumbleUp, simulator: Simulator, tmp_path: Path) -> None:
    """A canary of a run that has sent before would be over before it began."""
    path = tmp_path / "run.ledger"
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=path, limit=100) as run:
        await run.send(PEOPLE)
    async with rumbleup.resume(path, canary=(30, LONG)) as run:
        sending = asyncio.ensure_future(run.send())
        await reach(run, "watching")
        assert len(texted(simulator)) == 130
        await run.pause()
        await run.go_on()
        run.stop()
        await sending
        assert run.canary is not None
        assert (run.canary.texts, "a canary of 30" in run.goes_on_with) == (30, False)
    reader = Reader(path)
    assert reader.options["canary"] == {"number": 30, "wait": LONG}
    reader.close()
    async with rumbleup.resume(path, limit=5) as run:
        assert "a canary of 30 texts, watched for 60 min" in run.goes_on_with
        sending = asyncio.ensure_future(run.send())
        await reach(run, "watching")
        assert "the canary is watched until" in run.held_for or not run.held
        run.stop()
        assert (await sending).sent == 130


async def test_where_it_means_nothing_it_is_refused(rumbleup: RumbleUp, tmp_path: Path) -> None:
    """It would be believed to watch."""
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"canary": -1}, "canary is a number of texts"),
        ({"canary": True}, "canary is a number of texts"),
        ({"canary": (200, "15m")}, "canary is a number of texts"),
        ({"canary": 10, "abort_if": ["optouts>2%"]}, "abort-if is METRIC>P%"),
        ({"canary": 10, "abort_if": []}, "abort_if is a list of rules"),
        ({"canary_ask": 1}, "canary_ask is True or False"),
    ]
    for options, said in wrong:
        with pytest.raises(ConfigurationError, match=said):
            rumbleup.fast_mode(action=125, text=TEXT, **options)
    for options in ({"abort_if": ["errors>1%"]}, {"canary_ask": True}):
        with pytest.raises(ConfigurationError, match="needs a canary"):
            async with rumbleup.fast_mode(action=125, text=TEXT, **options):
                pass
    with pytest.raises(ConfigurationError, match="concurrent mode"):
        async with rumbleup.concurrent_mode(action=125, text=TEXT, canary=10):
            pass
    async with rumbleup.fast_mode(action=125, text=TEXT) as run:
        with pytest.raises(RuntimeError, match="no canary"):
            await run.heard(opted_out=[PEOPLE[0]])


async def test_sendblue_has_it_too() -> None:
    """Its phones have another form, and what is heard of them would be heard of nobody."""
    answer = Response(200, {}, b'{"status": "QUEUED", "message_handle": "h"}')
    sendblue = Sendblue("KEY", "SECRET", exchange=ScriptedExchange(lambda _: answer))
    limits = {"per_second": None, "new_per_hour": None, "new_per_day": None}
    options: dict[str, Any] = {"from_numbers": ["+12025550199"], "limits": limits}
    async with sendblue, sendblue.fast_mode(text=TEXT, canary=(5, LONG), **options) as run:
        sending = asyncio.ensure_future(run.send(PEOPLE[:20]))
        await reach(run, "watching")
        assert run.counts[State.QUEUED] == 15
        await run.heard(opted_out=PEOPLE)
        assert str((await sending).stop) == "canary failed: 5 of 5 opted out"


async def test_a_budget_learns_its_price_from_the_canary(
    rumbleup: RumbleUp, simulator: Simulator, ledger: Make, people: Path
) -> None:
    """Nobody publishes what a text costs, and whoever guesses too low spends more than was given."""
    begin: dict[str, Any] = {"action": 125, "text": TEXT, "canary": (40, 0), "budget": 10}
    async with rumbleup.fast_mode(ledger=ledger(), limit=15, **begin) as run:
        assert (await run.send(people)).sent == 15
        assert run.price is None
    async with rumbleup.fast_mode(ledger=ledger(), **begin) as run:
        summary = await run.send(people)
        assert run.price == 50_000
        assert run.spending is not None
        assert run.spending.as_dict() == {"budget": 10.0, "price": 0.05, "dearest": 0.0, "paid": 10.0, "reserved": 0.0}
    assert (summary.sent, summary.stop is not None and summary.stop.cause) == (200, Cause.BUDGET)
    async with rumbleup.resume(ledger(), budget=20) as run:
        assert "$0.05 a segment" in run.goes_on_with
        assert (await run.send()).sent == 400
    assert sorted(texted(simulator)) == PEOPLE


async def test_a_price_that_nobody_names_is_not_guessed(ledger: Make) -> None:
    """A budget without a price would bound nothing."""
    ids = itertools.count()
    exchange = ScriptedExchange(lambda _: Response(200, {}, b'{"logid": "rl_%d"}' % next(ids)))
    async with RumbleUp("KEY:SECRET", exchange=exchange) as client:
        for canary, said in ((None, "or a canary that learns it"), ((9, 0), "at least; take a larger canary")):
            with pytest.raises(ConfigurationError, match=said):
                async with client.fast_mode(action=125, text=TEXT, canary=canary, budget=5):
                    pass
        async with client.fast_mode(action=125, text=TEXT, canary=(20, 0), budget=5, ledger=ledger()) as run:
            summary = await run.send(PEOPLE)
        assert (summary.sent, str(summary.stop)[:31]) == (20, "budget: no price was learned, f")
        async with client.resume(ledger(), price="0.05") as run:
            assert (await run.send()).sent == 100


class Half:
    """A rule that lets every second phone go."""

    async def admit(self, text: Text, now: float) -> Verdict:
        return GO if int(text.phone) % 2 else Never(Reason(Code.OPTED_OUT))


async def test_whoever_is_turned_away_is_replaced_by_lot(rumbleup: RumbleUp, simulator: Simulator, ledger: Make) -> None:
    """Half of a canary would be the top of the list, because the other half has opted out since."""
    options: dict[str, Any] = {"canary": (40, LONG), "rules": [Half()], "concurrency": 9}
    async with rumbleup.fast_mode(action=125, text=TEXT, ledger=ledger(), **options) as run:
        sending = asyncio.ensure_future(run.send(PEOPLE))
        await reach(run, "watching")
        first = texted(simulator)
        assert len(first) == 40
        assert sum(one in PEOPLE[200:] for one in first) > 8
        run.stop()
        await sending
    async with rumbleup.resume(ledger(), canary=(40, 0), rules=[Half()]) as run:
        done = await run.send()
    assert (done.sent, done.stop, sorted(texted(simulator))) == (200, None, PEOPLE[1::2])
