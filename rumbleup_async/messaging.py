"""The nouns of texting: contacts, planned texts and what became of them.

Lives here: plain immutable values that every room may speak of.

A `repr` of these values never shows a whole phone number or a text: they end up in logs and tracebacks.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rumbleup_async.money import Bounded
from rumbleup_async.reasons import NO_REASON, Code, Reason


def mask(phone: str) -> str:
    """A phone as it may be shown to anyone: the last two characters, the rest hidden."""
    return "*" * max(0, len(phone) - 2) + phone[-2:] if len(phone) > 4 else "*" * len(phone)


class State(enum.StrEnum):
    """Where a contact of a run stands, in the words of reports: `str(State.NOT_SENT)` is "not_sent"."""

    QUEUED = "queued"
    INTENT = "intent"
    SENT = "sent"
    REFUSED = "refused"
    SKIPPED = "skipped"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"

    @property
    def word(self) -> str:
        """The state as reports write it; the same as `str(state)`."""
        return str(self.value)


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
    why: Reason
    kept: str | None = None

    @property
    def reason(self) -> str:
        """The words for `why`."""
        return str(self.why)

    def __repr__(self) -> str:
        return f"Skipped(row={self.row}, phone={mask(self.phone)!r}, reason={self.reason!r})"


class Planned(msgspec.Struct, frozen=True, gc=False):
    """A screened contact and the exact text planned for it.

    `phone` is in the provider's form: 10 digits, after the `phone_prefix` of the plan if there is one.
    `name` is what a contact created by the send is called, `segments` the number of SMS parts the text takes.
    `kept`: columns of the list that go with the contact, as a JSON object.
    `place`: whose opening times bind the text; 0: it may leave at any time. `kind`: whose text it is, a number; 0: the plain one.
    """

    row: int
    phone: str
    text: str
    name: str | None = None
    segments: int = 1
    kept: str | None = None
    place: int = 0
    kind: int = 0

    def __repr__(self) -> str:
        return f"Planned(row={self.row}, phone={mask(self.phone)!r}, text=<{len(self.text)} characters>)"


class Text(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One text about to be sent; its intent is already durable. `attempts` counts the tries before this run of it, `why` says
    why the last of them did not send it. `segments` and `place` are those of the contact. It must leave before `until` and not
    before `since`, in Unix seconds: its place was open at `since`, and is shut from `until` on. 0 stands for any time."""

    row: int
    phone: str
    text: str
    name: str | None = None
    attempts: int = 0
    why: Reason = NO_REASON
    segments: int = 1
    place: int = 0
    until: float = 0.0
    since: float = 0.0

    def __repr__(self) -> str:
        return f"Text(row={self.row}, phone={mask(self.phone)!r}, text=<{len(self.text)} characters>)"


class Closed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The end of an entry that an intent opened, as the ledger stores it.

    `state` is where it goes (`QUEUED` gives it back: nothing left). `time` is Unix milliseconds, 0 if nothing was sent.
    `due`: one that is given back is put off until this Unix second; 0 leaves it to whoever begins the queue anew. `price`:
    micro-dollars. `is_general`, not stored: `REFUSED` for what does not name its recipient; believed once another was accepted.
    """

    row: int
    state: State
    attempts: int
    why: Reason = NO_REASON
    logid: str = ""
    time: int = 0
    due: float = 0.0
    is_general: bool = False
    price: int = 0

    @property
    def reason(self) -> str:
        """The words for `why`."""
        return str(self.why)


class Result(msgspec.Struct, frozen=True, gc=False):
    """What became of one contact, as a run hands it out once it is durable.

    `reason` is the words for people, `code` what a program goes by; both are made of `why`.
    """

    row: int
    phone: str
    state: State
    why: Reason = NO_REASON
    logid: str = ""
    attempts: int = 0
    time: int = 0

    @property
    def reason(self) -> str:
        """Why the contact stands where it stands, in words; "" where there is nothing to say."""
        return str(self.why)

    @property
    def code(self) -> Code:
        """The code of the reason, one of docs/reasons.md; `Code.NONE` where there is nothing to say."""
        return self.why.code

    def as_dict(self) -> dict[str, str | int]:
        """Row, phone, state, reason, code of the reason, logid, attempts and time, as plain words and numbers.

        `time`: Unix milliseconds, 0 if nothing was sent.
        """
        return {
            "row": self.row,
            "phone": self.phone,
            "state": str(self.state),
            "reason": self.reason,
            "code": str(self.code),
            "logid": self.logid,
            "attempts": self.attempts,
            "time": self.time,
        }

    def __repr__(self) -> str:
        return f"Result(row={self.row}, phone={mask(self.phone)!r}, state={str(self.state)!r}, reason={self.reason!r})"


class Owner(msgspec.Struct, frozen=True):
    """Who has opened entries of a ledger: a process at work, or one that is no more.

    `is_dead`: it certainly sends nothing any more, so its entries may be expired: the ledger has proof of it, such as a file
    lock that only a living process holds, or a lease that has ended.
    """

    id: int
    name: str
    is_dead: bool = False


class Second(msgspec.Struct, frozen=True):
    """What happened in one second of a run, for whoever looks at the run from another process.

    `at`: Unix seconds. `throttled`: answers "not now". `held`: seconds of this second in which nothing could leave. `latencies`:
    how many of the answers that were timed, those of every sixteenth row or all, took at most so long, by the bounds of
    `LATENCIES`; the last counts those that took longer. `rate`: texts a second that the provider lets through, as far as that
    is known.
    """

    at: int
    sent: int = 0
    refused: int = 0
    unknown: int = 0
    throttled: int = 0
    held: float = 0.0
    latencies: tuple[int, ...] = ()
    rate: float | None = None


LATENCIES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds: the upper bounds of the buckets in which answers are counted."""


NO_REASONS: Final[Mapping[int, Reason]] = {}
"""There is nothing to say of any row, or place."""
NONE_SHUT: Final[Mapping[int, float]] = {}
"""No place is shut at any time: for places, the Unix second at which they are shut."""


class Step(msgspec.Struct, frozen=True):
    """What one durable step of a ledger has done. `texts`: those whose intent is durable now. `results`: contacts that the rules
    have turned away in this step, and of a fenced owner (`is_fenced`), who opens nothing any more, those that its proof has made
    `sent`. Only where fewer texts came than were wanted: `due` is when the first text that was put off may leave (Unix seconds),
    `shut` names the places that have queued contacts and are shut now, `is_more` says that so many were turned away that the step
    ended before the queue: ask again at once. `senders`: processes that share the run and its rate; `bounds`: what is counted for
    all of them.
    """

    texts: list[Text] = []
    results: list[Result] = []
    is_fenced: bool = False
    due: float | None = None
    shut: frozenset[int] = frozenset()
    is_more: bool = False
    senders: int = 1
    bounds: Bounded | None = None


def run_tag(run: str) -> str:
    """The tag of a run's messages. Its test texts are of the run `test-ID`, which is its own tag."""
    return run if run.startswith("test-") else f"run-{run}"


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
