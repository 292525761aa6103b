"""How the command line talks: messages and progress to standard error, results to standard output.

Lives here: output and exit codes.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Annotated, Any, NoReturn, ParamSpec, TextIO, TypeVar

import typer

from rumbleup_async.cli.failures import FINE, INTERRUPTED, STOPPED, UNKNOWNS, WRONG, told
from rumbleup_async.cli.terminal import fitted, visible, width_of
from rumbleup_async.errors import NotSentError
from rumbleup_async.runs.summary import Summary
from rumbleup_async.session import proxy as proxies
from rumbleup_async.stops import Cause

__all__ = ["FINE", "INTERRUPTED", "STOPPED", "UNKNOWNS", "WRONG"]

P = ParamSpec("P")
T = TypeVar("T")

NO_FAILURE = frozenset({Cause.LIMIT, Cause.CANARY, Cause.DRY_RUN, Cause.DIED})
"""Causes of a stop that do not change the exit code: an option asked for it, or only the ledger tells of it."""


def say(message: str = "") -> None:
    """Write a line to standard error, with line breaks only around it. It never fails: a run goes on although nobody reads
    what it says."""
    line = message.strip("\n")
    before, after = message[: message.index(line)], message[message.index(line) + len(line) :]
    try:
        sys.stderr.write(f"{before}{fitted(visible(line), width_of(sys.stderr))}{after}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        nobody_reads(sys.stderr)


def print_json(value: object) -> bool:
    """Print one JSON object on a line, as `print_out` does."""
    return print_out(json.dumps(value) + "\n")


def print_out(text: str) -> bool:
    """Print a result on standard output. False if the reader has gone, because it wanted no more.

    Raises OSError, which names standard output, if the result is lost for another reason: a script must not take half a
    result for the whole.
    """
    with whole_output() as read:
        sys.stdout.write(text)
        sys.stdout.flush()
    return not read.is_gone


class _Read:
    """Whether somebody still reads what is written."""

    is_gone = False


@contextlib.contextmanager
def whole_output() -> Iterator[_Read]:
    """Write to standard output within this, with the errors of `print_out`."""
    read = _Read()
    try:
        yield read
    except BrokenPipeError:
        read.is_gone = True
        nobody_reads(sys.stdout)
    except OSError as error:
        if error.filename is not None:
            raise  # of a file of its own
        nobody_reads(sys.stdout)
        raise OSError(error.errno, error.strerror, "standard output") from None


def nobody_reads(stream: TextIO) -> None:
    """Give up a stream whose reader has gone. What Python flushes at exit goes nowhere and does not change the exit code."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def fail(message: str, code: int = WRONG) -> NoReturn:
    """Say what is wrong and end with an exit code."""
    say(f"rumbleup: {message}")
    raise typer.Exit(code)


def finish(code: int) -> None:
    """Leave the command with an exit code."""
    if code != FINE:
        raise typer.Exit(code)


def exit_code(summary: Summary) -> int:
    """0 all accounted for, 1 unknowns left, 3 stopped early or texts left over, 130 interrupted. A stop counts more than
    unknowns."""
    cause = None if summary.stop is None else summary.stop.cause
    if cause is Cause.INTERRUPTED:
        return INTERRUPTED
    if cause is Cause.DIED and summary.resumable and not summary.unknown:
        return STOPPED
    if cause is not None and cause not in NO_FAILURE:
        return STOPPED
    return UNKNOWNS if summary.unknown else FINE


def guarded(command: Callable[P, T]) -> Callable[P, T]:
    """Make a function a command that reaches a provider: `local`, and the option `--proxy` beside."""
    run = local(command)
    _add_proxy(run, command)
    return run


def local(command: Callable[P, T]) -> Callable[P, T]:
    """Turn every error of a command into an exit code and a line that a person can act on, never a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        given: Any = kwargs.pop(PROXY, None)
        token = proxies.chosen.set(given)
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - the last line of defence
            words, code = told(error)
            if not words:
                raise typer.Exit(code) from None
            hint = proxies.hint(given) if isinstance(error, NotSentError) else ""
            fail(f"{words}; check {hint}" if hint else words, code)
        finally:
            proxies.chosen.reset(token)

    return run


PROXY = "http_proxy"
"""The parameter of `--proxy`."""


def _add_proxy(run: Callable[..., Any], command: Callable[..., Any]) -> None:
    """Give a command the option `--proxy`, which all have that reach a provider."""
    shape = inspect.signature(command, eval_str=True)
    # In some commands a proxy is a number to send from, which is RumbleUp's word.
    names = ["--http-proxy"] if "proxy" in shape.parameters else ["--proxy", "--http-proxy"]
    option = Annotated[str | None, typer.Option(*names, metavar="URL", help="An HTTP proxy to go through, http://host:port.")]
    more = inspect.Parameter(PROXY, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
    run.__signature__ = shape.replace(parameters=[*shape.parameters.values(), more])  # type: ignore[attr-defined]


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 text`, `2,000 texts`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def table(rows: list[dict[str, Any]]) -> bool:
    """`print_out` of rows as a table."""
    from rich.console import Console
    from rich.table import Table

    columns = list(dict.fromkeys(column for row in rows for column in row))
    grid = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        grid.add_row(*("" if row.get(column) is None else visible(str(row[column])) for column in columns))
    # Where nobody looks at it, an id must not be cut at the width of a terminal.
    console = Console(width=None if sys.stdout.isatty() else 10_000, emoji=False)
    with console.capture() as printed:
        console.print(grid, markup=False)
    # Not by rich itself, which ends the process with exit code 1 when a reader has gone.
    return print_out(printed.get())
