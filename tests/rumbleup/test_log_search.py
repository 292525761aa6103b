"""The message log asked about doubts: over TCP against the simulator with all that a log may do, and against worse ones."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest

from rumbleup_async import Request, Response, RumbleUp, ScriptedExchange
from rumbleup_async.messaging import Doubt, Findings, Plan
from rumbleup_async.rumbleup.log_search import LogSearch
from rumbleup_async.simulator import Simulator, serve
from rumbleup_async.simulator.quirks import QUIRKS

PLAN = Plan(run="qrtxntzqqb", provider="rumbleup", action="125", text="Hi {name}. STOP")


def doubt(row: int, **fields: Any) -> Doubt:
    return Doubt(**{"row": row, "phone": f"202234{row:04d}", "text": f"Hi {row}. STOP", "time": now(), **fields})


def now() -> int:
    return int(time.time() * 1000)


def take(
    simulator: Simulator, one: Doubt, *, ago: float = 0.0, tag: str | None = PLAN.tag, action: str = "125", **more: Any
) -> str:
    """A text that left, so many seconds ago; its logid."""
    world = simulator.world
    position = world.take(
        world.projects[action],
        phone=one.phone,
        text=more.get("text", one.text),
        flags=() if tag is None else (tag,),
        group="26",
        now=time.time() - ago,
        tagged=more.get("tagged", True),
    )
    return world.texts.logid(position)


@asynccontextmanager
async def searching(simulator: Simulator, page_size: int = 7) -> AsyncIterator[LogSearch]:
    async with (
        serve(simulator) as server,
        RumbleUp("KEY:SECRET", base_url=server.url) as rumbleup,
    ):
        yield LogSearch(rumbleup._caller, PLAN, page_size=page_size)


async def look(simulator: Simulator, doubts: list[Doubt], page_size: int = 7) -> Findings:
    async with searching(simulator, page_size) as search:
        return await search.look_up(doubts)


SURVIVED = [name for name in QUIRKS if name not in {"status-in-body-only", "html-error"}]


@pytest.mark.parametrize("quirk", ["", *SURVIVED])
async def test_every_quirk_of_the_log(quirk: str) -> None:
    """A log that is written in another way would make texts absent that are there, and people would get them twice."""
    simulator = Simulator(quirks=[quirk] if quirk else [])
    doubts = [doubt(row) for row in range(30)]
    logids = {one.row: take(simulator, one) for one in doubts if one.row % 3}
    found = await look(simulator, doubts)
    assert found == Findings(found=logids, absent=frozenset(range(0, 30, 3)))


@pytest.mark.parametrize("fault", ["log-missing-tags", "log-altered-tags"])
async def test_tags_that_are_lost_or_altered(fault: str) -> None:
    """Texts whose tag the server drops or rewrites would count as absent."""
    simulator = Simulator(faults={fault: 0.5})
    async with serve(simulator) as server, RumbleUp("KEY:SECRET", base_url=server.url) as rumbleup:
        doubts = [doubt(row) for row in range(40)]
        sent = {
            one.row: (await rumbleup.messages.send(phone=one.phone, action=125, text=one.text, flags=[PLAN.tag])).logid
            for one in doubts[:30]
        }
        found = await LogSearch(rumbleup._caller, PLAN, page_size=7).look_up(doubts)
    assert found == Findings(found=sent, absent=frozenset(range(30, 40)))  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [0.6, 1.0])
async def test_a_token_that_repeats(rate: float) -> None:
    """Half of a log would be taken for all of it, and the other half would be texted again; or it would be read for ever."""
    simulator = Simulator(faults={"log-repeat-token": rate})
    doubts = [doubt(row) for row in range(40)]
    logids = {one.row: take(simulator, one) for one in doubts[:30]}
    findings = await look(simulator, doubts)
    assert findings.found.items() <= logids.items()
    assert findings.absent == frozenset()
    assert "to its end" in findings.problem


async def test_pages_that_repeat_now_and_then() -> None:
    """A log whose pages come twice could not be read at all, or its texts would be counted as several."""
    simulator = Simulator(faults={"log-repeat-page": 0.4})
    doubts = [doubt(row) for row in range(60)]
    logids = {one.row: take(simulator, one) for one in doubts[:50]}
    assert await look(simulator, doubts) == Findings(found=logids, absent=frozenset(range(50, 60)))


async def test_pages_that_repeat_for_ever() -> None:
    """Reconciling would never come to an end, and before it no resume."""
    simulator = Simulator(faults={"log-repeat-page": 1.0})
    doubts = [doubt(row) for row in range(30)]
    for one in doubts:
        take(simulator, one)
    findings = await look(simulator, doubts)
    assert findings.absent == frozenset()
    assert "again and again" in findings.problem
    assert len(findings.found) >= 7


async def test_a_sparse_log_with_tags() -> None:
    """The page's own sample names no project; then nothing could ever be settled."""
    simulator = Simulator(sparse_log=True)
    doubts = [doubt(1), doubt(2)]
    logid = take(simulator, doubts[0])
    assert await look(simulator, doubts) == Findings(found={1: logid}, absent=frozenset({2}))


