"""The disks of a simulated world: what is committed survives a death, what is not does not.

`Disk` is a ledger in memory that outlives its process, with the rules of the real one; `Files` is a real SQLite file, of which a
death leaves the copy made at that very moment.
"""

import asyncio
import contextvars
import functools
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar, TypeVarTuple

from rumbleup_async.admission import Admit
from rumbleup_async.engine.ports import Ledger, Pauses, Prices, Trial
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import MemoryLedger, SqliteLedger, folding, journal, steps_file
from rumbleup_async.ledger.loading import NOBODY
from rumbleup_async.ledger.states import BY_NUMBER, NUMBERS
from rumbleup_async.ledger.stepping import STEP, STEP_OF_SENT
from rumbleup_async.lookups import Known, Resolution, UnknownText
from rumbleup_async.messaging import (
    NO_REASONS,
    NONE_SHUT,
    Closed,
    Identity,
    Owner,
    Plan,
    Planned,
    Result,
    Second,
    Skipped,
    State,
    Step,
    Text,
)
from rumbleup_async.messaging import Kept as Keeping
from rumbleup_async.pauses import Pause, Request
from rumbleup_async.reasons import Reason
from rumbleup_async.shielding import run_shielded
from rumbleup_async.stops import Stop
from tests.history import Kept
from tests.late_steps import late_states
from tests.prove.loop import Dead, Loop


class Process(Protocol):
    """What a disk asks of the process that writes to it."""

    loop: Loop

    @property
    def disk_context(self) -> contextvars.Context | None:
        """Where a commit is made; None: by whoever asks for it. A disk goes on while a process is stalled."""

    def point(self, when: str, kind: str) -> None:
        """About to commit (`before`) or just committed (`after`) something of this kind; may be where it dies."""

    def disk_fault(self, kind: str) -> str:
        """What the disk does to this commit: "" or the name of a fault."""

    def pause(self) -> float:
        """How long the disk takes for this commit, in seconds."""


T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def kind_of(closed: object, opened: object) -> str:
    """What a commit holds: `intent`, `result`, or both."""
    return ("result " if closed else "") + ("intent" if opened else "")


class Storage(Protocol):
    """Holds the books of one run over all its processes. `identity`: whose hands they are in."""

    identity: Identity | None

    def is_told(self) -> bool:
        """Whether the books have kept how careful the run is to be."""

    def ledger(self, process: Process) -> Ledger: ...

    def died(self) -> None:
        """The process that had the last ledger died."""

    def is_open(self, phone: str) -> bool:
        """Whether the intent of this phone is durable now."""

    def open_now(self) -> int:
        """Entries open on the disk at this moment."""

    def unknown(self) -> int:
        """How many contacts are unknown."""

    def kept(self) -> dict[int, Kept]:
        """What the books say, by row."""

    def is_loaded(self) -> bool:
        """Whether the whole list is in."""

    def is_new(self) -> bool:
        """Whether no run was ever begun on it."""

    def close(self) -> None: ...


class Disk(MemoryLedger):
    """What is committed. `asked`: what other processes ask of the run, in a file beside it; None if nobody does."""

    asked: list[Request] | None = None

    @property
    def plan(self) -> Plan | None:
        return self._plan

    def recover(self) -> None:
        """What a new process makes of it, by the rules of the real one."""
        self._is_open = False
        self._queue._asked.clear()  # by whoever died over it
        self._put_back()

    def state_of(self, phone: str) -> State | None:
        row = self._contacts.first_row.get(phone)
        return None if row is None else self._contacts.entries[row].state

    def books(self) -> dict[int, Kept]:
        """What the books say, by row."""
        found = {}
        for row, entry in self._contacts.entries.items():
            planned = entry.planned
            text = planned.text if isinstance(planned, Planned) else None
            found[row] = Kept(row, planned.phone, entry.state.word, entry.logid, text)
        return found


