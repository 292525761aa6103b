"""Concurrent mode under a scripted server with locks: at most once, always accounted for, whatever next answers."""

import asyncio
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from rumbleup_async import ConfigurationError, LedgerError, Policy, Result, State, Summary
from rumbleup_async.engine import ports
from rumbleup_async.engine.lease import boot_time
from rumbleup_async.engine.leases import Leases
from rumbleup_async.engine.locks import Locks
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import Ledger, Permit
from rumbleup_async.engine.texters import Pause, Texters, Writer
from rumbleup_async.ledger import MemoryLedger, SqliteLedger
from rumbleup_async.messaging import NO_REASONS, Closed, Contact, Plan, Planned, Skipped, Text
from rumbleup_async.outcomes import (
    Accepted,
    Bar,
    Barred,
    Draw,
    Drawn,
    NoneLeft,
    NoneNow,
    NotSent,
    Outcome,
    Refused,
    Throttled,
    Unknown,
)
from rumbleup_async.reasons import Reason
from rumbleup_async.reasons import from_words as because
from rumbleup_async.rules.door import OPEN
from rumbleup_async.runs.run import CONCURRENT, WRITTEN, Run, Settings
from rumbleup_async.screening.screen import Screen
from rumbleup_async.stops import Cause, Stop
from tests import virtual_time
from tests.books import open_ledger
from tests.engine.scripted import TEXT, Books, Provider, Script, accepts, make_ledger, phone, rows_of

LEDGERS = pytest.mark.parametrize("kind", ["memory", "sqlite"])

Said = Draw | BaseException | None
"""What a script lets the server say to a draw; None is the truth."""

LOST = Unknown(because("no answer in time"))
FULL = Throttled(because("told 440"), 440)


class Server(Provider):
    """A project with locks. `says(number)` may replace the answer to draw number N; a lost answer has locked a contact."""

    def __init__(
        self,
        contacts: int | Sequence[Drawn] = 0,
        *,
        says: Callable[[int], Said] = lambda number: None,
        script: Script = accepts,
        latency: float = 0.05,
        lock: float = 300.0,
        most: int | None = None,
    ) -> None:
        super().__init__(script, latency)
        self.waiting: deque[Drawn] = deque()
        self.add(contacts)
        self.says = says
        self.lock = lock
        self.most = most
        self.locks: dict[str, tuple[float, Drawn]] = {}
        self.done: set[str] = set()
        self.draws: list[float] = []
        self.handed: Counter[str] = Counter()
        self.asking = 0
        self.most_asking = 0
        self.closes_lost = True
        """Whether a contact whose text left without an answer counts as texted at the server."""
        self.stays: set[str] = set()
        """Phones that the server hands out whatever was done with them, and without a lock."""
        self.run: Run | None = None
        self.window = 0
        self.has_shrunk = False

    def add(self, contacts: int | Sequence[Drawn], start: int = 0) -> None:
        if isinstance(contacts, int):
            contacts = [Drawn(phone(start + n), {"phone": phone(start + n), "first_name": "Ada"}) for n in range(contacts)]
        self.waiting.extend(contacts)

    async def draw(self) -> Draw:
        if self.forbidden:
            self.wrongs.append(f"a draw after {self.forbidden}")
        self.draws.append(virtual_time.now())
        number = len(self.draws)
        if number > 8_000:
            raise AssertionError("the server is asked without end")
        self.asking += 1
        self.most_asking = max(self.most_asking, self.asking)
        if self.run is not None:
            window = self.run.window
            if window < self.window:
                self.has_shrunk = True
            self.window = window
            if self.asking > max(window, 1) and not self.has_shrunk:
                self.wrongs.append(f"{self.asking} draws in flight with {window} texters in use")
        try:
            said = self.says(number)
            if said is None and self.most is not None and self.asking > self.most:
                said = FULL
            answer = self._true() if said is None or isinstance(said, (Unknown, BaseException)) else said
            await asyncio.sleep(self.latency)
            if isinstance(said, BaseException):
                raise said
            return said or answer
        finally:
            self.asking -= 1

    def _true(self) -> Draw:
        now = virtual_time.now()
        for key, (end, contact) in list(self.locks.items()):
            if end <= now:
                del self.locks[key]
                self.waiting.append(contact)
        while self.waiting:
            contact = self.waiting.popleft()
            if contact.phone in self.done:
                continue
            self.handed[contact.phone] += 1
            if contact.phone in self.stays:
                self.waiting.append(contact)
            else:
                self.locks[contact.phone] = (now + self.lock, contact)
            return contact
        return NoneNow() if self.locks else NoneLeft()

    async def deliver(self, text: Text, permit: Permit) -> Outcome:
        before = len(self.left)
        outcome = await super().deliver(text, permit)
        left = text.phone in self.left[before:]
        if isinstance(outcome, Accepted) or (left and self.closes_lost):
            self.locks.pop(text.phone, None)
            if text.phone not in self.stays:
                self.done.add(text.phone)
        return outcome


class DrawingBooks(Books):
    """Books of concurrent mode: `fails` counts exchanges and draws together."""

    def __init__(self, ledger: Ledger, **options: Any) -> None:
        super().__init__(ledger, **options)
        self.batches: list[int] = []

    async def claim(
        self,
        owner: int,
        done: Sequence[Closed],
        drawn: Sequence[Planned | Skipped],
        now: float,
        *,
        waits: Mapping[int, Reason] = NO_REASONS,
    ) -> list[Text | Result]:
        self.exchanges += 1
        failure = self.fails(self.exchanges)
        self.batches.append(len(drawn))
        await asyncio.sleep(self.slow)
        if failure == "before":
            self._fail()
        answers = await self.ledger.claim(owner, done, drawn, now, waits=waits)
        for close in done:
            self.closed[close.row] = close
        self.entries -= {close.row for close in done}
        if failure:
            self._fail()
        self.entries |= {answer.row for answer in answers if isinstance(answer, Text)}
        self.most_open = max(self.most_open, len(self.entries))
        await asyncio.sleep(self.slow)
        return answers


def make(
    server: Server,
    *,
    ledger: Ledger | None = None,
    text: str = TEXT,
    writer: Writer | None = None,
    texters: int = 8,
    rate: float | None = None,
    limit: int | None = None,
    locks: Locks | None = None,
    policy: Policy | None = None,
    suppress: Sequence[str] = (),
    resume: bool = False,
    countries: Sequence[str] = ("US", "CA"),
    pace: ports.Pace | None = None,
    given: Mapping[str, Any] | None = None,
) -> Run:
    """A concurrent run against the server."""
    books = ledger if isinstance(ledger, DrawingBooks) else DrawingBooks(ledger or MemoryLedger())
    server.books = books
    details = {"mode": CONCURRENT}
    run = Run(
        None
        if resume
        else Settings(
            provider="test",
            action="125",
            text=text if writer is None else WRITTEN,
            writer=writer,
            countries=countries,
            details=details,
        ),
        Options(concurrency=texters, limit=limit, policy=policy or Policy(), locks=locks, suppress=frozenset(suppress)),
        gateway=lambda plan: server,
        ledger=books,
        pace=pace or Pace(rate),
        given=given,
    )
    server.run = run
    return run


class Came(NamedTuple):
    """What a run came to."""

    results: list[Result]
    rows: dict[int, Result]
    summary: Summary
    run: Run
    took: float

    def one(self, number: int) -> Result:
        """The one row of a phone."""
        (found,) = [row for row in self.rows.values() if row.phone == phone(number)]
        return found

    @property
    def states(self) -> Counter[str]:
        return Counter(row.state.word for row in self.rows.values())


