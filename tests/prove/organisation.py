"""Worlds of an organisation: several runs with one book of people, while people opt out.

All share one clock. Each run has a list of its own, which overlaps with those of the others, and its processes are killed,
stopped and resumed. Whoever opts out is in the account's list of contacts soon, in its log some time later, and in the receiver's
file later still; reading them fails now and then, for long at times. The book is a real file. Real are also the pull and the
looks of the command, which stop a run where opt-outs stay unread.

The checker knows since when each opt-out could be read, and when the provider has answered whom. From then on nobody may text
that person. It knows of each text which run sent it, too: nobody has two of one project, nor two within the gap.
"""

from __future__ import annotations

import asyncio
import contextvars
import datetime as dt
import hashlib
import json
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch
from zoneinfo import ZoneInfo

import anyio.to_thread
import msgspec

from rumbleup_async.admission import Admit
from rumbleup_async.cli import opt_out_watch
from rumbleup_async.cli.opt_out_watch import read_before, watching
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.errors import BookError, BookLocked, ConfigurationError, LedgerError
from rumbleup_async.messaging import NONE_SHUT, Closed, Plan, Second, State, Step
from rumbleup_async.people import Again, Book, Scope
from rumbleup_async.people import book as book_module
from rumbleup_async.people import run_book as run_book_module
from rumbleup_async.people.run_book import RunBook
from rumbleup_async.reasons import Code
from rumbleup_async.rumbleup import opt_outs as opt_outs_module
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.rumbleup.gateway import RumbleUpGateway
from rumbleup_async.runs import execution as execution_module
from rumbleup_async.runs import setup as setup_module
from rumbleup_async.runs.run import Run, Settings
from rumbleup_async.stops import Cause, Stop
from rumbleup_async.webhooks import opt_outs as receiver_module
from rumbleup_async.webhooks.ports import Record
from rumbleup_async.webhooks.sqlite import SQLite
from tests.prove import faults
from tests.prove.answering import OPT_OUTS_FAIL, Account
from tests.prove.logs import EPOCH, Taken
from tests.prove.loop import PROCESS, Loop
from tests.prove.people import TEMPLATE
from tests.prove.provider import Provider
from tests.prove.storage import Disk, Writer
from tests.prove.world import Resolution, Wrong

KILLED, STOPPED, TOGETHER = "a process killed", "a process stopped", "runs at the same time"
BEFORE, DURING, LATELY = "opted out before the list was planned", "opted out during a run", "texted less than a gap ago"
BY_FILE, ROTATED, UNREAD, LOCKED = "read from the receiver's file", "receiver's file rotated", "opt-outs unread", "book locked"
TWICE = "texted before by another run"
CAPPED = "a day used up"
KINDS: Final = (KILLED, STOPPED, TOGETHER, BEFORE, DURING, LATELY, BY_FILE, ROTATED, UNREAD, LOCKED, TWICE, CAPPED, OPT_OUTS_FAIL)
"""What can happen here, besides what meets single texts."""

_EVERY, _LONGEST = 60.0, 600.0
"""Seconds between two looks, and for which opt-outs may go unread."""
_QUICK, _SLOW = 12.0, 600.0
"""Seconds that a look takes at most, if all of it is answered, by a quick and by a slow account."""
_HEARD = 2.5
"""Seconds after a look from which nobody is texted whom it has shown: a second and a half of grace, and the book's disk."""
_LINE = 1_200.0
"""Seconds that a text may wait behind its claim."""
_LIVES, _CALM = 200, 25
_DAY = 86_400.0
_PACIFIC = ZoneInfo("America/Los_Angeles")


def _day(moment: float) -> dt.date:
    """The day of the Pacific coast at a moment of the world."""
    return dt.datetime.fromtimestamp(EPOCH + moment, _PACIFIC).date()


