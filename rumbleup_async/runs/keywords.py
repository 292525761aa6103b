"""The options of a run as keyword arguments, for whoever reads and checks types.

Lives here: names and types; what each means stands in `RunOptions`, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from rumbleup_async.retry import Policy
from rumbleup_async.rules.numbers import Suppress

if TYPE_CHECKING:
    from rumbleup_async.engine.locks import Locks
    from rumbleup_async.engine.ports import AnyObserver
    from rumbleup_async.rules.door import Rule
    from rumbleup_async.rules.hours import Hours, Schedule
    from rumbleup_async.runs.canary import Number
    from rumbleup_async.runs.money import Dollars
    from rumbleup_async.runs.people import GivenBook
    from rumbleup_async.screening.kinds import Given as Texts


class RunKeywords(TypedDict, total=False):
    """The fields of `RunOptions` as keyword arguments: the short way to give them."""

    rate: float | None
    concurrency: int | str | None
    processes: int | None
    limit: int | None
    unknown_limit: float | None
    policy: Policy | None
    locks: Locks | Mapping[str, Any] | None
    suppress: Suppress
    countries: Iterable[str]
    max_segments: int
    literal: bool
    text_when: Texts
    must_say: Iterable[str]
    phone_field: str | Sequence[str] | None
    zip_field: str | None
    state_field: str | None
    zone_field: str | None
    hours: Hours | Mapping[str, Any] | None
    schedule: Schedule | Mapping[str, Any] | None
    encoding: str | None
    sheet: str | None
    query: str | None
    skip_if: Iterable[str]
    consent_field: str | None
    keep: str | Iterable[str]
    book: GivenBook
    gap: float | None
    again: bool | None
    budget: Dollars | None
    price: Dollars | None
    day_cap: int | None
    canary: Number | None
    abort_if: Sequence[str] | None
    canary_ask: bool | None
    rules: Sequence[Rule]
    observer: AnyObserver | Sequence[AnyObserver] | None
    reconcile: bool
    settle: float
    same_account: bool
    same_server: bool
    original: bool
    log_lost: bool
    journal: bool
