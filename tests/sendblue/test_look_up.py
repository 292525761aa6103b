"""What the message list says of texts in doubt; nothing is absent that the list may only show otherwise."""

import json
import time

import pytest

from rumbleup_async import Sendblue
from rumbleup_async.messaging import Doubt
from rumbleup_async.sendblue.list_search import ListSearch
from rumbleup_async.session.exchange import Response
from rumbleup_async.session.scripted import ScriptedExchange
from rumbleup_async.simulator import Server, handle_of

LINE = "+12025550199"


@pytest.fixture
async def search(sendblue: Sendblue) -> ListSearch:
    return ListSearch(sendblue.messages)


def doubt(row: int, text: str = "Hi Ada. STOP", *, ago: float = 0.0) -> Doubt:
    return Doubt(row, f"+1202555010{row}", text, int((time.time() - ago) * 1000))


async def test_what_stands_in_the_list_is_found(search: ListSearch, sendblue: Sendblue, server: Server) -> None:
    """A text that was delivered would be sent again, or stay in doubt for ever."""
    for row in (1, 2):
        await sendblue.messages.send(number=f"202555010{row}", from_number=LINE, content="Hi Ada. STOP")
    findings = await search.look_up([doubt(1), doubt(2), doubt(3)])
    handles = [handle_of(text.logid) for text in server.simulator.truth]
    assert findings.found == {1: handles[0], 2: handles[1]}
    assert findings.absent == {3}
    assert findings.problem == ""


async def test_an_older_text_is_not_taken_for_this_one(search: ListSearch, sendblue: Sendblue, server: Server) -> None:
    """Last week's campaign would settle this week's doubts."""
    server.simulator.world.clock = lambda: time.time() - 86_400
    await sendblue.messages.send(number="2025550101", from_number=LINE, content="Hi Ada. STOP")
    assert (await search.look_up([doubt(1)])).absent == {1}


@pytest.mark.parametrize("written", ["+12025550101", "12025550101", "2025550101", "(202) 555-0101"])
async def test_a_number_written_otherwise_is_the_same_number(written: str) -> None:
    """A text that was delivered would count as absent because the list leaves out a plus sign, and be sent again."""
    rows = [{"number": number, "is_outbound": True, "content": "Hi", "message_handle": handle} for number, handle in
            [("+12025550102", "H-0"), (written, "H-1"), (written, "H-2")]]  # fmt: skip
    body = json.dumps({"data": rows, "pagination": {"hasMore": False}}).encode()
    exchange = ScriptedExchange(lambda _: Response(200, {}, body))
    async with Sendblue("KEY", "SECRET", base_url="http://127.0.0.1:1", exchange=exchange) as client:
        findings = await ListSearch(client.messages).look_up([doubt(1, "Hi")])
    assert (findings.found, findings.several) == ({1: "H-1"}, {1: 2})


async def test_a_list_without_end_settles_nothing() -> None:
    """A server that knows no offset would have us read the same page for ever."""
    body = b'{"data": [{"number": "+12025550101", "is_outbound": true, "content": "x", "message_handle": "H-1"}]}'
    exchange = ScriptedExchange(lambda _: Response(200, {}, body))
    async with Sendblue("KEY", "SECRET", base_url="http://127.0.0.1:1", exchange=exchange) as client:
        findings = await ListSearch(client.messages).look_up([doubt(1, "Hi")])
    assert (findings.found, findings.absent) == ({}, frozenset())
    assert "again and again" in findings.problem


async def test_a_clock_that_was_ahead_makes_nothing_absent(search: ListSearch, sendblue: Sendblue, server: Server) -> None:
    """With the sender's clock ten minutes fast a text that was delivered would be searched for from too late, counted as absent
    and sent again."""
    server.simulator.world.clock = lambda: time.time() - 600
    await sendblue.messages.send(number="2025550101", from_number=LINE, content="Hi Ada. STOP")
    findings = await search.look_up([doubt(1)])
    assert (findings.found, findings.absent) == ({}, frozenset())
    assert "the same words before" in findings.problem


async def test_a_text_that_was_held_back_and_altered_stays_in_doubt(search: ListSearch, sendblue: Sendblue) -> None:
    """A text waits for its line for up to a quarter of an hour with its intent on the disk; when the process dies then, what the
    list shows a little changed, long after the intent, would count as absent."""
    await sendblue.messages.send(number="2025550101", from_number=LINE, content="Hi Ada. [link] STOP")
    held = doubt(1, ago=800)
    assert (await search.look_up([held])).absent == {1}, "of a text that ended in doubt nothing leaves later"
    found_dead = Doubt(held.row, held.phone, held.text, held.time, held.time + 900_000)
    assert (await search.look_up([found_dead])).absent == frozenset()


async def test_other_words_at_that_time_leave_it_in_doubt(search: ListSearch, sendblue: Sendblue) -> None:
    """A list that shows a text a little changed would make us send it a second time."""
    await sendblue.messages.send(number="2025550101", from_number=LINE, content="Hi  Ada. STOP\n")
    await sendblue.messages.send(number="2025550102", from_number=LINE, content="Hi Ada. [link] STOP")
    findings = await search.look_up([doubt(1), doubt(2)])
    assert list(findings.found) == [1]
    assert findings.absent == frozenset()
    assert "words" in findings.problem


async def test_what_failed_stays_in_doubt(search: ListSearch, sendblue: Sendblue, server: Server) -> None:
    """It would be counted as sent, or sent again while the provider may still be trying."""
    server.simulator.receipt("2025550101", "failed")
    await sendblue.messages.send(number="2025550101", from_number=LINE, content="Hi Ada. STOP")
    server.simulator.change(receipt_delay=0.0)
    findings = await search.look_up([doubt(1)])
    assert (findings.found, findings.absent) == ({}, frozenset())
    assert "failed" in findings.problem


async def test_a_list_that_cannot_be_read_settles_nothing(search: ListSearch, server: Server) -> None:
    """Everything in doubt would count as absent while the server is in trouble."""
    server.simulator.change(api_key="OTHER:KEY")
    findings = await search.look_up([doubt(1), doubt(2)])
    assert (findings.found, findings.absent) == ({}, frozenset())
    assert "could not be read" in findings.problem


async def test_a_doubt_without_a_time_is_never_absent(search: ListSearch) -> None:
    """The list does not say how far back it reaches."""
    findings = await search.look_up([Doubt(1, "+12025550101", "Hi", 0)])
    assert (findings.found, findings.absent) == ({}, frozenset())
