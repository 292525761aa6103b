"""Settling what is unknown by the provider's own log: sent, not sent, or still in doubt.

Lives here: the way of a doubt from the ledger to the log and back. Knows no provider.

What is found in the log is sent. What is absent from it is not sent, but only if the intent is older than the settle delay,
because nobody has documented how soon the log shows a text. Where this machine's clock and the provider's do not agree, now or
when others were sent, the delay is counted by the provider's clock alone, from a first look to a later one. Whoever was absent
before is looked for in every further look. Nothing here texts anybody; sending the absent ones again is a step that the user has
to ask for.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable, Container, Iterable, Sequence

import msgspec

from rumbleup_async.engine.ports import Ledger, Log
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.lookups import LookUpResult, Resolution, UnknownText
from rumbleup_async.messaging import Plan, State
from rumbleup_async.reasons import ABSENT, Code, Reason

SETTLE = 900.0
"""Seconds from a text's intent until its absence from the log counts."""

_NEAR = 300.0
"""Seconds by which two clocks differ without anything being wrong with one."""

_AT_ONCE = 100_000
"""Doubts that one look into the log is about: few passes over a long log, and no more than that in memory."""

_PAGE = 1000
"""Rows read from the ledger, or settled in it, in one step."""


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """What a look into the provider's log came to.

    `found`: contacts now `sent`, be it that they were unknown or absent from an earlier look; `absent`: now `not_sent`, absent
    from the log; `undecided`: unknown, asked about and still in doubt; `unknown`: left in the ledger. `problem` says why some
    stay in doubt, "" if none do.
    """

    run: str
    action: str
    found: int = 0
    absent: int = 0
    undecided: int = 0
    unknown: int = 0
    problem: str = ""

    def as_dict(self) -> dict[str, str | int | None]:
        """The JSON object that `--json` prints."""
        return {**msgspec.structs.asdict(self), "problem": self.problem or None}


def check_settle(seconds: float) -> None:
    """ConfigurationError unless it can be a settle delay."""
    if not 0 <= seconds < math.inf:
        raise ConfigurationError("the settle delay is a number of seconds, 0 or more")


async def reconcile(
    ledger: Ledger, log: Log, plan: Plan, *, settle: float = SETTLE, wall_clock: Callable[[], float] = time.time
) -> Reconciled:
    """Settle what is unknown in the ledger. Interrupted at any point it leaves a true ledger, and may be called again."""
    check_settle(settle)
    found = absent = undecided = 0
    problem = ""
    async for unknown, missed in _all_doubts(ledger):
        asked = wall_clock()
        findings = await log.look_up([*unknown, *missed], ledger)
        due = await _due(ledger, [doubt for doubt in unknown if doubt.row in findings.absent], findings, settle, asked)
        old = {row for row, seconds in due.items() if seconds <= 0}
        settled = [*_sent([*unknown, *missed], findings), *_not_sent(unknown, findings, old)]
        await _settle(ledger, settled)
        sent = sum(1 for one in settled if one.state is State.SENT)
        found, absent = found + sent, absent + len(settled) - sent
        done = {one.row for one in settled}
        left = sum(1 for doubt in unknown if doubt.row not in done)
        undecided += left
        if left:
            problem = problem or findings.problem or _too_early(max(due.values(), default=0.0), asked, findings)
        if findings.problem and not settled:
            break  # what cannot be read now cannot be read for the next ones either
    return Reconciled(
        run=plan.run,
        action=plan.action,
        found=found,
        absent=absent,
        undecided=undecided,
        unknown=ledger.counts[State.UNKNOWN],
        problem=problem,
    )


async def _due(
    ledger: Ledger, doubts: Sequence[UnknownText], findings: LookUpResult, settle: float, asked: float
) -> dict[int, float]:
    """Seconds until the absence of each of these counts, by row; those without a time never."""
    timed = [doubt for doubt in doubts if doubt.time]
    now, offset = asked if findings.now is None else findings.now, findings.offset
    if abs(now - asked) > _NEAR or offset is None or abs(offset) > _NEAR:
        # What our clock showed at the time tells nothing. The provider's tells how long ago the first look was, or at worst ours.
        first = await ledger.first_looks(timed, now)
        return {doubt.row: first[doubt.row] + settle - now for doubt in timed}
    return {doubt.row: _latest(doubt) / 1000 + settle - asked for doubt in timed}


