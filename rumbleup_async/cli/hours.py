"""When people may be texted, on the command line: the options, and what they mean for a list before anything is sent.

Lives here: the options that `send`, `texters` and `resume` share, and the plan's lines about hours.

Towards the provider itself a run goes by people's hours. A server on this machine is a rehearsal: nobody's hours are asked for,
unless they are given.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import typer

from rumbleup_async.cli.console import say
from rumbleup_async.cli.durations import seconds
from rumbleup_async.cli.ledger_place import Place, exists, open_reader
from rumbleup_async.errors import LedgerError
from rumbleup_async.messaging import Identity
from rumbleup_async.rules.outlook import Outlook
from rumbleup_async.runs.people import is_rehearsal

T = TypeVar("T")

Names = list[str] | None


class HoursOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a command was told of hours and of days. None and False: nothing."""

    window: Annotated[
        str | None,
        typer.Option(
            "--hours",
            metavar="H-H",
            help="When a text may leave by the clocks of everywhere its recipient may be, such as 9-20 or 9:30-19:45 (9-20).",
        ),
    ] = None
    sunday: Annotated[str | None, typer.Option("--sunday", metavar="H-H|none", help="The hours of Sundays (12-20).")] = None
    purpose: Annotated[
        str | None,
        typer.Option(
            "--purpose", metavar="P", help="commercial, political or nonprofit: which states' own hours bind (commercial)."
        ),
    ] = None
    not_in: Annotated[
        Names,
        typer.Option("--not-in", metavar="STATES", help="States to leave out, such as LA,NY; repeatable, none for no state."),
    ] = None
    margin: Annotated[
        float | None,
        typer.Option("--margin", metavar="TIME", parser=seconds, help="Nothing leaves so short a time before the end (10m)."),
    ] = None
    trust_address: Annotated[
        bool, typer.Option("--trust-address", help="Where ZIP code or state are known, the area code does not count.")
    ] = False
    anyway: Annotated[bool, typer.Option("--hours-anyway", help="Allow --hours beyond 8-21, the hours of federal law.")] = False
    not_before: Annotated[
        str | None, typer.Option("--not-before", metavar="T", help="Begin then, such as 2026-12-01T09:00-05:00, and wait for it.")
    ] = None
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="T", help="Go on until then, over several days; else the run ends with its first day."),
    ] = None
    zip_field: Annotated[
        str | None, typer.Option("--zip-field", metavar="NAME", help="The column with the ZIP code; found by its name otherwise.")
    ] = None
    state_field: Annotated[
        str | None, typer.Option("--state-field", metavar="NAME", help="The column with the state; found by its name otherwise.")
    ] = None
    zone_field: Annotated[
        str | None,
        typer.Option("--zone-field", metavar="NAME", help="The column with the time zone; found by its name otherwise."),
    ] = None
    rehearsal: Annotated[
        Literal["yes", "no"] | None,
        typer.Option("--rehearsal", help="no: a server on this machine is as good as the provider itself, as a relay is."),
    ] = None

    def is_here(self, identity: Identity | None) -> bool:
        """Whether the run is a rehearsal. `identity`: whose server and account; None if that is not known."""
        return self.rehearsal != "no" and identity is not None and is_rehearsal(identity)

    def as_mode(self, identity: Identity | None, *, has_list: bool = False) -> dict[str, Any]:
        """The options that a mode of a client takes. `has_list`: it reads a list, whose columns may be named."""
        names = ("window", "sunday", "purpose", "margin")
        given: dict[str, Any] = {name: value for name in names if (value := getattr(self, name)) is not None}
        given |= {name: True for name in ("trust_address", "anyway") if getattr(self, name)}
        if self.not_in is not None:
            given["not_in"] = [state for state in self.not_in if state.strip().lower() != "none"]
        schedule = {name: value for name in ("not_before", "until") if (value := getattr(self, name)) is not None}
        found: dict[str, Any] = {"schedule": schedule} if schedule else {}
        if given or not self.is_here(identity):
            found["hours"] = given
        if has_list:
            columns = {name: getattr(self, name) for name in ("zip_field", "state_field", "zone_field")}
            found |= {name: value for name, value in columns.items() if value is not None}
        return found


NO_HOURS = HoursOptions()
"""Nothing was said of hours."""

_OF_A_LIST = ("zip_field", "state_field", "zone_field")


