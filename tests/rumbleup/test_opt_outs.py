"""Opt-outs that the account knows: read to their end, believed only where each row shows what was asked for."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from rumbleup_async import Request, Response, RumbleUp, ScriptedExchange, UnreadableReply
from rumbleup_async.people import Book, OptOut
from rumbleup_async.rumbleup import opt_outs as module
from rumbleup_async.rumbleup.opt_outs import OptOuts
from rumbleup_async.simulator import Server

ADA, BEA = "2025550101", "2025550102"


async def held(book: Book) -> dict[str, OptOut]:
    return {one.phone: one for one in book.opt_outs_now()}


async def test_both_flags_are_pulled_to_their_end(server: Server, rumbleup: RumbleUp, tmp_path: Path) -> None:
    """Whoever opted out in other words than STOP, or stands on a later page, would be texted."""
    for number in range(80):
        await rumbleup.contacts.sync(phone=f"20255501{number:02d}")
        if number % 2:
            server.simulator.tag(f"20255501{number:02d}", "dnd" if number % 4 == 1 else "bad")
    heard: list[int] = []
    async with Book(tmp_path / "b") as book:
        assert await rumbleup.opt_outs.age(book) is None
        assert await rumbleup.opt_outs.pull(book, heard.append) == 40
        found = await held(book)
        assert len(found) == 40
        assert {one.is_sure for one in found.values()} == {True, False}
        assert found[ADA].is_sure
        assert found[ADA].world == rumbleup.identity.server, "what a server on this machine says counts there alone"
        age = await rumbleup.opt_outs.age(book)
        assert age is not None
        assert 0 <= age < 100
    assert heard[-1] == 40


class Script:
    """A server with pages of opt-outs; the one after `broken` pages fails once."""

    def __init__(self, pages: list[list[dict[str, Any]]], broken: int = -1, most: int = 999) -> None:
        self.pages, self.broken, self.most = pages, broken, most
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Response:
        query = dict(parse_qsl(request.query or ""))
        self.asked.append(str(query.get("_start", "")))
        if query.get("flags") == "bad":
            return self._answer({"count": 0, "data": []})
        if int(query.get("_count", 32)) > self.most:
            return Response(400, {}, b'{"error": {"message": "_count is too large", "code": "FIELD"}}')
        number = int(query.get("_start") or 0)
        if number == self.broken:
            self.broken = -1
            return Response(404, {}, b'{"error": {"message": "gone"}}')
        more = {"next_token": str(number + 1)} if number + 1 < len(self.pages) else {}
        return self._answer({"count": len(self.pages[number]), "data": self.pages[number], **more})

    @staticmethod
    def _answer(value: object) -> Response:
        return Response(200, {}, msgspec.json.encode(value))


def opt_outs(script: Script) -> OptOuts:
    return RumbleUp("KEY:SECRET", exchange=ScriptedExchange(script)).opt_outs


def rows(first: int, number: int = 3, flag: str = "dnd") -> list[dict[str, Any]]:
    return [{"phone": f"20255501{first + n:02d}", "flags": ["replied", flag]} for n in range(number)]


async def test_a_pull_that_breaks_off_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred thousand opt-outs would be read from the beginning each time the network hiccups."""
    script = Script([rows(0), rows(3), rows(6)], broken=1)
    source = opt_outs(script)
    async with Book(tmp_path / "b") as book:
        with pytest.raises(Exception, match="404"):
            await source.pull(book)
        assert len(await held(book)) == 3
        assert await source.age(book) is None, "what was not read to its end does not count as read"
        script.asked.clear()
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: time.time() + 7200.0))
        assert await source.pull(book) == 9
        assert script.asked[0] == "1"
        assert len(await held(book)) == 9
        age = await source.age(book)
        assert age is not None
        assert age >= 7200.0, "whoever has opted out since the first page was read is on none of the others"


@pytest.mark.parametrize("row", [{"phone": ADA, "flags": ["replied"]}, {"phone": ADA}, {"phone": ADA, "flags": ["bad"]}])
async def test_a_list_that_does_not_show_the_flag_is_unread(tmp_path: Path, row: dict[str, Any]) -> None:
    """A server that does not know the filter shows everybody: the whole list would count as opted out, or as none."""
    async with Book(tmp_path / "b") as book:
        source = opt_outs(Script([[*rows(0), row]]))
        with pytest.raises(UnreadableReply, match="without the flag that was asked for"):
            await source.pull(book)
        assert await source.age(book) is None


async def test_a_server_that_takes_no_large_pages_is_asked_for_its_own(tmp_path: Path) -> None:
    """The most that a page may have is not documented."""
    async with Book(tmp_path / "b") as book:
        assert await opt_outs(Script([rows(0)], most=100)).pull(book) == 3


async def test_replies_are_found_in_the_log_once(server: Server, rumbleup: RumbleUp) -> None:
    """Somebody who answers STOP would be texted until the next full pull."""
    for phone in (ADA, BEA, "2025550103"):
        await rumbleup.messages.send(phone=phone, action=125, text="Hi. STOP to opt out", flags=["bad"])
    assert await rumbleup.opt_outs.look() == [], "a tag of a text of ours is no opt-out"
    server.simulator.reply(ADA, "STOP")
    server.simulator.reply(BEA, "wrong number")
    server.simulator.reply("2025550103", "yes")
    found = await rumbleup.opt_outs.look()
    assert {(one.phone, one.word, one.is_sure) for one in found} == {(ADA, "dnd", True), (BEA, "bad", False)}
    assert await rumbleup.opt_outs.look() == []