def _latest(doubt: UnknownText) -> int:
    """When a text may have left at the latest; its intent may be much older, if it was held back."""
    return max(doubt.time, doubt.until)


class Requeued(msgspec.Struct, frozen=True, kw_only=True):
    """What asking for the absent ones to be sent again came to: `queued` again, `found` in the log after all, `left` as they
    were, and the `problem` if there are such; `suppressed`: absent as before, for they are not to be texted by now."""

    queued: int = 0
    found: int = 0
    left: int = 0
    problem: str = ""
    suppressed: int = 0


async def requeue_absent(ledger: Ledger, log: Log, never: Container[str] = frozenset()) -> Requeued:
    """Queue again what was absent from the log, and is absent still: the log may have shown it since.

    Not those in `never`: they would not be texted, and nobody would look for their earlier texts any more.
    """
    queued = found = left = suppressed = 0
    problem = ""
    async for doubts in _doubts(ledger, absent=True):
        findings = await log.look_up(doubts, ledger)
        sent = list(_sent(doubts, findings))
        absent = [doubt for doubt in doubts if _is_absent(doubt.row, findings)]
        again = [Resolution(doubt.row, State.QUEUED, ABSENT) for doubt in absent if doubt.phone not in never]
        await _settle(ledger, [*sent, *again])
        queued, found, suppressed = queued + len(again), found + len(sent), suppressed + len(absent) - len(again)
        left += len(doubts) - len(absent) - len(sent)
        problem = problem or findings.problem
        if findings.problem and not (sent or absent):
            break
    return Requeued(queued=queued, found=found, left=left, problem=problem, suppressed=suppressed)


async def count_absent(ledger: Ledger) -> int:
    """How many contacts are absent from the log by an earlier reconciling."""
    number = 0
    if ledger.counts[State.NOT_SENT]:
        after = -1
        while page := await ledger.doubts(after, _PAGE, absent=True):
            number += len(page)
            after = page[-1].row
    return number


async def _doubts(ledger: Ledger, *, absent: bool) -> AsyncIterator[list[UnknownText]]:
    """Those in doubt, many at a time."""
    if not ledger.counts[State.NOT_SENT if absent else State.UNKNOWN]:
        return
    after = -1
    gathered: list[UnknownText] = []
    while page := await ledger.doubts(after, _PAGE, absent=absent):
        gathered += page
        after = page[-1].row
        if len(gathered) >= _AT_ONCE:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


async def _all_doubts(ledger: Ledger) -> AsyncIterator[tuple[list[UnknownText], list[UnknownText]]]:
    """The unknown, and those absent from the log so far, many at a time; both in one look as long as they are few."""
    missed = [some async for some in _doubts(ledger, absent=True)]
    async for unknown in _doubts(ledger, absent=False):
        yield unknown, missed.pop() if missed and len(missed[-1]) + len(unknown) <= _AT_ONCE else []
    while missed:
        yield [], missed.pop()


async def _settle(ledger: Ledger, settled: Sequence[Resolution]) -> None:
    for start in range(0, len(settled), _PAGE):
        await ledger.settle(settled[start : start + _PAGE])


def _sent(doubts: Sequence[UnknownText], findings: LookUpResult) -> Iterable[Resolution]:
    for doubt in doubts:
        logid = findings.found.get(doubt.row)
        if logid:
            times = findings.several.get(doubt.row, 1)
            why = Reason(Code.FOUND) if times < 2 else Reason(Code.FOUND_SEVERAL, str(times))
            yield Resolution(doubt.row, State.SENT, why, logid)


def _not_sent(doubts: Sequence[UnknownText], findings: LookUpResult, old: set[int]) -> Iterable[Resolution]:
    for doubt in doubts:
        if doubt.row in old and _is_absent(doubt.row, findings):
            yield Resolution(doubt.row, State.NOT_SENT, ABSENT)


def _is_absent(row: int, findings: LookUpResult) -> bool:
    return row in findings.absent and not findings.found.get(row)


def _too_early(seconds: float, asked: float, findings: LookUpResult) -> str:
    if seconds <= 0:
        return ""
    words = f"the log does not show them, but they are too recent for that to count; ask again in {max(1, math.ceil(seconds))} s"
    off = max(abs(asked - findings.now) if findings.now is not None else 0.0, abs(findings.offset or 0.0))
    if off > _NEAR:
        words += f" (this machine's clock and the provider's differ by {math.ceil(off / 60)} minutes; set it right)"
    return words
