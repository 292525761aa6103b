"""Sending processes of a simulated world: the fleet's own code on both ends, on one clock, with pipes in the place of sockets.

A process may be killed, or stopped for a while, at any moment. What it has said by then is heard; what is said to it waits until
it runs again.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections import deque
from collections.abc import Sequence
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from unittest.mock import patch

import msgspec

from rumbleup_async import collector
from rumbleup_async.engine.options import Options
from rumbleup_async.engine.pace import Pace
from rumbleup_async.fleet import supervisor, worker_process
from rumbleup_async.fleet.channel import Recipe
from rumbleup_async.fleet.remote import RemoteWorker
from rumbleup_async.fleet.supervisor import Fleet
from rumbleup_async.messaging import Plan
from rumbleup_async.rumbleup.gateway import RumbleUpGateway
from tests.prove.loop import PROCESS

if TYPE_CHECKING:
    from tests.prove.world import World

SEVERAL, KILLED, STOPPED = "several sending processes", "a sending process killed", "a sending process stopped for a while"
KINDS: Final = (SEVERAL, KILLED, STOPPED)

HEARD: Final = 0.05
"""Seconds after which a process that runs has heard what it was told."""
_LONGEST: Final = 5.0

_encode = msgspec.msgpack.Encoder().encode
_worlds: dict[int, Crew] = {}


class Crew:
    """The sending processes of a world. `number`: how many a run has."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.draw = random.Random(world.seed ^ 0xF1EE7)
        self.trouble = self.draw.choice((0.0, 0.01, 0.05))
        self.processes: list[Child] = []
        _worlds[world.seed] = self

    def make(self, ledger: Any, plan: Plan, pace: Any, options: Options) -> Fleet:
        """Fits `engine.crew.MakeCrew`."""
        self.world.met[SEVERAL] += 1
        self.processes = []
        recipe = Recipe("tests.prove.fleet:Client", {"seed": self.world.seed}, _LONGEST)
        several = msgspec.structs.replace(options, processes=self.number)
        return Fleet(ledger, plan, pace, several, recipe=recipe, rate=pace.rate)

    async def start(self, inherited: Sequence[int], longest: float) -> RemoteWorker:
        """In the place of `fleet.remote.start`."""
        child = Child(self.world)
        self.processes.append(child)
        return RemoteWorker(child, child.ours, longest)  # type: ignore[arg-type]

    def has_heard(self, since: float) -> bool:
        """Whether the process whose text leaves now must know what was said at `since`."""
        child = PROCESS.get()
        woke = child.woke_at if isinstance(child, Child) else 0.0
        return self.world.loop.now > max(since, woke) + HEARD

    def on_request(self) -> None:
        """A text leaves one of them."""
        child = PROCESS.get()
        if isinstance(child, Child) and self.draw.random() < self.trouble:
            self.world.loop.alarms.setdefault(self.world.loop.steps + 1 + int(self.draw.random() * 40), child.strike)

    def patches(self) -> list[Any]:
        """What the processes take from the machine comes from the world."""
        world = self.world
        clock = SimpleNamespace(time=world.wall, monotonic=lambda: world.loop.now)
        return [
            patch.object(supervisor, "start", self.start),
            patch.object(worker_process, "time", clock),
            patch.object(worker_process, "random", SimpleNamespace(random=world.jitter)),
            patch.object(collector, "keep_what_is_there", lambda: None),
            patch.object(worker_process, "open_files", SimpleNamespace(room=lambda: None)),
        ]


class End:
    """One end of a pipe. Fits `fleet.channel.Channel`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._coming: deque[bytes | None] = deque()
        """What has come and was not heard yet; None: the other end is gone."""
        self._waiting: asyncio.Future[None] | None = None
        self.other: End
        self.is_closed = False

    def say(self, message: object) -> None:
        if not self.is_closed:
            self._send(_encode(message))

    def _send(self, data: bytes | None) -> None:
        loop = self._world.loop
        if not loop.has_died():
            loop.call_soon(self.other._arrive, data, context=contextvars.Context())

    def _arrive(self, data: bytes | None) -> None:
        self._coming.append(data)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def hear(self) -> bytes | None:
        while not self._coming:
            self._waiting = self._world.loop.create_future()
            await self._waiting
        return self._coming[0] if self._coming[0] is None else self._coming.popleft()

    def hang_up(self) -> None:
        """As the system does for the dead."""
        if not self.is_closed:
            self.is_closed = True
            self._send(None)

    async def aclose(self) -> None:
        self.hang_up()


class Child:
    """A sending process. Fits `asyncio.subprocess.Process`, as far as the fleet asks."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.ours, self.theirs = End(world), End(world)
        self.ours.other, self.theirs.other = self.theirs, self.ours
        self.returncode: int | None = None
        self.woke_at = 0.0
        self._over = asyncio.Event()
        context = contextvars.Context()
        context.run(PROCESS.set, self)
        self._task = world.loop.create_task(self._live(), context=context)

    async def _live(self) -> None:
        try:
            await worker_process.serve(self.theirs)  # type: ignore[arg-type]
        finally:
            self.theirs.hang_up()
        self._end(0)

    def _end(self, code: int) -> None:
        if self.returncode is None:
            self.returncode = code
            self._over.set()

    def kill(self) -> None:
        """kill -9."""
        if self.returncode is None:
            self._world.loop.kill(self)
            self.theirs.hang_up()
            self._end(-9)

    async def wait(self) -> int | None:
        await self._over.wait()
        return self.returncode

    def strike(self) -> None:
        """Something happens to it."""
        world = self._world
        crew = world.several
        if self.returncode is not None or self in world.loop.stalled or world.has_ended or crew is None:
            return
        if crew.draw.random() < 0.5:
            world.met[KILLED] += 1
            world.crashes += 1
            self.kill()
        else:
            world.met[STOPPED] += 1
            world.loop.stall(self)
            world.loop.call_later(crew.draw.choice((0.05, 1.0, 30.0)), self._wake, context=contextvars.Context())

    def _wake(self) -> None:
        if self.returncode is None:
            self.woke_at = self._world.loop.now
            self._world.loop.wake(self)


class Client:
    """The client of a sending process."""

    def __init__(self, seed: int) -> None:
        self._world = _worlds[seed].world

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def sending(self, plan: Plan, concurrency: int, rate: float | None) -> tuple[Pace, RumbleUpGateway]:
        """As `RumbleUp.sending`."""
        return Pace(rate), self._world._gateway(plan)
