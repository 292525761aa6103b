"""Again, done, park or stop: the one place where that question is answered.

Lives here: a pure function over one outcome and a small counter over many.

The rule behind every line: a text is tried again only when it certainly did not leave, or when the provider said 429/440,
which it answers instead of doing the work. Everything else is done, as `unknown` when in doubt.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rumbleup_async.messaging import State
from rumbleup_async.outcomes import Accepted, Bar, Barred, NotSent, Outcome, Refused, Throttled, Unknown
from rumbleup_async.reasons import NO_REASON, Code, Reason
from rumbleup_async.stops import Cause, Stop


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient a run is. Times in seconds.

    `connect_attempts`/`first_connect_attempts`: tries of one text while nothing can be reached, after and before the first
    text of the run was accepted. `throttle_attempts`: tries of one text that is answered 429/440 each time.
    `backoff` (nothing reached) and `throttle_backoff` (429/440 without a time) double from try to try up to
    `backoff_ceiling`; `trouble_ceiling` bounds the pauses made while texts in a row end unknown. `wait_ceiling`: a longer
    wait asked for by the provider stops the run instead of holding it. `max_errors`/`first_errors`: texts in a row that fail
    for reasons not of their recipient before the run stops, after and before the first text was accepted. `max_capped`: texts
    in a row that meet the daily cap before the run stops; one among the `first_errors` first texts is enough.
    """

    connect_attempts: int = 8
    first_connect_attempts: int = 4
    throttle_attempts: int = 20
    backoff: float = 0.5
    throttle_backoff: float = 0.1
    backoff_ceiling: float = 60.0
    trouble_ceiling: float = 5.0
    wait_ceiling: float = 900.0
    max_errors: int = 50
    first_errors: int = 5
    max_capped: int = 20

    def wait(self, attempt: int) -> float:
        """Seconds to wait after try number `attempt` (from 1) that did not get through, before jitter."""
        return min(self.backoff_ceiling, self.backoff * 2.0 ** min(attempt - 1, 30))

    def throttle_wait(self, attempt: int) -> float:
        """The same after a 429 or 440 that names no time."""
        return min(self.backoff_ceiling, self.throttle_backoff * 2.0 ** min(attempt - 1, 30))


def left_over(reasons: Sequence[tuple[Reason, int]]) -> Stop:
    """The end of a run that has come through its list and could not send all that could be sent: `left over: N, mostly ...`.

    `reasons`: why texts are queued, and how many for each, the commonest first. What differs from text to text (a line, the end
    of a lock, the size of a page) makes no reason of its own.
    """
    kinds: dict[Reason, tuple[int, Reason]] = {}
    for reason, number in reasons:
        kind = reason.kind
        known = kinds.get(kind)
        kinds[kind] = (number, reason) if known is None else (known[0] + number, kind)
    _, most = max(kinds.values(), key=lambda found: found[0])
    return Stop(Cause.LEFT_OVER, why=most, number=sum(number for _, number in reasons))


class Again(msgspec.Struct, frozen=True):
    """Nothing left: try this text again, and let the whole run wait `after` seconds before anything else leaves."""

    after: float
    why: Reason

    @property
    def reason(self) -> str:
        """The words for `why`."""
        return str(self.why)


class Done(msgspec.Struct, frozen=True):
    """This text is done."""

    state: State
    why: Reason = NO_REASON
    logid: str = ""


class Park(msgspec.Struct, frozen=True):
    """Nothing left, and the run goes on without this text: it goes back to the queue, is tried once more at the end of the run,
    and is left for a resume if that does not help."""

    why: Reason


class StopRun(msgspec.Struct, frozen=True):
    """Nothing left, and nothing more shall: the cause concerns every text. This one goes back to the queue."""

    stop: Stop


Decision = Again | Done | Park | StopRun

_CAUSES: dict[Bar, Cause] = {
    Bar.KEY_REFUSED: Cause.KEY_REFUSED,
    Bar.OPT_OUT_MISSING: Cause.OPT_OUT_MISSING,
    Bar.DAILY_CAP: Cause.DAILY_CAP,
    Bar.NO_LINE: Cause.NO_LINE,
}


def decide(outcome: Outcome, attempt: int, policy: Policy, *, proven: bool) -> Decision:
    """What to do after try number `attempt` (from 1) of one text came to `outcome`.

    `proven`: the provider has accepted a text of this run before, so key, address and project are known to work.
    """
    match outcome:
        case Accepted():
            return Done(State.SENT, outcome.why, outcome.logid)
        case Unknown():
            return Done(State.UNKNOWN, outcome.why)
        case Refused():
            if not proven and not outcome.about_recipient:
                # The project or the account may be what is refused, not this person: nobody is written off for that.
                return Park(outcome.why)
            return Done(State.REFUSED, outcome.why)
        case Throttled():
            return _throttled(outcome, attempt, policy)
        case NotSent():
            return _not_sent(outcome, attempt, policy, proven)
        case Barred():
            return _barred(outcome)


