"""What the cells of an address say: the ZIP code, the Canadian province, the state, as lists write them.

Lives here: reading one cell. Pure. A cell that cannot be read says nothing, and then the area code alone tells where its contact
is; so what people and spreadsheets do to an address is read wherever it can have one meaning only.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from rumbleup_async.patterns import when_used
from rumbleup_async.rules import place_tables as tables

_zip_form = when_used(r"(\d{3,5})|(\d{4,5})[- ]?(\d{4})?-?", re.ASCII)
_zips_within = when_used(r"(?<![\w.,+-])\d{5}(?:-\d{0,4})?(?![\w-]|[.,]\d)", re.ASCII)
_postal_form = when_used(r"([A-Z])\d[A-Z](?:[ -]?\d[A-Z]\d)?", re.ASCII | re.IGNORECASE)
_postal_within = when_used(r"(?<!\w)[A-Z]\d[A-Z][ -]?\d[A-Z]\d(?!\w)", re.ASCII | re.IGNORECASE)
_fraction = when_used(r"\.0+")
_DRESS: Final = " \t\u00a0'\u2018\u2019\"`=,;."
"""What spreadsheets, exports and people put around a value."""


def zip_of(cell: str) -> str:
    """The five digits of a cell with a ZIP code, "" if it has none. Leading zeros that a spreadsheet took away are put back."""
    cell = cell.strip(_DRESS)
    if "." in cell:
        cell = _fraction.sub("", cell)
    if cell.isdigit() and len(cell) in (8, 9):
        cell = cell.zfill(9)[:5]
    match = _zip_form.fullmatch(cell)
    if match:
        return (match[1] or match[2]).zfill(5)
    # An address in the place of its ZIP code: "NY 10001-1234". Of two numbers nobody knows which one it is.
    within = _zips_within.findall(cell)
    return within[0][:5] if len(within) == 1 and not cell.isdigit() else ""


def postal_provinces(cell: str) -> tuple[str, ...]:
    """The provinces of a cell with a Canadian postal code; none if it has none."""
    cell = cell.strip(_DRESS)
    match = _postal_form.fullmatch(cell)
    within = [] if match else _postal_within.findall(cell)
    letter = match[1] if match else within[0][0] if len(within) == 1 else ""
    return tuple(tables.POSTAL_PROVINCES.get(letter.upper(), "").split())


_BY_NAME: Final = {name.upper(): code for code, name in tables.STATES.items()} | tables.OTHER_NAMES
_BY_LETTERS: Final = {name.replace(" ", ""): code for name, code in _BY_NAME.items()}
_around = when_used(r"^(?:(?:THE )?(?:STATE|COMMONWEALTH|TERRITORY|PROVINCE) OF |USA? )|(?: STATE| USA| US| CANADA)$")
"""What may stand around a name: ISO 3166-2 has US-NY, and CA-ON, of which CA may be California."""
_no_letter = when_used(r"[^\w]+|_+")
_silent = when_used("['\u2018\u2019\u02bb`\u00b4]")


@functools.lru_cache(maxsize=4096)
def state_of(cell: str) -> str:
    """The code of the state or province that a cell names, in any case, as a code, in full or shortened; "" if it names none."""
    name = " ".join(_no_letter.sub(" ", _silent.sub("", cell)).upper().split())
    if name[:3] == "CA " and name[3:] in tables.PROVINCES:
        return name[3:]
    for form in dict.fromkeys((name, _around.sub("", name))):
        letters = form.replace(" ", "")
        found = letters if letters in tables.STATES else _BY_NAME.get(form) or _BY_LETTERS.get(letters, "")
        if found:
            return found
    return ""
