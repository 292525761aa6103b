"""Values of typed cells (of a workbook, a table, a query) as the text that a person would have typed.

Lives here: one value to text. Pure.

A number that is exactly whole is written whole: 2025550101 stands in a workbook as a number, and is no less a phone for it. What
may have lost digits is written so that screening refuses it.
"""

from __future__ import annotations

import datetime as dt
import decimal
import operator
from collections.abc import Callable
from typing import Final

_EXACT: Final = float(1 << 53)
"""From here on a double does not hold every whole number."""
_MIDNIGHT: Final = dt.time()


def text_of(value: object) -> str:
    """A value as text; "" for nothing, and for what is no single value."""
    known = _KNOWN.get(value.__class__)
    return known(value) if known is not None else _other(value)


def workbook_text(value: object) -> str:
    """The same for a cell of a workbook. A number of ten digits that ends in four zeros may be the whole number
    that a spreadsheet made of `2.02555E+09`, so it is written as that."""
    if value.__class__ is str:
        return value
    if value.__class__ is float and not value % 10_000 and 1e9 <= value < 2e10:
        return f"{value:E}"
    return text_of(value)


def rounded(value: float | None) -> str:
    """The text of a single-precision number. It holds seven digits: what is left of a phone in it is not the phone."""
    if value is None or value != value:
        return ""
    return f"{value:E}" if abs(value) >= 1 << 24 else _of_float(value)


def _of_float(value: float) -> str:
    if value != value:
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(float(value))


def _of_decimal(value: decimal.Decimal) -> str:
    if not value.is_finite():
        return ""
    return str(int(value)) if value == value.to_integral_value() and abs(value) < 10**30 else str(value)


def _of_datetime(value: dt.datetime) -> str:
    if value.time() == _MIDNIGHT and value.tzinfo is None:
        return value.date().isoformat()
    return value.isoformat(" ")


def _of_bytes(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return ""


_KNOWN: Final[dict[type, Callable[..., str]]] = {
    str: lambda value: value,
    type(None): lambda _: "",
    int: str,
    float: _of_float,
    bool: lambda value: "true" if value else "false",
    dt.date: dt.date.isoformat,
    dt.datetime: _of_datetime,
    decimal.Decimal: _of_decimal,
    bytes: _of_bytes,
}


def _other(value: object) -> str:
    """For values of other classes: numbers of numpy, subclasses, times."""
    if isinstance(value, bool | float | decimal.Decimal | dt.datetime | bytes | str):
        known = next(kind for kind in (bool, float, decimal.Decimal, dt.datetime, bytes, str) if isinstance(value, kind))
        return "" if str(value) in ("NaT", "<NA>") else _KNOWN[known](value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return str(value)
    try:
        return str(operator.index(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        pass
    if type(value).__name__ in ("float32", "float16", "half"):
        return rounded(float(value))  # type: ignore[arg-type]
    if type(value).__name__ in ("UUID", "bool", "bool_"):
        return str(value).lower()
    return ""
