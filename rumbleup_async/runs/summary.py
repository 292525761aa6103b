"""What a run came to: the closing summary.

Lives here: pure values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from rumbleup_async.engine.seconds import Flow
from rumbleup_async.messaging import Result, Second, State, run_tag
from rumbleup_async.reasons import APART, INTERRUPTED, Code, Reason
from rumbleup_async.stops import Cause, Stop

_FLOW = ("allowed_per_second", "throttled", "holds", "held_seconds")


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of a run's ledger and how this process got on.

    `total` is the sum of `sent`, `refused`, `skipped`, `not_sent` and `unknown`; contacts still queued count as `not_sent`, and
    `resumable` says how many of those a resume would text. `elapsed_seconds` and `texts_per_second` (accepted texts) are of
    this process. `stop` is why it ended before its list, as data; None when the list was worked through.

    `allowed_per_second`: texts a second that the provider was last seen to let through; None where it has shown no limit.
    `throttled`: how often it answered "not now". `holds`: how often nothing could leave, for `held_seconds` together; None where
    the number is not known, as of another process.
    """

    run: str
    action: str
    total: int
    sent: int
    refused: int
    skipped: int
    not_sent: int
    unknown: int
    elapsed_seconds: float
    texts_per_second: float
    stop: Stop | None = None
    resumable: int = 0
    allowed_per_second: float | None = None
    throttled: int = 0
    holds: int | None = None
    held_seconds: float = 0.0

    @property
    def stopped(self) -> str | None:
        """Why it stopped, in words; None when the list was worked through."""
        return None if self.stop is None else str(self.stop)

    @property
    def tag(self) -> str:
        """The tag that every message of the run carries in the provider's log."""
        return run_tag(self.run)

    def as_dict(self) -> dict[str, Any]:
        """The JSON object that `--json` prints."""
        found = {key: value for key, value in msgspec.structs.asdict(self).items() if key not in {"resumable", "stop"}}
        flow = {key: found.pop(key) for key in _FLOW}
        return {**found, "stopped": self.stopped, "stop_cause": None if self.stop is None else str(self.stop.cause), **flow}


def summarise(
    counts: Mapping[State, int],
    *,
    run: str,
    action: str,
    elapsed: float,
    sent_now: int,
    stop: Stop | None,
    running: bool = False,
    flow: Flow | None = None,
) -> Summary:
    """The summary of a ledger's counts. `flow`: what the provider let through, and said, as far as that is known.

    What is still open counts as unknown. If another process is `running` the run, it is in flight and counted apart.
    """
    return Summary(
        run=run,
        action=action,
        total=sum(counts.values()),
        sent=counts[State.SENT],
        refused=counts[State.REFUSED],
        skipped=counts[State.SKIPPED],
        not_sent=counts[State.NOT_SENT] + counts[State.QUEUED],
        unknown=counts[State.UNKNOWN] + (0 if running else counts[State.INTENT]),
        elapsed_seconds=round(elapsed, 3),
        texts_per_second=round(sent_now / elapsed, 1) if elapsed > 0 else 0.0,
        stop=stop,
        resumable=counts[State.QUEUED],
        **_of_flow(flow),
    )


def _of_flow(flow: Flow | None) -> dict[str, Any]:
    if flow is None:
        return {}
    allowed = None if flow.allowed is None else round(flow.allowed, 1)
    return {
        "allowed_per_second": allowed,
        "throttled": flow.throttled,
        "holds": flow.holds,
        "held_seconds": round(flow.held, 1),
    }


def flow_of(seconds: Sequence[Second], asked: float | None) -> Flow | None:
    """The same of what a ledger keeps of each second; None where it keeps none. How many holds there were it does not say.

    `asked`: texts a second that the run was given; a rate below that was learned.
    """
    if not seconds:
        return None
    throttled, held = sum(second.throttled for second in seconds), sum(second.held for second in seconds)
    rate = seconds[-1].rate
    allowed = None if rate is None or (asked and rate > 0.999 * asked) else rate
    return Flow(allowed=allowed, throttled=throttled, holds=None, held=held)


def by_code(
    found: Iterable[tuple[State, Reason, int]], *, running: bool = False, stop: Stop | None = None
) -> dict[str, dict[str, int]]:
    """The contacts of each reported state by the code of their reason. Those without one, as most that are sent, are left out.

    Of a run that is `running` what is in flight is left out.
    """
    counted: dict[str, dict[str, int]] = {}
    for state, why, number in found:
        if state is State.INTENT and running:
            continue
        shown = reported(Result(0, "", state, why), stop=stop)
        if shown.why:
            codes = counted.setdefault(shown.state.word, {})
            codes[str(shown.code)] = codes.get(str(shown.code), 0) + number
    return counted


_OF_CANARY = (Cause.CANARY, Cause.CANARY_FAILED)


def reported(result: Result, *, running: bool = False, stop: Stop | None = None) -> Result:
    """A contact as a report shows it, in one of the five states that a contact can end in.

    One still queued has not been sent; one whose entry was open when the process died is unknown.
    """
    if result.state is State.QUEUED:
        code = Code.AFTER_CANARY if stop is not None and stop.cause in _OF_CANARY else Code.NOT_REACHED
        why = result.why or Reason(code, "" if stop is None else f"{APART}; {stop}")
        return msgspec.structs.replace(result, state=State.NOT_SENT, why=why)
    if result.state is State.INTENT:
        why = Reason(Code.BEING_SENT) if running else INTERRUPTED
        return msgspec.structs.replace(result, state=State.UNKNOWN, why=why, time=0)
    return result
