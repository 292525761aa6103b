"""Unknown texts in the message log: over TCP against the simulator with all that a log may do, and against worse ones."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumbleup_async import Request, Response, RumbleUp, ScriptedExchange
from rumbleup_async.lookups import Known, LookUpResult, UnknownText
from rumbleup_async.rumbleup.log_search import LogSearch
from rumbleup_async.simulator import Simulator, serve
from rumbleup_async.simulator.trouble.quirks import QUIRKS
from tests.books import PLAN, books_of


def unknown(row: int, **fields: Any) -> UnknownText:
    return UnknownText(**{"row": row, "phone": f"202234{row:04d}", "text": f"Hi {row}. STOP", "time": now(), **fields})


def now() -> int:
    return int(time.time() * 1000)


def take(
    simulator: Simulator, one: UnknownText, *, ago: float = 0.0, tag: str | None = PLAN.tag, action: str = "125", **more: Any
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


WITNESSES = [unknown(900), unknown(903)]
"""Texts that the ledger knows as sent."""


def witness(simulator: Simulator, **how: Any) -> list[Known]:
    """Let the witnesses leave, too."""
    return [Known(one.row, one.phone, take(simulator, one, **how), one.time) for one in WITNESSES]


async def look(
    simulator: Simulator, unknowns: list[UnknownText], page_size: int = 7, sent: list[Known] | None = None
) -> LookUpResult:
    """What a look says, where two further texts are known as sent. Without the provider's clock."""
    books = await books_of(unknowns, witness(simulator) if sent is None else sent)
    async with searching(simulator, page_size) as search:
        return msgspec.structs.replace(await search.look_up(unknowns, books), now=None, offset=None)


SURVIVED = [name for name in QUIRKS if name not in {"status-in-body-only", "html-error"}]


@pytest.mark.parametrize("quirk", ["", *SURVIVED])
async def test_every_quirk_of_the_log(quirk: str) -> None:
    """A log that is written in another way would make texts absent that are there, and people would get them twice."""
    simulator = Simulator(quirks=[quirk] if quirk else [])
    unknowns = [unknown(row) for row in range(30)]
    logids = {one.row: take(simulator, one) for one in unknowns if one.row % 3}
    found = await look(simulator, unknowns)
    assert found == LookUpResult(found=logids, absent=frozenset(range(0, 30, 3)))


@pytest.mark.parametrize("fault", ["log-missing-tags", "log-altered-tags"])
async def test_tags_that_are_lost_or_altered(fault: str) -> None:
    """Texts whose tag the server drops or rewrites would count as absent."""
    simulator = Simulator(faults={fault: 0.5})
    async with serve(simulator) as server, RumbleUp("KEY:SECRET", base_url=server.url) as rumbleup:
        unknowns = [unknown(row) for row in range(40)]
        sent = {
            one.row: (await rumbleup.messages.send(phone=one.phone, action=125, text=one.text, flags=[PLAN.tag])).logid
            for one in unknowns[:30]
        }
        known = [
            Known(row, f"202234{row:04d}", str((await rumbleup.messages.send(
                phone=f"202234{row:04d}", action=125, text="Hi. STOP", flags=[PLAN.tag])).logid), now())
            for row in range(50, 60)
        ]  # fmt: skip
        found = await LogSearch(rumbleup._caller, PLAN, page_size=7).look_up(unknowns, await books_of(unknowns, known))
    assert (found.found, found.absent, found.problem) == (sent, frozenset(range(30, 40)), "")


@pytest.mark.parametrize("rate", [0.6, 1.0])
async def test_a_token_that_repeats(rate: float) -> None:
    """Half of a log would be taken for all of it, and the other half would be texted again; or it would be read for ever."""
    simulator = Simulator(faults={"log-repeat-token": rate})
    unknowns = [unknown(row) for row in range(40)]
    logids = {one.row: take(simulator, one) for one in unknowns[:30]}
    result = await look(simulator, unknowns)
    assert result.found.items() <= logids.items()
    assert result.absent == frozenset()
    assert "to its end" in result.problem


async def test_pages_that_repeat_now_and_then() -> None:
    """A log whose pages come twice could not be read at all, or its texts would be counted as several."""
    simulator = Simulator(faults={"log-repeat-page": 0.4})
    unknowns = [unknown(row) for row in range(60)]
    logids = {one.row: take(simulator, one) for one in unknowns[:50]}
    assert await look(simulator, unknowns) == LookUpResult(found=logids, absent=frozenset(range(50, 60)))


