"""The nouns of texting: contacts, planned texts and what became of them.

Lives here: plain immutable values that every room may speak of. May import: nothing of ours.

A `repr` of these values never shows a whole phone number or a text: they end up in logs and tracebacks.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

SUPPRESSED = "suppressed"
"""The reason of a contact that the caller's suppression list names."""

ABSENT = "absent from the log"
"""The reason of a contact that the provider's log, read completely and late enough, does not show. Ledgers keep these words."""

FOUND = "found in the log"
"""What the reason of a contact begins with that is sent because the provider's log says so. Ledgers keep these words."""


def mask(phone: str) -> str:
    """A phone as it may be shown to anyone: the last two characters, the rest hidden."""
    return "*" * max(0, len(phone) - 2) + phone[-2:] if len(phone) > 4 else "*" * len(phone)


class State(enum.IntEnum):
    """Where a contact of a run stands. The numbers are stored in ledgers; never renumber them."""

    QUEUED = 0
    INTENT = 1
    SENT = 2
    REFUSED = 3
    SKIPPED = 4
    NOT_SENT = 5
    UNKNOWN = 6

    @property
    def word(self) -> str:
        """The state as reports write it: `queued`, `intent`, `sent`, `refused`, `skipped`, `not_sent`, `unknown`."""
        return self.name.lower()


class Contact(msgspec.Struct, frozen=True, gc=False):
    """One row of a contact list as it was read.

    `row` counts from 1 as the reader documents it; `phone` is the raw cell; `fields` maps normalised column names
    (lower case, words joined by `_`) to stripped values.
    """

    row: int
    phone: str
    fields: dict[str, str]

    def __repr__(self) -> str:
        return f"Contact(row={self.row}, phone={mask(self.phone)!r}, fields={sorted(self.fields)})"


class Skipped(msgspec.Struct, frozen=True, gc=False):
    """A row that is not to be texted, and why. `phone` is the normalised number, or the raw cell if it is unreadable.

    `kept`: as for `Planned`.
    """

    row: int
    phone: str
    reason: str
    kept: str | None = None

    def __repr__(self) -> str:
        return f"Skipped(row={self.row}, phone={mask(self.phone)!r}, reason={self.reason!r})"


class Planned(msgspec.Struct, frozen=True, gc=False):
    """A screened contact and the exact text planned for it.

    `phone` is in the provider's form: 10 digits, after the `phone_prefix` of the plan if there is one.
    `name` is what a contact created by the send is called.
    `segments` is the number of SMS parts the text takes.
    `kept`: columns of the list that go with the contact, as a JSON object.
    """

    row: int
    phone: str
    text: str
    name: str | None = None
    segments: int = 1
    kept: str | None = None

    def __repr__(self) -> str:
        return f"Planned(row={self.row}, phone={mask(self.phone)!r}, text=<{len(self.text)} characters>)"


class Text(msgspec.Struct, frozen=True, gc=False):
    """One text about to be sent; its intent is already durable. `attempts` counts the tries before this run of it, `reason` says
    why the last of them did not send it."""

    row: int
    phone: str
    text: str
    name: str | None = None
    attempts: int = 0
    reason: str = ""

    def __repr__(self) -> str:
        return f"Text(row={self.row}, phone={mask(self.phone)!r}, text=<{len(self.text)} characters>)"


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


class Closed(msgspec.Struct, frozen=True, gc=False):
    """The end of an entry that an intent opened, as the ledger stores it.

    `state` is where it goes (`QUEUED` gives it back: nothing left). `time` is Unix milliseconds, 0 if nothing was sent.
    """

    row: int
    state: State
    attempts: int
    reason: str = ""
    logid: str = ""
    time: int = 0


class Result(msgspec.Struct, frozen=True, gc=False):
    """What became of one contact, as a run hands it out once it is durable."""

    row: int
    phone: str
    state: State
    reason: str = ""
    logid: str = ""
    attempts: int = 0
    time: int = 0

    def __repr__(self) -> str:
        return f"Result(row={self.row}, phone={mask(self.phone)!r}, state={self.state.word!r}, reason={self.reason!r})"


