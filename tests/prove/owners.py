"""Worlds of several bookkeepers over one ledger: each an owner with a lease, one of them stalled until another expires it.

Processes share one clock. A process may be stalled, so that nothing of it runs while all else goes on, or die at any moment.
People opt out while texts leave. Real are engine, rules, gateway, and what the ledger does with owners; simulated are clock,
network, disk, and whoever looks after owners whose lease has ended.
"""

import asyncio
import contextvars
import hashlib
import random
from collections import Counter
from typing import Any

from rumbleup_async.admission import GO, Verdict, Wait
from rumbleup_async.engine.engine import Engine
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.engine.ports import SilentObserver
from rumbleup_async.errors import LedgerError
from rumbleup_async.messaging import Owner, Plan, Planned, Result, State, Step, Text
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.rules.suppression import Suppression
from rumbleup_async.rumbleup.gateway import RumbleUpGateway
from tests.history import Kept, check_moves, check_opt_outs, check_promise
from tests.prove import faults
from tests.prove.logs import EPOCH
from tests.prove.loop import PROCESS, Loop
from tests.prove.people import TEMPLATE, make_list
from tests.prove.provider import Provider
from tests.prove.storage import Disk, Writer
from tests.prove.world import ACTION, Resolution, Wrong

STALLED, SHORTLY, DIED = "stalled beyond its lease", "stalled within its lease", "one of several died"
AFTER, EXPIRED, FENCED = "died after it expired another", "expired with open entries", "came back expired"
PROVEN, OPTED_OUT = "proved a text after it was expired", "opted out while texts left"
PUT_OFF = "put off by a rule"
KINDS = (STALLED, SHORTLY, DIED, AFTER, EXPIRED, FENCED, PROVEN, OPTED_OUT, PUT_OFF)
"""What can happen here, besides what meets single texts."""

_LIVES = 60
"""Processes after which everybody should be accounted for."""
_CALM = 12
"""Processes after which nothing goes wrong any more."""
_LOOK_UP = 0.03
"""Seconds that a look-up of an opt-out takes."""


class Leased(Disk):
    """A ledger in memory whose owners have a lease from their last step on. A lease that has ended does not come back: whoever
    was told that an owner is dead may rely on it."""

    def __init__(self, world: "Owners") -> None:
        super().__init__(world.wall)
        self._world = world
        self._stepped: dict[int, float] = {}
        """When each owner made its last step."""

    @property
    def lease(self) -> float:
        return self._world.lease

    async def enlist(self, name: str) -> Owner:
        owner = await super().enlist(name)
        self._stepped[owner.id] = self._world.loop.now
        return owner

    async def owners(self) -> list[Owner]:
        return [Owner(one.id, one.name, is_dead=self._has_ended(one.id)) for one in await super().owners()]

    def _has_ended(self, owner: int) -> bool:
        return self._world.loop.now - self._stepped[owner] > self.lease

    async def expire(self, owner: int) -> list[Result]:
        found = await super().expire(owner)
        self._world.expired += bool(found)
        self._world.met[EXPIRED] += bool(found)
        return found

    async def step(self, owner: int, *given: Any, **more: Any) -> Step:
        if self._has_ended(owner):
            await self.expire(owner)
        step = await super().step(owner, *given, **more)
        if not step.is_fenced:
            self._stepped[owner] = self._world.loop.now
        return step


