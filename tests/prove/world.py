"""One simulated world: a list, a provider, a disk, and as many processes as it takes until every contact is accounted for.

Everything that happens follows from the seed. What is real: run, feeds, screening, engine, sender, window, pace, retry, texters,
gateway, wire, and the ledger's rules. What is not: the clock, the randomness, the network, the disk.
"""

import asyncio
import functools
import hashlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import anyio.to_thread
import msgspec

from rumbleup_async.engine.crew import MakeCrew
from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.locks import Locks
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Hold, Pace
from rumbleup_async.engine.texters import Texters
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import run_file as run_file_module
from rumbleup_async.messaging import Plan, Result, State
from rumbleup_async.provider.caller import Caller
from rumbleup_async.rules.numbers import SuppressionStore
from rumbleup_async.rumbleup.answers import DIALECT
from rumbleup_async.rumbleup.gateway import RumbleUpGateway
from rumbleup_async.rumbleup.log_search import LogSearch
from rumbleup_async.runs import execution as execution_module
from rumbleup_async.runs import looks as looks_module
from rumbleup_async.runs import reconcile as reconcile_module
from rumbleup_async.runs import setup as setup_module
from rumbleup_async.runs.run import CONCURRENT, Run, Settings
from rumbleup_async.stops import Cause, Stop
from tests.engine.limiters import AtOnce, Bucket, Share, Windows
from tests.history import check_promise, check_rate
from tests.prove import faults
from tests.prove.befall import MINE, Befalls
from tests.prove.fleet import Crew
from tests.prove.logs import EPOCH
from tests.prove.loop import Loop
from tests.prove.people import TEMPLATE, Listed, make_list
from tests.prove.provider import LOCK, Provider
from tests.prove.storage import Files, Simulated, Storage

ACTION = "125"
_LARGE = 0.05
"""The share of worlds that are large: many texts, few endings. In the others process dies after process."""
_STRETCH = 12.0
_SHRINK = (1 - _LARGE * _STRETCH) / (1 - _LARGE)
_LIVES = 120
"""Processes after which a world should have come to its end."""


class Ending(NamedTuple):
    """What may end a process: a kind of `faults.ENDINGS`, once so many texts have left it."""

    kind: str
    after: int


class Resolution(NamedTuple):
    """What a world came to."""

    seed: int
    texts: int
    processes: int
    met: Counter[str]
    hash: str
    unknown: int


class Wrong(AssertionError):
    """A promise was broken in the world of this seed."""


