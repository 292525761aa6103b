"""Whether a row of the message log is the text that somebody is in doubt about.

Lives here: pure decisions. May import: messaging, provider.times, rumbleup.models.

Two mistakes are possible, and neither may be made: to take somebody else's text for ours loses a contact; not to know ours again
texts a person twice. So there is a third answer, `PERHAPS`, and with it the contact stays in doubt.
"""

from __future__ import annotations

import enum
import re
import unicodedata

from rumbleup_async.messaging import Doubt, Plan
from rumbleup_async.provider import times
from rumbleup_async.rumbleup.models import Message

_MINUTE = 60_000.0
_HOUR = 60 * _MINUTE

BEFORE = 5 * _MINUTE
"""Milliseconds that a text of ours may bear a time before its doubt's: it was in flight for a while, times are cut to minutes,
clocks differ."""

AFTER = 2 * _HOUR
"""Milliseconds that it may bear a time later: it waited for a hold, and the server only schedules what it takes."""

SURELY_EARLIER = 14 * _HOUR
"""Milliseconds by which a time must lie before the doubt's to be an earlier text's in whatever zone it was written."""

_RUN_TAG = re.compile(r"run-[a-z]{10}")


class Verdict(enum.Enum):
    """What a row is to a doubt of the same phone."""

    OURS = enum.auto()
    PERHAPS = enum.auto()
    """It may be ours with something changed, or another one that looks like it."""
    OTHER = enum.auto()


class _When(enum.Enum):
    EARLIER = enum.auto()
    WITHIN = enum.auto()
    NEAR = enum.auto()
    """It may be within, if its zone is read in one way and not in the other."""
    FAR = enum.auto()


class Matcher:
    """Judges rows for one run: its project, its tag."""

    def __init__(self, plan: Plan) -> None:
        self._action = plan.action.strip()
        self._run = plan.run.lower()

    def bears_tag(self, row: Message) -> bool:
        """Whether the row carries the tag of the run, be it in other letters or with something around it."""
        return any(self._run in flag.lower() for flag in row.flags)

    def judge(self, row: Message, doubt: Doubt) -> Verdict:
        """What the row is to a doubt. Their phones are the same already."""
        tagged = self.bears_tag(row)
        same_text = row.text is not None and _plain(row.text) == _plain(doubt.text)
        same_action = None if row.action is None else row.action.strip() == self._action
        if is_incoming(row):
            return Verdict.PERHAPS if tagged else Verdict.OTHER
        if tagged:
            return Verdict.OURS if same_text and same_action is not False else Verdict.PERHAPS
        if same_action is False or any(_RUN_TAG.fullmatch(flag) for flag in row.flags):
            return Verdict.OTHER
        # Its tag was lost, or it is of an earlier run, of another program, of a person. Only the time can tell.
        when = _when(row, doubt)
        if when is _When.EARLIER and not same_text:
            return Verdict.OTHER
        if same_text:
            # However old it looks: a clock of ours may have been wrong when the doubt arose.
            return Verdict.OURS if same_action and when is _When.WITHIN else Verdict.PERHAPS
        return Verdict.OTHER if when is _When.FAR else Verdict.PERHAPS


def is_incoming(row: Message) -> bool:
    """Whether the contact wrote it."""
    return row.incoming or (row.sender is not None and _digits(row.sender) == _digits(row.phone or ""))


def _digits(phone: str) -> str:
    digits = re.sub(r"\D", "", phone, flags=re.ASCII)
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


def _plain(text: str) -> str:
    """The text without what may change on the way and changes nothing for the reader: line ends, outer blanks, how an accent is
    composed."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").strip())


def _when(row: Message, doubt: Doubt) -> _When:
    span = times.span(row.sent_time)
    if span is None or not doubt.time:
        return _When.NEAR
    first, last = span[0] - doubt.time, span[1] - doubt.time
    if last < -SURELY_EARLIER:
        return _When.EARLIER
    if first >= -BEFORE and last <= AFTER:
        return _When.WITHIN
    return _When.NEAR if last >= -BEFORE and first <= AFTER else _When.FAR