async def test_a_sparse_log_without_tags_decides_nothing() -> None:
    """Another project's text would count as ours, or ours as nobody's."""
    simulator = Simulator(sparse_log=True)
    doubts = [doubt(1)]
    take(simulator, doubts[0], tagged=False)
    findings = await look(simulator, doubts)
    assert (findings.found, findings.absent) == ({}, frozenset())
    assert findings.problem


async def test_texts_of_other_times_and_projects() -> None:
    """An earlier run's text would count as this one's and lose the contact; or one that may be this one's would be sent again."""
    simulator = Simulator()
    simulator.add_project(126)
    doubts = [doubt(row) for row in range(1, 8)]
    yesterday, an_hour_ago, elsewhere, other_run, other_words, reply, nothing = doubts
    take(simulator, yesterday, ago=30 * 3600, tagged=False)
    take(simulator, an_hour_ago, ago=3600, tagged=False)
    take(simulator, elsewhere, action="126", tagged=False)
    take(simulator, other_run, tag="run-bbbbbbbbbb", ago=60)
    take(simulator, other_words, tagged=False, text="Hello. STOP")
    take(simulator, reply, action="126", tag="run-cccccccccc")
    simulator.reply(reply.phone, reply.text, action=125)
    findings = await look(simulator, doubts)
    assert findings.found == {}
    assert findings.absent == {one.row for one in (elsewhere, other_run, reply, nothing)}
    assert findings.problem


async def test_a_text_that_the_provider_holds_twice() -> None:
    """It could not be told that somebody was texted twice, or it would change with the order of the rows."""
    simulator = Simulator()
    doubts = [doubt(1), doubt(2)]
    take(simulator, doubts[1], tagged=False)
    first = take(simulator, doubts[0], ago=70)
    take(simulator, doubts[0])
    tagged = take(simulator, doubts[1])
    findings = await look(simulator, doubts)
    assert findings.found == {1: first, 2: tagged}
    assert findings.several == {1: 2}
    both = await look(simulator, [*doubts, doubt(3)])
    assert both.found == findings.found


async def test_a_lagging_log_shows_nothing_yet() -> None:
    """Nothing may rely on the log being quick: here is what the settle delay is for."""
    simulator = Simulator(log_lag=600.0)
    doubts = [doubt(1)]
    logid = take(simulator, doubts[0], ago=60)
    assert (await look(simulator, doubts)).absent == {1}
    simulator.change(log_lag=10.0)
    assert (await look(simulator, doubts)).found == {1: logid}


@pytest.mark.parametrize("fault", ["log:500-before", "log:reset-before", "log:502-html-before", "log:401", "log:429"])
async def test_a_log_that_cannot_be_read(fault: str) -> None:
    """A server in trouble would be taken for an empty log, and everybody in doubt would be texted again."""
    simulator = Simulator(faults={fault: 1.0})
    doubts = [doubt(row) for row in range(3)]
    take(simulator, doubts[0])
    async with searching(simulator) as search:
        search._caller._read_attempts = 2
        findings = await search.look_up(doubts)
    assert (findings.found, findings.absent) == ({}, frozenset())
    assert "log" in findings.problem
    assert not re.search(r"\d{10}", findings.problem)


