"""Where results go once they are durable: to whoever iterates over the run, and to the observer.

Lives here: handing out, and the guard around the caller's own observer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rumbleup_async.engine.ports import Observer
from rumbleup_async.messaging import Result


class Outlet:
    """Hands results out. `full()` says that nobody has taken the last ones yet. A mistake of the observer goes to `failed`
    instead of losing a contact."""

    def __init__(
        self,
        observer: Observer,
        sink: Callable[[Sequence[Result]], None],
        full: Callable[[], bool],
        failed: Callable[[Exception], None],
    ) -> None:
        self._observer = observer
        self._sink = sink
        self.is_full = full
        self._failed = failed

    def results(self, results: Sequence[Result]) -> None:
        """These contacts are accounted for, durably."""
        if not results:
            return
        self._sink(results)
        try:
            self._observer.results(results)
        except Exception as error:  # noqa: BLE001 - it is the caller's code; run() raises it again
            self._failed(error)

    def held(self, seconds: float, reason: str) -> None:
        """Nothing leaves for so long."""
        try:
            self._observer.held(seconds, reason)
        except Exception as error:  # noqa: BLE001
            self._failed(error)
