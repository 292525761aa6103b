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
from rumbleup_async.postgres.address import Address, is_address, parse
from rumbleup_async.runs.people import is_rehearsal
from rumbleup_async.runs.run import Run
from rumbleup_async.shell import pasteable


def read_book(text: str) -> Path | Address:
    """Where a book is, as it was typed."""
    try:
        return parse(text, needs_run=False).of("") if is_address(text) else Path(text)
    except LedgerError as error:
        raise typer.BadParameter(str(error)) from None


BookFile = Annotated[
    Place | None,
    typer.Option(
        "--book",
        metavar="FILE",
        help="The book of people that all runs share: a file, or postgresql://USER@HOST/DB (RUMBLEUP_BOOK, else as doctor says).",
        parser=read_book,
    ),
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

    book: Place | None = None
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


def named_book(environ: Mapping[str, str]) -> Place | None:
    """The book that RUMBLEUP_BOOK names, if it does."""
    return read_book(environ["RUMBLEUP_BOOK"]) if environ.get("RUMBLEUP_BOOK") else None


def book_path(book: Place | None, environ: Mapping[str, str]) -> Place:
    """The book that is meant: the one that is named, that of RUMBLEUP_BOOK, or the one at the usual place."""
    return book or named_book(environ) or usual_place(environ)


def is_there(place: Place) -> bool:
    """Whether there is a book."""
    if isinstance(place, Path):
        return place.exists()
    from rumbleup_async.postgres import versions

    try:
        versions.prepare(place, makes=False)
    except LedgerError:
        return False
    return True


def open_book(path: Place, environ: Mapping[str, str], *, is_new_fine: bool = True) -> Book:
    """The book at this place, not open yet. Its folder is made with it where it is the usual one."""
    if not isinstance(path, Path):
        from rumbleup_async.postgres.book import DatabaseBook

        return DatabaseBook(path, key=key_of(environ))
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
    beside: Place | None = None,
) -> dict[str, Any]:
    """The options of a run about people. `identity`: whose server and account; None if that is not known. `is_here`: it is a
    rehearsal; None: if the server is on this machine. `beside`: where the ledger of what is a dry run now would be."""
    environ = os.environ if environ is None else environ
    if given.book is not None and given.no_book:
        raise ConfigurationError("--book and --no-book contradict each other; give one of them")
    options: dict[str, Any] = {"gap": given.gap, "again": True if given.again else None}
    named = given.book or named_book(environ)
    is_kept = given.book is None and _is_kept(ledger)
    if given.no_book:
        options["book"] = False
    elif not is_kept and (
        named is not None or not (identity is None or (is_rehearsal(identity) if is_here is None else is_here))
    ):
        path = named or _of_ledger(beside or ledger, environ, is_dry=beside is not None) or usual_place(environ)
        if beside is None or is_there(path):  # a dry run leaves nothing behind
            options["book"] = open_book(path, environ)
    elif given.gap is not None and not is_kept:
        raise ConfigurationError("--gap needs the book of people, and a rehearsal on this machine has none; name one with --book")
    return {name: value for name, value in options.items() if value is not None}


def _of_ledger(ledger: Place, environ: Mapping[str, str], *, is_dry: bool) -> Place | None:
    """The book of the database in which the ledger is, if it is in one. ConfigurationError where this machine has another, and
    the one in the database knows nobody: whoever is in the other would be texted again."""
    if isinstance(ledger, Path):
        return None
    there, here = ledger.of(""), usual_place(environ)
    if is_dry or not here.exists():
        return there
    known = open_book(there, environ)
    known.open_now()
    try:
        tally = known.tally_now()
    finally:
        known.close_now()
    if tally.texted or tally.opt_outs:
        say(f"note: the book of people is that of the database; {here} on this machine is not asked")
        return there
    raise ConfigurationError(
        f"the book of people of this run would be that of its database, which knows nobody yet, and not {here}, which this "
        f"machine has had; take that in first: rumbleup book export --out people.csv, then rumbleup book import people.csv "
        f"--book {pasteable(there)}; or name the book that is meant: --book (a file holds for this machine alone), --no-book"
    )


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