class OptOuts:
    """Fits `SuppressionStore`: whoever opts out is in it from that moment on."""

    looks_up = False
    """It has the answer at hand: a ledger of a world waits for nothing."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.since: dict[str, float] = {}

    async def is_suppressed(self, phone: str) -> bool:
        # At the claim it is asked within a step, which is one moment here; before the wire it takes its time.
        takes = _LOOK_UP if asyncio.current_task() is not None else 0.0
        if takes:
            await asyncio.sleep(takes / 2)
        found = phone in self.since
        if takes:
            await asyncio.sleep(takes / 2)
        return found


class Later:
    """Fits `Rule`: some people are not to be texted before a moment of their own."""

    looks_up = False

    def __init__(self, opens: dict[str, float], met: Counter[str]) -> None:
        self.opens = opens
        """Unix seconds, by phone."""
        self._met = met

    async def admit(self, text: Text, now: float) -> Verdict:
        opens = self.opens.get(text.phone, 0.0)
        if now >= opens:
            return GO
        self._met[PUT_OFF] += 1
        return Wait(opens, Reason(Code.RULE_FAILED, "not yet"))


class Bookkeeping:
    """One process: a bookkeeper with its workers. Fits `storage.Process`."""

    def __init__(self, world: "Owners", number: int) -> None:
        self._world = world
        self.loop = world.loop
        self.number = number
        self.disk_context = contextvars.Context()
        self.left: list[tuple[float, str]] = []
        """When a text left it, as if its clock stood still while it is stalled."""
        self.stalled_at = self.woke_at = 0.0
        self.ended: str | None = None
        """How it ended; None as long as it goes on."""
        self.is_dead = False

    def point(self, when: str, kind: str) -> None:
        if when == "after":
            self._world.committed(self, kind)

    def disk_fault(self, kind: str) -> str:
        return ""

    def pause(self) -> float:
        return self._world.slow_disk

    def note_text(self, phone: str) -> None:
        now = self.loop.now
        self.left.append((self.stalled_at if now <= self.woke_at + _LOOK_UP + 1e-3 else now, phone))

    def stall(self) -> None:
        self.stalled_at = self.loop.now
        self.loop.stall(self)

    def wake(self) -> None:
        if not self.is_dead:
            self.woke_at = self.loop.now
            self.loop.wake(self)


class Owners:
    """A world, drawn from its seed. `play()` lives it to its end and checks it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = draw = random.Random(seed)
        self.jitter = random.Random(seed ^ 0x1177).random
        self.loop = Loop(1000.0, seed)
        self.lease = draw.choice((1.0, 5.0, 30.0))
        self.slow_disk = draw.choice((0.0, 0.003, 0.02))
        self.concurrency = draw.choice((1, 3, 8, 16))
        self.together = draw.choice((2, 2, 3))
        """Processes at a time."""
        self.rate = draw.choice((None, None, 20.0, 200.0))
        self.people = make_list(draw, draw.randrange(20, 160), is_handed_out=False)
        self.provider = Provider(seed, draw.choice((0.02, 0.1, 0.4)))
        self.provider.share = draw.choice((0.0, 0.03, 0.1, 0.3))
        self.provider.faults = faults.REQUEST_FAULTS
        self.provider.is_heard_by_all = False
        self.provider.stray_share = 0.0  # kept connections belong to one process
        self.provider.most = _LIVES * self.concurrency  # the dead have theirs in flight for ever
        self.provider.on_request = self._on_request
        self.provider.begin(self.loop)
        self.disk = Leased(self)
        self.provider.is_open = lambda phone: self.disk.state_of(phone) is State.INTENT
        self.opt_outs = OptOuts(self.loop)
        self.opt_out_share = draw.choice((0.0, 0.05, 0.3))
        self.trouble = draw.choice((0.02, 0.1, 0.25))
        """How many texts out of one leave, on average, before something happens to a process."""
        self.met: Counter[str] = self.provider.met
        share = draw.choice((0.0, 0.1, 0.4))
        late = {phone: self.wall() + draw.uniform(0.0, 20.0) for phone in self.people.planned if draw.random() < share}
        self.later = Later(late, self.met)
        self.processes: list[Bookkeeping] = []
        self.rescuer = Bookkeeping(self, 0)
        self.expired = 0
        self._states: dict[int, str] = {}
        self.tag = ""

    def wall(self) -> float:
        """Seconds since 1970."""
        return EPOCH + self.loop.now

    def play(self) -> Resolution:
        """Live it to its end and check it. Raises Wrong."""
        try:
            self.loop.run(self._main()).result()
            self._check()
        except Exception as error:
            raise Wrong(f"owners, seed {self.seed}: {type(error).__name__}: {error}") from error
        finally:
            self.loop.bury()
        unknown = self.disk.counts[State.UNKNOWN]
        digest = hashlib.blake2b(repr(self.provider.events).encode(), digest_size=8).hexdigest()
        return Resolution(self.seed, len(self.provider.requests), len(self.processes), self.met, digest, unknown)

    # ---- what happens ----

    def _on_request(self, number: int) -> None:
        """A text leaves one of the processes."""
        process = PROCESS.get()
        assert isinstance(process, Bookkeeping)
        phone = self.provider.requests[-1][1]
        process.note_text(phone)
        if self.wall() < self.later.opens.get(phone, 0.0):
            self.provider.wrongs.append(f"{phone} left before the rules allowed it")
        draw = self.random
        if draw.random() < self.opt_out_share:
            self.opt_outs.since.setdefault(draw.choice(sorted(self.people.planned)), self.loop.now)
            self.met[OPTED_OUT] += 1
        if len(self.processes) < _CALM and draw.random() < self.trouble:
            self.loop.alarms[self.loop.steps + 1 + int(draw.random() * 40)] = lambda: self._strike(process)

    def _strike(self, process: Bookkeeping) -> None:
        if process.ended is not None or process in self.loop.stalled:
            return
        draw = self.random
        process.stall()
        if draw.random() < 0.2:
            process.is_dead = True
            self.met[DIED] += 1
            return
        seconds = self.lease * draw.choice((0.3, 0.9, 1.5, 3.0, 6.0))
        self.met[STALLED if seconds > self.lease else SHORTLY] += 1
        self.loop.call_later(seconds, process.wake, context=contextvars.Context())

    def committed(self, process: Bookkeeping, kind: str) -> None:
        """Something is on the disk now."""
        states = {row: str(entry.state) for row, entry in self.disk._contacts.entries.items()}
        try:
            check_moves(self._states, states)
        except AssertionError as error:
            self.provider.wrongs.append(str(error))
        self.met[PROVEN] += sum(state == "unknown" and states.get(row) == "sent" for row, state in self._states.items())
        self._states = states
        if kind == "expire" and self.random.random() < 0.6 and len(self.processes) < _CALM:
            # Whoever has expired another is gone before it claims anything.
            for one in self.processes:
                if one.ended is None and one not in self.loop.stalled:
                    one.stall()
                    one.is_dead = True
                    self.met[AFTER] += 1
                    break

    async def _main(self) -> None:
        plan = Plan(run="OWNERSRUNX", provider="rumbleup", action=ACTION, text=TEMPLATE, details={"flags": ["spring"]})
        self.tag = (await self.disk.open(plan)).tag
        rows = [Planned(row, phone, text) for row, (phone, text) in enumerate(self.people.planned.items(), 1)]
        self.disk._add(rows)
        await self.disk.complete("")
        rescue = self.loop.create_task(self._rescue())
        while (some := self._at_work()) or self.disk.counts[State.QUEUED]:
            assert len(self.processes) <= _LIVES, f"not finished after {_LIVES} processes; the last: {self.processes[-1].ended}"
            assert self.provider.wrongs == [], "; ".join(self.provider.wrongs[:3])
            if len(self.processes) > _CALM:
                self.provider.share = 0.0
            if len(some) < self.together and self.disk.counts[State.QUEUED]:
                self._begin(plan)
            await asyncio.sleep(self.random.choice((0.01, 0.3, 2.0)))
        await asyncio.sleep(3 * self.lease)  # the last leases end, and their owners are expired
        rescue.cancel()
        await asyncio.wait([rescue])
        self.provider.process_died()

    def _at_work(self) -> list[Bookkeeping]:
        return [one for one in self.processes if one.ended is None and not one.is_dead]

    def _begin(self, plan: Plan) -> None:
        process = Bookkeeping(self, len(self.processes) + 1)
        self.processes.append(process)
        context = contextvars.Context()
        context.run(PROCESS.set, process)
        self.loop.create_task(self._life(process, plan), context=context)

    async def _life(self, process: Bookkeeping, plan: Plan) -> None:
        engine = Engine(
            Writer(self.disk, process),
            RumbleUpGateway(self.provider, action=plan.action, flags=(plan.tag, *plan.details["flags"])),
            Pace(self.rate),
            Options(concurrency=self.concurrency),
            observer=SilentObserver(),
            sink=lambda results: None,
            rules=[Suppression(frozenset(), store=self.opt_outs), self.later],
            wall_clock=self.wall,
            boot_clock=lambda: self.loop.now,
            jitter=self.jitter,
        )
        await self.disk.again()  # as opening does: who comes anew begins the queue anew
        try:
            process.ended = str(await engine.run())
        except LedgerError as error:
            process.ended = str(error)
            self.met[FENCED] += "taken over" in process.ended

    async def _rescue(self) -> None:
        """What looks after owners whose lease has ended, in whatever process."""
        books = Writer(self.disk, self.rescuer)
        while True:
            await asyncio.sleep(self.lease / 4)
            for owner in await books.owners():
                if owner.is_dead:
                    await books.expire(owner.id)

    # ---- the judgement ----

    def _check(self) -> None:
        wrongs = self.provider.wrongs
        assert wrongs == [], "; ".join(wrongs[:3])
        assert self.loop.complaints == [], f"errors unheard: {self.loop.complaints}"
        kept: dict[int, Kept] = self.disk.books()
        doubtful = sum(one.state == "unknown" and one.phone in self.provider.doubtful for one in kept.values())
        check_promise(
            rows=len(self.people.planned),
            kept=kept.values(),
            truth=self.provider.truth,
            action=ACTION,
            tag=self.tag,
            allowed=2 * self.concurrency * self.expired + doubtful,
            planned=self.people.planned,
            said_no=self.provider.said_no,
        )
        for process in self.processes:
            check_opt_outs(process.left, self.opt_outs.since, _LOOK_UP + 1e-3)