async def test_pages_that_repeat_for_ever() -> None:
    """Reconciling would never come to an end, and before it no resume."""
    simulator = Simulator(faults={"log-repeat-page": 1.0})
    unknowns = [unknown(row) for row in range(30)]
    for one in unknowns:
        take(simulator, one)
    result = await look(simulator, unknowns)
    assert result.absent == frozenset()
    assert "again and again" in result.problem
    assert len(result.found) >= 5


async def test_a_sparse_log_with_tags() -> None:
    """The page's own sample names no project; then nothing could ever be settled."""
    simulator = Simulator(sparse_log=True)
    unknowns = [unknown(1), unknown(2)]
    logid = take(simulator, unknowns[0])
    assert await look(simulator, unknowns) == LookUpResult(found={1: logid}, absent=frozenset({2}))


async def test_a_sparse_log_without_tags_decides_nothing() -> None:
    """Another project's text would count as ours, or ours as nobody's."""
    simulator = Simulator(sparse_log=True)
    unknowns = [unknown(1)]
    take(simulator, unknowns[0], tagged=False)
    result = await look(simulator, unknowns, sent=witness(simulator, tagged=False))
    assert (result.found, result.absent) == ({}, frozenset())
    assert result.problem


async def test_texts_of_other_times_and_projects() -> None:
    """An earlier run's text would count as this one's and lose the contact; or one that may be this one's would be sent again."""
    simulator = Simulator()
    simulator.add_project(126)
    unknowns = [unknown(row) for row in range(1, 8)]
    yesterday, an_hour_ago, elsewhere, other_run, other_words, reply, nothing = unknowns
    take(simulator, yesterday, ago=30 * 3600, tagged=False)
    take(simulator, an_hour_ago, ago=3600, tagged=False)
    take(simulator, elsewhere, action="126", tagged=False)
    take(simulator, other_run, tag="run-bbbbbbbbbb", ago=60)
    take(simulator, other_words, tagged=False, text="Hello. STOP")
    take(simulator, reply, action="126", tag="run-cccccccccc")
    simulator.reply(reply.phone, "Who is this?", action=125)
    result = await look(simulator, unknowns)
    assert result.found == {}
    assert result.absent == {one.row for one in (elsewhere, other_run, reply, nothing)}
    assert result.problem


async def test_a_text_that_the_provider_holds_twice() -> None:
    """It could not be told that somebody was texted twice, or it would change with the order of the rows."""
    simulator = Simulator()
    unknowns = [unknown(1), unknown(2)]
    take(simulator, unknowns[1], tagged=False)
    first = take(simulator, unknowns[0], ago=70)
    take(simulator, unknowns[0])
    tagged = take(simulator, unknowns[1])
    result = await look(simulator, unknowns)
    assert result.found == {1: first, 2: tagged}
    assert result.several == {1: 2}
    both = await look(simulator, [*unknowns, unknown(3)])
    assert both.found == result.found
    assert both.absent == {3}


async def test_a_lagging_log_shows_nothing_yet() -> None:
    """Nothing may rely on the log being quick: here is what the settle delay is for."""
    simulator = Simulator(log_lag=600.0)
    unknowns = [unknown(1)]
    logid = take(simulator, unknowns[0], ago=60)
    early = witness(simulator, ago=3600)
    assert (await look(simulator, unknowns, sent=early)).absent == {1}
    late = await look(simulator, unknowns, sent=witness(simulator, ago=30))
    assert late.absent == frozenset(), "what is known as sent is not shown either"
    simulator.change(log_lag=10.0)
    assert (await look(simulator, unknowns, sent=early)).found == {1: logid}


@pytest.mark.parametrize("fault", ["log:500-before", "log:reset-before", "log:502-html-before", "log:401", "log:429"])
async def test_a_log_that_cannot_be_read(fault: str) -> None:
    """A server in trouble would be taken for an empty log, and everybody in doubt would be texted again."""
    simulator = Simulator(faults={fault: 1.0})
    unknowns = [unknown(row) for row in range(3)]
    take(simulator, unknowns[0])
    async with searching(simulator) as search:
        search._caller._read_attempts = 2
        result = await search.look_up(unknowns, await books_of(unknowns, witness(simulator)))
    assert (result.found, result.absent) == ({}, frozenset())
    assert "log" in result.problem
    assert not re.search(r"\d{10}", result.problem)


