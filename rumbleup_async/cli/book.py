"""`rumbleup book show|look|export|import|forget|purge`.

Lives here: the book of people on the command line, but for its opt-outs.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated

import typer

from rumbleup_async.cli import providers
from rumbleup_async.cli.commands import Commands
from rumbleup_async.cli.console import local, plural, print_json, print_out, say, table
from rumbleup_async.cli.durations import seconds
from rumbleup_async.cli.ledger_place import Place
from rumbleup_async.cli.options import Json
from rumbleup_async.cli.output import OutFile, Yes, confirm
from rumbleup_async.cli.output_file import save
from rumbleup_async.cli.people import BookFile, book_path, open_book
from rumbleup_async.cli.suppression_lists import had_it
from rumbleup_async.errors import BookError, ConfigurationError, ListError
from rumbleup_async.exports.cells import Csv, harmless
from rumbleup_async.ledger import Reader
from rumbleup_async.messaging import mask
from rumbleup_async.people import Book
from rumbleup_async.people.entries import Texted
from rumbleup_async.people.schema import APPLICATION
from rumbleup_async.people.transfer import COLUMNS, rows_of, take_in, written
from rumbleup_async.runs.people import scope_of
from rumbleup_async.screening import phones

app = Commands(help="The book of people: who was texted by which run, and who has opted out.")

Phone = Annotated[str, typer.Argument(metavar="PHONE", help="10 digits, with or without +1.")]
_SQLITE = b"SQLite format 3\x00"
_HEAD = 72
"""Bytes of an SQLite file up to the end of its application_id (SQLite's file format, 1.3)."""
_KEPT = 400 * 86400.0
_LEAST = 86400.0


@contextlib.contextmanager
def opened(book: Place | None, *, is_new_fine: bool = False) -> Iterator[Book]:
    """The book that is meant, open. ConfigurationError where there is none."""
    found = open_book(book_path(book, os.environ), os.environ, is_new_fine=is_new_fine)
    found.open_now()
    try:
        yield found
    finally:
        found.close_now()


def digits(phone: str) -> str:
    """The ten digits that are meant. ConfigurationError for what is no phone."""
    found, why = phones.normalise(phone)
    if not found:
        raise ConfigurationError(f"{mask(phone)} is no phone: {why}")
    return found


@app.command(epilog="Example: rumbleup book show")
@local
def show(book: BookFile = None, as_json: Json = False) -> None:
    """Say where the book is, and how much it holds."""
    with opened(book) as found:
        tally, pulls = found.tally_now(), found.pulls_now()
    values = {
        "book": str(found.where),
        "texted": tally.texted,
        "opt_outs": tally.opt_outs,
        "likely": tally.likely,
        "runs": tally.runs,
        "first": written(tally.first) if tally.first else None,
        "last": written(tally.last) if tally.last else None,
        "plain": found.is_plain,
    }
    if as_json:
        sources = [{"source": one.source, "at": written(one.at) if one.at else None, "read": one.read} for one in pulls]
        print_json({**values, "scopes": [{"scope": name, "texted": number} for name, number in tally.scopes], "pulls": sources})
        return
    values["phones"] = "plain digits" if values.pop("plain") else "hidden by a key"
    table([{"field": name, "value": str(value)} for name, value in values.items() if value is not None])
    if tally.scopes:
        table([{"texted": f"{number:,}", "scope": name} for name, number in tally.scopes])
    if pulls:
        table([{"opt-outs of": one.source, "read": written(one.at) if one.at else "not to the end"} for one in pulls])


@app.command(epilog="Example: rumbleup book look 2025550101")
@local
def look(phone: Phone, book: BookFile = None, as_json: Json = False) -> None:
    """Show what is kept of one person."""
    with opened(book) as found:
        texts, outs = found.of_phone_now(digits(phone))
    if as_json:
        print_json(
            {
                "texted": [{"time": written(one.time), "run": one.run, "scope": one.scope.name} for one in texts],
                "opt_outs": [
                    {"since": written(out.since), "source": out.source, "word": out.word, "sure": out.is_sure} for out in outs
                ],
            }
        )
        return
    for out in outs:
        how = "opted out" if out.is_sure else "opted out (likely)"
        print_out(f"{how} since {written(out.since)}: {out.source}{f', {out.word!r}' if out.word else ''}\n")
    if texts:
        table([{"time": written(one.time), "run": one.run, "scope": one.scope.name} for one in texts])
    if not (texts or outs):
        say("nothing is kept of this phone")


@app.command(epilog="Example: rumbleup book export --out people.csv")
@local
def export(out: OutFile = None, book: BookFile = None) -> None:
    """Write all of the book as CSV. Not for a book that a key hides the phones of."""
    with opened(book) as found:
        save(lambda file: write_rows(found, file), out, unit="row")


def write_rows(book: Book, file: IO[bytes], *, opt_outs_only: bool = False) -> int:
    """Write the rows of a book as CSV; how many. BookError, before anything is written, where it keeps no phones."""
    if not book.is_plain:
        raise BookError(f"{book.where} keeps no phones, only what its key makes of them; it can be asked about a phone")
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    try:
        writer = Csv(text)
        writer.row(COLUMNS)
        number = 0
        for row in rows_of(book, opt_outs_only=opt_outs_only):
            writer.row([*row[:6], *map(harmless, row[6:])])
            number += 1
        return number
    finally:
        text.detach()


@app.command("import", epilog="Example: rumbleup book import people.csv voters-125.ledger")
@local
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="An export of another book, or a ledger; repeatable.")],
    book: BookFile = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is wrong.")] = False,
) -> None:
    """Take in another book's export, or whoever a ledger has texted or may have texted."""
    with opened(book, is_new_fine=True) as found:
        for path in files:
            texts, outs = _take_ledger(found, path) if _is_database(path) else _take_export(found, path)
            if not quiet:
                say(f"{path}: {plural(texts, 'new text')}, {plural(outs, 'new opt-out')}")


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        raise ListError(f"{path}: cannot be opened: {error.strerror}") from None