class World:
    """Drawn from `seed`, about `size` texts. `trace` is told every event."""

    def __init__(
        self, seed: int, size: int, trace: Callable[[str], None] | None = None, *, concurrent: bool | None = None
    ) -> None:
        self.seed = seed
        self.asked = size
        self.random = draw = random.Random(seed)
        self.jitter = random.Random(seed ^ 0x1177).random
        self.trace = trace
        is_large = draw.random() < _LARGE
        size = max(8, round(size * (_STRETCH if is_large else _SHRINK) * draw.uniform(0.4, 1.6)))
        self.concurrency = min(draw.choice((1, 3, 8, 16, 16, 32, 32, 64, 64, 128)), max(4, size // 12))
        self.rate = draw.choice((None, None, None, None, 20.0, 250.0, 1000.0))
        self.is_concurrent = draw.random() < 0.1 if concurrent is None else concurrent
        if self.is_concurrent and self.rate is not None:
            self.rate = max(self.rate, 60.0)
        self.is_on_files = draw.random() < 0.025
        if self.is_on_files:
            size = min(size, 150)
        if self.is_concurrent:
            size = max(8, size // 3)
        self.is_clock_odd = draw.random() < 0.55
        self.feed = draw.choice(("iterable", "async iterable", "loaded"))
        self.limits = draw.random() < 0.25
        self.size = size
        self.people: Listed = make_list(draw, size, is_handed_out=self.is_concurrent)
        self.endings = self._draw_endings(draw, size, is_large)
        latency = draw.choice((0.002, 0.02, 0.1, 0.4))
        self.slow_disk = latency * draw.choice((0.0, 0.1, 0.3, 1.0))
        """Seconds a commit takes."""
        self.provider = Provider(seed, latency)
        self.provider.most = self.concurrency
        self.provider.never = self.people.suppressed
        self._draw_faults(draw)
        self.storage: Storage = Files() if self.is_on_files else Simulated(self.wall)
        self.storage.identity = MINE
        self.befalls = Befalls(self)
        self.provider.is_open = self.storage.is_open
        self.provider.is_sealed = self._is_sealed
        self.provider.on_request = self._on_request
        self.now = 1000.0
        self.skew = 0.0
        self.most_skew = 0.0
        self.met = self.provider.met
        self.crashes = 0
        self.texts = 0
        self.lives = 0
        self.loop: Loop
        self.run_: Run | None = None
        self.ending: Ending | None = None
        self.is_armed = False
        self.is_disk_broken = ""
        self.has_stopped = False
        self.steps: list[int] = []
        """Steps each process took."""
        self.commits: list[int] = []
        """Commits each process made."""
        if self.is_concurrent:
            self.provider.hand_out(self.people.handed_out)

    # ---- what is drawn ----

    def _draw_endings(self, draw: random.Random, size: int, is_large: bool) -> list[Ending]:
        number = draw.choice((0, 2, 4, 8) if is_large else (0, 6, 12, 18, 24))
        kinds = [*faults.PROCESS_ENDINGS * 3, *[bar.name for bar in faults.BARS] * 2]  # one bar meets many texts
        reach = max(1, size // max(1, number // 2))
        return [Ending(draw.choice(kinds), int(reach * draw.random() ** 2)) for _ in range(number)]

    def _draw_faults(self, draw: random.Random) -> None:
        provider = self.provider
        provider.share = draw.choice((0.0, 0.03, 0.1, 0.2, 0.4))
        kinds = list(faults.REQUEST_FAULTS)
        provider.faults = kinds if draw.random() < 0.6 else draw.sample(kinds, 6)
        provider.draw_share = draw.choice((0.2, 0.3, 0.4))
        log = provider.log
        log.page = draw.choice((3, 8, 40)) if self.size < 200 else 40
        log.off = draw.choice((0.0, 0.0, 0.0, 1.0, -1.0)) * draw.uniform(0.2, 26) * 3600
        log.zone = draw.choice((0.0, 0.0, 0.0, 1.0, -1.0)) * draw.randrange(1, 28) * 1800
        log.has_date = draw.random() < 0.8
        provider.draw_faults = faults.DRAW_FAULTS
        self._draw_gateways()
        self._draw_limiter()

    def _draw_limiter(self) -> None:
        """In some worlds the provider lets only so much through."""
        few = random.Random(self.seed ^ 0x4401)
        if few.random() < 0.04:
            # So many at a time: fewer than the run would have under way.
            most = few.choice((1, 3, 10))
            self.provider.limiter = lambda now: AtOnce(most, 0.1)
            return
        draw = random.Random(self.seed ^ 0x442)
        if draw.random() >= 0.15:
            return
        rate, after = draw.choice((20.0, 100.0, 400.0)), draw.choice((0.0, 0.0, 1.0, 3.0))
        self.provider.limiter = draw.choice(
            (
                lambda now: Bucket(rate, draw.choice((1.0, 5.0, rate / 2)), after, now=now),
                lambda now: Windows(int(2 * rate), 2.0, shift=-now),
                lambda now: Share(draw.choice((0.01, 0.1, 0.3)), rate, self.seed),
            )
        )

    def _draw_gateways(self) -> None:
        """In some worlds there is something before the provider that answers for itself."""
        draw = random.Random(self.seed ^ 0x404)
        if draw.random() < 0.85:
            return
        self.provider.gateway_share = draw.choice((0.0, 0.02, 0.1))
        self.provider.draw_faults = (*faults.DRAW_FAULTS, faults.GATEWAY_FAULTS[0])
        self.endings = [
            ending if draw.random() < 0.6 else Ending(draw.choice((faults.SICK, faults.REFUSING)).name, ending.after)
            for ending in self.endings
        ]

    # ---- the parts that are injected ----

    def wall(self) -> float:
        """Seconds since 1970, as the process is told."""
        return EPOCH + self.loop.now + self.skew

    def pause(self) -> float:
        """How long a commit takes."""
        return self.slow_disk

    def note(self, *event: object) -> None:
        """Into the trace."""
        self.provider.events.append((self.loop.now, *event))

    def point(self, when: str, kind: str) -> None:
        """A commit is about to be made, or has been."""
        if when == "before":
            self.commits[-1] += 1
        else:
            self.provider.events.append((self.loop.now, kind))
            if (open_now := self.storage.open_now()) > self.most_open and "intent" in kind:
                self.provider.wrongs.append(f"{open_now} entries open at once")
        ending = self.ending
        if ending is None or not self.is_armed or not ending.kind.startswith("crash"):
            return
        if any(part in kind and ending.kind == f"crash {when} {part} commit" for part in ("intent", "result")):
            self.crash()

    def disk_fault(self, kind: str) -> str:
        """What the disk does to a commit."""
        ending = self.ending
        if self.is_disk_broken:
            return self.is_disk_broken
        if (
            ending is None
            or not self.is_armed
            or ending.kind not in faults.DISK
            or kind in {"open", "enlist", "expire", "load", "add", "complete"}
        ):
            return ""
        self._happens(ending.kind)
        if ending.kind == "disk full":
            self.is_disk_broken = ending.kind
        return ending.kind

    def crash(self) -> None:
        """The process dies here and now."""
        if self.ending is not None:
            self._happens(self.ending.kind)
        self.crashes += 1
        self.loop.die()

    def _happens(self, kind: str) -> None:
        self.is_armed = False
        self.ending = None
        self.met[kind] += 1
        self.note(kind)

    def _is_sealed(self) -> bool:
        run = self.run_
        engine = None if run is None else run._execution.engine
        if not self.has_stopped and (engine is None or engine.books.stopped is None):
            return False
        if self.sealed_at is None:
            self.sealed_at = self.loop.now
        return self.several is None or self.several.has_heard(self.sealed_at)

    # ---- what ends a process ----

    def _on_request(self, number: int) -> None:
        """A text has left; the ending that waits for it comes into force."""
        if self.several is not None:
            self.several.on_request()
        ending = self.ending
        if ending is None or self.is_armed or number <= ending.after:
            return
        self.is_armed = True
        kind, loop = ending.kind, self.loop
        if kind == "crash between two steps":
            loop.alarms[loop.steps + 1 + int(self.random.random() * 40)] = self.crash
        elif kind == "cancelled at an await":
            loop.alarms[loop.steps + 1 + int(self.random.random() * 40)] = self._cancel
        elif kind == "every task cancelled":
            loop.alarms[loop.steps + 1 + int(self.random.random() * 40)] = self._cancel_all
        elif kind.startswith("signal"):
            loop.alarms[loop.steps + 1 + int(self.random.random() * 20)] = self._signal
        elif kind == "one sick node":
            self._happens(kind)
            self.provider.is_sick = True
        elif kind == "outage":
            self._happens(kind)
            fault = self.random.choice(faults.REQUEST_FAULTS)
            self.provider.always = fault
            self.provider.always_until = number + self.random.randrange(5, 150)
        else:
            for bar in (*faults.BARS, faults.REFUSING):
                if bar.name == kind:
                    self.is_armed, self.ending = False, None
                    self.provider.always, self.provider.always_until = bar, 1_000_000_000

    def _cancel(self) -> None:
        if self.task is not None and not self.task.done() and not self.has_ended:
            self._happens("cancelled at an await")
            self.task.cancel()
            if self.random.random() < 0.3:
                self.crashes += 1  # no longer waits for what is in flight: as many may be left unknown
                self.task.cancel()
                self.loop.call_later(0.001, self.task.cancel)

    def _cancel_all(self) -> None:
        """What `asyncio.run` does at its end, and services that are taken down."""
        if self.has_ended:
            return
        self._happens("every task cancelled")
        self.crashes += 1
        for task in self.loop.unfinished():
            if task.process is None:  # a signal to one process is none to its children
                task.cancel()

    def _signal(self) -> None:
        run = self.run_
        if run is None or run._execution.engine is None or self.ending is None or self.has_ended:
            return
        kind = self.ending.kind
        self._happens(kind)
        run.stop(Stop(Cause.INTERRUPTED, "by a signal"))
        self.has_stopped = True
        if kind == "signal twice":
            self.crashes += 1
            self.loop.alarms[self.loop.steps + 1 + int(self.random.random() * 20)] = run._execution.abandon

    disk_context = None
    store: SuppressionStore | None = None
    """Who is asked of each text whether it may leave; None: a list says so beforehand."""
    several: Crew | None = None
    """The sending processes; None where the run's own process sends."""
    sealed_at: float | None = None
    """When it was first seen that the run had stopped."""
    task: "asyncio.Task[Any] | None" = None
    has_ended = False
    tag = ""

    def more_injected(self) -> list[Any]:
        """What else of the machine is the world's, as patches."""
        return [] if self.several is None else self.several.patches()

    # ---- a life ----

    def play(self) -> Resolution:
        """Live it to its end and check it. Raises Wrong."""
        try:
            with injected(self):
                self._live()
                self._check(self.most_open * self.crashes)
                self._settle()
        except Exception as error:
            raise Wrong(f"seed {self.seed}, size {self.asked}: {type(error).__name__}: {error}") from error
        finally:
            if not self.loop.is_closed():
                self.loop.bury()
            self.storage.close()
        unknown = sum(kept.state == "unknown" for kept in self.kept.values())
        return Resolution(self.seed, self.texts, self.lives, self.met, self.hash(), unknown)

    def hash(self) -> str:
        """Of everything that happened, in its order."""
        return hashlib.blake2b(repr(self.provider.events).encode(), digest_size=8).hexdigest()

    def _live(self) -> None:
        endings = iter(self.endings)
        while True:
            self.befalls.now()
            self.ending = next(endings, None)
            if self.lives == _LIVES // 2:
                self.provider.share = self.provider.draw_share = self.provider.gateway_share = 0.0
            if self.lives > _LIVES:
                raise AssertionError(f"not finished after {self.lives} processes; the last: {self.last}")
            if self._process():
                return
            self.now += self.random.choice((0.1, 5.0, 400.0, 90_000.0))

    def _process(self) -> bool:
        """One process; whether nothing is left to be done."""
        self.lives += 1
        self.loop = loop = Loop(self.now, self.seed * 2 * _LIVES + self.lives)
        self.steps.append(0)
        self.commits.append(0)
        self.provider.begin(loop)
        self.is_armed = self.has_stopped = self.has_ended = False
        self.is_disk_broken = ""
        self.run_ = None
        self.provider.always, self.provider.is_sick = None, False
        if self.ending is not None and self.ending.kind == "crash on opening":
            loop.alarms[1 + self.random.randrange(30)] = self.crash
        self._draw_clock()
        self.sealed_at: float | None = None
        limit = self.random.randrange(1, self.size + 1) if self.limits and self.random.random() < 0.7 else None
        self.note("process", self.lives, str(limit))
        self.before_life()
        self.task = task = None
        self.last = "died"
        is_done = False
        try:
            self.task = task = loop.create_task(self._main(limit))
            task.add_done_callback(lambda _: loop.stop())
            loop.run_forever()
        finally:
            self._end_life(loop)
        if not loop.has_died():
            assert task is not None
            loop.alarms.clear()
            is_done = self._outcome(task)
            for _ in range(3):
                loop.stop()
                loop.run_forever()
            left = [one.get_name() for one in loop.unfinished()]
            assert left == [], f"tasks left behind: {left}"
            assert loop.complaints == [], f"errors unheard: {loop.complaints}"
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.bury_killed()
            loop.close()
        else:
            open_now = self.storage.open_now()
            assert open_now <= self.most_open, f"{open_now} open after a crash"
            self.storage.died()
            loop.bury()
        if self.rate is not None:
            more = 0 if self.several is None else 3 * (self.several.number - 1)  # each process has a bucket of its own
            check_rate([time for time, _ in self.provider.requests], self.rate + more)
        if limit is not None:
            several = len({phone for _, phone in self.provider.requests})
            assert several <= limit, f"{several} texts left at a limit of {limit}"
        assert self.provider.wrongs == [], "; ".join(self.provider.wrongs[:3])
        return is_done

    def before_life(self) -> None:
        """For those who want to know of each process before it runs."""

    def _end_life(self, loop: Loop) -> None:
        self.now = loop.now
        self.steps[-1] = loop.steps
        self.texts += len(self.provider.requests)
        self.provider.process_died()

    def _draw_clock(self) -> None:
        if self.skew and self.random.random() < 0.2:
            self.skew = 0.0
            self.met["wall clock put right between processes"] += 1
        draw = self.random.random()
        if draw > 0.45 or not self.is_clock_odd:
            return
        kind = faults.SET_CLOCKS[int(draw / 0.45 * 3)]
        self.loop.call_later(self.random.choice((0.01, 0.05, 0.5)), self._jump, kind)

    def _jump(self, kind: str) -> None:
        self.met[kind] += 1
        self.note(kind)
        by = self.random.choice((1.0, 60.0, 3600.0, 86_400.0))
        if kind == "machine asleep":
            self.loop.now += by
        else:
            self.skew += by if kind == "wall clock set forward" else -by
            self.most_skew = max(self.most_skew, abs(self.skew))

    async def _main(self, limit: int | None) -> tuple[Run, list[Result] | None]:
        again = self.storage.is_loaded() and (self.is_concurrent or self.random.random() < 0.7)
        if self.is_concurrent:
            again = not self.storage.is_new() and self.random.random() < 0.5
        settings = None if again else self._settings()
        # Told once how careful it is to be, a run remembers it.
        is_told = self.storage.is_told()
        given: dict[str, Any] = {} if is_told else {"rate": self.rate or 0, "concurrency": self.concurrency}
        given |= self.more_given(is_told=is_told)
        pace = Pace(given.get("rate"))
        options = Options(
            limit=limit,
            suppress=self.store or (() if is_told else self.people.opted_out),
            locks=Locks(held=LOCK, send_within=20.0, patience=5.0, wait=True) if self.is_concurrent else None,
        )

        def adapt(care: Mapping[str, Any]) -> tuple[Options, MakeCrew | None]:
            if is_told:
                pace.limit(care.get("rate"))
            told = msgspec.structs.replace(options, concurrency=care.get("concurrency", 64), **self.more_options(care))
            return told, self.crew()

        run = self.run_ = Run(
            settings,
            options,
            gateway=self._gateway,
            ledger=self.storage.ledger(self),
            pace=pace,
            given=given,
            adapt=adapt,
        )
        results: list[Result] | None = None
        is_leaver = self.ending is not None and self.ending.kind == "left early"
        async with run:
            self.tag = run.plan.tag
            contacts = None if again or self.is_concurrent else self._contacts()
            if contacts is not None and self.feed == "loaded":
                await self._load(run)
                contacts = None
            try:
                if is_leaver or self.random.random() < 0.3:
                    results = []
                    async for result in run.send(contacts):
                        results.append(result)
                        if is_leaver and self.is_armed and self.ending is not None:
                            self._happens("left early")
                            break
                else:
                    summary = await run.send(contacts)
                    assert summary.total == sum(self.run_counts(run).values())
            finally:
                await self.before_closing()
            self.has_ended = True
        return run, results

    async def before_closing(self) -> None:
        """For those who have begun something else with the run."""

    def crew(self) -> MakeCrew | None:
        """Who sends in the place of the process itself."""
        return None if self.several is None else self.several.make

    def divide(self, number: int) -> None:
        """Let so many processes send, each with the concurrency of the world."""
        if number > 1 and not self.is_concurrent and isinstance(self.storage, Simulated):
            self.several = Crew(self, number)
            self.provider.most = number * self.concurrency
            self.provider.is_heard_by_all = False
            self.provider.stray_share = 0.0  # kept connections belong to one process

    @property
    def most_open(self) -> int:
        """Entries that may be open at once, and that a crash may leave in doubt."""
        return 2 * self.concurrency * (1 if self.several is None else self.several.number)

    def more_given(self, *, is_told: bool) -> dict[str, Any]:
        """What else a process is told, and keeps in the ledger."""
        return {}

    def more_options(self, care: Mapping[str, Any]) -> dict[str, Any]:
        """What of that the engine is to know, as the ledger has kept it."""
        return {}

    def options_to_go_on(self) -> dict[str, Any]:
        """The same for a process that is told all anew."""
        return {}

    def run_counts(self, run: Run) -> dict[State, int]:
        """Contacts by state, as the run says."""
        return dict(run.counts)

    def _settings(self) -> Settings:
        details: dict[str, Any] = {"flags": ["spring"], "group": None}
        if self.is_concurrent:
            details["mode"] = CONCURRENT
        return Settings(provider="rumbleup", action=ACTION, text=TEMPLATE, details=details)

    def _gateway(self, plan: Plan) -> RumbleUpGateway:
        return RumbleUpGateway(self.provider, action=plan.action, flags=(plan.tag, *plan.details["flags"]))

    def _contacts(self) -> Any:
        rows = self.people.rows
        return self._coming(rows) if self.feed == "async iterable" else iter(rows)

    async def _coming(self, rows: Sequence[dict[str, str]]) -> AsyncIterator[dict[str, str]]:
        for number, row in enumerate(rows):
            if not number % 97:
                await asyncio.sleep(0.01 * self.random.random())
            yield row

    async def _load(self, run: Run) -> None:
        """A list that is in the ledger as a whole before anything is sent."""
        if run._ledger.fingerprint is not None:
            return
        screen = run._setup.screen
        assert screen is not None
        from rumbleup_async.lists import contacts as lists

        contacts = [lists.contact_of(row, number, None, screen.needed_fields) for number, row in enumerate(self.people.rows, 1)]
        await run._ledger.load([screen.batch(contacts)])
        await run._ledger.complete("")

    def _outcome(self, task: "asyncio.Task[tuple[Run, list[Result] | None]]") -> bool:
        """Note how a process ended that did not die; whether the work is done."""
        self.has_stopped = True
        run = self.run_
        if run is None and task.cancelled():  # before its first step
            self.last = "cancelled"
            return False
        if run is None:
            raise task.exception() or AssertionError("no run was made")
        stopped = run._execution.stopped
        if task.cancelled():
            self.last = "cancelled"
        elif (error := task.exception()) is not None:
            self.last = f"{type(error).__name__}: {error}"
            if isinstance(error, LedgerError):
                self.crashes += 1
            elif not isinstance(error, asyncio.CancelledError):
                raise error
        else:
            _, results = task.result()
            self.last = str(stopped)
            if results is not None:
                # A contact whose lock has ended goes back, and may be drawn and sent after all.
                rows = [result.row for result in results if not (self.is_concurrent and result.state is State.NOT_SENT)]
                twice = [row for row, number in Counter(rows).items() if number > 1]
                assert not twice, f"results handed out twice for rows {twice[:5]}"
            lost = self.provider.lost
            assert lost <= run.lost_draws, f"{lost} contacts locked for nobody, {run.lost_draws} noted"
        self._look_for_wrongs_of_refusals(run)
        self.note("ended", self.last.partition(":")[0])
        if stopped is not None or self.last.startswith(("cancelled", "Ledger")):
            return False
        counts = run.counts
        return not counts[State.QUEUED] and not counts[State.INTENT] and not self._is_unfinished()

    def _look_for_wrongs_of_refusals(self, run: Run) -> None:
        """At the end of a process that did not die."""
        stopped = run._execution.stopped
        if self.last == "None":
            left = run.counts[State.QUEUED]
            assert not left, f"{left} texts are left over, and the run says nothing"
        engine = run._execution.engine
        if (
            stopped is None
            or stopped.cause.words != "error threshold"
            or not isinstance(engine, Engine)
            or engine.books.rounds.is_last
        ):
            return
        row = {phone for phone, _ in self.provider.row}
        off = [kept.phone for kept in self.storage.kept().values() if kept.state == "refused" and kept.phone in row]
        assert not off, f"refused in the very row that stopped the run: {off[:5]}"

    def _is_unfinished(self) -> bool:
        """Whether contacts are left that nobody has told of."""
        if not self.is_concurrent:
            return not self.storage.is_loaded()
        books = {kept.phone for kept in self.storage.kept().values()}
        return bool(self.people.planned.keys() - books)

    # ---- the judgement ----

    def _settle(self) -> None:
        """Ask the log about what is unknown, first as troubles have it, then as it should be; then nothing may be unknown.

        With one exception: where nothing is known as sent, nothing is absent.
        """
        self.endings = []
        troubles = self.troubles_of_the_log()
        for trouble in troubles:
            if not self._count_unknown():
                break
            if trouble == "log lagging" and self.most_skew and not self.provider.log.has_date:
                continue  # nobody can tell how late it is; see docs/reliability.md
            self._look_up(trouble)
            self._check(None)
        if not troubles:
            return
        for _ in range(2):
            # What the last look has found is what this one can be tried on; and where clocks disagree it takes two.
            if self.storage.unknown() and self._is_anything_sent():
                self._look_up("")
        self._check(0 if self._is_anything_sent() else None, is_settled=True)
        absent = {kept.phone for kept in self.kept.values() if kept.state == "not_sent"}
        is_held_back = any(body.phone in absent for body in self.provider.held)
        if absent and self.random.random() < (1.0 if is_held_back else 0.1):
            self._send_again()
            self._look_up("")
            self._check(0 if self._is_anything_sent() else None, is_settled=True)

    def _is_anything_sent(self) -> bool:
        return any(kept.state == "sent" for kept in self.storage.kept().values())

    def troubles_of_the_log(self) -> tuple[str, ...]:
        """What meets the log each time that it is asked; the last time it is as it should be."""
        changed = self.random.choice(("log without tags", "log page repeated"))
        often = {"log lagging": 0.45, "log unreadable": 0.2}
        now_and_then = [kind for kind, share in often.items() if self.random.random() < share]
        # The first two take a long log to be met, the other a certain time.
        rare = ("log: cut after 30 rows", "log: more rows said in other words", "log: words altered, tags lost")
        form = self.random.choice((*faults.LOG_FORMS, *rare, rare[0]))
        return (*now_and_then, form, *(("crash during reconcile",) if self.random.random() < 0.6 else ()), changed, "")

    def _count_unknown(self) -> int:
        return self.storage.unknown()

    def _look_up(self, trouble: str) -> None:
        """One process that reconciles, while the log has this trouble."""
        log, draw = self.provider.log, self.random
        log.trouble, log.has_shown = trouble if trouble.startswith("log") else "", False
        kept = self.storage.kept().values()
        if trouble in faults.LOG_FORMS:
            unknown = {one.phone for one in kept if one.state == "unknown"}
            some = {one.phone for one in kept if draw.random() < 0.3}
            log.odd = draw.choice((unknown, unknown, some, {one.phone for one in kept}))
            if trouble == "log: rows left out":
                # Whoever leaves out those in doubt alone, and says nothing of it, lies, and no look can tell.
                sent = [one.phone for one in kept if one.state == "sent"]
                log.odd = {*some, draw.choice(sent)} if sent else ()
        # Late enough, by every clock.
        is_soon = trouble == "log lagging"
        self.now += 30.0 if is_soon else 90_000.0 + 3 * self.most_skew + 2 * (abs(log.off) + abs(log.zone))
        if is_soon:
            # Ten minutes late at most; or so that what is known as sent has just come, and what left last has not.
            known = {one.phone for one in kept if one.state == "sent"}
            shown = max((text.time for text in self.provider.truth if text.phone in known), default=0.0)
            log.until = max(self.now - 600.0, shown + 1e-9 if draw.random() < 0.7 else 0.0)
        skew = self.skew
        # Of a log that is late and names no time, with a clock that was set meanwhile, nobody can tell how late it is.
        if trouble and draw.random() < (0.9 if is_soon else 0.2) and (log.has_date or not is_soon):
            self.skew += draw.choice((-1, 1, 1)) * draw.uniform(0.2, 30) * 3600
            self.met["wall clock hours off at a look"] += 1
        self.met["provider's clock hours off"] += bool(log.off)
        self.met["provider's times in another zone"] += bool(log.zone)
        self.met["no Date in answers"] += not log.has_date
        death = 1 + draw.randrange(14) if trouble == "crash during reconcile" else 0
        if self._short_life(self._reconcile, death, trouble) and log.has_shown:
            self.met[trouble] += 1
        log.trouble = ""
        self.skew = skew

    def _send_again(self) -> None:
        """Queue the absent again and be stopped; what was held back for days arrives; go on without having looked."""
        self.provider.share = self.provider.draw_share = self.provider.gateway_share = 0.0
        bar = self.random.choice((None, *faults.BARS[:1]))
        limit = self.random.randrange(0, 4)
        self._short_life(functools.partial(self._resend, limit, bar), 0, "")
        self.met["queued again, then stopped"] += 1
        self.provider.take_late()
        self.now += self.random.choice((5.0, 90_000.0))
        self._short_life(functools.partial(self._resend, None, None), 0, "")

    def _short_life(self, main: Callable[[], Coroutine[Any, Any, None]], death: int, kind: str) -> bool:
        """A process of its own, which dies at this step if it is told one; whether it lived to its end."""
        self.lives += 1
        loop = self.loop = Loop(self.now, self.seed * 2 * _LIVES + self.lives)
        self.steps.append(0)
        self.commits.append(0)
        self.provider.begin(loop)
        self.provider.always, self.provider.is_sick = None, False
        self.is_armed, self.ending, self.is_disk_broken, self.has_stopped, self.run_ = False, None, "", False, None
        if death:
            loop.alarms[death] = lambda: self._die_of(kind)
        task = loop.run(main())
        self._end_life(loop)
        if loop.has_died():
            self.storage.died()
            loop.bury()
            return False
        loop.alarms.clear()
        task.result()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        assert self.provider.wrongs == [], "; ".join(self.provider.wrongs[:3])
        return True

    def _die_of(self, kind: str) -> None:
        self.met[kind] += 1
        self.note(kind)
        self.loop.die()

    def _resumed(self, limit: int | None = None) -> Run:
        caller = Caller(self.provider, Hold(), DIALECT)
        self.run_ = Run(
            None,
            Options(
                concurrency=self.concurrency,
                limit=limit,
                suppress=self.store or self.people.opted_out,
                locks=Locks(held=LOCK, send_within=20.0, patience=5.0, wait=True) if self.is_concurrent else None,
                **self.options_to_go_on(),
            ),
            gateway=self._gateway,
            ledger=self.storage.ledger(self),
            pace=Pace(self.rate),
            log=lambda plan: LogSearch(caller, plan),
        )
        return self.run_

    async def _reconcile(self) -> None:
        async with self._resumed() as run:
            done = await run.reconcile()
            self.note("reconciled", done.found, done.absent, done.undecided)
            self.last = done.problem

    async def _resend(self, limit: int | None, bar: faults.Fault | None) -> None:
        """Send what is queued; with a limit, what was absent as well, as far as it goes."""
        async with self._resumed(limit or None) as run:
            if limit is not None:
                done = await run.resend_absent()
                self.note("queued again", done.queued, done.found, done.left)
                if not limit:
                    return
                if bar is not None:
                    self.provider.always, self.provider.always_until = bar, 1_000_000_000
            await run.send()

    def _check(self, crashed: int | None, *, is_settled: bool = False) -> None:
        """All rules; `crashed`: how many may be unknown for want of a process, None if nobody counts."""
        self.kept = kept = self.storage.kept()
        explained = len(kept) if crashed is None else crashed
        if not is_settled:
            explained += sum(one.state == "unknown" and one.phone in self.provider.doubtful for one in kept.values())
        check_promise(
            rows=None if self.is_concurrent else len(self.people.rows),
            kept=kept.values(),
            truth=self.provider.truth,
            action=ACTION,
            tag=self.tag,
            allowed=explained,
            planned=self.people.planned,
            never=self.people.suppressed,
            said_no=self.provider.said_no,
        )
        assert self.provider.wrongs == [], "; ".join(self.provider.wrongs[:3])
        if self.trace is not None:
            for event in self.provider.events:
                self.trace(" ".join(map(str, event)))


@contextmanager
def injected(world: World) -> Iterator[None]:
    """Clock and randomness of the world in the place of the machine's, and threads that are not threads."""

    async def in_place(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        return function(*arguments)

    clock = SimpleNamespace(time=world.wall, sleep=lambda seconds: None, monotonic=lambda: world.loop.now)
    choices = SimpleNamespace(choice=random.Random(world.seed ^ 0x1D).choice)
    replaced: list[tuple[Any, str, Any]] = [
        (execution_module, "Engine", functools.partial(Engine, wall_clock=world.wall, jitter=world.jitter)),
        (execution_module, "Texters", functools.partial(Texters, wall_clock=world.wall, jitter=world.jitter)),
        (looks_module, "reconcile", functools.partial(reconcile_module.reconcile, wall_clock=world.wall)),
        (setup_module, "secrets", choices),
        (execution_module, "time", clock),
        (setup_module, "time", clock),
        (run_file_module, "time", clock),
        (anyio.to_thread, "run_sync", in_place),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in replaced]
    state = random.getstate()
    random.seed(world.seed)  # of what asks the module itself: the pauses between reads
    for owner, name, value in replaced:
        setattr(owner, name, value)
    try:
        with ExitStack() as stack:
            for one in world.more_injected():
                stack.enter_context(one)
            yield
    finally:
        random.setstate(state)
        for owner, name, value in before:
            setattr(owner, name, value)