async def test_requests_are_few_and_short() -> None:
    """A hundred thousand unknown texts would be a hundred thousand requests, or an address that no server takes."""
    simulator = Simulator()
    unknowns = [unknown(row) for row in range(1, 3001)]
    for one in unknowns[:2000]:
        take(simulator, one)
    sent = [unknown(row) for row in range(3001, 3100)]
    books = await books_of(unknowns, [Known(one.row, one.phone, take(simulator, one), one.time) for one in sent])
    async with serve(simulator) as server:
        lengths: list[int] = []
        answer = simulator.answer

        def watched(method: str, target: str, *rest: Any) -> Any:
            lengths.append(len(target))
            return answer(method, target, *rest)

        simulator.answer = watched  # type: ignore[method-assign, assignment]
        async with RumbleUp("KEY:SECRET", base_url=server.url) as rumbleup:
            result = await LogSearch(rumbleup._caller, PLAN).look_up(unknowns, books)
    assert len(result.found) == 2000
    assert len(result.absent) == 1000
    count = simulator.requests.count("message/log/select")
    assert count == 3 + 8, "2,099 rows by tag in pages of 999, 1,000 phones in eights of 128"
    assert max(lengths, default=0) < 2000


# ---- servers that no page describes ----


def rows_of(unknowns: list[UnknownText]) -> list[dict[str, Any]]:
    return [
        {
            "logid": f"rl_{one.row}",
            "phone": one.phone,
            "action": "125",
            "text": one.text,
            "flags": [PLAN.tag],
            "sent_time": one.time,
        }
        for one in unknowns
    ]


SENT = [Known(one.row, one.phone, f"rl_{one.row}", one.time) for one in WITNESSES]


async def ask(unknowns: list[UnknownText], answer: Callable[[dict[str, str]], Any], sent: list[Known] = SENT) -> LookUpResult:
    """Look up at a server that answers `answer(query)` as JSON; two further texts are known as sent."""

    def respond(request: Request) -> Response:
        query = {name: values[0] for name, values in parse_qs(request.query or "").items()}
        found = answer(query)
        return found if isinstance(found, Response) else Response(200, {}, json.dumps(found).encode())

    async with RumbleUp("KEY:SECRET", base_url="http://127.0.0.1:9", exchange=ScriptedExchange(respond)) as rumbleup:
        return await LogSearch(rumbleup._caller, PLAN).look_up(unknowns, await books_of(unknowns, sent))


DOUBTS = [unknown(1), unknown(2)]


async def test_a_server_that_takes_no_lists_of_phones() -> None:
    """A comma list read as one phone finds nobody: everybody in doubt would be texted again."""
    rows = rows_of(WITNESSES)
    result = await ask(DOUBTS, lambda query: {"data": [] if "," in query.get("phone", "") else rows})
    assert result.absent == frozenset()
    assert "known as sent" in result.problem


async def test_a_server_that_ignores_filters() -> None:
    """Rows of others would be taken for ours."""
    rows = [{**row, "flags": []} for row in rows_of([unknown(8), unknown(1), unknown(9), *WITNESSES])]
    result = await ask(DOUBTS, lambda query: {"data": rows})
    assert (result.found, set(result.absent)) == ({1: "rl_1"}, {2})


@pytest.mark.parametrize("counts", [None, "what it shows"], ids=str)
@pytest.mark.parametrize("most", [3, 4, 5, 6, 7, 9, 10, 12, 20])
async def test_a_server_that_shows_few_rows_at_once_and_says_nothing_of_the_others(most: int, counts: str | None) -> None:
    """It has shown the witnesses, which left first, and some of those in doubt: whoever comes behind its last row would be
    absent, and texted again."""
    sent = [unknown(row) for row in range(100, 112)]
    unknowns = [unknown(row) for row in range(200, 230)]
    taken = {one.phone for one in unknowns[::2]}
    rows = rows_of([*sent, *unknowns[::2]])

    def answer(query: dict[str, str]) -> dict[str, Any]:
        wanted = query["phone"].split(",") if "phone" in query else [row["phone"] for row in rows]
        page = [row for row in rows if row["phone"] in wanted][:most]
        return {"data": page} if counts is None else {"data": page, "count": len(page), "total": len(page)}

    result = await ask(unknowns, answer, [Known(one.row, one.phone, f"rl_{one.row}", one.time) for one in sent])
    assert not [one.row for one in unknowns if one.phone in taken and one.row in result.absent]
    if most >= 7:  # it shows all witnesses, so it is believed, however little it shows at once
        assert result.found.keys() | result.absent == {one.row for one in unknowns}


