"""Contacts from JSON lines and from the objects of a Python caller, which are one thing: names with values.

Lives here: one item to `Contact` or `Skipped`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import decimal
import functools
import json
import operator
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from rumbleup_async.errors import ListError
from rumbleup_async.lists import columns as naming
from rumbleup_async.lists import header, several_phones
from rumbleup_async.lists.consent import ConsentCheck
from rumbleup_async.lists.frames import refuse_table
from rumbleup_async.lists.kept_columns import PHONE_COLUMN
from rumbleup_async.messaging import Contact, Skipped
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.screening.cells import EMPTY, clean
from rumbleup_async.screening.template import field_name

_TWO_PHONES: Final = Reason(Code.UNREADABLE_ROW, "two phones in one row")
_NOT_JSON: Final = Reason(Code.UNREADABLE_ROW, "not valid JSON")
_MORE_CELLS: Final = Reason(Code.UNREADABLE_ROW, "more cells than the header has columns")
_NO_SINGLE: Final = Reason(Code.UNREADABLE_ROW, "the phone is not one value but holds several")
_NO_OBJECT: Final = Reason(Code.UNREADABLE_ROW, "not a JSON object")

# Pairs instead of a dict: a repeated key would silently keep its last value and hide the other phone. Numbers stay as
# they are written, so that a phone that became a decimal number is seen as one.
_json = json.JSONDecoder(object_pairs_hook=tuple, parse_float=str, parse_int=str, parse_constant=lambda _: None)


def contact_of_line(
    line: str,
    row: int,
    phone_field: str | None = None,
    fields: Collection[str] | None = None,
    consent: ConsentCheck | None = None,
) -> Contact | Skipped:
    """The contact of one JSON line."""
    try:
        pairs = _json.decode(line)
    except (ValueError, RecursionError):
        return Skipped(row, "", _NOT_JSON)
    if not isinstance(pairs, tuple):
        return Skipped(row, "", _NO_OBJECT)
    return _contact(pairs, row, phone_field, fields, consent)


def decode_json(text: str, at: int) -> tuple[object, int]:
    """The JSON value at this place, an object as its pairs, and where it ends. Raises ValueError, RecursionError."""
    return _json.raw_decode(text, at)


def contact_of_json(
    value: object, row: int, phone_field: str | None, fields: Collection[str] | None, consent: ConsentCheck | None
) -> Contact | Skipped:
    """The contact of one element of a JSON array: an object, or a phone alone."""
    if isinstance(value, tuple):
        return _contact(value, row, phone_field, fields, consent)
    return contact_of(value, row, phone_field, fields, consent) if isinstance(value, str) else Skipped(row, "", _NO_OBJECT)


def contact_of(
    item: object,
    row: int,
    phone_field: str | None = None,
    fields: Collection[str] | None = None,
    consent: ConsentCheck | None = None,
) -> Contact | Skipped:
    """The contact of one item of an iterable, as row `row`.

    An item is a phone (text or a whole number), a mapping, a dataclass, a named tuple, a msgspec struct, a database row
    with keys, or a `Contact`. `fields` must be in the normal form of column names. An item of another
    kind raises `ListError` in row 1, where it is the caller's mistake, and is `Skipped` later, where it is a bad row.
    """
    if item.__class__ is dict:  # most are, and what else they might be takes longer to ask than to read them
        return _contact(item.items(), row, phone_field, fields, consent)
    if isinstance(item, Skipped):
        return Skipped(row, item.phone, item.why, item.kept)
    if isinstance(item, Contact):
        return _contact(
            [(phone_field or "phone", item.phone), *_others(item.fields, phone_field)], row, phone_field, fields, consent
        )
    if isinstance(item, str | int | float) and not isinstance(item, bool):
        barred = None if consent is None else _barred((), row, [_scalar(item)], consent)
        return barred or Contact(row, _scalar(item), {})
    pairs = _pairs(item)
    if pairs is not None:
        return _contact(pairs, row, phone_field, fields, consent)
    if hasattr(item, "as_py"):  # of Arrow
        return contact_of(item.as_py(), row, phone_field, fields, consent)
    if hasattr(item, "__index__") and not isinstance(item, bool):  # of NumPy
        return contact_of(operator.index(item), row, phone_field, fields, consent)
    kind = type(item).__name__
    if row == 1:
        raise ListError(f"the first contact is a {kind}; a contact is a mapping with a phone, or the phone itself as text")
    return Skipped(row, "", Reason(Code.UNREADABLE_ROW, f"a {kind} is not a contact"))


def from_iterable(
    items: Iterable[object], *, phone_field: str | None = None, fields: Collection[str] | None = None
) -> Iterator[Contact | Skipped]:
    """The contacts of an iterable, lazily; see `contact_of`. `row` is the position, from 1."""
    refuse_table(items)
    if isinstance(items, str | bytes | Mapping):
        raise ListError(f"the contacts are a single {type(items).__name__}; give a list of contacts, or open_list() a path")
    wanted = None if fields is None else frozenset(map(field_name, fields))
    field = None if phone_field is None else field_name(phone_field)
    return (contact_of(item, row, field, wanted) for row, item in enumerate(items, 1))


def require_phone_key(sample: Iterable[str], where: str, phone_field: str | None) -> tuple[list[str], str | None]:
    """The names in the objects at the beginning of JSON lines, and the phone field where one is certain. Raises `ListError` if
    there are objects and none has a phone."""
    values: list[tuple[object, str]] = []
    for line in sample:
        with contextlib.suppress(ValueError, RecursionError):
            values.append((_json.decode(line), ""))
    names = require_phone_among(values, where, phone_field)
    if not values:
        raise ListError(f"{where}: its lines begin as JSON, but none of them is; write one object a line, as `jq -c .` does")
    return names


def require_phone_among(
    values: Iterable[tuple[object, str]], where: str, phone_field: str | None
) -> tuple[list[str], str | None]:
    """The names in those of these JSON values that are objects, and the phone field where one is certain. Raises `ListError` if
    there are objects and none has a phone."""
    names: dict[str, None] = {}
    objects: list[list[str]] = []
    inside = ""
    for pairs, _ in values:
        if isinstance(pairs, tuple):
            objects.append([field_name(key) for key, _ in pairs])
            names.update(dict.fromkeys(objects[-1]))
            inside = inside or next((key for key, value in pairs if isinstance(value, list) and tuple in map(type, value)), "")
    if names and not any(_is_phone(name, phone_field) or naming.is_lesser_phone_name(name) for name in names):
        if inside:
            raise ListError(
                f"{where}: the contacts stand inside {inside[:40]!r}; write one object a line, as `jq -c '.[\"NAME\"][]'` does"
            )
        header.phone_columns(list(names), where, phone_field)
    return list(names), naming.settled(objects) if phone_field is None else None


def require_phone_field(items: Iterable[object], names: Collection[str], phone_field: str | None) -> None:
    """Raise `ListError` if all of these items have named fields, `names`, and none of those can be the phone."""
    if not names or any(isinstance(item, Contact) or _pairs(item) is None for item in items):
        return
    if any(_is_phone(name, phone_field) or (phone_field is None and naming.is_lesser_phone_name(name)) for name in names):
        return
    has = f"the contacts have {naming.listed(list(names))}"
    if phone_field is not None:
        named = " or ".join(map(repr, naming.phone_fields(phone_field)))
        raise ListError(f"no contact has the field {named} that phone_field names; {has}")
    raise ListError(f"no field of the contacts is called phone, cell or mobile; name the one that is with phone_field=; {has}")


def settled_among(items: Iterable[object]) -> str | None:
    """The phone field of these items, where they have several and one is the mobile one for certain."""
    found = [_pairs(item) for item in items if not isinstance(item, Contact)]
    return naming.settled([[field_name(key) for key, _ in pairs if isinstance(key, str)] for pairs in found if pairs is not None])


def names_of(items: Iterable[object]) -> list[str]:
    """The names of the fields that these items have, in the normal form of column names."""
    names: dict[str, None] = {}
    for item in items:
        pairs = item.fields.items() if isinstance(item, Contact) else _pairs(item)
        names.update(dict.fromkeys(field_name(key) for key, _ in pairs or () if isinstance(key, str)))
    return list(names)


def _contact(
    pairs: Iterable[tuple[Any, Any]],
    row: int,
    phone_field: str | None,
    fields: Collection[str] | None,
    consent: ConsentCheck | None = None,
) -> Contact | Skipped:
    values: dict[str, str] = {}
    numbers: list[str] = []
    lesser: list[str] = []
    twice: list[str] = []
    named: list[str] = []
    for key, raw in pairs:
        value = raw.strip() if raw.__class__ is str else _scalar(raw)
        if not (value.isdigit() or (value.isalpha() and value not in EMPTY)):
            value = clean(value)
        if not value or not isinstance(key, str):
            if raw.__class__ is not str and (why := _not_single(key, raw, phone_field)):
                return Skipped(row, "", why)
            continue
        name, is_phone, is_lesser = _known(key, phone_field)
        if is_phone:
            numbers.append(value)
            named.append(name)
        elif is_lesser:
            lesser.append(value)
        if name and (fields is None or name in fields) and values.setdefault(name, value) != value:
            twice.append(name)
    numbers = numbers or lesser
    if numbers and not numbers[0][:1].isdigit() and (again := _header(pairs, row, phone_field)):
        return again
    if consent is not None and consent.columns and (barred := _barred(pairs, row, numbers, consent)):
        return barred
    if phone_field is not None and "," in phone_field and numbers:
        numbers, values[PHONE_COLUMN] = several_phones.first_of(numbers, named, phone_field)
    if len(numbers) > 1 and several_phones.are_several(numbers):
        return Skipped(row, "", _TWO_PHONES)
    return Contact(row, numbers[0] if numbers else "", several_phones.without(values, twice))


def _not_single(key: object, raw: object, phone_field: str | None) -> Reason | None:
    """Why a row cannot be read that has several values where one should be."""
    if key is None and isinstance(raw, list):
        return _MORE_CELLS
    is_several = isinstance(raw, list | tuple | Mapping) and len(raw) > 0
    return _NO_SINGLE if is_several and isinstance(key, str) and _known(key, phone_field)[1] else None


def _barred(pairs: Iterable[tuple[Any, Any]], row: int, numbers: list[str], consent: ConsentCheck) -> Skipped | None:
    """For a row whose own fields say that its person is not to be texted."""
    why = consent.why_not((field_name(key), _scalar(raw)) for key, raw in pairs if isinstance(key, str))
    barred = [consent.bar(row, number, why) for number in numbers or [""]] if why else []
    return barred[0] if barred else None


def _header(pairs: Iterable[tuple[Any, Any]], row: int, phone_field: str | None) -> Skipped | None:
    """For a row whose values are names of columns, as `csv.DictReader` reads a header in the middle of a file."""
    known = [(key, raw) for key, raw in pairs if isinstance(key, str) and isinstance(raw, str)]
    cells = [raw for _, raw in known]
    columns = [field_name(key) for key, _ in known]
    phone = next((name for name in columns if _is_phone(name, phone_field)), "")
    again = naming.header_again(cells, columns, phone)
    if again is False:
        raise naming.header_moved("", row, cells)
    return Skipped(row, "", naming.AGAIN) if again else None


@functools.lru_cache(maxsize=4096)
def _known(key: str, phone_field: str | None) -> tuple[str, bool, bool]:
    """The normal form of a key, whether it holds the phone, and whether it does if no other key does."""
    name = field_name(key)
    return name, _is_phone(name, phone_field), phone_field is None and naming.is_lesser_phone_name(name)


def _is_phone(name: str, phone_field: str | None) -> bool:
    return naming.is_phone_name(name) if phone_field is None else name in naming.phone_fields(phone_field)


def _others(fields: Mapping[str, str], phone_field: str | None) -> Iterator[tuple[str, str]]:
    """The fields of a contact that has been read before: its phone is settled."""
    return ((name, value) for name, value in fields.items() if not _is_phone(name, phone_field))


def _pairs(item: Any) -> Iterable[tuple[Any, Any]] | None:
    """An item's names and values, None if it has none."""
    if isinstance(item, Mapping):
        return item.items()
    if isinstance(item, msgspec.Struct):
        return msgspec.structs.asdict(item).items()
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return [(field.name, getattr(item, field.name)) for field in dataclasses.fields(item)]
    if isinstance(item, tuple) and hasattr(item, "_asdict"):
        return _pairs(item._asdict())
    if hasattr(item, "keys") and hasattr(item, "__getitem__") and not isinstance(item, type):
        return [(key, item[key]) for key in item.keys()]  # noqa: SIM118 - a database row is not a mapping
    return None


def _scalar(value: object) -> str:
    """A value as text; "" for nothing and for what is not a single value."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # The text of a float that was a phone ends in .0, which screening recognises and refuses.
        return "" if value != value else repr(float(value))
    if isinstance(value, decimal.Decimal | dt.date | dt.time):
        return str(value)
    try:
        return str(operator.index(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
