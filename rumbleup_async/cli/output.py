"""What the commands of the API's resources share: one call, its result as a table or as JSON, a question.

Lives here: the manner of these commands, none of their options' meaning.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import inspect
import json
import sys
import warnings
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer

from rumbleup_async.cli.console import UNKNOWNS, fail, print_json, say, table
from rumbleup_async.cli.loop import run_loop
from rumbleup_async.cli.question import ask
from rumbleup_async.errors import ConfigurationError, MaybeSentError, RumbleUpWarning, ServerFailed, UnreadableReply
from rumbleup_async.provider.caller import Pages
from rumbleup_async.provider.client import Client
from rumbleup_async.provider.models import Model
from rumbleup_async.provider.times import Moment
from rumbleup_async.rumbleup.client import RumbleUp
from rumbleup_async.session.limits import Timeouts

T = TypeVar("T")
C = TypeVar("C", bound=Client)

Connect = Callable[..., C]
"""Sets a client up from the environment: a client's `from_env`."""

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]
Lines = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Rows at most.")]


def _no_option(context: typer.Context, extra: list[str] | None) -> list[str] | None:
    """Refuse a --set of what the command has an option or an argument for: one of the two would silently win."""
    given: dict[str, str] = {}
    for parameter in context.command.params:
        options = [option for option in (*parameter.opts, *parameter.secondary_opts) if option.startswith("--")]
        if "--set" not in options:
            words = options[0] if options else parameter.metavar or parameter.name or ""
            given |= {name.removeprefix("--").replace("-", "_"): words for name in (parameter.name or "", *options)}
    for pair in extra or ():
        name = pair.partition("=")[0].strip()
        if name in given:
            raise typer.BadParameter(f"{name} is given by {given[name]} here")
    return extra


Extra = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", callback=_no_option, help="A parameter that has no option here; repeatable."),
]
Wait = Annotated[float, typer.Option("--timeout", min=0.1, metavar="S", help="Seconds to wait for the provider's answer.")]
OutFile = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there, for your eyes only (mode 0600).")]


def plain(model: Model) -> dict[str, Any]:
    """A model as JSON values: what is known of it, then what the server sent beyond the documented fields."""
    values = {field: getattr(model, field) for field in model.__struct_fields__ if field != "extra"}
    known = {key: _value(value) for key, value in values.items() if value not in (None, (), {})}
    # A word that only happens to be called like one of ours, such as `id` beside `action`, does not take its place.
    return {**known, **{key: _value(value) for key, value in model.extra.items() if key not in known and value is not None}}


def _value(value: object) -> object:
    if isinstance(value, Moment):
        return value.raw
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, Model):
        return plain(value)
    if isinstance(value, tuple):
        return [_value(one) for one in value]
    return msgspec.to_builtins(value)


def call(work: Callable[[RumbleUp], Awaitable[T]], timeout: float = 30.0) -> T:
    """The result of one piece of work with a RumbleUp client that is set up from the environment."""
    return call_over(RumbleUp.from_env, work, timeout)


def call_over(client: Connect[C], work: Callable[[C], Awaitable[T]], timeout: float = 30.0) -> T:
    """The result of one piece of work with a client that is set up from the environment."""

    async def main() -> T:
        with _warnings_in_words():
            async with client(timeouts=Timeouts(read=timeout)) as connected:
                return await work(connected)

    return run_loop(main())


@contextlib.contextmanager
def _warnings_in_words() -> Iterator[None]:
    """A warning is a sentence to the user, not a line of somebody's program."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", RumbleUpWarning)
        warnings.showwarning = lambda message, *_, **__: say(f"rumbleup: warning: {message}")
        yield


def one_text(work: Callable[[RumbleUp], Awaitable[T]]) -> T:
    """`one_text_over` RumbleUp."""
    return one_text_over(RumbleUp.from_env, work, look="rumbleup messages log --phone")


def one_text_over(client: Connect[C], work: Callable[[C], Awaitable[T]], *, look: str) -> T:
    """`call_over` for a single text: if nobody knows whether it left, the error says what to do."""
    try:
        return call_over(client, work)
    except (MaybeSentError, ServerFailed, UnreadableReply) as error:
        doubt = f"the text may have been sent: do not send it again before you have looked with {look}"
        fail(f"{error}; {doubt}", UNKNOWNS)


def confirm(question: str, *, yes: bool) -> None:
    """End the command unless the user agrees, or has with --yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        fail("there is no terminal to ask; do it with --yes")
    if not ask(question):
        fail("nothing was done")


