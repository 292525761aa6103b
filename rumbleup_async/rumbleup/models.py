"""What RumbleUp answers, as typed values that survive what the real server sends.

Lives here: structs and the tolerant reading of their fields. May import: errors, messaging.mask, rumbleup.times.

Every field may be missing, null or of a neighbouring type in a reply; then it is None or empty. Ids are `str`, whatever they
were. Fields the API may add are kept in `extra`. A `repr` shows no whole phone number and no text.
"""

from __future__ import annotations

import decimal
import re
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self

import msgspec

from rumbleup_async.errors import UnreadableReply
from rumbleup_async.messaging import mask
from rumbleup_async.rumbleup import times
from rumbleup_async.rumbleup.times import Moment

PRIVATE = frozenset({
    "phone", "proxy", "sender", "rupid", "text", "error_text", "name", "first_name", "last_name", "email", "street", "zipcode",
    "url", "descr", "question", "source", "contact_source", "custom1", "custom2", "custom3", "custom4", "custom5", "tracking",
    "extra", "raw",
})  # fmt: skip
"""Fields that a `repr` leaves out, or shows masked where they are phones: they say who somebody is or what was written."""

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


def as_phones(value: object) -> tuple[str, ...]:
    """Sending numbers: 11 digits with a leading 1 become 10, short codes and words such as `All` stay as they are."""
    return tuple(map(_ten_digits, as_texts(value)))


def _ten_digits(text: str) -> str:
    digits = re.sub(r"[\s().+-]", "", text)
    if not (digits.isascii() and digits.isdigit()):
        return text
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


def as_bool(value: object) -> bool | None:
    """Yes or no: a boolean, 0 or 1, or the words."""
    if isinstance(value, bool):
        return value
    return _WORDS.get(str(value).strip().lower()) if isinstance(value, (str, int, float)) else None


_WORDS = {"true": True, "1": True, "1.0": True, "yes": True, "false": False, "0": False, "0.0": False, "no": False}


def as_campaign(value: object) -> str | None:
    """The id of a TCR campaign; the API says "No" where there is none."""
    text = as_text(value)
    return None if text is None or text.strip().lower() in {"", "no", "none", "null"} else text


def as_filter(value: object) -> Any:
    """A filter: an object, or a text that holds one; text that does not stays text."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return value or None


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

    `extra` holds what the server sent beyond the documented fields, and documented fields whose value could not be read.
    """

    extra: dict[str, Any] = {}

    ALIASES: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Other names under which a field may come, tried in order after its own."""

    OWN_NAMES: ClassVar[Mapping[str, str]] = {}
    """Fields that have another name here than on the wire, and that name."""

    PRIVATE: ClassVar[frozenset[str]] = PRIVATE

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
                    if value not in ("", [], {}) and reader is not as_campaign:
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
            if field in {"phone", "proxy"}:
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


class Message(Model, frozen=True, kw_only=True):
    """A row of the message log: what send answers, what the log lists, what webhooks carry. Source: Message API page.

    `logid` is `rl_` and 32 hex characters. `status` is `received`, `delivered`, `undelivered`, `failed` or a newer word;
    None means not known yet: a send only schedules delivery. `price` is negative for a debit, in US dollars. Phones have 10
    digits. `tracking` has the id and domain of our short URL, in a shape nobody has described.
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
    tracking: Annotated[Any, as_it_is] = None

    @property
    def charge(self) -> decimal.Decimal | None:
        """What the message cost as a positive amount in US dollars; None if not told."""
        return None if self.price is None else abs(self.price)

    @property
    def incoming(self) -> bool:
        """Whether the contact wrote it: by status, else because sender and contact are the same phone."""
        if self.status:
            return self.status.lower() == "received"
        return bool(self.sender and self.phone) and _ten_digits(self.sender or "") == _ten_digits(self.phone or "")


class Contact(Model, frozen=True, kw_only=True):
    """A contact of the account, as message/next hands it out. Source: Message API and Contacts pages.

    `phone` has 10 digits and is the contact's id unless `rupid` says otherwise. `group`, `action` and `reaction` are lists
    of ids: groups it is in, projects it was texted in, projects it answered in. System flags: `dnd`, `bad`, `landline`,
    `unreachable`, `replied`, `rude`, `optin`.
    """

    cid: str | None = None
    rupid: str | None = None
    phone: Annotated[str, as_text] = ""
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
