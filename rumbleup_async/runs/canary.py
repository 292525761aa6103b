"""The canary of a run: what was asked for, how it stands, and what is heard of the people who were texted.

Lives here: reading the options, making the canary of an open ledger, and what a caller sees of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from rumbleup_async.engine.canary import Canary
from rumbleup_async.engine.counted import HasBounds
from rumbleup_async.engine.ports import HasTrial
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import State
from rumbleup_async.rules.canary import OPT_OUTS, RULES, UNDELIVERED, WAIT, Asked, Standing, Tally, read_rules
from rumbleup_async.runs import money
from rumbleup_async.runs.option_checks import kind_of
from rumbleup_async.screening.phones import normalise
from rumbleup_async.stops import Cause, Stop

if TYPE_CHECKING:
    from rumbleup_async.engine.allowance import Allowance
    from rumbleup_async.engine.ports import Ledger
    from rumbleup_async.messaging import Plan
    from rumbleup_async.people.run_book import RunBook
    from rumbleup_async.runs.care import Care

CANARY, ABORT_IF, ASKS, NOW = "canary", "abort_if", "canary_ask", "canary_now"
"""Under which names a ledger keeps the options, and how the canary stands."""

Number = int | tuple[int, float]
"""So many texts, or these and the seconds for which they are watched."""


class Parts(Protocol):
    """What a run is made of, as far as its canary asks."""

    care: Care
    ledger: Ledger
    book: RunBook | None
    allowance: Allowance

    @property
    def plan(self) -> Plan: ...

    @property
    def is_concurrent(self) -> bool: ...

    async def keep_care(self) -> None: ...

    async def note(self, what: str, detail: str) -> None: ...


class CanaryState(msgspec.Struct, frozen=True, kw_only=True):
    """How the canary of a run stands.

    `stage`: `going`, `watching`, `passed` or `failed`; `until`: the end of the wait, None before it has begun; `words`: why it
    failed. Of the `texts` that came to an end since it began so many were `refused` or are `unknown`; of so many people was heard
    that they `opted_out`, and of so many texts that they were `undelivered`.
    """

    number: int
    wait: float
    rules: tuple[str, ...]
    stage: str
    until: dt.datetime | None
    words: str
    texts: int
    refused: int
    unknown: int
    opted_out: int
    undelivered: int

    def as_dict(self) -> dict[str, Any]:
        """The same as plain words and numbers."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return {**found, "until": None if self.until is None else self.until.isoformat(timespec="seconds")}


def kept(number: Number | None, abort_if: Sequence[str] | None, asks: bool | None) -> dict[str, Any]:
    """These options as a ledger keeps them; None for one that is not given. ConfigurationError for what cannot be meant."""
    if asks is not None and not isinstance(asks, bool):
        raise ConfigurationError(f"canary_ask is True or False, not {kind_of(asks)}")
    rules = None if abort_if is None else read_rules(abort_if)
    if rules == []:
        raise ConfigurationError("abort_if is a list of rules, such as ['opt-outs>2%']; leave it out for the usual ones")
    return {CANARY: None if number is None else _read(number), ABORT_IF: rules, ASKS: asks}


def _read(number: object) -> dict[str, float] | bool:
    texts: object = number
    wait: object = WAIT
    if isinstance(number, tuple) and len(number) == 2:
        texts, wait = number
    if (
        not isinstance(texts, int)
        or not isinstance(wait, (int, float))
        or isinstance(texts, bool)
        or isinstance(wait, bool)
        or not (texts >= 0 and 0 <= wait < 10**9)
    ):
        raise ConfigurationError("canary is a number of texts, or that and the seconds to watch them: (200, 900); 0 for none")
    return {"number": texts, "wait": float(wait)} if texts else False


def asked(care: Mapping[str, Any], *, is_concurrent: bool) -> Asked | None:
    """The canary that the options which hold ask for. ConfigurationError where they cannot be meant together."""
    found = care.get(CANARY)
    if not found:
        if found is None and (ABORT_IF in care or ASKS in care):
            name = ABORT_IF if ABORT_IF in care else ASKS
            raise ConfigurationError(f"{name} (--{name.replace('_', '-')}) needs a canary: --canary 200, in Python canary=200")
        return None
    if is_concurrent:
        raise ConfigurationError(
            "a canary means nothing in concurrent mode: the provider says who comes next, so no part is drawn by lot; try a "
            "small number first, with --limit"
        )
    return Asked(found["number"], found["wait"], tuple(care.get(ABORT_IF, RULES)), care.get(ASKS, False))


