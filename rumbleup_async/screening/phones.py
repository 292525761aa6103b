"""Phone numbers as people and spreadsheets write them, to the ten digits that RumbleUp uses.

Lives here: one pure function and its closed list of reasons.

A number is accepted only if it can be read in one way. Guessing the digit that a spreadsheet rounded off, or which of
two numbers in a cell is meant, would text a stranger. The rules are those of the North American Numbering Plan: area
code `[2-9]XX`, neither N11 (services) nor N9X (kept for expansion); exchange `[2-9]XX`, not N11. No list of assigned
area codes is kept, because it would age.
"""

from __future__ import annotations

import re
from typing import Final

from rumbleup_async.patterns import when_used
from rumbleup_async.screening.cells import says_nothing, undress

EMPTY: Final = "empty"
TOO_FEW: Final = "too few digits"
TOO_MANY: Final = "too many digits"
FLOAT: Final = "a spreadsheet made it a decimal number; format the column as text and export again"
SCIENTIFIC: Final = "a spreadsheet rounded it to scientific notation; format the column as text and export again"
LETTERS: Final = "letters in it"
EXTENSION: Final = "has an extension"
TWO_NUMBERS: Final = "two numbers in one cell"
OTHER_COUNTRY: Final = "of another country"
NOT_NANP: Final = "no such area code or exchange"
OTHER_SCRIPT: Final = "digits of another script"
PLACEHOLDER: Final = "a placeholder, nobody's number"
NOT_AS_US: Final = "not written like a US number"

REASONS: Final = frozenset(
    {
        EMPTY,
        TOO_FEW,
        TOO_MANY,
        FLOAT,
        SCIENTIFIC,
        LETTERS,
        EXTENSION,
        TWO_NUMBERS,
        OTHER_COUNTRY,
        NOT_NANP,
        OTHER_SCRIPT,
        PLACEHOLDER,
        NOT_AS_US,
    }
)
"""Everything `normalise` may say. None of them holds a digit of the number: reasons are counted, logged and shown."""

NANP = r"[2-9](?:[02-8]\d|1[02-9])[2-9](?:[02-9]\d|1[02-9])\d{4}"
# The last seven digits all alike (999-9999), or all ten in a row: what people type when a form insists on a number.
MADE_UP = r"\d{3}(\d)\1{6}|2345678901|9876543210|1234567890|0123456789"
is_clean = re.compile(rf"(?!{MADE_UP}){NANP}", re.ASCII).fullmatch
"""Whether text is a number to send to as it stands: most of a list is, and this is the cheapest way to know."""
_made_up = when_used(MADE_UP, re.ASCII)

_GAP = r"[ .\-/_]{0,3}"
# `1`, `+1`, `(+1)`, `+(1)`, and 00 or 011 before it, as it is dialled from abroad or for abroad.
_PREFIX = rf"[(\[]?\+? ?(?:(?:00|011){_GAP})?[(\[]?1[)\]]?{_GAP}"
# The first look-ahead keeps `202.5550101` out: one dot between digits is a decimal number, not a way to write a phone.
_written = when_used(rf"(?!\d+\.\d+\Z)(?:{_PREFIX})?[(\[]? ?(\d{{3}}) ?[)\]]?{_GAP}(\d{{3}}){_GAP}(\d{{4}})", re.ASCII)
# What says that it is a mobile, or nothing: a home or work phone, or a fax, is left
# where it is and refused for its letters.
_LABEL = (
    r"(?:cell(?:ular|phone)?|mob(?:ile)?|wireless|i?phone|ph|tel(?:ephone)?|text|sms)"
    r"(?: ?(?:phone|number|num|no|nr))?"
)
_SHORT = rf"(?:{_LABEL}|[cm])"
_labelled = when_used(
    rf"(?:{_SHORT}[ .:#=\-]*(?=[\d(+\[]))?([\d(+\[].*\d)(?:[ ,/;\-]*(?:[(\[] ?{_SHORT}[ .)\]]*|(?<!\d){_SHORT}\.?)|[cm])?",
    re.ASCII | re.IGNORECASE,
)

