"""An event loop whose clock jumps to the next timer: hours of pauses and holds pass in milliseconds, the same way each time.

`run(main())` is `asyncio.run` on such a loop. It raises `Stuck` when nothing can ever happen any more (a deadlock is a
failure here, not a test that hangs), and fails when the coroutine leaves tasks behind or an exception unheard.
"""

import asyncio
import contextlib
import random
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest import mock

from rumbleup_async.runs import setup

T = TypeVar("T")

_TICK = 1e-7
"""Seconds that pass in one turn of the loop, so that nobody can wait for a moment that rounds to now."""
_PATIENCE = 3.0
"""Real seconds to wait for a thread when no timer is set."""
_LONGEST = 30 * 86_400.0
_SOME_DAY = 1_796_050_800.0
"""The date at which a calendar begins that nobody has set: 2026-11-30, 15:00 UTC."""


class Stuck(Exception):
    """The loop has nothing to do, no timer is set, and no thread answers; or virtual time ran on for a month."""


class _Selector(selectors.SelectSelector):
    now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += _TICK
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = super().select(_PATIENCE)
            if not ready:
                raise Stuck("no task can go on")
            return ready
        self.now += timeout
        if self.now > _LONGEST:
            raise Stuck("a month has passed")
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Work for the executor is done at once and in place, so that the order of everything is always the same."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self.tasks: list[asyncio.Task[Any]] = []
        self.set_task_factory(self._task)

    def _task(self, loop: Any, coro: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
        self.tasks.append(task)
        return task

    def unheard(self) -> list[str]:
        """Tasks whose exception nobody has asked for; asyncio would log them some time later."""
        lost = [task for task in self.tasks if task.done() and not task.cancelled() and task._log_traceback]
        return [f"{task.get_name()}: {task.exception()!r}" for task in lost]

    def time(self) -> float:
        return self._virtual.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def run(main: Coroutine[Any, Any, T], *, calendar: bool = False, begins: float | None = None, chance: int = 1) -> T:
    """The result of `main` on a virtual loop; AssertionError if it leaves tasks behind. `calendar`: engines take the date from
    this loop, too. `begins`: the date, in Unix seconds, at which they do. What is left to
    chance comes out the same each time, another way for another `chance`."""

    async def watched() -> T:
        try:
            result = await main
        except BaseException:
            loop.unheard()
            raise
        for _ in range(10):
            await asyncio.sleep(0)
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert left == []
        assert loop.unheard() == []
        return result

    loop = VirtualLoop()
    began = (_SOME_DAY if begins is None else begins) - loop.time()
    # Else a text that is put off for a second is due when a second has passed in the world, not here.
    is_of_loop = calendar or begins is not None
    clock = SimpleNamespace(time=lambda: began + loop.time(), monotonic=time.monotonic) if is_of_loop else time
    with _fixed(chance), mock.patch.object(setup, "time", clock), asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(watched())


@contextlib.contextmanager
def _fixed(chance: int) -> Iterator[None]:
    """Pauses are a little longer by chance: else some of many runs would go another way, and a bound hold in most of them."""
    before = random.getstate()
    random.seed(chance)
    try:
        yield
    finally:
        random.setstate(before)


def now() -> float:
    """Seconds on the running loop's clock."""
    return asyncio.get_running_loop().time()
