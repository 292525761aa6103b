"""What happens in a run, in the words of a log: the observer that every run has.

Lives here: which event goes to which logger, at which level. Nothing at INFO or above is said for each text, and nothing is put
into words that no handler wants.

Loggers are `rumbleup_async.run`, `.engine`, `.fleet` and `.ledger`. Each record has the fields of its event as attributes, and
`event_name` and `run` besides: formatters for JSON and structlog find them there. They hold no phone, text or key.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from rumbleup_async import events
from rumbleup_async.events import Event
from rumbleup_async.stops import Cause

logging.getLogger("rumbleup_async").addHandler(logging.NullHandler())

_run = logging.getLogger("rumbleup_async.run")
_engine = logging.getLogger("rumbleup_async.engine")
_fleet = logging.getLogger("rumbleup_async.fleet")
_ledger = logging.getLogger("rumbleup_async.ledger")

_VOLLEY = 10.0
"""Seconds for which a warning of one kind is said once; what else there is of its kind is said at DEBUG."""

_AS_ASKED: Final = frozenset({Cause.LIMIT, Cause.ASKED, Cause.INTERRUPTED, Cause.DRY_RUN, Cause.CANCELLED, Cause.LEFT})
"""Ends that somebody wanted."""


class Observer:
    """Fits `EventObserver`. `clock`: seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._run = ""
        self._said: dict[type[Event], float] = {}
        """When a warning of this kind was last said."""

    @property
    def is_detailed(self) -> bool:
        """Whether anybody reads of each text and each step."""
        return _engine.isEnabledFor(logging.DEBUG) or _ledger.isEnabledFor(logging.DEBUG)

    def events(self, happened: Sequence[Event]) -> None:
        """Say what has happened to whoever wants to read of it."""
        for event in happened:
            if isinstance(event, events.RunBegan):
                self._run = event.run
            logger, level = _PLACES[type(event)]
            if isinstance(event, events.Stopped):
                level = _gravity(event.cause)
            elif level == logging.WARNING:
                level = self._once(event)
            if logger.isEnabledFor(level):
                self._say(logger, level, event)
            if isinstance(event, events.RunEnded) and event.unknown:
                _run.warning(
                    "%d texts are unknown: they may have left; look them up before anybody texts these people again",
                    event.unknown,
                    extra={"event_name": "UnknownTexts", "run": self._run, "unknown": event.unknown},
                )

    def _say(self, logger: logging.Logger, level: int, event: Event) -> None:
        fields = msgspec.structs.asdict(event)
        logger.log(
            level, _WORDS[type(event)], _shown(fields), extra={"event_name": type(event).__name__, "run": self._run, **fields}
        )

    def _once(self, event: Event) -> int:
        """WARNING for the first of a volley, DEBUG for those that follow it."""
        if isinstance(event, (events.WorkerLost, events.Paused)):
            return logging.WARNING
        now, kind = self._clock(), type(event)
        if now - self._said.get(kind, -_VOLLEY) < _VOLLEY:
            return logging.DEBUG
        self._said[kind] = now
        return logging.WARNING


_PLACES: Final[dict[type[Event], tuple[logging.Logger, int]]] = {
    events.RunBegan: (_run, logging.INFO),
    events.LookedUp: (_run, logging.INFO),
    events.SendingBegan: (_run, logging.INFO),
    events.RoundBegan: (_run, logging.INFO),
    events.Stopped: (_run, logging.ERROR),
    events.RunEnded: (_run, logging.INFO),
    events.Stepped: (_ledger, logging.DEBUG),
    events.Delivered: (_engine, logging.DEBUG),
    events.PutOff: (_engine, logging.DEBUG),
    events.Throttled: (_engine, logging.WARNING),
    events.Held: (_engine, logging.WARNING),
    events.Slowed: (_engine, logging.WARNING),
    events.Allowed: (_engine, logging.INFO),
    events.SecondPassed: (_engine, logging.DEBUG),
    events.Waiting: (_engine, logging.INFO),
    events.Paused: (_engine, logging.WARNING),
    events.Continued: (_engine, logging.INFO),
    events.WorkerBegan: (_fleet, logging.INFO),
    events.WorkerLost: (_fleet, logging.WARNING),
    events.LedgerFailed: (_ledger, logging.ERROR),
}
"""Which logger says it, and at which level: of warnings, the first of a volley."""


def _gravity(cause: Cause) -> int:
    if cause in _AS_ASKED:
        return logging.INFO
    return logging.WARNING if cause in {Cause.LEFT_OVER, Cause.LINES_USED_UP} else logging.ERROR


_WORDS: Final[dict[type[Event], str]] = {
    events.RunBegan: "run %(run)s over %(provider)s began, %(queued)d contacts queued",
    events.LookedUp: "message log: %(found)d found, %(absent)d absent, %(unknown)d still unknown",
    events.SendingBegan: "sending began, %(queued)d contacts queued, %(processes)d processes",
    events.RoundBegan: "%(texts)d texts that were put aside are tried once more",
    events.Stopped: "stopped: %(end)s%(why)s",
    events.RunEnded: (
        "run %(run)s ended after %(seconds).1f s: %(sent)d sent, %(refused)d refused, %(skipped)d skipped, "
        "%(not_sent)d not sent, %(unknown)d unknown; %(resumable)d to resume%(failure)s"
    ),
    events.Stepped: (
        "step of %(seconds).4f s: %(opened)d opened, %(sent)d sent, %(refused)d refused, %(not_sent)d not sent, "
        "%(unknown)d unknown, %(queued)d queued, %(skipped)d skipped"
    ),
    events.Delivered: "row %(row)d, attempt %(attempt)d: %(kind)s after %(seconds).3f s%(why)s",
    events.PutOff: "row %(row)d is put off until %(time)s%(why)s",
    events.Throttled: 'the provider answered "not now" (%(status)d)%(wish)s',
    events.Held: "nothing leaves for %(seconds).1f s%(why)s",
    events.Slowed: "slower: %(window)d texts in flight at most%(limit)s",
    events.Allowed: "the provider allows %(allowed)s",
    events.SecondPassed: "%(in_flight)d in flight, %(steps)d steps of the ledger in %(step_seconds).4f s; %(second)s",
    events.Waiting: "whoever is left was put off; waiting until %(time)s",
    events.Paused: "paused: nothing leaves until somebody lets the run go on",
    events.Continued: "the pause is over",
    events.WorkerBegan: "worker process %(worker)d began",
    events.WorkerLost: "worker process %(worker)d died with %(in_flight)d texts in flight, which become unknown",
    events.LedgerFailed: "the ledger cannot be written (%(error)s); nothing more leaves",
}


def _shown(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of an event, and what the words show of them where they say something."""
    code, after, rate, until, error, cause = map(fields.get, ("code", "after", "rate", "until", "error", "cause"))
    return {
        **fields,
        "why": f" ({code})" if code else "",
        "wish": "" if after is None else f", and asks to wait {after:g} s",
        "limit": "" if rate is None else f", {rate:.1f} a second",
        "allowed": "as many texts as come" if rate is None else f"about {rate:.1f} texts a second",
        "time": "" if until is None else dt.datetime.fromtimestamp(until, dt.UTC).isoformat(timespec="seconds"),
        "end": cause.words if isinstance(cause, Cause) else "",
        "failure": f"; {error}" if error else "",
    }
