"""What RumbleUp answers: messages and contacts, and the readers of fields that only its replies have.

Lives here: structs.
"""

from __future__ import annotations

import decimal
import re
import warnings
from typing import Annotated, Any, ClassVar

import msgspec

from rumbleup_async.provider.models import Model, as_it_is, as_text, as_texts
from rumbleup_async.provider.times import Moment


def as_phones(value: object) -> tuple[str, ...]:
    """Sending numbers: 11 digits with a leading 1 become 10, short codes and words such as `All` stay as they are."""
    return tuple(map(_ten_digits, as_texts(value)))


def _ten_digits(text: str) -> str:
    digits = re.sub(r"[\s().+-]", "", text)
    if not (digits.isascii() and digits.isdigit()):
        return text
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


def as_phone(value: object) -> str | None:
    """A phone: the API's samples have 10 digits, or 11 with a leading 1, which become 10. Other text stays as it is."""
    text = as_text(value)
    digits = _ten_digits(text or "")
    is_foreign = re.match(r"\s*\+(?!1)", text or "")
    return digits if len(digits) == 10 and not is_foreign else text


def as_group(value: object) -> str | None:
    """The id of a group: a number, a text, or a list of one."""
    return as_text(value[0] if isinstance(value, list) and len(value) == 1 else value)


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


class Message(Model, frozen=True, kw_only=True):
    """A row of the message log: what send answers, what the log lists, what webhooks carry. Source: Message API page.

    `logid` is `rl_` and 32 hex characters. `status` is `received`, `delivered`, `undelivered`, `failed` or a newer
    word; None means not known yet: a send only schedules delivery. `price` is negative for a debit, in US dollars.
    Phones have 10 digits. `tracking` has the id and domain of our short URL, in a shape nobody has described.
    """

    ALIASES: ClassVar = {"error_code": ("errcode",), "tcr_cid": ("campaignId",)}

    logid: str | None = None
    cid: str | None = None
    phone: Annotated[str | None, as_phone] = None
    proxy: Annotated[str | None, as_phone] = None
    sender: str | None = None
    action: str | None = None
    group: Annotated[str | None, as_group] = None
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


class ContactRecord(Model, frozen=True, kw_only=True):
    """A contact as the account keeps it, as message/next hands it out. Source: Message API and Contacts pages.

    `phone` has 10 digits and is the contact's id unless `rupid` says otherwise. `group`, `action` and `reaction` are
    lists of ids: groups it is in, projects it was texted in, projects it answered in. System flags: `dnd`, `bad`,
    `landline`, `unreachable`, `replied`, `rude`, `optin`.
    """

    cid: str | None = None
    rupid: str | None = None
    phone: Annotated[str, as_phone] = ""
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


def __getattr__(name: str) -> object:
    if name == "Contact":
        warnings.warn("rumbleup.models.Contact is called ContactRecord now", DeprecationWarning, stacklevel=2)
        return ContactRecord
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