@pytest.mark.parametrize("most", [20, 50])
async def test_a_server_that_ignores_filters_and_shows_a_page(most: int) -> None:
    """Its only page is full, as far as anybody can tell: those behind it would be texted again."""
    sent = [unknown(row) for row in range(100, 99 + most)]
    unknowns = [unknown(row) for row in range(200, 206)]
    rows = rows_of([*sent, *unknowns])[:most]
    result = await ask(unknowns, lambda _: {"data": rows}, [Known(one.row, one.phone, f"rl_{one.row}", one.time) for one in sent])
    assert (set(result.found), result.absent) == ({200}, frozenset())


async def test_a_log_that_has_shown_one_text_only() -> None:
    """One text is known as sent, and the log has it: it shows one row at once at most, for all that is known. Who is not in it is
    absent all the same, or nobody would ever be."""
    known = rows_of(WITNESSES[:1])

    def answer(query: dict[str, str]) -> dict[str, Any]:
        return {"data": [row for row in known if "flags" in query or row["phone"] in query["phone"]]}

    result = await ask(DOUBTS, answer, SENT[:1])
    assert (result.found, set(result.absent), result.problem) == ({}, {1, 2}, "")


@pytest.mark.parametrize(
    "row",
    ["text", None, 7, [], {}, {"logid": "rl_9", "phone": None}, {"logid": "rl_9", "phone": {"number": "2022340002"}}],
    ids=str,
)
async def test_rows_that_cannot_be_read(row: Any) -> None:
    """The one row that is not understood may be the text in doubt."""
    result = await ask(DOUBTS, lambda query: {"data": [*rows_of([unknown(1), *WITNESSES]), row]})
    assert result.found == {1: "rl_1"}
    assert result.absent == frozenset()
    assert "cannot be read" in result.problem


async def test_a_row_without_an_id() -> None:
    """A text would be sent without a logid to show for it, or be called absent though the log holds it."""
    rows = [{name: value for name, value in row.items() if name != "logid"} for row in rows_of([unknown(1)])]
    result = await ask(DOUBTS, lambda query: {"data": rows + rows_of(WITNESSES)})
    assert (result.found, set(result.absent)) == ({}, {2})


async def test_a_server_that_refuses_large_pages() -> None:
    """Where 999 rows are too many nothing could ever be reconciled."""

    def answer(query: dict[str, str]) -> Any:
        if "_count" in query:
            return Response(400, {}, b'{"status": 400, "message": "_count is too large"}')
        return {"data": rows_of([unknown(1), *WITNESSES])}

    result = await ask(DOUBTS, answer)
    assert (result.found, set(result.absent)) == ({1: "rl_1"}, {2})


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
    result = await ask(DOUBTS, lambda query: answer)
    assert (result.found, result.absent) == ({}, frozenset())
    assert result.problem


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
async def test_a_search_by_tag_that_says_that_it_is_empty(answer: Any) -> None:
    """What never left would stay unknown for ever where the log keeps no tags."""
    rows = rows_of(WITNESSES)
    result = await ask(DOUBTS, lambda query: {"data": rows} if "phone" in query else answer)
    assert set(result.absent) == {1, 2}
    assert (await ask(DOUBTS, lambda query: answer)).absent == frozenset(), "it shows nothing of what is known as sent"


async def test_an_endless_list_of_empty_pages() -> None:
    """Reconciling would never come to an end."""
    asked: list[str] = []

    def answer(query: dict[str, str]) -> Any:
        asked.append(query.get("_start", ""))
        return {"data": [], "next_token": f"t{len(asked)}"}

    result = await ask(DOUBTS, answer)
    assert result.absent == frozenset()
    assert len(asked) < 200


async def test_rows_in_any_order_over_pages() -> None:
    """A text on the last page, or on two, would be missed or counted twice."""
    every = rows_of([unknown(2), unknown(900), unknown(1), unknown(2)])

    def answer(query: dict[str, str]) -> Any:
        place = int(query.get("_start", "0"))
        return {"data": every[place : place + 1], **({"next_token": place + 1} if place < 3 else {})}

    result = await ask(DOUBTS, answer)
    assert result == LookUpResult(found={1: "rl_1", 2: "rl_2"})


async def test_nobody_in_doubt_asks_nothing() -> None:
    """A resume without unknowns would wait for the log."""
    assert await ask([], lambda query: 1 / 0) == LookUpResult()