class Doubt(msgspec.Struct, frozen=True, gc=False):
    """An `unknown` contact of a run, as the provider is asked about it.

    `time`: Unix milliseconds, of its intent or of the doubt. `until`: after this nothing of it can have left.
    """

    row: int
    phone: str
    text: str
    time: int
    until: int = 0

    def __repr__(self) -> str:
        return f"Doubt(row={self.row}, phone={mask(self.phone)!r}, text=<{len(self.text)} characters>)"


class Known(msgspec.Struct, frozen=True, gc=False):
    """A contact as its ledger knows it. `logid`: the one that it was sent with, "" if it is not `sent`.

    A contact that is `sent` is a witness: a log that is to be believed about others must show it. `is_found`: it is `sent` only
    because the log said so. `time`: as for `Doubt`.
    """

    row: int
    phone: str
    logid: str = ""
    time: int = 0
    is_found: bool = False

    def __repr__(self) -> str:
        return f"Known(row={self.row}, phone={mask(self.phone)!r}, logid={self.logid!r})"


class Findings(msgspec.Struct, frozen=True):
    """What the provider's own log says of some doubts.

    `found`: the logid of each row whose very text (phone, action and text the same) stands in the log. `absent`: the rows for
    which the log was read completely, showed a text that the ledger knows as `sent`, and has nothing. Rows in neither stay in
    doubt; `problem` says why there are such. `several`: of those found, how many times the log holds the text where that is more
    than once.

    `now`: what the provider's clock showed, in seconds since 1970, if it said so. `offset`: seconds by which the provider's
    times of the witnesses are later than the ledger's, the one that is furthest off; None if the log does not tell.
    """

    found: dict[int, str] = {}
    absent: frozenset[int] = frozenset()
    problem: str = ""
    several: dict[int, int] = {}
    now: float | None = None
    offset: float | None = None


class Settled(msgspec.Struct, frozen=True, gc=False):
    """What the provider's log has decided about a contact: `unknown` becomes `sent` (with its logid) or `not_sent`.

    Of one that was `absent` before: `sent` after all, or `queued`, to be sent again because the user asked for it.
    """

    row: int
    state: State
    reason: str = ""
    logid: str = ""


def run_tag(run: str) -> str:
    """The tag of a run's messages."""
    return f"run-{run}"


class Identity(msgspec.Struct, frozen=True):
    """Which server and which account a run belongs to. `server`: its address in one fixed form; `account`: a short hash of the
    key's public half."""

    provider: str
    server: str
    account: str


class Kept(msgspec.Struct, frozen=True):
    """How careful a run was told to be, as its ledger keeps it.

    `options`: those of pace and of rules that were given, as JSON values; what is not among them was left to its default.
    `suppressed`: ten digits each. `is_handed_in`: there was a container of phones that could only be asked, not stored.
    """

    options: dict[str, Any] = {}
    suppressed: frozenset[str] = frozenset()
    is_handed_in: bool = False

    def __repr__(self) -> str:
        return f"Kept(options={self.options!r}, suppressed=<{len(self.suppressed)} phones>)"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is about, as its ledger keeps it: everything a resume needs besides the contacts.

    `run`: ten letters. `action`: where the texts go, in the provider's terms (RumbleUp: the project's id). `text`: the
    template.
    `same_text`: the one text of all contacts where the template has no merge fields, so that it need not be stored a million
    times.
    `details`: settings of the provider's gateway, as JSON values; `phone_prefix` among them is what stands before the ten digits
    of a screened phone in this provider's form.
    """

    run: str
    provider: str
    action: str
    text: str
    same_text: str | None = None
    details: dict[str, Any] = {}

    @property
    def tag(self) -> str:
        """The tag that every message of this run carries, by which the provider's log can be searched for it."""
        return run_tag(self.run)

    def __repr__(self) -> str:
        return f"Plan(run={self.run!r}, provider={self.provider!r}, action={self.action!r})"