def _take_export(book: Book, path: Path) -> tuple[int, int]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return take_in(book, csv.reader(file), str(path))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ListError(f"{path}: cannot be read as CSV in UTF-8: {error}; export the book again") from None


def _take_ledger(book: Book, path: Path) -> tuple[int, int]:
    """Whoever is sent or in doubt in a ledger. When, it knows only of those that were sent; of the others now is as good."""
    with path.open("rb") as file:
        if file.read(_HEAD)[-4:] == APPLICATION.to_bytes(4):
            raise ConfigurationError(
                f"{path}: is a book itself; write it as CSV (book export --book {path.name}), and import that"
            )
    reader = Reader(path)
    try:
        if reader.identity is None:
            raise ConfigurationError(f"{path}: does not say which server and account it belongs to; resume or reconcile it first")
        if any(result.phone.startswith("*") for result in itertools.islice(reader.rows(), 1)):
            raise ConfigurationError(f"{path}: was purged, so it names nobody any more")
        row = providers.row(reader.plan.provider)
        scope, now = scope_of(reader.identity, row.place(reader.plan)), int(time.time())
        rows = [
            Texted(result.phone[-10:], scope, reader.plan.run, result.time // 1000 or now)
            for result in reader.rows()
            if had_it(result.state, result.code)
        ]
    finally:
        reader.close()
    return sum(book.note_now(rows[start : start + 5000]) for start in range(0, len(rows), 5000)), 0


@app.command(epilog="Example: rumbleup book forget 2025550101")
@local
def forget(phone: Phone, book: BookFile = None) -> None:
    """Delete when and by which runs a person was texted. Their opt-out stays, or they would be texted again."""
    with opened(book) as found:
        number = found.forget_now(digits(phone))
        outs = found.of_phone_now(digits(phone))[1]
    say(f"{plural(number, 'entry', 'entries')} deleted{'; the opt-out stays' if outs else ''}")


@app.command(epilog="Example: rumbleup book purge --older 400d")
@local
def purge(
    older: Annotated[
        float, typer.Option("--older", metavar="TIME", parser=seconds, help="Delete what is older than this (400d).")
    ] = _KEPT,
    yes: Yes = False,
    book: BookFile = None,
) -> None:
    """Delete who was texted long ago. Opt-outs stay for ever."""
    if older < _LEAST:
        raise ConfigurationError(
            "--older is at least 24h: what is younger keeps runs that are under way, and those of today, from texting twice"
        )
    with opened(book) as found:
        before = time.time() - older
        when = dt.datetime.fromtimestamp(before).astimezone()
        confirm(f"Delete who was texted before {when:%Y-%m-%d %H:%M} from {found.where}?", yes=yes)
        say(f"{plural(found.purge_now(before), 'entry', 'entries')} deleted")
