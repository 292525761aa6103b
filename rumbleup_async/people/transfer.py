"""A book of people as rows of a CSV file, out of one book and into another.

Lives here: what stands in which column, and reading it strictly: a row that cannot be read is an error with its number.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from rumbleup_async.errors import BookError
from rumbleup_async.people.book import Book
from rumbleup_async.people.entries import OptOut, Scope, Texted

COLUMNS = ("kind", "phone", "time", "scope", "world", "run", "source", "word", "sure")
_TEXTED, _OPT_OUT = "texted", "opt-out"
_BATCH = 5000


def rows_of(book: Book, *, opt_outs_only: bool = False) -> Iterator[tuple[str, ...]]:
    """Everything that a book holds, a row each, without the header. BookError where it keeps no phones."""
    for out in book.opt_outs_now():
        sure = "yes" if out.is_sure else "no"
        yield _OPT_OUT, out.phone, written(out.since), "", out.world, "", out.source, out.word, sure
    if not opt_outs_only:
        for one in book.texted_now():
            yield _TEXTED, one.phone, written(one.time), one.scope.name, one.scope.world, one.run, "", "", ""


def take_in(book: Book, rows: Iterable[Sequence[str]], where: str) -> tuple[int, int]:
    """Rows of such a file, header and all, into a book. How many texts and how many opt-outs were new.

    BookError, which names the row, for what cannot be read; the rows before it may be in the book by then, and to take them in
    once more does no harm.
    """
    texts: list[Texted] = []
    outs: list[OptOut] = []
    new_texts = new_outs = 0
    for number, row in enumerate(rows, 1):
        if number == 1:
            if tuple(row) != COLUMNS:
                raise BookError(f"{where}: is no export of a book of people; it would begin with {','.join(COLUMNS)}")
            continue
        one = _read(row, f"{where}: row {number}")
        if isinstance(one, Texted):
            texts.append(one)
        else:
            outs.append(one)
        if len(texts) + len(outs) >= _BATCH:
            new_texts += book.note_now(texts)
            new_outs += book.add_opt_outs_now(outs)
            texts.clear()
            outs.clear()
    return new_texts + book.note_now(texts), new_outs + book.add_opt_outs_now(outs)


def _read(row: Sequence[str], where: str) -> Texted | OptOut:
    if len(row) != len(COLUMNS):
        raise BookError(f"{where}: has {len(row)} cells, not {len(COLUMNS)}; export the book again")
    kind, phone, time, scope, world, run, source, word, sure = row
    if not (len(phone) == 10 and phone.isascii() and phone.isdecimal()):
        raise BookError(f"{where}: its phone is not ten digits; export the book again, or correct the row")
    moment = _moment(time, where)
    if kind == _TEXTED and scope and run:
        return Texted(phone, Scope(scope, world), run, moment)
    if kind == _OPT_OUT and sure in ("yes", "no"):
        return OptOut(phone, moment, source, word, sure == "yes", world)
    raise BookError(f"{where}: is neither a text with its scope and run nor an opt-out with yes or no; correct the row")


def written(seconds: int) -> str:
    """A Unix second as ISO 8601 in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")


def _moment(text: str, where: str) -> int:
    try:
        found = dt.datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return int(found.timestamp())
    except (ValueError, OverflowError, OSError):
        pass
    raise BookError(f"{where}: its time cannot be read; write it like 2026-03-05T10:00:00+00:00")