async def test_a_run_that_met_its_limit_can_look_into_the_log() -> None:
    """What is unknown after such a run would stay so, with the words that somebody had stopped the look."""
    sends: list[str] = []

    async def respond(request: Request) -> Response:
        await asyncio.sleep(0.01)
        if request.method == "GET":
            return Response(200, {}, json.dumps({"data": [{"logid": "rl_1", "phone": "2022340001"}]}).encode())
        sends.append(request.path)
        return Response(200, {}, b'{"logid": "rl_1"}') if len(sends) == 1 else Response(502, {}, b"")

    exchange = ScriptedExchange(respond)
    async with (
        RumbleUp("KEY:SECRET", base_url="http://127.0.0.1:9", exchange=exchange) as rumbleup,
        rumbleup.fast_mode(action=125, text="Hi. STOP", limit=2) as run,
    ):
        summary = await run.send(["2022340001", "2022340002", "2022340003"])
        assert (summary.stopped, summary.unknown) == ("limit: 2 at most, as asked for", 1)
        done = await run.reconcile(settle=0)
    assert (done.absent, done.unknown, done.problem) == (1, 0, "")


# ---- whom the log shows, and how ----

FORMS = [
    "{} ext 5", "{} x1", "{}x1", "{}5", "1{}5", "{};5", "0{}", "001{}", "011{}", "+{}", "++1{}", "00 1 {}", "tel:{}", "tel:+1{}",
    "sms:{}", "{}.0", "{}e0", "1.{}e10", "'{}", '"{}"', "={}", "{}/2025550199", "{},2025550199", "{}\u00a0", "\u202a{}\u202c",
    "US{}", "{} (mobile)", "******{:.4}", "XXXXXX0002", "202-234-XXXX", "2342", "202234000", "2O2234OO02", "٢٠٢٢٣٤٠٠٠٢",
"２０２２３４０００２", "", ]  # fmt: skip
"""Ways in which the phone of a row may be written that cannot be read in one way only."""


def written(form: str) -> Any:
    return form.format("2022340002")


UNREADABLE: list[Any] = [
    *map(written, FORMS), 2022340002.0, 2.022340002e9, 20223400025, -2022340002, True, ["2022340002"], {"phone": "2022340002"},
None, ]  # fmt: skip


@pytest.mark.parametrize("phone", UNREADABLE, ids=repr)
@pytest.mark.parametrize("tag", [PLAN.tag, ""])
async def test_a_phone_in_a_form_that_nobody_knows(phone: Any, tag: str) -> None:
    """The log shows the text, and it counts as absent: the person is texted twice."""
    row = {**rows_of([unknown(2)])[0], "phone": phone, "flags": [tag] if tag else []}
    result = await ask(DOUBTS, lambda query: {"data": [*rows_of([unknown(1), *WITNESSES]), row]})
    assert (result.found, result.absent) == ({1: "rl_1"}, frozenset())
    assert "cannot be read" in result.problem


@pytest.mark.parametrize(
    "phone",
    [
        "2022340002",
        2022340002,
        "12022340002",
        "+12022340002",
        "+1 (202) 234-0002",
        "202.234.0002",
        "(202) 234 0002",
        " 2022340002 ",
    ],
)
async def test_a_phone_in_a_form_that_is_known(phone: Any) -> None:
    """A text that the log shows would stay in doubt for ever."""
    row = {**rows_of([unknown(2)])[0], "phone": phone}
    assert (await ask(DOUBTS, lambda query: {"data": [row]})).found == {2: "rl_2"}


async def test_a_text_of_the_run_to_somebody_whom_the_ledger_does_not_know() -> None:
    """A phone that is another one by a digit is somebody's who is in doubt: as nobody's, that person would be texted twice."""
    strange = {**rows_of([unknown(2)])[0], "phone": "2022340003"}
    result = await ask(DOUBTS, lambda query: {"data": [*rows_of(WITNESSES), strange]})
    assert result.absent == frozenset()
    assert "does not know" in result.problem
    untagged = {**strange, "flags": ["spring"]}
    assert (await ask(DOUBTS, lambda query: {"data": [*rows_of(WITNESSES), untagged]})).absent == frozenset(), (
        "these are our words"
    )
    for others in ({"text": "Hello"}, {"action": "126"}, {"flags": ["run-bbbbbbbbbb"]}, {"status": "received"}):
        anybody = {**untagged, **others}
        assert (await ask(DOUBTS, lambda query, row=anybody: {"data": [*rows_of(WITNESSES), row]})).absent == {1, 2}  # type: ignore[misc]


WRAPPED = [
    PLAN.tag, PLAN.tag.upper(), f"spring,{PLAN.tag}", json.dumps(["spring", PLAN.tag]), ["spring", {"name": PLAN.tag}], [{"flag":
    PLAN.tag}], {"0": PLAN.tag}, {PLAN.tag: True}, [[PLAN.tag]], f"#{PLAN.tag};", [PLAN.run], "\uff52\uff55\uff4e-" + PLAN.run,
    "".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else letter for letter in PLAN.tag),
]  # fmt: skip


