"""What a page shows of one run at one moment.

Lives here: plain values; what is worked out from the seconds of a ledger is in `over_time`. Pure.

No phone, no text and no name of a person is in any of them: a page is looked at by many, and over a network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from rumbleup_async.messaging import State
from rumbleup_async.reasons import Reason
from rumbleup_async.receipts.told import without_phones

MOST_PROBLEMS = 5
MOST_HOLDS = 5
_WRONG = frozenset({str(State.REFUSED), str(State.UNKNOWN), str(State.NOT_SENT)})


class Point(msgspec.Struct, frozen=True):
    """A part of the picture over time, from Unix second `at` for `seconds`: texts a second. `allowed`: those that the provider
    lets through, as far as known. `held`: seconds of it in which nothing could leave. `slow`: seconds within which 95 of 100
    answers came, None without any."""

    at: int
    seconds: int
    sent: float
    refused: float
    unknown: float
    throttled: float
    held: float
    allowed: float | None = None
    slow: float | None = None


class Why(msgspec.Struct, frozen=True):
    """How many contacts are in a state for a reason. `remedy`: what a person can do about it. `last`: Unix seconds at which the
    last of them came to it, None where nobody knows."""

    state: str
    code: str
    words: str
    remedy: str
    number: int
    last: float | None = None


class Hold(msgspec.Struct, frozen=True):
    """From Unix second `at` on nothing could leave for `seconds`. `why`: in words, as far as the ledger shows it."""

    at: int
    seconds: float
    why: str


class Waits(msgspec.Struct, frozen=True):
    """So many contacts wait for an hour. `opens`: the Unix second at which they may be texted, None if not in this run; `words`:
    the same by their own clocks, or why not."""

    number: int
    opens: float | None
    words: str


class Held(msgspec.Struct, frozen=True):
    """A pause: by whom, since when (ISO 8601, UTC), and the words given with it."""

    who: str
    since: str
    why: str


class Money(msgspec.Struct, frozen=True):
    """US dollars: the budget, if there is one, and what is spent of it or reserved for texts without a price yet. `left`: what
    the texts that are queued will cost, as far as anybody knows."""

    budget: float | None
    spent: float
    left: float | None = None


class Receipts(msgspec.Struct, frozen=True):
    """Of how many contacts it is known what became of their texts, as of Unix second `asked`. `why`: the reasons of what was not
    delivered, the commonest first."""

    delivered: int
    undelivered: int
    replied: int
    opted_out: int
    asked: float
    why: list[str] = []


class Details(msgspec.Struct, frozen=True):
    """What takes a look at every contact of the ledger, as it was at Unix second `at`.

    `problems`: the last things that went wrong, the newest first. `segments`: the SMS parts of all texts, by state. `money`:
    None where no price is known. `waits`: who waits for which hours. `opted_out`: how many are left out because of an opt-out.
    `heard`: of how many recipients something was heard since: that they have opted out, have not got it, have replied.
    """

    at: float = 0.0
    reasons: list[Why] = []
    problems: list[Why] = []
    segments: dict[str, int] = {}
    money: Money | None = None
    waits: list[Waits] = []
    opted_out: int = 0
    heard: dict[str, int] = {}


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How one run stands at Unix second `at`.

    `total` is the sum of the seven states; `is_exact`: they are those of this moment, else of a while ago, or not all are counted
    yet. `speed`: accepted texts a second of late. `allowed`: texts a second that the provider lets through, `asked`: those that
    the run was told to send at most; None where there is no such limit. `seconds_left`: until the queue is worked through, None
    where nobody can say. `half`, `most`, `slowest`: seconds within which 50, 95 and 99 of 100 answers came of late. `holds`: the
    last ones, the newest first. `problem`: why it stopped, or why it cannot be read, in words. `receipts`: None where nobody has
    followed the run.
    """

    id: str
    name: str
    at: float
    run: str = ""
    project: str = ""
    is_running: bool = False
    is_read_in: bool = True
    counts: dict[str, int] = {}
    total: int = 0
    is_exact: bool = True
    elapsed: float = 0.0
    speed: float = 0.0
    allowed: float | None = None
    asked: float | None = None
    seconds_left: float | None = None
    half: float | None = None
    most: float | None = None
    slowest: float | None = None
    throttled: int = 0
    held: float = 0.0
    holds: list[Hold] = []
    paused: Held | None = None
    problem: str = ""
    cause: str = ""
    receipts: Receipts | None = None
    details: Details = Details()


def reasons(found: Mapping[tuple[State, Reason], int], last: Mapping[tuple[State, Reason], int] | None = None) -> list[Why]:
    """The reasons by number, the most frequent first; those without words are left out. `last`: when the last contact came to it,
    in Unix milliseconds."""
    moments = last or {}
    told = [
        Why(_shown(state), str(why.code), masked(str(why)), why.code.remedy, number, moments.get((state, why), 0) / 1000 or None)
        for (state, why), number in found.items()
        if why
    ]
    return sorted(told, key=lambda why: (-why.number, why.words, why.state))


def problems(told: Iterable[Why]) -> list[Why]:
    """Of these reasons those that went wrong last, the newest first: texts that were tried, and did not get there."""
    tried = [why for why in told if why.last and why.state in _WRONG]
    return sorted(tried, key=lambda why: -(why.last or 0))[:MOST_PROBLEMS]


def _shown(state: State) -> str:
    """As a report shows it: what is still queued is not sent."""
    return str(State.NOT_SENT if state is State.QUEUED else state)


def masked(words: str) -> str:
    """Words of a provider, without the digits of what may be a phone."""
    return without_phones(words)
