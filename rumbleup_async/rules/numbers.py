"""Whom a run must not text: the numbers that an entry of a suppression list can mean, however it is written.

Lives here: the reading of entries, and the container that a run looks numbers up in. Pure.

A contact is read strictly, because a guess would text a stranger. An entry here is read the other way round: it
stands for somebody who must not be texted, so it counts for every number that it can mean. An entry that may mean
somebody, and nobody can say whom, is refused.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Container, Iterable
from typing import Any, Final, Protocol, runtime_checkable

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.patterns import when_used
from rumbleup_async.screening import phones

_LONGEST: Final = 400
"""Characters of an entry that are looked at; a longer one is no phone and is refused."""

_ten_digits = when_used(r"[2-9]\d{9}", re.ASCII)
_parts = when_used(r"\+?(?:[\s().\-+*'…_~=<>\[\]{}\"]*\d)+", re.ASCII)
"""Digits with what people write between them. Letters, and `/ \\ , ; & | : #`, divide."""
_runs = when_used(r"\d+", re.ASCII)
_scientific = when_used(r"[+-]?(\d+)(?:[.,](\d+))? ?[eE] ?\+?(\d{1,3})", re.ASCII)
_decimal = when_used(r"[+-]?(\d{8,})[.,]0*", re.ASCII)
_thousands = when_used(r"\d{1,3}(?:,\d{3}){2,}(?:\.0*)?", re.ASCII)
_from_abroad = when_used(r"\D*\+|\D*(?:00|011)", re.ASCII)
_extension = when_used(r"(?:\b|(?<=\d))(?:x|ext|extn|extension)[.:=]?\s*\d{1,6}\b|#\s*\d{1,6}\b", re.ASCII | re.IGNORECASE)
_divides = when_used(r"[\s/\\,;&|:]*(?:or|and)?[\s/\\,;&|:]*", re.IGNORECASE)
_divided: Final = frozenset({(3, 7), (6, 4), (3, 3, 4), (1, 3, 7), (1, 3, 3, 4)})
"""How many digits the parts of one number have where `/` and its like divide it, as in `212/555-0101`."""


class UnreadError(ValueError):
    """An entry that may stand for somebody, and nobody can say for whom. Its
    words are one of the reasons of `phones`."""


def numbers_of(entry: str) -> frozenset[str]:
    """The numbers of ten digits that an entry can mean. Empty: it stands for nobody whom a run could text.

    Raises `UnreadError`.
    """
    phone, reason = phones.normalise(entry)
    if phone:
        return frozenset((phone,))
    if reason == phones.EMPTY:
        return frozenset()
    cell = _plain(entry)
    if len(entry) > _LONGEST or any(not char.isascii() and char.isnumeric() for char in cell):
        raise UnreadError(reason)
    found = _of_parts(_extension.sub(" ", cell)) if (number := _whole_number(cell)) is None else _of_digits(number)
    if found is None:
        raise UnreadError(reason)
    return found


def _plain(entry: str) -> str:
    """The entry in ASCII as far as that goes: digits of any script, look-alikes of
    spaces and dashes, character references."""
    import html

    text = html.unescape(entry[:_LONGEST]).translate(phones.LOOK_ALIKE)
    text = unicodedata.normalize("NFKC", text).translate(phones.LOOK_ALIKE)
    return "".join(str(unicodedata.digit(char, char)) for char in text).strip().strip("'\"=").strip()


def _whole_number(cell: str) -> str | None:
    """The digits of a cell that a program has made a number, "" for one that
    it has rounded. None: it is no such cell."""
    if match := _scientific.fullmatch(cell):
        whole, fraction, power = match[1], match[2] or "", int(match[3])
        # The digits that are not there were rounded away.
        return whole + fraction if len(fraction) == power else (whole + fraction)[: len(whole) + power] * (len(fraction) > power)
    if match := _decimal.fullmatch(cell):
        return match[1]
    if _thousands.fullmatch(cell):
        return cell.partition(".")[0].replace(",", "")
    return None


def _of_parts(cell: str) -> frozenset[str] | None:
    """Of the parts of a cell, which may hold several numbers, labels and notes. None: it cannot be read."""
    parts = list(_parts.finditer(cell))
    sizes = tuple(sum(map(len, _runs.findall(part[0]))) for part in parts)
    if sizes in _divided and all(_divides.fullmatch(cell[one.end() : other.start()]) for one, other in itertools.pairwise(parts)):
        return _of_digits("".join(_runs.findall(cell)))
    found: set[str] = set()
    is_read = False
    end = 0
    for part in parts:
        runs = _runs.findall(part[0])
        digits = "".join(runs)
        numbers = _of_digits(digits, is_abroad=_from_abroad.match(part[0]) is not None)
        if numbers is None and len(digits) > 10:
            numbers = _of_neighbours(runs)
        if numbers is None and found and (len(digits) == 7 or (len(digits) < 7 and _divides.fullmatch(cell[end : part.start()]))):
            # `212-555-0101/02` and `212-555-0101 or 555-0102`: the second number begins like the first.
            numbers = frozenset(number[: 10 - len(digits)] + digits for number in found)
        if numbers is not None:
            is_read = True
            found |= numbers
        elif len(digits) > 7 or not found:
            return None
        end = part.end()
    return frozenset(found) if is_read else None


def _of_digits(digits: str, *, is_abroad: bool = False) -> frozenset[str] | None:
    """Of digits that are one number, if they are. Empty: a number that is surely nobody's here. None: they are not.

    `is_abroad`: a `+`, 00 or 011 stands before them.
    """
    # 00 and 011 of international calls, a trunk 0, the country's 1, in whatever order: no area code begins with 0 or 1.
    number = digits.lstrip("01")
    if _ten_digits.fullmatch(number):
        return frozenset((number,))
    if not digits[:-10].strip("01") and phones.normalise(digits[-10:])[1] == phones.PLACEHOLDER:
        return frozenset()
    country = digits.lstrip("0").removeprefix("11") if digits.startswith("011") else digits.lstrip("0")
    # Behind a 1 it is a number of ours, and damaged; in less than seven digits there is no country's code and number.
    return frozenset() if is_abroad and len(country) >= 7 and country[0] != "1" else None


def _of_neighbours(runs: list[str]) -> frozenset[str] | None:
    """Of runs of digits that are several numbers side by side: every number that some of them make."""
    found: set[str] = set()
    for first in range(len(runs)):
        for last in range(first, min(first + 6, len(runs))):
            found |= _of_digits("".join(runs[first : last + 1])) or frozenset()
        run = runs[first]
        for cut in range(10, len(run) - 9):
            one, other = _of_digits(run[:cut]), _of_digits(run[cut:])
            if one and other:
                found |= one | other
    return frozenset(found) or None


@runtime_checkable
class SuppressionStore(Protocol):
    """Whoever looks suppressed phones up, in a database perhaps."""

    async def is_suppressed(self, phone: str) -> bool:
        """Whether nobody must be texted at `phone`, which is ten digits. An error stops the run."""


Suppress = Container[str] | Iterable[str] | SuppressionStore
"""What callers may hand in as those who must not be texted."""


def handed_in(suppress: Suppress) -> Container[str] | SuppressionStore:
    """Those who must not be texted, read as far as they can be; a store is asked when texts come up. ConfigurationError."""
    return suppress if isinstance(suppress, SuppressionStore) else suppression(suppress)


def suppression(suppress: Container[str] | Iterable[str]) -> Container[str]:
    """The suppressed numbers in the form in which they are looked up: ten digits.

    A number kept as `(202) 555-0101` or `+1202...` would otherwise never match, and the person would be
    texted. What can only say whether it holds a number is asked for ten digits, and kept as it is.
    ConfigurationError for an entry that cannot be read.
    """
    if isinstance(suppress, str | bytes):
        raise ConfigurationError(
            "suppress takes the numbers themselves, such as ['2025550101']; of a file, read them first and hand them in"
        )
    if not isinstance(suppress, Iterable):
        if isinstance(suppress, Container):
            return suppress
        raise ConfigurationError(f"suppress takes numbers, such as ['2025550101'], not a {type(suppress).__name__}")
    if isinstance(suppress, Numbers):
        return suppress
    numbers: set[str] = set()
    unread = entries = 0
    for entry in suppress:
        entries += 1
        try:
            numbers |= numbers_of(_text_of(entry))
        except UnreadError:
            unread += 1
    if unread:
        raise ConfigurationError(
            f"{unread} of {entries} suppressed numbers cannot be read; write each as ten digits, "
            "so that nobody on the list is texted by mistake"
        )
    return Numbers(numbers)


class Numbers(frozenset[str]):
    """Numbers of ten digits that have been read; reading them again would find the same."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Numbers({len(self)})"


def _text_of(entry: Any) -> str:
    """An entry as text; of a contact, a result or another thing with a phone, that phone."""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, bytes):
        return entry.decode("utf-8", "replace")
    return str(getattr(entry, "phone", entry))