async def work(run: Run) -> Came:
    """Run to the end."""
    began = virtual_time.now()
    async with run:
        results = [result async for result in run.send()]
        took = virtual_time.now() - began
        rows = await rows_of(run._ledger)
    return Came(results, rows, run.summary, run, took)


def play(server: Server, **options: Any) -> Came:
    """One run to its end, and nobody is texted twice."""
    came = virtual_time.run(work(make(server, **options)))
    fine(server)
    return came


def fine(server: Server) -> None:
    """What must hold whatever happened."""
    assert server.wrongs == []
    assert [one for one, times in Counter(server.left).items() if times > 1] == []


def once(server: Server, count: int) -> None:
    assert sorted(server.left) == sorted(phone(n) for n in range(count))


def numbers(*said: tuple[int, Said]) -> Callable[[int], Said]:
    """A script by the number of the draw."""
    return dict(said).get


# ---- the way it goes ----


@LEDGERS
@pytest.mark.parametrize("texters", [1, 7, 40])
def test_everybody_is_texted_once(kind: str, tmp_path: Path, texters: int) -> None:
    """Contacts would be lost or texted twice without anything going wrong."""
    server = Server(100)
    came = play(server, ledger=make_ledger(kind, tmp_path), texters=texters, text="Hi {first_name}. STOP to opt out")
    once(server, 100)
    assert came.states == {"sent": 100}
    assert came.summary.stopped is None
    assert {call.text for call in server.calls} == {"Hi Ada. STOP to opt out"}
    assert isinstance(server.books, Books)
    assert server.books.most_open <= 2 * texters
    assert server.most_asking <= texters
    assert sorted(result.row for result in came.results) == list(range(1, 101))


def test_a_cell_of_the_account_that_says_nothing_is_empty() -> None:
    """The account was filled by an import that wrote NULL: everybody whose name it does not know is greeted so."""
    said = ["NULL", '="Ada"', "#N/A", "Grace"]
    server = Server([Drawn(phone(n), {"phone": phone(n), "first_name": name}) for n, name in enumerate(said)])
    came = play(server, text="Hi {first_name}. STOP to opt out", limit=4, locks=Locks(patience=1))
    assert sorted(call.text for call in server.calls) == ["Hi Ada. STOP to opt out", "Hi Grace. STOP to opt out"]
    assert [came.one(n).reason for n in (0, 2)] == ["empty merge field first_name"] * 2


@LEDGERS
def test_a_contact_of_another_country_is_texted_only_where_it_is_named(kind: str, tmp_path: Path) -> None:
    """The account's contacts are of all the world, and a resume would forget what the run was told."""
    there = [Drawn("8765550101", {}), Drawn("9005550101", {}), Drawn(phone(1), {})]
    server = Server(there)
    play(server, ledger=make_ledger(kind, tmp_path), locks=Locks(patience=1))
    assert server.left == [phone(1)]
    other = Server(there)
    play(other, countries=["US", "JM"], limit=1, texters=1, locks=Locks(patience=1))
    assert other.left == ["8765550101"]


def test_the_end_waits_for_the_other_texters() -> None:
    """A texter that hears 404 would end the run under texts that are on their way."""
    server = Server(6, latency=0.01)
    slow = server.script

    def script(text: Text, attempt: int) -> Any:
        async def late() -> Outcome:
            await asyncio.sleep(50 if text.row == 3 else 0)
            return Accepted(f"rl_{text.row}")

        return late() if text.row == 3 else slow(text, attempt)

    server.script = script
    server.says = lambda number: NoneLeft() if not server.waiting else None
    came = play(server, texters=3)
    # What the script does not settle at once has not been noted as left by the provider; the books have it.
    assert came.states == {"sent": 6}
    assert came.summary.stopped is None


@LEDGERS
@pytest.mark.parametrize(("limit", "texters"), [(1, 1), (1, 8), (3, 8), (8, 8), (11, 8), (30, 8)])
def test_never_more_than_the_limit(kind: str, tmp_path: Path, limit: int, texters: int) -> None:
    """`--limit 1`, to try a text on one person, would text as many as there are texters."""
    server = Server(30)
    came = play(server, ledger=make_ledger(kind, tmp_path), limit=limit, texters=texters)
    assert len(server.left) == limit
    assert len(server.handed) == limit, "more contacts were locked than may be texted"
    assert came.summary.sent == limit
    assert came.summary.stopped is not None
    assert came.summary.stopped.startswith("limit")


def test_the_limit_counts_texts_not_contacts() -> None:
    """With a limit of 5 somebody who may not be texted would use up the place of somebody who may."""
    server = Server([Drawn(phone(n), {}, because("opted out (dnd)" if n % 2 else "")) for n in range(20)])
    came = play(server, limit=5, texters=3)
    assert came.summary.sent == 5
    assert len(server.left) == 5


# ---- what next may answer ----


def test_none_this_time_is_asked_again_in_a_couple_of_seconds() -> None:
    """The server would be asked without a pause, or the run would end while contacts remain."""
    server = Server(3, says=lambda number: NoneNow() if 2 <= number <= 9 else None)
    came = play(server, texters=1)
    once(server, 3)
    waits = [after - before for before, after in zip(server.draws[1:9], server.draws[2:10], strict=True)]
    assert all(1.0 <= wait <= 3.2 for wait in waits), waits
    assert len({round(wait, 3) for wait in waits}) > 3, "no jitter"
    assert came.summary.stopped is None


@pytest.mark.parametrize("patience", [20.0, 60.0])
def test_none_this_time_is_the_end_only_when_it_stays(patience: float) -> None:
    """A run whose contacts are all locked by others would never end, or end at once."""
    server = Server(2, says=lambda number: NoneNow() if number > 2 else None)
    came = play(server, texters=4, locks=Locks(patience=patience))
    once(server, 2)
    assert patience <= came.took <= patience + 8
    assert came.summary.stopped is None


def test_none_this_time_of_many_texters_is_not_a_storm() -> None:
    """64 texters in use once, all told "in a couple of seconds", would ask 64 times a second."""
    server = Server(0, says=lambda number: NoneNow(), latency=0.01)
    play(server, texters=64, locks=Locks(patience=60))
    busiest = max(sum(1 for other in server.draws if at <= other < at + 1.0) for at in server.draws)
    assert busiest <= 64, f"{busiest} draws in one second"
    assert len(server.draws) <= 64 * 61


def test_contacts_that_come_late_get_all_texters() -> None:
    """After a phase without contacts only the texters that had not given up would go on."""
    server = Server(40, latency=0.05)

    def says(number: int) -> Said:
        now = virtual_time.now()
        return NoneNow() if 1005 < now < 1050 else None

    server.says = says
    server.add(200, start=40)
    came = play(server, texters=8, rate=4.0)
    once(server, 240)
    assert came.states == {"sent": 240}


def test_440_halves_once_what_is_in_use_and_recovers() -> None:
    """One moment with too many at a time would throw a run of 64 texters back to a single one."""
    seen: list[int] = []
    server = Server(400, latency=0.1)
    told = [0]

    def says(number: int) -> Said:
        assert server.run is not None
        seen.append(server.run.window)
        if told[0] == 0 and server.run.window == 32 and server.asking >= 1:
            told[0] = 1
            told.append(number)
        # All that ask within one instant are told the same.
        if told[0] and number < told[1] + 12 and told[0] == 1:
            return FULL
        return None

    server.says = says
    came = play(server, texters=32)
    assert told[0] == 1
    once(server, 400)
    lowest = min(seen[told[1] :])
    assert lowest >= 8, f"32 texters were cut down to {lowest}"
    assert max(seen[told[1] + 40 :]) > lowest, "they never came back"
    assert came.states == {"sent": 400}


