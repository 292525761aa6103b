"""The names of columns: which say phone, and how a header is known where none is expected.

Lives here: names. Pure.
"""

from __future__ import annotations

import difflib
import functools
import re
from typing import TYPE_CHECKING, Final

from rumbleup_async.errors import ListError
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.screening.cells import undress
from rumbleup_async.screening.names import spelling
from rumbleup_async.screening.template import field_name

if TYPE_CHECKING:
    from collections.abc import Sequence

_PHONE_NAMES: Final = (
    frozenset(
        name + number
        for name in ("phone", "cell", "cellphone", "mobile", "mobilephone", "telephone", "tel", "contactphone")
        for number in ("", "number", "no", "num")
    )
    | {f"phone{number}value" for number in range(1, 10)}
    | {"phones", "phonecell", "phonemobile", "msisdn", "smsphone", "smsnumber", "textnumber", "e164"}
)
"""Column names that say phone, their `_` left out. A home or work phone is not among them: it is rarely a mobile."""

_LESSER_NAMES: Final = frozenset(
    first + name + number
    for first in (
        *("preferred", "primary", "main", "best", "textable", "text", "sms", "wireless", "personal", "voter", "default"),
        *("donor", "supporter", "member", "volunteer", "constituent", "customer", "subscriber", "recipient"),
    )
    for name in ("phone", "cell", "cellphone", "mobile", "mobilephone", "telephone", "tel")
    for number in ("", "number", "no", "num")
)
"""Names that say phone where no other column does: whose phone is meant may be another."""

_HEADER_NAMES: Final = frozenset(
    {
        *("name", "firstname", "lastname", "middlename", "fullname", "first", "last", "fname", "lname", "surname", "givenname"),
        *("email", "emailaddress", "address", "street", "city", "state", "zip", "zipcode", "postalcode", "county", "country"),
        *("id", "vanid", "voterid", "externalid", "notes", "tags", "company", "title"),
    }
)
"""Names of columns, their `_` left out, by which a header is known among contacts. Fewer than `names.USUAL`: a person
may be called Ward, Price or Friend, and a list is refused for a header that stands among its contacts."""

AGAIN: Final = Reason(Code.HEADER_AGAIN)
"""The reason of a row that repeats the header."""


@functools.lru_cache(maxsize=4096)
def is_phone_name(name: str) -> bool:
    """Whether a column of this (normalised) name holds the phone."""
    return name.replace("_", "") in _PHONE_NAMES


@functools.lru_cache(maxsize=4096)
def is_lesser_phone_name(name: str) -> bool:
    """Whether a column of this name holds the phone if no other does."""
    return name.replace("_", "") in _LESSER_NAMES


def phone_fields(given: str | None) -> tuple[str, ...]:
    """The columns that `phone_field` names, in the normal form and in order: one, or several with commas between them."""
    parts = [] if given is None else [field_name(part) for part in given.split(",")]
    return tuple(dict.fromkeys(part for part in parts if part))


def phone_fields_in(given: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The same, where a column may have a comma in its name."""
    whole = field_name(given)
    return (whole,) if whole in columns else phone_fields(given) or (whole,)


def has_phone(names: Sequence[str], phone_field: str | None) -> bool:
    """Whether one of these columns may hold the phone."""
    return any(map(says_phone, names)) if phone_field is None else not set(phone_fields_in(phone_field, names)).isdisjoint(names)


def is_mobile_name(name: str) -> bool:
    """Whether a column of this name holds mobile phones, for certain."""
    return re.match(r"cell|mobile|sms|text|wireless|phone(?:cell|mobile)", name.replace("_", "")) is not None


def phones_among(names: Sequence[str]) -> list[int]:
    """Which of these columns hold the phone: one, or several of which none is the mobile one for certain."""
    found = [index for index, name in enumerate(names) if is_phone_name(name)]
    found = found or [index for index, name in enumerate(names) if is_lesser_phone_name(name)]
    mobile = [index for index in found if is_mobile_name(names[index])]
    return mobile if len(mobile) == 1 else found


def settled(objects: Sequence[Sequence[str]]) -> str | None:
    """The phone field of objects with these names, where all that have a phone have several, and one is the mobile one for
    certain."""
    with_phones = [names for names in objects if any(map(is_phone_name, names))]
    found = {
        names[phones_among(names)[0]] if sum(map(is_phone_name, names)) > 1 and len(phones_among(names)) == 1 else ""
        for names in with_phones
    }
    return (found.pop() or None) if len(found) == 1 else None


def says_phone(name: str) -> bool:
    return is_phone_name(name) or is_lesser_phone_name(name)


def header_again(cells: Sequence[str], columns: Sequence[str], phone: str) -> bool | None:
    """Whether a row among the contacts is their header again (True), a header of another order or other columns
    (False), or a contact (None). `phone` is the column of the phone.

    Joined exports repeat their headers. After one of another order each name would stand in another column.
    """
    names = [field_name(undress(cell.strip())) for cell in cells]
    there = [name for name in names if name]
    if len(there) < 2 or len(set(there)) < len(there) or any(sum(c.isdigit() for c in cell) > 4 for cell in cells):
        return None
    if there == [name for name in columns if name]:
        return True
    ours = sum(name in columns for name in there)
    known = sum(name in columns or says_phone(name) or name.replace("_", "") in _HEADER_NAMES for name in there)
    has_phone = any(name == phone or says_phone(name) for name in there)
    if (ours >= 2 and 2 * ours > len(there)) or (has_phone and known >= 2 and 2 * known >= len(there)):
        return False
    return None


def header_moved(where: str, row: int, cells: Sequence[str]) -> ListError:
    """For a header of another order or other columns among the contacts."""
    names = listed([field_name(undress(cell.strip())) for cell in cells])
    return ListError(
        f"{where}{', ' if where else ''}row {row}: a header again, with other columns or in another order; it has {names}; "
        "make two lists of it, or bring both parts into the same columns"
    )


def choice(wanted: str, columns: Sequence[str]) -> str:
    known = [name for name in columns if name]
    meant = spelling(wanted, known)
    close = [meant] if meant in known else difflib.get_close_matches(wanted, known, n=1) or _within(wanted, known)
    return (f"did you mean {close[0]!r}? " if close else "") + f"it has {listed(columns)}"


def _within(wanted: str, known: Sequence[str]) -> list[str]:
    """The only column whose words are among those that are wanted, or the other way round: `phone` for `cell_phone`."""
    words = set(wanted.split("_"))
    found = [name for name in known if words <= set(name.split("_")) or set(name.split("_")) <= words]
    return found if len(found) == 1 else []


def listed(columns: Sequence[str]) -> str:
    """Column names for an error. What has many digits may be somebody's number and is not shown."""
    names = [name if sum(c.isdigit() for c in name) < 5 else "..." for name in columns if name]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"the columns {', '.join(name[:40] for name in names[:12])}{more}" if names else "no column names"
