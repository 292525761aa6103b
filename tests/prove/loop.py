"""An event loop without any I/O: virtual time, every step counted, and a death that nothing survives.

A relative of `tests/virtual_time.py`, made for millions of texts: no selector, no sockets, so a world costs microseconds. It can
die between any two steps. Then nothing of it runs any more, not even a `finally`; `bury()` gets rid of the remains.
"""

import asyncio
import contextvars
import heapq
import sys
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from anyio._backends._asyncio import _task_states

from tests.virtual_time import Stuck

T = TypeVar("T")

PROCESS: contextvars.ContextVar[object] = contextvars.ContextVar("PROCESS", default=None)
"""To which process a task belongs, where a loop has several."""

_TICK = 1e-7
_SPREAD = 0x9E3779B1
_LONGEST = 400 * 86_400.0


class Dead(BaseException):
    """Something of a world that has died wanted to go on."""


class _Handle:
    """An `asyncio.Handle` without what it does for a debug mode: half of a world's time went into those."""

    __slots__ = ("_args", "_callback", "_cancelled", "_context")

    def __init__(self, callback: Any, args: tuple[Any, ...], context: contextvars.Context | None) -> None:
        self._callback = callback
        self._args = args
        self._context = contextvars.copy_context() if context is None else context
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True
        self._callback = self._args = None  # type: ignore[assignment]

    def cancelled(self) -> bool:
        return self._cancelled


class _Timer(float):
    """The same for a moment, which it is itself: so the heap of timers compares floats."""

    __slots__ = _Handle.__slots__

    _callback: Any
    _args: Any
    _context: contextvars.Context
    _cancelled: bool

    def cancel(self) -> None:
        self._cancelled = True
        self._callback = self._args = None

    def cancelled(self) -> bool:
        return self._cancelled

    def when(self) -> float:
        return float(self)


class _Task(asyncio.Task[Any]):
    """Hashes by its number, so that sets of tasks have the same order each time that a world is played."""

    def __init__(self, number: int, coro: Any, loop: Any, name: str | None, context: contextvars.Context | None) -> None:
        self.number = number
        self.process = PROCESS.get() if context is None else context.get(PROCESS)
        super().__init__(coro, loop=loop, name=name, context=context)

    def __hash__(self) -> int:
        return self.number


def _lay_down(task: Any) -> None:
    """Close its coroutine: it may refuse a few times, when it waits in its `finally`."""
    task._log_destroy_pending = False
    for _ in range(4):
        try:
            task.get_coro().close()
        except BaseException:
            continue
        return


