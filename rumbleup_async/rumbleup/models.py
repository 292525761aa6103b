"""What RumbleUp answers, as typed values that survive what the real server sends.

Lives here: structs and the tolerant reading of their fields. May import: errors, messaging.mask, rumbleup.times.

Every field may be missing, null or of a neighbouring type in a reply; then it is None or empty. Ids are `str`, whatever they
were. Fields the API may add are kept in `extra`. A `repr` shows no whole phone number and no text.
"""

from __future__ import annotations

import decimal
import typing
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import msgspec

from rumbleup_async.errors import UnreadableReply
from rumbleup_async.messaging import mask
from rumbleup_async.rumbleup import times
from rumbleup_async.rumbleup.times import Moment

_PRIVATE = frozenset({"phone", "proxy", "text", "name", "first_name", "last_name", "email", "street", "extra", "raw", "sender"})


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


def as_decimal(value: object) -> decimal.Decimal | None:
    """Money: a number or a numeric text, with the sign as given."""
    text = as_text(value)
    if text is None:
        return None
    try:
        amount = decimal.Decimal(text.strip().removeprefix("$"))
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
    Moment | None: times.read,
}


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A reply read field by field. `extra` holds what the server sent beyond the documented fields."""

    extra: dict[str, Any] = {}

    ALIASES: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Other names under which a field may come, tried in order after its own."""

    @classmethod
    def read(cls, raw: object, *, endpoint: str = "") -> Self:
        """The value of one JSON object; UnreadableReply if it is not an object."""
        if not isinstance(raw, dict):
            raise UnreadableReply(f"expected an object, got {type(raw).__name__}", endpoint=endpoint)
        values: dict[str, Any] = {}
        known: set[str] = set()
        for field, reader, names in _plan(cls):
            known.update(names)
            for name in names:
                if raw.get(name) is not None:
                    values[field] = reader(raw[name])
                    break
        values["extra"] = {key: value for key, value in raw.items() if key not in known}
        return cls(**values)

    def __repr__(self) -> str:
        shown = []
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if value in (None, (), {}):
                continue
            if field in {"phone", "proxy"} and isinstance(value, str):
                shown.append(f"{field}={mask(value)!r}")
            elif field not in _PRIVATE:
                shown.append(f"{field}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


_PLANS: dict[type, list[tuple[str, Callable[[object], Any], tuple[str, ...]]]] = {}


def _plan(cls: type[Model]) -> list[tuple[str, Callable[[object], Any], tuple[str, ...]]]:
    plan = _PLANS.get(cls)
    if plan is None:
        hints = typing.get_type_hints(cls)
        plan = [
            (field, _READERS[hints[field]], (field, *cls.ALIASES.get(field, ())))
            for field in cls.__struct_fields__
            if field != "extra"
        ]
        _PLANS[cls] = plan
    return plan


class Message(Model, frozen=True, kw_only=True):
    """A row of the message log: what send answers, what the log lists, what webhooks carry. Source: Message API page.

    `logid` is `rl_` and 32 hex characters. `status` is `received`, `delivered`, `undelivered`, `failed` or a newer word;
    None means not known yet: a send only schedules delivery. `price` is negative for a debit, in US dollars. Phones have 10
    digits.
    """

    ALIASES = {"error_code": ("errcode",), "tcr_cid": ("campaignId",)}

    logid: str | None = None
    cid: str | None = None
    phone: str | None = None
    proxy: str | None = None
    sender: str | None = None
    action: str | None = None
    group: str | None = None
    name: str | None = None
    text: str | None = None
    file: str | None = None
    flags: tuple[str, ...] = ()
    status: str | None = None
    status_code: str | None = None
    error_code: str | None = None
    error_subcode: str | None = None
    error_text: str | None = None
    tcr_cid: str | None = None
    price: decimal.Decimal | None = None
    sent_time: Moment | None = None
    update_time: Moment | None = None
    contact_flags: tuple[str, ...] = ()
    contact_source: str | None = None

    @property
    def charge(self) -> decimal.Decimal | None:
        """What the message cost as a positive amount in US dollars; None if not told."""
        return None if self.price is None else abs(self.price)

    @property
    def incoming(self) -> bool:
        """Whether the contact wrote it: by status, else because sender and contact are the same phone."""
        if self.status:
            return self.status.lower() == "received"
        return self.sender is not None and self.sender == self.phone


class Contact(Model, frozen=True, kw_only=True):
    """A contact of the account, as message/next hands it out. Source: Message API and Contacts pages.

    `phone` has 10 digits and is the contact's id unless `rupid` says otherwise. `group`, `action` and `reaction` are lists
    of ids: groups it is in, projects it was texted in, projects it answered in. System flags: `dnd`, `bad`, `landline`,
    `unreachable`, `replied`, `rude`, `optin`.
    """

    cid: str | None = None
    rupid: str | None = None
    phone: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    street: str | None = None
    city: str | None = None
    zipcode: str | None = None
    county: str | None = None
    url: str | None = None
    icon: str | None = None
    descr: str | None = None
    question: str | None = None
    source: str | None = None
    custom1: str | None = None
    custom2: str | None = None
    custom3: str | None = None
    custom4: str | None = None
    custom5: str | None = None
    flags: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    action: tuple[str, ...] = ()
    reaction: tuple[str, ...] = ()
    create_time: Moment | None = None
    update_time: Moment | None = None
    sent_time: Moment | None = None