@pytest.mark.parametrize("flags", WRAPPED, ids=repr)
async def test_a_tag_is_known_in_whatever_it_is_wrapped(flags: Any) -> None:
    """A row of the run whose phone is not in the ledger would be taken for somebody else's; and a text in other words for an
    earlier one."""
    strange = {**rows_of([unknown(2)])[0], "phone": "2022340003", "flags": flags}
    assert (await ask(DOUBTS, lambda query: {"data": [*rows_of(WITNESSES), strange]})).absent == frozenset()
    changed = {**rows_of([unknown(2)])[0], "flags": flags, "text": "Hi. https://s.co/1", "action": "126"}
    assert (await ask(DOUBTS, lambda query: {"data": [*rows_of(WITNESSES), changed]})).absent == {1}


# ---- what the log must show to be believed ----


async def test_nothing_is_absent_where_nothing_is_known_as_sent() -> None:
    """An empty list is what a log shows that has the text, and what one shows that answers to nothing: whoever believes it texts
    people twice."""
    result = await ask(DOUBTS, lambda query: {"data": []}, [])
    assert (result.found, result.absent) == ({}, frozenset())
    assert "nothing is known as sent" in result.problem
    found = await ask(DOUBTS, lambda query: {"data": rows_of([unknown(1)])}, [])
    assert (found.found, found.absent) == ({1: "rl_1"}, frozenset())


@pytest.mark.parametrize("number", [1, 2, 3, 8, 60])
@pytest.mark.parametrize("heeded", ["none", "first", "last", "half", "all but one"])
async def test_a_log_that_heeds_a_part_of_the_phones(number: int, heeded: str) -> None:
    """Those in doubt whom it leaves out would be absent, and be texted twice."""
    sent = [Known(row, f"202234{row:04d}", f"rl_{row}", now()) for row in range(100, 100 + 3 * number, 3)]
    rows = rows_of([unknown(one.row) for one in sent] + DOUBTS)

    def answer(query: dict[str, str]) -> Any:
        phones = query.get("phone", "").split(",")
        half = len(phones) // 2
        kept = {"none": [], "first": phones[:1], "last": phones[-1:], "half": phones[:half], "all but one": phones[:-1]}
        shown = [row for row in rows if row["phone"] in kept.get(heeded, phones)] if "phone" in query else []
        return {"data": shown}

    result = await ask(DOUBTS, answer, sent)
    assert result.absent == frozenset()
    assert "known as sent" in result.problem or len(result.found) == 2


@pytest.mark.parametrize("cap", [30, 32, 50, 100])
@pytest.mark.parametrize("order", ["newest first", "oldest first"])
async def test_a_log_that_shows_so_many_rows_at_most(cap: int, order: str) -> None:
    """Half of a long answer would be taken for all of it where the log says neither a total nor that there is more."""
    unknowns = [unknown(row) for row in range(1, 129)]
    rows = [{**row, "flags": []} for row in rows_of([*unknowns[:100], *WITNESSES])]

    def answer(query: dict[str, str]) -> Any:
        phones = query.get("phone", "").split(",")
        shown = [row for row in rows if row["phone"] in phones]
        shown.sort(key=lambda row: int(row["logid"][3:]), reverse=order == "newest first")
        return {"data": shown[:cap]}

    result = await ask(unknowns, answer)
    assert result.absent <= set(range(101, 129))
    assert result.absent or order == "oldest first"


@pytest.mark.parametrize("left_out", [0, 17, 39])
async def test_a_log_that_leaves_one_row_out(left_out: int) -> None:
    """Who is missing among thousands is not seen by looking at a few: the next one that is missing is in doubt, and texted
    twice."""
    sent = [Known(row, f"202234{row:04d}", f"rl_{row}", now()) for row in range(100, 140)]
    rows = rows_of([unknown(one.row) for one in sent if one.row != 100 + left_out])

    def answer(query: dict[str, str]) -> Any:
        phones = query.get("phone", "").split(",")
        return {"data": [row for row in rows if "phone" not in query or row["phone"] in phones]}

    assert (await ask(DOUBTS, answer, sent)).absent == frozenset()
    rows += rows_of([unknown(100 + left_out)])
    assert (await ask(DOUBTS, answer, sent)).absent == {1, 2}


