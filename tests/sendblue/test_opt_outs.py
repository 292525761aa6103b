"""Opt-outs in what people have written to Sendblue's lines, and the call that opts a number out there."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from rumbleup_async import ApiError, Request, Response, ScriptedExchange, Sendblue, UnreadableReply
from rumbleup_async.people import Book, OptOut
from rumbleup_async.simulator import Server

ADA, BOB, CID, LINE = "+12025550101", "+12025550102", "+12025550103", "+12025550199"


def held(book: Book) -> dict[str, OptOut]:
    return {one.phone: one for one in book.opt_outs_now()}


async def test_what_people_have_written_is_read(server: Server, sendblue: Sendblue, tmp_path: Path) -> None:
    """A STOP that was answered to Sendblue is nowhere else, and the next list has the person again."""
    for phone in (ADA, BOB, CID):
        await sendblue.messages.send(number=phone, from_number=LINE, content="Hi. STOP to opt out")
    server.simulator.reply("2025550101", "STOP")
    server.simulator.reply("2025550102", "please take me off your list")
    server.simulator.reply("2025550103", "Yes!")
    heard: list[int] = []
    async with Book(tmp_path / "b") as book:
        assert await sendblue.opt_outs.pull(book, heard.append) == 2
        found = held(book)
        assert {phone: one.is_sure for phone, one in found.items()} == {ADA[2:]: True, BOB[2:]: False}
        assert found[ADA[2:]].world == sendblue.identity.server, "what a server on this machine says counts there alone"
        assert found[ADA[2:]].word == "opted_out"
        server.simulator.reply("2025550103", "Stop")
        assert [one.phone for one in await sendblue.opt_outs.look()] == [CID[2:]]
        assert await sendblue.opt_outs.look() == []
        (pull,) = book.pulls_now()
        assert pull.at
    assert heard[-1] == 2


async def test_a_number_is_opted_out_and_in_again(server: Server, sendblue: Sendblue) -> None:
    """It is in our book alone, and another tool on the same account texts it."""
    await sendblue.opt_outs.tell("(202) 555-0101")
    with pytest.raises(ApiError, match="opted out"):
        await sendblue.messages.send(number=ADA, from_number=LINE, content="Hi")
    await sendblue.opt_outs.tell(ADA, opted_out=False)
    await sendblue.messages.send(number=ADA, from_number=LINE, content="Hi")


def row(hour: int, **more: Any) -> dict[str, Any]:
    """A message of the list, an hour after the one before."""
    at = dt.datetime(2026, 11, 1, tzinfo=dt.UTC) + dt.timedelta(hours=hour)
    phone = f"+120255501{hour:02d}"
    return {
        "message_handle": f"H{hour}", "is_outbound": False, "from_number": phone, "number": phone, "to_number": LINE,
        "sendblue_number": LINE, "content": "Stop", "date_sent": at.isoformat(), **more,
    }  # fmt: skip


class Script:
    """A server whose inbound list comes by two rows a page; one page fails once."""

    def __init__(self, rows: list[dict[str, Any]], broken: int = -1) -> None:
        self.rows, self.broken = rows, broken
        self.asked: list[tuple[str, str]] = []

    def __call__(self, request: Request) -> Response:
        query = {name: values[0] for name, values in parse_qs(request.query or "").items()}
        since, offset = query.get("created_at_gte", ""), int(query.get("offset", 0))
        self.asked.append((since, str(offset)))
        if offset == self.broken:
            self.broken = -1
            return Response(404, {}, b'{"message": "gone"}')
        begin = dt.datetime.fromisoformat(since) if since else dt.datetime.min.replace(tzinfo=dt.UTC)
        rows = [one for one in self.rows if dt.datetime.fromisoformat(one["date_sent"]) >= begin]
        page = {"status": "OK", "data": rows[offset : offset + 2], "pagination": {"hasMore": offset + 2 < len(rows)}}
        return Response(200, {}, msgspec.json.encode(page))


def client(script: Any) -> Sendblue:
    return Sendblue("KEY", "SECRET", exchange=ScriptedExchange(script))


async def test_a_pull_that_breaks_off_goes_on_where_it_ended(tmp_path: Path) -> None:
    """A list of years is read from its beginning each time, or its rest never."""
    script = Script([row(number) for number in range(7)], broken=4)
    async with Book(tmp_path / "b") as book, client(script) as sendblue:
        with pytest.raises(ApiError):
            await sendblue.opt_outs.pull(book)
        assert len(held(book)) == 4
        script.asked.clear()
        await sendblue.opt_outs.pull(book)
        assert len(held(book)) == 7
        assert script.asked[0] == ("2026-11-01T02:50:00.000Z", "0")
        script.asked.clear()
        assert await sendblue.opt_outs.pull(book) == 0  # only what has come since is asked for
        assert script.asked[0][0] > "2026-11-02"


async def test_rows_that_lie_about_time_direction_or_phone_do_no_harm(tmp_path: Path) -> None:
    """One message from the year 2099 has all later ones skipped; our own text with the word STOP opts its recipient out."""
    rows = [
        row(1, date_sent="2099-01-01T00:00:00Z"),
        row(2, is_outbound=True, content="Reply STOP to opt out", number="+12025550102", from_number=LINE),
        row(3, number="+442071838750", from_number="+442071838750"),
        row(4, content=None, opted_out=True),
        row(5, is_outbound=True, opted_out=True, number="+12025550105", from_number=LINE),
        row(6, content="ok", opted_out="false"),
    ]
    async with Book(tmp_path / "b") as book, client(Script(rows, broken=6)) as sendblue:
        await sendblue.opt_outs.pull(book)
        assert sorted(held(book)) == ["2025550101", "2025550104", "2025550105"]
        assert book.pulls_now()[0].at < 4_000_000_000


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b'{"status": "OK", "number": "+12025550101", "opted_out": false}', UnreadableReply),
        (200, b"{}", UnreadableReply),
        (200, b"[]", UnreadableReply),
        (200, b'{"status": "ERROR", "message": "no such contact"}', ApiError),
        (404, b'{"message": "Not found"}', ApiError),
    ],
)
async def test_an_opt_out_that_was_not_taken_is_an_error(status: int, body: bytes, error: type[Exception]) -> None:
    """The command says that Sendblue was told, and its other tools go on texting."""
    async with client(lambda _: Response(status, {}, body)) as sendblue:
        with pytest.raises(error) as caught:
            await sendblue.opt_outs.tell(ADA)
    assert "2025550101" not in str(caught.value)


async def test_an_answer_that_does_not_repeat_the_flag_is_fine() -> None:
    """All of its fields are optional."""
    async with client(lambda _: Response(200, {}, b'{"status": "OK"}')) as sendblue:
        await sendblue.opt_outs.tell(ADA)
