"""What a provider answers, as typed values that survive what the real server sends.

Lives here: structs and the tolerant reading of their fields.

Every field may be missing, null or of a neighbouring type in a reply; then it is None or empty. Ids are `str`, whatever
they were. Fields the API may add are kept in `extra`. A `repr` shows no whole phone number and no text.
"""

from __future__ import annotations

import decimal
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import msgspec

from rumbleup_async.errors import UnreadableReply
from rumbleup_async.messaging import mask
from rumbleup_async.provider import times
from rumbleup_async.provider.times import Moment

PRIVATE = frozenset({
    "phone", "proxy", "sender", "rupid", "text", "error_text", "name", "first_name", "last_name", "email", "street", "zipcode",
    "url", "descr", "question", "source", "contact_source", "custom1", "custom2", "custom3", "custom4", "custom5", "tracking",
    "extra", "raw",
})  # fmt: skip
"""Fields that a `repr` leaves out, or shows masked where they are phones: they
say who somebody is or what was written."""

_PHONE = re.compile(r"(?<![0-9A-Za-z_])\+?\d{10,11}(?![0-9A-Za-z_])")
"""What looks like a phone wherever it stands; an id of letters and digits does not."""


def as_text(value: object) -> str | None:
    """Ids and words: text, or a number as text; None for nothing, an empty text or anything nested."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (int, float)) else None


def as_texts(value: object) -> tuple[str, ...]:
    """A list of words: a list, or one word, or a comma list."""
    if isinstance(value, str):
        return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)
    items = value if isinstance(value, list) else [value]
    return tuple(text for text in map(as_text, items) if text is not None)


def as_items(value: object) -> tuple[str, ...]:
    """A list of words that may contain commas, such as links: a list, or one word."""
    items = value if isinstance(value, list) else [value]
    return tuple(text for text in map(as_text, items) if text is not None)


def as_bool(value: object) -> bool | None:
    """Yes or no: a boolean, 0 or 1, or the words."""
    if isinstance(value, bool):
        return value
    return _WORDS.get(str(value).strip().lower()) if isinstance(value, (str, int, float)) else None


_WORDS = {"true": True, "1": True, "1.0": True, "yes": True, "false": False, "0": False, "0.0": False, "no": False}


def as_object(value: object) -> dict[str, Any]:
    """A map of names to values."""
    return value if isinstance(value, dict) else {}


def as_it_is(value: object) -> Any:
    """Something whose shape nobody has described."""
    return value


def as_decimal(value: object) -> decimal.Decimal | None:
    """Money and percents: a number or a numeric text, with the sign as given."""
    text = as_text(value)
    if text is None:
        return None
    try:
        amount = decimal.Decimal(text.strip().removeprefix("$").removesuffix("%"))
    except decimal.InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def as_integer(value: object) -> int | None:
    """A count: a number or a numeric text."""
    amount = as_decimal(value)
    try:
        return None if amount is None or abs(amount) > 10**18 else int(amount)
    except (ValueError, OverflowError):
        return None


_READERS: dict[Any, Callable[[object], Any]] = {
    str | None: as_text,
    tuple[str, ...]: as_texts,
    decimal.Decimal | None: as_decimal,
    int | None: as_integer,
    bool | None: as_bool,
    dict[str, Any]: as_object,
    Moment | None: times.read,
}
"""How a field of each type is read; `Annotated[type, reader]` names another reader."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A reply read field by field.

    `extra` holds what the server sent beyond the documented fields, and
    documented fields whose value could not be read.
    """

    extra: dict[str, Any] = {}

    ALIASES: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Other names under which a field may come, tried in order after its own."""

    OWN_NAMES: ClassVar[Mapping[str, str]] = {}
    """Fields that have another name here than on the wire, and that name."""

    PRIVATE: ClassVar[frozenset[str]] = PRIVATE

    PHONES: ClassVar[frozenset[str]] = frozenset({"phone", "proxy"})
    """Fields that hold phones: a `repr` shows them masked."""

    MAY_SAY_NO: ClassVar[tuple[Callable[[object], Any], ...]] = ()
    """Readers of fields in which a word stands for nothing, such as "No": it is not kept in `extra`."""

    @classmethod
    def read(cls, raw: object, *, endpoint: str = "") -> Self:
        """The value of one JSON object; UnreadableReply if it is not an object."""
        if not isinstance(raw, dict):
            raise UnreadableReply(f"expected an object, got {type(raw).__name__}", endpoint=endpoint)
        values: dict[str, Any] = {}
        extra = dict(raw)
        for field, reader, names in _plan(cls):
            for name in names:
                value = extra.pop(name, None)
                if value is None:
                    continue
                found = reader(value)
                if found is None or found == () or found == {}:
                    if value not in ("", [], {}) and reader not in cls.MAY_SAY_NO:
                        extra[name] = value
                elif values.setdefault(field, found) != found:
                    extra[name] = value
        return cls(**values, extra=extra)

    def __repr__(self) -> str:
        shown = []
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if value in (None, (), {}):
                continue
            if field in self.PHONES:
                masked = tuple(map(mask, value)) if isinstance(value, tuple) else mask(str(value))
                shown.append(f"{field}={masked!r}")
            elif field not in self.PRIVATE:
                shown.append(f"{field}={value!r}")
        return _PHONE.sub(lambda found: mask(found[0]), f"{type(self).__name__}({', '.join(shown)})")


_PLANS: dict[type, list[tuple[str, Callable[[object], Any], tuple[str, ...]]]] = {}


def _plan(cls: type[Model]) -> list[tuple[str, Callable[[object], Any], tuple[str, ...]]]:
    plan = _PLANS.get(cls)
    if plan is None:
        hints = typing.get_type_hints(cls, include_extras=True)
        plan = [
            (field, _reader(hints[field]), (cls.OWN_NAMES.get(field, field), *cls.ALIASES.get(field, ())))
            for field in cls.__struct_fields__
            if field != "extra"
        ]
        _PLANS[cls] = plan
    return plan


def _reader(hint: Any) -> Callable[[object], Any]:
    own: tuple[Callable[[object], Any], ...] = getattr(hint, "__metadata__", ())
    return own[0] if own else _READERS[hint]
