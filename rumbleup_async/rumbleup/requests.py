"""What is asked of the RumbleUp API: its addresses, credentials, phones, tags and the body of a send.

Lives here: pure functions that check and write values. Sources: the API overview page (auth, paging) and the Message API page.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

import msgspec

from rumbleup_async.errors import ConfigurationError
from rumbleup_async.messaging import mask
from rumbleup_async.provider import credentials
from rumbleup_async.screening.phones import normalise

DEFAULT_BASE_URL = "https://app.rumbleup.com/api"

SEND = "/message/send"

NEXT = "/message/next"

LOG = "/message/log/select"


def auth_header(api_key: str, scheme: str = "basic") -> str:
    """The Authorization header of an API key, which is the pair `KEY:SECRET` (or the legacy pair `CID:KEY`, basic only)."""
    credentials.check(api_key, "the API key")
    user, colon, secret = api_key.partition(":")
    if not (user and colon and secret):
        raise ConfigurationError("the API key must be the pair KEY:SECRET; the portal shows it under Integrations, API Keys")
    if not api_key.isprintable() or not api_key.isascii() or " " in api_key:
        raise ConfigurationError("the API key contains a space, a line break or another character that no key has")
    if scheme == "basic":
        return "Basic " + base64.b64encode(api_key.encode()).decode()
    if scheme == "bearer":
        if user.startswith("c_"):
            raise ConfigurationError("a legacy key (c_...) works with auth='basic' only")
        return "Bearer " + api_key
    raise ConfigurationError("auth must be 'basic' or 'bearer'")


def phone_digits(phone: str | int) -> str:
    """The 10 digits RumbleUp knows a phone by, read as a contact list's are; what is in doubt is a ConfigurationError."""
    digits, reason = normalise(str(phone))
    if reason:
        raise ConfigurationError(f"the phone cannot be used: {reason}; it must have 10 digits, with or without +1 in front")
    return digits


def log_phone(phone: str | int) -> str:
    """The same for searching: any 10 digits, for the log may hold what a list would not."""
    digits = re.sub(r"\D", "", str(phone), flags=re.ASCII)
    if len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]
    if len(digits) != 10:
        raise ConfigurationError("a phone to search for must have 10 digits, with or without +1 in front")
    return digits


class SendBody(msgspec.Struct, omit_defaults=True):
    """The JSON body of message/send. `action` travels as text, as the Message API page has it."""

    phone: str
    action: str
    text: str
    flags: tuple[str, ...] = ()
    name: str | None = None
    group: int | str | None = None

    def __repr__(self) -> str:
        return f"SendBody(phone={mask(self.phone)!r}, action={self.action!r})"


def comma(values: str | int | Iterable[str | int]) -> str:
    """A comma list, as the API takes lists in queries; a value that contains a comma is refused."""
    texts = [str(values)] if isinstance(values, (str, int)) else [str(value) for value in values]
    if not all(text.strip() for text in texts):
        raise ConfigurationError("an empty filter would search for everything; leave it out, or do not ask")
    if isinstance(values, (str, int)):
        return texts[0]
    if any("," in text for text in texts):
        raise ConfigurationError("a value of a comma list must not contain a comma")
    if not texts:
        raise ConfigurationError("an empty list would search for everything; leave the filter out, or do not ask")
    return ",".join(texts)


def tags(flags: Iterable[str]) -> tuple[str, ...]:
    """Tags for a message; ConfigurationError for one word instead of a list, and for what the log could not be searched for."""
    if isinstance(flags, (str, bytes)):
        raise ConfigurationError("flags is a list of tags, not one word")
    texts = tuple(str(flag) for flag in flags)
    if any(not text.strip() or "," in text or not text.isprintable() for text in texts):
        raise ConfigurationError("a tag must be a word without commas")
    return texts


def project_id(action: str | int) -> str:
    """The id of a project as it travels; ConfigurationError for none, and for what no project has for an id.

    An id is a small integer, seen both as number and as string. What was given instead is not repeated: it may be a key.
    """
    given: object = action
    text = str(given).strip() if isinstance(given, (str, int)) and not isinstance(given, bool) else ""
    if not text.isascii() or not text.isdigit():
        raise ConfigurationError(
            "action is the id of the project to send into: a number such as 125, not a name; the portal shows it with the project"
        )
    return text
