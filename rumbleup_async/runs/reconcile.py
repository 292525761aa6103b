"""Looking up unknown texts in the provider's own log: each was sent, was not sent, or stays unknown.

Lives here: the way of an unknown text from the ledger to the log and back. Knows no provider.

- A text that the log shows was sent.
- A text that the log does not show was not sent, but only if its intent is older than the grace: nobody has documented how soon
  the log shows a text.
- The grace is counted by the provider's clock alone, from a first look to a later one, if that clock and this machine's differ
  now, or did when other texts were sent.
- Every further look searches again for the texts that were absent before.
- Nothing here texts anybody. The user has to ask for absent texts to be sent again.
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

GRACE = 900.0
"""Seconds from a text's intent until its absence from the log counts."""

_NEAR = 300.0
"""Seconds by which two clocks differ without anything being wrong with one."""

_AT_ONCE = 100_000
"""Texts that one look into the log is about: few passes over a long log, and no more than that in memory."""

_PAGE = 1000
"""Rows read from the ledger, or changed in it, in one step."""


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """What a look into the provider's log came to.

    `found`: contacts that are `sent` now; they were unknown, or absent from an earlier look. `absent`: contacts that are
    `not_sent` now. `undecided`: contacts that were looked up and stay unknown. `unknown`: all that are unknown in the ledger
    now. `problem`: why some stay unknown; "" if none do.
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


def check_grace(seconds: float) -> None:
    """ConfigurationError unless these seconds can be a grace."""
    if not 0 <= seconds < math.inf:
        raise ConfigurationError("the grace is a number of seconds, 0 or more")


async def reconcile(
    ledger: Ledger, log: Log, plan: Plan, *, settle: float = GRACE, wall_clock: Callable[[], float] = time.time
) -> Reconciled:
    """Look up what is unknown in the ledger. The ledger stays true wherever this is interrupted; call it again then."""
    check_grace(settle)
    found = absent = undecided = 0
    problem = ""
    async for unknown, missed in _all_texts(ledger):
        asked = wall_clock()
        looked = await log.look_up([*unknown, *missed], ledger)
        due = await _due(ledger, [text for text in unknown if text.row in looked.absent], looked, settle, asked)
        old = {row for row, seconds in due.items() if seconds <= 0}
        resolved = [*_sent([*unknown, *missed], looked), *_not_sent(unknown, looked, old)]
        noted = await _resolve(ledger, resolved)
        sent = sum(1 for one in noted if one.state is State.SENT)
        found, absent = found + sent, absent + len(noted) - sent
        done = {one.row for one in resolved}
        left = sum(1 for text in unknown if text.row not in done)
        undecided += left
        if left:
            problem = problem or looked.problem or _too_early(max(due.values(), default=0.0), asked, looked)
        if looked.problem and not resolved:
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
    ledger: Ledger, texts: Sequence[UnknownText], looked: LookUpResult, settle: float, asked: float
) -> dict[int, float]:
    """Seconds until the absence of each of these counts, by row; those without a time never."""
    timed = [text for text in texts if text.time]
    now, offset = asked if looked.now is None else looked.now, looked.offset
    if abs(now - asked) > _NEAR or offset is None or abs(offset) > _NEAR:
        # Our clock then tells nothing. The provider's clock, or at worst ours, tells how long ago the first look was.
        first = await ledger.first_looks(timed, now)
        return {text.row: first[text.row] + settle - now for text in timed}
    return {text.row: _latest(text) / 1000 + settle - asked for text in timed}


def _latest(text: UnknownText) -> int:
    """When a text may have left at the latest; its intent may be much older, if it was held back."""
    return max(text.time, text.until)


class Requeued(msgspec.Struct, frozen=True, kw_only=True):
    """How many absent texts were queued again, and what became of the others.

    `found`: the log shows them after all. `left`: they stay as they were, because of `problem`. `suppressed`: they stay absent,
    because their phones must not be texted by now.
    """

    queued: int = 0
    found: int = 0
    left: int = 0
    problem: str = ""
    suppressed: int = 0


async def requeue_absent(ledger: Ledger, log: Log, never: Container[str] = frozenset()) -> Requeued:
    """Queue those texts again that were absent from the log and still are. The log may show some of them by now.

    Phones in `never` are left out: they would not be texted, and nobody would look for their earlier texts any more.
    """
    queued = found = left = suppressed = 0
    problem = ""
    async for texts in _pages(ledger, absent=True):
        looked = await log.look_up(texts, ledger)
        sent = list(_sent(texts, looked))
        absent = [text for text in texts if _is_absent(text.row, looked)]
        again = [Resolution(text.row, State.QUEUED, ABSENT) for text in absent if text.phone not in never]
        noted = await _resolve(ledger, [*sent, *again])
        queued += sum(1 for one in noted if one.state is State.QUEUED)
        found += sum(1 for one in noted if one.state is State.SENT)
        suppressed += len(absent) - len(again)
        left += len(texts) - len(absent) - len(sent)
        problem = problem or looked.problem
        if looked.problem and not (sent or absent):
            break
    return Requeued(queued=queued, found=found, left=left, problem=problem, suppressed=suppressed)


async def count_absent(ledger: Ledger) -> int:
    """How many contacts an earlier look has found absent from the log."""
    number = 0
    if ledger.counts[State.NOT_SENT]:
        after = -1
        while page := await ledger.doubts(after, _PAGE, absent=True):
            number += len(page)
            after = page[-1].row
    return number


async def _pages(ledger: Ledger, *, absent: bool) -> AsyncIterator[list[UnknownText]]:
    """The unknown texts, or those absent from the log, many at a time."""
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


async def _all_texts(ledger: Ledger) -> AsyncIterator[tuple[list[UnknownText], list[UnknownText]]]:
    """The unknown texts and those absent so far, many at a time. One look is about both as long as they are few."""
    missed = [some async for some in _pages(ledger, absent=True)]
    async for unknown in _pages(ledger, absent=False):
        yield unknown, missed.pop() if missed and len(missed[-1]) + len(unknown) <= _AT_ONCE else []
    while missed:
        yield [], missed.pop()


async def _resolve(ledger: Ledger, resolved: Sequence[Resolution]) -> list[Resolution]:
    """Those that are noted."""
    noted: list[Resolution] = []
    for start in range(0, len(resolved), _PAGE):
        noted += await ledger.settle(resolved[start : start + _PAGE])
    return noted


def _sent(texts: Sequence[UnknownText], looked: LookUpResult) -> Iterable[Resolution]:
    for text in texts:
        logid = looked.found.get(text.row)
        if logid:
            times = looked.several.get(text.row, 1)
            why = Reason(Code.FOUND) if times < 2 else Reason(Code.FOUND_SEVERAL, str(times))
            yield Resolution(text.row, State.SENT, why, logid)


def _not_sent(texts: Sequence[UnknownText], looked: LookUpResult, old: set[int]) -> Iterable[Resolution]:
    for text in texts:
        if text.row in old and _is_absent(text.row, looked):
            yield Resolution(text.row, State.NOT_SENT, ABSENT)


def _is_absent(row: int, looked: LookUpResult) -> bool:
    return row in looked.absent and not looked.found.get(row)


def _too_early(seconds: float, asked: float, looked: LookUpResult) -> str:
    if seconds <= 0:
        return ""
    words = f"the log does not show them, but they are too recent for that to count; ask again in {max(1, math.ceil(seconds))} s"
    off = max(abs(asked - looked.now) if looked.now is not None else 0.0, abs(looked.offset or 0.0))
    if off > _NEAR:
        words += f" (this machine's clock and the provider's differ by {math.ceil(off / 60)} minutes; set it right)"
    return words