def test_440_as_long_as_there_are_too_many() -> None:
    """The number of texters would not settle at what the server takes, and the run would stop or crawl."""
    server = Server(600, latency=0.1, most=4)
    came = play(server, texters=32)
    once(server, 600)
    assert came.states == {"sent": 600}
    # Four at a time, two requests of 0.1 s each: 600 texts take 30 s at best when only draws are limited.
    assert came.took < 300, f"{came.took:.0f} s"


@pytest.mark.parametrize("answer", [Throttled(because("told 429"), 429, 7.0), Throttled(because("told 440"), 440, 7.0)])
def test_a_wish_to_wait_is_granted(answer: Throttled) -> None:
    """A server that asked for 7 seconds of rest would be asked again within them."""
    server = Server(3, says=numbers((2, answer)))
    play(server, texters=1)
    once(server, 3)
    assert server.draws[2] - server.draws[1] >= 7.0


@pytest.mark.parametrize("number", [2, 5, 30])
@pytest.mark.parametrize("answer", [Throttled(because("told 429"), 429, 20.0), Throttled(because("told 440"), 440, 20.0)])
def test_one_who_is_told_to_wait_is_told_for_all(answer: Throttled, number: int) -> None:
    """One texter would rest while the others go on hammering, one after the other."""
    server = Server(60, says=numbers((number, answer)), latency=0.05)
    play(server, texters=8)
    once(server, 60)
    at = server.draws[number - 1] + server.latency
    inside = [time for time in server.draws if at + 0.001 < time < at + 20.0]
    assert inside == []


def test_throttling_that_never_ends_stops_with_words() -> None:
    """A run would hang for days, or end as if all was done."""
    server = Server(5, says=lambda number: Throttled(because("told 429"), 429) if number > 2 else None)
    came = play(server, texters=4)
    assert came.summary.stopped is not None
    assert came.summary.stopped.startswith("throttled")


@pytest.mark.parametrize("trouble", [FULL, Throttled(because("told 429"), 429), LOST, NotSent(because("refused"))])
def test_trouble_between_nobody_now_is_not_trouble_in_a_row(trouble: Draw) -> None:
    """A long poll that meets a little trouble now and then would stop as if nothing else was ever answered."""
    server = Server(2, latency=0.01)
    server.says = lambda number: None if number <= 2 or server.late else (trouble if number % 3 == 0 else NoneNow())  # type: ignore[attr-defined]
    server.late = False  # type: ignore[attr-defined]

    async def main() -> Came:
        async def import_later() -> None:
            await asyncio.sleep(1500)
            server.add(5, start=2)
            server.late = True  # type: ignore[attr-defined]

        task = asyncio.create_task(import_later())
        came = await work(make(server, texters=1, locks=Locks(patience=3000)))
        await task
        return came

    came = virtual_time.run(main())
    fine(server)
    assert came.summary.stopped is None
    assert came.summary.sent == 7


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Barred(Bar.KEY_REFUSED, because("401 no"), 401), "key refused"),
        (Barred(Bar.NOT_ALLOWED, because("403 API is not authorized"), 403), "403 API is not authorized"),
        (Barred(Bar.OPT_OUT_MISSING, because("403 opt-out"), 403), "opt-out"),
        (Barred(Bar.DAILY_CAP, because("400 DAILYCAP"), 400), "daily cap"),
        (Barred(Bar.OUTSIDE_HOURS, because("400 TIMERANGE"), 400), "400 TIMERANGE"),
        (Refused(because("400 action: no such project"), 400), "400 action: no such project"),
        (Refused(because("404 an HTML page of 20 bytes"), 404), "404 an HTML page"),
    ],
)
@pytest.mark.parametrize("when", [1, 20])
def test_what_stands_in_the_way_stops_the_run(answer: Draw, words: str, when: int) -> None:
    """A wrong key, project or account would be asked for ever, or look like the end of the work."""
    server = Server(100, says=lambda number: answer if number >= when else None)
    came = play(server, texters=8)
    assert came.summary.stopped is not None
    assert words in came.summary.stopped
    assert len(server.draws) < when + 8
    assert came.summary.sent == len(server.left)
    assert came.states.keys() <= {"sent", "queued"}
    assert all("lock ends" in row.reason for row in came.rows.values() if row.state is State.QUEUED)


@pytest.mark.parametrize(
    "answer", [NotSent(because("the connection was refused")), LOST, Unknown(because("the server answered 502"), 502)]
)
@pytest.mark.parametrize("when", [1, 30])
def test_a_server_that_is_down_stops_the_run(answer: Draw, when: int) -> None:
    """A run against a dead server would go on for ever, or say that the work was done."""
    server = Server(100, says=lambda number: answer if number >= when else None)
    came = play(server, texters=4)
    assert came.summary.stopped is not None
    assert came.summary.sent == len(server.left)
    assert len(server.draws) < when + 70
    assert came.took < 1200


@pytest.mark.parametrize(
    "answer", [NotSent(because("the connection was refused")), Unknown(because("the server answered 502"), 502)]
)
def test_a_server_that_comes_back_is_gone_on_with(answer: Draw) -> None:
    """A restart of the server in the middle would end the run, or be answered by a storm."""
    server = Server(40, latency=0.05, lock=30.0)
    began: list[float] = []

    def says(number: int) -> Said:
        if number < 15:
            return None
        began[:] = began or [virtual_time.now()]
        return answer if virtual_time.now() < began[0] + 4.0 else None

    server.says = says
    came = play(server, texters=4)
    during = [at for at in server.draws if began[0] <= at < began[0] + 4.0]
    assert len(during) < 40, "asked again and again without a pause"
    once(server, 40)
    assert came.summary.stopped is None


# ---- lost answers ----


@LEDGERS
def test_lost_answers_are_counted_and_never_asked_twice(kind: str, tmp_path: Path) -> None:
    """A draw repeated by itself would lock two contacts; one forgotten would leave somebody out unsaid."""
    server = Server(12, says=numbers((3, LOST), (7, Unknown(because("200 bytes that are not the JSON expected"), 200))))
    came = play(server, ledger=make_ledger(kind, tmp_path), texters=1)
    assert came.run.lost_draws == 2
    assert came.run.lost_until is not None, "the time is known after the run, too"
    assert len(server.left) == 10
    assert came.summary.stopped is None
    assert set(server.locks) == {phone(2), phone(6)}


def test_the_time_told_is_when_the_last_lock_ends() -> None:
    """Told too early, whoever resumes then finds nobody and believes that all is done."""

    class Slow(Server):
        async def draw(self) -> Draw:
            number = len(self.draws) + 1
            if number == 3:
                self._last = virtual_time.now()
                locked = self._true()
                assert isinstance(locked, Drawn)
                self.draws.append(virtual_time.now())
                await asyncio.sleep(30.0)
                return LOST
            return await super().draw()

    server = Slow(30, says=lambda number: LOST if number == 8 else None, latency=0.1)
    stamps: list[float] = []

    async def main() -> Came:
        came = await work(make(server, texters=3, locks=Locks(patience=20)))
        ends = max(end for end, _ in server.locks.values())
        until = came.run.lost_until
        assert until is not None
        stamps.extend([ends - virtual_time.now(), until.timestamp() - time.time()])
        return came

    came = virtual_time.run(main())
    assert came.run.lost_draws == 2
    assert stamps[1] >= stamps[0] - 1.0, f"told {stamps[0] - stamps[1]:.0f} s too early"


