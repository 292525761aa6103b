"""Worlds of several machines that send one run over a real PostgreSQL: leases, zombies, partitions, a database that goes away.

Real are the functions in the database, all of `postgres/`, engine, rules and gateway. Simulated are every clock, that of the
database too, the network to it and to the provider, and when a process is stopped, put to sleep, killed, or cut off. The clocks
of the machines are hours apart. Whenever a text leaves it is looked up in the database, beside all connections of the world,
whether its intent is committed there, and whether the lease of its owner lasts by the clock of the database. Each move of a
contact is noted by a trigger.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Final
from unittest.mock import patch

from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import SilentObserver
from rumbleup_async.errors import LedgerError
from rumbleup_async.ledger import looks
from rumbleup_async.messaging import Plan, Planned
from rumbleup_async.postgres import connections, opening, owning, versions
from rumbleup_async.postgres import server as servers
from rumbleup_async.postgres.ledger import PostgresLedger
from rumbleup_async.rules.suppression import Suppression
from rumbleup_async.rumbleup.gateway import RumbleUpGateway
from rumbleup_async.runs import money
from rumbleup_async.session.exchange import Request, Response
from tests.history import Kept, check_moves, check_opt_outs, check_promise
from tests.prove import faults, wires
from tests.prove.logs import EPOCH
from tests.prove.loop import PROCESS, Loop
from tests.prove.owners import OptOuts
from tests.prove.people import TEMPLATE, make_list
from tests.prove.provider import Provider
from tests.prove.server import Server, running
from tests.prove.wires import End, Link
from tests.prove.world import ACTION, Resolution, Wrong

STOPPED, SHORTLY = "stopped beyond its lease", "stopped within its lease"
GAP = "stopped between the check and the write"
ASLEEP, KILLED, GONE = "its machine asleep", "a machine's process killed", "its machine gone"
EXPIRED, FENCED, PROVEN = "expired on another machine", "came back fenced", "proved a text after another machine had expired it"
CUT, LOST, REPEATED = "connection cut before a statement", "done, and its answer lost", "asked for again, and not done twice"
UP, DOWN, LATE = "partition towards the database", "partition from the database", "arrived after its sender gave up"
CRASHED, RESTARTED, AWAY = "database crashed", "database restarted", "database away beyond all patience"
READ_ONLY, FULL = "database could only be read", "database had no room"
APART, OPTED_OUT = "clocks hours apart", "opted out while machines send"
BOUNDED = "texted within what machines may spend together"
KINDS: Final = (
    *(STOPPED, SHORTLY, GAP, ASLEEP, KILLED, GONE, EXPIRED, FENCED, PROVEN, CUT, LOST, REPEATED, UP, DOWN, LATE),
    *(CRASHED, RESTARTED, AWAY, READ_ONLY, FULL, APART, OPTED_OUT, BOUNDED),
)
"""What can happen here, besides what meets single texts."""

_LIVES, _CALM = 80, 16
"""Processes after which all must be done, and after which nothing goes wrong any more."""
_LONGEST: Final = 4600.0
_PATIENCE: Final = 60.0
_LOOK_UP: Final = 0.03
"""Seconds that a look-up of an opt-out takes."""
_FATES: Final = {wires.BEFORE: CUT, wires.AFTER: LOST, wires.LATE: LATE, wires.READ_ONLY: READ_ONLY, wires.FULL: FULL}
_IN_A_STEP: Final = re.compile(rb"\.step\(|\.turn_away\(|^COMMIT")
_QUEUED, _INTENT = 0, 1
_WORDS: Final = ("queued", "intent", "sent", "refused", "skipped", "not_sent", "unknown")


class Machine:
    """One process of the run, on a machine of its own."""

    def __init__(self, world: Machines, number: int) -> None:
        draw = world.random
        self._world = world
        self.number = number
        self.link = Link()
        world.links.append(self.link)
        self.is_ahead = draw.choice((0.0, 0.0, draw.uniform(-12.0, 12.0))) * 3600
        """By how much its wall clock is wrong."""
        self.booted = draw.uniform(0.0, 1e6)
        self.ended: str | None = None
        self.is_dead = False
        self.is_sending = False
        self.error: LedgerError | None = None
        self.left: list[tuple[float, str]] = []
        self.stalled_at = self.woke_at = -1.0
        self.slept = 0.0
        self.in_gap: set[str] = set()
        """Whose texts were about to be written when the process was stopped."""

    def wall(self) -> float:
        return EPOCH + self._world.loop.now + self.is_ahead

    def boot(self) -> float:
        return self._world.loop.now + self.booted

    def stall(self) -> None:
        self.stalled_at = self._world.loop.now
        self._world.loop.stall(self)

    def wake(self) -> None:
        if not self.is_dead:
            self.woke_at = self._world.loop.now
            self.slept += self.woke_at - self.stalled_at
            self._world.loop.wake(self)

    def kill(self, noticed: float) -> None:
        """Nothing of it ever runs again; the database notices after so many seconds."""
        self.is_dead = True
        self._world.loop.kill(self)
        self.lose_connections(noticed)

    def lose_connections(self, noticed: float) -> None:
        for end in self.link.ends:
            end.at(self._world.loop.now + noticed, end.end)


class Clock:
    """In the place of `time`: each process has a clock of its own."""

    def __init__(self, world: Machines) -> None:
        self._world = world

    def time(self) -> float:
        machine = PROCESS.get()
        return machine.wall() if isinstance(machine, Machine) else self._world.wall()

    def monotonic(self) -> float:
        machine = PROCESS.get()
        return machine.boot() if isinstance(machine, Machine) else self._world.loop.now


class Wire:
    """The exchange of one machine. It may be stopped when a text is about to be written, after all that was asked before."""

    def __init__(self, world: Machines, machine: Machine) -> None:
        self._world = world
        self._machine = machine

    async def __call__(self, request: Request) -> Response:
        world, machine = self._world, self._machine
        if world.is_troubled and world.random.random() < world.trouble / 4 and machine not in world.loop.stalled:
            world.met[GAP] += 1
            machine.in_gap.add(json.loads(request.body)["phone"])
            machine.stall()
            lose = world.random.random() < 0.7
            seconds = world.random.choice((2.0, 4.0)) * world.lease + (wires.NOTICED if lose else 0.0)
            if lose:
                machine.lose_connections(wires.NOTICED)
            world.loop.call_later(seconds, machine.wake, context=contextvars.Context())
            await asyncio.sleep(0)
        return await world.provider(request)

    async def aclose(self) -> None: ...


class Machines:
    """A world, drawn from its seed. `play()` lives it to its end and checks it."""

    def __init__(self, seed: int, *, server: Server | None = None) -> None:
        self.seed = seed
        self.random = draw = random.Random(seed ^ 0x3AC)
        self.jitter = random.Random(seed ^ 0x1177).random
        self.loop = Loop(1000.0, seed)
        self.server = server or running()
        self.lease = draw.choice((2.0, 10.0, 30.0))
        self.concurrency = draw.choice((1, 3, 8, 16))
        self.together = draw.choice((2, 3, 3, 4))
        """Processes at a time."""
        self.people = make_list(draw, draw.randrange(30, 120), is_handed_out=False)
        self.provider = provider = Provider(seed, draw.choice((0.02, 0.1, 0.4)))
        provider.share = draw.choice((0.0, 0.03, 0.1, 0.3))
        provider.faults = faults.REQUEST_FAULTS
        provider.is_heard_by_all = False
        provider.stray_share = 0.0  # kept connections belong to one process
        provider.most = _LIVES * self.concurrency
        provider.on_request = self._on_request
        provider.is_open = lambda phone: True  # it is looked closer
        provider.begin(self.loop)
        self.met: Counter[str] = provider.met
        self.opt_outs = OptOuts(self.loop)
        self.opt_out_share = draw.choice((0.0, 0.05, 0.3))
        self.has_rules = draw.random() < 0.7
        bounds = random.Random(seed ^ 0xB0D)
        self.budget = bounds.choice((None, None, bounds.randrange(1, len(self.people.planned) + 1)))
        """So many texts are paid for at first; None for no bound."""
        self.trouble = draw.choice((0.1, 0.2, 0.4))
        """How many texts out of one leave, on average, before something happens to a process."""
        self.shakiness = draw.choice((0.003, 0.01, 0.02))
        """How many statements meet something."""
        self.db_ahead = draw.uniform(-6.0, 6.0) * 3600
        self.db_began = self._db_time()
        self.down_until = 0.0
        self.read_only_until = self.full_until = 0.0
        self.machines: list[Machine] = []
        self.links: list[Link] = []
        self.rows: dict[int, Planned] = {}
        self.plan = Plan(run="MACHINESRX", provider="rumbleup", action=ACTION, text=TEMPLATE, details={"flags": ["spring"]})
        self.run = 0

    def wall(self) -> float:
        """Seconds since 1970."""
        return EPOCH + self.loop.now

    @property
    def is_troubled(self) -> bool:
        return len(self.machines) <= _CALM

    def play(self) -> Resolution:
        """Live it to its end and check it. Raises Wrong."""
        self.server.begin(self._db_time())
        try:
            with self._injected():
                self.loop.run(self._main()).result()
                self._check()
        except Exception as error:
            raise Wrong(f"machines, seed {self.seed}: {type(error).__name__}: {error}") from error
        finally:
            self.loop.bury()
            self._end_all()
        unknown = self._counts()[6]
        digest = hashlib.blake2b(repr(self.provider.events).encode(), digest_size=8).hexdigest()
        return Resolution(self.seed, len(self.provider.requests), len(self.machines), self.met, digest, unknown)

    # ---- what is real, and what is not ----

    @contextmanager
    def _injected(self) -> Iterator[None]:
        clock = Clock(self)
        with ExitStack() as stack:
            for module in (connections, owning, opening, looks):
                stack.enter_context(patch.object(module, "time", clock))
            stack.enter_context(patch.object(servers, "connect", self._connect))
            stack.enter_context(patch.object(versions, "prepare", self._prepare))
            yield

    async def _connect(self, address: object, *, is_for_steps: bool = False, longest: float = 0.0) -> End:
        machine = PROCESS.get()
        assert isinstance(machine, Machine)
        with servers.telling(address):  # type: ignore[arg-type]
            end = await wires.connect(
                self.loop, self.server, machine.link, tell=self._tell, fate=self._fate, refused_until=lambda: self.down_until
            )
            if is_for_steps:
                await end.execute(servers._OF_SESSION)
        return end

    def _prepare(self, address: object, *, makes: bool) -> None:
        if self.loop.now < self.down_until:
            raise LedgerError("Connection refused")

    def _db_time(self) -> float:
        return self.wall() + self.db_ahead

    def _tell(self) -> None:
        self.server.tell(self._db_time(), self.db_began)

    def _fate(self, end: End, statement: bytes) -> int:
        """What becomes of a statement that is sent now."""
        now, draw = self.loop.now, self.random
        if now < self.read_only_until:
            return wires.READ_ONLY
        if now < self.full_until:
            return wires.FULL
        often = 8 if _IN_A_STEP.search(statement) else 1
        if not self.is_troubled or draw.random() >= self.shakiness * often:
            return wires.NOTHING
        machine = PROCESS.get()
        assert isinstance(machine, Machine)
        what = draw.choice((CUT, CUT, LOST, LOST, UP, DOWN, LATE, CRASHED, RESTARTED, READ_ONLY, FULL))
        self.met[what] += 1
        seconds = draw.choice((1.0, 10.0, 29.0, 40.0, 100.0))
        if what == UP:
            machine.link.up_from = now + seconds
        elif what == DOWN:
            machine.link.down_from = now + seconds
        elif what in {CRASHED, RESTARTED}:
            self.loop.call_later(draw.choice((0.0002, 0.0007)), self._restart, what == CRASHED, context=contextvars.Context())
        elif what == READ_ONLY:
            self.read_only_until = now + seconds
            return wires.READ_ONLY
        elif what == FULL:
            self.full_until = now + seconds
            return wires.FULL
        return {CUT: wires.BEFORE, LOST: wires.AFTER, LATE: wires.LATE}.get(what, wires.NOTHING)

    def _restart(self, is_crash: bool) -> None:
        """All connections end; nothing that was committed is lost."""
        seconds = self.random.choice((0.0, 1.0, 20.0, 90.0))
        self.met[AWAY] += seconds > _PATIENCE
        self.down_until = self.loop.now + seconds
        if is_crash:
            self.server.crash()
            for end in self._ends():
                end.drop()
        else:
            self._end_all()
        self.db_began = self._db_time() + seconds

    # ---- what happens ----

    def _on_request(self, number: int) -> None:
        """A text leaves one of the machines."""
        machine = PROCESS.get()
        assert isinstance(machine, Machine)
        phone, draw = self.provider.requests[-1][1], self.random
        now = self.loop.now
        machine.left.append((machine.stalled_at if now <= machine.woke_at + _LOOK_UP + 1e-3 else now, phone))
        self._look(machine, phone)
        if self.has_rules and draw.random() < self.opt_out_share:
            self.opt_outs.since.setdefault(draw.choice(sorted(self.people.planned)), now)
            self.met[OPTED_OUT] += 1
        if self.is_troubled and draw.random() < self.trouble:
            self.loop.alarms[self.loop.steps + 1 + int(draw.random() * 60)] = lambda: self._strike(machine)

    def _look(self, machine: Machine, phone: str) -> None:
        """Whether it may leave, by what everybody can see in the database."""
        if phone in machine.in_gap:
            machine.in_gap.remove(phone)
            return  # it was stopped where nothing is asked any more
        seen = self.server.look(self._db_time(), self.run, phone)
        wrongs = self.provider.wrongs
        if seen is None or seen.state != _INTENT:
            wrongs.append(f"{phone} left while its intent was not on the disk")
        elif seen.is_fenced:
            wrongs.append(f"{phone} left although its owner is fenced")
        elif not seen.lasts:
            wrongs.append(f"{phone} left after the lease of its owner had ended")
        if self.budget is not None:
            self.met[BOUNDED] += 1
            if not 0 < self._spent() <= self.budget:
                wrongs.append(f"{phone} was beyond what was to be spent")

    def _strike(self, machine: Machine) -> None:
        if machine.ended is not None or machine.is_dead or machine in self.loop.stalled:
            return
        draw = self.random
        what = draw.choice((KILLED, GONE, ASLEEP, STOPPED, SHORTLY))
        self.met[what] += 1
        if what == KILLED:
            machine.kill(0.001)
        elif what == GONE:
            machine.kill(wires.NOTICED)
        else:
            machine.stall()
            seconds = self.lease * (draw.choice((0.2, 0.7)) if what == SHORTLY else draw.choice((1.2, 3.0, 8.0)))
            if what == ASLEEP:
                machine.lose_connections(wires.NOTICED)
                seconds += draw.choice((0.0, wires.NOTICED, wires.NOTICED + 2 * self.lease))
            self.loop.call_later(seconds, machine.wake, context=contextvars.Context())

    async def _main(self) -> None:
        await self._in_a_process(self._take_in)
        (self.run,) = self.server.ask("SELECT id FROM rumbleup.run")[0]
        while (some := self._at_work()) or self._counts()[_QUEUED]:
            assert len(self.machines) <= _LIVES, f"not finished after {_LIVES} processes; the last: {self.machines[-1].ended}"
            assert self.provider.wrongs == [], "; ".join(self.provider.wrongs[:3])
            assert self.loop.now < _LONGEST, "not finished after an hour"
            if not self.is_troubled:
                self.provider.share = 0.0
            if self.budget is not None and self._spent() == self.budget and not self._counts()[_INTENT]:
                self.budget = None  # somebody pays for the rest
            if len(some) < self.together and self._counts()[_QUEUED] and (self._is_there or self.random.random() < 0.01):
                self._begin()
            await asyncio.sleep(self.random.choice((0.01, 0.3, 2.0)))
        await asyncio.sleep(400.0)  # whoever was stopped is awake again, and all leases have ended
        self.down_until = 0.0
        await self._in_a_process(self._settle)
        self.provider.process_died()

    @property
    def _is_there(self) -> bool:
        """Whether the database does what it is asked."""
        return self.loop.now >= max(self.down_until, self.read_only_until, self.full_until)

    def _ends(self) -> list[End]:
        return [end for link in self.links for end in link.ends if not end.is_gone]

    def _end_all(self) -> None:
        self.server.end(*[end.backend for end in self._ends()])
        for end in self._ends():
            end.drop()

    def _at_work(self) -> list[Machine]:
        return [one for one in self.machines if one.ended is None and not one.is_dead]

    def _counts(self) -> list[int]:
        found: list[int] = self.server.ask("SELECT rumbleup.counts_of(id) FROM rumbleup.run")[0][0]
        return found

    def _spent(self) -> int:
        """Texts that may have left, of one segment each."""
        counts = self._counts()
        return counts[1] + counts[2] + counts[6]

    def _ledger(self, *, joins: bool) -> PostgresLedger:
        return PostgresLedger(self.server.address("world", self.lease), joins=joins, patience=_PATIENCE)

    def _start(self, machine: Machine, work: Callable[[Machine], Any]) -> asyncio.Task[Any]:
        context = contextvars.Context()
        context.run(PROCESS.set, machine)
        return self.loop.create_task(work(machine), context=context)

    async def _in_a_process(self, work: Callable[[Machine], Any]) -> None:
        """By a process to which nothing happens."""
        shaky, self.shakiness = self.shakiness, 0.0
        await self._start(Machine(self, 0), work)
        self.shakiness = shaky

    async def _take_in(self, machine: Machine) -> None:
        ledger = self._ledger(joins=False)
        self.plan = await ledger.open(self.plan)
        rows = [Planned(row, phone, text) for row, (phone, text) in enumerate(self.people.planned.items(), 1)]
        with patch.object(servers, "connect_here", lambda address: self.server.connect()):
            await ledger.load([rows])
        await ledger.complete("list")
        await ledger.aclose()

    async def _settle(self, machine: Machine) -> None:
        ledger = self._ledger(joins=False)
        await ledger.open(None)
        await self._expire(ledger)
        await ledger.aclose()

    async def _expire(self, ledger: PostgresLedger) -> None:
        """As opening a run does."""
        for owner in await ledger.owners():
            if owner.is_dead:
                await ledger.expire(owner.id)

    def _begin(self) -> None:
        machine = Machine(self, len(self.machines) + 1)
        self.machines.append(machine)
        self.met[APART] += bool(machine.is_ahead)
        self._start(machine, partial(self._life, joins=self.random.random() < 0.7))

    async def _life(self, machine: Machine, *, joins: bool) -> None:
        ledger = self._ledger(joins=joins)
        try:
            await ledger.open(None)
            if not joins:
                await self._expire(ledger)
            bound = {} if self.budget is None else {money.BUDGET: self.budget, money.PRICE: 1}
            allowance = await money.allowance(bound, ledger, None, longest=1, clock=machine.wall, until=0.0)
            engine = Engine(
                ledger,
                RumbleUpGateway(Wire(self, machine), action=self.plan.action, flags=(self.plan.tag, *self.plan.details["flags"])),
                Pace(None),
                Options(concurrency=self.concurrency),
                observer=SilentObserver(),
                sink=lambda results: None,
                rules=[Suppression(frozenset(), store=self.opt_outs)] if self.has_rules else [],
                wall_clock=machine.wall,
                boot_clock=machine.boot,
                jitter=self.jitter,
                allowance=allowance,
            )
            await ledger.again()
            machine.is_sending = True
            machine.ended = str(await engine.run())
        except LedgerError as error:
            machine.error = error
            machine.ended = str(error)
            self.met[FENCED] += "taken over" in machine.ended
        finally:
            with contextlib.suppress(LedgerError):
                await ledger.aclose()

    # ---- the judgement ----

    def _check(self) -> None:
        wrongs = self.provider.wrongs
        assert wrongs == [], "; ".join(wrongs[:3])
        assert self.loop.complaints == [], f"errors unheard: {self.loop.complaints}"
        for row, was, state in self.server.ask("SELECT row, was, state FROM worlds.move ORDER BY id"):
            check_moves({row: _WORDS[was]}, {row: _WORDS[state]})
            self.met[PROVEN] += (was, state) == (6, 2)
        asked = "SELECT row, phone, state, coalesce(logid, ''), coalesce(text, '') FROM rumbleup.contact WHERE run = %s"
        kept = [
            Kept(row, phone, _WORDS[state], logid, text) for row, phone, state, logid, text in self.server.ask(asked, self.run)
        ]
        fenced = self.server.ask("SELECT count(*) FROM rumbleup.owner WHERE fenced")[0][0]
        doubtful = sum(one.state == "unknown" and one.phone in self.provider.doubtful for one in kept)
        check_promise(
            rows=len(self.people.planned),
            kept=kept,
            truth=self.provider.truth,
            action=ACTION,
            tag=self.plan.tag,
            allowed=2 * self.concurrency * fenced + doubtful,
            planned=self.people.planned,
            said_no=self.provider.said_no,
        )
        counted = Counter(one.state for one in kept)
        assert self._counts() == [counted[word] for word in _WORDS], "the counts are not those of the contacts"
        self.met[EXPIRED] += fenced
        self.met[REPEATED] += sum(link.repeated for link in self.links)
        for machine in self.machines:
            check_opt_outs(machine.left, self.opt_outs.since, _LOOK_UP + 1e-3)
