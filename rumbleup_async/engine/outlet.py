"""Where results go once they are durable: to whoever iterates over the run, and to the observers; and what else these are told.

Lives here: handing out, and the guard around the caller's own observers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rumbleup_async.engine.fan_out import FanOut
from rumbleup_async.engine.ports import Observer
from rumbleup_async.events import Event
from rumbleup_async.messaging import Result, State
from rumbleup_async.reasons import Code


class Outlet:
    """Hands results out. `full()` says that nobody has taken the last ones yet. A mistake of an observer goes to `failed`
    instead of losing a contact.

    `is_detailed`: each text and each step are to be noted, too. It is looked at once, when the run begins to send.
    """

    def __init__(
        self,
        observer: Observer | FanOut,
        sink: Callable[[Sequence[Result]], None],
        full: Callable[[], bool],
        failed: Callable[[Exception], None],
    ) -> None:
        self._observers = observer if isinstance(observer, FanOut) else FanOut([observer])
        self._sink = sink
        self.is_full = full
        self._failed = failed
        self.is_detailed = self._observers.is_detailed
        self._noted: list[Event] = []
        self.counts = dict.fromkeys(State, 0)
        """How many contacts this process has accounted for, by state: a ledger counts those of all processes of its run."""

    def results(self, results: Sequence[Result]) -> None:
        """These contacts are accounted for, durably."""
        if not results:
            return
        for result in results:
            self.counts[result.state] += 1
        self._sink(results)
        try:
            self._observers.results(results)
        except Exception as error:  # noqa: BLE001 - it is the caller's code; run() raises it again
            self._failed(error)

    def held(self, seconds: float, reason: str, code: Code = Code.NONE) -> None:
        """Nothing leaves for so long."""
        self.flush()
        try:
            self._observers.held(seconds, reason, code)
        except Exception as error:  # noqa: BLE001
            self._failed(error)

    def note(self, *events: Event) -> None:
        """These have happened: observers hear of them at the next `flush()`."""
        if self._observers.is_listening:
            self._noted += events

    def tell(self, event: Event) -> None:
        """This has happened: observers hear of it now."""
        self.note(event)
        self.flush()

    def flush(self) -> None:
        """Let observers hear of what was noted."""
        if not self._noted:
            return
        noted, self._noted = self._noted, []
        try:
            self._observers.events(noted)
        except Exception as error:  # noqa: BLE001
            self._failed(error)
