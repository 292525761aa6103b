"""What is asked of the Sendblue API: its addresses, credentials, phones, lines and the body of a send.

Lives here: pure functions that check and write values. Source: the send reference.
"""

from __future__ import annotations

import re

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import mask
from rumbleup_async.provider import arguments, credentials
from rumbleup_async.screening.phones import normalise
from rumbleup_async.sendblue.models import SendStyle

DEFAULT_BASE_URL = "https://api.sendblue.co"

SEND = "/api/send-message"

STATUS = "/api/status"

MESSAGES = "/api/v2/messages"

MESSAGE = "/api/v2/messages/{id}"

OPT_OUT = "/api/v2/contacts/opt-out"

PREFIX = "+1"
"""What turns the ten digits of a screened contact into the E.164 form that Sendblue takes."""

LONGEST = 18_996
"""Characters of a message at most (send reference)."""


def headers(api_key: str, api_secret: str) -> dict[str, str]:
    """The two headers of the credentials."""
    credentials.check(api_key, "api_key")
    credentials.check(api_secret, "api_secret")
    given: tuple[object, ...] = (api_key, api_secret)
    for value in given:
        if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable() or " " in value:
            raise ConfigurationError("api_key and api_secret are the two words of the dashboard, without spaces or line breaks")
    return {"sb-api-key-id": api_key, "sb-api-secret-key": api_secret}


_E164 = re.compile(r"\+[1-9]\d{7,14}", re.ASCII).fullmatch


def e164(phone: str | int, what: str = "number") -> str:
    """A phone as Sendblue takes it, `+` and all digits. Without a `+` it is a US number; what is in doubt ConfigurationError."""
    text = str(phone).strip()
    if text.startswith("+") and not text.startswith("+1"):
        digits = re.sub(r"[\s().-]", "", text)
        if _E164(digits):
            return digits
        raise ConfigurationError(f"the {what} cannot be used; write it as +, the country code and the number")
    digits, reason = normalise(text)
    if reason:
        raise ConfigurationError(f"the {what} cannot be used: {reason}; write it as +, the country code and the number")
    return PREFIX + digits


def digits(phone: str | None) -> str:
    """The ten digits of a phone as Sendblue writes it; "" for anything but a number of +1."""
    number = (phone or "").removeprefix(PREFIX)
    return number if len(number) == 10 and number.isascii() and number.isdecimal() else ""


def line(phone: str | int) -> str:
    """One of the sender's own lines. It may be a number that a contact list would not hold, such as 555-0199."""
    text = re.sub(r"[\s().-]", "", str(phone))
    if re.fullmatch(r"1?\d{10}", text, re.ASCII):
        text = "+1" + text[-10:]
    if not _E164(text):
        raise ConfigurationError("a from number cannot be used; write it as +, the country code and the number")
    return text


def content(text: object) -> str:
    """The words of a message, checked."""
    words = arguments.written(text, "the content")
    if len(words) > LONGEST:
        raise ConfigurationError(f"the content has {len(words)} characters; Sendblue takes {LONGEST}")
    return words


def style(value: str | None) -> str | None:
    """A send style, one of `SendStyle`."""
    if value is None:
        return None
    try:
        return SendStyle(str(value)).value
    except ValueError:
        raise ConfigurationError(f"send_style must be one of {', '.join(SendStyle)}") from None


def link(value: str | None, what: str) -> str | None:
    """An address that Sendblue is to fetch or to call."""
    if value is None:
        return None
    given: object = value
    if not isinstance(given, str) or not re.match(r"https?://\S+\Z", given):
        raise ConfigurationError(f"{what} must be an http address")
    return value


class SendBody(msgspec.Struct, omit_defaults=True):
    """The JSON body of send-message."""

    number: str
    from_number: str
    content: str | None = None
    media_url: str | None = None
    send_style: str | None = None
    status_callback: str | None = None

    def __repr__(self) -> str:
        return f"SendBody(number={mask(self.number)!r}, from_number={mask(self.from_number)!r})"