async def test_a_witness_is_known_by_its_id() -> None:
    """Another text to the same phone would prove that the log shows ours."""
    rows = [{**row, "logid": "rl_77"} for row in rows_of(WITNESSES)]
    assert (await ask(DOUBTS, lambda query: {"data": rows})).absent == frozenset()


async def test_witnesses_that_only_the_log_has_named_are_the_last_choice() -> None:
    """A log that shows half of the texts shows those that it has shown before; they prove nothing while there are others."""
    found = [msgspec.structs.replace(one, is_found=True) for one in SENT]
    shown = rows_of(WITNESSES)
    assert (await ask(DOUBTS, lambda query: {"data": shown}, found)).absent == {1, 2}
    accepted = Known(500, "2022340500", "rl_500", now())
    assert (await ask(DOUBTS, lambda query: {"data": shown}, [*found, accepted])).absent == frozenset()


def shortened(**envelope: Any) -> Callable[[dict[str, str]], Any]:
    """A log that shows two rows and says more of them."""
    return lambda query: {"data": rows_of(WITNESSES), **envelope}


@pytest.mark.parametrize(
    "envelope",
    [
        {"total": 400}, {"total": "400"}, {"total": 400.0}, {"total": "1,000"}, {"total": "many"}, {"total": -1}, {"total":
        {"all": 3}}, {"total": True}, {"count": 50}, {"count": "50"}, {"count": []}, {"totalCount": 3}, {"total_rows": 3},
        {"meta": {"total": 3}}, {"next": "/message/log/select?page=2"}, {"nextToken": "abc"}, {"next_page": 2}, {"has_more":
        True}, {"hasMore": "true"}, {"more": 1}, {"truncated": True}, {"pagination": {"has_more": True}}, {"links": {"next":
        "x"}}, {"cursor": "x"}, {"page": 1, "pages": 8}, {"total_pages": 2}, {"paging": {"lastPage": 3}}, {"error": "timeout"},
        {"ok": False}, {"success": False}, {"status": 504, "message": "cut short"}, {"rows": [{"logid": "rl_9"}]}, {"messages":
        [{"logid": "rl_9", "phone": "x"}]}, {"next_token": {"page": 2}}, {"next_token": ["a"]},
    ],
    ids=str,
)  # fmt: skip
async def test_a_log_that_speaks_of_more_rows_than_it_shows(envelope: dict[str, Any]) -> None:
    """The rest of the rows would be of nobody, and whoever is in them would be texted twice."""
    result = await ask(DOUBTS, shortened(**envelope))
    assert result.absent == frozenset()
    assert "to its end" in result.problem or "cannot be read" in result.problem


@pytest.mark.parametrize(
    "envelope",
    [
        {}, {"total": 2}, {"total": "2"}, {"total": None}, {"total": 1, "count": 50}, {"count": 2}, {"count": 32}, {"count": 999},
        {"count": None}, {"has_more": False}, {"next": None}, {"next_token": ""}, {"next_token": False}, {"messages": []},
        {"ok": True}, {"status": 200, "message": "fine"}, {"status": "ok"}, {"pages": 1, "page": 1}, {"took": 3}, {"meta":
    {"total": 2}}, ],
    ids=str,
)  # fmt: skip
async def test_a_log_that_shows_what_it_speaks_of(envelope: dict[str, Any]) -> None:
    """What never left would stay unknown for ever."""
    assert (await ask(DOUBTS, shortened(**envelope))).absent == {1, 2}


async def test_rows_under_two_names() -> None:
    """The list that is not read may hold the text."""
    result = await ask(
        DOUBTS, lambda query: {"data": [], "messages": rows_of([unknown(1), *WITNESSES]), "logs": rows_of([unknown(2)])}
    )
    assert result.found == {1: "rl_1", 2: "rl_2"}


# ---- no clock decides ----


@pytest.mark.parametrize("flags", [[], ["spring"]])
@pytest.mark.parametrize(
    "written", [0, 1, 1700000000, 99_999_999_999_999, "soon", "03/05/2025", "2020-01-01T00:00:00Z", "2091-01-01T00:00:00Z", None,
{}, []], ids=str )  # fmt: skip
@pytest.mark.parametrize("hours", [0, 14, -14, 24 * 400, -24 * 400])
async def test_no_time_makes_a_text_another(flags: list[str], written: Any, hours: int) -> None:
    """The provider's clock, ours, a zone, seconds for milliseconds: a text whose link was shortened and whose tag was lost would
    be an earlier one, and the person would be texted twice."""
    one = unknown(2, time=now() + hours * 3_600_000)
    rows = [{**rows_of([one])[0], "sent_time": written, "flags": flags, "text": "Hi 2. s.co/1 STOP"}, *rows_of(WITNESSES)]
    result = await ask([one], lambda query: {"data": rows})
    assert (result.found, result.absent) == ({}, frozenset())