@LEDGERS
@pytest.mark.parametrize("lost_at", [2, 10, 12])
def test_waiting_for_lost_contacts(kind: str, tmp_path: Path, lost_at: int) -> None:
    """With --wait-locks the contact behind a lost answer would still be left out."""
    server = Server(12, says=numbers((lost_at, LOST)))
    came = play(server, ledger=make_ledger(kind, tmp_path), texters=4, locks=Locks(wait=True))
    once(server, 12)
    assert came.summary.stopped is None
    assert server.locks == {}


def test_waiting_for_lost_contacts_behind_a_404() -> None:
    """A server that says 404 while contacts are locked would end the wait at once."""
    server = Server(5, says=numbers((3, LOST)))
    true = server._true

    def hides_locks() -> Draw:
        answer = true()
        return NoneLeft() if isinstance(answer, NoneNow) else answer

    server._true = hides_locks  # type: ignore[method-assign]
    came = play(server, texters=2, locks=Locks(wait=True))
    once(server, 5)
    assert came.took < 400


def test_waiting_ends_for_a_contact_that_never_comes() -> None:
    """Somebody else may have texted the lost contact: the wait would have no end."""
    server = Server(4, says=numbers((2, LOST)), lock=1e9)
    came = play(server, texters=2, locks=Locks(wait=True))
    assert came.took < 450
    assert len(server.left) == 3


def test_waiting_counts_from_the_loss_not_from_the_last_contact() -> None:
    """An answer lost late in a phase without contacts would not be waited for."""

    def says(number: int) -> Said:
        now = virtual_time.now() - 1000.0
        if 0.15 < now < 200.0:
            return NoneNow()
        return None

    server = Server(6, says=says, latency=0.05)
    plain = server.says
    lost = [0]

    def once_lost(number: int) -> Said:
        if virtual_time.now() > 1200.0 and not lost[0]:
            lost[0] = number
            return LOST
        return plain(number)

    server.says = once_lost
    server.waiting.clear()
    server.add(3)

    async def main() -> Came:
        async def late() -> None:
            await asyncio.sleep(198)
            server.add(1, start=3)

        task = asyncio.create_task(late())
        came = await work(make(server, texters=2, locks=Locks(wait=True)))
        await task
        return came

    virtual_time.run(main())
    assert lost[0]
    once(server, 4)


# ---- locks ----


@LEDGERS
def test_an_expired_lock_is_not_used_and_its_contact_texted_later_once(kind: str, tmp_path: Path) -> None:
    """A contact whose lock had ended would be texted by two processes, or by none."""
    server = Server(3, lock=30.0)
    held = [False]

    def script(text: Text, attempt: int) -> Outcome:
        if not held[0]:
            held[0] = True
            return Throttled(because("told 429"), 429, 40.0)
        return Accepted(f"rl_{text.row}")

    server.script = script
    came = play(server, ledger=make_ledger(kind, tmp_path), texters=1, locks=Locks(held=30.0, send_within=24.0, patience=100))
    once(server, 3)
    assert came.states == {"sent": 3}
    first = [(result.state.word, result.reason) for result in came.results if result.phone == phone(0)]
    assert first == [("not_sent", "lock expired"), ("sent", "")]


def test_nothing_leaves_later_than_allowed() -> None:
    """A slow rate would let contacts wait in our hands until somebody else has them too."""
    server = Server(40, lock=30.0, latency=0.01)
    sent_at: dict[str, float] = {}
    drawn_at: dict[str, float] = {}
    true = server._true

    def noted() -> Draw:
        answer = true()
        if isinstance(answer, Drawn):
            drawn_at[answer.phone] = virtual_time.now()
        return answer

    def script(text: Text, attempt: int) -> Outcome:
        sent_at[text.phone] = virtual_time.now() - drawn_at[text.phone]
        return Accepted("rl_1")

    server._true = noted  # type: ignore[method-assign]
    server.script = script
    came = play(server, texters=16, rate=0.5, locks=Locks(held=30.0, send_within=10.0, patience=60))
    assert max(sent_at.values()) <= 10.1
    once(server, 40)
    assert came.states == {"sent": 40}


@LEDGERS
@pytest.mark.parametrize(
    "outcome",
    [
        Accepted("rl_1"),
        Unknown(because("reset")),
        Refused(because("400 LANDLINE"), 400, "LANDLINE", True),
        Refused(because("400 no"), 400),
    ],
)
def test_whoever_comes_again_is_not_texted_again(kind: str, tmp_path: Path, outcome: Outcome) -> None:
    """A contact that comes back when its lock ends would be texted twice."""
    again = Server(6, lock=20.0, script=lambda text, attempt: outcome if text.phone == phone(3) else accepts(text, attempt))
    again.closes_lost = False
    if isinstance(outcome, Accepted):
        again.stays = {phone(3)}
        again.says = lambda number: NoneLeft() if number > 40 else None
    came = play(again, ledger=make_ledger(kind, tmp_path), texters=2, locks=Locks(patience=50))
    assert [call.phone for call in again.calls].count(phone(3)) == 1
    assert again.handed[phone(3)] > 1
    assert came.summary.sent == (6 if isinstance(outcome, Accepted) else 5)


@LEDGERS
@pytest.mark.parametrize("kind_of", ["texted", "unknown", "opted out", "unreadable"])
def test_whoever_comes_again_and_again(kind: str, tmp_path: Path, kind_of: str) -> None:
    """A server that hands out the same person without a lock would be asked thousands of times a minute, fill the report with
    one line each time, and keep the run from ever ending."""
    drawn = {
        "texted": Drawn(phone(3), {}),
        "unknown": Drawn(phone(3), {}),
        "opted out": Drawn(phone(3), {}, because("opted out (dnd)")),
        "unreadable": Drawn("n/a", {}),
    }[kind_of]
    server = Server([drawn], latency=0.05)
    server.stays = {drawn.phone}
    if kind_of == "unknown":
        server.script = lambda text, attempt: Unknown(because("reset"))
    server.says = lambda number: NoneLeft() if virtual_time.now() > 1600.0 else None
    came = play(server, ledger=make_ledger(kind, tmp_path), texters=4, locks=Locks(patience=60))
    assert len(came.rows) <= 2, f"{len(came.rows)} rows about one person"
    assert came.took < 200, "the run does not end while it is handed nobody but people it may not text"
    assert len(server.draws) <= 4 * 70


def test_many_who_may_not_be_texted_do_not_keep_the_run_from_ending() -> None:
    """Contacts with an opt-out come back when their locks end; with enough of them there would never be a 441."""
    server = Server([Drawn(phone(n), {}, because("opted out (dnd)")) for n in range(3000)], lock=300.0, latency=0.05)
    server.says = lambda number: NoneLeft() if virtual_time.now() > 1000 + 7200 else None
    came = play(server, texters=8)
    assert came.took < 7200
    assert came.states == {"skipped": 3000}


# ---- who is not texted ----