def with_hours(*, has_list: bool = False) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Give a command the options of `HoursOptions`, which it is handed as `hours`."""
    names = [name for name in HoursOptions.__struct_fields__ if has_list or name not in _OF_A_LIST]

    def give(command: Callable[..., T]) -> Callable[..., T]:
        @functools.wraps(command)
        def run(*args: Any, **kwargs: Any) -> T:
            given = {name: kwargs.pop(name) for name in names if name in kwargs}
            return command(*args, hours=HoursOptions(**given), **kwargs)

        shape = inspect.signature(command, eval_str=True)
        hints = inspect.get_annotations(HoursOptions, eval_str=True)
        defaults = dict(zip(HoursOptions.__struct_fields__, HoursOptions.__struct_defaults__, strict=True))
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=hints[name])
            for name in names
        ]
        own = [parameter for name, parameter in shape.parameters.items() if name != "hours"]
        run.__signature__ = shape.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        return run

    return give


def say_rehearsal(is_here: bool, options: dict[str, Any], *, has_begun: bool = False) -> None:
    """Say that a run is a rehearsal, whatever `--quiet` says: whoever takes one for the other texts people at night.

    `has_begun`: the run goes on with a ledger, which may have kept hours and book.
    """
    off = [words for name, words in (("hours", "hours"), ("book", "the book of people")) if not options.get(name)]
    if is_here and off:
        unless = ", as far as the run was not begun with them" if has_begun else ""
        what = f"{' and '.join(off)} {'are' if 'hours' in off else 'is'} off{unless}"
        say(f"rehearsal: the server is on this machine, so {what} (--rehearsal no: as towards the provider)")


def as_begun(hours: HoursOptions, ledger: Place) -> HoursOptions:
    """The same, where nothing else is said as the run was begun: with hours, and with a book or expressly without one, it goes on
    as towards the provider. A resume would leave opt-outs unread otherwise that the run had read before."""
    if hours.rehearsal is not None or not exists(ledger):
        return hours
    with contextlib.suppress(LedgerError):  # whoever opens it says what is wrong with it
        reader = open_reader(ledger)
        try:
            kept = reader.options
        finally:
            reader.close()
        if "hours" in kept and "book" in kept:
            return msgspec.structs.replace(hours, rehearsal="no")
    return hours


def show_hours(plan: Outlook | None, *, quiet: bool) -> None:
    """Say what the hours mean for those who are queued."""
    if plan is None:
        return
    if plan.zone_data_old:
        say(f"warning: {plan.zone_data_old}")
    if quiet:
        return
    zones = ", ".join(f"{source} {number:,}" for source, number in plan.by_source.items())
    say(f"{plan.words}{f'; zones: {zones}' if zones else ''}; zone data {plan.zone_data}")
    later = f" (last opens {at(plan.last_opening)})" if plan.later_today and plan.last_opening else ""
    parts = [f"open now {plan.open_now:,}", f"later today {plan.later_today:,}{later}", f"not today {plan.not_today:,}"]
    if plan.later_days:
        parts[-1] += f" ({plan.later_days:,} on later days)"
    if plan.no_common_hour:
        parts.append(f"no hour suits the zones of {plan.no_common_hour:,}")
    if plan.left_out:
        parts.append(f"states left out {plan.left_out:,}")
    closings = [f"closes first {at(plan.first_closing)}"] if plan.first_closing else []
    closings += [f"last {at(plan.last_closing)}"] if plan.last_closing else []
    say("; ".join([*parts, *([", ".join(closings)] if closings else [])]))


def at(moment: float | None) -> str:
    """A moment of the plan, by the clocks of the east."""
    if moment is None:
        return ""
    from rumbleup_async.rules.zones import load

    return f"{dt.datetime.fromtimestamp(moment, load().zone('America/New_York')):%a %H:%M %Z}"


def as_json(plan: Outlook | None) -> dict[str, Any]:
    """The same as the JSON of a dry run has it."""
    if plan is None:
        return {}
    found = msgspec.to_builtins(plan)
    for name in ("first_closing", "last_opening", "last_closing"):
        moment = found[name]
        found[name] = None if moment is None else dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(timespec="seconds")
    found["stopped"] = None if plan.stop is None else str(plan.stop)
    del found["stop"]
    return {"hours": found}


def would_begin(plan: Outlook | None) -> bool:
    """Whether a run over these would text anybody."""
    return plan is None or plan.stop is None