@pytest.mark.parametrize(
    ("status", "headers"),
    [(206, {}), (200, {"Link": '<https://x/2>; rel="next"'}), (200, {"X-Total-Count": "400"}), (200, {"X-Total": "3"})],
)
@pytest.mark.parametrize("bare", [False, True])
async def test_a_head_that_says_that_there_is_more(status: int, headers: dict[str, str], bare: bool) -> None:
    """The rest of the rows would be of nobody."""
    rows = rows_of(WITNESSES)
    body = json.dumps(rows if bare else {"data": rows}).encode()
    assert (await ask(DOUBTS, lambda query: Response(status, headers, body))).absent == frozenset()
    assert (await ask(DOUBTS, lambda query: Response(200, {"X-Total-Count": "2"}, body))).absent == {1, 2}


# ---- the property ----

_phones = st.sampled_from(
    [2022340001, "2022340001", "2022340002", "+12022340002", "2022340900", "2022340903", "2022340500", "989 234 0002"]
)
_odd_phones = st.sampled_from([*map(written, FORMS), None, 2.0, ["2022340002"], {}, "88022"])
_rows = st.fixed_dictionaries(
    {"phone": st.one_of(_phones, _phones, _phones, _odd_phones)},
    optional={
        "logid": st.sampled_from(["rl_1", "rl_2", "rl_900", "rl_903", "", None, 7]),
        "text": st.sampled_from(["Hi 1. STOP", "Hi 2. STOP", "Hi", None, 7]),
        "action": st.sampled_from(["125", 125, "126", "c_125", None, []]),
        "flags": st.sampled_from([[PLAN.tag], PLAN.tag, [], None, ["run-bbbbbbbbbb"], {"a": PLAN.tag}, 7]),
        "sent_time": st.sampled_from([now(), 0, "soon", None, "2001-01-01", {}]),
        "status": st.sampled_from(["received", "delivered", None]),
    },
)
_witnesses = st.lists(st.sampled_from(rows_of(WITNESSES)), max_size=4)
_pages = st.builds(
    lambda rows, witnesses, more: {"data": [*rows, *witnesses], **more},
    st.lists(st.one_of(_rows, _rows, st.sampled_from([None, "row", [], 7])), max_size=3),
    _witnesses,
    st.fixed_dictionaries(
        {},
        optional={
            "total": st.sampled_from([0, 2, 9, "2", None, "x"]),
            "count": st.sampled_from([2, 32, 50]),
            "next_token": st.sampled_from(["", None, "t1"]),
            "has_more": st.booleans(),
            "error": st.sampled_from(["", "no"]),
        },
    ),
)


@given(by_tag=_pages, by_phone=_pages)
@settings(max_examples=600, deadline=None)
def test_absence_is_believed_only_of_a_log_that_was_read_and_shows_what_was_sent(
    by_tag: dict[str, Any], by_phone: dict[str, Any]
) -> None:
    """The one property on which it rests that nobody is texted twice by `--resend-absent`, whatever a log comes up with."""
    result = asyncio.run(ask(DOUBTS, lambda query: by_phone if "phone" in query else by_tag))
    if not result.absent:
        assert result.problem or len(result.found) == 2
        return
    shown: list[Any] = [*by_tag["data"], *by_phone["data"]]
    for row in shown:
        digits = re.sub("[ ().+-]", "", str(row["phone"]))
        assert re.fullmatch("1?[2-9][0-9]{9}", digits), "a row that cannot be read"
        assert PLAN.run not in str(row.get("flags")) or digits[-10:] in {one.phone for one in (*DOUBTS, *WITNESSES)}
    seen = {(str(row["phone"]), row.get("logid")) for row in by_phone["data"]}
    assert {(one.phone, one.logid) for one in SENT} <= seen, "no witness"
    for page in (by_tag, by_phone):
        ids = {row.get("logid") for row in page["data"]} - {None, ""}
        assert page.get("total") in (None, "x") or int(page["total"]) <= len(ids)
        assert page.get("total") != "x"
        assert not page.get("next_token")
        assert not page.get("has_more")
        assert not page.get("error")
    for row in shown:
        is_absent = str(row["phone"])[-10:] in {one.phone for one in DOUBTS if one.row in result.absent}
        is_others = "run-bbb" in str(row.get("flags")) or row.get("action") == "126" or row.get("status") == "received"
        assert is_others or not is_absent
