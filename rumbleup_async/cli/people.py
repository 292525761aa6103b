"""The book of people on the command line: which file it is, and what is said of it before anything is sent.

Lives here: the options that `send`, `texters` and `resume` share, the place of the book, and what it has found.

Towards the provider itself a run has a book unless it is told otherwise. A server on this machine is a rehearsal: it has none
unless one is named.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from rumbleup_async.cli.console import plural, say
from rumbleup_async.cli.durations import seconds
from rumbleup_async.cli.ledger_place import Place, exists, open_reader
from rumbleup_async.errors import ConfigurationError, LedgerError
from rumbleup_async.messaging import Identity
from rumbleup_async.people import Book
from rumbleup_async.people.marks import key_of
from rumbleup_async.people.run_book import span
from rumbleup_async.runs.people import is_rehearsal
from rumbleup_async.runs.run import Run

BookFile = Annotated[
    Path | None,
    typer.Option("--book", metavar="FILE", help="The book of people that all runs share (RUMBLEUP_BOOK, else as doctor says)."),
]
NoBook = Annotated[bool, typer.Option("--no-book", help="Text people although no book says whom other runs have texted.")]
Gap = Annotated[
    float | None,
    typer.Option(
        "--gap", metavar="TIME", parser=seconds, help="Text nobody whom any run has texted so short a time ago (24h); 0: none."
    ),
]


class PeopleOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a command was told of the book. None and False: nothing."""

    book: Path | None = None
    no_book: bool = False
    gap: float | None = None
    again: bool = False
    opt_outs: str | None = None


def usual_place(environ: Mapping[str, str]) -> Path:
    """Where the book is if nobody names another place."""
    home = environ.get("XDG_DATA_HOME") or ""
    if home.startswith("/"):
        return Path(home) / "rumbleup" / "people.book"
    try:
        return Path.home() / ".local" / "share" / "rumbleup" / "people.book"
    except RuntimeError:  # a container whose user has no home
        raise ConfigurationError("this user has no home for the book of people; name one with --book or RUMBLEUP_BOOK") from None


def book_path(book: Path | None, environ: Mapping[str, str]) -> Path:
    """The book that is meant: the one that is named, that of RUMBLEUP_BOOK, or the one at the usual place."""
    return book or Path(environ.get("RUMBLEUP_BOOK") or usual_place(environ))


def open_book(path: Path, environ: Mapping[str, str], *, is_new_fine: bool = True) -> Book:
    """The book at this path, not open yet. Its folder is made with it where it is the usual one."""
    if not (is_new_fine or path.exists()):
        raise ConfigurationError(f"{path}: there is no book of people yet; a run makes it, or name another with --book")
    return Book(path, key=key_of(environ), makes_folder=path == usual_place(environ))


def run_options(
    given: PeopleOptions,
    identity: Identity | None,
    ledger: Place,
    environ: Mapping[str, str] | None,
    *,
    is_here: bool | None = None,
    is_dry: bool = False,
) -> dict[str, Any]:
    """The options of a run about people. `identity`: whose server and account; None if that is not known. `is_here`: it is a
    rehearsal; None: if the server is on this machine."""
    environ = os.environ if environ is None else environ
    if given.book is not None and given.no_book:
        raise ConfigurationError("--book and --no-book contradict each other; give one of them")
    options: dict[str, Any] = {"gap": given.gap, "again": True if given.again else None}
    named = given.book or (Path(environ["RUMBLEUP_BOOK"]) if environ.get("RUMBLEUP_BOOK") else None)
    is_kept = given.book is None and _is_kept(ledger)
    if given.no_book:
        options["book"] = False
    elif not is_kept and (
        named is not None or not (identity is None or (is_rehearsal(identity) if is_here is None else is_here))
    ):
        path = named or usual_place(environ)
        if path.exists() or not is_dry:  # a dry run leaves nothing behind
            options["book"] = open_book(path, environ)
    elif given.gap is not None and not is_kept:
        raise ConfigurationError("--gap needs the book of people, and a rehearsal on this machine has none; name one with --book")
    return {name: value for name, value in options.items() if value is not None}


def _is_kept(ledger: Place) -> bool:
    """Whether an earlier call has said which book this run has, or that it has none."""
    if not exists(ledger):
        return False
    with contextlib.suppress(LedgerError):  # whoever opens it says what is wrong with it
        reader = open_reader(ledger)
        try:
            return "book" in reader.options
        finally:
            reader.close()
    return False


def show_book(run: Run, *, quiet: bool) -> None:
    """Say what the book has found in the list."""
    book = run.book
    if book is None or quiet:
        return
    if book.before:
        say(
            f"{book.before:,} of {plural(book.asked, 'contact')} {'was' if book.before == 1 else 'were'} texted before in this "
            f"project, the last {day_of(book.last)}; they are left out (--again texts them)"
        )
    if book.near:
        say(f"{plural(book.near, 'contact')} texted less than {span(book.again.gap)} ago stay queued for a later resume")


def day_of(moment: float, now: float | None = None) -> str:
    """A Unix second as people say it, by the clocks of this machine: `yesterday at 09:12`, `on 2026-11-28 at 09:12`."""
    today = dt.datetime.fromtimestamp(time.time() if now is None else now).astimezone().date()
    at = dt.datetime.fromtimestamp(moment).astimezone()
    days = {today: "today", today - dt.timedelta(days=1): "yesterday"}
    return f"{days.get(at.date(), f'on {at:%Y-%m-%d}')} at {at:%H:%M}"


def book_json(run: Run) -> dict[str, Any]:
    """What the book has found in a list that was just read, as the JSON of `send` has it."""
    book = run.book
    if book is None or not book.asked:
        return {}
    last = dt.datetime.fromtimestamp(book.last, dt.UTC).isoformat(timespec="seconds") if book.last else None
    return {"book": {"asked": book.asked, "texted_before": book.before, "last": last, "within_gap": book.near}}
