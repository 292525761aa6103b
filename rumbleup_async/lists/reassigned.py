"""The result of a query of the FCC's Reassigned Numbers Database, read as a suppression list.

Lives here: how such a file is known, and what its answers mean. Pure.

The database answers `yes`, `no` or `no data` to a phone and a date: yes, the number was permanently disconnected on that day or
later, so the person who agreed does not have it any more (FCC, DA 21-1649). How the columns of the file are called is not
published, so it is known by a header that has a phone, perhaps a date, and one column more that says what it is about. Any other
list with such a column stays a list in which every phone counts: to read an opt-out as a "no" would text somebody who said stop.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from rumbleup_async.lists.suppression_list import Row, unreadable
from rumbleup_async.patterns import when_used
from rumbleup_async.screening.template import field_name

_answer = when_used(
    r"(?:is_|was_|been_|number_|phone_|tn_|rnd_)*(?:reassign(?:ed|ment)|permanent(?:ly)?_disconnect(?:ed|ion)?|rnd)"
    r"(?:_?(?:numbers?|database|status|result|response|answer|query|yn))*"
)
_perhaps: Final = frozenset({"result", "response", "answer", "query_result", "disconnected", "disconnect"})
"""These may be the database's answers, and somebody's replies or the flags of a list of opt-outs as well."""
_date = when_used(
    r"(?:(?:consent|quer(?:y|ied)|last|contact|verified|known|asked|agreed|reassigned|checked|tn|phone)_)*"
    r"(?:date|since|on|at|as_of(?:_date)?|date_asked)(?:_(?:of|consent|contact|query))*"
)
_number = when_used(r"(?:.*_)?(?:tn|number|telephone_number|phone_number)")

_YES: Final = frozenset({"yes", "y", "true"})
_NO: Final = frozenset({"no", "n", "false", "no data", "no_data", "nodata", "no-data"})

REMEDY: Final = "the answers are yes, no and no data; take the row out, or query the database again"


def answer_column(header: Sequence[str], phones: Collection[int], first: Sequence[str]) -> int | None:
    """Which column holds the answers of the database; None for a list of another kind. `phones`: the columns that say phone;
    `first`: the first row behind the header."""
    names = [field_name(cell) for cell in header]
    rest = [
        index
        for index, name in enumerate(names)
        if name and index not in phones and (_answer.fullmatch(name) or not _date.fullmatch(name))
    ]
    numbers = [] if phones else [index for index in rest if _number.fullmatch(names[index])]
    rest = [index for index in rest if index not in numbers]
    if len(rest) != 1 or not (phones or numbers):
        return None
    (found,) = rest
    is_known = _answer.fullmatch(names[found]) and found < len(first) and _plain(first[found]) in _YES | _NO
    return found if is_known else None


def not_read(header: Sequence[str]) -> str:
    """What is to be said of a list in which every phone counts although a column seems to hold answers of the database."""
    named = next((cell for cell in header if _answer.fullmatch(field_name(cell)) or field_name(cell) in _perhaps), None)
    if named is None:
        return ""
    return (
        f"; its column {named[:40]!r} is not read: of a result of the reassigned numbers database keep the phone, the date and "
        "the answer, in a column called reassigned"
    )


def is_reassigned(row: Row, column: int) -> bool:
    """Whether the database says of this row's number that somebody else may have it. ListError for an answer that is none."""
    answer = _plain(row.cells[column]) if column < len(row.cells) else ""
    if answer not in _YES | _NO:
        raise unreadable(row, f"{answer[:20]!r} is no answer of the reassigned numbers database", REMEDY)
    return answer in _YES


def _plain(cell: str) -> str:
    return " ".join(cell.strip().strip("\"'").casefold().split())