async def test_requests_are_few_and_short() -> None:
    """A hundred thousand doubts would be a hundred thousand requests, or an address that no server takes."""
    simulator = Simulator()
    doubts = [doubt(row) for row in range(1, 3001)]
    for one in doubts[:2000]:
        take(simulator, one)
    async with serve(simulator) as server:
        lengths: list[int] = []
        answer = simulator.answer

        def watched(method: str, target: str, *rest: Any) -> Any:
            lengths.append(len(target))
            return answer(method, target, *rest)

        simulator.answer = watched  # type: ignore[method-assign, assignment]
        async with RumbleUp("KEY:SECRET", base_url=server.url) as rumbleup:
            findings = await LogSearch(rumbleup._caller, PLAN).look_up(doubts)
    assert len(findings.found) == 2000
    assert len(findings.absent) == 1000
    count = simulator.requests.count("message/log/select")
    assert count == 3 + 8, "2,000 rows by tag in pages of 999, 1,000 phones in eights of 128"
    assert max(lengths, default=0) < 2000


# ---- servers that no page describes ----


def rows_of(doubts: list[Doubt]) -> list[dict[str, Any]]:
    return [
        {
            "logid": f"rl_{one.row}",
            "phone": one.phone,
            "action": "125",
            "text": one.text,
            "flags": [PLAN.tag],
            "sent_time": one.time,
        }
        for one in doubts
    ]


async def ask(doubts: list[Doubt], answer: Callable[[dict[str, str]], Any]) -> Findings:
    """Look up at a server that answers `answer(query)` as JSON."""

    def respond(request: Request) -> Response:
        query = {name: values[0] for name, values in parse_qs(request.query or "").items()}
        found = answer(query)
        return found if isinstance(found, Response) else Response(200, {}, json.dumps(found).encode())

    async with RumbleUp("KEY:SECRET", base_url="http://127.0.0.1:9", exchange=ScriptedExchange(respond)) as rumbleup:
        return await LogSearch(rumbleup._caller, PLAN).look_up(doubts)


DOUBTS = [doubt(1), doubt(2)]


async def test_a_server_that_takes_no_lists_of_phones() -> None:
    """A comma list read as one phone finds nobody: everybody in doubt would be texted again."""
    rows = rows_of([doubt(9)])
    findings = await ask(DOUBTS, lambda query: {"data": [] if "," in query.get("phone", "") else rows})
    assert findings.absent == frozenset()
    assert "by phone" in findings.problem


async def test_a_server_that_ignores_filters() -> None:
    """Rows of others would be taken for ours."""
    rows = [{**row, "flags": []} for row in rows_of([doubt(8), doubt(1), doubt(9)])]
    findings = await ask(DOUBTS, lambda query: {"data": rows})
    assert (findings.found, set(findings.absent)) == ({1: "rl_1"}, {2})


@pytest.mark.parametrize(
    "row",
    ["text", None, 7, [], {}, {"logid": "rl_9", "phone": None}, {"logid": "rl_9", "phone": {"number": "2022340002"}}],
    ids=str,
)
async def test_rows_that_cannot_be_read(row: Any) -> None:
    """The one row that is not understood may be the text in doubt."""
    findings = await ask(DOUBTS, lambda query: {"data": [*rows_of([doubt(1)]), row]})
    assert findings.found == {1: "rl_1"}
    assert findings.absent == frozenset()
    assert "cannot be read" in findings.problem


async def test_a_row_without_an_id() -> None:
    """A text would be sent without a logid to show for it, or be called absent though the log holds it."""
    rows = [{name: value for name, value in row.items() if name != "logid"} for row in rows_of([doubt(1)])]
    findings = await ask(DOUBTS, lambda query: {"data": rows})
    assert (findings.found, set(findings.absent)) == ({}, {2})