@LEDGERS
@pytest.mark.parametrize(
    ("drawn", "shown", "reason"),
    [
        (Drawn("n/a", {"first_name": "Ada"}), None, "invalid phone: "),
        (Drawn("", {}, because("two phones in one reply")), "", "two phones in one reply"),
        (Drawn("2025550999", {"first_name": ""}), "2025550999", "empty merge field first_name"),
        (Drawn("2025550999", {"first_name": "Ada"}, because("opted out (dnd)")), "2025550999", "opted out (dnd)"),
        (Drawn("+1 (202) 555-0999", {"first_name": "Ada"}, because("a landline")), "2025550999", "a landline"),
        (Drawn("2025550777", {"first_name": "Ada"}), "2025550777", "suppressed"),
        (Drawn("2025550999", {"first_name": "\ud800"}), "2025550999", "unreadable row: "),
        (Drawn("20255\ud80050999", {"first_name": "Ada"}), None, "invalid phone: "),
        (Drawn("2025550999\ud800", {"first_name": "Ada"}, because("a landline")), None, "a landline"),
        (Drawn("x" * 5000, {"first_name": "Ada"}, because("a landline")), None, "a landline"),
    ],
)
def test_in_doubt_nobody_is_texted(kind: str, tmp_path: Path, drawn: Drawn, shown: str | None, reason: str) -> None:
    """The wrong person, or one who said STOP, would get a text; or nobody would learn why someone got none."""
    contacts = [Drawn(phone(n), {"first_name": "Ada"}) for n in range(6)]
    server = Server([*contacts[:3], drawn, *contacts[3:]], lock=30.0)
    came = play(
        server,
        ledger=make_ledger(kind, tmp_path),
        texters=2,
        text="Hi {first_name}. STOP to opt out",
        suppress=["+1 202 555 0777"],
        locks=Locks(patience=100),
    )
    once(server, 6)
    (row,) = [row for row in came.rows.values() if row.state is State.SKIPPED]
    assert row.reason.startswith(reason)
    assert shown is None or row.phone == shown
    assert len(row.phone) < 100
    assert server.handed[drawn.phone] > 1, "it never came back, so this test shows nothing"
    assert [result for result in came.results if result.state is State.SKIPPED] == [row]


@LEDGERS
@pytest.mark.parametrize(("raw", "barred"), [("", "two phones in one reply"), ("n/a", "")])
def test_each_ambiguous_contact_is_reported(kind: str, tmp_path: Path, raw: str, barred: str) -> None:
    """Three people who cannot be told apart by a phone would be one line in the report, and two of them nowhere."""
    odd = [Drawn(raw, {"cid": "c_1", "first_name": f"Ada {n}", "last_name": "Byron"}, because(barred)) for n in range(3)]
    server = Server([Drawn(phone(0), {}), *odd], lock=1e6)
    # Each is a contact of its own to the server.
    waiting = list(server.waiting)
    server.says = lambda number: waiting[number - 1] if number <= 4 else NoneLeft()
    server.script = accepts
    came = play(server, ledger=make_ledger(kind, tmp_path), texters=1)
    assert came.states == {"sent": 1, "skipped": 3}


# ---- the text is chosen by a function ----


def chosen(contact: Contact) -> str | None:
    return f"Hi {contact.fields['first_name']}. STOP to opt out"


@LEDGERS
@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_chooses_the_text(kind: str, tmp_path: Path, is_async: bool) -> None:
    """An embedded service could not decide whom to text, or its choice would go to somebody else."""
    asked: list[str] = []

    def choose(contact: Contact) -> str | None:
        asked.append(contact.phone)
        number = int(contact.phone[-4:])
        return {0: None, 1: "Hi without the word", 2: "STOP to end " + "x" * 5000}.get(number, f"Hi {contact.phone}. STOP")

    async def choose_later(contact: Contact) -> str | None:
        await asyncio.sleep(0.5)
        return choose(contact)

    server = Server(10, lock=1000.0)
    came = play(server, ledger=make_ledger(kind, tmp_path), texters=3, writer=choose_later if is_async else choose)
    assert {call.phone: call.text for call in server.calls} == {phone(n): f"Hi {phone(n)}. STOP" for n in range(3, 10)}
    assert came.one(0).reason == "no text was chosen"
    assert "STOP" in came.one(1).reason
    assert came.one(2).reason.startswith("text too long")
    assert came.states == {"sent": 7, "skipped": 3}
    assert len(asked) == 10


class Boom(Exception):
    pass


@LEDGERS
@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_that_fails_ends_the_run_and_says_whose(kind: str, tmp_path: Path, is_async: bool) -> None:
    """A bug in the caller's function would be swallowed, text something else, or leave the books open."""

    def fails(contact: Contact) -> str | None:
        if contact.phone == phone(5):
            raise Boom
        return chosen(contact)

    async def fails_later(contact: Contact) -> str | None:
        await asyncio.sleep(0.01)
        return fails(contact)

    server = Server(20)
    run = make(server, ledger=make_ledger(kind, tmp_path), texters=3, writer=fails_later if is_async else fails)
    came: list[Result] = []

    async def main() -> None:
        async with run:
            async for result in run.send():
                came.append(result)  # noqa: PERF401 - those before the failure count

    with pytest.raises(Boom):
        virtual_time.run(main())
    fine(server)
    assert phone(5) not in server.left
    assert run.summary.stopped is not None
    assert run.summary.stopped.startswith("text failed")
    assert run.summary.sent == len(server.left)
    assert run.summary.unknown == 0
    told = {result.phone for result in came} | set(server.left)
    assert set(server.locks) <= told or run.lost_draws > 0, "a contact is locked and nobody says so"


def test_a_function_that_was_cancelled_is_not_the_end_of_the_work() -> None:
    """A timeout inside the caller's function would make the run end as if nobody was left."""

    async def cancelled(contact: Contact) -> str | None:
        if contact.phone == phone(5):
            raise asyncio.CancelledError
        return chosen(contact)

    server = Server(20)
    run = make(server, texters=1, writer=cancelled)

    async def main() -> None:
        async with run:
            await run.send()

    with suppress(Exception):
        virtual_time.run(main())
    fine(server)
    assert run.summary.stopped is not None or run.summary.sent >= 19


@pytest.mark.parametrize("odd", [5, b"STOP", ["STOP"]])
def test_a_function_that_returns_no_text_at_all(odd: Any) -> None:
    """Something that is not a text would be sent as one."""
    server = Server(3)
    run = make(server, texters=1, writer=lambda contact: odd)

    async def main() -> None:
        with pytest.raises(Exception):  # noqa: B017, PT011
            async with run:
                await run.send()

    virtual_time.run(main())
    assert server.left == []


def test_a_text_with_control_characters_is_not_sent() -> None:
    """What a template may not hold would be sent because a function wrote it."""
    server = Server(2, lock=1e6)
    came = play(server, texters=1, writer=lambda contact: "Hi\x00 STOP to opt out")
    assert server.left == []
    assert came.states == {"skipped": 2}


# ---- stopping ----

MOMENTS = [0.0, 0.02, 0.05, 0.07, 0.1, 0.13, 0.2, 0.31, 0.5, 0.77, 1.0, 1.5, 2.2, 3.1, 4.0, 6.0]


def busy() -> Server:
    """A server at which every kind of waiting happens: drawing, intents, pacing, delivering, pausing."""
    return Server(60, says=lambda number: NoneNow() if number % 7 == 0 else FULL if number % 31 == 0 else None, latency=0.06)


def accounted(server: Server, came: Sequence[Result], rows: dict[int, Result], run: Run) -> None:
    """Every contact the server handed out is in the books; those locked by us are named with the time."""
    by_phone = {row.phone: row for row in rows.values()}
    missing = set(server.handed) - set(by_phone)
    assert len(missing) <= run.lost_draws, f"drawn, locked, and in no book: {missing}"
    for row in rows.values():
        if row.state is State.SENT:
            assert row.phone in server.left
        if row.state is State.QUEUED:
            assert row.phone not in server.left
            assert re.fullmatch(r"drawn, not sent; its lock ends at \d\d:\d\d:\d\d UTC", row.reason), row.reason
        assert row.state is not State.INTENT
    assert set(server.left) <= set(by_phone)


