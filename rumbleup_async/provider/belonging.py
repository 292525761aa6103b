"""Whether an answer to a send is about the text that was sent: what it names is compared with what was asked.

Lives here: pure functions over one answer, and what a gateway remembers of those before.

A kept connection on which one answer too many has come gives every text the answer to the text before it. Nothing
but the answers themselves can show that.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import Any

import msgspec

from rumbleup_async.errors import UnreadableReply
from rumbleup_async.outcomes import Accepted, Barred, Outcome, Refused, Throttled, Unknown
from rumbleup_async.patterns import when_used
from rumbleup_async.provider import decoding
from rumbleup_async.reasons import Code, Reason
from rumbleup_async.session.exchange import Fit, Response

_STRAY = frozenset({Code.ANOTHERS, Code.NOBODYS, Code.REPEATED})
"""Codes of an answer that belongs to another text, as far as it tells."""

_REMEMBERED = 4096
"""So many ids are remembered. An id that comes again comes on the same connection, so it comes soon."""


class Whose(enum.Enum):
    """Whom an answer is about."""

    OURS = "ours"
    NOBODYS = "nobodys"
    ANOTHERS = "anothers"


class Sent(msgspec.Struct, frozen=True, gc=False):
    """What was asked: the phone, the words, and the run's tag if there is one."""

    phone: str
    text: str
    tag: str = ""

    def __repr__(self) -> str:
        return "Sent()"


def whose(sent: Sent, phone: object, text: object, flags: object = None) -> Whose:
    """Whom an answer is about that names `phone`, `text` and `flags`.

    A phone decides, where one is named. Without it another text, or the tag of another run, is another's; the same text
    is no proof, for a whole list may get it.
    """
    found = _of_phone(sent.phone, phone)
    if found is not Whose.NOBODYS:
        return found
    if isinstance(text, str) and text and _folded(text) != _folded(sent.text):
        return Whose.ANOTHERS
    if sent.tag and isinstance(flags, (list, tuple)):
        runs = {flag for flag in flags if isinstance(flag, str) and flag.startswith("run-")}
        if runs and sent.tag not in runs:
            return Whose.ANOTHERS
    return Whose.NOBODYS


_PHONE = when_used(r"[\s\d().+/\-*xX#•·…]+(?:ext\.?\s*\d*)?|tel:[\d+-]+", re.ASCII | re.IGNORECASE)


def _of_phone(ours: str, named: object) -> Whose:
    """A phone may be written in any way, with an extension, or partly hidden: only what cannot be ours is another's."""
    if isinstance(named, bool) or not isinstance(named, (str, int, float)):
        return Whose.NOBODYS
    if named == ours:
        return Whose.OURS
    text = f"{named:.0f}" if isinstance(named, float) else str(named)
    pieces = re.findall(r"\d+", text, re.ASCII)
    ten = re.sub(r"\D", "", ours, flags=re.ASCII)[-10:]
    if not pieces or not _PHONE.fullmatch(text.strip()):
        return Whose.NOBODYS
    if ten in "".join(pieces):
        return Whose.OURS
    if len("".join(pieces)) < len(ten) and all(piece in ten for piece in pieces):
        return Whose.NOBODYS  # partly hidden
    return Whose.ANOTHERS


def _folded(text: str) -> str:
    return " ".join(text.split())


class Answers:
    """Judges the answers of one gateway, and learns what they hold. `read(response, redact)`: what an
    answer means for a text; `names(response, sent)`: whom it names; `usual(response, sent)`: both at
    once, for the answer that nearly all are."""

    def __init__(
        self,
        read: Callable[[Response, tuple[str, ...]], Outcome],
        names: Callable[[Response, Sent], Whose],
        usual: Callable[[Response, Sent], tuple[Accepted, Whose] | None] | None = None,
    ) -> None:
        self._usual = usual
        self._read = read
        self._names = names
        self._name_people = False
        """Answers of this server say whom they are about."""
        self._ids: dict[str, None] = {}
        self._differ = False
        """Ids of this server tell one text from another."""

    def to(self, sent: Sent, redact: tuple[str, ...]) -> Judge:
        """A judge of the answer to this text."""
        return Judge(self, sent, redact)

    def outcome(self, response: Response, sent: Sent, redact: tuple[str, ...]) -> tuple[Outcome, Fit]:
        """What an answer means for a text, and whether it belongs to it."""
        if self._usual is not None and (usual := self._usual(response, sent)) is not None:
            return self._accepted(*usual, response.status)
        outcome = self._read(response, redact)
        found = self._names(response, sent)
        if found is Whose.ANOTHERS:
            return Unknown(Reason(Code.ANOTHERS), response.status), Fit.UNFIT
        if isinstance(outcome, Unknown):
            return outcome, Fit.UNFIT
        if isinstance(outcome, Accepted):
            return self._accepted(outcome, found, response.status)
        return outcome, Fit.PROVEN if found is Whose.OURS else Fit.DENIED

    def _accepted(self, outcome: Accepted, found: Whose, status: int) -> tuple[Outcome, Fit]:
        is_new = outcome.logid not in self._ids
        if found is Whose.OURS:
            self._name_people = True
        elif self._name_people:
            return Unknown(Reason(Code.NOBODYS), status), Fit.UNFIT
        elif not is_new and self._differ:
            return Unknown(Reason(Code.REPEATED), status), Fit.UNFIT
        if is_new:
            self._differ = bool(self._ids)
            self._ids[outcome.logid] = None
            if len(self._ids) > _REMEMBERED:
                del self._ids[next(iter(self._ids))]
        return outcome, Fit.PROVEN if found is Whose.OURS else Fit.LIKELY


class Judge:
    """Judges one answer, and keeps what it means. An exchange asks it while the connection is still held."""

    __slots__ = ("_answers", "_judged", "_redact", "_sent")

    def __init__(self, answers: Answers, sent: Sent, redact: tuple[str, ...]) -> None:
        self._answers = answers
        self._sent = sent
        self._redact = redact
        self._judged: tuple[Response, Outcome] | None = None

    def __call__(self, response: Response) -> Fit:
        outcome, fit = self._answers.outcome(response, self._sent, self._redact)
        self._judged = (response, outcome)
        return fit

    def outcome(self, response: Response) -> Outcome:
        """What the answer means for the text."""
        judged = self._judged
        if judged is None or judged[0].body is not response.body or judged[0].status != response.status:
            self(response)  # an exchange that does not ask, such as a scripted one
            judged = self._judged
        assert judged is not None  # noqa: S101 - judged just now
        outcome = judged[1]
        if response.alone is not None and isinstance(outcome, (Refused, Throttled, Barred)):
            return msgspec.structs.replace(outcome, alone=response.alone)
        return outcome

    def check(self, response: Response | None, endpoint: str) -> None:
        """UnreadableReply for an answer that belongs to another text. `response`:
        None for one that only the exchange has had."""
        if response is not None:
            self.outcome(response)
        if self._judged is None:
            return
        outcome = self._judged[1]
        if isinstance(outcome, Unknown) and outcome.why.code in _STRAY:
            raise UnreadableReply(f"{outcome.reason}; the text may have been sent", status=outcome.status, endpoint=endpoint)


def read(names: type[Any], decode: Callable[[bytes], Any], response: Response) -> Any:
    """The fields `names` of an answer; without values where it is no object."""
    try:
        return decode(response.body)
    except decoding.BROKEN:
        pass
    try:
        return msgspec.convert(decoding.decode(response.body), names)
    except decoding.BROKEN:
        return names()
