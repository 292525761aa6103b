"""The suppression lists of the command line: lists of phones, reports and ledgers of ours, results of other people's databases.

Lives here: reading one of them.

A result of the reassigned numbers database suppresses the numbers of which it says yes. A report and a ledger of ours suppress
those who had the text or may have had it. Those of them who were never texted are for the next run, unless the ledger is being
sent at this moment: then they are about to have it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rumbleup_async.cli.ledger_place import Place, reading
from rumbleup_async.cli.report import COLUMNS
from rumbleup_async.errors import ListError
from rumbleup_async.lists.lines import Readable
from rumbleup_async.lists.reassigned import answer_column, is_reassigned, not_read
from rumbleup_async.lists.suppression_list import Row, phones_of, read_rows, unreadable
from rumbleup_async.messaging import State
from rumbleup_async.reasons import Code, from_words
from rumbleup_async.rules.numbers import UnreadError, numbers_of
from rumbleup_async.screening.template import field_name

_SQLITE = b"SQLite format 3\x00"
_OURS = ", who had a text of that run or may have had it"
_HAD_IT = frozenset({State.SENT, State.REFUSED, State.UNKNOWN, State.INTENT})
_WORDS = {str(state): state for state in State}


def of_file(path: str) -> tuple[set[str], str]:
    """The phones of one file, and what it is if it is one of ours."""
    if path == "-":
        if sys.stdin is None or sys.stdin.closed:
            raise ListError("standard input is closed; pipe the suppression list into it or name a file")
        return _of_rows(sys.stdin.buffer, "standard input")
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below
    except (OSError, ValueError) as error:
        words = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        raise ListError(f"{path or 'an empty name'}: the suppression list cannot be opened: {words}") from None
    with file:
        if not file.peek(len(_SQLITE)).startswith(_SQLITE):
            return _of_rows(file, path)
    return of_ledger(Path(path))


def _of_rows(stream: Readable, where: str) -> tuple[set[str], str]:
    """Of a list, of a report of ours, or of a result of the reassigned numbers database, which its header tells."""
    numbers: set[str] = set()
    header: Row | None = None
    is_report = False
    answers: int | None = None
    asked = 0
    what = ""
    for row in read_rows(stream, where):
        if row.is_header:
            header = row
            is_report = tuple(map(field_name, row.cells[: len(COLUMNS)])) == COLUMNS
            what = _OURS if is_report else ""
            continue
        if header is not None and not is_report:
            answers = answer_column(header.cells, row.phones, row.cells)
            what = not_read(header.cells) if answers is None else ""
            header = None
        if answers is not None:
            asked += 1
            if is_reassigned(row, answers):
                numbers |= phones_of(row)
        elif not is_report:
            numbers |= phones_of(row)
        elif _had_it(row):
            # Of the other cells none is a phone: a message's id may look like one.
            numbers |= phones_of(row._replace(cells=row.cells[1:2], phones=frozenset({0})))
    if answers is not None:
        what = f", for they have been reassigned since, of {asked:,} that the reassigned numbers database was asked about"
    return numbers, what


def _had_it(row: Row) -> bool:
    """Whether a row of a report is of somebody who had the text or may have had it."""
    _, _, word, reason, *_ = [*row.cells, "", "", ""]
    if word not in _WORDS:
        raise unreadable(row, f"a report knows no state {word[:20]!r}")
    return had_it(_WORDS[word], from_words(reason).code)


def of_ledger(place: Place) -> tuple[set[str], str]:
    """Whom the run of a ledger has texted, and in words that it is a ledger."""
    numbers: set[str] = set()
    queued = 0
    with reading(place) as reader:
        is_being_sent = reader.running
        try:
            for result in reader.rows():
                is_about_to = is_being_sent and result.state is State.QUEUED
                if is_about_to or had_it(result.state, result.code):
                    queued += is_about_to
                    numbers |= numbers_of(result.phone)
        except UnreadError:
            words = "was purged, so it names nobody any more; take its report, or the book of people"
            raise ListError(f"{place}: {words}") from None
    soon = f"; that run is being sent, so the {queued:,} whom it has not come to are left out, too" if queued else ""
    return numbers, _OURS + soon


def had_it(state: State, code: Code) -> bool:
    """Whether a contact in this state has had the text or may have had it: what is absent from a log was in doubt before."""
    return state in _HAD_IT or code is Code.ABSENT