@LEDGERS
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_stop_at_any_moment(kind: str, tmp_path: Path, moment: float) -> None:
    """After Ctrl-C something would still leave, or a contact in our hands would be in no book."""
    server = busy()
    books = DrawingBooks(make_ledger(kind, tmp_path), slow=0.01)
    run = make(server, ledger=books, texters=5, rate=15.0)

    async def main() -> tuple[list[Result], dict[int, Result]]:
        results: list[Result] = []

        async def stopping() -> None:
            await asyncio.sleep(moment)
            run.stop(Stop(Cause.INTERRUPTED))
            server.forbidden = "the stop"

        async with run:
            task = asyncio.create_task(stopping())
            results += [result async for result in run.send()]
            await task
            rows = await rows_of(books.ledger)
        return results, rows

    results, rows = virtual_time.run(main())
    fine(server)
    assert run.summary.stopped == "interrupted"
    assert run.summary.unknown == 0
    assert books.entries == set()
    accounted(server, results, rows, run)
    named = {result.phone for result in results if result.state is State.NOT_SENT}
    assert named == {row.phone for row in rows.values() if row.state is State.QUEUED}


@LEDGERS
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_cancellation_at_any_moment(kind: str, tmp_path: Path, moment: float, times: int) -> None:
    """A cancelled task would leave entries open, connections in use, or text on."""
    server = busy()
    books = DrawingBooks(make_ledger(kind, tmp_path), slow=0.01)
    run = make(server, ledger=books, texters=5, rate=15.0)

    async def use() -> None:
        async with run:
            await run.send()

    async def main() -> dict[int, Result]:
        task = asyncio.create_task(use())
        await asyncio.sleep(moment)
        for number in range(times):
            if number:
                await asyncio.sleep(0.02)
            task.cancel()
        await asyncio.wait([task])
        server.forbidden = "the end"
        again = MemoryLedger() if kind == "memory" else SqliteLedger(tmp_path / "run.ledger")
        if kind == "memory":
            assert task.cancelled()
            return await rows_of(books.ledger)
        await open_ledger(again, None) if (tmp_path / "run.ledger").exists() and run._setup.has_plan else None
        rows = await rows_of(again)
        await again.aclose()
        return rows

    rows = virtual_time.run(main())
    fine(server)
    assert books.is_closed or not run._setup.has_plan
    accounted(server, [], rows, run)
    if times == 1:
        assert all(row.state is not State.UNKNOWN for row in rows.values())
    else:
        assert sum(row.state is State.UNKNOWN for row in rows.values()) <= 10


@LEDGERS
@pytest.mark.parametrize("taken", [1, 2, 5, 20])
def test_leaving_by_break(kind: str, tmp_path: Path, taken: int) -> None:
    """A caller who has seen enough would find the texters still texting."""
    server = busy()
    books = DrawingBooks(make_ledger(kind, tmp_path), slow=0.01)
    run = make(server, ledger=books, texters=5)

    async def main() -> None:
        async with run:
            number = 0
            async for _ in run.send():
                number += 1
                if number == taken:
                    server.forbidden = "the break"
                    run.stop("enough")
                    break
        before = len(server.draws), len(server.calls)
        await asyncio.sleep(100)
        assert (len(server.draws), len(server.calls)) == before

    virtual_time.run(main())
    fine(server)
    assert books.entries == set()
    assert books.is_closed
    assert server.closed == 1


def test_a_second_cancellation_counts_the_draws_in_flight() -> None:
    """Contacts locked by draws nobody waited for would not be spoken of."""
    server = Server(50, latency=5.0)
    run = make(server, texters=4)

    async def use() -> None:
        async with run:
            await run.send()

    async def main() -> int:
        task = asyncio.create_task(use())
        await asyncio.sleep(42.0)
        asking = server.asking
        task.cancel()
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])
        return asking

    asking = virtual_time.run(main())
    assert asking > 0
    assert run.lost_draws == asking
    assert run.lost_until is not None


def test_a_second_cancellation_counts_contacts_whose_text_was_being_chosen() -> None:
    """Somebody would be locked, in no book, and the run would say that nothing was lost."""

    async def slowly(contact: Contact) -> str | None:
        await asyncio.sleep(20.0)
        return chosen(contact)

    server = Server(5, latency=0.01)
    run = make(server, texters=1, writer=slowly)

    async def use() -> None:
        async with run:
            await run.send()

    async def main() -> dict[int, Result]:
        task = asyncio.create_task(use())
        await asyncio.sleep(10.0)
        task.cancel()
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])
        assert isinstance(server.books, Books)
        return await rows_of(server.books.ledger)

    rows = virtual_time.run(main())
    assert server.left == []
    assert len(rows) + run.lost_draws == 1


# ---- the books fail ----


@LEDGERS
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(1, 26))
def test_books_that_fail_at_any_step(kind: str, tmp_path: Path, when: str, step: int) -> None:
    """With a full disk texts would leave that nobody wrote down, and leave again on resume."""
    server = busy()
    books = DrawingBooks(make_ledger(kind, tmp_path), fails=lambda number: when if number == step else "")
    books.on_failure = lambda: setattr(server, "forbidden", "the disk was full")
    run = make(server, ledger=books, texters=5)

    async def main() -> None:
        async with run:
            await run.send()

    with pytest.raises(LedgerError):
        virtual_time.run(main())
    fine(server)
    states = {row.phone: row.state for row in virtual_time.run(_reopened(books, kind, tmp_path)).values()}
    for one in server.left:
        assert states[one] in {State.SENT, State.UNKNOWN}, f"{one} was texted and is {states[one].word}"


async def _reopened(books: Books, kind: str, path: Path) -> dict[int, Result]:
    if kind == "memory":
        return await rows_of(books.ledger)
    ledger = SqliteLedger(path / "run.ledger")
    await open_ledger(ledger, None)
    rows = await rows_of(ledger)
    await ledger.aclose()
    return rows


def test_a_full_disk_is_summed_up_truly(tmp_path: Path) -> None:
    """The summary would speak of contacts as unknown that the books do not hold and that were never texted."""
    server = Server(3000, latency=0.001)
    ledger = SqliteLedger(tmp_path / "run.ledger")
    run = make(server, ledger=DrawingBooks(ledger), texters=8)

    async def main() -> None:
        async with run:
            ledger._file.db.execute("PRAGMA max_page_count = 32")
            await run.send()

    with pytest.raises(LedgerError):
        virtual_time.run(main())
    fine(server)
    rows = virtual_time.run(_reopened(DrawingBooks(ledger), "sqlite", tmp_path))
    assert run.summary.total == len(rows)
    assert run.summary.sent <= len(server.left)


# ---- the next process ----


@LEDGERS
def test_going_on_with_a_ledger(kind: str, tmp_path: Path) -> None:
    """Whoever was drawn and not texted before the stop would be forgotten; whoever was texted would be texted again."""
    server = busy()
    ledger = make_ledger(kind, tmp_path)

    async def main() -> Came:
        first = make(server, ledger=ledger, texters=5, rate=5.0)
        async with first:

            async def stopping() -> None:
                await asyncio.sleep(1.3)
                first.stop("enough")

            task = asyncio.create_task(stopping())
            await first.send()
            await task
        assert 0 < first.summary.sent < 60
        assert first.summary.resumable > 0
        next_books = DrawingBooks(ledger if kind == "memory" else SqliteLedger(tmp_path / "run.ledger"))
        return await work(make(server, ledger=next_books, texters=5, resume=True, locks=Locks(patience=400)))

    came = virtual_time.run(main())
    fine(server)
    once(server, 60)
    assert came.states == {"sent": 60}
    assert came.summary.total == 60


