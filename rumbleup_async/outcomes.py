"""What one attempt to deliver a text came to, and what one request for a contact came to.

Lives here: plain immutable values, made by a provider and read by `retry`.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from rumbleup_async.messaging import mask
from rumbleup_async.reasons import NO_REASON, Code, Reason

Alone = Callable[[], Awaitable[bool]]
"""Waits until no other answer can come behind one that says no, and tells whether none came. Where one came, nobody knows which
of the two belonged to the text, so that the text may have been taken."""


class Accepted(msgspec.Struct, frozen=True, gc=False, tag="accepted"):
    """The provider took the text for delivery. `logid` is its id in the provider's message log.

    `why`: what the ledger keeps beside it, such as the sending line. `price`: micro-dollars, 0 if the answer names none.
    """

    logid: str
    why: Reason = NO_REASON
    price: int = 0


class Refused(msgspec.Struct, frozen=True, gc=False, tag="refused"):
    """The provider said no to this text: nothing was sent, nothing billed, and asking again would not help.

    `about_recipient` is true when the reason lies with this phone (a landline, an opt-out), so that other texts are
    not expected to meet it.
    """

    why: Reason
    status: int = 0
    code: str = ""
    about_recipient: bool = False
    alone: Alone | None = None

    @property
    def reason(self) -> str:
        """The words for `why`."""
        return str(self.why)


class Throttled(msgspec.Struct, frozen=True, gc=False, tag="throttled"):
    """The provider answered "not now" instead of doing the work (429, 440). `after` is its wish in seconds, if any."""

    why: Reason
    status: int
    after: float | None = None
    alone: Alone | None = None

    @property
    def reason(self) -> str:
        """The words for `why`."""
        return str(self.why)


class Barred(msgspec.Struct, frozen=True, gc=False, tag="barred"):
    """The provider refused for a cause that stands in the way of every text: nothing was sent.

    `kind` is one of `Bar`. The contact itself has done nothing wrong and may be sent once the cause is removed. `remedy`: what
    a person can do about it with this provider, if there is more to say than `Bar` tells.
    """

    kind: Bar
    why: Reason
    status: int = 0
    code: str = ""
    remedy: str = ""
    alone: Alone | None = None

    @property
    def reason(self) -> str:
        """The words for `why`."""
        return str(self.why)


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


CODES: Final[Mapping[Bar, Code]] = {
    Bar.KEY_REFUSED: Code.KEY_REFUSED,
    Bar.NOT_ALLOWED: Code.NOT_ALLOWED,
    Bar.OPT_OUT_MISSING: Code.OPT_OUT_MISSING,
    Bar.DAILY_CAP: Code.DAILY_CAP,
    Bar.OUTSIDE_HOURS: Code.OUTSIDE_HOURS,
    Bar.NO_LINE: Code.NO_LINE,
    Bar.ACCOUNT: Code.ACCOUNT,
    Bar.GATEWAY: Code.GATEWAY,
    Bar.OTHER: Code.OTHER_NO,
}
"""The code of the reason of a text that met one of these."""


def barred(kind: Bar, detail: str, status: int = 0, code: str = "", remedy: str = "") -> Barred:
    """The outcome for this cause; `detail`: what the provider said."""
    return Barred(kind, Reason(CODES[kind], detail), status, code, remedy)


class NotSent(msgspec.Struct, frozen=True, gc=False, tag="not_sent"):
    """The text certainly did not leave: DNS, connect or TLS failed, or no connection came free in time.

    `address`: the setting from which the provider's address comes. `crowded`: as many connections are open as may be.
    """

    why: Reason
    address: str = "its address"
    crowded: bool = False

    @property
    def reason(self) -> str:
        """The words for `why`."""
        return str(self.why)


class Unknown(msgspec.Struct, frozen=True, gc=False, tag="unknown"):
    """The text may have left: bytes were handed over and no complete, readable verdict came back. Never re-sent by itself.

    `after`: for how many seconds a provider in trouble wishes to be left alone, if it says so.
    """

    why: Reason
    status: int = 0
    after: float | None = None

    @property
    def reason(self) -> str:
        """The words for `why`."""
        return str(self.why)


Outcome = Accepted | Refused | Throttled | Barred | NotSent | Unknown
"""What one attempt to deliver came to. Attempts return outcomes; exceptions are for mistakes and broken set-ups."""


class Drawn(msgspec.Struct, frozen=True, gc=False, tag="drawn"):
    """The provider handed out a contact and locked it for us. `barred` says why it must not be texted all the same, if so."""

    phone: str
    fields: dict[str, str]
    barred: Reason = NO_REASON

    def __repr__(self) -> str:
        return f"Drawn(phone={mask(self.phone)!r}, fields={sorted(self.fields)})"


class NoneLeft(msgspec.Struct, frozen=True, gc=False, tag="none_left"):
    """The provider has no contact left to hand out: the end of the work."""


class NoneNow(msgspec.Struct, frozen=True, gc=False, tag="none_now"):
    """Contacts remain, but none could be handed out this time: ask again in a couple of seconds."""


Draw = Drawn | NoneLeft | NoneNow | Refused | Throttled | Barred | NotSent | Unknown
"""What asking the provider for the next contact came to. Unknown: the answer was lost, and a contact may be locked for nobody."""