async def test_a_server_that_refuses_large_pages() -> None:
    """Where 999 rows are too many nothing could ever be reconciled."""

    def answer(query: dict[str, str]) -> Any:
        if "_count" in query:
            return Response(400, {}, b'{"status": 400, "message": "_count is too large"}')
        return {"data": rows_of([doubt(1)])}

    findings = await ask(DOUBTS, answer)
    assert (findings.found, set(findings.absent)) == ({1: "rl_1"}, {2})


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "message": "try later"},
        {"status": "403", "message": "the log is not enabled"},
        "nothing",
        7,
        {"data": [], "next_token": {"a": 1}},
        {},
        {"error": "busy"},
        {"message": "busy"},
        {"status": "error", "message": "busy"},
        {"status": 503},
        {"ok": False},
        {"code": "FIELD", "message": "busy", "data": None},
        {"status": 503, "error": "busy", "data": []},
        {"error": {"text": "busy"}, "count": 0, "data": []},
        {"message": "busy", "data": []},
        {"count": 1, "results": [{"logid": "rl_1"}]},
        {"count": 3},
        {"count": 0, "total": 7},
        {"count": 0, "total": 7, "data": []},
    ],
    ids=str,
)
async def test_answers_that_are_no_log(answer: Any) -> None:
    """An error that comes as a success would be an empty log."""
    findings = await ask(DOUBTS, lambda query: answer)
    assert (findings.found, findings.absent) == ({}, frozenset())
    assert findings.problem


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"data": []},
        {"count": 0},
        {"count": 0, "data": None},
        {"count": 0, "message": "none found", "data": []},
        {"count": 32, "total": 0, "data": []},
        {"count": 32, "data": []},
        {"success": True, "message": "ok", "data": []},
        {"status": 200, "message": "success", "data": []},
    ],
    ids=str,
)
async def test_a_log_that_says_that_it_is_empty(answer: Any) -> None:
    """What never left would stay unknown for ever."""
    assert set((await ask(DOUBTS, lambda query: answer)).absent) == {1, 2}


async def test_an_endless_list_of_empty_pages() -> None:
    """Reconciling would never come to an end."""
    asked: list[str] = []

    def answer(query: dict[str, str]) -> Any:
        asked.append(query.get("_start", ""))
        return {"data": [], "next_token": f"t{len(asked)}"}

    findings = await ask(DOUBTS, answer)
    assert findings.absent == frozenset()
    assert len(asked) < 200


async def test_rows_in_any_order_over_pages() -> None:
    """A text on the last page, or on two, would be missed or counted twice."""
    every = rows_of([doubt(2), doubt(7), doubt(1), doubt(2)])

    def answer(query: dict[str, str]) -> Any:
        place = int(query.get("_start", "0"))
        return {"data": every[place : place + 1], **({"next_token": place + 1} if place < 3 else {})}

    findings = await ask(DOUBTS, answer)
    assert findings == Findings(found={1: "rl_1", 2: "rl_2"})


async def test_nobody_in_doubt_asks_nothing() -> None:
    """A resume without unknowns would wait for the log."""
    assert await ask([], lambda query: 1 / 0) == Findings()


async def test_a_run_that_met_its_limit_can_look_into_the_log() -> None:
    """What is unknown after such a run would stay so, with the words that somebody had stopped the look."""

    async def respond(request: Request) -> Response:
        await asyncio.sleep(0.01)
        return Response(200, {}, b'{"data": []}') if request.method == "GET" else Response(502, {}, b"")

    exchange = ScriptedExchange(respond)
    async with (
        RumbleUp("KEY:SECRET", base_url="http://127.0.0.1:9", exchange=exchange) as rumbleup,
        rumbleup.fast_mode(action=125, text="Hi. STOP", limit=1) as run,
    ):
        summary = await run.send(["2022340001", "2022340002"])
        assert (summary.stopped, summary.unknown) == ("limit: 1 at most, as asked for", 1)
        done = await run.reconcile(settle=0)
    assert (done.absent, done.unknown, done.problem) == (1, 0, "")
