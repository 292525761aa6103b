"""What a provider's list of messages must show before it is believed that a text is not in it.

Lives here: phones read strictly, the choice of witnesses, what they tell of the clocks.

A list can leave rows out, ignore a filter, or write a phone in a form that nobody has seen yet. A contact
who is missing from such a list may have been texted all the same. So a list is tried first on the
witnesses: texts that the ledger knows as sent.
"""

from __future__ import annotations

import email.utils
import re
from array import array
from bisect import bisect
from collections.abc import Callable, Iterable, Sequence

from rumbleup_async.engine.ports import Books
from rumbleup_async.lookups import Known, UnknownText
from rumbleup_async.provider import times
from rumbleup_async.provider.times import Moment

NO_WITNESS = "nothing is known as sent yet that the log could be tried on, so what it does not show may have left all the same"
"""Why nothing is absent where the ledger has no witness."""

UNSEEN = "it does not show texts that are known as sent; they may be too recent for it, or it leaves out what it should show"

_AT_ONCE = 1000
_NEAR = 300.0
"""Seconds by which two clocks differ without anything being wrong with one."""

_PHONE = re.compile(r"(?:\+?1[ .-]{0,3})?\(?([2-9][0-9]{2})\)?[ .-]{0,3}([0-9]{3})[ .-]{0,3}([0-9]{4})", re.ASCII)
_FOREIGN = re.compile(r"\+[2-9][0-9]{6,14}", re.ASCII)


def ten_digits(value: object) -> str:
    """The ten digits of a phone that can be read in one way only; "" for anything else.

    An extension, a mask, a prefix, a plus without the 1, a float: whose phone that is may
    be guessed, and a guess decides nothing.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return ""
    found = _PHONE.fullmatch(value.strip(" "))
    return "".join(found.groups()) if found else ""


def is_foreign(value: object) -> bool:
    """Whether this is certainly the phone of another country. A plus before ten digits may stand before one of ours."""
    if not isinstance(value, str):
        return False
    digits = re.sub(r"[ ().-]", "", value)
    return _FOREIGN.fullmatch(digits) is not None and len(digits) != 11


async def choose(books: Books, unknowns: Sequence[UnknownText], is_shown: Callable[[int], bool] = lambda _: False) -> list[Known]:
    """Some texts that the ledger knows as sent: the first, the last, one between, those next to the
    unknown ones, and some of those that no search has shown yet (`is_shown`, by row). A dozen at most, in
    the order of their rows; none if there is none.

    Texts that are known as sent only from this very log are chosen where there are
    no others: the log is sure to show them.
    """
    accepted, found, unseen, unseen_found = (array("q") for _ in range(4))
    after = -1
    while page := await books.witnesses(after, _AT_ONCE):
        for one in page:
            (found if one.is_found else accepted).append(one.row)
            if not is_shown(one.row):
                (unseen_found if one.is_found else unseen).append(one.row)
        after = page[-1].row
    rows = accepted or found
    if not rows or not unknowns:
        return []
    last = len(rows) - 1
    places = {0, last // 2, last}
    for row in (min(unknown.row for unknown in unknowns), max(unknown.row for unknown in unknowns)):
        place = bisect(rows, row)
        places |= {max(0, place - 1), min(place, last)}
    chosen = {rows[place] for place in places}
    for hidden in (unseen, unseen_found):
        if hidden:
            chosen |= {hidden[0], hidden[len(hidden) // 2], hidden[-1]}
    return [known for row in sorted(chosen) for known in await books.witnesses(row - 1, 1)]


def offset(witness: Known, shown: Moment | None, before: float | None) -> float | None:
    """Seconds by which the provider's time of a witness is later than the ledger's, or `before` if that
    is further off; None if nobody can tell."""
    span = times.span(shown)
    if span is None or not witness.time:
        return before
    first, last = (at / 1000 - witness.time / 1000 for at in span)
    found = 0.0 if first <= _NEAR and last >= -_NEAR else last
    return found if before is None or abs(found) > abs(before) else before


def clock(dates: Iterable[str | None]) -> float | None:
    """The latest of these `Date` headers, in seconds since 1970; None if there is none that can be read."""
    moments = []
    for date in dates:
        try:
            moments.append(email.utils.parsedate_to_datetime(date or "").timestamp())
        except (ValueError, TypeError, OverflowError):
            continue
    return max(moments, default=None)
