"""What the message list says of texts in doubt; nothing is absent that the list may only show otherwise."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

import pytest

from rumbleup_async import Sendblue
from rumbleup_async.lookups import Known, LookUpResult, UnknownText
from rumbleup_async.sendblue.list_search import ListSearch
from rumbleup_async.session.exchange import Request, Response
from rumbleup_async.session.scripted import ScriptedExchange
from rumbleup_async.simulator import Server, handle_of
from tests.books import books_of

LINE = "+12025550199"


class Search:
    """A search whose ledger knows two further texts as sent."""

    def __init__(self, sendblue: Sendblue) -> None:
        self.sendblue = sendblue
        self.sent: list[Known] = []

    async def look_up(self, unknowns: Sequence[UnknownText]) -> LookUpResult:
        if not self.sent:
            for row in (20, 40):
                phone = f"+12025550{row}7"
                taken = await self.sendblue.messages.send(number=phone, from_number=LINE, content="Hi. STOP")
                self.sent.append(Known(row, phone, str(taken.message_handle), int(time.time() * 1000)))
        return await ListSearch(self.sendblue.messages).look_up(unknowns, await books_of(unknowns, self.sent))


@pytest.fixture
async def search(sendblue: Sendblue) -> Search:
    return Search(sendblue)


def unknown(row: int, text: str = "Hi Ada. STOP", *, ago: float = 0.0) -> UnknownText:
    return UnknownText(row, f"+1202555010{row}", text, int((time.time() - ago) * 1000))


async def test_what_stands_in_the_list_is_found(search: Search, sendblue: Sendblue, server: Server) -> None:
    """A text that was delivered would be sent again, or stay in doubt for ever."""
    for row in (1, 2):
        await sendblue.messages.send(number=f"202555010{row}", from_number=LINE, content="Hi Ada. STOP")
    result = await search.look_up([unknown(1), unknown(2), unknown(3)])
    handles = [handle_of(text.logid) for text in server.simulator.truth]
    assert result.found == {1: handles[0], 2: handles[1]}
    assert result.absent == {3}
    assert result.problem == ""


async def test_an_older_text_is_not_taken_for_this_one(search: Search, sendblue: Sendblue, server: Server) -> None:
    """Last week's campaign would settle this week's unknowns, or keep them for ever."""
    server.simulator.world.clock = lambda: time.time() - 7 * 86_400
    await sendblue.messages.send(number="2025550101", from_number=LINE, content="Hi Ada. STOP")
    server.simulator.world.clock = time.time
    assert (await search.look_up([unknown(1)])).absent == {1}


@pytest.mark.parametrize("written", ["+12025550101", "12025550101", "2025550101", "(202) 555-0101"])
async def test_a_number_written_otherwise_is_the_same_number(written: str) -> None:
    """A text that was delivered would count as absent because the list leaves out a plus sign, and be sent again."""
    rows = [{"number": number, "is_outbound": True, "content": "Hi", "message_handle": handle} for number, handle in
            [("+12025550102", "H-0"), (written, "H-1"), (written, "H-2")]]  # fmt: skip
    body = json.dumps({"data": rows, "pagination": {"hasMore": False}}).encode()
    exchange = ScriptedExchange(lambda _: Response(200, {}, body))
    async with Sendblue("KEY", "SECRET", base_url="http://127.0.0.1:1", exchange=exchange) as client:
        result = await ListSearch(client.messages).look_up([unknown(1, "Hi")], await books_of([]))
    assert (result.found, result.several) == ({1: "H-1"}, {1: 2})


async def test_a_list_without_end_settles_nothing() -> None:
    """A server that knows no offset would have us read the same page for ever."""
    body = b'{"data": [{"number": "+12025550101", "is_outbound": true, "content": "x", "message_handle": "H-1"}]}'
    exchange = ScriptedExchange(lambda _: Response(200, {}, body))
    async with Sendblue("KEY", "SECRET", base_url="http://127.0.0.1:1", exchange=exchange) as client:
        result = await ListSearch(client.messages).look_up([unknown(1, "Hi")], await books_of([]))
    assert (result.found, result.absent) == ({}, frozenset())
    assert "again and again" in result.problem


async def test_a_clock_that_was_ahead_makes_nothing_absent(search: Search, sendblue: Sendblue, server: Server) -> None:
    """With the sender's clock ten minutes fast a text that was delivered would be searched for from too late, counted as absent
    and sent again."""
    await search.look_up([unknown(9)])
    server.simulator.world.clock = lambda: time.time() - 600
    await sendblue.messages.send(number="2025550101", from_number=LINE, content="Hi Ada. STOP")
    result = await search.look_up([unknown(1)])
    assert (result.found, result.absent) == ({}, frozenset())
    assert "the same words before" in result.problem


async def test_a_text_that_was_held_back_and_altered_stays_in_doubt(search: Search, sendblue: Sendblue) -> None:
    """A text waits for its line for up to a quarter of an hour with its intent on the disk; when the process dies then, what the
    list shows a little changed, long after the intent, would count as absent."""
    await sendblue.messages.send(number="2025550101", from_number=LINE, content="Hi Ada. [link] STOP", literal=True)
    held = unknown(1, ago=800)
    assert (await search.look_up([held])).absent == frozenset(), "clocks may be hours off"
    found_dead = UnknownText(held.row, held.phone, held.text, held.time - 5 * 86_400_000, held.time + 900_000)
    assert (await search.look_up([found_dead])).absent == frozenset()
    week_ago = UnknownText(held.row, held.phone, held.text, held.time - 7 * 86_400_000)
    assert (await search.look_up([week_ago])).absent == {1}, "it is of another week"


async def test_other_words_at_that_time_leave_it_in_doubt(search: Search, sendblue: Sendblue) -> None:
    """A list that shows a text a little changed would make us send it a second time."""
    await sendblue.messages.send(number="2025550101", from_number=LINE, content="Hi  Ada. STOP\n")
    await sendblue.messages.send(number="2025550102", from_number=LINE, content="Hi Ada. [link] STOP", literal=True)
    result = await search.look_up([unknown(1), unknown(2)])
    assert list(result.found) == [1]
    assert result.absent == frozenset()
    assert "words" in result.problem


async def test_what_failed_stays_in_doubt(search: Search, sendblue: Sendblue, server: Server) -> None:
    """It would be counted as sent, or sent again while the provider may still be trying."""
    server.simulator.receipt("2025550101", "failed")
    await sendblue.messages.send(number="2025550101", from_number=LINE, content="Hi Ada. STOP")
    server.simulator.change(receipt_delay=0.0)
    result = await search.look_up([unknown(1)])
    assert (result.found, result.absent) == ({}, frozenset())
    assert "failed" in result.problem


async def test_a_list_that_cannot_be_read_settles_nothing(search: Search, server: Server) -> None:
    """Everything in doubt would count as absent while the server is in trouble."""
    await search.look_up([unknown(3)])
    server.simulator.change(api_key="OTHER:KEY")
    result = await search.look_up([unknown(1), unknown(2)])
    assert (result.found, result.absent) == ({}, frozenset())
    assert "could not be read" in result.problem


async def test_a_doubt_without_a_time_is_never_absent(search: Search) -> None:
    """The list does not say how far back it reaches."""
    result = await search.look_up([UnknownText(1, "+12025550101", "Hi", 0)])
    assert (result.found, result.absent) == ({}, frozenset())


# ---- what the list must show to be believed ----

SENT: list[Known] = []


@pytest.fixture(autouse=True)
def _witnesses() -> None:
    """The texts known as sent are of now in each test: a suite runs for longer than a clock may be off."""
    now = int(time.time() * 1000)
    SENT[:] = [Known(20, "+12025550207", "H-20", now), Known(40, "+12025550407", "H-40", now)]


def row_of(phone: str, handle: str, content: str = "Hi. STOP", **fields: Any) -> dict[str, Any]:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"number": phone, "is_outbound": True, "content": content, "message_handle": handle, "date_sent": at, **fields}


async def ask(
    unknowns: Sequence[UnknownText],
    rows: Callable[[str], list[Any]],
    *,
    sent: Sequence[Known] = SENT,
    headers: dict[str, str] | None = None,
    asked: list[dict[str, list[str]]] | None = None,
    **paging: Any,
) -> LookUpResult:
    """Look up at a list that shows the witnesses, and `rows(number)` beside them."""

    def respond(request: Request) -> Response:
        query = parse_qs(request.query or "")
        if asked is not None:
            asked.append(query)
        number = query["number"][0]
        shown = [row_of(one.phone, one.logid) for one in SENT if one.phone == number] + rows(number)
        return Response(200, headers or {}, json.dumps({"data": shown, "pagination": {"hasMore": False, **paging}}).encode())

    async with Sendblue("KEY", "SECRET", base_url="http://127.0.0.1:1", exchange=ScriptedExchange(respond)) as client:
        return await ListSearch(client.messages).look_up(unknowns, await books_of(unknowns, sent))


UNREADABLE: list[Any] = [
    "{} x1", "{} ext 5", "{}5", "{};1", "0{}", "001{}", "011 1 {}", "+{}", "tel:+1{}", "{}.0", "+1{}\u00a0", "XXXXXX0101", "0101",
    "", ["+12025550101"], {"e164": "+12025550101"}, 20255501015, True, "ada@example.com", "٢٠٢٥٥٥٠١٠١",
]  # fmt: skip


@pytest.mark.parametrize("number", UNREADABLE, ids=repr)
async def test_a_number_in_a_form_that_nobody_knows(number: Any) -> None:
    """The list shows the text, and it counts as absent: the person is texted twice."""
    shown = number.format("2025550101") if isinstance(number, str) else number
    result = await ask([unknown(1), unknown(2)], lambda asked: [row_of(shown, "H-1", "Hi Ada. STOP")])
    assert (result.found, result.absent) == ({}, frozenset())
    assert "cannot be read" in result.problem


async def test_a_number_that_is_certainly_another_s() -> None:
    """A list that heeds no filter would decide nothing, ever."""
    others = [row_of("+442079460018", "H-8"), row_of("+12025550177", "H-9")]
    assert (await ask([unknown(1)], lambda asked: others)).absent == {1}
    ours = row_of("+12025550177", "H-10", "Hi Ada. STOP")
    strange = await ask([unknown(1)], lambda asked: [*others, ours])
    assert strange.absent == frozenset(), "it may be the same number, written so that it is another"
    assert "does not know" in strange.problem
    known = Known(60, "+12025550177", "H-10", SENT[0].time)
    assert (await ask([unknown(1)], lambda asked: [*others, ours], sent=[*SENT, known])).absent == {1}


async def test_nothing_is_absent_without_a_text_that_is_known_as_sent() -> None:
    """A list that shows nothing at all would make everybody absent."""
    nothing = await ask([unknown(1)], lambda asked: [], sent=[])
    assert (nothing.absent, "nothing is known as sent" in nothing.problem) == (frozenset(), True)
    unseen = [*SENT, Known(30, "+12025550307", "H-30", SENT[0].time)]
    hidden = await ask([unknown(1)], lambda asked: [], sent=unseen)
    assert (hidden.absent, "known as sent" in hidden.problem) == (frozenset(), True)
    another = await ask([unknown(1)], lambda asked: [row_of("+12025550307", "H-31")] if "307" in asked else [], sent=unseen)
    assert another.absent == frozenset(), "another text to that number proves nothing"
    shown = await ask([unknown(1)], lambda asked: [row_of("+12025550307", "H-30")] if "307" in asked else [], sent=unseen)
    assert shown.absent == {1}


async def test_a_list_that_goes_silent_in_the_middle() -> None:
    """What it does not show any more would be absent."""
    asked: list[dict[str, list[str]]] = []

    def rows(number: str) -> list[Any]:
        return [row_of("+12025550307", "H-30")] if "307" in number and len(asked) < 5 else []

    sent = [SENT[0], Known(50, "+12025550307", "H-30", SENT[0].time)]
    result = await ask([unknown(row) for row in range(1, 8)], rows, sent=sent, asked=asked)
    assert result.absent == frozenset()


@pytest.mark.parametrize("total", [400, "400", 3])
async def test_a_list_that_speaks_of_more_than_it_shows(total: Any) -> None:
    """The rows that it keeps back may be the text."""
    result = await ask([unknown(1)], lambda asked: [], total=total)
    assert (result.absent, "speaks of" in result.problem) == (frozenset(), True)


async def test_no_clock_of_ours_is_in_the_question() -> None:
    """With this machine's clock half a day ahead the list would be asked for the future, and everybody would be absent."""
    asked: list[dict[str, list[str]]] = []
    assert (await ask([unknown(1)], lambda number: [], asked=asked)).absent == {1}
    assert asked
    assert not {name for query in asked for name in query if name.endswith(("_gte", "_lte"))}