class Loop(asyncio.BaseEventLoop):
    """One process: begins at the moment `now`, and ends by itself or by `die()`.

    `alarms` maps numbers of steps to what is done just before that step is taken. `life` tells loops apart: the tasks of the dead
    stay in the sets of asyncio for a while, and those of one number would all be in each other's way.
    """

    def __init__(self, now: float, life: int = 0) -> None:
        super().__init__()
        self.now = now
        self.steps = 0
        self.alarms: dict[int, Callable[[], None]] = {}
        self.stalled: dict[object, list[Any]] = {}
        """Processes of which nothing runs at the moment, and what they would do."""
        self.killed: set[object] = set()
        """Processes of which nothing ever runs again."""
        self._is_dead = False
        self.complaints: list[str] = []
        self._tasks: list[_Task] = []
        self._first = life * _SPREAD % 2**60
        self._end = now + _LONGEST
        self.set_exception_handler(self._complain)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: contextvars.Context | None = None) -> asyncio.Task[Any]:
        task = _Task(self._first + len(self._tasks), coro, self, name, context)
        self._tasks.append(task)
        return task

    def unfinished(self) -> "list[_Task]":
        """The tasks that have not ended, the oldest first. `asyncio.all_tasks` looks at those of all dead worlds, too."""
        return [task for task in self._tasks if not task.done() and task.process not in self.killed]

    def _complain(self, loop: Any, context: dict[str, Any]) -> None:
        self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")

    def time(self) -> float:
        return self.now

    def die(self) -> None:
        """Nothing runs from here on. Whoever calls it must return, or wait for `never()`, at once."""
        self._is_dead = True
        self.stop()

    def has_died(self) -> bool:
        """Whether nothing of it runs any more."""
        return self._is_dead

    def never(self) -> "asyncio.Future[Any]":
        """What the dying waits for."""
        return self.create_future()

    def run(self, main: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run until `main` has ended, or until the world dies; Stuck if nothing can ever happen any more."""
        task = self.create_task(main)
        task.add_done_callback(lambda _: self.stop())
        self.run_forever()
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        future = self.create_future()
        try:
            result = func(*args)
        except Exception as error:
            if not self._is_dead:
                future.set_exception(error)
        else:
            if not self._is_dead:
                future.set_result(result)
        return future

    # ---- several processes on one clock ----

    def stall(self, process: object) -> None:
        """Nothing of this process runs until `wake(process)`; time goes on. `PROCESS` says in a task whose it is."""
        self.stalled.setdefault(process, [])

    def wake(self, process: object) -> None:
        """It goes on as if nothing had been; what has come due meanwhile is done at once."""
        self._ready.extend(self.stalled.pop(process, ()))

    def kill(self, process: object) -> None:
        """Nothing of this process ever runs again; time goes on, and so do the others."""
        self.stall(process)
        self.killed.add(process)

    def bury_killed(self) -> None:
        """Get rid of what killed processes have left lying about; nothing runs on this loop any more."""
        if self.killed:
            self._is_dead = True
            self._lay_down([task for task in self._tasks if task.process in self.killed])

    def _lay_down(self, tasks: "Iterable[_Task]") -> None:
        asyncio._set_running_loop(self)  # what the dying begin is theirs, and goes with them
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what the dead began in their last moments and nobody awaits
                for task in tasks:
                    if not task.done():
                        _lay_down(task)
        finally:
            asyncio._set_running_loop(None)

    def _puts_aside(self, handle: Any) -> bool:
        process = handle._context.get(PROCESS)
        if process not in self.stalled:
            return False
        self.stalled[process].append(handle)
        return True

    def bury(self) -> None:
        """Get rid of what a death left lying about, without letting it do or say anything."""
        self._is_dead = True
        self._lay_down(self._tasks)  # grows meanwhile
        self._ready.clear()
        self._scheduled.clear()
        for task in self._tasks:
            _task_states.pop(task, None)  # what anyio keeps of a task refers to the task: it would stay for ever
        self._tasks.clear()
        self.close()

    # ---- what asyncio asks of a loop ----

    _ready: Any
    _scheduled: Any
    _stopping: bool
    _thread_id: int | None

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> _Handle:
        handle = _Handle(callback, args, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> _Timer:
        timer = _Timer(when)
        timer._callback = callback
        timer._args = args
        timer._context = contextvars.copy_context() if context is None else context
        timer._cancelled = False
        heapq.heappush(self._scheduled, timer)
        return timer

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> _Timer:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def run_forever(self) -> None:
        """The one of asyncio, and its `_run_once`, in one, without what they do for selectors and other threads."""
        self._check_closed()  # type: ignore[attr-defined]
        self._check_running()  # type: ignore[attr-defined]
        hooks = sys.get_asyncgen_hooks()
        self._thread_id = threading.get_ident()
        sys.set_asyncgen_hooks(firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook)  # type: ignore[attr-defined]
        asyncio._set_running_loop(self)
        try:
            while True:
                self._turn()
                if self._stopping:
                    break
        finally:
            self._stopping = False
            self._thread_id = None
            asyncio._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)

    def _turn(self) -> None:
        ready, scheduled, alarms, stalled = self._ready, self._scheduled, self.alarms, self.stalled
        self.now += _TICK
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)
        if not ready and not self._stopping:
            self._jump()
        now = self.now
        while scheduled and scheduled[0] <= now:
            ready.append(heapq.heappop(scheduled))
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            self.steps += 1
            if alarms and self.steps in alarms:
                alarms[self.steps]()
                if self._is_dead:
                    return
            if not (stalled and self._puts_aside(handle)):
                try:
                    handle._context.run(handle._callback, *handle._args)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:
                    self.call_exception_handler({"message": f"in {handle._callback}", "exception": error})
            if self._is_dead:
                return

    def _jump(self) -> None:
        """To the next timer, if nothing else is to be done."""
        if not self._scheduled:
            raise Stuck("no task can go on")
        self.now = max(self.now, float(self._scheduled[0]))
        if self.now > self._end:
            raise Stuck("more than a year has passed")

    def _process_events(self, event_list: Any) -> None: ...

    def _write_to_self(self) -> None: ...
