"""What happens in a run, as records that observers are handed.

Lives here: plain immutable values. No record holds a phone, a text, a name or a key: a row number, codes, counts and seconds are
all there is, so that records may go into any log.

An observer with a method `events` is handed them in the order in which they happened, many at a time: at least once for each
durable step of the ledger.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from rumbleup_async import outcomes
from rumbleup_async.messaging import Second
from rumbleup_async.reasons import Code
from rumbleup_async.stops import Cause, Stop


class Kind(enum.StrEnum):
    """What one attempt to deliver a text came to."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    THROTTLED = "throttled"
    BARRED = "barred"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


# ---- the run ----


class RunBegan(msgspec.Struct, frozen=True, tag=True):
    """`send()` has begun. `run`: the ten letters of the run. `queued`: contacts that the ledger holds to be texted by now."""

    run: str
    provider: str
    queued: int
    is_concurrent: bool = False


class LookedUp(msgspec.Struct, frozen=True, tag=True):
    """The provider's log was asked for unknown texts: so many were found in it, so many are absent, so many stay unknown."""

    found: int
    absent: int
    unknown: int


class SendingBegan(msgspec.Struct, frozen=True, tag=True):
    """The list is read, or comes in meanwhile, and the first text may leave."""

    queued: int
    processes: int = 1


class RoundBegan(msgspec.Struct, frozen=True, tag=True):
    """The queue is worked through, and so many texts that were put aside are tried once more."""

    texts: int


class Stopped(msgspec.Struct, frozen=True, tag=True):
    """Nothing more leaves. `code`: what the last text met, if that was the cause. `number`: as for `Stop`."""

    cause: Cause
    code: Code = Code.NONE
    number: int = 0


class RunEnded(msgspec.Struct, frozen=True, tag=True):
    """`send()` has ended: the counts of the whole ledger, and the seconds that this sending took.

    `resumable`: of those that are not sent, how many are queued. `cause`: why it ended before its list. `error`: the class of
    the exception that it ended with, "" without one.
    """

    run: str
    sent: int
    refused: int
    skipped: int
    not_sent: int
    unknown: int
    resumable: int
    seconds: float
    cause: Cause | None = None
    error: str = ""


# ---- texts ----


class Stepped(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One durable step of the ledger that took `seconds`: how many texts it opened, and in which states it closed others.

    `queued`: those given back. `skipped`: contacts that the rules turned away, or that were there already.
    """

    seconds: float
    opened: int = 0
    sent: int = 0
    refused: int = 0
    not_sent: int = 0
    unknown: int = 0
    queued: int = 0
    skipped: int = 0


class Delivered(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One attempt to deliver the text of this row has ended, after `seconds`.

    `attempt` counts from 1 in this run. `code`: the reason, if the provider named one. `line`: which of the run's lines sent it,
    counted from 1; 0 without lines.
    """

    row: int
    kind: Kind
    code: Code
    attempt: int
    seconds: float
    line: int = 0


class PutOff(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A rule lets the text of this row leave at `until` (Unix seconds) at the earliest, for the reason of this code."""

    row: int
    until: float
    code: Code


# ---- the pace ----


class Throttled(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The provider answered "not now" to the text of this row. `after`: the seconds that it asks for, if it does."""

    row: int
    status: int
    after: float | None = None
    line: int = 0


class Held(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Nothing leaves for so many seconds from now. `code`: what the text met that told us; NONE if it was no text."""

    seconds: float
    code: Code = Code.NONE


class Slowed(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Fewer texts than before may be in flight from now, or fewer a second. `rate`: None without a limit."""

    window: int
    rate: float | None = None


class Allowed(msgspec.Struct, frozen=True, tag=True):
    """The provider was seen to let about so many texts a second through, a tenth more or less than was last told. `rate`: None
    where it shows no limit any more."""

    rate: float | None


STEP_LATENCIES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
"""Seconds: the upper bounds of the buckets in which steps of the ledger are counted."""


class SecondPassed(msgspec.Struct, frozen=True, tag=True):
    """A second in which something happened is over. `second`: what it was. `in_flight`: texts under way. `steps`: of the ledger,
    which took `step_seconds` together; `step_latencies`: how many of them took how long, by the bounds `STEP_LATENCIES`, and then
    those that took longer. `answer_seconds`: what the answers that `second` counts took together."""

    second: Second
    in_flight: int
    steps: int
    step_seconds: float
    answer_seconds: float
    step_latencies: tuple[int, ...] = ()


class Waiting(msgspec.Struct, frozen=True, tag=True):
    """Whoever is still to be texted was put off: the run waits until the first of them is due, at `until` (Unix seconds)."""

    until: float


# ---- people ----


class Paused(msgspec.Struct, frozen=True, tag=True):
    """Somebody has paused the run: nothing more leaves until it is let go on. `began`: Unix milliseconds."""

    began: int


class Continued(msgspec.Struct, frozen=True, tag=True):
    """The pause is over."""


# ---- who does the work ----


class WorkerBegan(msgspec.Struct, frozen=True, tag=True):
    """A worker process has begun; the first is number 1."""

    worker: int


class WorkerLost(msgspec.Struct, frozen=True, tag=True):
    """A worker process has died. `in_flight`: how many texts it was delivering when it last told; they become unknown."""

    worker: int
    in_flight: int


class LedgerFailed(msgspec.Struct, frozen=True, tag=True):
    """The ledger cannot be written: nothing more leaves. `error`: the class of the exception."""

    error: str


Event = (
    RunBegan
    | LookedUp
    | SendingBegan
    | RoundBegan
    | Stopped
    | RunEnded
    | Stepped
    | Delivered
    | PutOff
    | Throttled
    | Held
    | Slowed
    | Allowed
    | SecondPassed
    | Waiting
    | Paused
    | Continued
    | WorkerBegan
    | WorkerLost
    | LedgerFailed
)
"""Everything that an observer may be told of. More kinds may come with later versions."""


class EventObserver(Protocol):
    """Is handed records of what happens. `events` must return at once; an error that it raises stops the run."""

    def events(self, events: Sequence[Event]) -> None:
        """These have happened since the last call, in this order."""


_KINDS: Final = {
    outcomes.Accepted: Kind.ACCEPTED,
    outcomes.Refused: Kind.REFUSED,
    outcomes.Throttled: Kind.THROTTLED,
    outcomes.Barred: Kind.BARRED,
    outcomes.NotSent: Kind.NOT_SENT,
    outcomes.Unknown: Kind.UNKNOWN,
}


def delivered(row: int, outcome: outcomes.Outcome, attempt: int, seconds: float, line: int) -> Delivered:
    """The record of one attempt."""
    return Delivered(row, _KINDS[type(outcome)], outcome.why.code, attempt, seconds, line)


def stopped(why: Stop) -> Stopped:
    """The record of a stop: its cause without its words, which may quote anything."""
    return Stopped(why.cause, why.why.code, why.number)
