"""Deadlines of whole exchanges, looked after by one sweep for all of them: a timer
for each would cost a seventh of a request.

Lives here: the sweep, which cancels the task of an exchange whose time is over.
"""

from __future__ import annotations

import asyncio
from typing import Any

SWEEP = 1.0
"""Seconds between two looks, at most."""


class Deadlines:
    """When the tasks that carry an exchange are cancelled. A task has one exchange at a time."""

    def __init__(self, every: float) -> None:
        """`every`: seconds between two looks."""
        self._every = min(SWEEP, every)
        self._due: dict[asyncio.Task[Any], float] = {}
        self._passed: set[asyncio.Task[Any]] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._sweep_due = 0.0

    def begin(self, task: asyncio.Task[Any], loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """Cancel the task in so many seconds, unless it has ended by then."""
        self._due[task] = loop.time() + seconds
        if self._sweeping is None:
            self._sweep_later(loop)

    def lift(self, task: asyncio.Task[Any]) -> None:
        """The task may take as long as it takes."""
        self._due.pop(task, None)

    def end(self, task: asyncio.Task[Any]) -> None:
        """However it ended: a later cancellation of this task by somebody else must not be taken for ours."""
        self._due.pop(task, None)
        self._passed.discard(task)

    def has_passed(self, task: asyncio.Task[Any]) -> bool:
        """Whether the task was cancelled here."""
        return task in self._passed

    def close(self) -> None:
        """No look any more."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        stood = now - self._sweep_due
        if stood > SWEEP:
            # The whole process stood still: what has come meanwhile waits to be read.
            self._due = {task: deadline + stood for task, deadline in self._due.items()}
        for task, deadline in self._due.items():
            if deadline < now and task not in self._passed:
                self._passed.add(task)
                task.cancel()
        self._sweeping = None
        if self._due:
            self._sweep_later(loop)

    def _sweep_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweep_due = loop.time() + self._every
        self._sweeping = loop.call_at(self._sweep_due, self._sweep, loop)