@LEDGERS
def test_going_on_does_not_repeat_what_was_skipped(kind: str, tmp_path: Path) -> None:
    """Each resume would count everybody who may not be texted once more."""
    odd = [Drawn("n/a", {"cid": "c_1"}), Drawn("", {"cid": "c_2"}, because("two phones in one reply"))]
    server = Server([*odd, *(Drawn(phone(n), {}, because("opted out (dnd)" if n < 3 else "")) for n in range(8))], lock=10.0)
    ledger = make_ledger(kind, tmp_path)

    async def main() -> Came:
        await work(make(server, ledger=ledger, texters=2, locks=Locks(patience=3)))
        for _ in range(2):
            await asyncio.sleep(60)
            again = DrawingBooks(ledger if kind == "memory" else SqliteLedger(tmp_path / "run.ledger"))
            came = await work(make(server, ledger=again, texters=2, resume=True, locks=Locks(patience=3)))
        return came

    came = virtual_time.run(main())
    fine(server)
    assert came.states == {"sent": 5, "skipped": 5}


@LEDGERS
def test_good_contacts_behind_those_who_are_passed_over(kind: str, tmp_path: Path) -> None:
    """A resume that is handed 400 opted-out people first would say that it is done before the first good contact."""
    server = Server([Drawn(phone(n), {}, because("opted out (dnd)")) for n in range(400)], lock=300.0)
    ledger = make_ledger(kind, tmp_path)

    async def main() -> Came:
        await work(make(server, ledger=ledger, texters=8))
        await asyncio.sleep(1000)
        server.waiting.extend(contact for _, contact in server.locks.values())
        server.locks.clear()
        server.add(20, start=400)
        again = DrawingBooks(ledger if kind == "memory" else SqliteLedger(tmp_path / "run.ledger"))
        return await work(make(server, ledger=again, texters=8, resume=True))

    came = virtual_time.run(main())
    fine(server)
    assert came.states == {"sent": 20, "skipped": 400}


def test_a_server_that_hands_out_the_lowest_id_first() -> None:
    """As soon as the locks of those who may not be texted end they come first, and the run would end before the others."""

    class ById(Server):
        def _true(self) -> Draw:
            now = virtual_time.now()
            for key, (end, contact) in list(self.locks.items()):
                if end <= now:
                    del self.locks[key]
                    self.waiting.append(contact)
            self.waiting = deque(sorted(self.waiting, key=lambda contact: contact.phone))
            return super()._true()

    server = ById(
        [Drawn(phone(n), {}, because("opted out (dnd)" if n < 150 else "")) for n in range(600)], lock=60.0, latency=0.05
    )
    came = play(server, texters=2, rate=3.0)
    assert came.states == {"sent": 450, "skipped": 150}
    assert came.took < 1000


@LEDGERS
@pytest.mark.parametrize("resumed", [False, True])
def test_somebody_drawn_twice_and_given_back_is_texted(kind: str, tmp_path: Path, resumed: bool) -> None:
    """Somebody handed out again while the first text waited, which then could not be sent, would never be texted."""
    server = Server(6, lock=8.0, latency=0.05)
    ledger = make_ledger(kind, tmp_path)
    late = [0]

    def script(text: Text, attempt: int) -> Any:
        if text.phone != phone(3) or late[0] >= 2:
            return accepts(text, attempt)
        late[0] += 1

        async def parked() -> Outcome:
            # Long enough that the server hands the contact to another of our texters in the meantime.
            await asyncio.sleep(12.0)
            return Barred(Bar.OUTSIDE_HOURS, because("400 TIMERANGE"), 400)

        return parked()

    server.script = script
    mine = server.deliver

    async def deliver(text: Text, permit: Permit) -> Outcome:
        outcome = await mine(text, permit)
        if isinstance(outcome, Barred):
            server.left[:] = [one for one in server.left if one != text.phone]
            server.done.discard(text.phone)
        return outcome

    server.deliver = deliver  # type: ignore[method-assign]
    server.closes_lost = False
    locks = Locks(held=8.0, send_within=7.0, patience=40)

    async def main() -> Came:
        run = make(server, ledger=ledger, texters=4, locks=locks)
        if not resumed:
            return await work(run)

        async def stopping() -> None:
            await asyncio.sleep(11.0)
            run.stop("enough")

        task = asyncio.create_task(stopping())
        await work(run)
        await task
        late[0] = 2
        await asyncio.sleep(30)
        again = DrawingBooks(ledger if kind == "memory" else SqliteLedger(tmp_path / "run.ledger"))
        return await work(make(server, ledger=again, texters=4, resume=True, locks=locks))

    came = virtual_time.run(main())
    assert server.handed[phone(3)] > 1, "it was never handed out twice, so this test shows nothing"
    assert Counter(server.left)[phone(3)] == 1
    assert came.summary.sent == 6
    assert came.summary.not_sent == 0


@LEDGERS
def test_somebody_whose_cause_is_gone_is_texted_on_resume(kind: str, tmp_path: Path) -> None:
    """Somebody whose missing name was filled in since would stay left out of every resume."""
    server = Server([Drawn(phone(0), {"first_name": "Ada"}), Drawn(phone(1), {"first_name": ""})], lock=10.0)
    ledger = make_ledger(kind, tmp_path)
    text = "Hi {first_name}. STOP to opt out"

    async def main() -> Came:
        await work(make(server, ledger=ledger, texters=2, text=text, locks=Locks(patience=3)))
        await asyncio.sleep(60)
        server.locks.clear()
        server.waiting = deque([Drawn(phone(1), {"first_name": "Bob"})])
        again = DrawingBooks(ledger if kind == "memory" else SqliteLedger(tmp_path / "run.ledger"))
        return await work(make(server, ledger=again, texters=2, resume=True, locks=Locks(patience=3)))

    came = virtual_time.run(main())
    fine(server)
    assert came.summary.sent == 2


def test_a_crash_leaves_unknown_what_was_open_and_nothing_of_it_is_texted_again(tmp_path: Path) -> None:
    """Whoever was being texted when the process died would be texted again as soon as the server hands them out."""
    server = Server(30, latency=0.05)
    ledger = SqliteLedger(tmp_path / "run.ledger")

    class Crash(BaseException):
        pass

    async def first() -> None:
        run = make(server, ledger=ledger, texters=4)
        await run.__aenter__()
        sending = asyncio.ensure_future(run.send())
        await asyncio.sleep(0.62)
        assert not sending.done()
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()
        raise Crash

    loop = virtual_time.VirtualLoop()
    with pytest.raises(Crash), asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(first())
    was_left = set(server.left)
    assert ledger._file.lock is not None
    ledger._close()
    ledger._thread.shutdown()
    server.locks = {key: (0.0, contact) for key, (_, contact) in server.locks.items()}
    server.asking = server.in_flight = 0

    async def second() -> Came:
        return await work(
            make(server, ledger=SqliteLedger(tmp_path / "run.ledger"), texters=4, resume=True, locks=Locks(patience=30))
        )

    came = virtual_time.run(second())
    assert [one for one, times in Counter(server.left).items() if times > 1] == []
    assert was_left <= set(server.left)
    unknown = {row.phone for row in came.rows.values() if row.state is State.UNKNOWN}
    assert len(unknown) <= 8
    assert set(server.left) | unknown == {phone(n) for n in range(30)}


def test_a_lease_that_is_renewed_loses_nobody_who_was_drawn() -> None:
    """Whoever was drawn while all were busy would be opened by the renewal, be texted by nobody, and never be closed."""

    class Lent(MemoryLedger):
        @property
        def lease(self) -> float:
            return 30.0

    async def main() -> None:
        ledger = Lent()
        await ledger.open(Plan(run="bcdfghjkmn", provider="test", action="125", text=TEXT))
        texters = SimpleNamespace(lock=lambda text: None)
        leases = Leases(ledger, texters, OPEN, concurrency=1, wall_clock=virtual_time.now)  # type: ignore[arg-type]
        await leases.begin()
        leases._drawn.append(Planned(1, phone(1), TEXT))
        await leases.renew()
        assert leases.has_news
        assert ledger.counts[State.INTENT] == 0
        assert leases.lease.until > boot_time() + 20.0

    virtual_time.run(main())


