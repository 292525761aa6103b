"""What one attempt to deliver a text came to, and what one request for a contact came to.

Lives here: plain immutable values, made by a provider and read by `retry`.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable

import msgspec

from rumbleup_async.messaging import mask

Alone = Callable[[], Awaitable[bool]]
"""Waits until no other answer can come behind one that says no, and tells whether none came. Where one came, nobody knows which
of the two belonged to the text, so that the text may have been taken."""


class Accepted(msgspec.Struct, frozen=True, gc=False, tag="accepted"):
    """The provider took the text for delivery. `logid` is its id in the provider's message log.

    `note`: what the ledger keeps beside it, such as the sending line.
    """

    logid: str
    note: str = ""


class Refused(msgspec.Struct, frozen=True, gc=False, tag="refused"):
    """The provider said no to this text: nothing was sent, nothing billed, and asking again would not help.

    `about_recipient` is true when the reason lies with this phone (a landline, an opt-out), so that other texts are
    not expected to meet it.
    """

    reason: str
    status: int = 0
    code: str = ""
    about_recipient: bool = False
    alone: Alone | None = None


class Throttled(msgspec.Struct, frozen=True, gc=False, tag="throttled"):
    """The provider answered "not now" instead of doing the work (429, 440). `after` is its wish in seconds, if any."""

    reason: str
    status: int
    after: float | None = None
    alone: Alone | None = None


class Barred(msgspec.Struct, frozen=True, gc=False, tag="barred"):
    """The provider refused for a cause that stands in the way of every text: nothing was sent.

    `kind` is one of `Bar`. The contact itself has done nothing wrong and may be sent once the cause is removed. `remedy`: what
    a person can do about it with this provider, if there is more to say than `Bar` tells.
    """

    kind: Bar
    reason: str
    status: int = 0
    code: str = ""
    remedy: str = ""
    alone: Alone | None = None


class Bar(enum.StrEnum):
    """Causes that concern the whole run, or something on the way to the provider.

    `GATEWAY`: the answer is none of the API's, but a page of whatever stands before it. `OTHER`: a no of the API's that does not
    say that it is about this text.
    """

    KEY_REFUSED = "key_refused"
    NOT_ALLOWED = "not_allowed"
    OPT_OUT_MISSING = "opt_out_missing"
    DAILY_CAP = "daily_cap"
    OUTSIDE_HOURS = "outside_hours"
    NO_LINE = "no_line"
    ACCOUNT = "account"
    GATEWAY = "gateway"
    OTHER = "other"


class NotSent(msgspec.Struct, frozen=True, gc=False, tag="not_sent"):
    """The text certainly did not leave: DNS, connect or TLS failed, or no connection came free in time.

    `address`: the setting from which the provider's address comes. `crowded`: as many connections are open as may be.
    """

    reason: str
    address: str = "its address"
    crowded: bool = False


class Unknown(msgspec.Struct, frozen=True, gc=False, tag="unknown"):
    """The text may have left: bytes were handed over and no complete, readable verdict came back. Never re-sent by itself."""

    reason: str
    status: int = 0


Outcome = Accepted | Refused | Throttled | Barred | NotSent | Unknown
"""What one attempt to deliver came to. Attempts return outcomes; exceptions are for mistakes and broken set-ups."""


class Drawn(msgspec.Struct, frozen=True, gc=False, tag="drawn"):
    """The provider handed out a contact and locked it for us. `barred` says why it must not be texted all the same, if so."""

    phone: str
    fields: dict[str, str]
    barred: str = ""

    def __repr__(self) -> str:
        return f"Drawn(phone={mask(self.phone)!r}, fields={sorted(self.fields)})"


class NoneLeft(msgspec.Struct, frozen=True, gc=False, tag="none_left"):
    """The provider has no contact left to hand out: the end of the work."""


class NoneNow(msgspec.Struct, frozen=True, gc=False, tag="none_now"):
    """Contacts remain, but none could be handed out this time: ask again in a couple of seconds."""


Draw = Drawn | NoneLeft | NoneNow | Refused | Throttled | Barred | NotSent | Unknown
"""What asking the provider for the next contact came to. Unknown: the answer was lost, and a contact may be locked for nobody."""
