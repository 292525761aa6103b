"""The options of a run: the one place where each is declared, described and checked.

Lives here: `RunOptions`, and how it is made of keyword arguments, which `keywords` names. Knows no provider.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from rumbleup_async.engine.fan_out import observers_of
from rumbleup_async.engine.options import Options
from rumbleup_async.errors import ConfigurationError
from rumbleup_async.retry import Policy
from rumbleup_async.rules.numbers import Suppress, handed_in
from rumbleup_async.runs import canary, money, people
from rumbleup_async.runs.care import RULES, as_json
from rumbleup_async.runs.keywords import RunKeywords
from rumbleup_async.runs.option_checks import (
    check_count,
    check_fields,
    check_hours,
    check_names,
    check_number,
    check_observer,
    check_rules,
    check_share,
    check_texts,
    in_flight,
    is_same,
    kind_of,
)

if TYPE_CHECKING:
    from rumbleup_async.engine.locks import Locks
    from rumbleup_async.engine.ports import AnyObserver
    from rumbleup_async.rules.door import Rule
    from rumbleup_async.rules.hours import Hours, Schedule
    from rumbleup_async.runs.canary import Number
    from rumbleup_async.runs.money import Dollars
    from rumbleup_async.runs.people import GivenBook
    from rumbleup_async.screening.kinds import Given as Texts

__all__ = ["RunKeywords", "RunOptions", "refuse", "run_options"]

_OF_LIST = (
    *("countries", "max_segments", "literal", "text_when", "must_say", "phone_field", "zip_field", "state_field", "zone_field"),
    *("encoding", "skip_if", "consent_field", "keep"),
)


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a run goes about its work. The same for fast mode, concurrent mode and `resume`, and for every provider.

        options = RunOptions(rate=50, skip_if=["opt_out"], suppress=opted_out)
        async with rumbleup.fast_mode(action=125, text=text, ledger="run.ledger", options=options) as run: ...

    Each field may be given as a keyword argument of these calls instead. What a ledger keeps (`rate`, `concurrency`, `processes`,
    `unknown_limit`, `policy`, `locks`, `suppress`, `hours`, `schedule`) holds for every later part of the run where it is not
    given anew; suppressed phones add up.

    Args:
        rate: Texts a second at most, over all processes. 0: no limit of ours. None: what the run was given before, else 0.
            Sendblue paces each line instead, by `limits`.
        concurrency: Requests in flight at most, in each process; in concurrent mode, texters. None: as before, else 64 (16 in
            concurrent mode). "auto": 64 at first, and more as long as that brings more texts a second, up to 256, or to N by
            "auto:N". Twice as many texts at most are left unknown when a process dies. "auto" is for fast mode.
        processes: Processes that send, over the one ledger and at the one rate. A list is then read to its end before the first
            text leaves. None: as before, else 1. Fast mode of RumbleUp only.
        limit: Texts of this part of the run at most; None: no limit.
        unknown_limit: The share of the last 1,000 texts that may be unknown before the run stops, from 0 to 1; 1: no limit. None:
            as before, else 0.02. Fewer texts than 1,000 are not judged by it.
        policy: How patiently failures are met; None: as before, else `Policy()`.
        locks: Concurrent mode: for how long a contact that was handed out is ours, and how patiently "none this time" is asked
            again. A mapping has only those fields of `Locks` that are given.
        suppress: Phones never to be texted, each counted for every number that it can mean. A container that can only be asked
            is asked for the ten digits; a `SuppressionStore` looks each up when a text comes up, and just before it leaves.
        countries: Countries of +1 that are texted, by their two letters; US has its territories with it. "toll-free" beside them
            texts toll-free numbers, too.
        max_segments: A text that would take more SMS parts is skipped.
        literal: Send signs of other programs' merge fields (`[First Name]`), a typed `\\n` and HTML as they are. Without it such
            a text is refused, and a contact with such a value is skipped.
        text_when: Texts for kinds of people, `{"Language=Spanish": "Hola ..."}` or pairs of these: who meets the condition
            `COLUMN=VALUE` gets this text, the first that fits wins, and who meets none gets `text`. Case does not count. The
            texts are checked as the plain one is, and frozen in the ledger. For a list of your own.
        must_say: Words that each text must hold, whatever is merged into it, such as who pays for it. Case does not matter. A
            text that lacks them is refused before anything leaves.
        phone_field: The column with the phone, where its name does not say so. Several columns, with commas between them or as a
            sequence, are tried in this order; the report says which was texted.
        zip_field: The column with the ZIP code, where its name does not say so. It is read where there are `hours`.
        state_field: The column with the state, likewise.
        zone_field: The column with the name of the time zone, likewise.
        hours: When people may be texted, each by the clocks of everywhere they may be; `Hours()` for the usual hours. A mapping
            has only those fields that are given. None: as before, else nobody's hours are asked for.
        schedule: From when on and until when the run sends; see `Schedule`. Without `until` a run with hours ends with the last
            closing of its first day.
        encoding: The encoding of a list file, as Python calls it. None: UTF-8, UTF-16 or what it seems to be;
            `run.list_notes` says which.
        query: What a list that is a database is asked, in SQL.
        sheet: The sheet of a list that is a workbook. None: the only one that has a phone column.
        skip_if: Columns that say who must not be texted, each `column` or `column=value`. A cell that does not say no counts.
        consent_field: The column that says how or when each person agreed to be texted. Who has no value there, or one that says
            no, is skipped; the value goes into the report.
        keep: Columns of the list that go into the ledger and out again in its report; "*": all.
        book: The book of people that all runs share, a `Book` or its path: nobody is texted whom another run has texted into the
            same project, or anybody who has opted out. False: none, though the run had one. None: as before, else none.
        gap: With a book: seconds that must lie between two texts to a person, of whatever project; 0 for none. None: as before,
            else 24 hours.
        again: With a book: text people of this very project again. None: as before, else False.
        budget: US dollars that all texts of the run may cost, over all its parts. Needs `price`, or a canary that
            learns it. None: as before, else no bound.
        price: US dollars of a segment. What a text costs is reserved before it leaves; a price that its answer names takes the
            place of that.
        day_cap: Segments that leave on a day at most, counted from 0:00 Pacific over all runs of the book, or without a book over
            this run. 0: no cap. None: as before, else no cap. A run whose day is used up ends, or goes on at 1:00 if its schedule
            has an `until` behind that.
        canary: So many texts go first, drawn by lot from those who may be texted now, and are watched for 15 minutes, or for the
            seconds of `(texts, seconds)`, before the rest goes by itself. 0: no canary. None: as before, else none.
            `run.heard()` tells of opt-outs and undelivered texts that neither the run nor its book knows of.
        abort_if: By what the run is judged, from its canary to its end: rules such as "opt-outs>2%", of opt-outs, errors,
            unknown, refused or undelivered. None: as before, else "opt-outs>2%" and "errors>8%".
        canary_ask: The run ends with the cause `canary` once its canary has done well, and a resume texts the rest. None: as
            before, else False.
        rules: Rules of your own, asked before a text is opened and once more before it leaves: `admit(text, now)` answers `Go()`,
            `Wait(until, why)` or `Never(why)`. A ledger cannot keep them: hand them in again with a resume.
        observer: Is told what happens, by the methods it has: `results` and `held`, or `events`, or all three. A sequence for
            several observers.
        reconcile: Of `resume`: look what is `unknown` up in the provider's log before the first text.
        settle: Of `resume`: seconds from a text's intent until its absence from the log counts.
        same_account: The ledger's run was begun with another key of this account.
        same_server: The ledger's run was begun under another address of this server.
        original: The ledger file is no copy, or it is the copy to go on with.
        log_lost: Of `resume`: the ledger's `-wal` file, or its `-steps`, is lost for good, so whoever is queued becomes unknown.
        journal: Large steps of a ledger in a file are noted beside it first, in its `-steps`: less processor time at full speed.

    Raises:
        ConfigurationError: A value that cannot be meant; the message names the option and the remedy.
    """

    rate: float | None = None
    concurrency: int | str | None = None
    processes: int | None = None
    limit: int | None = None
    unknown_limit: float | None = None
    policy: Policy | None = None
    locks: Locks | Mapping[str, Any] | None = None
    suppress: Suppress = ()
    countries: Iterable[str] = ("US", "CA")
    max_segments: int = 10
    literal: bool = False
    text_when: Texts = ()
    must_say: Iterable[str] = ()
    phone_field: str | Sequence[str] | None = None
    zip_field: str | None = None
    state_field: str | None = None
    zone_field: str | None = None
    hours: Hours | Mapping[str, Any] | None = None
    schedule: Schedule | Mapping[str, Any] | None = None
    encoding: str | None = None
    sheet: str | None = None
    query: str | None = None
    skip_if: Iterable[str] = ()
    consent_field: str | None = None
    keep: str | Iterable[str] = ()
    book: GivenBook = None
    gap: float | None = None
    again: bool | None = None
    budget: Dollars | None = None
    price: Dollars | None = None
    day_cap: int | None = None
    canary: Number | None = None
    abort_if: Sequence[str] | None = None
    canary_ask: bool | None = None
    rules: Sequence[Rule] = ()
    observer: AnyObserver | Sequence[AnyObserver] | None = None
    reconcile: bool = True
    settle: float = 900.0
    same_account: bool = False
    same_server: bool = False
    original: bool = False
    log_lost: bool = False
    journal: bool = False

    def __post_init__(self) -> None:
        check_number("rate", self.rate, "texts a second; 0 for no limit of ours")
        check_number("settle", self.settle, "seconds, 0 or more")
        check_share("unknown_limit", self.unknown_limit)
        in_flight(self.concurrency)
        for name in ("processes", "limit", "max_segments"):
            check_count(name, getattr(self, name))
        if self.policy is not None and not isinstance(self.policy, Policy):
            raise ConfigurationError(f"policy is a Policy, such as Policy(max_errors=20), not {kind_of(self.policy)}")
        if self.locks is not None:
            from rumbleup_async.engine.locks import Locks

            check_fields("locks", self.locks, Locks, "patience=10")
        people.check(self.book, self.gap, self.again)
        money.kept(self.budget, self.price, self.day_cap)
        canary.kept(self.canary, self.abort_if, self.canary_ask)
        for observer in observers_of(self.observer):
            check_observer(observer)
        check_rules(self.rules)
        for name in ("suppress", "countries", "skip_if", "must_say", "keep"):
            if (value := getattr(self, name)) is None:
                raise ConfigurationError(f"{name} is a list, not None; leave it out where there is nothing to say")
            if name != "suppress" and not isinstance(value, Iterable):
                raise ConfigurationError(f"{name} is a list, not {kind_of(value)}")
        check_texts(self.text_when)
        check_hours(self.hours, self.schedule)
        check_names("phone_field", self.phone_field)
        for name in ("zip_field", "state_field", "zone_field", "consent_field", "encoding", "sheet", "query"):
            if not isinstance(getattr(self, name), (str, type(None))):
                raise ConfigurationError(f"{name} is a name, not {kind_of(getattr(self, name))}")
        for name in ("literal", "reconcile", "same_account", "same_server", "original", "log_lost", "journal"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigurationError(f"{name} is True or False, not {kind_of(getattr(self, name))}")

    def __repr__(self) -> str:
        given = [name for name, value in self.given().items() if value is not None]
        return f"RunOptions({', '.join(f'{name}=...' for name in given)})"

    def given(self) -> dict[str, Any]:
        """The fields that are not at their defaults."""
        defaults = dict(zip(self.__struct_fields__, self.__struct_defaults__, strict=True))
        return {name: value for name in defaults if not is_same(value := getattr(self, name), defaults[name])}

    def of_list(self) -> dict[str, Any]:
        """The fields that say how list and text are read; `sheet` and `query`, which say what is read, are beside them."""
        given = {name: getattr(self, name) for name in _OF_LIST}
        if self.phone_field is not None and not isinstance(self.phone_field, str):
            given["phone_field"] = ",".join(self.phone_field)
        return given

    def care(self, **more: Any) -> dict[str, Any]:
        """Those of pace that were given, and `more` of a provider, as the ledger keeps them."""
        names = ("rate", "concurrency", "processes", "unknown_limit", "policy", "locks", "hours", "schedule")
        own = {name: getattr(self, name) for name in names} | people.kept(self.book, self.gap, self.again)
        own |= money.kept(self.budget, self.price, self.day_cap) | canary.kept(self.canary, self.abort_if, self.canary_ask)
        if self.rules:
            own[RULES] = True
        return {name: as_json(value) for name, value in {**own, **more}.items() if value is not None}

    def consent(self) -> dict[str, bool]:
        """What was said of the ledger file."""
        return {name: getattr(self, name) for name in ("same_account", "same_server", "original", "log_lost")}

    def for_engine(self, **changes: Any) -> Options:
        """The options of this call alone, as the engine takes them; those of pace are added once the ledger is open."""
        clock = self.hours.get("clock") if isinstance(self.hours, Mapping) else getattr(self.hours, "clock", None)
        changes["clock"] = None if clock is time.time else clock
        changes["rules"] = tuple(self.rules)
        return Options(limit=self.limit, suppress=handed_in(self.suppress), observer=self.observer, **changes)


def run_options(call: str, options: RunOptions | None, keywords: Mapping[str, Any]) -> RunOptions:
    """The options of one call, given as a whole or as keyword arguments.

    Raises ConfigurationError where both are given, TypeError for a keyword that is no option.
    """
    for name in keywords:
        if name not in RunOptions.__struct_fields__:
            close = difflib.get_close_matches(name, RunOptions.__struct_fields__, 1)
            hint = f"; did you mean {close[0]!r}?" if close else "; its options are the fields of RunOptions"
            raise TypeError(f"{call}() has no option {name!r}{hint}")
    if options is None:
        return RunOptions(**keywords)
    if not isinstance(options, RunOptions):
        raise ConfigurationError(f"options is a RunOptions, such as RunOptions(rate=50), not {kind_of(options)}")
    if twice := [name for name, value in keywords.items() if value is not None]:
        raise ConfigurationError(
            f"{call}: {' and '.join(twice)} beside options=; put {'it' if len(twice) == 1 else 'them'} into the RunOptions"
        )
    return options


def refuse(call: str, options: RunOptions, **remedies: str) -> None:
    """ConfigurationError for an option that was given where it means nothing, with the remedy of each."""
    given = options.given()
    for name, remedy in remedies.items():
        if name in given and given[name] != _AS_WITHOUT.get(name):
            raise ConfigurationError(f"{name} means nothing to {call}: {remedy}")


_AS_WITHOUT = {"rate": 0, "processes": 1}
"""Values that say what holds without the option, too."""