def to_come(care: Mapping[str, Any]) -> int:
    """How many texts the canary has from which something can be learned; 0 for none, or if it is over."""
    standing = Standing.of(care.get(NOW))
    return 0 if not care.get(CANARY) or (standing is not None and standing.is_over) else care[CANARY]["number"]


def is_typed(given: Mapping[str, Any]) -> bool:
    """Whether this call has said anew what a canary is judged by."""
    return CANARY in given or ABORT_IF in given


def canary_of(setup: Parts, interrupted: int) -> Canary | None:
    """The canary of a run whose ledger is open; None if it has none. `interrupted`: texts in doubt, for an earlier process died.
    ConfigurationError for a ledger that cannot have one."""
    care, ledger, book = setup.care.options, setup.ledger, setup.book
    if (found := asked(care, is_concurrent=setup.is_concurrent)) is None:
        return None
    if isinstance(ledger, HasBounds) and ledger.bounds.is_joined:
        return None  # whoever is in charge of the run draws, watches and judges; till then nobody else opens anybody
    if not isinstance(ledger, HasTrial):
        raise ConfigurationError("this ledger cannot draw lots, so its run has no canary; take one of the package's own")

    async def opted_out(phones: Sequence[str]) -> Sequence[str]:
        return [] if book is None else await book.opted_out(phones)

    def learns_price() -> Stop | None:
        """Learn what a segment costs, where nobody has said it. The ledger keeps it with the end of the canary."""
        budget = setup.allowance.budget
        if budget is None or not budget.is_learning:
            return None
        if (price := budget.learn()) is None:
            words = "no price was learned, for too few answers named one; resume with --price, or with another budget"
            return Stop(Cause.BUDGET, words)
        care[money.PRICE] = price
        return None

    async def keep(standing: Standing) -> None:
        before = Standing.of(care.get(NOW))
        care[NOW] = msgspec.to_builtins(standing)
        await setup.keep_care()
        if before is None or before.stage != standing.stage:
            await setup.note("canary", " ".join(filter(None, [standing.stage, standing.words])))

    made = Canary(
        found,
        Standing.of(care.get(NOW)),
        ledger.trial,
        seed=setup.plan.run,
        counts=lambda: setup.ledger.counts,
        keep=keep,
        opted_out=opted_out,
        forbids=learns_price,
    )
    made.interrupted(interrupted)
    return made


def shown(canary: Canary) -> CanaryState:
    """How it stands, for the caller of the run."""
    return _state(canary.asked, canary.standing, canary.tally)


def canary_of_ledger(options: Mapping[str, Any], counts: Mapping[State, int], heard: Mapping[str, int]) -> CanaryState | None:
    """How it stands by what a ledger keeps; None where the run has no canary, or its canary has not begun."""
    standing = Standing.of(options.get(NOW))
    if standing is None or not options.get(CANARY):
        return None
    return _state(asked(options, is_concurrent=False) or Asked(0), standing, standing.before.minus(counts, heard))


def _state(found: Asked, standing: Standing, tally: Tally) -> CanaryState:
    return CanaryState(
        number=found.number,
        wait=found.wait,
        rules=found.rules,
        stage=standing.stage,
        until=dt.datetime.fromtimestamp(standing.until, dt.UTC) if standing.until else None,
        words=standing.words,
        texts=tally.ended,
        refused=tally.refused,
        unknown=tally.unknown,
        opted_out=tally.heard.get(OPT_OUTS, 0),
        undelivered=tally.heard.get(UNDELIVERED, 0),
    )


async def hear(canary: Canary, prefix: str, opted_out: Iterable[str], undelivered: Iterable[str | tuple[str, str]]) -> None:
    """These people have opted out; these texts, by phone or by phone and logid, were not delivered."""
    texts = [(one, "") if isinstance(one, str) else one for one in undelivered]
    for what, heard in ((OPT_OUTS, [(phone, "") for phone in opted_out]), (UNDELIVERED, texts)):
        await canary.hear(what, [(prefix + digits, logid) for phone, logid in heard if (digits := normalise(phone)[0])])
