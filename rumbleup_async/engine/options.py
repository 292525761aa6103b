"""How a run is to go about its work, as one value that is handed from the client to the engine.

Lives here: the value and the checks of its fields.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING

import msgspec

from rumbleup_async.engine.doubts import DEFAULT
from rumbleup_async.engine.ports import AnyObserver
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.retry import Policy
from rumbleup_async.rules.numbers import SuppressionStore

if TYPE_CHECKING:
    from rumbleup_async.engine.locks import Locks
    from rumbleup_async.rules.door import Rule
    from rumbleup_async.rules.hours import Hours, Schedule


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`concurrency`: requests in flight at most, in each process (concurrent mode: texters). `starts_at`: so many at first,
    and more as long as that brings more; None where that was not asked for. `processes`: that send, at a time; with one it is
    the caller's own. `limit`: texts of this run at most.

    `suppress`: phones never to be texted. `observer`: one or several that are told what happens. `locks`: of concurrent mode.
    `hours`: when people may be texted; `schedule`: on which days the run goes on.
    `settle`: look what is unknown up in the provider's log before the first text; seconds from a text until its absence counts.
    """

    concurrency: int = 64
    starts_at: int | None = None
    processes: int = 1
    limit: int | None = None
    unknown_limit: float = DEFAULT
    """The share of the last texts that may be unknown before the run stops; 1 for no limit."""
    policy: Policy = Policy()
    suppress: Container[str] | SuppressionStore = frozenset()
    observer: AnyObserver | Sequence[AnyObserver] | None = None
    locks: Locks | None = None
    settle: float | None = None
    hours: Hours | None = None
    schedule: Schedule | None = None
    rules: Sequence[Rule] = ()
    """Rules of the caller's own, besides ours."""
    clock: Callable[[], float] | None = None
    """Gives the time by which hours go, where a caller has one."""
    note: str = ""
    """What is to be said of these options before anything is sent."""

    @property
    def has_hours(self) -> bool:
        """Whether it matters what time this machine takes it for."""
        return self.clock is None and not (self.hours is None and self.schedule is None)

    def checked(self) -> Options:
        """Itself; ConfigurationError if a field cannot be meant."""
        _check_count("concurrency", self.concurrency)
        _check_count("processes", self.processes)
        if self.limit is not None:
            _check_count("limit", self.limit)
        if self.locks is not None:
            self.locks.check()
        if self.settle is not None and not 0 <= self.settle < math.inf:
            raise ConfigurationError("the grace (settle) is a number of seconds, 0 or more")
        return self


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} must be a whole number of at least 1")