@pytest.mark.parametrize("hours", [-25, -14, -1, 1, 14, 25])
@pytest.mark.parametrize("content", ["Hi Ada. STOP", "Hi Ada. s.co/1 STOP"])
async def test_a_clock_that_is_hours_off_makes_nothing_absent(hours: float, content: str) -> None:
    """Whichever clock it is, ours at the send or theirs: the text is in the list."""
    one = unknown(1, ago=hours * 3600)
    result = await ask([one], lambda asked: [row_of(one.phone, "H-1", content)] if asked == one.phone else [])
    assert result.absent == frozenset()


@pytest.mark.parametrize("written", ["soon", 0, 1700000000, "1700000000", "01/02/2020", None, {}, "1999-01-01T00:00Z"], ids=str)
async def test_a_time_that_cannot_be_trusted_rules_nothing_out(written: Any) -> None:
    """Seconds read as milliseconds would be of 1970, and the text would be an earlier one."""
    one = unknown(1)
    row = row_of(one.phone, "H-1", "Hi Ada. s.co/1 STOP", date_sent=written)
    assert (await ask([one], lambda asked: [row] if asked == one.phone else [])).absent == frozenset()


async def test_whoever_sends_our_words_back_has_had_them() -> None:
    """A list that writes the direction in another way would show our text as one that came in, and we would send it again."""
    one = unknown(1)
    row = row_of(one.phone, "H-1", one.text, is_outbound=False, status="RECEIVED")
    assert (await ask([one], lambda asked: [row] if asked == one.phone else [])).absent == frozenset()


@pytest.mark.parametrize("hours", [-14, 14])
async def test_a_clock_that_is_off_all_the_time_is_put_right_by_the_witnesses(hours: float) -> None:
    """With this machine's clock half a day ahead the text is in the list, and would stay in doubt for ever."""
    sent = [Known(one.row, one.phone, one.logid, one.time - int(hours * 3_600_000)) for one in SENT]
    one = unknown(1, ago=hours * 3600)
    result = await ask([one], lambda asked: [row_of(one.phone, "H-1", one.text)] if asked == one.phone else [], sent=sent)
    assert (result.found, result.problem) == ({1: "H-1"}, "")