def show(model: Model, *, as_json: bool) -> bool:
    """One result: a JSON object, or a table of its fields. False if whoever read it has gone."""
    values = plain(model)
    if as_json:
        return print_json(values)
    return table([{"field": name, "value": words(value)} for name, value in values.items()])


def show_sent(text: Model, known_by: str, *, as_json: bool) -> None:
    """`show` for a text that has left. Whatever becomes of the words, the command did what it was told: a script that
    takes a full disk for a failed send would text the person again."""
    try:
        shown = show(text, as_json=as_json)
    except (Exception, SystemExit):  # noqa: BLE001 - not one of them takes the text back
        shown = False
    if not shown:
        say(f"rumbleup: the text was sent ({known_by}); only its result could not be printed")


def show_all(models: Iterable[Model], columns: Sequence[str], *, as_json: bool) -> None:
    """Results that are there already: a JSON object a line, or a table of these columns."""
    rows = [plain(model) for model in models]
    if as_json:
        for row in rows:
            if not print_json(row):
                break
    elif rows:
        table([{column: words(row.get(column)) for column in columns} for row in rows])
    else:
        say("nothing was found")


def show_pages(
    pages: Callable[[RumbleUp], Pages[Any]], columns: Sequence[str], *, limit: int | None, as_json: bool, timeout: float = 30.0
) -> None:
    """`show_pages_over` RumbleUp."""
    show_pages_over(RumbleUp.from_env, pages, columns, limit=limit, as_json=as_json, timeout=timeout)


def show_pages_over(
    client: Connect[C],
    pages: Callable[[C], Pages[Any]],
    columns: Sequence[str],
    *,
    limit: int | None,
    as_json: bool,
    timeout: float = 30.0,
) -> None:
    """The rows of a list, all pages of it or `limit` rows; JSON lines are printed as
    they come, for as long as somebody reads."""

    async def work(connected: C) -> list[Model]:
        rows: list[Model] = []
        number = 0
        async for row in pages(connected):
            if not as_json:
                rows.append(row)
            elif not print_json(plain(row)):
                break
            number += 1
            if number == limit:
                break
        return rows

    rows = call_over(client, work, timeout)
    if not as_json:
        show_all(rows, columns, as_json=False)


def words(value: object) -> str:
    """A value as the cell of a table, without characters that steer a terminal."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) and all(isinstance(one, (str, int)) for one in value):
        text = ", ".join(map(str, value))
    else:
        text = value if isinstance(value, str) else json.dumps(value)
    return "".join(char if char.isprintable() else " " for char in text)


def pairs(extra: list[str] | None, method: Callable[..., object], **given: str) -> dict[str, Any]:
    """The NAME=VALUE of --set for a method of a client. ConfigurationError for a name of a
    parameter of the method's own, which Python would refuse or take for something else; `given`:
    the options by which such ones are given here."""
    parameters = inspect.signature(method).parameters.values()
    own = {parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD} | given.keys()
    found: dict[str, Any] = {}
    for pair in extra or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise ConfigurationError(f"--set takes NAME=VALUE, not {pair.partition('=')[0]!r}")
        name = name.strip()
        if name in own:
            remedy = f"it is given by {given[name]}" if name in given else "it means something to the command itself"
            raise ConfigurationError(f"--set does not pass {name} on: {remedy}")
        if name in found:
            raise ConfigurationError(f"--set names {name} more than once, and only one value could be heeded; name it once")
        found[name] = value
    return found


def moment(text: str | None, option: str) -> dt.datetime | None:
    """A time given on the command line; it must say its zone."""
    if text is None:
        return None
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option} must look like 2026-03-05T10:00-05:00") from None
    if value.tzinfo is None:
        raise ConfigurationError(f"{option} has no zone; write it like 2026-03-05T10:00-05:00")
    return value
