"""Opt-outs before a run and during it, as the command reads them."""

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rumbleup_async import RumbleUp, Stop
from rumbleup_async.cli import opt_out_watch
from rumbleup_async.cli.opt_out_watch import Watch, watching
from rumbleup_async.errors import BookLocked, UnreadableReply
from rumbleup_async.people import Book, OptOut, Pull
from rumbleup_async.simulator import Server, Simulator
from rumbleup_async.stops import Cause
from rumbleup_async.webhooks import Record, SQLite

from .conftest import Process
from .test_care import SEND, listed

TEXT = "Hi. STOP to opt out"


@pytest.fixture
def voters(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir(exist_ok=True)
    return listed(tmp_path / "folder" / "voters.csv")


BOOK = ("--book", "b", "--json")


async def test_whoever_the_account_knows_is_left_out(
    process: Process, simulator: Simulator, rumbleup: RumbleUp, voters: Path
) -> None:
    """Everybody who has opted out of an earlier campaign would be on the next list again."""
    for number in range(1, 4):
        await rumbleup.contacts.sync(phone=f"20255501{number:02d}")
    simulator.tag("2025550101", "dnd")
    simulator.tag("2025550102", "bad")
    done = await process("send", voters, *SEND, *BOOK, "--ledger", "a.ledger", "--opt-outs", "auto")
    assert done.returncode == 0, done.stderr
    assert "2 opt-outs read from the provider" in done.stderr
    told = json.loads(done.stdout)
    assert (told["sent"], told["reasons"]["skipped"]) == (4, {"opt_out": 1, "opt_out_likely": 1})
    simulator.tag("2025550103", "dnd")
    done = await process("opt-outs", "pull", "--book", "b")
    assert "3 opt-outs read" in done.stderr, done.stderr
    done = await process("book", "show", "--book", "b", "--json")
    assert [one["read"] for one in json.loads(done.stdout)["pulls"]] == [1, 2]


async def test_a_run_does_not_begin_without_its_opt_outs(process: Process, simulator: Simulator, voters: Path) -> None:
    """A provider that is down would count as one where nobody has opted out."""
    simulator.change(api_key="OTHER:SECRET")
    words = ("send", voters, *SEND, *BOOK, "--ledger", "a.ledger")
    done = await process(*words, "--opt-outs", "auto")
    assert done.returncode == 3, done.stderr
    assert "opt-outs unread" in done.stderr
    assert "--opt-outs ignore-provider" in done.stderr
    simulator.change(api_key="KEY:SECRET")
    done = await process(*words, "--opt-outs", "ignore-provider")
    assert (done.returncode, "the provider is not asked who has opted out" in done.stderr) == (0, True), done.stderr
    done = await process("send", voters, *SEND, "--ledger", "c.ledger", "--opt-outs", "auto", "--again")
    assert (done.returncode, "--opt-outs needs the book" in done.stderr) == (2, True)


async def test_the_receiver_s_file_is_read(process: Process, voters: Path) -> None:
    """Whoever has a receiver has the replies within seconds, and would have to ask the provider for them all the same."""
    sink = SQLite(voters.parent / "events")
    sink.open()
    event = {"type": "MESSAGE_RECEIVED", "data": {"phone": "2025550102", "text": "Stop!"}}
    sink.write([Record("1", "MESSAGE_RECEIVED", 1, msgspec.Raw(json.dumps(event).encode()))])
    sink.close()
    done = await process("send", voters, *SEND, *BOOK, "--ledger", "a.ledger", "--opt-outs", "events")
    assert json.loads(done.stdout)["reasons"]["skipped"] == {"opt_out": 1}, done.stderr
    done = await process("send", voters, *SEND, *BOOK, "--ledger", "b.ledger", "--opt-outs", "none", "--again")
    assert (done.returncode, "there is no such file" in done.stderr) == (2, True)


async def test_an_opt_out_during_a_run_is_heeded(server: Server, rumbleup: RumbleUp, tmp_path: Path) -> None:
    """Somebody who answers STOP to a friend's text would get the same text minutes later."""
    people = [f"20255501{number:02d}" for number in range(40)]
    async with Book(tmp_path / "b") as book:
        options: dict[str, Any] = {"book": book, "concurrency": 1, "rate": 40.0}
        async with rumbleup.fast_mode(action=125, text=TEXT, **options) as run:
            sending = asyncio.create_task(_sent(run, people))
            async with watching(run, Watch(rumbleup.opt_outs), every=0.02):
                while not server.simulator.truth:
                    await asyncio.sleep(0.01)
                server.simulator.reply(people[-1], "STOP")
                await sending
    texted = [text.phone for text in server.simulator.truth]
    assert people[-1] not in texted
    assert len(texted) == 39


async def _sent(run: Any, people: list[str]) -> None:
    await run.send(people)


class Fails:
    """A source that cannot be read."""

    def __init__(self, error: Exception) -> None:
        self.error, self.looks = error, 0

    async def look(self, since: float | None = None) -> list[OptOut]:
        self.looks += 1
        raise self.error


@pytest.mark.parametrize(("error", "is_endured"), [(UnreadableReply("no list"), True), (KeyError("x"), False)])
async def test_a_run_stops_once_opt_outs_stay_unread(error: Exception, is_endured: bool) -> None:
    """It would text on for hours whom nobody can take off any more; or stop for one answer that was lost."""
    source, stops = Fails(error), list[Stop]()

    class Watched:
        book = type("Book", (), {"book": None})()

        def stop(self, why: Stop) -> None:
            stops.append(why)

    run: Any = Watched()
    async with watching(run, Watch(source), every=0.01, longest=0.05):
        while not stops:
            await asyncio.sleep(0.01)
    assert [stop.cause for stop in stops] == [Cause.OPT_OUTS_UNREAD]
    assert (source.looks > 1) is is_endured


async def test_an_opt_out_that_the_book_could_not_take_is_kept_for_the_next_look(tmp_path: Path) -> None:
    """A source tells of each opt-out once: one that met a locked book would be texted for the rest of the run."""

    class Once:
        def __init__(self) -> None:
            self.looks = 0

        async def look(self, since: float | None = None) -> list[OptOut]:
            self.looks += 1
            return [OptOut("2025550101", 1, "reply", "stop")] if self.looks == 1 else []

    class Locked(Book):
        fails = 2

        async def add_opt_outs(self, opt_outs: Sequence[OptOut], pull: Pull | None = None) -> int:
            if self.fails:
                self.fails -= 1
                raise BookLocked("kept by another process")
            return await super().add_opt_outs(opt_outs, pull)

    async with Locked(tmp_path / "b") as book:
        run: Any = type("Run", (), {"book": type("RunBook", (), {"book": book})()})()
        source = Once()
        async with watching(run, Watch(source), every=0.001):
            while source.looks < 5:
                await asyncio.sleep(0.001)
        assert [out.phone for out in book.opt_outs_now()] == ["2025550101"]


async def test_opt_outs_that_came_during_the_question_are_read_before_the_first_text(tmp_path: Path) -> None:
    """Whoever thinks about the question for an hour would text people for a minute who have opted out meanwhile."""

    class Tells:
        async def look(self, since: float | None = None) -> list[OptOut]:
            await asyncio.sleep(0.01)
            return [OptOut("2025550101", 1, "reply", "stop")]

    async with Book(tmp_path / "b") as book:
        run: Any = type("Run", (), {"book": type("RunBook", (), {"book": book})()})()
        async with watching(run, Watch(Tells(), read=time.monotonic() - 3600)):
            assert [out.phone for out in book.opt_outs_now()] == ["2025550101"]


def test_a_minute_between_looks_and_ten_without() -> None:
    """What docs/people.md says of it would be wrong."""
    assert (opt_out_watch.EVERY, opt_out_watch.LONGEST, opt_out_watch.YOUNG) == (60, 600, 86400)


LINES = ("--provider", "sendblue", "--from", "+12025550199", "--text", TEXT, "--yes", "--per-second", "0")


async def test_what_came_in_over_sendblue_is_left_out(process: Process, simulator: Simulator, voters: Path) -> None:
    """Sendblue has no list of opt-outs, so whoever wrote STOP yesterday is texted; or its inbound list is down and stops all."""
    simulator.reply("2025550101", "STOP")
    words = ("send", voters, *LINES, *BOOK, "--opt-outs", "auto")
    done = await process(*words, "--ledger", "a.ledger")
    assert done.returncode == 0, done.stderr
    assert "Sendblue has no list of opt-outs" in done.stderr
    assert "1 opt-out read from what came in" in done.stderr
    assert json.loads(done.stdout)["reasons"]["skipped"] == {"opt_out": 1}
    simulator.set_faults({"log:html": 1.0})
    done = await process(*words, "--gap", "0", "--again", "--ledger", "b.ledger")
    assert done.returncode == 0, done.stderr
    assert "the messages that came in cannot be read" in done.stderr
    assert json.loads(done.stdout)["sent"] == 5


async def test_sendblue_is_told_of_opt_outs_if_asked(process: Process, simulator: Simulator) -> None:
    """The book knows, and another tool on the account does not."""
    done = await process("opt-outs", "add", "2025550101", "--book", "b")
    assert (done.returncode, simulator.world.blocked_by("2025550101")) == (0, None)
    done = await process("opt-outs", "add", "2025550101", "2025550102", "--book", "b", "--tell-sendblue")
    assert done.returncode == 0, done.stderr
    assert "2 opt-outs, 1 of them new" in done.stderr
    assert "Sendblue was told of 2 numbers" in done.stderr
    assert simulator.world.blocked_by("2025550102") == "dnd"
    done = await process("opt-outs", "lift", "2025550101", "--book", "b", "--tell-sendblue")
    assert (done.returncode, simulator.world.blocked_by("2025550101")) == (0, None), done.stderr
    simulator.change(api_key="OTHER:SECRET")
    done = await process("opt-outs", "add", "2025550103", "--book", "b", "--tell-sendblue")
    assert done.returncode == 2
    assert "Sendblue was told of 0 of 1" in done.stderr
    assert "2025550103" in (await process("opt-outs", "list", "--book", "b")).stdout
    simulator.change(api_key="KEY:SECRET")
    simulator.reply("2025550104", "quit")
    done = await process("opt-outs", "pull", "--book", "b", "--provider", "sendblue")
    assert (done.returncode, "1 opt-out read from what came in" in done.stderr) == (0, True), done.stderr
