"""Any number of observers behind one: each is told what it can hear.

Lives here: who hears what. An observer that fails does not keep the others from hearing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVarTuple

from rumbleup_async.engine.ports import AnyObserver
from rumbleup_async.events import Event, Held
from rumbleup_async.messaging import Result
from rumbleup_async.reasons import Code

Ts = TypeVarTuple("Ts")


class FanOut:
    """Tells `observers`, in their order, by whichever of the methods `results`, `held` and `events` they have.

    `is_listening`: somebody hears of events. The first error that one of them raises is raised once all have been told.
    """

    def __init__(self, observers: Sequence[AnyObserver] = ()) -> None:
        self._observers = tuple(observers)
        self._results: list[Callable[[Sequence[Result]], None]] = []
        self._held: list[Callable[[float, str], None]] = []
        self._events: list[Callable[[Sequence[Event]], None]] = []
        for observer in observers:
            for name, hearers in (("results", self._results), ("held", self._held), ("events", self._events)):
                method = getattr(observer, name, None)
                if callable(method):
                    hearers.append(method)
        self.is_listening = bool(self._events)

    @property
    def is_detailed(self) -> bool:
        """Whether somebody wants to hear of each text and each step, and not only of what is rare."""
        hearers = [observer for observer in self._observers if callable(getattr(observer, "events", None))]
        return any(getattr(observer, "is_detailed", True) for observer in hearers)

    def results(self, results: Sequence[Result]) -> None:
        """These contacts are accounted for, durably."""
        _tell(self._results, results)

    def held(self, seconds: float, reason: str, code: Code = Code.NONE) -> None:
        """Nothing leaves for so long."""
        try:
            _tell(self._held, seconds, reason)
        finally:
            if self._events:
                self.events((Held(seconds, code),))

    def events(self, events: Sequence[Event]) -> None:
        """These have happened."""
        _tell(self._events, events)


def observers_of(given: AnyObserver | Sequence[AnyObserver] | None) -> tuple[AnyObserver, ...]:
    """The observers of a run, of one, several or none that were given."""
    if given is None:
        return ()
    return tuple(given) if isinstance(given, Sequence) else (given,)


def _tell(hearers: Sequence[Callable[[*Ts], None]], *what: *Ts) -> None:
    failure: Exception | None = None
    for hear in hearers:
        try:
            hear(*what)
        except Exception as error:  # noqa: BLE001 - raised below, once everybody has heard
            failure = failure or error
    if failure is not None:
        raise failure