def _throttled(outcome: Throttled, attempt: int, policy: Policy) -> Decision:
    if outcome.after is not None and outcome.after > policy.wait_ceiling:
        return StopRun(Stop(Cause.THROTTLED, number=round(outcome.after)))
    if attempt >= policy.throttle_attempts:
        return StopRun(Stop(Cause.THROTTLED, why=Reason(Code.THROTTLED, str(outcome.status)), number=attempt))
    return Again(max(outcome.after or 0.0, policy.throttle_wait(attempt)), outcome.why)


def _not_sent(outcome: NotSent, attempt: int, policy: Policy, proven: bool) -> Decision:
    if outcome.crowded:
        return Again(0.0, outcome.why)  # fewer at a time, and nobody need wait
    if attempt < (policy.connect_attempts if proven else policy.first_connect_attempts):
        return Again(policy.wait(attempt), outcome.why)
    if not proven:
        return StopRun(Stop(Cause.NOT_REACHABLE, outcome.address, outcome.why))
    return Park(outcome.why)


def _barred(outcome: Barred) -> Decision:
    if outcome.kind is Bar.DAILY_CAP:
        return Park(outcome.why)  # it may be one of several caps, or one line's: CircuitBreaker counts them
    if outcome.kind in _CAUSES:
        return StopRun(barring(outcome))
    return Park(outcome.why)


def barring(outcome: Barred) -> Stop:
    """The stop for a cause that bars every text."""
    return Stop(_CAUSES[outcome.kind], outcome.remedy, outcome.why)


_CAUSES_OF_MANY: dict[Bar, Cause] = {
    Bar.NOT_ALLOWED: Cause.NOT_ALLOWED,
    Bar.OUTSIDE_HOURS: Cause.OUTSIDE_HOURS,
    Bar.ACCOUNT: Cause.ACCOUNT,
}


class CircuitBreaker:
    """Counts texts in a row that failed for reasons not of their recipient, and says when the run should stop.

    A refusal that lies with the recipient (landline, opt-out) says nothing about the next text and is not counted. In the last
    round, which tries once more what was put aside, a row of failures that left nothing in doubt ends the round and not the run.
    """

    def __init__(self, policy: Policy, concurrency: int) -> None:
        self._policy = policy
        # What was in flight when the trouble began fails with it; it shall not count as trouble of its own.
        self._slack = concurrency
        self.in_a_row = 0
        self.proven = False
        self.has_stopped = False
        """A row of failures has stopped the run."""
        self.is_last_round = False
        self.is_hopeless = False
        """The last round helps nobody."""
        self._seen = 0
        self._capped = 0

    def begin_last_round(self) -> None:
        """What comes now was put aside before."""
        self.is_last_round = True
        self.in_a_row = self._capped = 0

    def see(self, outcome: Outcome) -> Stop | None:
        """Take in the outcome of an attempt that was the last one of its text."""
        self._seen += 1
        if isinstance(outcome, Accepted):
            self.proven = True
            self.in_a_row = self._capped = 0
            return None
        if isinstance(outcome, Throttled) or (isinstance(outcome, Refused) and outcome.about_recipient):
            return None
        stop = self._count(outcome)
        self.has_stopped = self.has_stopped or stop is not None
        return stop

    def _count(self, outcome: Refused | Barred | NotSent | Unknown) -> Stop | None:
        self.in_a_row += 1
        if isinstance(outcome, Barred) and outcome.kind is Bar.DAILY_CAP:
            self._capped += 1
            is_first = self._seen <= self._policy.first_errors and not self.is_last_round
            if is_first or self._capped >= self._policy.max_capped:
                return barring(outcome)
        limit = self._policy.max_errors + self._slack if self.proven else self._policy.first_errors
        if self.in_a_row < limit:
            return None
        if self.is_last_round and not isinstance(outcome, Unknown):
            self.is_hopeless = True
            return None
        return self._stop(outcome)

    def _stop(self, outcome: Refused | Barred | NotSent | Unknown) -> Stop:
        cause = Cause.ERROR_THRESHOLD
        if isinstance(outcome, Barred):
            cause = _CAUSES_OF_MANY.get(outcome.kind, cause)
        return Stop(cause, why=outcome.why, number=self.in_a_row)