# ---- long runs ----


def test_memory_does_not_grow_with_the_project() -> None:
    """A run of a million contacts would keep a million of them in memory."""
    contacts = 3000
    server = Server(0, latency=0.5)
    number = iter(range(contacts))

    def says(count: int) -> Said:
        n = next(number, None)
        return NoneLeft() if n is None else Drawn(phone(n), {})

    server.says = says
    came = play(server, texters=4, locks=Locks(held=10.0, send_within=8.0))
    assert came.summary.sent == contacts
    texters = came.run._execution.texters
    assert texters is not None
    assert len(texters._held._begun) < 400
    assert texters._skipped == set()


def test_told_440_in_one_moment_is_told_once() -> None:
    """Each of 16 answers to one burst would halve the texters again, down to one."""

    class Full:
        async def draw(self) -> Draw:
            await asyncio.sleep(0.05)
            return FULL

    async def main() -> list[object]:
        texters = Texters(Full(), Screen(TEXT), writer=None, first_row=0, concurrency=16, jitter=lambda: 0.5)
        return list(await asyncio.gather(*(texters.claim() for _ in range(16))))

    answers = virtual_time.run(main())
    pauses = [answer for answer in answers if isinstance(answer, Pause)]
    assert len(pauses) == 16
    assert [pause.is_crowded for pause in pauses].count(True) == 1


def test_nothing_is_drawn_while_nobody_takes_the_results() -> None:
    """A caller who writes each result to a slow database would find a million of them in memory."""
    server = Server(7000, latency=0.01)
    run = make(server, texters=16)

    async def main() -> int:
        most = 0
        async with run:
            number = 0
            async for _ in run.send():
                number += 1
                if number in (1, 5000):
                    await asyncio.sleep(1000)
                    most = max(most, len(run._execution.results.waiting))
        return most

    most = virtual_time.run(main())
    fine(server)
    once(server, 7000)
    assert most <= 4096 + 2 * 16


class Always:
    """Hands out one contact again and again."""

    async def draw(self) -> Draw:
        return Drawn(phone(1), {})


def test_a_lock_ends_while_the_machine_sleeps() -> None:
    """A laptop that slept for an hour would text those whom others have texted meanwhile: its own clock stood still."""
    wall = [1_800_000_000.0]

    async def main() -> tuple[bool, bool]:
        texters = Texters(Always(), Screen(TEXT), writer=None, first_row=0, concurrency=1, wall_clock=lambda: wall[0])
        drawn = await texters.claim()
        assert isinstance(drawn, Planned)
        text = Text(drawn.row, drawn.phone, drawn.text)
        before = texters.lasts(text)
        wall[0] += 3600.0
        return before, texters.lasts(text)

    assert virtual_time.run(main()) == (True, False)


@pytest.mark.parametrize(
    "locks",
    [
        {"held": 60.0, "send_within": 61.0},
        {"send_within": 400.0},
        {"held": -1.0},
        {"send_within": float("nan")},
        {"patience": float("nan")},
        {"patience": -1.0},
    ],
)
def test_times_that_make_no_sense_are_refused(locks: dict[str, float]) -> None:
    """Contacts would be texted after their locks had ended, because two figures were mixed up."""
    server = Server(1)

    async def main() -> None:
        async with make(server, locks=Locks(**locks)) as run:  # type: ignore[arg-type]
            await run.send()

    with pytest.raises(ConfigurationError):
        virtual_time.run(main())
    assert server.draws == []


@pytest.mark.parametrize("way", ["send", "load"])
def test_a_list_is_not_for_concurrent_mode(tmp_path: Path, way: str) -> None:
    """A list handed in by mistake would lie in the books and never be texted, or be texted beside the server's contacts."""
    server = Server(3)
    source = tmp_path / "list.csv"
    source.write_text(f"phone\n{phone(77)}\n")
    run = make(server)

    async def main() -> None:
        async with run:
            if way == "load":
                await run.load(source)
            else:
                await run.send(source)

    with pytest.raises(ConfigurationError):
        virtual_time.run(main())
    assert server.draws == []
    assert run.summary.total == 0


# ---- put aside ----

PAGE = Barred(Bar.GATEWAY, because("404 an HTML page"), 404)


@LEDGERS
def test_whoever_met_a_page_is_tried_once_more_at_the_end(kind: str, tmp_path: Path) -> None:
    """A sick node would cost a contact the text, or the run a minute of waiting for a lock that is its own."""
    server = Server(20, script=lambda text, n: PAGE if text.row % 5 == 0 and n == 1 else accepts(text, n))
    came = play(server, ledger=make_ledger(kind, tmp_path), texters=4)
    fine(server)
    assert (came.summary.sent, came.summary.stopped) == (20, None)
    assert came.took < 60
    assert max(server.handed.values()) == 1, "its own lock is still in force"
    assert Counter(server.delivered) == {row: 2 if row % 5 == 0 else 1 for row in range(1, 21)}


@LEDGERS
def test_whoever_meets_it_again_is_left_over(kind: str, tmp_path: Path) -> None:
    """A contact that nobody can text would be tried for ever, or left in silence."""
    server = Server(20, script=lambda text, n: PAGE if text.row == 5 else accepts(text, n))
    came = play(server, ledger=make_ledger(kind, tmp_path), texters=4, locks=Locks(patience=5.0))
    fine(server)
    assert (came.summary.sent, came.summary.not_sent) == (19, 1)
    assert came.summary.stopped == "left over: 1, mostly 404 an HTML page"
    assert server.delivered.count(5) == 2


def test_whoever_is_tried_once_more_is_where_they_were_and_costs_the_same() -> None:
    """Their second try would leave at whatever hour, and take the price of one segment from the budget for a text of three."""
    server = Server(1)
    screen = Screen(TEXT)

    async def main() -> None:
        texters = Texters(server, screen, writer=None, first_row=0, concurrency=1)
        drawn = await texters.claim()
        assert isinstance(drawn, Planned)
        texters.release(Text(drawn.row, drawn.phone, drawn.text, drawn.name, segments=3, place=7), tried=True)
        again = await texters.claim()
        assert isinstance(again, Planned)
        assert (again.phone, again.segments, again.place) == (drawn.phone, 3, 7)

    virtual_time.run(main())


def test_nobody_is_tried_once_more_whose_lock_may_be_over() -> None:
    """Somebody would be texted twice: by us, and by whom the server has handed the contact to meanwhile."""

    async def late() -> Outcome:
        await asyncio.sleep(25.0)
        return PAGE

    server = Server(3, script=lambda text, n: late() if text.row == 1 and n == 1 else accepts(text, n), lock=30.0)
    server.closes_lost = False
    came = virtual_time.run(work(make(server, texters=2, locks=Locks(held=30.0, send_within=20.0, patience=60.0))))
    assert server.wrongs == []
    assert came.summary.sent == 3
    assert server.handed[phone(0)] == 2, "the server has handed it out again"
    first, second = [call.time for call in server.calls if call.phone == phone(0)]
    assert second - first >= 30.0


def test_a_page_for_a_draw_ends_nothing() -> None:
    """One sick node would end the work of all texters, with contacts left at the server."""
    server = Server(20, says=lambda number: PAGE if number % 3 == 0 else None)
    came = play(server, texters=4)
    fine(server)
    assert (came.summary.sent, came.summary.stopped, came.run.lost_draws) == (20, None, 0)
    server = Server(20, says=lambda number: PAGE)
    came = play(server, texters=4)
    assert (came.summary.stopped or "").startswith("error threshold: 5 draws in a row failed")