class Simulated:
    """A disk in memory."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self.disk = Disk(wall_clock)
        self.identity: Identity | None = None

    def is_told(self) -> bool:
        return bool(self.disk.kept.options)

    def ledger(self, process: Process) -> Ledger:
        self.disk.identity = self.identity
        return Writer(self.disk, process)

    def died(self) -> None: ...

    def is_open(self, phone: str) -> bool:
        return self.disk.state_of(phone) is State.INTENT

    def open_now(self) -> int:
        return self.disk.counts[State.INTENT]

    def unknown(self) -> int:
        return self.disk.counts[State.UNKNOWN]

    def kept(self) -> dict[int, Kept]:
        return self.disk.books()

    def is_loaded(self) -> bool:
        return self.disk.fingerprint is not None

    def is_new(self) -> bool:
        return self.disk.plan is None

    def close(self) -> None: ...


class Writer:
    """The hand of one process on a `Disk`. It takes its time, and dies or fails where it is told."""

    def __init__(self, disk: Disk, process: Process) -> None:
        self._disk = disk
        self._process = process
        self._pauses = WrittenPauses(disk, self)

    @property
    def counts(self) -> Mapping[State, int]:
        return self._disk.counts

    @property
    def fingerprint(self) -> str | None:
        return self._disk.fingerprint

    @property
    def last_row(self) -> int:
        return self._disk.last_row

    async def open(self, plan: Plan | None) -> Plan:
        return await self._step("open", self._open, plan)

    async def _open(self, plan: Plan | None) -> Plan:
        if self._disk.plan is not None:
            self._disk.recover()
        return await self._disk.open(plan)

    @property
    def prices(self) -> Prices:
        return self._disk.prices

    @property
    def pauses(self) -> Pauses:
        return self._disk.pauses if self._disk.asked is None else self._pauses

    @property
    def trial(self) -> Trial:
        return self._disk.trial

    @property
    def notes(self) -> Sequence[str]:
        return self._disk.notes

    @property
    def is_used(self) -> bool:
        return self._disk.is_used

    @property
    def kept(self) -> Keeping:
        return self._disk.kept

    async def keep(self, kept: Keeping) -> None:
        await self._step("keep", self._disk.keep, kept)

    async def load(self, batches: Iterable[Sequence[Planned | Skipped]], *, left_out: Mapping[str, Reason] = NOBODY) -> None:
        await self._step("load", functools.partial(self._disk.load, left_out=left_out), batches)

    async def add(self, rows: Sequence[Planned | Skipped]) -> list[Result]:
        return await self._step("add", self._disk.add, rows)

    async def complete(self, fingerprint: str) -> None:
        await self._step("complete", self._disk.complete, fingerprint)

    @property
    def lease(self) -> float:
        return self._disk.lease

    async def enlist(self, name: str) -> Owner:
        return await self._disk.enlist(name)

    async def owners(self) -> list[Owner]:
        return await self._disk.owners()

    async def expire(self, owner: int) -> list[Result]:
        return await self._step("expire", self._disk.expire, owner)

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
        work = functools.partial(self._disk.step, admit=admit, second=second)
        return await self._step(kind_of(done, want), work, owner, done, want, now, shut)

    async def refuse(self, refused: Sequence[Result]) -> Sequence[Result]:
        return await self._step("result ", self._disk.refuse, refused)

    async def again(self) -> bool:
        return await self._disk.again()

    async def left(self) -> list[tuple[Reason, int]]:
        return await self._disk.left()

    async def reasons(self) -> list[tuple[State, Reason, int]]:
        return await self._disk.reasons()

    async def claim(
        self,
        owner: int,
        done: Sequence[Closed],
        drawn: Sequence[Planned | Skipped],
        now: float,
        *,
        waits: Mapping[int, Reason] = NO_REASONS,
    ) -> list[Text | Result]:
        return await self._step(kind_of(done, drawn), functools.partial(self._disk.claim, waits=waits), owner, done, drawn, now)

    async def places(self, why: Mapping[int, Reason] = NO_REASONS) -> dict[int, int]:
        return await self._step("places", self._disk.places, why)

    async def doubts(self, after: int, limit: int, *, absent: bool = False) -> list[UnknownText]:
        return await self._disk.doubts(after, limit, absent=absent)

    async def settle(self, settled: Sequence[Resolution]) -> Sequence[Resolution]:
        return await self._step("settle", self._disk.settle, settled)

    async def first_looks(self, doubts: Sequence[UnknownText], now: float) -> dict[int, float]:
        return await self._step("looked", self._disk.first_looks, doubts, now)

    async def witnesses(self, after: int, limit: int) -> list[Known]:
        return await self._disk.witnesses(after, limit)

    async def known(self, phones: Sequence[str]) -> list[Known]:
        return await self._disk.known(phones)

    async def finish(self, stop: Stop | None, elapsed: float) -> None:
        await self._step("finish", self._disk.finish, stop, elapsed)

    async def rows(self, after: int, limit: int, *, skipped_only: bool = False) -> list[Result]:
        return await self._disk.rows(after, limit, skipped_only=skipped_only)

    async def aclose(self) -> None:
        # Not the disk's own: what is open when a process ends becomes unknown when the next one opens it.
        if self._process.loop.has_died():
            raise Dead

    async def _step(self, kind: str, work: Callable[[*Ts], Coroutine[Any, Any, T]], *given: *Ts) -> T:
        """Like the real one: done elsewhere, and waited for to its end even when cancelled."""
        process = self._process
        loop = process.loop
        if loop.has_died():
            raise Dead
        done: asyncio.Future[T] = loop.create_future()
        box = [done]
        loop.call_at(loop.now + process.pause(), self._commit, kind, box, work, given, context=process.disk_context)
        try:
            return await done
        except asyncio.CancelledError:
            if done.cancelled():
                if box[0] is done:
                    box[0] = loop.create_future()
                await run_shielded(box[0])
            raise

    def _commit(
        self, kind: str, box: "list[asyncio.Future[T]]", work: Callable[[*Ts], Coroutine[Any, Any, T]], given: tuple[*Ts]
    ) -> None:
        process = self._process
        process.point("before", kind)
        if process.loop.has_died():
            return
        if box[0].cancelled():
            box[0] = process.loop.create_future()
        done = box[0]
        fault = process.disk_fault(kind)
        if fault and fault != "fsync error":
            done.set_exception(LedgerError(f"run.ledger: {fault}"))
            return
        try:
            result = at_once(work(*given))
        except Exception as error:
            done.set_exception(error)
            return
        process.point("after", kind)
        if process.loop.has_died():
            return
        if fault:
            # It said no, and it is on the disk all the same.
            done.set_exception(LedgerError(f"run.ledger: {fault}"))
        else:
            done.set_result(result)


class WrittenPauses:
    """Fits `Pauses`: on a `Disk`, for a process that takes its time, and may die in between."""

    is_shared = True

    def __init__(self, disk: Disk, writer: Writer) -> None:
        self._disk = disk
        self._writer = writer
        self._seen = 0

    @property
    def now(self) -> Pause | None:
        return self._disk.pauses.now

    async def heed(self, request: Request) -> None:
        await self._writer._step("pause", self._disk.pauses.heed, request)

    async def asked(self) -> Sequence[Request]:
        asked = self._disk.asked or []
        self._seen = len(asked)
        return list(asked)

    async def answered(self) -> None:
        del (self._disk.asked or [])[: self._seen]


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise AssertionError("it wants to wait")


class Files:
    """A real ledger file. A death leaves what the disk held at that moment: a copy of the file and its log."""

    def __init__(self, *, has_journal: bool = False) -> None:
        self._has_journal = has_journal
        parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._folder = Path(tempfile.mkdtemp(prefix="prove-", dir=parent))
        self._ledger: _Ledger | None = None
        self._look: sqlite3.Connection | None = None
        self._aside: Path | None = None
        self.identity: Identity | None = None
        self._path.parent.mkdir()

    @property
    def _path(self) -> Path:
        if self._aside is not None:
            return self._aside
        return self._folder / "here" / "run.ledger"

    def ledger(self, process: Process) -> Ledger:
        self._ledger = _Ledger(self._path, process, self._snapshot, self.identity, has_journal=self._has_journal)
        return self._ledger

    def is_told(self) -> bool:
        return self._has("run") and bool(self._reader().execute("SELECT 1 FROM run WHERE key = 'options'").fetchone())

    def needs_its_log(self) -> bool:
        """Whether the main file alone would have people texted again."""
        log = self._path.with_name("run.ledger-wal")
        if not (log.exists() and log.stat().st_size and self._path.exists()):
            return False
        alone = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(alone, uri=True)) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'contact'").fetchone():
                return False
            here = dict(db.execute("SELECT row, state FROM contact"))
        queued = NUMBERS[State.QUEUED]
        return any(here.get(row) == queued and one.state not in {"queued", "skipped"} for row, one in self._kept_by_log())

    def _kept_by_log(self) -> list[tuple[int, Kept]]:
        """What the books say with their log, which this look leaves where it is."""
        aside = self._folder / "look"
        self._copy_to(aside)
        with closing(sqlite3.connect(aside / "run.ledger", isolation_level=None)) as db:
            late = late_states(aside / "run.ledger", db)
            found = [
                (row, Kept(row, phone, str(BY_NUMBER[late.get(row, state)]), "", None))
                for row, phone, state in db.execute("SELECT row, phone, state FROM contact")
            ]
        shutil.rmtree(aside)
        return found

    def _copy_to(self, folder: Path) -> None:
        folder.mkdir()
        for ending in ("", "-wal", steps_file.ENDING):
            file = self._path.with_name(self._path.name + ending)
            if file.exists():
                shutil.copyfile(file, folder / file.name)

    @contextmanager
    def copied(self) -> Iterator[None]:
        """Within it a copy is opened, while the original stands."""
        self._hang_up()
        self._copy_to(self._folder / "copy")
        self._aside = self._folder / "copy" / "run.ledger"
        yield
        self._aside = None
        shutil.rmtree(self._folder / "copy")

    @contextmanager
    def moved(self) -> Iterator[None]:
        """Within it all of its files have another name."""
        self._hang_up()
        here = self._path.parent
        there = here.with_name(f"{here.name}-moved")
        here.rename(there)
        self._aside = there / "run.ledger"
        yield
        self._aside = None
        there.rename(here)

    @contextmanager
    def without_log(self) -> Iterator[None]:
        """Within it somebody has taken the log away."""
        self._hang_up()
        kept = self._folder / "log"
        self._path.with_name("run.ledger-shm").unlink(missing_ok=True)
        self._path.with_name("run.ledger-wal").rename(kept)
        yield
        self._path.with_name("run.ledger-shm").unlink(missing_ok=True)
        kept.rename(self._path.with_name("run.ledger-wal"))

    def _snapshot(self) -> None:
        self._copy_to(self._folder / "later")

    def died(self) -> None:
        later = self._folder / "later"
        if not later.exists():
            self._snapshot()
        if self._ledger is not None:
            self._ledger.drop()
        self._hang_up()
        shutil.rmtree(self._path.parent)
        later.rename(self._path.parent)

    def _reader(self) -> sqlite3.Connection:
        if self._has_journal:
            self._hang_up()
        if self._look is None:
            # Never the last to leave, which would carry the log over.
            self._look = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
            if self._has_journal and self._look.execute("SELECT 1 FROM sqlite_master WHERE name = 'run'").fetchone():
                folding.look_through(self._look, self._path)
        return self._look

    def _hang_up(self) -> None:
        if self._look is not None:
            self._look.close()
            self._look = None

    def is_open(self, phone: str) -> bool:
        found = self._reader().execute("SELECT state FROM contact WHERE phone = ? AND screened IS NULL", (phone,)).fetchone()
        return found is not None and found[0] == NUMBERS[State.INTENT]

    def open_now(self) -> int:
        if not self._has("contact"):
            return 0
        found = self._reader().execute("SELECT count(*) FROM contact WHERE state = ?", (NUMBERS[State.INTENT],)).fetchone()
        return int(found[0])

    def unknown(self) -> int:
        return sum(one.state == "unknown" for one in self.kept().values())

    def kept(self) -> dict[int, Kept]:
        if not self._has("contact"):
            return {}
        plan = self._reader().execute("SELECT json_extract(value, '$.same_text') FROM run WHERE key = 'plan'").fetchone()[0]
        return {
            row: Kept(row, phone, str(BY_NUMBER[state]), logid or "", None if screened else text or plan)
            for row, phone, state, logid, text, screened in self._reader().execute(
                "SELECT row, phone, state, logid, text, screened FROM contact"
            )
        }

    def is_loaded(self) -> bool:
        return self._has("run") and bool(self._reader().execute("SELECT 1 FROM run WHERE key = 'list'").fetchone())

    def is_new(self) -> bool:
        return not (self._has("run") and self._reader().execute("SELECT 1 FROM run WHERE key = 'plan'").fetchone())

    def _has(self, table: str) -> bool:
        if not self._path.exists():
            return False
        return bool(self._reader().execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone())

    def close(self) -> None:
        if self._ledger is not None:
            self._ledger.drop()
        self._hang_up()
        shutil.rmtree(self._folder)


class Noted(Files):
    """The same, with every step that may be noted beside the ledger noted there, in a small file."""

    def __init__(self) -> None:
        super().__init__(has_journal=True)
        vars(journal).update(LARGE=0, WARM=0, MANY=20)
        vars(steps_file).update(BLOCKS=12)


class _Ledger(SqliteLedger):
    """The real one, which dies or fails at its commits where it is told."""

    def __init__(
        self, path: Path, process: Process, snapshot: Any, identity: Identity | None, *, has_journal: bool = False
    ) -> None:
        super().__init__(path, identity=identity, journal=has_journal)
        self.process = process
        self.snapshot = snapshot
        self.kind = "load"

        file = self._file
        self._mark = file.mark_main
        patched: Any = file
        patched.mark_main = self._mark_main
        self._opening = file.open
        patched.open = self._open_file
        notes: Any = self._run.journal
        self._begin = notes._begin
        notes._begin = self._begin_steps

    def _open_file(self, *, is_loss_accepted: bool) -> Plan | None:
        self.kind = "open"
        plan = self._opening(is_loss_accepted=is_loss_accepted)
        connection: Any = _Connection(self._file.connection, self)
        self._file.connection = connection
        return plan

    def _mark_main(self) -> None:
        self.kind, kind = "mark", self.kind
        self._mark()
        self.kind = kind

    async def _in_thread(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        given: tuple[Any, ...] = arguments
        match function.__name__.lstrip("_"):
            case "step" | "claim":
                _, closing, opened, *_ = given
                self.kind = kind_of(closing.number, opened)
            case "refuse":
                self.kind = "result "
            case "enlist" | "keep" | "add" | "load" | "complete" | "expire" | "finish" as kind:
                self.kind = kind
            case _:
                ...
        return await super()._in_thread(function, *arguments)

    def _begin_steps(self) -> None:
        """A step that is noted is a commit of its own."""
        self._begin()
        steps: Any = self._run.journal._steps
        append = steps.append

        def appended(body: bytes) -> None:
            if self.process.loop.has_died():
                append(body)
                return
            self.point("before")
            fault = "" if self.process.loop.has_died() else self.process.disk_fault(self.kind)
            if fault and fault != "fsync error":
                raise OSError(fault)
            append(body)
            if not self.process.loop.has_died():
                self.point("after")
            if fault:
                raise OSError(fault)

        steps.append = appended

    def point(self, when: str) -> None:
        """A commit comes, or has been; the world may end there."""
        self.process.point(when, self.kind)
        if self.process.loop.has_died():
            # What follows in this very step happens in files that nobody will open again.
            with suppress(FileExistsError):
                self.snapshot()

    def drop(self) -> None:
        """Let go of file and lock, as the system does for the dead."""
        self._run.journal._let_go()
        if self._file.connection is not None:
            self._file.connection.close()
            self._file.connection = None
        if self._file.lock is not None:
            os.close(self._file.lock)
            self._file.lock = None


class _Connection:
    """A connection whose COMMIT may be where the world ends."""

    def __init__(self, connection: Any, ledger: _Ledger) -> None:
        self._connection = connection
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *values: Any) -> Any:
        if statement not in {"COMMIT", STEP, STEP_OF_SENT}:  # a step is a commit of its own
            return self._connection.execute(statement, *values)
        ledger = self._ledger
        process = ledger.process
        if process.loop.has_died():
            return self._connection.execute(statement, *values)
        ledger.point("before")
        fault = "" if process.loop.has_died() else process.disk_fault(ledger.kind)
        if fault and fault != "fsync error":
            raise sqlite3.OperationalError(fault)
        done = self._connection.execute(statement, *values)
        if not process.loop.has_died():
            ledger.point("after")
        if fault:
            raise sqlite3.OperationalError(fault)
        return done