def _begin(draw: random.Random) -> float:
    """A moment shortly before a midnight, that of the Pacific coast or that of UTC."""
    midnight = dt.datetime(2026, 11, 3, tzinfo=draw.choice((_PACIFIC, _PACIFIC, dt.UTC))).timestamp() - EPOCH
    return midnight - draw.uniform(1.0, 600.0)


class Campaign:
    """One run, over all its processes."""

    def __init__(self, world: Organisation, number: int) -> None:
        draw = world.random
        self.number = number
        self.action = draw.choice(("125", "125", "126"))
        self.disk = Disk(world.wall)
        self.again = Again(gap=draw.choice((0.0, _DAY, _DAY, 3 * _DAY)), same=draw.random() < 0.15)
        self.rate = draw.choice((0.02, 0.05, 0.2, 1.0))
        self.concurrency = draw.choice((1, 4, 8))
        self.people = draw.sample(world.everybody, draw.randrange(8, max(9, len(world.everybody) * 3 // 4)))
        self.given = {"day_cap": world.cap} if world.cap else {}
        self.begins = world.loop.now + draw.choice((0.0, 0.0, 1.0, 100.0, 4_000.0))
        self.way = draw.choice(("auto", "auto", str(world.folder / "events")))
        self.process: Process | None = None
        self.is_capped = False
        """The last process ended because the day was used up."""
        self.tag = ""

    @property
    def is_done(self) -> bool:
        return self.disk.fingerprint is not None and not self.disk.counts[State.QUEUED] and not self.disk.counts[State.INTENT]


class Process:
    """One process of a campaign. Fits `storage.Process`."""

    def __init__(self, world: Organisation, campaign: Campaign) -> None:
        self._world = world
        self.loop = world.loop
        self.campaign = campaign
        self.disk_context = contextvars.Context()
        self.book = SlowBook(world, self)
        self.run: Run | None = None
        self.ended: str | None = None
        self.is_dead = False
        self.began = world.loop.now
        """When it began to read opt-outs."""
        self.is_ready = False
        """It has read who has opted out before."""
        self.account = Account(
            world.wall, world.loop, world.opted_out, world.troubles, world.seed ^ world.lives, world.met, world.slow
        )

    @property
    def reads_file(self) -> bool:
        """It reads the receiver's file, and asks the provider nothing."""
        return self.campaign.way != "auto"

    def point(self, when: str, kind: str) -> None: ...

    def disk_fault(self, kind: str) -> str:
        return ""

    def pause(self) -> float:
        return self._world.slow_disk

    def kill(self) -> None:
        if self.ended is None and not self.is_dead:
            self.is_dead = True
            self.loop.kill(self)
            self.book._file.close()


class SlowBook(Book):
    """The book as one process has it. It takes its time, and another process keeps it now and then."""

    def __init__(self, world: Organisation, process: Process) -> None:
        super().__init__(world.folder / "people.book")
        self._world = world
        self._process = process

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:  # type: ignore[override]
        world = self._world
        await asyncio.sleep(world.slow_book * world.random.random())
        if self._process.is_ready and world.random.random() < world.locked:
            world.met[LOCKED] += 1
            self._process.account.failed_at = world.loop.now
            raise BookLocked(f"{self.path} was kept by another process")
        result = function(*arguments)
        await asyncio.sleep(world.slow_book * world.random.random())
        return result


class Patient(Writer):
    """The hand of a process whose rules take their time: what they say is believed in the step that is made then."""

    async def step(
        self,
        owner: int,
        done: Sequence[Closed],
        want: int,
        now: float,
        shut: Mapping[int, float] = NONE_SHUT,
        *,
        admit: Admit | None = None,
        second: Second | None = None,
    ) -> Step:
        if admit is None:
            return await super().step(owner, done, want, now, shut, second=second)
        await asyncio.sleep(self._process.pause())
        return await self._disk.step(owner, done, want, now, shut, admit=admit, second=second)


class Organisation:
    """A world, drawn from its seed. `play()` lives it to its end and checks it."""

    def __init__(self, seed: int, size: int) -> None:
        self.seed = seed
        self.random = draw = random.Random(seed ^ 0x0B6)
        more = random.Random(seed ^ 0xCA9)
        self.cap = more.choice((0, 0, 6, 15, 30))
        """Segments that may leave on a day of the Pacific coast; 0 for any number."""
        self.loop = Loop(_begin(more) if self.cap else 1000.0, seed)
        self.long = frozenset(number for number in range(400) if more.random() < 0.2)
        """Those whose texts take two segments."""
        self.folder = Path(tempfile.mkdtemp(prefix="prove-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
        self.slow_disk, self.slow_book = draw.choice((0.0, 0.003, 0.02)), draw.choice((0.0, 0.005, 0.1))
        self.locked = draw.choice((0.0, 0.0, 0.003))
        self.everybody = [f"202{320 + number // 9999}{number % 9999:04d}" for number in range(max(12, size))]
        self.provider = provider = Provider(seed, draw.choice((0.02, 0.1, 0.4)))
        provider.share = draw.choice((0.0, 0.05, 0.2))
        provider.faults = [fault for fault in faults.REQUEST_FAULTS if fault.name != "text taken days later"]
        provider.is_heard_by_all = False
        provider.stray_share = 0.0  # kept connections belong to one process
        provider.most = 1_000_000
        provider.on_request = self._on_request
        provider.begin(self.loop)
        provider.is_open = self._is_open
        self.met: Counter[str] = provider.met
        self.lag = draw.choice((0.0, 5.0, 60.0, 400.0))
        self.late = draw.choice((0.0, 5.0, 200.0))
        self.opted_out: dict[str, tuple[float, float, str]] = {}
        """When somebody opted out, when the log shows it, and by which flag, by phone."""
        self.in_file: dict[str, float] = {}
        """When the receiver's file has had it."""
        self.slow = draw.choice((0.4, 0.4, 0.4, 20.0))
        """Seconds that an answer of the account takes."""
        self.look = _QUICK if self.slow < 1.0 else _SLOW
        self.troubles = self._draw_troubles()
        self.missing: list[tuple[float, float]] = []
        """When the receiver's file could not be read."""
        self.opts_out = draw.choice((0.02, 0.1, 0.3))
        """How many people opt out for each text."""
        self.trouble = draw.choice((0.0, 0.02, 0.1))
        self.left: list[tuple[float, str, Campaign, int]] = []
        """When a text left, to whom, of which run, and of how many segments."""
        self.processes: list[Process] = []
        self.lives = 0
        self.sink = SQLite(self.folder / "events")
        self.sink.open()
        self.written = 0
        self.wrote_at = 0.0
        self.campaigns = [Campaign(self, number) for number in range(draw.choice((2, 2, 3, 4)))]
        for phone in draw.sample(self.everybody, len(self.everybody) // 10):
            self._opt_out(phone, self.loop.now - draw.uniform(0.0, 2 * _DAY))
            self.met[BEFORE] += 1
        for phone in draw.sample(self.everybody, len(self.everybody) // 8):
            at = self.loop.now + draw.uniform(0.0, 30_000.0)
            self.loop.call_at(at, lambda phone=phone: self._opt_out(phone, self.loop.now), context=contextvars.Context())

    def _draw_troubles(self) -> list[tuple[float, float]]:
        """When the provider does not tell who has opted out."""
        draw, found, at = self.random, [], self.loop.now
        for _ in range(draw.choice((0, 0, 1, 2, 4))):
            at += draw.uniform(0.0, 500.0)
            found.append((at, at + draw.choice((10.0, 100.0, 900.0, 2_500.0))))
            at = found[-1][1]
        return found

    def wall(self) -> float:
        """Seconds since 1970."""
        return EPOCH + self.loop.now

    def play(self) -> Resolution:
        """Live it to its end and check it. Raises Wrong."""
        try:
            with self._injected():
                self.loop.run(self._main()).result()
                self._check()
        except Exception as error:
            raise Wrong(f"people, seed {self.seed}: {type(error).__name__}: {error}") from error
        finally:
            self.loop.bury()
            for process in self.processes:
                process.book._file.close()
            self.sink.close()
            shutil.rmtree(self.folder)
        unknown = sum(campaign.disk.counts[State.UNKNOWN] for campaign in self.campaigns)
        digest = hashlib.blake2b(repr(self.provider.events).encode(), digest_size=8).hexdigest()
        return Resolution(self.seed, len(self.left), self.lives, self.met, digest, unknown)

    # ---- what happens ----

    def _opt_out(self, phone: str, at: float) -> None:
        """This person answers STOP at this moment."""
        if phone in self.opted_out:
            return
        flag = self.random.choice(("dnd", "dnd", "bad"))
        self.opted_out[phone] = at, at + self.lag, flag
        if at + self.late <= self.loop.now:
            self._write(phone, flag)
        else:
            self.loop.call_at(at + self.late, self._write, phone, flag, context=contextvars.Context())

    def _write(self, phone: str, flag: str) -> None:
        """The receiver has heard of it, perhaps twice."""
        if self.sink._db is None:  # what comes meanwhile comes once more
            self.loop.call_later(30.0, self._write, phone, flag, context=contextvars.Context())
            return
        for _ in range(self.random.choice((1, 1, 2))):
            self.written += 1
            text = "STOP" if flag == "dnd" else "please take me off your list"
            event = {"type": "MESSAGE_RECEIVED", "data": {"phone": phone, "text": text}}
            received = int(self.wall() * 1000)
            self.sink.write([Record(str(self.written), "MESSAGE_RECEIVED", received, msgspec.Raw(json.dumps(event).encode()))])
        self.in_file.setdefault(phone, self.loop.now)
        self.wrote_at = self.loop.now

    def _rotate(self) -> None:
        """Another file in the place of the receiver's, which a run has read. For a moment there is none."""
        read_since = self.wrote_at + _EVERY + _QUICK
        readers = [one for one in self.processes if one.reads_file and one.ended is None and not one.is_dead]
        if self.loop.now < read_since or not any(one.is_ready and one.began < self.wrote_at for one in readers):
            return  # what nobody has read goes with the file
        self.met[ROTATED] += 1
        self.sink.close()
        for file in self.folder.glob("events*"):
            file.unlink()
        gap = self.random.choice((0.0, 1.0, 70.0))
        self.missing.append((self.loop.now, self.loop.now + gap + 1e-3))
        self.wrote_at = self.loop.now + gap
        if gap:
            self.loop.call_later(gap, self._open_sink, context=contextvars.Context())
        else:
            self._open_sink()

    def _open_sink(self) -> None:
        self.sink = SQLite(self.folder / "events")
        self.sink.open()

    def _is_open(self, phone: str) -> bool:
        process = PROCESS.get()
        assert isinstance(process, Process)
        return process.campaign.disk.state_of(phone) is State.INTENT

    def _on_request(self, number: int) -> None:
        """A text leaves one of the processes."""
        process = PROCESS.get()
        assert isinstance(process, Process)
        phone, draw, now = self.provider.requests[-1][1], self.random, self.loop.now
        self._look_at(process, phone)
        self.left.append((now, phone, process.campaign, 2 if len(self.name(phone)) > 100 else 1))
        self.met[TOGETHER] += sum(one.ended is None and not one.is_dead for one in self.processes) > 1
        if draw.random() < self.opts_out:
            self.met[DURING] += 1
            self._opt_out(draw.choice(self.everybody), now)
        if self.lives < _CALM and draw.random() < self.trouble:
            strike = self._kill if draw.random() < 0.6 else self._stop
            self.loop.alarms.setdefault(self.loop.steps + 1 + int(draw.random() * 40), lambda: strike(process))

    def _rotate_soon(self) -> None:
        if self.sink._db is not None:
            self._rotate()

    def _kill(self, process: Process) -> None:
        if process.ended is None and not process.is_dead:
            self.met[KILLED] += 1
            process.kill()

    def _stop(self, process: Process) -> None:
        if process.ended is None and not process.is_dead and process.run is not None:
            self.met[STOPPED] += 1
            process.run.stop(Stop(Cause.INTERRUPTED, "by a signal"))

    async def _main(self) -> None:
        while waiting := [one for one in self.campaigns if not one.is_done]:
            assert self.provider.wrongs == [], "; ".join(self.provider.wrongs[:3])
            assert self.lives <= _LIVES, f"not finished after {_LIVES} processes; the last: {self.processes[-1].ended}"
            if self.lives > _CALM:
                self.provider.share, self.locked = 0.0, 0.0
                self.troubles.clear()
            for campaign in waiting:
                process = campaign.process
                if process is not None and process.ended is None and not process.is_dead:
                    continue
                if process is not None:
                    campaign.begins = self.loop.now + self._rest(campaign, process)
                    campaign.process = None
                if self.loop.now >= campaign.begins:
                    self._begin(campaign)
            await asyncio.sleep(self.random.choice((0.5, 3.0)) if any(one.process for one in waiting) else 60.0)
        self.provider.process_died()

    def _rest(self, campaign: Campaign, process: Process) -> float:
        """Seconds until somebody resumes a run whose process has ended."""
        if campaign.is_capped:
            campaign.is_capped = False
            return self.random.choice((1.0, 10_000.0, _DAY, _DAY))
        entries = campaign.disk._contacts.entries.values()
        queued = [entry.why.code for entry in entries if entry.state is State.QUEUED]
        self.met[LATELY] += queued.count(Code.GAP)
        if queued and all(code is Code.GAP for code in queued):
            return self.random.choice((0.3, 1.0)) * _DAY
        return self.random.choice((0.1, 5.0, 400.0, 20_000.0))

    def _begin(self, campaign: Campaign) -> None:
        self.lives += 1
        campaign.process = process = Process(self, campaign)
        self.processes.append(process)
        context = contextvars.Context()
        context.run(PROCESS.set, process)
        self.loop.create_task(self._life(process), context=context)
        for _ in range(8 if process.reads_file and self.lives < _CALM else 0):
            self.loop.call_later(self.random.uniform(80.0, 600.0), self._rotate_soon, context=contextvars.Context())
        if self.lives < _CALM and self.random.random() < (0.5 if self.slow > 1.0 else self.trouble):
            # While it reads who has opted out.
            self.loop.call_later(self.random.uniform(0.0, 10.0 * self.slow), self._kill, process, context=contextvars.Context())

    async def _life(self, process: Process) -> None:
        campaign = process.campaign
        is_loaded = campaign.disk.fingerprint is not None
        client = RumbleUp("KEY:SECRET", base_url="https://app.example/api", exchange=Line(self, process))
        run = process.run = Run(
            None if is_loaded else Settings(provider="rumbleup", action=campaign.action, text=TEMPLATE, details={"flags": []}),
            Options(concurrency=campaign.concurrency, unknown_limit=1.0),
            gateway=lambda plan: self._gateway(process, plan),
            ledger=Patient(campaign.disk, process),
            pace=Pace(campaign.rate),
            given=campaign.given,
            book=lambda plan, care: RunBook(process.book, Scope(f"rumbleup {plan.action}"), plan.run, campaign.again),
        )
        try:
            async with client, run:
                campaign.tag = run.plan.tag
                process.began = self.loop.now
                self.met[BY_FILE] += campaign.way != "auto"
                watch = await read_before(run, client, campaign.way, is_here=False, is_dry=False, quiet=True)
                watch.read = self.loop.now
                process.is_ready = True
                rows = None if is_loaded else [{"phone": phone, "first_name": self.name(phone)} for phone in campaign.people]
                async with watching(run, watch):
                    await run.send(rows)
            process.ended = str(run._execution.stopped)
            stopped = run._execution.stopped
            self.met[UNREAD] += stopped is not None and stopped.cause is Cause.OPT_OUTS_UNREAD
            if stopped is not None and stopped.cause is Cause.DAILY_CAP:
                self.met[CAPPED] += 1
                campaign.is_capped = True
        except (BookError, LedgerError, UnreadError, ConfigurationError) as error:
            # A receiver's file that is not there is told as such, before anything is sent.
            is_missing = isinstance(error, ConfigurationError) and not isinstance(error, BookError)
            assert not is_missing or any(begins <= self.loop.now <= ends for begins, ends in self.missing)
            self.met[UNREAD] += is_missing or isinstance(error, UnreadError)
            process.ended = f"{type(error).__name__}: {error}"
        except Exception as error:
            process.ended = repr(error)
            self.provider.wrongs.append(f"{type(error).__name__}: {error}")

    def name(self, phone: str) -> str:
        """Short, or so long that the text has two segments."""
        return "A" * 130 if self.cap and int(phone[-4:]) in self.long else "Ada"

    def _gateway(self, process: Process, plan: Plan) -> RumbleUpGateway:
        return RumbleUpGateway(Line(self, process), action=plan.action, flags=(plan.tag, *plan.details["flags"]))

    # ---- the judgement ----

    def _look_at(self, process: Process, phone: str) -> None:
        """This person is texted now: not if it could be known that they have opted out."""
        wrongs, now, account = self.provider.wrongs, self.loop.now, process.account
        is_by_file = process.reads_file
        if not is_by_file and now > max(process.began, account.read_at) + _LONGEST + 2 * _EVERY + self.look:
            wrongs.append("FAIL OPEN: nobody has read for so long who has opted out")
        if phone not in self.opted_out:
            return
        at, shown, _ = self.opted_out[phone]
        since = self.in_file.get(phone, float("inf")) if is_by_file else max(at, shown)
        if since <= process.began:
            wrongs.append(f"OPTED OUT BEFORE IT WAS PLANNED: {phone}, {process.began - since:.0f} s")
        failed = any(begins < now and ends > since for begins, ends in self.missing) if is_by_file else False
        has_failed = failed or account.failed_at > since
        if now > since + _EVERY + self.look + _HEARD + (_LONGEST + _EVERY if has_failed else 0.0):
            wrongs.append(f"TEXTED AFTER AN OPT-OUT WAS KNOWN, {now - since:.0f} s")
        if not is_by_file and any(begins >= since and now > ends + _HEARD for begins, ends in account.looks) and not has_failed:
            wrongs.append("TEXTED AFTER AN OPT-OUT WAS KNOWN, by an answer")

    def _check(self) -> None:
        assert self.provider.wrongs == [], "; ".join(self.provider.wrongs[:3])
        assert self.loop.complaints == [], f"errors unheard: {self.loop.complaints}"
        by_tag = {campaign.tag: campaign for campaign in self.campaigns}
        texts: dict[str, list[tuple[float, Campaign]]] = {}
        left = [(self._left_at(text, by_tag), text.phone, self._of(text, by_tag)) for text in self.provider.truth]
        used: Counter[dt.date] = Counter()
        for time, phone, _ in left:
            used[_day(time)] += 2 if len(self.name(phone)) > 100 else 1
        most = max(used.values(), default=0)
        assert not self.cap or most <= self.cap, f"BEYOND THE DAY'S CAP: {most} segments, and {self.cap} may leave"
        for time, phone, campaign in sorted(left, key=lambda one: one[0]):
            self._check_pair(phone, time, campaign, texts.setdefault(phone, []))
        for campaign in self.campaigns:
            self._check_books(campaign, texts)

    @staticmethod
    def _of(text: Taken, by_tag: Mapping[str, Campaign]) -> Campaign:
        return next(by_tag[flag] for flag in text.flags if flag in by_tag)

    def _left_at(self, text: Taken, by_tag: Mapping[str, Campaign]) -> float:
        """When it left: it may have been taken long after."""
        campaign = self._of(text, by_tag)
        return max(at for at, phone, one, _ in self.left if phone == text.phone and one is campaign and at <= text.time)

    def _check_pair(self, phone: str, time: float, campaign: Campaign, before: list[tuple[float, Campaign]]) -> None:
        for earlier, other in before:
            assert other is not campaign, f"TEXTED TWICE: {phone} by one run"
            # Of a run that texts whom others have texted the text may leave first although its claim came last.
            is_soon = time - earlier < _LINE
            is_same = other.action == campaign.action and not campaign.again.same and not (other.again.same and is_soon)
            assert not is_same, f"TEXTED TWICE: {phone} by two runs of one project"
            is_near = time - earlier < campaign.again.gap - _LINE and not (is_soon and not other.again.gap)
            assert not is_near, f"TEXTED WITHIN THE GAP: {phone}, after {time - earlier:.0f} s"
        before.append((time, campaign))

    def _check_books(self, campaign: Campaign, texts: Mapping[str, Iterable[tuple[float, Campaign]]]) -> None:
        """Everybody is accounted for: was texted, or has opted out, or another run has texted them."""
        books = campaign.disk.books().values()
        phones = Counter(one.phone for one in books)
        assert phones.keys() == set(campaign.people), f"lost: {set(campaign.people) - phones.keys()}"
        reached = {
            entry.planned.phone
            for other in self.campaigns
            if other.action == campaign.action
            for entry in other.disk._contacts.entries.values()
            if entry.state in {State.SENT, State.UNKNOWN, State.REFUSED}
        }
        for entry in campaign.disk._contacts.entries.values():
            phone, code = entry.planned.phone, entry.why.code
            was_texted = any(one is campaign for _, one in texts.get(phone, ()))
            if entry.state is State.SENT:
                assert was_texted, f"{phone} is said to be sent, and the provider never saw it"
            elif entry.state in {State.NOT_SENT, State.SKIPPED}:
                assert not was_texted, f"{phone} was texted, but the books say {entry.state}"
                self.met[TWICE] += code is Code.TEXTED_BEFORE
                is_explained = phone in (self.opted_out if code in {Code.OPT_OUT, Code.OPT_OUT_LIKELY} else reached)
                # Who opted out while another run had claimed them is texted by neither.
                is_explained = is_explained or (code is Code.TEXTED_BEFORE and phone in self.opted_out)
                assert is_explained, f"LOST: nobody has texted {phone}, and the books say {entry.why}"

    @contextmanager
    def _injected(self) -> Iterator[None]:
        """Clock and randomness of the world in the place of the machine's."""

        async def in_place(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
            return function(*arguments)

        def fail(words: str, code: int = 1) -> None:
            raise UnreadError(words)

        clock = SimpleNamespace(time=self.wall, sleep=lambda seconds: None, monotonic=lambda: self.loop.now)
        modules = (
            *(execution_module, setup_module, book_module, run_book_module, opt_outs_module, receiver_module, opt_out_watch),
        )
        state = random.getstate()
        random.seed(self.seed)
        with ExitStack() as stack:
            for module in modules:
                stack.enter_context(patch.object(module, "time", clock))
            choice = random.Random(self.seed ^ 0x1D).choice
            stack.enter_context(patch.object(setup_module, "secrets", SimpleNamespace(choice=choice)))
            stack.enter_context(patch.object(anyio.to_thread, "run_sync", in_place))
            stack.enter_context(patch.object(opt_out_watch, "fail", fail))
            stack.enter_context(patch.object(opt_out_watch, "say", lambda words: None))
            yield
        random.setstate(state)


class UnreadError(Exception):
    """The command ends before it sends anything: opt-outs cannot be read."""


class Line:
    """Fits `Exchange`: the way from a process to the provider."""

    def __init__(self, world: Organisation, process: Process) -> None:
        self._world = world
        self._process = process

    async def __call__(self, request: Any) -> Any:
        account = self._process.account
        return await (account(request) if account.is_for(request) else self._world.provider(request))

    async def aclose(self) -> None: ...