# Copied from web pages, contact apps and word processors: spaces and dashes that only look like the ASCII ones, and
# marks (zero width, text direction, byte order) that do not show at all.
LOOK_ALIKE: Final = {
    **dict.fromkeys(map(ord, "\u00a0\u1680\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t\n\r\v\f"), " "),
    **dict.fromkeys(range(0x2000, 0x2007), " "),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\u00ad"), "-"),
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u2066\u2067\u2068\u2069\x00"), ""),
    **dict.fromkeys(range(0x202A, 0x202F), ""),
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full width, as East Asian keyboards write them
    **dict.fromkeys(map(ord, "\u00b7\u2022\u2027\u2219\u30fb"), "."),
    **dict.fromkeys(map(ord, "\u2044\u2215"), "/"),
}
_scheme = when_used(r"(?:tel|sms|smsto|callto|whatsapp|imessage):(?://)? ?", re.ASCII | re.IGNORECASE)
_scientific = when_used(r"[+-]?\d+(?:[.,]\d+)? ?[eE] ?[+-]?\d+", re.ASCII)
_decimal = when_used(r"[+-]?(?:\d+[.,]\d*|\d{1,3}(?:,\d{3})+(?:\.\d*)?)", re.ASCII)
_extension = when_used(
    r"\d[ ,;/(\-]{0,4}(?:x|ext|extn|extension|#|p|w|opt|option|press|post)[.:=#]{0,2} {0,3}#?\d{1,6}\)?\Z",
    re.ASCII | re.IGNORECASE,
)
_second_end = when_used(r"\d{4} ?(?:[/\\;,&|]|or|and) ?\(?\d{2,4}\)?\Z", re.ASCII | re.IGNORECASE)
"""`212-555-0101/0102`: two numbers, of the second only the end."""
_foreign = when_used(r"\+ ?\(?(?!1)\d|00 ?[2-9]|011 ?[02-9]", re.ASCII)
_apart = when_used(r"[/\\;,&|]|\bor\b|\band\b", re.IGNORECASE)
_no_digit = when_used(r"[^0-9]+")

_LONGEST: Final = 120


def normalise(raw: str) -> tuple[str, str]:
    """The ten digits and "", or "" and the reason (one of `REASONS`) why `raw` is not a number to text.

    Never raises. Ten clean digits take the shortest way.
    """
    if is_clean(raw):
        return raw, ""
    match = _written.fullmatch(raw)
    if match is None:
        cell = _undress(raw)
        match = _written.fullmatch(cell)
        if match is None:
            return "", _why_not(cell)
    phone = "".join(match.groups())
    if is_clean(phone):
        return phone, ""
    return "", PLACEHOLDER if _made_up.fullmatch(phone) else NOT_NANP


def bare(raw: str) -> str:
    """The ten digits of a number that is written in one of the usual ways; of what is in their shape and no number, ten other
    characters; else "". Ask of the answer whether it is a number: `normalise` would say the same then, at several times the cost.
    """
    size = len(raw)
    if size == 14:
        return raw[1:4] + raw[6:9] + raw[10:] if raw[0] == "(" and raw[4:6] == ") " and raw[9] == "-" else ""
    if size == 13:
        return raw[1:4] + raw[5:8] + raw[9:] if raw[0] == "(" and raw[4] == ")" and raw[8] == "-" else ""
    if size == 12:
        if raw[3] == raw[7] and raw[3] in "-. ":
            return raw[:3] + raw[4:7] + raw[8:]
        return raw[2:] if raw[:2] == "+1" else ""
    return raw[1:] if size == 11 and raw[0] == "1" else ""


def shown(raw: str) -> str:
    """A raw cell in the form that `Skipped.phone` keeps: one line, short, and writable in any encoding of Unicode."""
    return raw[:40] if raw.isprintable() else "".join(c if c.isprintable() else " " for c in raw[:40])


def _undress(raw: str) -> str:
    """Without what does not belong to the number: look-alikes, outer spaces,
    `tel:`, a spreadsheet's dress, `(mobile)`."""
    cell = raw.strip()[: _LONGEST + 1].translate(LOOK_ALIKE).strip()
    if not cell[:1].isdigit():
        cell = undress(cell)
        scheme = _scheme.match(cell)
        cell = cell if scheme is None else cell[scheme.end() :].strip()
    match = _labelled.fullmatch(cell)
    return cell if match is None else match[1]


def _why_not(cell: str) -> str:
    digits = _no_digit.sub("", cell)
    if cell == "0" or says_nothing(cell) or not (digits or any(c.isalnum() for c in cell)):
        return EMPTY
    if any(not c.isascii() and c.isnumeric() for c in cell):
        return OTHER_SCRIPT
    if _scientific.fullmatch(cell):
        return SCIENTIFIC
    if _decimal.fullmatch(cell):
        return FLOAT
    if _holds_two(cell, digits):
        return TWO_NUMBERS
    if _extension.search(cell):
        return EXTENSION
    if any(c.isalpha() for c in cell):
        return LETTERS
    if _foreign.match(cell):
        return OTHER_COUNTRY
    return _wrong_digits(digits)


def _holds_two(cell: str, digits: str) -> bool:
    return (
        len(digits) >= 20
        or (len(digits) > 11 and _second_end.search(cell) is not None)
        or sum(len(_no_digit.sub("", part)) >= 7 for part in _apart.split(cell)) > 1
    )


def _wrong_digits(digits: str) -> str:
    if len(digits) < 10:
        return TOO_FEW
    if len(digits) > 11 or (len(digits) == 11 and digits[0] != "1"):
        return TOO_MANY
    if _made_up.fullmatch(digits[-10:]):
        return PLACEHOLDER
    return NOT_AS_US if is_clean(digits[-10:]) else NOT_NANP
